"""Channel pruning: AMC's problem (He et al., ECCV 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwenvs.errors import ArgumentError, ProxyError
from hwenvs.hardware import HardwareModel, get_hardware
from hwenvs.networks import ChannelGroup, Network, channel_groups, get_network
from hwenvs.problems.budget import compile_budget
from hwenvs.problems.chain import Chain, ChainProblem
from hwenvs.problems.decision import Decision, Decisions
from hwenvs.problems.features import static_features
from hwenvs.problems.rewards import get_reward
from hwenvs.problems.tables import CostCompiler
from hwenvs.proxies import AccuracyProxy, SurrogateProxy, get_proxy
from hwenvs.proxies.surrogate import coupled

IMAGENET_ROUNDING = 8
"""Channels per step on networks for large images: AMC's rounding, which phones like."""

LARGE_IMAGE = 128
"""Pixels from which on a network counts as one for large images."""


class ChannelPruningProblem(ChainProblem):
    """Channel pruning: how many channels does every layer keep?

    AMC's problem (He et al., "AMC: AutoML for Model Compression", ECCV 2018): an agent walks a
    network layer by layer and decides what fraction of its input channels each layer keeps, so that
    the network loses little accuracy and stays within a budget.

    ## Description
    One episode designs one network. Channels that are dropped disappear from the layers that read
    them *and* from the layers that write them, and a depthwise convolution in between follows. In a
    residual stream, which other layers read as well, the tensor stays whole and the layer picks the
    channels it uses. The classifier behind a residual stream is left alone.

    Accuracy comes from a *proxy*, the surrogate by default: a table of the divergence between the
    whole and the pruned network's outputs, per decision and number of kept channels, summed up and
    mapped to accuracy. No network is run. `env.unwrapped.problem.card` says what the table was
    measured on and how far it can be trusted; where its basis is "analytic" nothing was measured,
    and making the environment warns once. Costs come from a *hardware model*.

    ## Decisions and Actions
    One decision per layer with input channels to choose from, in the order in which they run. The
    action is a `Box(0, 1, (1,), float32)`: the fraction of channels to keep. It is turned into the
    nearest option; options are the multiples of `round_to` from `floor` of the channels up, and all
    of them.

    With `constraint="bounded"` (AMC's) an option is lowered to the largest one that leaves enough
    budget for the later layers at their cheapest, which is known exactly. With
    `constraint="projected"` decisions are taken as asked, and the finished design is scaled down by
    the largest common factor that meets the budget. Either way every finished design meets it.

    Actions that are not numbers, lie outside [0, 1] or have the wrong shape raise an `ActionError`.

    ## Observations
    A `Box(0, 1, (12,), float32)` about the next decision: AMC's state. Sizes are logarithms over
    fixed maxima, so a layer looks the same in every network and an agent can move between them.

    | # | feature | scale |
    | --- | --- | --- |
    | 0 | index of the decision | number of decisions |
    | 1 | whether a depthwise convolution follows the decision | 0 or 1 |
    | 2 | input channels of the layer, uncompressed | log2, 1 = 4,096 |
    | 3 | output channels of the layer, uncompressed | log2, 1 = 4,096 |
    | 4 | height of its input | log2, 1 = 256 pixels |
    | 5 | width of its input | log2, 1 = 256 pixels |
    | 6 | stride | 1 = 4 |
    | 7 | kernel size | 1 = 11 pixels |
    | 8 | MACs of the layers that read these channels, uncompressed | log2, 1 = 4.3e9 |
    | 9 | budgeted cost removed so far | fraction of the uncompressed network's |
    | 10 | budgeted cost of what later decisions settle, uncompressed | same |
    | 11 | fraction kept at the decision before | fraction |

    A layer's cost depends on its input and its output channels; it is settled by the later of the
    two decisions.

    ## Reward
    0 until the last decision, then one of:

    - `"accuracy"` (default): the accuracy of the design, a fraction. Needs a budget.
    - `"error_times_log_macs"`: -(1 - accuracy) ln(MACs), with or without (`budget=None`) a budget.
    - `"error_times_log_params"`: -(1 - accuracy) ln(parameters), likewise.

    ## Episode End
    `terminated` after the last decision; never `truncated`. The last `info` has `design` (kept
    channels per decision), `accuracy`, `accuracy_drop`, `costs` (in SI units), `cost_fractions` (of
    the uncompressed network), `feasible`, `accuracy_top5` where the table knows it, and `score`
    (0 for the uniform design at the same budget, 1 for the optimum) once `problem.optimum` is set.
    All other infos are empty.

    `get_state()` and `set_state(state)` save and restore the decisions so far, for tree search.

    ## Arguments
    - `budget` (`0.5`): what the design may cost, as a fraction of the uncompressed network's cost;
      `{cost: fraction}` names both; `None` for no limit.
    - `budget_units` (`"fraction"`): `"absolute"` for a budget in SI units (MACs, parameters, bytes,
      seconds, joules).
    - `cost` (`"macs"`): what is budgeted: `"macs"`, `"params"`, `"size"`, and what else the
      hardware reports, e.g. `"latency"` or `"energy"`.
    - `reward` (`"accuracy"`): see above.
    - `hardware` (`"counts"`): a hardware model: a name (`hwenvs hardware list` shows them),
      `{"name": ..., **options}`, or an instance. MACs, parameters, size and peak memory are counted
      beside it.
    - `constraint` (`"bounded"`): or `"projected"`, see above.
    - `round_to` (`None`): channels are kept in multiples of this; `None` is 8 for ImageNet networks
      and 1 for smaller ones.
    - `floor` (`0.2`): smallest fraction of its channels that a layer keeps.
    - `metric` (`"top1"`): what accuracy means: `"top1"`, or `"top5"` where the table knows it.
    - `proxy` (`"surrogate"`): an accuracy proxy: a name, the path of a table (`.npz`), or an
      instance.
    - `render_mode` (`None`): `"ansi"`, `"rgb_array"` or `"human"`.

    `gym.make_vec` takes them too, and `autoreset_mode`: `"NextStep"` (default), `"SameStep"` or
    `"Disabled"`.

    ## Version History
    * v0: first version.
    """

    family = "channel_pruning"

    def __init__(
        self,
        network: str | Network,
        proxy: str | AccuracyProxy = "surrogate",
        hardware: str | Mapping[str, Any] | HardwareModel = "counts",
        budget: float | Mapping[str, float] | None = 0.5,
        cost: str = "macs",
        reward: str = "accuracy",
        constraint: str = "bounded",
        round_to: int | None = None,
        floor: float = 0.2,
        budget_units: str = "fraction",
        metric: str = "top1",
    ) -> None:
        table = get_network(network) if isinstance(network, str) else network
        self.network, self.groups = table, channel_groups(table)
        self.title = f"{table.title}, channel pruning"
        self.hardware = get_hardware(hardware)
        self.round_to, self.floor = _rounding(table, round_to), _floor(floor)
        decisions = Decisions(
            Decision.channels(group.name, group.channels, self.round_to, self.floor)
            for group in self.groups
        )
        judge = _measuring(get_proxy(proxy, table), metric)
        compiler = CostCompiler(table, self.groups, decisions, self.hardware)
        tables = compiler.compile(_divergences(judge, self.groups, decisions))
        limit = compile_budget(tables, cost, budget, budget_units)
        paid = get_reward(reward)
        if paid.needs_budget and budget is None:
            raise ArgumentError(
                f"reward {paid.name!r} needs a budget: without one the best design is the whole "
                "network; budget=None goes with the error_times_log rewards"
            )
        self._arguments = {
            "network": network,
            "proxy": proxy,
            "hardware": hardware,
            "budget": _plain(budget),
            "cost": limit.quantity,
            "reward": reward,
            "constraint": constraint,
            "round_to": self.round_to,
            "floor": self.floor,
            "budget_units": budget_units,
            "metric": metric,
        }
        features = static_features(table, self.groups, limit.before)
        super().__init__(Chain(decisions, tables, limit, features, judge, paid, constraint))

    def spec(self) -> dict[str, Any]:
        """JSON-able arguments that rebuild the problem.

        A model or network that was passed as an object is told by its name: it has to be
        registered under that name to be found again.
        """
        arguments = dict(self._arguments)
        arguments["network"] = self.network.name
        if not isinstance(arguments["hardware"], str | Mapping):
            arguments["hardware"] = self.hardware.spec or self.hardware.name
        if not isinstance(arguments["proxy"], str):
            arguments["proxy"] = getattr(self.proxy, "name", type(self.proxy).__name__)
        return {"problem": self.family, **arguments}


def _measuring(proxy: AccuracyProxy, metric: str) -> AccuracyProxy:
    """The proxy of the accuracy that is asked for."""
    if isinstance(proxy, SurrogateProxy):
        return proxy.on(metric)
    if metric != "top1":
        raise ArgumentError(f"metric {metric!r} needs a table; {type(proxy).__name__} has none")
    return proxy


def _divergences(
    proxy: AccuracyProxy, groups: tuple[ChannelGroup, ...], decisions: Decisions
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
                f"decision {t} ({decision.name!r}) may keep {decision.kept[0]} channels, but the "
                f"table was measured from {sweep.kept[0]} on: a floor of "
                f"{sweep.kept[0] / sweep.channels:.3f} or more is covered there"
            )
        current = sweep.at(decision.kept)
        tables.append(coupled(float(proxy.interaction[t]), previous[:, None], current[None, :]))
        previous = current
    return tables


def _rounding(network: Network, round_to: int | None) -> int:
    if round_to is None:
        return IMAGENET_ROUNDING if network.resolution >= LARGE_IMAGE else 1
    if isinstance(round_to, bool) or not isinstance(round_to, int | np.integer) or round_to < 1:
        raise ArgumentError(
            f"round_to must be a positive whole number of channels, not {round_to!r}"
        )
    return int(round_to)


def _plain(budget: float | Mapping[str, float] | None) -> float | None:
    """The budget as a number that JSON knows; its quantity is told by ``cost``."""
    value = next(iter(budget.values())) if isinstance(budget, Mapping) else budget
    return None if value is None else float(value)


def _floor(floor: float) -> float:
    if (
        isinstance(floor, bool)
        or not isinstance(floor, int | float | np.number)
        or not 0 <= floor <= 1
    ):
        raise ArgumentError(f"floor must be a fraction from 0 to 1, not {floor!r}")
    return float(floor)
