"""Decisions: quantities of which some is kept, and the options of how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import DesignError

Ints = NDArray[np.int64]

LEVELS = 4096
"""Steps between nothing and everything when a whole design is scaled by a common factor."""

LISTED = 10
"""Options that messages list; of more they show the first and the last."""


@dataclass(frozen=True, eq=False)
class Decision:
    """A choice among ``kept``, as tables that scalar and vector environments read alike.

    Attributes:
        name: name of the channel group.
        size: number of channels to choose from.
        kept: [K] options, ascending; the last is ``size``.
        even: whether actions are shared out evenly among the options; else an action asks for
            that fraction of ``size``.
        choice: whether actions are the numbers from 0 of ``size`` choices; those that are no
            options stand for the nearest ones.
    """

    name: str
    size: int
    kept: Ints
    even: bool = False
    choice: bool = False

    @classmethod
    def channels(cls, name: str, size: int, round_to: int, floor: float) -> Decision:
        """Multiples of ``round_to`` from ``floor * size`` on, and all channels.

        Args:
            name: name of the channel group.
            size: its channels.
            round_to: spacing of the options in channels.
            floor: smallest fraction to keep; rounded up to a multiple.
        """
        # A floor like 0.1 * 30 must not become 4 because it is stored as 3.0000000000000004.
        lowest = int(-(-(floor * size - 1e-9) // 1))
        first = max(-(-lowest // round_to), 1) * round_to
        kept = [*range(first, size, round_to), size]
        return cls(name, size, np.array(kept, dtype=np.int64))

    @classmethod
    def bits(cls, name: str, size: int, floor: int) -> Decision:
        """Bit widths from ``floor`` to ``size``; HAQ shares actions out evenly among them."""
        return cls(name, size, np.arange(floor, size + 1, dtype=np.int64), even=True)

    @classmethod
    def operators(cls, name: str, entries: Sequence[int], count: int, choice: bool) -> Decision:
        """One of ``count`` operators, of which a block offers ``entries``.

        Args:
            name: of the block.
            entries: numbers of operators from 1, ascending.
            count: of all operators.
            choice: whether actions are choices; else fractions, shared out evenly.
        """
        return cls(name, count, np.array(entries, dtype=np.int64), even=True, choice=choice)

    @cached_property
    def scale(self) -> int:
        """An action ``a`` asks for option ``asked[int(a * scale)]``."""
        if self.choice:
            return 1
        return len(self.kept) if self.even else 2 * self.size

    @cached_property
    def asked(self) -> Ints:
        """Options that actions ask for, by ``int(a * scale)``."""
        if self.choice:
            return self.nearest[2 * np.arange(1, self.size + 1)]
        if not self.even:
            return self.nearest
        count = len(self.kept)
        return np.minimum(np.arange(count + 1), count - 1)

    def action(self, entries: Ints) -> NDArray[np.float64]:
        """Actions [B] that ask for ``entries`` [B], or for the options nearest to them."""
        if not self.even:
            return entries / self.size
        return (self.nearest[2 * entries] + 0.5) / len(self.kept)

    @cached_property
    def nearest(self) -> Ints:
        """[2 size + 1] option nearest to a half-integer; ties go to the larger.

        Options are integers, so their midpoints are multiples of one half, and the option nearest
        to ``a * size`` is ``nearest[int(a * 2 * size)]``: exactly, without a search.
        """
        middles = self.kept[:-1] + self.kept[1:]
        return middles.searchsorted(np.arange(2 * self.size + 1), side="right")

    @cached_property
    def below(self) -> Ints:
        """[size + 1] largest option that keeps at most so many, or the smallest option."""
        index = self.kept.searchsorted(np.arange(self.size + 1), side="right") - 1
        return np.maximum(index, 0)

    @cached_property
    def fraction(self) -> NDArray[np.float32]:
        """[K] fraction that each option keeps."""
        return (self.kept / self.size).astype(np.float32)

    def scaled(self, options: Ints, level: Ints) -> Ints:
        """``options`` scaled down by ``level / LEVELS``, in whole numbers."""
        lowered: Ints = self.below.take(self.kept.take(options) * level // LEVELS)
        return lowered

    def __str__(self) -> str:
        count = len(self.kept) if len(self.kept) <= LISTED else 3
        shown = ", ".join(map(str, self.kept[:count]))
        return shown + (f", ... {self.kept[-1]}" if len(self.kept) > count else "")


class Decisions(tuple[Decision, ...]):
    """All decisions of a problem: from designs (kept channels) to option indices and back.

    Designs are arrays [B, T]; option indices lie the other way round, [T, B], so that those of one
    decision are contiguous.
    """

    __slots__ = ()

    def entries(self, designs: ArrayLike, whole: bool = True) -> Ints:
        """``designs`` as integers, each between 1 and all channels.

        Args:
            designs: [B, T], or [B, fewer] for the beginnings of designs.
            whole: whether beginnings are refused.

        Raises:
            DesignError: if the shape or the type is wrong or an entry is out of range.
        """
        array = np.asarray(designs)
        length = array.shape[1] if array.ndim == 2 else -1
        if length != len(self) and (whole or not 0 <= length < len(self)):
            raise DesignError(
                f"designs must have shape [B, {len(self)}], one entry a decision, not {array.shape}"
            )
        if array.dtype.kind not in "iu" and array.size:
            raise DesignError(f"designs must be integers, not {array.dtype}")
        array = array.astype(np.int64)
        sizes = np.array([decision.size for decision in self[:length]], dtype=np.int64)
        wrong = np.argwhere((array < 1) | (array > sizes))
        if len(wrong):
            row, t = wrong[0]
            raise DesignError(
                f"{_of_several(array, row)}{array[row, t]} at decision {t} ({self[t].name!r}); "
                f"valid: 1 to {sizes[t]}"
            )
        return array

    def options(self, designs: ArrayLike, whole: bool = True) -> Ints:
        """Option indices [T, B] of ``designs``.

        Raises:
            DesignError: as for :meth:`entries`, and if an entry is not among the options.
        """
        entries = self.entries(designs, whole)
        found = np.empty(entries.shape[::-1], dtype=np.int64)
        for t, column in enumerate(entries.T):
            kept = self[t].kept
            found[t] = np.minimum(kept.searchsorted(column), len(kept) - 1)
            wrong = np.flatnonzero(kept[found[t]] != column)
            if len(wrong):
                raise DesignError(
                    f"{_of_several(entries, wrong[0])}{column[wrong[0]]} at decision {t} "
                    f"({self[t].name!r}) is not an option; valid: {self[t]}"
                )
        return found

    def nearest(self, designs: ArrayLike) -> Ints:
        """Indices [T, B] of the options nearest to the entries of ``designs``."""
        entries = self.entries(designs)
        return np.stack([d.nearest[2 * entries[:, t]] for t, d in enumerate(self)])

    def designs(self, options: Ints) -> Ints:
        """Designs [B, T] of ``options`` [T, B], or their beginnings."""
        kept = np.empty(options.shape, dtype=np.int64)
        for t, column in enumerate(options):
            kept[t] = self[t].kept.take(column)
        return kept.T

    @property
    def choices(self) -> int:
        """Number of choices that every decision has; 0 where actions are fractions."""
        return self[0].size if self and self[0].choice else 0

    @property
    def visits(self) -> int:
        """Visits after which every option is the lowest, see :meth:`stepped`."""
        return len(self) * max(len(decision.kept) - 1 for decision in self)

    def stepped(self, options: Ints, level: Ints) -> Ints:
        """``options`` [T, B] after ``visits - level`` [B] visits, each lowering one of them.

        Decisions are visited from the last to the first, over and over (HAQ's back-off).
        """
        rounds, rest = np.divmod(self.visits - level, len(self))
        late = np.arange(len(self) - 1, -1, -1)
        steps = rounds[None, :] + (late[:, None] < rest[None, :])
        lowered: Ints = np.maximum(options - steps, 0)
        return lowered

    def scaled(self, options: Ints, level: Ints) -> Ints:
        """``options`` [T, B], each design scaled down by its ``level`` [B] / LEVELS."""
        pairs = zip(self, options, strict=True)
        return np.stack([decision.scaled(column, level) for decision, column in pairs])


def _of_several(designs: Ints, row: int) -> str:
    """Which of ``designs`` [B, T] a fault is in, before it is told; nothing of a single one."""
    return f"design {row}: " if len(designs) > 1 else ""
