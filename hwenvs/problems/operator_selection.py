"""Operator selection: ProxylessNAS's problem (Cai, Zhu and Han, ICLR 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import ArgumentError
from hwenvs.hardware import CheckedHardware, HardwareModel, get_hardware
from hwenvs.hardware.operators import operator_costs
from hwenvs.networks import OPERATORS, Block, Space, get_space
from hwenvs.problems.budgeting import compile_budgets
from hwenvs.problems.chain import ChainProblem
from hwenvs.problems.decision import Decision, Decisions
from hwenvs.problems.features import OPERATOR_FEATURES, operator_features
from hwenvs.problems.layerwise import plain_budget
from hwenvs.problems.parts import Chain
from hwenvs.problems.paying import Asked, compile_reward
from hwenvs.problems.rewards import EXPONENT, TO_ANY_COST
from hwenvs.problems.tables import Tables
from hwenvs.proxies import AccuracyProxy, OperatorTable, architecture_proxy

Floats = NDArray[np.float64]


class OperatorSelectionProblem(ChainProblem):
    """Operator selection: what does every block of a network compute?

    ProxylessNAS's problem (Cai, Zhu and Han, "ProxylessNAS: Direct Neural Architecture Search on
    Target Task and Hardware", ICLR 2019): an agent walks the blocks of a network and chooses an
    operator for each, so that the network is accurate and runs fast on a piece of hardware.

    ## Description
    One episode designs one architecture. Stem, classifier and the channels of all stages are fixed;
    each block becomes an inverted residual with kernel 3, 5 or 7 and expansion 3 or 6, or is left
    out where its input has the shape of its output.

    Accuracy comes from a *proxy*, the surrogate by default: a table of what every operator loses
    behind the one before it, fitted on architectures of a *supernet*, one set of weights for all of
    them, that was trained on real images; batch norms were estimated anew for each. No network is
    trained or run. `env.unwrapped.problem.card` says what the table was measured on and how far it
    can be trusted. Latency comes from a *hardware model*: E[latency] of the paper with
    probabilities of 0 and 1.

    ## Decisions and Actions
    One decision per block, in the order in which they run. The action is a `Discrete(7)`:

    | action | operator | entry of a design |
    | --- | --- | --- |
    | 0 | leave the block out | 1 |
    | 1, 2, 3 | expansion 3, kernel 3, 5, 7 | 2, 3, 4 |
    | 4, 5, 6 | expansion 6, kernel 3, 5, 7 | 5, 6, 7 |

    `info["action_mask"]` (what `env.action_space.sample(mask)` takes) and `action_masks()`
    (sb3-contrib's convention, of booleans) tell which of them the block offers and the budget can
    still bear, given the cheapest choices later on, which are known exactly. A masked action stands
    for the largest number below it that is not masked, or else for the smallest that is not: every
    finished design meets the budget, whoever designs it.

    With `actions="continuous"` the action is a `Box(0, 1, (1,), float32)` instead, shared out
    evenly among the operators that the block offers: for learners such as DDPG.

    Actions that are not numbers, lie outside the space or have the wrong shape raise an
    `ActionError`.

    ## Observations
    A `Box(0, 1, (12,), float32)` about the next block. Sizes are logarithms over fixed maxima.

    | # | feature | scale |
    | --- | --- | --- |
    | 0 | index of the block | number of blocks |
    | 1 | stage | number of stages |
    | 2 | input channels | log2, 1 = 4,096 |
    | 3 | output channels | log2, 1 = 4,096 |
    | 4 | height and width of its input | log2, 1 = 256 pixels |
    | 5 | stride | 1 = 4 |
    | 6 | whether the block may be left out | 0 or 1 |
    | 7 | budgeted cost of its dearest operator | fraction of the largest network's |
    | 8 | budgeted cost so far, stem and classifier included | same |
    | 9 | what is left of the budget | same; 1 without a budget |
    | 10 | budgeted cost of the later blocks at their largest | same |
    | 11 | operator of the block before | entry of a design, 1 = 7 |

    ## Reward
    0 until the last decision, then one of:

    - `"accuracy"` (default): the accuracy of the architecture, a fraction. Needs a budget.
    - `"accuracy_change"`: 0.1 (accuracy - that of the proxy's best architecture, or of its largest
      one), in percent, likewise.
    - `"accuracy_times_cost"`: accuracy (cost / target)^exponent, the paper's and MnasNet's; with or
      without (`budget=None`) a budget.

    ## Episode End
    `terminated` after the last decision; never `truncated`. The last `info` is as for channel
    pruning; costs as fractions are those of the largest architecture. All other infos have
    `action_mask` alone.

    `get_state()` and `set_state(state)` save and restore the decisions so far, for tree search.

    ## Arguments
    - `space`: `"proxyless"`, `"proxyless_cifar"`, another name of `hwenvs.networks.SPACES`, or a
      `hwenvs.networks.Space` of your own.
    - `budget` (`0.5`): what the network may cost, as a fraction of the largest one's; `{cost:
      fraction}` names both; several at once, as in `{"latency": 0.5, "macs": 0.5}`, where none of
      them falls from one operator to the next (in `"proxyless"` and `"proxyless_cifar"` MACs,
      parameters and size never do, nor does latency on `"cpu"` and `"gpu"`; on `"mobile"` it does
      in the latter); `None` for no limit.
    - `budget_units` (`"fraction"`): `"absolute"` for a budget and a target in SI units (seconds),
      at most what the largest network costs.
    - `cost` (`"latency"`): what is budgeted: what the hardware reports, `"macs"`, `"params"`.
    - `reward` (`"accuracy"`): see above.
    - `target` (`None`): of `"accuracy_times_cost"`: in the units of the budget; the budget itself
      if None.
    - `exponent` (`-0.07`): of `"accuracy_times_cost"`, from -10 to 0; MnasNet's.
    - `hardware` (`"mobile"`): a hardware model: `"mobile"`, `"cpu"` and `"gpu"` are those of the
      paper; `hwenvs hardware list` shows all. A `{"name": ..., **options}` or an instance will do.
    - `constraint` (`"bounded"`): `"projected"` and `"backoff"` take decisions as asked and lower
      the finished design, see channel pruning and bit allocation.
    - `actions` (`"discrete"`): or `"continuous"`, see above.
    - `proxy` (`"surrogate"`): the shipped table of the space; the path of a table (`.npz`);
      `"supernet"`: architectures are taken out of the supernet and tried on real images when
      asked, with options as in `{"name": "supernet", "images": 1000}`; `"zero_cost:synflow"` and
      others of `hwenvs.proxies.zero_cost.scores.SCORES`: scores without any training; or an
      instance.
    - `render_mode` (`None`): `"ansi"`, `"rgb_array"` or `"human"`.

    `gym.make_vec` takes them too, and `autoreset_mode`: `"NextStep"` (default), `"SameStep"` or
    `"Disabled"`.

    ## Version History
    * v0: first version.
    """

    family = "operator_selection"
    rewards: ClassVar = TO_ANY_COST
    unit = "operator"
    levels = tuple(operator.name for operator in OPERATORS)

    def __init__(
        self,
        space: str | Space,
        proxy: str | Mapping[str, Any] | AccuracyProxy = "surrogate",
        hardware: str | Mapping[str, Any] | HardwareModel = "mobile",
        budget: float | Mapping[str, float] | None = 0.5,
        cost: str = "latency",
        reward: str = "accuracy",
        target: float | None = None,
        exponent: float = EXPONENT,
        constraint: str = "bounded",
        actions: str = "discrete",
        budget_units: str = "fraction",
    ) -> None:
        given = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        self.space = get_space(space)
        self.network = self.space.network(self.space.largest, self.space.name)
        self.hardware = get_hardware(hardware)
        self.title = f"{self.space.title}, operator selection"
        judge = architecture_proxy(proxy, self.space)
        decisions = Decisions(
            Decision.operators(block.name, block.entries, len(OPERATORS), _discrete(actions))
            for block in self.space.blocks
        )
        tables = operator_tables(self.space, self.hardware, judge)
        limits = compile_budgets(tables, cost, budget, budget_units)
        bent = None if exponent == EXPONENT else exponent
        asked = Asked(reward, target, bent, units=budget_units)
        baseline = float(judge.baseline)
        paid = compile_reward(asked, self.family, self.rewards, tables, limits[0], baseline)
        self._arguments = {
            **{key: value for key, value in given.items() if value is not None},
            "space": self.space.name,
            "budget": plain_budget(budget),
            "cost": limits[0].quantity,
        }
        features = operator_features(OPERATOR_FEATURES, self.space, limits[0])
        super().__init__(Chain(decisions, tables, limits, features, judge, paid, constraint))

    def spec(self) -> dict[str, Any]:
        """JSON-able arguments that rebuild the problem; objects are told by their names."""
        arguments = dict(self._arguments)
        if not isinstance(arguments["hardware"], str | Mapping):
            arguments["hardware"] = self.hardware.spec or self.hardware.name
        if not isinstance(arguments["proxy"], str | Mapping):
            arguments["proxy"] = getattr(self.proxy, "name", type(self.proxy).__name__)
        return {"problem": self.family, **arguments}


def operator_tables(space: Space, hardware: CheckedHardware, proxy: AccuracyProxy) -> Tables:
    """What every operator of every block costs on ``hardware`` and loses by ``proxy``.

    An operator costs the same whatever its neighbours are; what it loses may depend on the one
    before it.
    """
    costs = operator_costs(space, hardware)
    ledger, peaks, width = [], [], []
    for t, block in enumerate(space.blocks):
        offered = np.array(block.entries) - 1
        before = len(space.blocks[t - 1].entries) if t else 1
        own = costs.table[t, offered]
        losses = _losses(proxy, t, before, block)
        pairs = [np.broadcast_to(own, (before, *own.shape)), losses[:, :, None]]
        ledger.append(np.concatenate(pairs, axis=2).reshape(-1, own.shape[1] + 1))
        if costs.peaks is not None:
            peaks.append(np.tile(costs.peaks[t, offered], before))
        width.append(len(offered))
    return Tables(
        costs.quantities,
        tuple(width),
        tuple(np.ascontiguousarray(table) for table in ledger),
        np.append(costs.constant, 0.0),
        None if costs.peaks is None else tuple(peaks),
        costs.peak_constant,
    )


def _losses(proxy: AccuracyProxy, decision: int, before: int, block: Block) -> Floats:
    if isinstance(proxy, OperatorTable):
        return proxy.losses(decision)
    return np.zeros((before, len(block.entries)))


def _discrete(actions: str) -> bool:
    if actions not in ("discrete", "continuous"):
        raise ArgumentError(f"actions must be 'discrete' or 'continuous', not {actions!r}")
    return actions == "discrete"
