"""Tables measured on people's own modules and images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from hwenvs.calibration.bench import set_up
from hwenvs.calibration.calibration import Calibration
from hwenvs.calibration.measuring import Progress
from hwenvs.calibration.plan import Plan
from hwenvs.calibration.plans import FAMILY_PLANS
from hwenvs.calibration.table import write_table
from hwenvs.compression.folding import fold
from hwenvs.errors import DataError, unknown_name
from hwenvs.networks import Network
from hwenvs.networks.tracing import adopt

LIKE = {"deep_compression": "lenet5"}
"""Network of the zoo whose plan is taken, by family; resnet56's elsewhere."""


def calibrate_module(
    module: nn.Module,
    network: Network,
    refit_images: Tensor,
    images: Tensor,
    labels: Tensor,
    out: str | Path,
    family: str = "channel_pruning",
    plan: Plan | None = None,
    data: str = "own images",
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Measures a table on your own module, and writes it with its card and its journal.

    Stopped at any time, the same call continues.

    Args:
        module: the network with its weights.
        network: its table, from :func:`hwenvs.networks.from_torch`.
        refit_images: ``[N, C, R, R]``, as the module wants them; weights are re-fitted on these.
        images: ``[M, C, R, R]``, other images, to measure on.
        labels: their classes ``[M]``.
        out: folder for ``<network>.<family>.npz`` and ``.json``.
        family: what designs decide, one of :data:`hwenvs.calibration.plans.FAMILY_PLANS`.
        plan: how much is measured (rows of images are not used); a plan of the zoo by default.
        data: what the card calls the images.
        workers: processes.
        progress: see :data:`hwenvs.calibration.measuring.Progress`.

    Returns:
        The table: ``gym.make("AMC-v0", network=network, proxy=str(path))``.

    Raises:
        DataError: if images or labels do not fit the network, or ``out`` holds measurements of
            other settings.
        WeightsError: if the network was traced from another module.
        UnknownNameError: if there is no such family.
    """
    if family not in FAMILY_PLANS:
        raise unknown_name("family to measure", family, FAMILY_PLANS)
    check_images(network, refit_images, images, labels)
    plan = _sized(plan or _default_plan(family), len(refit_images), len(images))
    tensors = (refit_images.float(), images.float(), labels)
    bench = set_up(fold(adopt(network, module)), *tensors, plan.recipe, family)
    calibration = Calibration(
        network.name, plan, Path(out), workers=workers, progress=progress, bench=bench
    )
    return write_table(calibration.run(), _facts(calibration, data), Path(out))[0]


def _default_plan(family: str) -> Plan:
    plan = FAMILY_PLANS[family][LIKE.get(family, "resnet56")]
    return replace(plan, recipe=replace(plan.recipe, precision="float32"))


def _sized(plan: Plan, refit_images: int, images: int) -> Plan:
    """The plan with so many images."""
    return replace(
        plan,
        calibration_images=(0, refit_images),
        evaluation_images=(0, images),
        sweep_images=min(plan.sweep_images, images),
    )


def _facts(calibration: Calibration, data: str) -> dict[str, Any]:
    """What the card says."""
    plan, family = calibration.plan, calibration.bench.family
    return {
        "data": data,
        "images": {
            "weights re-fitted on": f"{plan.calibration_images[1]} images",
            "joint designs measured on": f"{plan.evaluation_images[1]} others",
            "single decisions swept on": f"the first {plan.sweep_images} of these",
        },
        "reconstruction": family.about(plan.recipe),
        "budget": f"equal-budget designs cost {plan.budget:.0%} of the {family.cost}",
        "command": "hwenvs.calibration.own.calibrate_module",
        "measured_by": "the owner of the module",
        "weights_sha256": calibration.digest,
    }


def check_images(network: Network, refit_images: Tensor, images: Tensor, labels: Tensor) -> None:
    """Says what does not fit.

    Raises:
        DataError: if something does not.
    """
    shape = (network.in_channels, network.resolution, network.resolution)
    for what, tensor in (("refit_images", refit_images), ("images", images)):
        if tuple(tensor.shape[1:]) != shape or not len(tensor):
            raise DataError(
                f"{what} must be [N, {', '.join(map(str, shape))}], not {list(tensor.shape)}"
            )
        if not bool(tensor.isfinite().all()):
            raise DataError(f"{what} must be finite, and some are NaN or infinite")
    if labels.shape != images.shape[:1] or labels.is_floating_point():
        raise DataError(
            f"labels must be whole numbers [{len(images)}], not {labels.dtype} {list(labels.shape)}"
        )
    if int(labels.min()) < 0 or int(labels.max()) >= network.classes:
        raise DataError(f"labels must be classes from 0 to {network.classes - 1}")
