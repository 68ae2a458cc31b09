"""Fine-tuning of a final design: the compressed network, trained on for a few epochs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from hwenvs.calibration.bench import Bench, Measurement, compare
from hwenvs.calibration.digests import digest_of, lesson_digest, weights_digest
from hwenvs.calibration.images import Preprocessing, find_dataset
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.errors import ArgumentError
from hwenvs.export import tensors
from hwenvs.training.classifier import ClassifierTraining, Progress
from hwenvs.training.folded_module import FoldedModule
from hwenvs.training.lessons import Lesson
from hwenvs.training.settings import SUITED, Settings
from hwenvs.training.teacher import Teacher

TUNABLE = ("channel_pruning", "fine_grained_pruning")
"""Families whose networks can be trained on as they are."""

CLIP_NORM = 1.0
"""Largest norm of a step's gradient."""


@dataclass(frozen=True)
class Tuned:
    """What fine-tuning left.

    Attributes:
        path: the weights, as ``hwenvs export --format safetensors`` writes them.
        full: the uncompressed network on the evaluation images.
        before: the compressed network, not trained on.
        after: the compressed network, trained on.
        epochs: that it was trained on for.
        losses: mean of every epoch.
    """

    path: Path
    full: Measurement
    before: Measurement
    after: Measurement
    epochs: int
    losses: tuple[float, ...]


def check_tunable(family: str) -> None:
    """Refuses families whose networks cannot simply be trained on.

    Raises:
        ArgumentError: if ``family`` is one; the message names those that can.
    """
    if family not in TUNABLE:
        valid = ", ".join(TUNABLE).replace("_", "-")
        raise ArgumentError(
            f"{family.replace('_', '-')} cannot be fine-tuned: rounded or shared weights and "
            "rounded inputs need straight-through gradients, which there are none here; "
            f"valid: {valid}"
        )


def tuning_settings(
    network: str, preprocessing: Preprocessing, epochs: int, dataset: str | None = None
) -> Settings:
    """Settings that suit a folded network which was trained before.

    Args:
        network: network of the zoo.
        preprocessing: how it wants its images.
        epochs: passes over the training images.
        dataset: see :func:`hwenvs.calibration.images.find_dataset`.
    """
    folder = find_dataset(network, dataset)[0]
    return replace(
        # Erased squares ask for longer training than a few epochs.
        Settings(**SUITED.get(folder, {"erase": 0})),
        epochs=epochs,
        resolution=preprocessing.resolution,
        learning_rate=0.01,
        # Nothing normalises activations: one long step could ruin what was learnt.
        clip_norm=CLIP_NORM,
        warmup=epochs / 10,
    )


def finetune_design(
    bench: Bench,
    design: Sequence[int],
    lesson: Lesson,
    settings: Settings,
    out: Path,
    taught: bool = True,
    until: int | None = None,
    progress: Progress | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Tuned:
    """Compresses the real network to ``design``, trains it on, measures and writes it.

    The file is ``out/<network>.safetensors``; a checkpoint beside it holds the run after every
    epoch, and the same call continues from it.

    Args:
        bench: the real network and its images, in float32.
        design: one entry a decision.
        lesson: what to learn from.
        settings: how to train.
        out: folder for weights and checkpoint.
        taught: whether the full network's answers are learnt from besides the labels.
        until: stop after this epoch.
        progress: see :data:`hwenvs.training.classifier.Progress`.
        facts: more for the file's metadata, e.g. the command.

    Raises:
        ArgumentError: if the family cannot be fine-tuned.
        TrainingError: if the loss becomes no number; weights that were there stay.
        DesignError: if the design does not fit the network.
        WeightsError: if the checkpoint is of a run with other settings.
    """
    check_tunable(bench.family.name)
    with bench.computing():
        start = bench.family.compress(bench.reference, design)
    module = FoldedModule(start, sparse=bench.family.name == "fine_grained_pruning")
    training = ClassifierTraining(
        module,
        lesson.images,
        lesson.labels,
        lesson.preprocessing,
        settings,
        _checkpoint(bench, design, lesson, taught, out),
        Teacher(bench.reference.folded, lesson.preprocessing) if taught else None,
        str(bench.images.device),
        after_step=module.keep_zeros,
    )
    training.run(progress, until)
    tuned = module.folded()
    done = Tuned(
        out / f"{bench.network.name}.safetensors",
        bench.baseline,
        _measured(bench, start),
        _measured(bench, tuned),
        training.epochs_done,
        tuple(training.losses),
    )
    about = _about(bench, design, lesson, settings, taught, done)
    tensors.save(tuned, done.path, {**about, **(facts or {})})
    return done


def _measured(bench: Bench, network: FoldedNetwork) -> Measurement:
    outputs = network(bench.images.float()).log_softmax(1)
    return compare(outputs, bench.logits.float(), bench.labels)


def _about(
    bench: Bench,
    design: Sequence[int],
    lesson: Lesson,
    settings: Settings,
    taught: bool,
    done: Tuned,
) -> dict[str, Any]:
    """What the file remembers."""
    return {
        "design": [int(entry) for entry in design],
        "network": bench.network.name,
        "family": bench.family.name,
        "trained_on": f"{lesson.source}, {len(lesson.labels)} images",
        "epochs": done.epochs,
        "settings": asdict(settings),
        "teacher": bench.network.name if taught else "none",
        "evaluated_on": len(bench.labels),
        "accuracy": {
            "full": done.full.top1,
            "before": done.before.top1,
            "after": done.after.top1,
        },
    }


def _checkpoint(
    bench: Bench, design: Sequence[int], lesson: Lesson, taught: bool, out: Path
) -> Path:
    """A name of its own for every start: another design must not continue from this one's."""
    start = {
        "family": bench.family.name,
        "design": [int(entry) for entry in design],
        "recipe": asdict(bench.reference.recipe),
        "calibration": digest_of(bench.reference.images),
        "weights": weights_digest(bench),
        "lesson": lesson_digest(lesson.images, lesson.labels),
        "taught": taught,
    }
    digest = sha256(json.dumps(start, sort_keys=True).encode()).hexdigest()[:8]
    return out / f"{bench.network.name}.{digest}.checkpoint.pt"
