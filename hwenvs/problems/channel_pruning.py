"""Channel pruning: AMC's problem (He et al., ECCV 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from hwenvs.hardware import HardwareModel
from hwenvs.networks import Network, channel_groups, get_network
from hwenvs.problems.decision import Decision
from hwenvs.problems.layerwise import LayerwiseProblem, Terms, fraction, whole_number
from hwenvs.problems.rewards import COUNTED
from hwenvs.problems.tables import shapings
from hwenvs.proxies import AccuracyProxy

IMAGENET_ROUNDING = 8
"""Channels per step on networks for large images: AMC's rounding, which phones like."""

LARGE_IMAGE = 128
"""Pixels from which on a network counts as one for large images."""


class ChannelPruningProblem(LayerwiseProblem):
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
    mapped to accuracy. No network is run, unless it is the `"measured"` one.
    `env.unwrapped.problem.card` says what the table was measured on and how far it can be trusted;
    where its basis is "analytic" nothing was measured, and making the environment warns once. Costs
    come from a *hardware model*.

    ## Decisions and Actions
    One decision per layer with input channels to choose from, in the order in which they run. The
    action is a `Box(0, 1, (1,), float32)`: the fraction of channels to keep. It is turned into the
    nearest option; options are the multiples of `round_to` from `floor` of the channels up, and all
    of them.

    With `constraint="bounded"` (AMC's) an option is lowered to the largest one that leaves enough
    budget for the later layers at their cheapest, which is known exactly. With
    `constraint="projected"` decisions are taken as asked, and the finished design is scaled down by
    the largest common factor that meets the budget; with `"backoff"` option by option, see bit
    allocation. Either way every finished design meets it. (Where wider layers may cost less, as on
    hardware that pads, the factor is a large one but need not be the largest: it is bisected.)

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
    - `"accuracy_times_cost"`: accuracy (cost / target)^exponent, MnasNet's and ProxylessNAS's, on
      the budgeted cost; likewise, but without a budget it needs a `target`.
    - `"accuracy_change"`: 0.1 (accuracy - that of the whole network), both in percent: HAQ's. Needs
      a budget.
    - `"compression_ratio"`: how many times fewer bytes the weights take, if no accuracy is lost;
      else what it lacks, which is negative. With or without a budget.

    ## Episode End
    `terminated` after the last decision; never `truncated`. The last `info` has `design` (kept
    channels per decision), `accuracy`, `accuracy_drop`, `costs` (in SI units), `cost_fractions` (of
    the uncompressed network), `feasible`, `accuracy_top5` where the table knows it, and `score`
    (0 for the uniform design at the same budget, 1 for the optimum) once `hwenvs.certify(env)` has
    found it. All other infos are empty.

    `get_state()` and `set_state(state)` save and restore the decisions so far, for tree search.

    ## Arguments
    - `network`: a name of the zoo, or the layer table of your own module
      (`hwenvs.networks.from_torch`).
    - `budget` (`0.5`): what the design may cost, as a fraction of the uncompressed network's cost;
      `{cost: fraction}` names both; `None` for no limit.
    - `budget_units` (`"fraction"`): `"absolute"` for a budget and a target in SI units (MACs,
      parameters, bytes, seconds, joules), at most what the uncompressed network costs.
    - `cost` (`"macs"`): what is budgeted: `"macs"`, `"params"`, `"size"`, and what else the
      hardware reports, e.g. `"latency"` or `"energy"`.
    - `reward` (`"accuracy"`): see above.
    - `target` (`None`): of `"accuracy_times_cost"`: in the units of the budget; the budget itself
      if None.
    - `exponent` (`None`): of `"accuracy_times_cost"`, from -10 to 0; None is MnasNet's -0.07.
    - `hardware` (`"counts"`): a hardware model: a name (`hwenvs hardware list` shows them),
      `{"name": ..., **options}`, or an instance. MACs, parameters, size and peak memory are counted
      beside it.
    - `constraint` (`"bounded"`): or `"projected"` or `"backoff"`, see above.
    - `round_to` (`None`): channels are kept in multiples of this; `None` is 8 for ImageNet networks
      and 1 for smaller ones.
    - `floor` (`0.2`): smallest fraction of its channels that a layer keeps.
    - `metric` (`"top1"`): what accuracy means: `"top1"`, or `"top5"` where the table knows it.
    - `proxy` (`"surrogate"`): an accuracy proxy: a name, the path of a table (`.npz`), or an
      instance. `"measured"` applies every design to the real network and tries it on real images;
      no optimum can be certified then, and there is no `score`.
    - `weights`, `data`, `images`, `dataset`, `calibration`, `recipe`, `cache`, `threads`, `device`
      (all `None`): with `proxy="measured"` only, see [measured.md](measured.md).
    - `render_mode` (`None`): `"ansi"`, `"rgb_array"` or `"human"`.

    `gym.make_vec` takes them too, and `autoreset_mode`: `"NextStep"` (default), `"SameStep"` or
    `"Disabled"`.

    ## Version History
    * v0: first version.
    """

    family = "channel_pruning"
    rewards: ClassVar = (*LayerwiseProblem.rewards, *COUNTED)

    def __init__(
        self,
        network: str | Network,
        proxy: str | Mapping[str, Any] | AccuracyProxy = "surrogate",
        hardware: str | Mapping[str, Any] | HardwareModel = "counts",
        budget: float | Mapping[str, float] | None = 0.5,
        cost: str = "macs",
        reward: str = "accuracy",
        constraint: str = "bounded",
        round_to: int | None = None,
        floor: float = 0.2,
        budget_units: str = "fraction",
        metric: str = "top1",
        target: float | None = None,
        exponent: float | None = None,
    ) -> None:
        table = get_network(network) if isinstance(network, str) else network
        groups = channel_groups(table)
        step, lowest = rounding_of(table, round_to), fraction(floor)
        terms = Terms(
            network=network,
            proxy=proxy,
            hardware=hardware,
            budget=budget,
            cost=cost,
            reward=reward,
            constraint=constraint,
            round_to=step,
            floor=lowest,
            budget_units=budget_units,
            metric=metric,
            target=target,
            exponent=exponent,
        )

        def offer(step: int, floor: float) -> list[Decision]:
            return [Decision.channels(g.name, g.channels, step, floor) for g in groups]

        super().__init__(terms, groups, offer, shapings(table, groups))


def rounding_of(network: Network, round_to: int | None = None) -> int:
    """Channels of ``network`` are kept in multiples of this.

    Args:
        network: the layer table.
        round_to: what was asked for, or None for the usual.
    """
    if round_to is None:
        return IMAGENET_ROUNDING if network.resolution >= LARGE_IMAGE else 1
    return whole_number(round_to, "channels")
