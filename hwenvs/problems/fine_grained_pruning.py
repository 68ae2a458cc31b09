"""Fine-grained pruning: which fraction of its weights does every layer keep?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwenvs.hardware import HardwareModel
from hwenvs.networks import PERCENT, Network, get_network, weight_groups
from hwenvs.problems.decision import Decision
from hwenvs.problems.layerwise import LayerwiseProblem, Terms, fraction, whole_number
from hwenvs.problems.tables import Shaping
from hwenvs.proxies import AccuracyProxy

STEP = 1
"""Percents between the densities on offer by default."""


class FineGrainedPruningProblem(LayerwiseProblem):
    """Fine-grained pruning: which fraction of its weights does every layer keep?

    The second problem of AMC (He et al., ECCV 2018), which pruned ResNet-50 to a fifth of its
    weights where human experts had reached 1 / 3.4: single weights are set to zero, wherever they
    are, and sparse accelerators such as EIE run what is left.

    ## Description
    One episode designs one network: an agent walks it layer by layer and decides each layer's
    *density*. Layers that read the image and depthwise layers have hardly any weights and stay
    dense.

    Accuracy comes from a *proxy*, the surrogate by default: a measured table of the divergence
    between the whole and the pruned network's outputs, per layer and density, summed up and mapped
    to accuracy. Weights were chosen and the remaining ones adjusted layer by layer through the
    inverse Gram matrix of the layer's inputs; nothing was fine-tuned.
    `env.unwrapped.problem.card` says what it was measured on and how far it can be trusted. Costs
    come from a *hardware model*; MACs and parameters are counted as if no weight were zero, `size`
    is that of the weights that are not zero, without any index of where they are.

    ## Decisions and Actions
    One decision per layer, in the order in which they run. The action is a
    `Box(0, 1, (1,), float32)`: the density. It is turned into the nearest option; options are the
    multiples of `round_to` percent from `floor` on, and 100.

    `constraint` and refused actions are those of channel pruning.

    ## Observations
    A `Box(0, 1, (12,), float32)` about the next decision: the features of channel pruning, with
    "depthwise" always 0 and "fraction kept" the density of the layer before.

    ## Reward
    0 until the last decision, then the accuracy of the design (`"accuracy"`, default), or
    `"accuracy_change"`, `"accuracy_times_cost"` or `"compression_ratio"` as for channel pruning.
    Those of MACs and parameters are refused: zeros change neither.

    ## Episode End
    `terminated` after the last decision; never `truncated`. The last `info` is that of channel
    pruning, with `design` in percent.

    ## Arguments
    - `network`: a network with a measured table, or any other together with `proxy`.
    - `budget` (`0.2`): what the design may cost, as a fraction of the uncompressed network's cost.
    - `cost` (`"size"`): what is budgeted; others as the hardware reports them.
    - `round_to` (`1`): densities are multiples of so many percent.
    - `floor` (`0.05`): smallest density.
    - `budget_units`, `reward`, `target`, `exponent`, `hardware`, `constraint`, `metric`, `proxy`,
      `render_mode`: as for channel pruning.

    ## Version History
    * v0: first version.
    """

    family = "fine_grained_pruning"
    unit = "% of the weights"

    def __init__(
        self,
        network: str | Network,
        proxy: str | Mapping[str, Any] | AccuracyProxy = "surrogate",
        hardware: str | Mapping[str, Any] | HardwareModel = "counts",
        budget: float | Mapping[str, float] | None = 0.2,
        cost: str = "size",
        reward: str = "accuracy",
        constraint: str = "bounded",
        round_to: int | None = None,
        floor: float = 0.05,
        budget_units: str = "fraction",
        metric: str = "top1",
        target: float | None = None,
        exponent: float | None = None,
    ) -> None:
        table = get_network(network) if isinstance(network, str) else network
        groups = weight_groups(table)
        step = STEP if round_to is None else whole_number(round_to, "percent")
        lowest = fraction(floor)
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
            return [Decision.channels(group.name, PERCENT, step, floor) for group in groups]

        index = {group.name: t for t, group in enumerate(groups)}
        shapings = [Shaping(layer, None, None, index.get(layer.name)) for layer in table.layers]
        super().__init__(terms, groups, offer, shapings)
