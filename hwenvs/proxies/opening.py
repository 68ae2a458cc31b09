"""Opens the bench of the measured proxy: network, weights, images and what is known already.

Torch is loaded when the first measured proxy is made, not before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwenvs.arguments import check_whole, is_whole
from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.files import stamps
from hwenvs.networks import Network
from hwenvs.proxies.cache import DesignCache, cache_folder
from hwenvs.proxies.measured import MeasuredProxy, require_extra, threaded

if TYPE_CHECKING:
    from hwenvs.calibration.bench import Bench
    from hwenvs.compression.recipe import Recipe

MOST_IMAGES = 1000
"""Images that designs are tried on unless more are asked for."""

DIGITS = 16
"""Hexadecimal digits that are kept of a digest."""

OPENED = 8
"""Networks with their images that stay in memory."""


@dataclass(frozen=True)
class Measuring:
    """How designs are measured: the arguments that go with ``proxy="measured"``.

    Attributes:
        weights: weights file; default: the one under ``data/weights``, or the shipped one.
        data: folder with the data sets; default ``HWENVS_DATA``.
        dataset: ``FOLDER:EVALUATION[:CALIBRATION]``; default: the network's.
        images: how many images designs are tried on, or which rows, ``"FIRST:LAST"``.
        calibration: the same for the images that weights are re-fitted on.
        recipe: changes of the recipe, see :class:`hwenvs.compression.recipe.Recipe`.
        cache: folder for what was measured; None for the user's, False for none.
        threads: of a measurement.
        device: where to compute.

    Raises:
        ArgumentError: if an entry makes no sense.
    """

    weights: str | None = None
    data: str | None = None
    dataset: str | None = None
    images: int | str | None = None
    calibration: int | str | None = None
    recipe: tuple[tuple[str, Any], ...] = ()
    cache: str | bool | None = None
    threads: int = 1
    device: str = "cpu"

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Measuring:
        """From the arguments of ``gym.make``.

        Raises:
            ArgumentError: if one of them is unknown or makes no sense.
        """
        for name in arguments.keys() - set(SETTINGS):
            raise unknown_name("argument of the measured proxy", name, ARGUMENTS)
        entries = {k: v for k, v in arguments.items() if v is not None}
        for name in ("weights", "data", "cache"):
            if isinstance(entries.get(name), Path):
                entries[name] = str(entries[name])
        recipe = entries.get("recipe", {})
        if not isinstance(recipe, Mapping):
            raise ArgumentError(
                f"recipe must be a mapping such as {{'points': 12}}, not {recipe!r}"
            )
        entries["recipe"] = tuple(sorted(recipe.items()))
        entries["threads"] = check_whole("threads", entries.get("threads", 1))
        return cls(**entries)

    @property
    def folder(self) -> Path | None:
        """Where measurements are kept."""
        if self.cache is False:
            return None
        return Path(self.cache) if isinstance(self.cache, str) else cache_folder()


SETTINGS = tuple(field.name for field in fields(Measuring))
ARGUMENTS = (*SETTINGS, "module")
"""Arguments of ``gym.make`` that only the measured proxy takes."""


def measured(network: Network, family: str, **arguments: Any) -> MeasuredProxy:
    """The measured proxy of a family for ``network``, opened once a process.

    Args:
        network: the layer table whose costs count.
        family: what the designs decide.
        **arguments: see :class:`Measuring`; or ``module`` and ``data`` of one's own, see
            :func:`hwenvs.proxies.own.measured_module`.

    Raises:
        MissingExtraError: without torch, safetensors or what reads the images.
        ArgumentError, DataError, WeightsError, UnknownNameError: if something is missing or does
            not fit.
    """
    if arguments.get("module") is not None:
        from hwenvs.proxies.own import measured_module

        require_extra()
        return measured_module(network, family, **arguments)
    settings = {key: value for key, value in arguments.items() if key != "module"}
    return _open(network, family, Measuring.of(settings))


def surroundings(named: object) -> tuple[object, ...]:
    """What results rest on besides their arguments: files that ``named`` names, and the folders
    that the environment variables do.
    """
    folders = tuple(os.environ.get(name) for name in ("HWENVS_DATA", "HWENVS_CACHE"))
    return *stamps(named), folders


def _open(network: Network, family: str, settings: Measuring) -> MeasuredProxy:
    return _opened(network, family, settings, surroundings(settings.weights))


@lru_cache(OPENED)
def _opened(
    network: Network,
    family: str,
    settings: Measuring,
    stamp: tuple[object, ...],  # noqa: ARG001
) -> MeasuredProxy:
    """Opens the bench; ``stamp`` changes when files do."""
    require_extra()
    from hwenvs.calibration.bench import find_weights, open_bench
    from hwenvs.calibration.images import find_dataset

    recipe, calibration, images = _plan(network, family, settings)
    weights = find_weights(network.name, settings.weights, settings.data)
    with threaded(settings.threads):
        bench = open_bench(
            network,
            calibration,
            images,
            recipe,
            settings.data,
            weights,
            settings.device,
            family,
            settings.dataset,
        )
        bench.prepare()
    about = {
        "weights": weights.name,
        **_image_facts(find_dataset(network.name, settings.dataset), images, calibration),
        **facts(bench, settings),
    }
    cache = DesignCache(settings.folder, f"{network.name}.{family}", about)
    proxy = MeasuredProxy(bench, about, cache, settings.threads)
    proxy.reopened_by((_open, (network, family, settings)))
    return proxy


def _image_facts(
    dataset: tuple[str, str, str], images: range, calibration: range
) -> dict[str, str]:
    """Which images are used for what, in words."""
    folder, split, other = dataset
    return {
        "images": f"{folder} {split} rows {images.start} to {images.stop - 1}",
        "calibration": f"{folder} {other} rows {calibration.start} to {calibration.stop - 1}",
    }


def facts(bench: Bench, settings: Measuring) -> dict[str, Any]:
    """What measurements depend on, beside the names of files."""
    import torch

    from hwenvs import __version__
    from hwenvs.calibration.digests import digest_of, table_digest, weights_digest

    return {
        "network": bench.counted.name,
        "family": bench.family.name,
        "table_digest": table_digest(bench)[:DIGITS],
        "weights_digest": weights_digest(bench)[:DIGITS],
        "images_digest": digest_of(bench.images, bench.labels)[:DIGITS],
        "calibration_digest": digest_of(bench.reference.images)[:DIGITS],
        "recipe": vars(bench.reference.recipe),
        "threads": settings.threads,
        "device": settings.device,
        "software": f"hwenvs {__version__}, torch {torch.__version__}",
        "processor": torch.backends.cpu.get_cpu_capability(),
    }


def _plan(network: Network, family: str, settings: Measuring) -> tuple[Recipe, range, range]:
    """Recipe, calibration rows and evaluation rows."""
    from hwenvs.calibration.plans import plan_of

    plan = plan_of(network.name, family)
    first, last = plan.evaluation_images
    return (
        recipe_of(network, family, settings),
        _rows("calibration", settings.calibration, *plan.calibration_images),
        _rows("images", settings.images, first, min(last, first + MOST_IMAGES)),
    )


def recipe_of(network: Network, family: str, settings: Measuring) -> Recipe:
    """The plan's recipe without what takes another pass over the images, and with what was asked.

    Raises:
        UnknownNameError: if a recipe has no such entry.
    """
    from hwenvs.calibration.plans import plan_of

    recipe = plan_of(network.name, family).recipe
    # As AMC does it: every layer from the full network's Gram matrices, which are there already.
    quick = {"method": "independent", "precision": "float32", "rectified_steps": 0}
    changes = {**quick, **dict(settings.recipe)}
    for name in changes.keys() - vars(recipe).keys():
        raise unknown_name("entry of a recipe", name, vars(recipe))
    return replace(recipe, **changes)


def _rows(what: str, asked: int | str | None, first: int, last: int) -> range:
    """Rows ``asked`` for: a number from ``first`` on, ``"FIRST:LAST"``, or all up to ``last``.

    Raises:
        ArgumentError: if it is none of these.
    """
    if asked is None:
        return range(first, last)
    if is_whole(asked) and asked > 0:
        return range(first, first + int(asked))
    low, separator, high = str(asked).partition(":")
    if separator and low.isdecimal() and high.isdecimal() and int(low) < int(high):
        return range(int(low), int(high))
    raise ArgumentError(f"{what} must be a positive number or rows such as '0:500', not {asked!r}")
