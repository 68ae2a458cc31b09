"""Fine-grained pruning: how many weights stay, which, and what compensation is worth."""

import numpy as np
import pytest
import torch

from hwenvs.compression.fine_grained import (
    SparseLibrary,
    inverse_factor,
    largest,
    prune_columns,
)
from hwenvs.compression.folding import fold
from hwenvs.compression.least_squares import MomentMatrices
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.errors import DesignError
from hwenvs.networks import weight_groups
from hwenvs.networks.modules import TableModule
from hwenvs.networks.resnet import resnet_cifar


@pytest.fixture(scope="module")
def reference() -> Reference:
    torch.manual_seed(0)
    module = TableModule(resnet_cifar(8)).eval()
    return Reference.measure(fold(module), torch.randn(20, 3, 32, 32), Recipe())


def correlated(rows: int, width: int) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(rows, 8) @ torch.randn(8, width) + 0.3 * torch.randn(rows, width)


@pytest.mark.parametrize("density", [0.05, 0.2, 0.5, 0.9])
def test_as_many_weights_stay_as_the_density_says(density: float) -> None:
    inputs = correlated(500, 150)
    weight = torch.randn(30, 150)
    factor = inverse_factor(MomentMatrices.of(inputs, inputs @ weight.T))
    pruned = prune_columns(weight, factor, density)
    assert (pruned != 0).float().mean().item() == pytest.approx(density, abs=0.002)


@pytest.mark.parametrize("density", [0.2, 0.5, 0.8])
def test_compensation_beats_magnitude_on_the_inputs_it_saw(density: float) -> None:
    inputs = correlated(800, 150)
    inputs -= inputs.mean(0)
    weight = torch.randn(30, 150)
    factor = inverse_factor(MomentMatrices.of(inputs, inputs @ weight.T))

    def error(pruned: torch.Tensor) -> float:
        return (inputs @ (pruned - weight).T).square().mean().item()

    compensated = prune_columns(weight, factor, density)
    assert error(compensated) < 0.7 * error(weight * largest(weight.abs(), density))


def test_independent_inputs_leave_nothing_to_make_up_for() -> None:
    weight = torch.randn(10, 40)
    pruned = prune_columns(weight, torch.eye(40), 0.3)
    torch.testing.assert_close(pruned, weight * largest(weight.abs(), 0.3))


def test_a_layer_keeps_its_shape_and_full_density_its_weights(reference: Reference) -> None:
    library = SparseLibrary(reference)
    for group in weight_groups(reference.folded.network):
        full = reference.folded.weights[group.name]
        assert library.weight(group, 100) is full
        sparse = library.weight(group, 30)
        assert sparse.shape == full.shape
        assert (sparse != 0).float().mean().item() == pytest.approx(0.3, abs=0.01)


def test_a_joint_design_is_put_together_from_single_layers(reference: Reference) -> None:
    library = SparseLibrary(reference, "magnitude")
    groups = weight_groups(reference.folded.network)
    design = np.linspace(20, 100, len(groups)).astype(int)
    network = library.network(design.tolist())
    for group, percent in zip(groups, design, strict=True):
        full = reference.folded.weights[group.name]
        left = network.weights[group.name]
        assert torch.equal(left[left != 0], full[left != 0])
        assert (left != 0).float().mean().item() == pytest.approx(percent / 100, abs=0.01)


@pytest.mark.parametrize(
    ("design", "message"), [([50], "densities in percent"), ([0] * 7, "1 to 100 percent, not 0")]
)
def test_designs_that_do_not_fit_are_refused(
    reference: Reference, design: list[int], message: str
) -> None:
    with pytest.raises(DesignError, match=message):
        SparseLibrary(reference).network(design)
