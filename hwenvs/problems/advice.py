"""What would allow less than the cheapest design needs: tried, not guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hwenvs.hardware import CheckedHardware
from hwenvs.problems.budgeting import compile_budget
from hwenvs.problems.decision import Decision, Decisions
from hwenvs.problems.tables import CostCompiler, Shaping
from hwenvs.proxies import AccuracyProxy, SurrogateProxy

Offer = Callable[[int, float], Iterable[Decision]]
"""The decisions that a problem offers, by ``round_to`` and ``floor``."""

ENOUGH = 1.0 - 1e-9
"""What is not cheaper by more than this is rounding."""


@dataclass(frozen=True)
class Advice:
    """Says which argument keeps the cheapest design from being cheaper.

    Attributes:
        offer: makes the decisions.
        round_to, floor: as they are asked for.
        shapings: what shapes each layer.
        hardware: what it costs on.
        proxy: whose tables may reach no further down.
    """

    offer: Offer
    round_to: int
    floor: float
    shapings: Sequence[Shaping]
    hardware: CheckedHardware
    proxy: AccuracyProxy

    def __call__(self, quantity: str, minimum: float) -> str:
        """What would allow less than ``minimum`` of ``quantity``, in SI units; or empty."""
        for round_to, floor, hint in (
            (self.round_to, 0.0, "a lower floor= allows less"),
            (1, self.floor, "a smaller round_to= allows less"),
            (1, 0.0, "a smaller round_to= and a lower floor= together allow less"),
        ):
            least, full = self._ends(quantity, round_to, floor)
            if least < minimum * ENOUGH:
                return hint
        return "" if minimum < full * ENOUGH else f"{quantity} is the same for every design"

    def _ends(self, quantity: str, round_to: int, floor: float) -> tuple[float, float]:
        """What the cheapest design costs that keeps the least or all of everything, and the whole.

        Two options a decision are enough to show that there is a cheaper design, and soon compiled.
        """
        ends = Decisions(
            Decision(one.name, one.size, np.unique([self._lowest(t, one), one.size]), one.even)
            for t, one in enumerate(self.offer(round_to, floor))
        )
        tables = CostCompiler(self.shapings, ends, self.hardware).compile(
            [np.zeros((1, 1)) for _ in ends]
        )
        budget = compile_budget(tables, quantity, None)
        return budget.minimum, budget.full

    def _lowest(self, decision: int, one: Decision) -> int:
        """The least option of which the accuracy is known."""
        if not isinstance(self.proxy, SurrogateProxy):
            return int(one.kept[0])
        covered = one.kept >= self.proxy.sweeps[decision].kept[0]
        return int(one.kept[covered.argmax()])
