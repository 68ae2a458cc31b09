"""Least squares, sampling and selection, against float64 references and brute force."""

import numpy as np
import pytest
import torch

from hwenvs.compression.compensation import inverse_factor
from hwenvs.compression.least_squares import (
    MomentMatrices,
    prior_matrix,
    rectified_target,
    solve_depthwise,
    split_solution,
    weight_matrix,
    weight_tensor,
)
from hwenvs.compression.sampling import SamplePoints
from hwenvs.compression.selection import CRITERIA, importance_order
from hwenvs.errors import UnknownNameError
from hwenvs.networks.base import Layer

CONV = Layer("c", ("x",), channels=5, size=6, in_channels=4, in_size=6, kernel=3, padding=1)
STRIDED = Layer(
    "c", ("x",), channels=5, size=3, in_channels=4, in_size=6, kernel=3, padding=1, stride=2
)
LINEAR = Layer(
    "l", ("x",), channels=3, size=1, kind="linear", in_channels=4, features_per_channel=9
)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("layer", [CONV, STRIDED])
def test_sampled_patches_times_weights_are_the_sampled_outputs(layer: Layer) -> None:
    maps, weight = random(2, 4, 6, 6), random(5, 4, 3, 3, seed=1)
    output = torch.nn.functional.conv2d(maps, weight, None, layer.stride, layer.padding)
    points = SamplePoints.draw(2, 7, layer.size, torch.Generator().manual_seed(2))
    patches = points.patches(layer, maps)
    product = torch.einsum("ntc,otc->no", patches, weight_matrix(layer, weight))
    torch.testing.assert_close(product, points.outputs(output))


def test_sample_points_are_distinct_and_seeded() -> None:
    first, again = (
        SamplePoints.draw(3, 100, 4, torch.Generator().manual_seed(5)) for _ in range(2)
    )
    assert torch.equal(first.rows, again.rows)
    assert first.rows.shape == (3, 16)
    pixels = {(int(r), int(c)) for r, c in zip(first.rows[0], first.columns[0], strict=True)}
    assert len(pixels) == 16


@pytest.mark.parametrize(
    ("layer", "shape"), [(CONV, (5, 4, 3, 3)), (LINEAR, (3, 36)), (STRIDED, (5, 4, 3, 3))]
)
def test_weight_matrix_round_trips(layer: Layer, shape: tuple[int, ...]) -> None:
    weight, bias = random(*shape), random(shape[0], seed=1)
    assert torch.equal(weight_tensor(layer, weight_matrix(layer, weight)), weight)
    weight_again, bias_again = split_solution(layer, prior_matrix(layer, weight, bias))
    assert torch.equal(weight_again, weight)
    assert torch.equal(bias_again, bias)


def test_solver_equals_numpys_least_squares() -> None:
    inputs, targets = random(200, 6), random(200, 3, seed=1)
    moments = MomentMatrices.of(inputs, targets)
    solution = moments.solver(torch.zeros(7, 3), ridge=1e-12)(moments.cross)
    design = np.column_stack([inputs.numpy(), np.ones(200)]).astype(np.float64)
    expected = np.linalg.lstsq(design, targets.numpy().astype(np.float64), rcond=None)[0]
    np.testing.assert_allclose(solution.numpy(), expected, atol=1e-5)


def test_a_strong_ridge_keeps_the_old_weights() -> None:
    inputs, targets, prior = random(50, 4), random(50, 2, seed=1), random(5, 2, seed=2).double()
    solution = MomentMatrices.of(inputs, targets)
    torch.testing.assert_close(solution.solver(prior, ridge=1e9)(solution.cross), prior)


def test_kept_moments_are_the_moments_of_the_kept_inputs() -> None:
    patches, targets = random(40, 9, 4), random(40, 3, seed=1)
    kept = torch.tensor([0, 3])
    whole = MomentMatrices.of(patches.flatten(1), targets).keep(kept, 4)
    part = MomentMatrices.of(patches[:, :, kept].flatten(1), targets)
    torch.testing.assert_close(whole.gram, part.gram)
    torch.testing.assert_close(whole.cross, part.cross)


def test_cross_with_equals_fresh_moments() -> None:
    inputs, targets = random(30, 4), random(30, 2, seed=1)
    moments = MomentMatrices.of(inputs, random(30, 2, seed=2))
    torch.testing.assert_close(
        moments.cross_with(inputs, targets), MomentMatrices.of(inputs, targets).cross
    )


def test_depthwise_channels_are_solved_one_by_one() -> None:
    patches, weight, bias = random(300, 9, 3), random(3, 1, 3, 3, seed=1), random(3, seed=2)
    targets = torch.einsum("nkc,ck->nc", patches, weight.flatten(1)) + bias
    start = torch.zeros_like(weight)
    found, offset = solve_depthwise(patches, targets, start, torch.zeros(3), ridge=1e-9)
    torch.testing.assert_close(found, weight, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(offset, bias, atol=1e-4, rtol=1e-4)


def test_rectified_targets_ignore_what_the_activation_hides() -> None:
    target = torch.tensor([-3.0, -3.0, 2.0, 9.0, 9.0])
    output = torch.tensor([-1.0, 4.0, -5.0, 7.0, 5.0])
    assert rectified_target(target, output, "relu").tolist() == [-1, 0, 2, 9, 9]
    assert rectified_target(target, output, "relu6").tolist() == [-1, 0, 2, 7, 6]


def squared_error(moments: MomentMatrices, inputs: torch.Tensor, targets: torch.Tensor) -> float:
    solution = moments.solver(torch.zeros_like(moments.cross), 1e-9)(moments.cross)
    output = inputs.double() @ solution[:-1] + solution[-1]
    return float(((output - targets) ** 2).sum())


def test_backward_elimination_drops_the_channel_that_is_missed_least() -> None:
    mixing = random(4, 4, seed=3)
    patches = torch.einsum("ntc,cd->ntd", random(400, 9, 4), mixing)
    weight = random(5, 9, 4, seed=1)
    targets = torch.einsum("ntc,otc->no", patches, weight)
    moments = MomentMatrices.of(patches.flatten(1), targets)
    order = importance_order("reconstruction", moments, weight).tolist()
    errors = []
    for dropped in range(4):
        kept = torch.tensor([c for c in range(4) if c != dropped])
        errors.append(squared_error(moments.keep(kept, 4), patches[:, :, kept].flatten(1), targets))
    assert order[-1] == int(np.argmin(errors))


def test_backward_elimination_sees_that_a_copy_is_worthless_where_magnitude_does_not() -> None:
    patches = random(400, 1, 4)
    patches[:, :, 3] = patches[:, :, 2]
    weight = torch.tensor([[0.5, 1.0, 5.0, 4.0]])[:, None, :]
    moments = MomentMatrices.of(patches.flatten(1), patches.flatten(1) @ weight[:, 0].T)
    assert importance_order("reconstruction", moments, weight).tolist()[-1] in (2, 3)
    assert importance_order("magnitude", moments, weight).tolist() == [2, 3, 1, 0]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_every_criterion_orders_all_channels(criterion: str) -> None:
    patches, weight = random(100, 9, 4), random(5, 9, 4, seed=1)
    moments = MomentMatrices.of(patches.flatten(1), random(100, 5, seed=2))
    first = importance_order(criterion, moments, weight, seed=7).tolist()
    assert sorted(first) == [0, 1, 2, 3]
    assert first == importance_order(criterion, moments, weight, seed=7).tolist()


def test_an_unknown_criterion_suggests_the_nearest() -> None:
    moments = MomentMatrices.of(random(9, 4), random(9, 5))
    with pytest.raises(UnknownNameError, match="Did you mean 'magnitude'"):
        importance_order("magnitudes", moments, random(5, 1, 4))


def test_inputs_with_large_means_that_hardly_vary_keep_their_gram_matrix_definite() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = 1000.0 + 1e-2 * torch.randn(2000, 40, generator=generator)
    moments = MomentMatrices.of(inputs, inputs[:, :3])
    mean = moments.gram[:-1, -1]
    about = moments.gram[:-1, :-1] - torch.outer(mean, mean)
    exact = torch.cov(inputs.double().T, correction=0)
    torch.testing.assert_close(about, exact, rtol=2e-3, atol=2e-9)
    assert torch.isfinite(inverse_factor(moments)).all()
