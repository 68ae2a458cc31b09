"""A zero-cost score in the place of an accuracy."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwenvs.arguments import check_whole
from hwenvs.errors import MissingExtraError, ProxyError, unknown_name
from hwenvs.networks import SPACES, get_space
from hwenvs.networks.spaces import Space
from hwenvs.proxies.card import Card
from hwenvs.proxies.measured import threaded

if TYPE_CHECKING:
    from torch import Tensor

PREFIX = "zero_cost:"
"""What a name such as ``"zero_cost:synflow"`` begins with."""

FEWEST_IMAGES = 8
"""Two for each of ZiCo's batches: a batch norm has nothing to say on one."""

DECIMALS = 9
"""That are kept of a place between smallest and largest."""


class ZeroCostProxy:
    """Where a training-free score lies between those of the smallest and the largest design.

    That is no accuracy: it orders designs as the score does, but says nothing of how much is lost.
    The smallest design of the space has 0 and its largest 1; what lies outside is cut off. Designs
    are scored once, on one thread, as networks that are initialised from ``seed``.

    Equal designs get equal bits on a machine. All scores but synflow, MACs and parameters add up
    32-bit numbers: other processors and versions of torch may differ in the third digit.

    Args:
        space: the search space.
        score: name in :data:`hwenvs.proxies.zero_cost.scores.SCORES`.
        data: folder with the data sets; default ``HWENVS_DATA``. Only scores that look at real
            images need one.
        images: how many: the first training images of the space's data set.
        seed: of the initial weights.

    Attributes:
        baseline: 1, the place of the largest design.
        deterministic: True.
        card: what stands behind it.

    Raises:
        UnknownNameError: if there is no such score; the message suggests the nearest.
        ArgumentError: if the number of images makes no sense.
        DataError: if the score needs images and there are none.
        MissingExtraError: without torch or what reads the images.
    """

    baseline = 1.0
    deterministic = True

    def __init__(
        self,
        space: Space,
        score: str,
        data: str | Path | None = None,
        images: int = 64,
        seed: int = 0,
    ) -> None:
        _require_torch()
        from hwenvs.proxies.zero_cost.batch import first_images, no_images
        from hwenvs.proxies.zero_cost.scores import NEED_IMAGES, SCORES

        if score not in SCORES:
            raise unknown_name("zero-cost score", score, SCORES)
        images = check_whole("images", images, FEWEST_IMAGES)
        self.space, self.score, self.seed = space, score, seed
        looks = score in NEED_IMAGES
        batch = first_images(space, data, images) if looks else no_images(space)
        self._images: Tensor = batch.images
        self._labels: Tensor = batch.labels
        self._known: dict[bytes, float] = {}
        self.card = _card(space, score, batch.source, len(batch.labels), seed)

    def evaluate(self, designs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Places [B] of ``designs`` [B, T] between the smallest (0) and the largest design (1).

        Raises:
            DesignError: if a design is none of the space.
            ProxyError: if the largest design does not score higher than the smallest.
        """
        low, high = self.ends
        places = np.clip((self.scores(designs) - low) / (high - low), 0.0, 1.0)
        return places.round(DECIMALS)

    def scores(self, designs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Scores [B] of ``designs`` [B, T] as they are, in the score's own unit.

        Raises:
            DesignError: if a design is none of the space.
        """
        return np.array([self._score(design) for design in np.asarray(designs)], dtype=np.float64)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """Scores of the smallest and of the largest design.

        Raises:
            ProxyError: if the second is not above the first: there would be no scale.
        """
        smallest = np.array([block.entries[0] for block in self.space.blocks], dtype=np.int64)
        low, high = self.scores(np.stack([smallest, self.space.largest])).tolist()
        if not -np.inf < low < high < np.inf:
            raise ProxyError(
                f"{self.score} scores the smallest design of {self.space.title} {low:g} and the "
                f"largest {high:g}: other scores need to lie between two numbers, the second larger"
            )
        return low, high

    def _score(self, design: NDArray[np.int64]) -> float:
        key = design.tobytes()
        if key not in self._known:
            from hwenvs.proxies.zero_cost.running import initialised
            from hwenvs.proxies.zero_cost.scores import SCORES

            network = self.space.network(design)
            with threaded(1):
                module = initialised(network, self.seed)
                self._known[key] = SCORES[self.score](module, self._images, self._labels)
        return self._known[key]


def zero_cost(space: Space, name: str) -> ZeroCostProxy:
    """The proxy called ``"zero_cost:SCORE"``, with its default arguments.

    Raises:
        UnknownNameError: if there is no such score; the message suggests the nearest.
        DataError: if the score needs images and there are none.
        MissingExtraError: without torch or what reads the images.
    """
    return ZeroCostProxy(space, name.removeprefix(PREFIX))


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "zero-cost scores need torch: pip install 'hwenvs[measure]'"
        ) from error


def _card(space: Space, score: str, source: str, images: int, seed: int) -> Card:
    known = space.name in SPACES and get_space(space.name) == space
    made = f"get_space({space.name!r})" if known else f"<your space {space.name!r}>"
    return Card(
        network=space.name,
        family="operator_selection",
        # Images or not, no accuracy was measured.
        basis="analytic",
        data=source,
        images=images,
        command=f"ZeroCostProxy({made}, {score!r})",
        date="",
        baseline_accuracy=1.0,
        metric=f"place of {score} between the smallest design (0) and the largest (1)",
        measured_by="this machine, design by design",
        notes=(
            "No accuracy: a score of the untrained network, scaled and cut off to [0, 1]. It is "
            "good for an order of designs at most; how good, its rank correlation with measured "
            "accuracies says."
        ),
        extra={"score": score, "seed": seed},
    )
