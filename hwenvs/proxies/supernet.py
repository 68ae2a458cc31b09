"""The supernet as a proxy: every architecture is taken out of it and tried on real images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.arguments import check_whole
from hwenvs.canonical import digest
from hwenvs.errors import unknown_name
from hwenvs.networks.spaces import Space
from hwenvs.proxies.cache import DesignCache, Record, cache_folder
from hwenvs.proxies.card import Card
from hwenvs.proxies.measured import require_extra, threaded

if TYPE_CHECKING:
    from hwenvs.calibration.spaces.bench import SupernetBench

NAME = "supernet"
"""What to pass as ``proxy=``."""

ARGUMENTS = ("weights", "data", "dataset", "images", "norm_images", "cache")
"""Options that go with it, as ``proxy={"name": "supernet", ...}``."""

IMAGES = 2000
"""Images that designs are tried on, where the plan of the space has so many."""


class SupernetProxy:
    """Accuracies with shared weights: measured when asked, design by design.

    An architecture is taken out of the supernet, its batch norms are estimated anew on training
    images, and it is tried on test images, as ``hwenvs calibrate operator-selection`` does for the
    tables.  Designs are measured once, on one thread, and looked up afterwards: equal designs get
    equal bits.

    Args:
        bench: supernet and images.
        about: what the measurements rest on, for the card.
        cache: what is known already.

    Attributes:
        baseline: accuracy of the largest architecture, a fraction.
        deterministic: True.
        card: what stands behind the accuracies.
    """

    name = NAME
    deterministic = True

    def __init__(self, bench: SupernetBench, about: Mapping[str, Any], cache: DesignCache) -> None:
        self.bench, self.about, self.cache = bench, dict(about), cache
        self.baseline = float(self.evaluate(bench.space.largest[None])[0])
        self.card = _card(bench, self.about, self.baseline)

    def evaluate(self, designs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Accuracies [B] of ``designs`` [B, T], fractions in [0, 1].

        Raises:
            DesignError: if a design is none of the space.
        """
        rows = [self.measure(design) for design in np.asarray(designs)]
        return np.array([row["top1"] for row in rows], dtype=np.float64)

    def measure(self, design: NDArray[np.int64]) -> Record:
        """Accuracy (``top1``) and cross-entropy (``loss``, nats) of one design [T].

        Raises:
            DesignError: if it is none of the space.
        """
        checked = [int(entry) for entry in self.bench.space.check(design)]
        found = self.cache.get(checked)
        if found is None:
            with threaded(1):
                found = vars(self.bench.measure(checked))
            self.cache.add(checked, found)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return supernet_proxy, (self.bench.space, self.about["options"])


def supernet_proxy(space: Space, options: Mapping[str, Any] | None = None) -> SupernetProxy:
    """Opens the supernet of a search space and the images that architectures are tried on.

    Args:
        space: the search space.
        options: ``weights`` (a file of ``hwenvs train-supernet``; default: the shipped one),
            ``data`` (folder with the data sets; default ``HWENVS_DATA``), ``dataset``
            (``FOLDER:EVALUATION[:CALIBRATION]``), ``images`` and ``norm_images`` (how many test
            images architectures are tried on and how many training images norms are estimated on;
            default: the calibration plan's), ``cache`` (a folder, or False for memory alone).

    Raises:
        MissingExtraError: without torch or what reads the images.
        UnknownNameError: if there is no such option.
        ArgumentError: if a number of images makes no sense.
        DataError, WeightsError: if something is missing or does not fit.
    """
    given = {key: value for key, value in (options or {}).items() if value is not None}
    for option in given.keys() - set(ARGUMENTS):
        raise unknown_name("option of the supernet proxy", option, ARGUMENTS)
    require_extra(NAME)
    from hwenvs.calibration.digests import digest_of
    from hwenvs.calibration.images import find_dataset
    from hwenvs.calibration.spaces.bench import (
        FEWEST_NORM_IMAGES,
        find_supernet,
        open_supernet_bench,
    )
    from hwenvs.calibration.spaces.calibration import (
        PLANS,
        SpacePlan,
        supernet_digest,
    )
    from hwenvs.proxies.opening import DIGITS

    plan = PLANS.get(space.name, SpacePlan())
    first, last = plan.evaluation_images
    rows = _rows(given, "images", (first, min(last, first + IMAGES)), 1)
    norm_rows = _rows(given, "norm_images", plan.norm_images, FEWEST_NORM_IMAGES)
    weights = find_supernet(space.name, given.get("weights"))
    with threaded(1):
        bench = open_supernet_bench(
            space, norm_rows, rows, given.get("data"), weights, given.get("dataset")
        )
    folder, split, other = find_dataset(space.name, given.get("dataset"))
    about = {
        "images": f"{folder} {split} rows {rows.start} to {rows.stop - 1}",
        "norms": f"{folder} {other} rows {norm_rows.start} to {norm_rows.stop - 1}",
        "supernet_sha256": supernet_digest(bench),
        "geometry_digest": digest(space.geometry)[:DIGITS],
        "images_digest": digest_of(bench.seen, bench.images, bench.labels)[:DIGITS],
        **_software(),
    }
    cache = DesignCache(_folder(given.get("cache")), f"{space.name}.supernet", about)
    return SupernetProxy(bench, {**about, "weights": weights.name, "options": given}, cache)


def _rows(given: Mapping[str, Any], name: str, planned: tuple[int, int], fewest: int) -> range:
    count = check_whole(name, given.get(name, planned[1] - planned[0]), fewest)
    return range(planned[0], planned[0] + count)


def _folder(cache: str | Path | bool | None) -> Path | None:
    if cache is False:
        return None
    return cache_folder() if cache is None or cache is True else Path(cache)


def _software() -> dict[str, str]:
    """What rounding depends on."""
    import platform

    import torch

    from hwenvs import __version__

    return {
        "hwenvs": __version__,
        "torch": torch.__version__,
        "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
    }


def _card(bench: SupernetBench, about: Mapping[str, Any], baseline: float) -> Card:
    return Card(
        network=bench.space.name,
        family="operator_selection",
        basis="measured",
        data=str(about["images"]),
        images=len(bench.labels),
        command=f"gym.make(..., proxy={NAME!r})",
        date="",
        baseline_accuracy=baseline,
        metric="top1",
        reconstruction="weights shared by all architectures, batch norms estimated for each",
        measured_by="this machine, design by design",
        notes=(
            "No table: every architecture is taken out of the supernet and tried on these images, "
            "so there is nothing to be held out. No optimum can be certified. "
            f"{len(bench.labels)} images: accuracies are multiples of {1 / len(bench.labels):.2%}."
        ),
        extra={key: value for key, value in about.items() if key != "options"},
    )
