"""The measured proxy: every design is applied to the real network and tried on real images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import MissingExtraError, ProxyError, unknown_name
from hwenvs.proxies.cache import DesignCache, Record
from hwenvs.proxies.card import Card
from hwenvs.proxies.surrogate import METRICS

if TYPE_CHECKING:
    from hwenvs.calibration.bench import Bench

NAME = "measured"
"""What to pass as ``proxy=``."""

PACKAGES = ("safetensors", "torch")
"""What runs real networks."""


class MeasuredProxy:
    """Accuracies of the real network on real images.

    Designs are measured once: equal ones are looked up, in the memory of the process and in a file
    that processes share.

    One thread adds up the same numbers in the same order every time, so equal designs get equal
    bits; several threads and other devices do not promise that, and ``deterministic`` says so.

    Args:
        bench: the network, its images, and how a family's designs are made real.
        about: what the measurements rest on, for the card and the cache.
        cache: what is known already.
        threads: of a measurement.
        metric: ``"top1"`` or ``"top5"``.

    Attributes:
        baseline: accuracy of the uncompressed network on the same images, a fraction.
        deterministic: whether equal designs always get equal accuracies.
        card: what stands behind the accuracies.
    """

    name = NAME

    def __init__(
        self,
        bench: Bench,
        about: Mapping[str, Any] | None = None,
        cache: DesignCache | None = None,
        threads: int = 1,
        metric: str = "top1",
    ) -> None:
        self.bench, self.about, self.threads, self.metric = (
            bench,
            dict(about or {}),
            threads,
            metric,
        )
        known = DesignCache(None, bench.network.name, self.about) if cache is None else cache
        self.cache: DesignCache = known
        self.deterministic = threads == 1 and bench.images.device.type == "cpu"
        self.baseline = float(getattr(bench.baseline, metric))
        self.card = _card(bench, self.about, self.baseline, metric)
        self._again: tuple[Callable[..., MeasuredProxy], tuple[Any, ...]] | None = None

    def evaluate(self, designs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Accuracies [B] of ``designs`` [B, T], fractions in [0, 1].

        Raises:
            DesignError: if a design does not fit the network.
        """
        rows = [self.measure(design) for design in np.asarray(designs).tolist()]
        return np.array([row[self.metric] for row in rows], dtype=np.float64)

    def measure(self, design: Sequence[int]) -> Record:
        """Top-1 and top-5 accuracy and divergence of one design.

        Raises:
            DesignError: if it does not fit the network.
        """
        found = self.cache.get(design)
        if found is None:
            with threaded(self.threads):
                measured = self.bench.measure(design)
            found = vars(measured)
            self.cache.add(design, found)
        return found

    def on(self, metric: str) -> MeasuredProxy:
        """The proxy of ``"top1"`` or ``"top5"`` accuracy; measurements are shared.

        Raises:
            UnknownNameError: if there is no such metric.
        """
        if metric not in METRICS:
            raise unknown_name("metric", metric, METRICS)
        if metric == self.metric:
            return self
        other = MeasuredProxy(self.bench, self.about, self.cache, self.threads, metric)
        other.reopened_by(self._again)
        return other

    def reopened_by(
        self, again: tuple[Callable[..., MeasuredProxy], tuple[Any, ...]] | None
    ) -> None:
        """Copies in other processes open the bench again with a function and its arguments."""
        self._again = again

    def __reduce__(self) -> tuple[Any, ...]:
        if self._again is None:
            parts = (self.bench, self.about, None, self.threads, self.metric)
            return MeasuredProxy, parts
        make, arguments = self._again
        return _remade, (make, arguments, self.metric)


def _remade(
    make: Callable[..., MeasuredProxy], arguments: tuple[Any, ...], metric: str
) -> MeasuredProxy:
    return make(*arguments).on(metric)


class Unopened:
    """Stands for the measured proxy where its problem is described and no design evaluated.

    Args:
        network: name in the zoo.
    """

    name = NAME
    deterministic = True
    baseline = 1.0

    def __init__(self, network: str) -> None:
        command = f"gym.make(..., proxy={NAME!r})"
        self.card = Card(network, "", "measured", "", 0, command, "", self.baseline, "top1")

    def evaluate(self, designs: NDArray[np.int64]) -> NDArray[np.float64]:  # noqa: ARG002
        """Nothing: there is no network.

        Raises:
            ProxyError: always.
        """
        raise ProxyError(f"{self.card.network} was described, not opened")


def extra_installed() -> bool:
    """Whether registered networks can be opened, digits included; loads nothing."""
    return all(find_spec(package) is not None for package in (*PACKAGES, "sklearn"))


def require_extra(name: str = NAME) -> None:
    """Says what to install.

    Raises:
        MissingExtraError: if what the proxy called ``name`` needs is missing.
    """
    try:
        for package in PACKAGES:
            import_module(package)
    except ImportError as error:
        raise MissingExtraError(
            f"proxy={name!r} runs real networks: pip install 'hwenvs[measure]' ({error})"
        ) from error


@contextmanager
def threaded(threads: int) -> Iterator[None]:
    """Torch computes with so many threads inside, and as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _card(bench: Bench, about: Mapping[str, Any], baseline: float, metric: str) -> Card:
    return Card(
        network=bench.network.name,
        family=bench.family.name,
        basis="measured",
        data=str(about.get("images", "images of the caller")),
        images=len(bench.labels),
        command=f"gym.make(..., proxy={NAME!r})",
        date="",
        baseline_accuracy=baseline,
        metric=metric,
        reconstruction=bench.family.about(bench.reference.recipe),
        measured_by="this machine, design by design",
        notes=(
            "No table: every design is applied to the real network, which is evaluated on these "
            "images, so there is nothing to be held out. No optimum can be certified. "
            f"{len(bench.labels)} images: accuracies are multiples of {1 / len(bench.labels):.2%}."
        ),
        extra={key: value for key, value in about.items() if key not in ("network", "family")},
    )
