"""Bit allocation: HAQ's problem (Wang et al., CVPR 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hwenvs.arguments import is_whole
from hwenvs.errors import ArgumentError
from hwenvs.hardware import HardwareModel
from hwenvs.networks import FULL_PRECISION, Network, bit_groups, get_network
from hwenvs.networks.precision import ACTIVATIONS, WEIGHTS
from hwenvs.problems.decision import Decision
from hwenvs.problems.features import BIT_FEATURES, Features, features
from hwenvs.problems.layerwise import LayerwiseProblem, Terms
from hwenvs.problems.tables import Shaping
from hwenvs.proxies import AccuracyProxy


class BitAllocationProblem(LayerwiseProblem):
    """Bit allocation: how many bits do every layer's weights and activations get?

    HAQ's problem (Wang et al., "HAQ: Hardware-Aware Automated Quantization with Mixed Precision",
    CVPR 2019): an agent walks a network layer by layer and decides the bit width of each layer's
    weights and of its input activations, so that the network loses little accuracy and stays within
    what a piece of hardware may take.

    ## Description
    One episode designs one network. The layer that reads the image and the classifier stay at 8
    bits, as in the paper; the network with 8 bits everywhere is the uncompressed one, whose cost
    budgets are fractions of.

    Accuracy comes from a *proxy*, the surrogate by default: a measured table of the divergence
    between the 8-bit network's outputs and those with fewer bits, per decision and bit width,
    summed up and mapped to accuracy. Weights were re-fitted layer by layer to the full
    network's outputs and rounded per channel with second-order compensation, activations rounded
    per tensor, biases corrected; nothing was fine-tuned.
    `env.unwrapped.problem.card` says what it was measured on and how far it can be trusted. Costs
    come from a *hardware model*, by default a bit-serial accelerator on an edge FPGA, where time
    grows with weight bits x activation bits until memory is the limit.

    ## Decisions and Actions
    Two decisions per layer, in the order in which the layers run: bits of the weights, then bits of
    the activations. The action is a `Box(0, 1, (1,), float32)`, shared out evenly among the bit
    widths from `floor` to 8, HAQ's `round(floor - 0.5 + a (8 - floor + 1))`.

    With `constraint="backoff"` (default, the paper's) decisions are taken as asked, and the
    finished design is lowered bit by bit, from the last decision to the first and over again, until
    it meets the budget. With `"bounded"` bits are lowered, decision by decision, to the most that
    leaves enough budget for the later layers at `floor`; DDPG learns less that way (see
    [results](results.md)). With `"projected"` the finished design is scaled down by the largest
    common factor that fits. Either way every finished design meets it.

    Actions that are not numbers, lie outside [0, 1] or have the wrong shape raise an `ActionError`.

    ## Observations
    A `Box(0, 1, (12,), float32)` about the next decision: HAQ's ten features, on scales that are
    the same for all networks, and AMC's two about the budget.

    | # | feature | scale |
    | --- | --- | --- |
    | 0 | index of the decision | number of decisions |
    | 1 | input channels of the layer | log2, 1 = 4,096 |
    | 2 | output channels of the layer | log2, 1 = 4,096 |
    | 3 | kernel size | 1 = 11 pixels |
    | 4 | stride | 1 = 4 |
    | 5 | height and width of its input | log2, 1 = 256 pixels |
    | 6 | weights of the layer | log2, 1 = 134 million |
    | 7 | whether it is depthwise | 0 or 1 |
    | 8 | whether the decision is about activations | 0 or 1 |
    | 9 | bits of the decision before | 1 = 8 |
    | 10 | budgeted cost removed so far | fraction of the 8-bit network's |
    | 11 | budgeted cost of what later decisions settle, at 8 bits | same |

    A layer's cost is settled by the decision on its activations, the later of its two.

    ## Reward
    0 until the last decision, then one of:

    - `"accuracy"` (default): the accuracy of the design, a fraction.
    - `"accuracy_change"`: HAQ's 0.1 (accuracy - that of the 8-bit network), both in percent.
    - `"accuracy_times_cost"` or `"compression_ratio"` as for channel pruning; these go without a
      budget, too.

    Those of MACs and parameters are refused: bits change neither.

    ## Episode End
    `terminated` after the last decision; never `truncated`. The last `info` is that of channel
    pruning, with `design` in bits, weights and activations in turn.

    ## Arguments
    - `network`: a network with a measured table, or any other together with `proxy`.
    - `hardware` (`"bismo-edge"`): also `"bismo-cloud"`, `"bitfusion"`, `"horowitz"`, `"counts"`
      (for `size`), or any other model.
    - `budget` (`0.4`): what the design may cost, as a fraction of what the 8-bit network does, or
      several at once as `{"latency": 0.5, "size": 0.7}`, of which agents see the first.
    - `cost` (`"latency"`): what is budgeted: `"latency"`, `"energy"`, `"size"` (bytes of the
      weights) and others as the hardware reports them.
    - `floor` (`2`): fewest bits, 1 to 8.
    - `constraint` (`"backoff"`): or `"bounded"` or `"projected"`, see above.
    - `budget_units`, `reward`, `target`, `exponent`, `metric`, `proxy`, `render_mode`: as for
      channel pruning.

    ## Version History
    * v0: first version.
    """

    family = "bit_allocation"
    unit = "bits"

    def __init__(
        self,
        network: str | Network,
        proxy: str | Mapping[str, Any] | AccuracyProxy = "surrogate",
        hardware: str | Mapping[str, Any] | HardwareModel = "bismo-edge",
        budget: float | Mapping[str, float] | None = 0.4,
        cost: str = "latency",
        reward: str = "accuracy",
        constraint: str = "backoff",
        floor: int = 2,
        budget_units: str = "fraction",
        metric: str = "top1",
        target: float | None = None,
        exponent: float | None = None,
    ) -> None:
        table = get_network(network) if isinstance(network, str) else network
        groups = bit_groups(table)
        lowest = _bits(floor)
        terms = Terms(
            network=network,
            proxy=proxy,
            hardware=hardware,
            budget=budget,
            cost=cost,
            reward=reward,
            constraint=constraint,
            round_to=1,
            floor=lowest,
            budget_units=budget_units,
            metric=metric,
            target=target,
            exponent=exponent,
        )

        def offer(_: int, floor: float) -> list[Decision]:
            return [Decision.bits(g.name, FULL_PRECISION, max(int(floor), 1)) for g in groups]

        index = {(group.layer, group.kind): t for t, group in enumerate(groups)}
        shapings = [
            Shaping(
                layer,
                weight_bits=index.get((layer.name, WEIGHTS)),
                activation_bits=index.get((layer.name, ACTIVATIONS)),
                bits=FULL_PRECISION,
            )
            for layer in table.layers
        ]
        super().__init__(terms, groups, offer, shapings)

    def features_of(self, spent: Sequence[float]) -> Features:
        """What agents see, given the costs [T + 1] of the 8-bit network up to a decision."""
        return features(BIT_FEATURES, self.network, self.groups, spent)

    def spec(self) -> dict[str, Any]:
        """JSON-able arguments that rebuild the problem."""
        arguments = super().spec()
        del arguments["round_to"]
        return arguments


def _bits(floor: int) -> int:
    """``floor`` as a Python integer.

    Raises:
        ArgumentError: if it is not a whole number from 1 to 8.
    """
    if not is_whole(floor) or not 1 <= floor <= FULL_PRECISION:
        raise ArgumentError(f"floor must be 1 to {FULL_PRECISION} bits, not {floor!r}")
    return int(floor)
