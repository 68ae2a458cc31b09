"""Deep Compression: how dense and with how large a codebook is every layer stored?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from hwenvs.hardware import CheckedHardware, HardwareModel
from hwenvs.hardware.storage import CodedStorage
from hwenvs.networks import (
    CODEBOOK_BITS,
    FLOAT_BITS,
    PERCENT,
    Network,
    get_network,
    storage_groups,
)
from hwenvs.problems.base import Outcome
from hwenvs.problems.decision import Decision
from hwenvs.problems.features import BIT_FEATURES, Features, features
from hwenvs.problems.layerwise import LayerwiseProblem, Terms, fraction, whole_number
from hwenvs.problems.tables import Shaping
from hwenvs.proxies import AccuracyProxy, encoded_sizes

SPARED = 4
"""How much denser the paper leaves convolutions and the last layer: AlexNet's convolutions keep 35
to 38 %, its last layer 25 and the others 9; LeNet-5's keep 66 and 12, its last layer 19, the other
8 (Deep Compression, tables 2 to 5)."""

RULES = ({"conv": 8, "linear": 5}, {"conv": 6, "linear": 4}, {"conv": 4, "linear": 3})
"""Codebook bits by kind of layer: the paper's rule, and smaller ones where it does not fit."""


class DeepCompressionProblem(LayerwiseProblem):
    """Deep Compression: how dense and with how large a codebook is every layer stored?

    The problem of Han et al., "Deep Compression", ICLR 2016, who chose densities and codebooks by
    hand and stored LeNet-5 in a 39th of its bytes: small weights go, the others share the values of
    a codebook, and both are entropy-coded.

    ## Description
    One episode stores one network: an agent walks it layer by layer and decides each layer's
    density and the bits of its codebook. The uncompressed network stores every weight in 32 bits.

    Accuracy comes from a *proxy*, the surrogate by default: a measured table of the divergence
    between the whole and the compressed network's outputs, per layer and density and per layer and
    codebook, summed up and mapped to accuracy. Weights that go, and the rounding to the codebook,
    were made up for through the inverse Gram matrix of the layer's inputs; nothing was fine-tuned.
    `env.unwrapped.problem.card` says what it was measured on and how far it can be trusted; where
    nothing was measured the card says "analytic". Sizes are those of the real encoder's bytes
    (`hwenvs compress`), Huffman-coded, where the table was measured, else the expected bytes
    without Huffman coding.

    ## Decisions and Actions
    Two decisions per layer, in the order in which the layers run: density in percent, then bits of
    the codebook, 1 to 8, or 32 for none. The action is a `Box(0, 1, (1,), float32)`: the density,
    turned into the nearest option (multiples of `round_to` percent from `floor` on, and 100); for
    codebooks shared out evenly among the nine options.

    `constraint` and refused actions are those of channel pruning.

    ## Observations
    A `Box(0, 1, (12,), float32)` about the next decision: the features of bit allocation, with
    "whether the decision is about activations" telling whether it is about the codebook, and the
    decision before as a fraction of 100 percent or of 32 bits.

    ## Reward
    0 until the last decision, then one of:

    - `"accuracy"` (default): the accuracy of the design, a fraction, under a budget on its size.
    - `"compression_ratio"`: how many times fewer bytes it takes, if its accuracy lies at most
      `max_accuracy_drop` below the whole network's; else what it lacks, which is negative. Goes
      with `budget=None`: nothing then keeps designs from losing too much but the reward.
    - `"accuracy_change"` or `"accuracy_times_cost"` as for channel pruning. Those of MACs and
      parameters are refused: neither density nor codebooks change them.

    ## Episode End
    `terminated` after the last decision; never `truncated`. The last `info` is that of channel
    pruning, with `design` in percent and bits in turn. One over the fraction of `size` is the
    compression ratio.

    ## Arguments
    - `network`: a network with a table, or any other together with `proxy`.
    - `budget` (`0.03`): what the design may cost, as a fraction of the float32 network's cost.
    - `cost` (`"size"`): what is budgeted; others as the hardware reports them.
    - `hardware` (`"storage"`): also `"eie"` or `"ese"` for latency and energy.
    - `max_accuracy_drop` (`0.005`): for `"compression_ratio"`, a fraction.
    - `round_to` (`1`): densities are multiples of so many percent.
    - `floor` (`0.02`): smallest density.
    - `budget_units`, `reward`, `target`, `exponent`, `constraint`, `metric`, `proxy`,
      `render_mode`: as for channel pruning.

    ## Version History
    * v0: first version.
    """

    family = "deep_compression"
    unit = "% of the weights, bits"

    def __init__(
        self,
        network: str | Network,
        proxy: str | Mapping[str, Any] | AccuracyProxy = "surrogate",
        hardware: str | Mapping[str, Any] | HardwareModel = "storage",
        budget: float | Mapping[str, float] | None = 0.03,
        cost: str = "size",
        reward: str = "accuracy",
        constraint: str = "bounded",
        round_to: int = 1,
        floor: float = 0.02,
        budget_units: str = "fraction",
        metric: str = "top1",
        max_accuracy_drop: float = 0.005,
        target: float | None = None,
        exponent: float | None = None,
    ) -> None:
        table = get_network(network) if isinstance(network, str) else network
        groups = storage_groups(table)
        step, lowest = whole_number(round_to, "percent"), fraction(floor)
        if hardware == CodedStorage.name:
            measured = encoded_sizes(proxy, table) if isinstance(proxy, str) else {}
            hardware = CheckedHardware(CodedStorage(measured), CodedStorage.name)
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
            max_accuracy_drop=fraction(max_accuracy_drop, "max_accuracy_drop"),
            target=target,
            exponent=exponent,
        )
        widths = np.array([*CODEBOOK_BITS, FLOAT_BITS], dtype=np.int64)

        def offer(step: int, floor: float) -> list[Decision]:
            return [
                Decision(group.name, FLOAT_BITS, widths, even=True)
                if group.second
                else Decision.channels(group.name, PERCENT, step, floor)
                for group in groups
            ]

        shapings = [
            Shaping(layer, density=2 * index, weight_bits=2 * index + 1)
            for index, layer in enumerate(table.layers)
        ]
        super().__init__(terms, groups, offer, shapings)

    def features_of(self, spent: Sequence[float]) -> Features:
        """What agents see, given the costs [T + 1] of the whole network up to a decision."""
        return features(BIT_FEATURES, self.network, self.groups, spent)

    @cached_property
    def reference(self) -> Outcome:
        """The paper's rules of thumb at the common density that fits and earns most.

        Convolutions and the last layer are :data:`SPARED` times as dense as the other linear
        layers, as in the paper's tables; codebooks have 8 bits for convolutions and 5 for linear
        layers, fewer if no density fits with them.
        """
        linear = np.array([layer.kind == "linear" for layer in self.layers])
        hidden = linear & (np.arange(len(linear)) < len(linear) - 1)
        densities = self.decisions[0].kept.astype(np.int64)
        spared = np.minimum(densities[:, None] * np.where(hidden, 1, SPARED), PERCENT)
        for rule in RULES:
            bits = np.where(linear, rule["linear"], rule["conv"])
            wanted = np.stack([spared, np.broadcast_to(bits, spared.shape)], 2)
            designs = wanted.reshape(len(densities), -1)
            designs = self.decisions.designs(self.decisions.nearest(designs))
            outcome = self.evaluate(designs)
            if outcome.feasible.any():
                earned = np.where(outcome.feasible, outcome.reward, -np.inf)
                # Among equals the densest.
                best = len(earned) - 1 - int(earned[::-1].argmax())
                return self.evaluate(designs[best : best + 1])
        return super().reference

    @property
    def layers(self) -> Sequence[Any]:
        """The layers, two decisions each."""
        return self.network.layers
