"""The scalar walk over a chain: the same tables, read as floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.errors import DesignError
from hwenvs.problems.actions import no_choices
from hwenvs.problems.base import Walker
from hwenvs.problems.decision import LEVELS

if TYPE_CHECKING:
    from hwenvs.problems.chain import ChainProblem


class ChainWalker(Walker):
    """One design on its way through a :class:`~hwenvs.problems.chain.ChainProblem`.

    Every sum adds the same float64 numbers in the same order as the arrays of the problem do, and
    the tables are the problem's own, seen through memory views, whose entries are plain floats.

    Args:
        problem: what to walk through.
    """

    def __init__(self, problem: ChainProblem) -> None:
        self.problem = problem
        budget, tables = problem.budget, problem.tables
        self._asked = [decision.asked.data for decision in problem.decisions]
        self._places = [decision.scale for decision in problem.decisions]
        self._kept = [decision.kept.tolist() for decision in problem.decisions]
        self._fraction = [decision.fraction.data for decision in problem.decisions]
        self._below = [decision.below.data for decision in problem.decisions]
        self._need = [need.data for need in budget.need]
        self._cost = [cost.data for cost in budget.cost]
        self._ledger = [ledger.reshape(-1).data for ledger in tables.ledger]
        self._peaks = [peaks.data for peaks in tables.peaks or ()]
        self._width, self._before = tables.width, budget.before
        self._limit = budget.limit
        self._others = [
            (other, [need.data for need in other.need], [cost.data for cost in other.cost])
            for other in problem.other_budgets
        ]
        self._bounded = not problem.repaired
        self._rows = list(problem.features.table)
        self._amounts, self._kept_before = problem.amounts, problem.features.previous
        self.options: list[int] = []
        self.reset()

    def reset(self) -> None:
        """Back to the first decision."""
        self.step, self._previous, self._spent = 0, 0, self._before[0]
        self._spent_too = [other.before[0] for other, _, _ in self._others]
        self.options = []

    def act(self, action: float) -> None:
        """Takes the next decision."""
        t, previous = self.step, self._previous
        option = self._asked[t][int(action * self._places[t])]
        row = previous * self._width[t]
        if self._bounded and self._need[t][row + option] > self._limit - self._spent:
            option = self.problem.budget.afford_one(t, previous, option, self._spent)
        if self._others and self._bounded:
            for (other, need, _), spent in zip(self._others, self._spent_too, strict=True):
                if need[t][row + option] > other.limit - spent:
                    option = other.afford_one(t, previous, option, spent)
        self._take(option)

    def observation(self) -> NDArray[np.float32]:
        """What the agent sees now, [F]."""
        t = self.step
        row: NDArray[np.float32] = self._rows[t].copy()
        for column, base, factor in self._amounts:
            amount = (base[t] - self._spent) * factor
            row[column] = 0.0 if amount < 0.0 else 1.0 if amount > 1.0 else amount
        if t:
            row[self._kept_before] = self._fraction[t - 1][self._previous]
        return row

    def action_mask(self) -> NDArray[np.bool_]:
        """Which choices [n] the next decision offers that the budget can still bear."""
        problem, t = self.problem, self.step
        if not problem.decisions.choices:
            raise no_choices(problem.family)
        if t == problem.horizon:
            return np.ones(problem.decisions.choices, dtype=bool)
        mask = np.zeros(problem.decisions.choices, dtype=bool)
        fits = self._affordable(t) if self._bounded else range(self._width[t])
        for option in fits:
            mask[self._kept[t][option] - 1] = True
        return mask

    def _affordable(self, t: int) -> list[int]:
        """Options that fit into all budgets; the cheapest where none does, through rounding."""
        start, width = self._previous * self._width[t], self._width[t]
        found = list(range(width))
        budgets = [(self._limit - self._spent, self._need)]
        for (other, need, _), spent in zip(self._others, self._spent_too, strict=True):
            budgets.append((other.limit - spent, need))
        for left, need in budgets:
            row = need[t][start : start + width].tolist()
            fits = [option for option in range(width) if row[option] <= left]
            fits = fits or [row.index(min(row))]
            found = [option for option in found if option in fits]
        return found

    def result(self) -> tuple[float, dict[str, Any]]:
        """Reward and info of the finished design."""
        problem = self.problem
        options = self.options if self._bounded else self._repaired()
        design = [kept[option] for kept, option in zip(self._kept, options, strict=True)]
        costs, divergence = self._totals(options)
        feasible = all(costs[budget.quantity] <= budget.most for budget in problem.budgets)
        entries = np.array(design, dtype=np.int64)
        if problem.curve:
            accuracy = problem.curve.at(divergence)
        else:
            accuracy = float(problem.estimate(entries[None])[0])
        reward = problem.reward.of_one(accuracy, costs)
        full = problem.full_costs
        info: dict[str, Any] = {
            "design": entries,
            "accuracy": accuracy,
            "accuracy_drop": problem.baseline - accuracy,
            "costs": costs,
            "cost_fractions": {q: v / full[q] if full[q] else 0.0 for q, v in costs.items()},
            "feasible": feasible,
        }
        if problem.top5:
            info["accuracy_top5"] = problem.top5.at(divergence)
        score = problem.score(reward)
        if score is not None:
            info["score"] = score
        return reward, info

    def state(self) -> tuple[int, ...]:
        """The decisions so far, as entries of a design."""
        return tuple(kept[option] for kept, option in zip(self._kept, self.options, strict=False))

    def restore(self, state: ArrayLike) -> None:
        """Back to the decisions of an earlier :meth:`state`."""
        entries = np.asarray(state)
        if entries.ndim != 1 or len(entries) > len(self._kept):
            raise DesignError(
                f"a state is a list of at most {len(self._kept)} entries, not {state!r}"
            )
        options = []
        for t, (kept, entry) in enumerate(zip(self._kept, entries.tolist(), strict=False)):
            if entry not in kept:
                raise DesignError(
                    f"{entry!r} at decision {t} ({self.problem.names[t]!r}) is not an option; "
                    f"valid: {self.problem.decisions[t]}"
                )
            options.append(kept.index(entry))
        self.reset()
        for option in options:
            self._take(option)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem,), self.state()

    def __setstate__(self, state: tuple[int, ...]) -> None:
        self.restore(state)

    def _take(self, option: int) -> None:
        t = self.step
        row = self._previous * self._width[t] + option
        self._spent += self._cost[t][row]
        for index, (_, _, cost) in enumerate(self._others):
            self._spent_too[index] += cost[t][row]
        self._previous = option
        self.options.append(option)
        self.step = t + 1

    def _totals(self, options: list[int]) -> tuple[dict[str, float], float]:
        """Costs by quantity, and the divergence."""
        tables = self.problem.tables
        totals = tables.constant.tolist()
        columns = range(len(totals))
        peak, previous = tables.peak_constant, 0
        rows = []
        for width, ledger, option in zip(self._width, self._ledger, options, strict=True):
            row = previous * width + option
            rows.append(row)
            start = row * len(totals)
            for column in columns:
                totals[column] += ledger[start + column]
            previous = option
        costs = dict(zip(tables.quantities, totals, strict=False))
        if self._peaks:
            for table, row in zip(self._peaks, rows, strict=True):
                peak = max(peak, table[row])
            costs["peak_memory"] = peak
        return costs, totals[-1]

    def _repaired(self) -> list[int]:
        """The options made to meet the budget."""
        options = self.options
        if self._cost_of(options) <= self.problem.budget.most and not self._others:
            return options
        if self._others:
            repaired = self.problem.repair(np.array(options, dtype=np.int64)[:, None])
            whole: list[int] = repaired[:, 0].tolist()
            return whole
        projected = self.problem.constraint == "projected"
        lower = self._scaled if projected else self._stepped
        low, high = 0, LEVELS if projected else self.problem.decisions.visits
        while high - low > 1:
            middle = (low + high) // 2
            if self._cost_of(lower(options, middle)) <= self._limit:
                low = middle
            else:
                high = middle
        best = lower(options, low)
        if self._cost_of(best) <= self._limit:
            return best
        column = np.array(best, dtype=np.int64)[:, None]
        lowered: list[int] = self.problem.bounded(column)[:, 0].tolist()
        return lowered

    def _scaled(self, options: list[int], level: int) -> list[int]:
        return [
            below[kept[option] * level // LEVELS]
            for below, kept, option in zip(self._below, self._kept, options, strict=True)
        ]

    def _stepped(self, options: list[int], level: int) -> list[int]:
        rounds, rest = divmod(self.problem.decisions.visits - level, len(options))
        first = len(options) - rest  # visited once more
        early = [option - rounds if option > rounds else 0 for option in options[:first]]
        rounds += 1
        return early + [option - rounds if option > rounds else 0 for option in options[first:]]

    def _cost_of(self, options: list[int]) -> float:
        spent, previous = self._before[0], 0
        for width, cost, option in zip(self._width, self._cost, options, strict=True):
            spent += cost[previous * width + option]
            previous = option
        return spent
