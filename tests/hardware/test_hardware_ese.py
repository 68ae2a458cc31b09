"""ESE: exact simulation, expected values, and the published LSTM."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from hwenvs.compression.load_balance import balanced, row_blocks
from hwenvs.errors import ArgumentError, HardwareError
from hwenvs.hardware import Workload, get_hardware
from hwenvs.hardware.eie import queue_cycles, stored_entries
from hwenvs.hardware.ese import (
    ESE,
    ESEChip,
    StepRun,
    fetched_bytes,
    pass_rows,
    simulate_matrix,
    simulate_step,
)
from hwenvs.networks import get_network
from hwenvs.networks.builder import TableBuilder

CHIP = ESEChip()
DENSITY = 0.10

# Han et al., FPGA 2017: an LSTM of 153 inputs and 1,024 cells with a projection to 512.
CELLS, PROJECTION, INPUTS = 1024, 512, 153
SHAPES = [(CELLS, INPUTS)] * 4 + [(CELLS, PROJECTION)] * 4 + [(PROJECTION, CELLS)]
THEORETICAL, REAL = 57.0e-6, 82.7e-6


def matrix(rows: int, columns: int, density: float, seed: int, even: bool = True) -> np.ndarray:
    values = torch.from_numpy(np.abs(np.random.default_rng(seed).normal(size=(rows, columns))))
    blocks = row_blocks(rows, CHIP.elements, CHIP.rows) if even else torch.zeros(rows).long()
    return balanced(values, density, blocks).numpy()


@cache
def published_step(even: bool = True) -> StepRun:
    matrices = [matrix(*shape, DENSITY, seed, even) for seed, shape in enumerate(SHAPES)]
    return simulate_step(matrices, CELLS)


def test_a_channel_is_eies_array_and_dram_delivers_the_fullest_elements_list() -> None:
    one = matrix(512, 200, 0.1, 0, even=False)
    run = simulate_matrix(one)
    work = stored_entries(one, CHIP.array)
    assert run.multiply == queue_cycles(work, CHIP.queue)
    brought = 32 * (16 * int(work.sum(0).max()) + 201 * 16) / 8
    assert run.fetch == pytest.approx(brought / 64)  # 512 bits a cycle
    assert run.cycles == max(run.multiply, run.fetch) + CHIP.pipeline
    assert run.entries == work.sum()
    assert run.fillers == work.sum() - one.sum()


def test_rows_beyond_the_accumulators_run_in_passes_of_their_own() -> None:
    one = matrix(2500, 60, 0.1, 0)
    parts = [simulate_matrix(one[rows]) for rows in pass_rows(2500, CHIP)]
    assert [rows.stop - rows.start for rows in pass_rows(2500, CHIP)] == [1024, 1024, 452]
    assert simulate_matrix(one).cycles == sum(part.cycles for part in parts)
    assert simulate_matrix(sparse.csc_matrix(one)).cycles == simulate_matrix(one).cycles


def test_gates_may_lie_below_one_another_or_come_one_by_one() -> None:
    gates = [matrix(CELLS, 50, 0.1, seed) for seed in range(4)]
    apart = sum(simulate_matrix(gate).cycles for gate in gates)
    assert simulate_matrix(np.concatenate(gates)).cycles == apart


def test_the_published_step_comes_out_within_eleven_percent() -> None:
    step = published_step()
    assert step.balanced_seconds == pytest.approx(THEORETICAL, rel=0.05)
    assert step.seconds == pytest.approx(REAL, rel=0.11)
    assert step.operations_per_second == pytest.approx(282e9, rel=0.11)
    assert step.dense_operations_per_second == pytest.approx(2.52e12, rel=0.12)
    assert step.multiply_seconds < step.seconds


def test_balanced_pruning_leaves_no_element_more_to_do_and_never_takes_longer() -> None:
    even, plain = published_step(), published_step(even=False)
    assert even.seconds < plain.seconds
    assert even.multiply_seconds < plain.multiply_seconds


def test_expected_values_agree_with_the_exact_simulation_of_the_published_step() -> None:
    table = TableBuilder(INPUTS, in_channels=1)
    table.lstm("lstm", CELLS, PROJECTION)
    layers = table.build("ese", "ESE").layers
    costs = ESE().layer_costs(Workload.make(layers, weight_density=DENSITY, weight_bits=12))
    # Fillers differ from element to element, and the fullest counts: the estimate lies below.
    assert costs["latency"].sum() / INPUTS == pytest.approx(published_step().seconds, rel=0.02)
    energy = costs["latency"] * 41.0 / 32
    np.testing.assert_allclose(costs["energy"], energy)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(32, 1500),
    st.floats(0.02, 1.0),
    st.sampled_from([2, 4, 8, 12]),
    st.integers(0, 1000),
)
def test_expected_values_agree_everywhere(rows: int, density: float, bits: int, seed: int) -> None:
    one = matrix(rows, 300, density, seed)
    exact = simulate_matrix(one, weight_bits=bits)
    table = TableBuilder(1, in_channels=300)
    table.linear("fc", rows)
    workload = Workload.make(
        table.build("one", "One").layers, weight_density=one.mean(), weight_bits=bits
    )
    expected = ESE().layer_costs(workload)["latency"][0, 0] * CHIP.clock
    # Rows that do not divide by 32 leave some elements less to do: the estimate lies above.
    assert 0.93 * exact.cycles < expected < 1.2 * exact.cycles


def test_fewer_bits_bring_in_fewer_bytes_and_more_than_twelve_are_twelve() -> None:
    sizes = [float(fetched_bytes(1000, 50, CHIP, bits)) for bits in (2, 4, 8, 12, 32)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == sizes[-2] == float(fetched_bytes(1000, 50, CHIP))


def test_a_sequence_takes_its_steps_and_renews_its_cells_at_each() -> None:
    lstm = get_network("lstm")
    costs = ESE().layer_costs(Workload.of(lstm))
    once = {
        layer.name: simulate_matrix(np.ones((layer.channels, layer.in_channels)))
        for layer in lstm.layers
    }
    for column, layer in enumerate(lstm.layers):
        cycles = layer.steps * once[layer.name].cycles
        cycles += layer.steps * (128 / 16 + 4) if layer.name == "lstm.weight_hh_l0" else 0
        expected = costs["latency"][0, column] * CHIP.clock
        assert expected == pytest.approx(cycles, rel=0.01), layer.name


def test_zero_activations_are_skipped_but_their_weights_are_fetched() -> None:
    one, vector = matrix(512, 200, 0.5, 0), np.arange(200) % 2
    whole, half = simulate_matrix(one), simulate_matrix(one, vector)
    assert half.multiply < 0.6 * whole.multiply
    assert half.fetch == whole.fetch


def test_bad_figures_are_named() -> None:
    with pytest.raises(HardwareError, match="channels must be positive"):
        get_hardware("ese", channels=0)
    with pytest.raises(HardwareError, match="its figures: channels, elements"):
        get_hardware("ese", cores=3)
    with pytest.raises(HardwareError, match="activation_density"):
        get_hardware("ese", activation_density=1.5)
    with pytest.raises(ArgumentError, match="needs 5 activations"):
        simulate_matrix(np.ones((4, 5)), np.ones(4))
    with pytest.raises(ArgumentError, match=r"matrix \[outputs, inputs\]"):
        simulate_matrix(np.ones(3))
