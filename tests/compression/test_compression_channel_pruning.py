"""Pruning whole networks: what is removed, what is restored, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hwenvs.compression.channel_pruning import prune_channels, refit_readers
from hwenvs.compression.folding import FoldedNetwork, fold
from hwenvs.compression.recipe import METHODS, Recipe
from hwenvs.compression.reference import Reference, run_in_batches, walk_nodes
from hwenvs.compression.refitting import Target
from hwenvs.errors import DesignError, UnknownNameError
from hwenvs.networks import Network, channel_groups, kept_channels
from hwenvs.networks.base import Layer, Node
from hwenvs.networks.builder import TableBuilder
from hwenvs.networks.classic import lenet5
from hwenvs.networks.modules import TableModule
from hwenvs.networks.resnet import resnet_imagenet


def small_mobile() -> Network:
    """A stem, an inverted residual with a shortcut, and a separable block, at 16 x 16."""
    table = TableBuilder(16, same_padding=True)
    table.conv("stem", 8, 3, 2, norm="stem_norm", activation="relu6")
    start = table.last
    table.conv("expand", 16, 1, activation="relu6", bias=True)
    table.depthwise("depthwise", 3, 1, norm="depthwise_norm", activation="relu6")
    branch = table.conv("project", 8, 1, activation=None, bias=True)
    table.add("sum", branch, start, activation=None)
    table.conv("widen", 12, 3, 2, bias=True)
    table.average_pool()
    table.linear("classifier", 4)
    return table.build("small_mobile", "Small mobile")


def small_residual() -> Network:
    """Two residual blocks, the second with a padded shortcut, at 8 x 8."""
    table = TableBuilder(8)
    table.conv("conv1", 8, bias=True)
    for at, width, stride in (("a", 8, 1), ("b", 16, 2)):
        source = table.last
        table.conv(f"{at}.conv1", width, 3, stride, bias=True)
        branch = table.conv(f"{at}.conv2", width, 3, activation=None, bias=True)
        if stride > 1:
            source = table.pad_shortcut(f"{at}.shortcut", source, width, stride)
        table.add(at, branch, source)
    table.average_pool()
    table.linear("classifier", 4)
    return table.build("small_residual", "Small residual")


def small_late() -> Network:
    """A padded shortcut whose input is computed after the branch that it is added to."""
    table = TableBuilder(8)
    start = table.conv("stem", 8, bias=True)
    branch = table.conv("branch", 16, 3, 2, activation=None, bias=True)
    late = table.conv("late", 8, 1, bias=True, source=start)
    table.add("sum", branch, table.pad_shortcut("shortcut", late, 16, 2))
    table.average_pool()
    table.linear("classifier", 4)
    return table.build("small_late", "Small late")


NETWORKS = {
    "mobile": small_mobile,
    "residual": small_residual,
    "late": small_late,
    "lenet5": lenet5,
}


def make(name: str, **recipe: str | int) -> Reference:
    network = NETWORKS[name]()
    torch.manual_seed(1)
    folded = fold(TableModule(network).eval())
    generator = torch.Generator().manual_seed(2)
    shape = (60, network.in_channels, network.resolution, network.resolution)
    images = torch.randn(shape, generator=generator)
    return Reference.measure(folded, images, Recipe(points=20, **recipe))  # type: ignore[arg-type]


def half(network: Network) -> list[int]:
    return [max(1, group.channels // 2) for group in channel_groups(network)]


def distance(one: FoldedNetwork, other: FoldedNetwork, images: torch.Tensor) -> float:
    return float((one(images) - other(images)).square().mean())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NETWORKS)
def test_pruned_channels_are_physically_removed(name: str, method: str) -> None:
    reference = make(name, method=method)
    network = reference.folded.network
    pruned = prune_channels(reference, half(network))
    ins, outs = kept_channels(network, np.array([half(network)]))
    for column, layer in enumerate(network.layers):
        weight = pruned.weights[layer.name]
        inputs = 1 if layer.kind == "depthwise" else ins[0, column]
        assert len(weight) == len(pruned.biases[layer.name]) == outs[0, column]
        assert weight[0].numel() == inputs * layer.kernel**2 * layer.features_per_channel
    assert pruned(reference.images).shape == (60, network.classes)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NETWORKS)
def test_keeping_every_channel_changes_nothing(name: str, method: str) -> None:
    reference = make(name, method=method)
    design = [group.channels for group in channel_groups(reference.folded.network)]
    pruned = prune_channels(reference, design)
    assert torch.equal(pruned(reference.images), reference.folded(reference.images))


@pytest.mark.parametrize("name", NETWORKS)
def test_reconstruction_brings_the_output_back(name: str) -> None:
    reference = make(name)
    images, full = reference.images, reference.folded
    design = [max(1, group.channels * 3 // 4) for group in channel_groups(full.network)]
    error = {}
    for method in METHODS:
        recipe = replace(reference.recipe, method=method)
        error[method] = distance(
            prune_channels(replace(reference, recipe=recipe), design), full, images
        )
    assert error["sequential"] < error["independent"] < error["none"]


def test_redundant_channels_cost_nothing() -> None:
    """Channels that copy others are dropped, and least squares restores the output exactly."""
    reference = make("residual", criterion="reconstruction")
    folded = reference.folded.copy()
    for name in ("a.conv1", "b.conv1"):
        weight, bias = folded.weights[name].clone(), folded.biases[name].clone()
        count = len(weight) // 2
        weight[count:], bias[count:] = weight[:count], bias[:count]
        folded.weights[name], folded.biases[name] = weight, bias
    reference = Reference.measure(folded, reference.images, replace(reference.recipe, ridge=1e-7))
    groups = channel_groups(folded.network)
    design = [g.channels // 2 if g.name.endswith("conv2") else g.channels for g in groups]
    pruned = prune_channels(reference, design)
    torch.testing.assert_close(
        pruned(reference.images), folded(reference.images), atol=1e-3, rtol=1e-2
    )


def test_the_full_network_is_left_alone() -> None:
    reference = make("residual")
    before = {name: weight.clone() for name, weight in reference.folded.weights.items()}
    prune_channels(reference, half(reference.folded.network))
    assert all(torch.equal(reference.folded.weights[name], before[name]) for name in before)


def test_pruning_is_deterministic() -> None:
    designs = half(small_mobile())
    one, other = (prune_channels(make("mobile"), designs) for _ in range(2))
    assert all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


@pytest.mark.parametrize("name", NETWORKS)
def test_refitting_only_the_readers_equals_pruning_one_group(name: str) -> None:
    reference = make(name, method="independent")
    network = reference.folded.network
    for index, group in enumerate(channel_groups(network)):
        design = [g.channels for g in channel_groups(network)]
        design[index] = group.channels // 2
        whole = prune_channels(reference, design)(reference.images)
        readers = refit_readers(reference, group, group.channels // 2)(reference.images)
        torch.testing.assert_close(readers, whole, atol=1e-4, rtol=1e-3)


def test_bfloat16_passes_stay_close_to_float32() -> None:
    design = half(small_residual())
    images = make("residual").images
    exact = prune_channels(make("residual"), design)(images)
    rough = prune_channels(make("residual", precision="bfloat16"), design)(images)
    assert float((exact - rough).square().mean()) < 0.05 * float(exact.square().mean())


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ([4], "needs 5 kept-channel counts, got 1"),
        ([0, 4, 4, 4, 4], "keeps 1 to 8 channels, not 0"),
        ([4, 9, 4, 4, 4], "keeps 1 to 8 channels, not 9"),
        ([4.5, 4, 4, 4, 4], "not 4.5"),
    ],
)
def test_designs_that_do_not_fit_are_refused(design: list[float], message: str) -> None:
    reference = make("residual")
    groups = channel_groups(reference.folded.network)
    message = message.replace("needs 5", f"needs {len(groups)}")
    padded = design if len(design) == 1 else [*design, *[1] * len(groups)][: len(groups)]
    with pytest.raises(DesignError, match=message):
        prune_channels(reference, padded)  # type: ignore[arg-type]


def test_an_unknown_method_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'sequential'"):
        Recipe(method="sequental")


def test_the_branch_computed_last_aims_at_what_it_computes_in_the_full_network() -> None:
    """A downsampling shortcut runs after the branch it is added to: both are sampled alike."""
    network = resnet_imagenet(18, classes=10, resolution=32)
    torch.manual_seed(0)
    folded = fold(TableModule(network).eval())
    reference = Reference.measure(folded, torch.randn(3, 3, 32, 32), Recipe(points=5))
    checked = []

    def visit(node: Node, values: dict[str, torch.Tensor]) -> torch.Tensor:
        if isinstance(node, Layer):
            target = Target.of(reference, node, values)
            wanted = reference.targets[node.name]
            torch.testing.assert_close(target.outputs, wanted, rtol=1e-3, atol=1e-3)
            checked.append(node.name if target.offset.dim() else "")
        return run_in_batches(folded, node, [values[source] for source in node.inputs])

    walk_nodes(network, reference.images, visit)
    assert "layer2.0.downsample.0" in checked
