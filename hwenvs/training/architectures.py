"""Trains architectures of a search space from scratch: what tables are there to predict."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwenvs.calibration.digests import digest_of, lesson_digest
from hwenvs.calibration.fidelity import spearman
from hwenvs.calibration.images import Preprocessing, dataset_folder, find_dataset, load_pixels
from hwenvs.calibration.journal import Journal
from hwenvs.networks import get_space
from hwenvs.networks.modules import fresh_module
from hwenvs.networks.spaces import SPREAD
from hwenvs.training.classifier import ClassifierTraining, accuracy
from hwenvs.training.settings import Settings
from hwenvs.training.teacher import Teacher, load_teacher
from hwenvs.training.zoo import NORMALISATION

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Predict = Callable[[Ints], Floats]
Progress = Callable[[str, int, int], None]

DRAWN = 2000
"""Random architectures that a choice is made from."""

DIGESTS = ("lesson", "tests")
"""What the journal knows the images and the teacher by; older ones do not tell."""

TEST, TRAIN = 1, 2
"""Where :func:`hwenvs.calibration.images.find_dataset` names the splits."""


@dataclass(frozen=True)
class Task:
    """An architecture to train.

    Attributes:
        space: name of the search space.
        design: its operators.
        settings: how to train.
        out: folder for checkpoints.
        data: folder with the data sets, or None for ``HWENVS_DATA``.
        teacher: network of the zoo whose answers are learnt from, or None.
    """

    space: str
    design: tuple[int, ...]
    settings: Settings
    out: Path
    data: Path | None
    teacher: str | None = None

    @property
    def key(self) -> str:
        """What it is called in the journal."""
        return f"trained/{''.join(map(str, self.design))}"


def across_the_range(space: str, predict: Predict, count: int, seed: int) -> Ints:
    """``count`` architectures [count, T], evenly spread over ranks of predicted accuracy.

    Args:
        space: name of the search space.
        predict: accuracies [B] of designs [B, T].
        count: architectures.
        seed: of the architectures that they are chosen from.
    """
    drawn = get_space(space).sample(DRAWN, seed, SPREAD)
    order = np.argsort(predict(drawn), kind="stable")
    chosen: Ints = drawn[order[np.linspace(0, len(order) - 1, count).round().astype(int)]]
    return chosen


def train_all(
    tasks: Sequence[Task], workers: int = 1, progress: Progress | None = None
) -> list[float]:
    """Accuracies of ``tasks`` on all test images; what the journal holds is not trained again.

    Args:
        tasks: of one space and one schedule, with the same images and teacher.
        workers: processes, one thread each.
        progress: called after every architecture.

    Raises:
        DataError: if the folder holds results of another schedule, of other images or of another
            teacher, or images are missing.
        ArgumentError: if the teacher does not know what is to be learnt.
    """
    first = tasks[0]
    asked = {
        "space": first.space,
        "teacher": first.teacher,
        **asdict(first.settings),
        **_digests(first),
    }
    path = first.out / f"{first.space}.trained.journal.jsonl"
    journal = Journal(path, asked, untold=DIGESTS)
    todo = [task for task in tasks if task.key not in journal]
    done = len(tasks) - len(todo)
    if progress is not None:
        progress("architectures", done, len(tasks))
    for task, right in _results(todo, workers):
        journal.add(task.key, design=list(task.design), top1=right)
        done += 1
        if progress is not None:
            progress("architectures", done, len(tasks))
    return [float(journal.records[task.key]["top1"]) for task in tasks]


def report(predicted: Floats, trained: Sequence[float], settings: Settings) -> dict[str, Any]:
    """What a card says about it."""
    rank = spearman(predicted, np.array(trained))
    return {
        "architectures": len(trained),
        "epochs": settings.epochs,
        "predicted": [round(float(value), 4) for value in predicted],
        "trained": [round(float(value), 4) for value in trained],
        "spearman": round(rank, 4) if np.isfinite(rank) else None,
    }


def _results(tasks: Sequence[Task], workers: int) -> Iterator[tuple[Task, float]]:
    if workers == 1:
        yield from ((task, train_architecture(task)) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context) as pool:
        futures = {pool.submit(train_architecture, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def train_architecture(task: Task) -> float:
    """Trains one architecture on one thread; returns its accuracy on all test images.

    Stopped in the middle, it goes on from its last epoch.
    """
    torch.set_num_threads(1)
    space, preprocessing = get_space(task.space), _preprocessing(task.space)
    module = fresh_module(space.network(task.design), task.settings.seed)
    checkpoint = task.out / f"{task.space}.{''.join(map(str, task.design))}.checkpoint.pt"
    ClassifierTraining(
        module, *_pixels(task, TRAIN), preprocessing, task.settings, checkpoint, _teacher(task)
    ).run()
    right = accuracy(module, *_pixels(task, TEST), preprocessing, space.resolution)
    checkpoint.unlink()
    return right


def _digests(task: Task) -> dict[str, str]:
    """What results rest on besides the schedule."""
    teacher = _teacher(task)
    taught = lesson_digest(*_pixels(task, TRAIN), None if teacher is None else teacher.network)
    return dict(zip(DIGESTS, (taught, digest_of(*_pixels(task, TEST))), strict=True))


def _preprocessing(space: str) -> Preprocessing:
    facts = NORMALISATION.get(find_dataset(space)[0], {})
    return Preprocessing.from_metadata(facts, get_space(space).resolution)


def _pixels(task: Task, split: int) -> tuple[Tensor, Tensor]:
    """All images ``[N, C, S, S]`` uint8 of a split, and labels."""
    found = find_dataset(task.space)
    folder = dataset_folder(found[0], task.data)
    return load_pixels(folder, found[split], None, None, _preprocessing(task.space).channels)


def _teacher(task: Task) -> Teacher | None:
    if task.teacher is None:
        return None
    return load_teacher(task.teacher, get_space(task.space), task.data)
