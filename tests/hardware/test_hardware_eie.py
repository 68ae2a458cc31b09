"""EIE: exact simulation, expected values, and the nine layers of the paper."""

from __future__ import annotations

from collections import deque

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import hwenvs  # noqa: F401
from hwenvs.baselines.exact import optimum
from hwenvs.errors import ArgumentError, HardwareError
from hwenvs.hardware import Workload, get_hardware
from hwenvs.hardware.eie import (
    EIE,
    EIEChip,
    column_cycles,
    entries_per_column,
    queue_cycles,
    simulate,
    stored_entries,
)
from hwenvs.hardware.eie.expected import SHIPPED, TABLE, IdleTable, idle_table
from hwenvs.networks import get_network

CHIP = EIEChip()

# Han et al., ISCA 2016, table IV (times recalled): outputs, inputs, densities, microseconds.
PUBLISHED = {
    "AlexNet FC6": (4096, 9216, 0.09, 0.351, 28.1, 30.3),
    "AlexNet FC7": (4096, 4096, 0.09, 0.353, 11.7, 12.2),
    "AlexNet FC8": (1000, 4096, 0.25, 0.375, 8.9, 9.9),
    "VGG FC6": (4096, 25088, 0.04, 0.183, 28.1, 34.4),
    "VGG FC7": (4096, 4096, 0.04, 0.375, 7.9, 8.7),
    "VGG FC8": (1000, 4096, 0.23, 0.411, 7.3, 8.4),
    "NeuralTalk We": (600, 4096, 0.10, 1.0, 5.2, 8.0),
    "NeuralTalk Wd": (8791, 600, 0.11, 1.0, 13.0, 13.9),
    "NeuralTalk LSTM": (2400, 1201, 0.10, 1.0, 6.5, 7.5),
}


def random_layer(name: str, seed: int = 0) -> tuple[sparse.csc_matrix, np.ndarray]:
    outputs, inputs, weights, activations, *_ = PUBLISHED[name]
    random = np.random.default_rng(seed)
    matrix = sparse.random(outputs, inputs, weights, format="csc", rng=random)
    return matrix, (random.random(inputs) < activations).astype(float)


def encoded_by_hand(matrix: np.ndarray, elements: int, reach: int) -> np.ndarray:
    """Entries as the paper describes them, one weight at a time."""
    entries = np.zeros((matrix.shape[1], elements), dtype=int)
    for column, values in enumerate(matrix.T):
        for element in range(elements):
            zeros = 0
            for value in values[element::elements]:
                if value == 0:
                    zeros += 1
                    continue
                entries[column, element] += zeros // reach + 1
                zeros = 0
    return entries


def cycles_by_hand(work: np.ndarray, queue: int) -> int:
    """A clock that ticks: broadcast if there is room everywhere, then one step each."""
    elements = work.shape[1]
    waiting: list[deque[int]] = [deque() for _ in range(elements)]
    left, sent, clock = [0] * elements, 0, 0
    while sent < len(work) or any(left) or any(waiting):
        for element in range(elements):
            if not left[element] and waiting[element]:
                left[element] = max(int(work[waiting[element].popleft(), element]), 1)
        if sent < len(work) and all(len(one) < queue for one in waiting):
            for element in range(elements):
                waiting[element].append(sent)
                if not left[element]:
                    left[element] = max(int(work[waiting[element].popleft(), element]), 1)
            sent += 1
        left = [max(one - 1, 0) for one in left]
        clock += 1
    return clock


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.sampled_from([1, 2, 3, 4]))
def test_entries_are_those_of_the_papers_encoding(seed: int, elements: int, bits: int) -> None:
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 60, 2))
    matrix = random.normal(size=shape) * (random.random(shape) < random.random())
    chip = EIEChip(elements=elements, index_bits=bits)
    expected = encoded_by_hand(matrix, elements, chip.reach)
    np.testing.assert_array_equal(stored_entries(matrix, chip), expected)
    np.testing.assert_array_equal(stored_entries(sparse.csr_matrix(matrix), chip), expected)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 9))
def test_queues_behave_as_a_clock_that_ticks(seed: int, elements: int, queue: int) -> None:
    random = np.random.default_rng(seed)
    work = random.integers(0, 6, (int(random.integers(1, 40)), elements))
    assert queue_cycles(work, queue) == cycles_by_hand(work, queue)


def test_a_batch_of_vectors_takes_what_each_takes_alone() -> None:
    work = np.random.default_rng(0).integers(0, 6, (50, 7, 16))
    alone = [int(queue_cycles(work[:, b], 4)) for b in range(7)]
    assert queue_cycles(work, 4).tolist() == alone


def test_longer_queues_never_hurt_and_without_limit_only_the_sums_count() -> None:
    matrix, vector = random_layer("NeuralTalk We")
    work = stored_entries(matrix, CHIP, vector != 0)
    cycles = [int(queue_cycles(work, depth)) for depth in (1, 2, 4, 8, 16, 64, 256, len(work))]
    assert cycles == sorted(cycles, reverse=True)
    busiest = np.maximum(work, 1).sum(0).max()
    assert busiest <= cycles[-1] <= busiest + len(work) * 0.05


def test_nine_published_layers_come_out_within_ten_percent_on_average() -> None:
    ideal, actual = [], []
    for name, (*_, theoretical, measured) in PUBLISHED.items():
        result = simulate(*random_layer(name))
        ideal.append(abs(result.balanced_seconds * 1e6 / theoretical - 1))
        actual.append(abs(result.seconds * 1e6 / measured - 1))
    assert np.mean(ideal) < 0.07
    assert np.mean(actual) < 0.10


@pytest.mark.parametrize("name", PUBLISHED)
def test_expected_values_agree_with_the_exact_simulation(name: str) -> None:
    outputs, _, density, *_ = PUBLISHED[name]
    matrix, vector = random_layer(name, seed=1)
    result = simulate(matrix, vector)
    active = np.count_nonzero(vector)
    entries = entries_per_column(outputs / CHIP.elements, density, CHIP.reach)
    assert entries * CHIP.elements * active == pytest.approx(result.entries, rel=0.01)
    cycles = active * column_cycles(-(-outputs // CHIP.elements), density, CHIP)
    assert cycles + CHIP.pipeline == pytest.approx(result.cycles, rel=0.02)


@settings(max_examples=30)
@given(st.integers(1, 700), st.floats(0.01, 1.0), st.integers(0, 1000))
def test_expected_values_agree_everywhere(outputs: int, density: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    matrix = random.random((outputs, 600)) < density
    exact = simulate(matrix, np.ones(600)).cycles
    expected = 600 * column_cycles(-(-outputs // CHIP.elements), density, CHIP)
    # Rows that do not divide by 64 leave some elements less to do: the estimate lies above.
    assert 0.93 * exact < expected < 1.35 * exact


def test_denser_matrices_and_more_rows_never_take_less() -> None:
    rows, densities = np.arange(1, 300)[:, None], np.linspace(0.01, 1.0, 100)[None]
    cycles = column_cycles(rows, densities, CHIP)
    assert (np.diff(cycles, axis=0) > -0.02).all()
    assert (cycles >= entries_per_column(rows, densities, CHIP.reach) - 1e-9).all()


@pytest.mark.parametrize("chip", SHIPPED)
def test_the_tables_in_the_package_are_what_their_command_writes(chip: tuple[int, ...]) -> None:
    from hwenvs.hardware.eie.expected import _published, _simulated

    made: IdleTable = _simulated(*chip)
    np.testing.assert_allclose(_published(*chip).idle, made.idle, atol=1e-6)
    assert TABLE.is_file()


def test_another_chip_gets_a_table_of_its_own() -> None:
    few = EIEChip(elements=8, queue=1)
    assert not np.allclose(idle_table(few).idle, idle_table(CHIP).idle)


def test_a_linear_layer_costs_what_the_expected_values_say() -> None:
    network = get_network("alexnet")
    layer = network.layer("classifier.4")
    workload = Workload.single(layer, 4096, 4096, weight_density=[0.09], activation_density=[0.353])
    costs = EIE().layer_costs(workload)
    cycles = 4096 * 0.353 * float(column_cycles(64, 0.09, CHIP)) + CHIP.pipeline
    assert costs["latency"][0, 0] == pytest.approx(cycles / CHIP.clock)
    power = costs["energy"][0, 0] / costs["latency"][0, 0]
    assert 0.25 < power < 0.75  # the paper: 0.59 W, clock tree and leakage included


def test_a_convolution_runs_once_a_pixel() -> None:
    layer = get_network("resnet50").layer("layer1.0.conv2")
    one = EIE(activation_density=0.5)
    latency = one.layer_costs(Workload.single(layer, 64, 64, weight_density=[0.3]))["latency"]
    columns = 56**2 * 64 * 9 * 0.5
    expected = columns * float(column_cycles(1, 0.3, CHIP)) + CHIP.pipeline
    assert latency[0, 0] == pytest.approx(expected / CHIP.clock)


def test_what_does_not_fit_on_the_chip_is_told() -> None:
    network, chip = get_network("alexnet"), EIE()
    dense = Workload.of(network)
    sparse_design = Workload.make(network.layers, weight_density=0.1)
    assert not chip.fits(dense)[0]
    assert chip.occupancy(dense)[0] > 5
    assert chip.fits(sparse_design)[0]


def test_densities_can_be_chosen_against_its_latency() -> None:
    env = gym.make(
        "AMC-ResNet50-FineGrained-v0", hardware="eie", cost="latency", budget=0.5, round_to=5
    )
    problem = env.unwrapped.problem  # type: ignore[attr-defined]
    best = optimum(problem)
    outcome = problem.evaluate([best.design])
    assert outcome.costs["latency"][0] <= 0.5 * problem.full_costs["latency"] * (1 + 1e-9)
    assert best.accuracy >= float(problem.reference.accuracy[0])


def test_bad_figures_are_named() -> None:
    with pytest.raises(HardwareError, match="queue must be positive"):
        get_hardware("eie", queue=0)
    with pytest.raises(HardwareError, match="its figures: elements, clock"):
        get_hardware("eie", processing_elements=3)
    with pytest.raises(HardwareError, match="activation_density"):
        get_hardware("eie", activation_density=0.0)
    with pytest.raises(ArgumentError, match="needs 5 activations"):
        simulate(np.ones((4, 5)), np.ones(4))
    with pytest.raises(ArgumentError, match=r"matrix \[outputs, inputs\]"):
        stored_entries(np.ones(3), CHIP)
    with pytest.raises(ArgumentError, match="mask of 5 columns"):
        stored_entries(np.ones((4, 5)), CHIP, np.ones(4, dtype=bool))
