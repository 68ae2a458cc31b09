"""What quantizers need to know about a network: one pass of the full network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from hwenvs.compression.least_squares import depthwise_moments
from hwenvs.compression.reference import Reference, run_in_batches, walk_nodes
from hwenvs.networks.base import Layer, Node
from hwenvs.networks.execution import ACTIVATIONS, prepare_input

SAMPLES = 4096
"""Input pixels per layer whose values ranges are chosen on."""


@dataclass
class InputStatistics:
    """Inputs and outputs of every layer of the full network.

    Attributes:
        samples: inputs at random pixels, ``[pixels, channels]`` per layer.
        moments: of the inputs of depthwise layers about their means,
            ``[channels, taps, taps]`` float64.
        means: mean outputs before the activation over the first ``images`` images, ``[channels]``.
        images: see ``means``.
    """

    images: int
    samples: dict[str, Tensor] = field(default_factory=dict)
    moments: dict[str, Tensor] = field(default_factory=dict)
    means: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    @torch.inference_mode()
    def measure(cls, reference: Reference, images: int) -> InputStatistics:
        """Runs the full network of ``reference`` on its calibration images."""
        statistics = cls(min(images, len(reference.images)))
        generator = torch.Generator("cpu").manual_seed(reference.recipe.seed + 1)
        low = reference.folded.to(reference.recipe.dtype)

        def visit(node: Node, values: dict[str, Tensor]) -> Tensor:
            inputs = [values[source] for source in node.inputs]
            linear = run_in_batches(low, replace(node, activation=None), inputs)
            if isinstance(node, Layer):
                statistics._record(reference, node, inputs[0], linear, generator)
            return ACTIVATIONS[node.activation](linear)

        walk_nodes(low.network, reference.images, visit)
        return statistics

    def _record(
        self,
        reference: Reference,
        layer: Layer,
        maps: Tensor,
        linear: Tensor,
        generator: torch.Generator,
    ) -> None:
        pixels = pixel_rows(prepare_input(layer, maps))
        chosen = torch.randint(len(pixels), (min(SAMPLES, len(pixels)),), generator=generator)
        self.samples[layer.name] = pixels[chosen.to(pixels.device)].float()
        self.means[layer.name] = channel_means(linear[: self.images])
        if layer.kind == "depthwise":
            patches = reference.points[layer.name].patches(layer, prepare_input(layer, maps))
            self.moments[layer.name] = depthwise_moments(patches)


def pixel_rows(maps: Tensor) -> Tensor:
    """``[N, C, H, W]`` as ``[N * H * W, C]``; ``[N, C]`` as it is."""
    return maps if maps.dim() == 2 else maps.permute(0, 2, 3, 1).flatten(0, 2)


def channel_means(maps: Tensor) -> Tensor:
    """Mean of every channel, ``[C]`` float32."""
    return maps.mean(0 if maps.dim() == 2 else (0, 2, 3), dtype=torch.float32)
