"""The LSTM: the same numbers as torch's own, its table, and the weights that are shipped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from hwenvs.compression.folding import fold
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.reference import Reference
from hwenvs.errors import ArgumentError
from hwenvs.networks import channel_groups, get_network, storage_groups
from hwenvs.networks.modules import TableModule
from hwenvs.problems import make_problem


@pytest.fixture(scope="module")
def module() -> TableModule:
    torch.manual_seed(0)
    return TableModule(get_network("lstm", cells=20, projection=12)).eval()


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_it_computes_what_torchs_lstm_computes_from_the_same_state_dict(
    module: TableModule,
) -> None:
    cell = torch.nn.LSTM(28, 20, proj_size=12, batch_first=True)
    state = module.state_dict()
    cell.load_state_dict({k.removeprefix("lstm."): v for k, v in state.items() if "lstm." in k})
    images = torch.randn(5, 1, 28, 28)
    with torch.no_grad():
        outputs, _ = cell(images[:, 0])
        expected = torch.nn.functional.linear(outputs[:, -1], state["fc.weight"], state["fc.bias"])
        torch.testing.assert_close(module(images), expected)
        torch.testing.assert_close(fold(module)(images), expected)


def test_without_a_projection_cells_are_read_themselves() -> None:
    network = get_network("lstm", cells=16, projection=0)
    assert [layer.name for layer in network.layers] == [
        "lstm.weight_ih_l0",
        "lstm.weight_hh_l0",
        "fc",
    ]
    assert network.layers[1].in_channels == 16


def test_its_matrices_run_at_every_step() -> None:
    network = get_network("lstm")
    assert [(layer.channels, layer.in_channels, layer.steps) for layer in network.layers] == [
        (512, 28, 28),
        (512, 64, 28),
        (64, 128, 28),
        (10, 64, 1),
    ]
    assert network.macs == 28 * (512 * 28 + 512 * 64 + 64 * 128) + 640
    assert [layer.closes_step for layer in network.layers] == [False, True, False, False]


def test_every_matrix_has_a_density_and_a_codebook_and_no_channels_are_pruned() -> None:
    network = get_network("lstm")
    assert len(storage_groups(network)) == 8
    assert channel_groups(network) == ()
    with pytest.raises(ArgumentError, match="LSTM has nothing to decide in channel pruning"):
        make_problem("channel_pruning", network="lstm", proxy="analytic")


def test_moments_of_a_cell_are_those_of_its_inputs_over_all_steps(module: TableModule) -> None:
    images = torch.rand(40, 1, 28, 28)
    reference = Reference.measure(fold(module), images, Recipe())
    rows = images[:, 0].flatten(0, 1).double()
    gram = reference.moments_of(module.network.layers[0]).gram
    np.testing.assert_allclose(gram[:-1, :-1], rows.T @ rows / len(rows), atol=1e-5)
    np.testing.assert_allclose(gram[:-1, -1], rows.mean(0), atol=1e-5)
    # The first step reads zeros.
    recurrent = reference.moments_of(module.network.layers[1])
    assert recurrent.gram.shape == (13, 13)


def test_the_shipped_weights_recognise_digits(load: Callable[..., tuple]) -> None:
    folded, images, labels = load("lstm", range(2000))
    right = (folded(images).argmax(1) == labels).float().mean().item()
    assert right > 0.98
