"""Whole networks with few bits, on real weights and images."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hwenvs.calibration.bench import Bench, compare, open_bench
from hwenvs.compression.quantization import QuantizedLibrary
from hwenvs.compression.quantized import round_to_grid
from hwenvs.compression.recipe import Recipe
from hwenvs.errors import DesignError, UnknownNameError
from hwenvs.networks import bit_groups, get_network

DECISIONS = len(bit_groups(get_network("resnet20")))


@pytest.fixture(scope="module")
def bench(data: Path) -> Bench:
    recipe = Recipe(points=12, ridge=0.1, rectified_steps=0, precision="float32")
    return open_bench(
        "resnet20", range(200), range(200, 500), recipe, data, family="bit_allocation",
        dataset="cifar10:test:train",
    )  # fmt: skip


def library(bench: Bench, correct: bool = True) -> QuantizedLibrary:
    return QuantizedLibrary(bench.reference, correct=correct)


def divergence(bench: Bench, design: list[int], method: str, correct: bool = True) -> float:
    network = library(bench.with_recipe(method=method), correct).network(design)
    outputs = network(bench.images).log_softmax(1)
    return compare(outputs, bench.logits, bench.labels).divergence


def test_every_layer_but_the_first_and_the_last_has_two_decisions() -> None:
    network = get_network("mobilenet_v1")
    groups = bit_groups(network)
    names = [layer.name for layer in network.layers[1:-1]]
    assert [group.layer for group in groups] == [name for name in names for _ in range(2)]
    assert [group.kind for group in groups[:4]] == ["weights", "activations"] * 2


def test_eight_bits_are_as_good_as_thirty_two(bench: Bench) -> None:
    full = bench.reference.folded(bench.images).argmax(1)
    assert float((full == bench.logits.argmax(1)).float().mean()) > 0.98
    assert bench.measure([8] * DECISIONS).divergence < 1e-5


def test_each_refinement_saves_more_of_what_rounding_loses(bench: Bench) -> None:
    design = [3, 8] * (DECISIONS // 2)
    plain = divergence(bench, design, "none", correct=False)
    compensated = divergence(bench, design, "independent", correct=False)
    corrected = divergence(bench, design, "independent")
    refitted = divergence(bench, design, "sequential")
    assert plain > 1.5 * compensated
    assert compensated > 1.2 * corrected
    assert corrected > 1.2 * refitted
    assert bench.measure(design).top1 > 0.95 * bench.baseline.top1


def test_networks_hold_no_more_values_than_their_bits_allow(bench: Bench) -> None:
    network = library(bench).network([3, 4] * (DECISIONS // 2))
    for group in bit_groups(bench.network):
        weight = network.weights[group.layer].flatten(1)
        assert max(len(row.unique()) for row in weight) <= 2**3
        inputs = network.rounded(bench.network.layer(group.layer), bench.images)
        assert len(inputs.unique()) <= 2**4


def test_a_single_decision_changes_one_layer(bench: Bench) -> None:
    some = library(bench)
    whole = some.whole
    for index, group in enumerate(bit_groups(bench.network)[:4]):
        alone = some.alone(index, 2)
        others = [name for name in whole.weights if name != group.layer]
        assert all(torch.equal(alone.weights[name], whole.weights[name]) for name in others)
        changed = not torch.equal(alone.weights[group.layer], whole.weights[group.layer])
        assert changed == (group.kind == "weights")
        assert (alone.grids[group.layer] != whole.grids[group.layer]) == (not changed)


def test_rounding_to_a_grid_equals_torchs_fake_quantization() -> None:
    values = torch.randn(1000)
    expected = torch.fake_quantize_per_tensor_affine(values, 0.07, 20, 0, 63)
    assert torch.allclose(round_to_grid(values, 0.07, 20, 63), expected, atol=1e-6)


def test_designs_that_do_not_fit_are_refused(bench: Bench) -> None:
    some = library(bench)
    with pytest.raises(DesignError, match=f"needs {DECISIONS} bit widths, got 3"):
        some.network([8, 8, 8])
    with pytest.raises(DesignError, match="1 to 8 bits, not 9"):
        some.network([9] * DECISIONS)
    with pytest.raises(UnknownNameError, match="sequential"):
        bench.with_recipe(method="sequentially")


def test_codebooks_leave_a_layer_few_values_and_refitting_helps_them_too(bench: Bench) -> None:
    design = [3, 8] * (DECISIONS // 2)
    kinds = {m: bench.with_recipe(method=m, levels="codebook") for m in ("none", "sequential")}
    networks = {m: library(kind).network(design) for m, kind in kinds.items()}
    shared = networks["sequential"].weights["layer2.0.conv2"]
    assert len(shared.unique()) <= 8
    lost = {
        m: compare(n(bench.images).log_softmax(1), bench.logits, bench.labels).divergence
        for m, n in networks.items()
    }
    assert lost["none"] > 2 * lost["sequential"]
