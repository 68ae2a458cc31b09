"""Channel pruning of real weights: a design in, a smaller network out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.least_squares import (
    MomentMatrices,
    prior_matrix,
    solve_depthwise,
    split_solution,
    weight_matrix,
    weight_tensor,
)
from hwenvs.compression.reference import Reference, run_in_batches, walk_nodes
from hwenvs.compression.refitting import Target, refit
from hwenvs.errors import DesignError
from hwenvs.networks import ChannelGroup, Network, channel_groups
from hwenvs.networks.base import INPUT, Layer, Node


def check_design(network: Network, design: Sequence[int]) -> tuple[int, ...]:
    """The design as Python integers.

    Raises:
        DesignError: if its length or an entry does not fit the channel groups of ``network``.
    """
    groups = channel_groups(network)
    if len(design) != len(groups):
        raise DesignError(
            f"{network.title} needs {len(groups)} kept-channel counts, got {len(design)}"
        )
    for group, kept in zip(groups, design, strict=True):
        if int(kept) != kept or not 1 <= kept <= group.channels:
            raise DesignError(f"{group.name} keeps 1 to {group.channels} channels, not {kept}")
    return tuple(int(kept) for kept in design)


@torch.inference_mode()
def prune_channels(reference: Reference, design: Sequence[int]) -> FoldedNetwork:
    """The full network of ``reference`` with only the channels that ``design`` keeps.

    Channels are physically removed.  One pass through the network: every layer's activations are
    carried forward, nothing is recomputed from the input.

    Args:
        reference: the full network on calibration images; its recipe says how weights are
            re-fitted.
        design: kept channels, one entry per channel group.

    Raises:
        DesignError: if the design does not fit the network.
    """
    recipe = reference.recipe
    cut = Cut(reference, check_design(reference.folded.network, design))
    if recipe.method == "sequential":
        return _prune_sequentially(reference, cut)
    pruned = reference.folded.copy()
    for layer in pruned.network.layers:
        weight, bias = cut.slice(layer)
        if recipe.method == "independent" and cut.inputs.get(layer.name) is not None:
            weight, bias = _refit_alone(reference, cut, layer, weight, bias)
        cut.store(pruned, layer, weight, bias)
    return pruned


@torch.inference_mode()
def refit_readers(reference: Reference, group: ChannelGroup, count: int) -> FoldedNetwork:
    """The full network in which only the readers of ``group`` use ``count`` of its channels.

    The layers that write the channels stay as they are (their other outputs are not read), so the
    result equals a pruned network and can start from activations of the full one.
    """
    groups = channel_groups(reference.folded.network)
    design = tuple(count if other == group else other.channels for other in groups)
    cut = Cut(reference, design)
    cut.outputs.clear()
    cut.gathered.update(group.readers)
    changed = reference.folded.copy()
    for name in group.readers if count < group.channels else ():
        layer = changed.network.layer(name)
        cut.store(changed, layer, *_refit_alone(reference, cut, layer, *cut.slice(layer)))
    return changed


def _refit_alone(
    reference: Reference, cut: Cut, layer: Layer, weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor]:
    """Weights from the full network's Gram matrix: one Cholesky solve, nothing is run."""
    moments = reference.moments[layer.name].keep(cut.inputs[layer.name], layer.in_channels)  # type: ignore[arg-type]
    outputs = cut.outputs.get(layer.name)
    cross = moments.cross if outputs is None else moments.cross[:, outputs]
    solver = moments.solver(prior_matrix(layer, weight, bias), reference.recipe.ridge)
    return split_solution(layer, solver(cross))


class Cut:
    """Which channels of which layers a design keeps.

    Attributes:
        inputs, outputs: kept channels per layer, None (or absent) for all.
    """

    def __init__(self, reference: Reference, design: tuple[int, ...]) -> None:
        self.folded = reference.folded
        self.inputs: dict[str, Tensor | None] = {}
        self.outputs: dict[str, Tensor | None] = {}
        self.gathered: set[str] = set()
        groups: tuple[ChannelGroup, ...] = channel_groups(reference.folded.network)
        for group, count in zip(groups, design, strict=True):
            kept = reference.kept(group, count)
            for name in group.readers:
                self.inputs[name] = kept
                if group.gathered and kept is not None:
                    self.gathered.add(name)
            for name in group.writers:
                self.outputs[name] = kept

    def slice(self, layer: Layer) -> tuple[Tensor, Tensor]:
        """The old weights and biases that remain."""
        weight, bias = self.folded.weights[layer.name], self.folded.biases[layer.name]
        outputs, inputs = self.outputs.get(layer.name), self.inputs.get(layer.name)
        if outputs is not None:
            weight, bias = weight[outputs], bias[outputs]
        if inputs is not None:
            weight = weight_tensor(layer, weight_matrix(layer, weight)[:, :, inputs])
        return weight, bias

    def store(self, pruned: FoldedNetwork, layer: Layer, weight: Tensor, bias: Tensor) -> None:
        """Puts a layer's new weights into ``pruned``."""
        pruned.weights[layer.name], pruned.biases[layer.name] = weight, bias
        if layer.name in self.gathered:
            pruned.gathers[layer.name] = self.inputs[layer.name]  # type: ignore[assignment]


def _prune_sequentially(reference: Reference, cut: Cut) -> FoldedNetwork:
    recipe, network = reference.recipe, reference.folded.network
    pruned = reference.folded.copy()
    changed = False

    def visit(node: Node, values: dict[str, Tensor]) -> Tensor:
        nonlocal changed
        inputs = [values[source] for source in node.inputs]
        if not isinstance(node, Layer):
            return run_in_batches(pruned, node, inputs)
        changed = changed or cut.inputs.get(node.name) is not None
        weight, bias = cut.slice(node)
        if changed and node.inputs[0] != INPUT:
            weight, bias = _refit(reference, cut, node, values, weight, bias)
        cut.store(pruned, node, weight, bias)
        low = FoldedNetwork(network, {node.name: weight}, {node.name: bias}, pruned.gathers)
        return run_in_batches(low.to(recipe.dtype), node, inputs)

    walk_nodes(network, reference.images, visit)
    return pruned


def _refit(
    reference: Reference,
    cut: Cut,
    layer: Layer,
    values: dict[str, Tensor],
    weight: Tensor,
    bias: Tensor,
) -> tuple[Tensor, Tensor]:
    """Weights that bring the pruned network's output closest to the full network's."""
    maps = values[layer.inputs[0]]
    if layer.name in cut.gathered:
        maps = maps.index_select(1, cut.inputs[layer.name])  # type: ignore[arg-type]
    patches = reference.patches(layer, maps)
    target = Target.of(reference, layer, values).keep(cut.outputs.get(layer.name))
    if layer.kind == "depthwise":
        return solve_depthwise(patches, target.outputs, weight, bias, reference.recipe.ridge)
    inputs = patches.flatten(1)
    moments = MomentMatrices.of(inputs, target.outputs)
    return refit(reference.recipe, layer, inputs, moments, target, (weight, bias))
