"""What all problems that decide layer by layer share: tables from a proxy and a hardware model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hwenvs.arguments import is_whole
from hwenvs.errors import ArgumentError, ProxyError
from hwenvs.hardware import HardwareModel, get_hardware
from hwenvs.networks import Group, Network, get_network
from hwenvs.problems.advice import Advice, Offer
from hwenvs.problems.base import spelled
from hwenvs.problems.budgeting import compile_budgets
from hwenvs.problems.chain import ChainProblem
from hwenvs.problems.decision import Decisions
from hwenvs.problems.features import FEATURES, Features, features
from hwenvs.problems.parts import Chain
from hwenvs.problems.paying import Asked, compile_reward
from hwenvs.problems.rewards import TO_ANY_COST
from hwenvs.problems.tables import CostCompiler, Shaping
from hwenvs.proxies import AccuracyProxy, MeasuredProxy, SurrogateProxy, get_proxy
from hwenvs.proxies.surrogate import coupled


@dataclass(frozen=True, eq=False)
class Terms:
    """Arguments of a problem, as its class describes them."""

    network: str | Network
    proxy: str | Mapping[str, Any] | AccuracyProxy
    hardware: str | Mapping[str, Any] | HardwareModel
    budget: float | Mapping[str, float] | None
    cost: str
    reward: str
    constraint: str
    round_to: int
    floor: float
    budget_units: str
    metric: str
    max_accuracy_drop: float | None = None
    target: float | None = None
    exponent: float | None = None

    @property
    def table(self) -> Network:
        """The layer table."""
        return get_network(self.network) if isinstance(self.network, str) else self.network

    @property
    def asked(self) -> Asked:
        """What they say about the reward."""
        drop = self.max_accuracy_drop or 0.0
        return Asked(self.reward, self.target, self.exponent, drop, self.budget_units)


class LayerwiseProblem(ChainProblem):
    """A problem in which every decision keeps a part of something.

    Args:
        terms: its arguments.
        groups: what each decision keeps a part of.
        offer: makes the decisions, from ``round_to`` and ``floor``.
        shapings: what shapes each layer.

    Attributes:
        rewards: names of the rewards that the family takes.

    Raises:
        HwenvsError: if the arguments make no sense.
    """

    groups: Sequence[Group]
    rewards: ClassVar[tuple[str, ...]] = (*TO_ANY_COST, "compression_ratio")

    def __init__(
        self,
        terms: Terms,
        groups: Sequence[Group],
        offer: Offer,
        shapings: Sequence[Shaping],
    ) -> None:
        self.network, self.groups = terms.table, groups
        decisions = Decisions(offer(terms.round_to, terms.floor))
        if not groups:
            what = spelled(self.family)
            raise ArgumentError(f"{self.network.title} has nothing to decide in {what}")
        self.hardware = get_hardware(terms.hardware)
        self.round_to, self.floor = terms.round_to, terms.floor
        self.title = f"{self.network.title}, {spelled(self.family)}"
        judge = _measuring(get_proxy(terms.proxy, self.network, self.family), terms.metric)
        compiler = CostCompiler(shapings, decisions, self.hardware)
        tables = compiler.compile(_divergences(judge, groups, decisions))
        advice = Advice(offer, terms.round_to, terms.floor, shapings, self.hardware, judge)
        limits = compile_budgets(tables, terms.cost, terms.budget, terms.budget_units, advice)
        paid = compile_reward(
            terms.asked, self.family, self.rewards, tables, limits[0], float(judge.baseline)
        )
        self._arguments = {
            **{key: value for key, value in vars(terms).items() if value is not None},
            "budget": plain_budget(terms.budget),
            "cost": limits[0].quantity,
            "network": self.network.name,
        }
        features = self.features_of(limits[0].before)
        super().__init__(Chain(decisions, tables, limits, features, judge, paid, terms.constraint))

    def features_of(self, spent: Sequence[float]) -> Features:
        """What agents see, given the costs [T + 1] of the uncompressed network up to a decision."""
        return features(FEATURES, self.network, self.groups, spent)

    def spec(self) -> dict[str, Any]:
        """JSON-able arguments that rebuild the problem.

        A model or network that was passed as an object is told by its name: it has to be
        registered under that name to be found again.
        """
        arguments = dict(self._arguments)
        if not isinstance(arguments["hardware"], str | Mapping):
            arguments["hardware"] = self.hardware.spec or self.hardware.name
        proxy = arguments["proxy"]
        if not isinstance(proxy, str | Mapping) or "module" in proxy:
            arguments["proxy"] = getattr(self.proxy, "name", type(self.proxy).__name__)
        return {"problem": self.family, **arguments}


def whole_number(value: int, what: str) -> int:
    """``value`` as a Python integer.

    Raises:
        ArgumentError: if it is not a positive whole number of ``what``.
    """
    if not is_whole(value) or value < 1:
        raise ArgumentError(f"round_to must be a positive whole number of {what}, not {value!r}")
    return int(value)


def fraction(value: float, what: str = "floor") -> float:
    """``value`` as a Python float.

    Raises:
        ArgumentError: if ``what`` it is for is not a fraction.
    """
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:
        raise ArgumentError(f"{what} must be a fraction from 0 to 1, not {value!r}")
    return float(value)


def _measuring(proxy: AccuracyProxy, metric: str) -> AccuracyProxy:
    """The proxy of the accuracy that is asked for."""
    if isinstance(proxy, SurrogateProxy | MeasuredProxy):
        return proxy.on(metric)
    if metric != "top1":
        raise ArgumentError(f"metric {metric!r} needs a table; {type(proxy).__name__} has none")
    return proxy


def _divergences(
    proxy: AccuracyProxy, groups: Sequence[Group], decisions: Decisions
) -> list[np.ndarray]:
    """Per decision what pairs of options add to the divergence, [K before, K]; 0 without tables."""
    if not isinstance(proxy, SurrogateProxy):
        return [np.zeros((1, 1)) for _ in decisions]
    proxy.check(groups, f"the {proxy.card.basis} table of {proxy.card.network}")
    tables, previous = [], np.zeros(1)
    for t, decision in enumerate(decisions):
        sweep = proxy.sweeps[t]
        if decision.kept[0] < sweep.kept[0]:
            raise ProxyError(
                f"decision {t} ({decision.name!r}) may keep {decision.kept[0]} of "
                f"{sweep.channels}, but the table was measured from {sweep.kept[0]} on: a floor of "
                f"{sweep.kept[0] / sweep.channels:.3f} or more is covered there"
            )
        current = sweep.at(decision.kept)
        tables.append(coupled(float(proxy.interaction[t]), previous[:, None], current[None, :]))
        previous = current
    return tables


def plain_budget(budget: float | Mapping[str, float] | None) -> float | dict[str, float] | None:
    """The budget as JSON knows it; the quantity of a single one is told by ``cost``."""
    if isinstance(budget, Mapping) and len(budget) > 1:
        return {quantity: float(value) for quantity, value in budget.items()}
    value = next(iter(budget.values())) if isinstance(budget, Mapping) else budget
    return None if value is None else float(value)
