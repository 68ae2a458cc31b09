"""What the uncompressed network computes on calibration images, at sampled pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from hwenvs.compression.folding import FoldedNetwork, batch_size
from hwenvs.compression.least_squares import MomentMatrices, MomentSums, weight_matrix
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.sampling import SamplePoints
from hwenvs.compression.selection import importance_order
from hwenvs.networks import ChannelGroup
from hwenvs.networks.base import INPUT, Add, Layer, Network, Node, Recurrent
from hwenvs.networks.execution import activate, prepare_input, run_cell, run_node

DEPTHWISE_POINTS = 8
"""Sampled pixels per image for depthwise layers: each channel fits only kernel**2 + 1 numbers."""

FEWEST_IMAGES = 4
"""Images at a time at least when the full network is run: fewer are lost in bookkeeping."""

ALL = slice(None)


@dataclass
class Reference:
    """The full network on calibration images.

    Attributes:
        folded: the full network.
        images: calibration images ``[N, C, R, R]``.
        recipe: how it was sampled.
        points: sampled pixels of every convolution.
        targets: outputs before the activation at those pixels, ``[N * points, channels]``, for
            layers and for the sums behind residual branches.
        moments: second moments of inputs and outputs of every layer that may read fewer channels.
    """

    folded: FoldedNetwork
    images: Tensor
    recipe: Recipe
    points: dict[str, SamplePoints] = field(default_factory=dict)
    targets: dict[str, Tensor] = field(default_factory=dict)
    moments: dict[str, MomentMatrices] = field(default_factory=dict)
    _orders: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    @torch.inference_mode()
    def measure(
        cls,
        folded: FoldedNetwork,
        images: Tensor,
        recipe: Recipe,
        progress: Callable[[float], None] | None = None,
    ) -> Reference:
        """Runs the full network once; ``progress`` receives the fraction done."""
        network = folded.network
        images = images.to(recipe.dtype).contiguous(memory_format=torch.channels_last)
        reference = cls(folded, images, recipe)
        reference._draw_points()
        notes = _Notes(reference, folded.to(recipe.dtype))
        at_once = max(FEWEST_IMAGES, batch_size(network))
        for start in range(0, len(images), at_once):
            notes.take(slice(start, start + at_once))
            if progress is not None:
                progress(min(1.0, (start + at_once) / len(images)))
        notes.hand_over()
        return reference

    def order(self, group: ChannelGroup) -> Tensor:
        """Channels of ``group`` from most to least important (computed once)."""
        if group.name not in self._orders:
            reader = self.folded.network.layer(group.readers[0])
            self._orders[group.name] = importance_order(
                self.recipe.criterion,
                self.moments[reader.name],
                weight_matrix(reader, self.folded.weights[reader.name]),
                self.recipe.seed,
            )
        return self._orders[group.name]

    def kept(self, group: ChannelGroup, count: int) -> Tensor | None:
        """The ``count`` most important channels in ascending order; None if all are kept."""
        if count == group.channels:
            return None
        return torch.sort(self.order(group)[:count]).values

    def _draw_points(self) -> None:
        generator = torch.Generator("cpu").manual_seed(self.recipe.seed)
        for layer in self.folded.network.layers:
            if layer.kind != "linear":
                count = DEPTHWISE_POINTS if layer.kind == "depthwise" else self.recipe.points
                self.points[layer.name] = SamplePoints.draw(
                    len(self.images), count, layer.size, generator
                )

    def moments_of(self, layer: Layer) -> MomentMatrices:
        """Second moments of a layer that is not depthwise, also of one that reads the image."""
        if layer.name not in self.moments:
            patches = self.patches(layer, self.images).flatten(1)
            self.moments[layer.name] = MomentMatrices.of(patches, self.targets[layer.name])
        return self.moments[layer.name]

    def patches(self, layer: Layer, maps: Tensor, images: slice = ALL) -> Tensor:
        """Sampled inputs ``[rows, taps, channels]`` of ``layer``, which reads ``maps``.

        Args:
            layer: the layer.
            maps: its inputs, ``[images, channels, size, size]``.
            images: which of the calibration images they belong to.
        """
        if layer.kind == "linear":
            flat = maps.flatten(2) if maps.dim() == 4 else maps[:, :, None]
            return flat.permute(0, 2, 1).float()
        return self.points[layer.name].of(images).patches(layer, prepare_input(layer, maps))


class _Notes:
    """Writes down what the full network computes, a few images at a time.

    All images layer by layer would need gigabytes, which cost more time than the layers.
    """

    def __init__(self, reference: Reference, low: FoldedNetwork) -> None:
        self.reference, self.low = reference, low
        self.targets: dict[str, list[Tensor]] = {}
        self.moments: dict[str, MomentSums] = {}

    def take(self, images: slice) -> None:
        """Runs the network on some of the calibration images."""

        def visit(node: Node, values: dict[str, Tensor]) -> Tensor:
            inputs = [values[source] for source in node.inputs]
            linear = run_node(replace(node, activation=None), inputs, self.low.compute)
            if isinstance(node, Recurrent):
                self._note_cell(node, inputs[0])
            if isinstance(node, Layer | Add):
                self._note(node, inputs[0], linear, images)
            return activate(node, linear)

        walk_nodes(self.low.network, self.reference.images[images], visit)

    def hand_over(self) -> None:
        """Gives the reference what was written down."""
        for name, parts in self.targets.items():
            self.reference.targets[name] = torch.cat(parts)
        for name, sums in self.moments.items():
            self.reference.moments[name] = sums.moments()

    def _note(self, node: Layer | Add, read: Tensor, linear: Tensor, images: slice) -> None:
        points = self.reference.points
        if isinstance(node, Layer) and node.kind == "linear":
            target = linear.float().clone()  # the activation works in place
        else:
            # A sum is seen where the branch that is computed last was: it can make up for what
            # the other carries, see refitting.Target.
            own = (node.name,) if isinstance(node, Layer) else node.inputs
            seen = [name for name in points if name in own]
            if not seen:
                return
            target = points[seen[-1]].of(images).outputs(linear)
        self.targets.setdefault(node.name, []).append(target)
        if isinstance(node, Layer) and node.kind != "depthwise" and node.inputs[0] != INPUT:
            patches = self.reference.patches(node, read, images).flatten(1)
            self.moments.setdefault(node.name, MomentSums()).add(patches, target)

    def _note_cell(self, node: Recurrent, maps: Tensor) -> None:
        """Moments of the matrices of an LSTM, over all steps."""
        full = self.reference.folded
        seen: dict[str, list[tuple[Tensor, Tensor]]] = {layer.name: [] for layer in node.layers}

        def compute(layer: Layer, x: Tensor) -> Tensor:
            outputs = full.compute(layer, x)
            seen[layer.name].append((x.flatten(0, -2), outputs.flatten(0, -2)))
            return outputs

        run_cell(node, maps.float(), compute)
        for name, pairs in seen.items():
            read, written = (torch.cat(some) for some in zip(*pairs, strict=True))
            self.moments.setdefault(name, MomentSums()).add(read, written)


def run_in_batches(folded: FoldedNetwork, node: Node, inputs: list[Tensor]) -> Tensor:
    """Output of one node for all images, a few at a time so that the work stays in cache."""
    batch = max(FEWEST_IMAGES, batch_size(folded.network))
    parts = [
        run_node(node, [x[at : at + batch] for x in inputs], folded.compute)
        for at in range(0, len(inputs[0]), batch)
    ]
    return torch.cat(parts)


def walk_nodes(
    network: Network, images: Tensor, visit: Callable[[Node, dict[str, Tensor]], Tensor]
) -> Tensor:
    """Calls ``visit(node, values)`` in order; ``values`` holds the outputs that are still read."""
    values = {INPUT: images}
    left = {name: len(users) for name, users in network.readers.items()}
    for node in network.nodes:
        values[node.name] = visit(node, values)
        for source in node.inputs:
            left[source] -= 1
            if left[source] == 0:
                del values[source]
    return values[network.nodes[-1].name]
