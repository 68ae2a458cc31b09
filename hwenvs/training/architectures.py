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

from hwenvs.calibration.fidelity import spearman
from hwenvs.calibration.images import Preprocessing, dataset_folder, find_dataset, load_pixels
from hwenvs.calibration.journal import Journal
from hwenvs.networks import get_space
from hwenvs.networks.modules import fresh_module
from hwenvs.training.classifier import ClassifierTraining, accuracy
from hwenvs.training.settings import Settings
from hwenvs.training.zoo import NORMALISATION, load_teacher

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Predict = Callable[[Ints], Floats]
Progress = Callable[[str, int, int], None]

DRAWN, SPREAD = 2000, 1.5
"""Random architectures that a choice is made from, and how they are drawn."""


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
        tasks: of one space and one schedule.
        workers: processes, one thread each.
        progress: called after every architecture.

    Raises:
        DataError: if the folder holds results of another schedule, or images are missing.
    """
    first = tasks[0]
    asked = {"space": first.space, "teacher": first.teacher, **asdict(first.settings)}
    journal = Journal(first.out / f"{first.space}.trained.journal.jsonl", asked)
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
    space = get_space(task.space)
    dataset, test, train = find_dataset(task.space)
    folder = dataset_folder(dataset, task.data)
    preprocessing = Preprocessing.from_metadata(NORMALISATION.get(dataset, {}), space.resolution)
    images, labels = load_pixels(folder, train, None, None, preprocessing.channels)
    module = fresh_module(space.network(task.design), task.settings.seed)
    checkpoint = task.out / f"{task.space}.{''.join(map(str, task.design))}.checkpoint.pt"
    teacher = None if task.teacher is None else load_teacher(task.teacher, task.data)
    ClassifierTraining(
        module, images, labels, preprocessing, task.settings, checkpoint, teacher
    ).run()
    images, labels = load_pixels(folder, test, None, None, preprocessing.channels)
    right = accuracy(module, images, labels, preprocessing, space.resolution)
    checkpoint.unlink()
    return right
