"""Accuracy of architectures from tables: a sum over blocks and neighbouring blocks, and a curve.

Tables are fitted on architectures of a real supernet (``hwenvs calibrate operator-selection``), and
live beside the others in ``tables/<space>.operator_selection.npz``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import DesignError, ProxyError
from hwenvs.networks import OPERATORS, SPACES, Space
from hwenvs.proxies.base import TabulatedProxy
from hwenvs.proxies.card import Card
from hwenvs.proxies.curve import AccuracyCurve
from hwenvs.proxies.surrogate import read_arrays

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ARRAYS = {"blocks": 1, "pairs": 3, "curve_divergence": 1, "curve_accuracy": 1}
"""Arrays that a table file must hold, and their number of dimensions."""


class OperatorTable(TabulatedProxy):
    """Accuracy of an architecture: ``curve(sum_t pairs[t][o_{t-1}, o_t])``.

    What an operator loses against the best one depends on the operator before it only; sums run
    over the blocks in order, in float64, so that equal designs get equal bits everywhere.

    Args:
        space: the search space.
        pairs: [T, n, n] what operator j of block t loses behind operator i of block t - 1 (of the
            first block: 0), not negative; n operators, counted from 0.
        curve: from the sum to accuracy.
        card: what stands behind the table.

    Raises:
        ProxyError: if the table does not fit the space.
    """

    def __init__(self, space: Space, pairs: Floats, curve: AccuracyCurve, card: Card) -> None:
        self.space, self.curve, self.card = space, curve, card
        self.baseline = curve.baseline
        self.pairs = np.asarray(pairs, dtype=np.float64)
        shape = (len(space.blocks), len(OPERATORS), len(OPERATORS))
        if self.pairs.shape != shape:
            raise ProxyError(
                f"the table of {card.network} has shape {self.pairs.shape}; {space.title} needs "
                f"{shape}"
            )
        if not np.isfinite(self.pairs).all() or (self.pairs < 0).any():
            raise ProxyError(f"the table of {card.network}: losses must be finite and >= 0")

    @classmethod
    def load(cls, path: Path, space: Space) -> OperatorTable:
        """The table at ``path`` with the card beside it.

        Raises:
            ProxyError: if a file cannot be read, lacks arrays, or belongs to another space.
        """
        arrays, card = read_arrays(path, ARRAYS), Card.read(path.with_suffix(".json"))
        names = [block.name for block in space.blocks]
        if arrays["blocks"].tolist() != names:
            raise ProxyError(f"{path} was made for other blocks than those of {space.name}")
        _check_measured_on(card, space, path)
        curve = AccuracyCurve(arrays["curve_divergence"], arrays["curve_accuracy"], str(path))
        return cls(space, arrays["pairs"], curve, card)

    def losses(self, decision: int) -> Floats:
        """What pairs of operators lose [entries before (1 for the first), entries]."""
        blocks = self.space.blocks
        columns = np.array(blocks[decision].entries) - 1
        rows = np.array(blocks[decision - 1].entries if decision else (1,)) - 1
        found: Floats = self.pairs[decision][np.ix_(rows, columns)]
        return found

    def evaluate(self, designs: Ints) -> Floats:
        """Accuracies [B] of ``designs`` [B, T]; errors as of :meth:`total_divergence`."""
        return self.curve(self.total_divergence(designs))

    def total_divergence(self, designs: Ints) -> Floats:
        """What ``designs`` [B, T] lose against the best architecture [B].

        Raises:
            DesignError: if one is no design of the space.
        """
        designs = np.atleast_2d(designs)
        if designs.ndim != 2:
            raise DesignError(
                f"designs must have shape [B, {len(self.space.blocks)}], one entry a block, "
                f"not {designs.shape}"
            )
        checked = np.array([self.space.check(design) for design in designs]).reshape(
            len(designs), len(self.space.blocks)
        )
        total, before = np.zeros(len(checked)), np.zeros(len(checked), dtype=np.int64)
        for table, column in zip(self.pairs, checked.T - 1, strict=True):
            total += table[before, column]
            before = column
        return total


def _check_measured_on(card: Card, space: Space, path: Path) -> None:
    """Raises a :class:`ProxyError` unless the table of ``card`` was measured on ``space``.

    Blocks are called alike in all spaces, so geometries are compared: that on the card, or that of
    the registered space that it names.  Where there is neither, the name is all that there is.
    """
    geometry = card.extra.get("geometry")
    if geometry is None and card.network in SPACES:
        geometry = SPACES[card.network]().geometry
    if geometry is None:
        other = "" if card.network == space.name else "name"
    elif isinstance(geometry, Mapping):
        other = ", ".join(space.differences(geometry))
    else:
        raise ProxyError(f"the card of {path}: geometry must be an object, not {geometry!r}")
    if other:
        raise ProxyError(
            f"{path} was measured on the search space {card.network}, from which {space.name!r} as "
            f"given differs in {other}: it needs a table of its own (docs/nas.md)"
        )


def transferred(table: OperatorTable, space: Space) -> OperatorTable:
    """``table`` for the blocks of another space, mapped by where they stand.

    Stages correspond by their place among all stages, blocks within by their place among those that
    add to their input (the others, which change the shape, correspond to the first of a stage).
    What a block loses is divided by the number of blocks that share its counterpart, so that whole
    stages weigh alike.  What neighbours do to each other is averaged away.
    """
    source = table.space
    matches = [_counterpart(source, space, index) for index in range(len(space.blocks))]
    pairs = np.zeros((len(space.blocks), len(OPERATORS), len(OPERATORS)))
    for index, match in enumerate(matches):
        rows = np.array(source.blocks[match - 1].entries if match else (1,)) - 1
        alone = table.pairs[match][rows].mean(axis=0) / matches.count(match)
        offered = np.array(space.blocks[index].entries) - 1
        # A block that must not be left out may correspond to one that may be.
        pairs[index][:, offered] = alone[offered] - alone[offered].min()
    notes = (
        f"Measured on {source.name}, not on {space.name}: blocks correspond by stage. No supernet "
        f"of {space.name} can be trained without ImageNet and many GPU hours; with one of your own "
        "see docs/nas.md. Compare solvers on it, do not quote its accuracies."
    )
    extra = {name: value for name, value in table.card.extra.items() if name != "geometry"}
    card = replace(
        table.card,
        network=space.name,
        basis="transferred",
        heldout={},
        notes=notes,
        extra={**extra, "measured_on": source.name},
    )
    return OperatorTable(space, pairs, table.curve, card)


def _counterpart(source: Space, space: Space, index: int) -> int:
    """The number of the block of ``source`` that block ``index`` of ``space`` corresponds to."""
    block = space.blocks[index]
    last, others = len(space.stages) - 1, len(source.stages) - 1
    stage = round(block.stage * others / last) if last else 0
    own = [i for i, one in enumerate(space.blocks) if one.stage == block.stage]
    theirs = [i for i, one in enumerate(source.blocks) if one.stage == stage]
    if not block.residual or len(theirs) == 1:
        return theirs[0]
    place = own.index(index) - 1  # among those behind the first
    spread: Sequence[int] = theirs[1:]
    return spread[min(place * len(spread) // max(len(own) - 1, 1), len(spread) - 1)]
