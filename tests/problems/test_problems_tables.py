"""Compiled tables say what the hardware says of the whole network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.errors import CouplingError
from hwenvs.hardware import Workload, get_hardware
from hwenvs.hardware.lookup import DATA
from hwenvs.networks import ZOO, ChannelGroup, Layer, Network, channel_groups, get_network
from hwenvs.networks.base import INPUT
from hwenvs.problems import ChannelPruningProblem, make_problem
from hwenvs.problems.tables import shapings


def workload(network: Network, designs: np.ndarray) -> Workload:
    """The designs as a workload, straight from the channel groups."""
    names = [layer.name for layer in network.layers]
    read = np.array([[layer.in_channels for layer in network.layers]] * len(designs))
    written = np.array([[layer.channels for layer in network.layers]] * len(designs))
    for group, kept in zip(channel_groups(network), designs.T, strict=True):
        for name in group.readers:
            read[:, names.index(name)] = kept
        for name in group.writers:
            written[:, names.index(name)] = kept
            if network.layer(name).kind == "depthwise":
                read[:, names.index(name)] = kept
    return Workload.make(network.layers, read, written)


@pytest.mark.parametrize("hardware", ["counts", "roofline"])
def test_costs_equal_the_hardware_models_own(
    env_id: str, hardware: str, get_problem: Any, make_actions: Any
) -> None:
    network = get_problem(env_id).network  # of a search space, its largest architecture
    if not channel_groups(network):
        pytest.skip("no channels to prune")
    problem = ChannelPruningProblem(network, hardware=hardware)
    fractions = make_actions(1, problem.horizon, 20)[:, :, 0].T
    sizes = [decision.size for decision in problem.decisions]
    asked = np.maximum((fractions * sizes).astype(int), 1)
    designs = problem.decisions.designs(problem.decisions.nearest(asked))
    outcome = problem.evaluate(designs)
    expected = dict(get_hardware("counts").cost(workload(network, designs)))
    expected.update(get_hardware(hardware).cost(workload(network, designs)))
    assert set(outcome.costs) == set(expected)
    for quantity, values in expected.items():
        assert np.allclose(outcome.costs[quantity], values, rtol=1e-12, atol=0)
    assert np.array_equal(outcome.costs["macs"], expected["macs"])


@pytest.mark.parametrize("name", ZOO)
def test_every_network_of_the_zoo_can_be_tabulated(name: str) -> None:
    network = get_network(name)
    found = shapings(network, channel_groups(network))
    assert [shaping.layer for shaping in found] == list(network.layers)


def fork() -> Network:
    """One layer read by two chains of two layers."""

    def conv(name: str, source: str) -> Layer:
        return Layer(name, (source,), 8, 4, in_channels=8, in_size=4)

    edges = [("a", INPUT), ("b", "a"), ("c", "a"), ("d", "b"), ("e", "c")]
    return Network("fork", "Fork", tuple(conv(*edge) for edge in edges), 8, 4, in_channels=8)


def test_layers_shaped_by_distant_decisions_are_refused() -> None:
    groups = (
        ChannelGroup("b", "a", ("b", "c"), ("a",), 8),
        ChannelGroup("d", "b", ("d",), ("b",), 8),
        ChannelGroup("e", "c", ("e",), ("c",), 8),
    )
    with pytest.raises(CouplingError, match="layer 'c' is shaped by decisions 0 and 2"):
        shapings(fork(), groups)


def test_the_chains_of_a_fork_are_decided_one_after_the_other() -> None:
    problem = ChannelPruningProblem(fork())
    assert [group.name for group in problem.groups] == ["b", "d", "c", "e"]
    assert [group.gathered for group in problem.groups] == [True, False, True, False]


def test_a_table_of_divergences_holds_neighbouring_pairs(env_id: str, get_problem: Any) -> None:
    problem = get_problem(env_id)
    tables = problem.tables
    for t, width in enumerate(tables.width):
        before = tables.width[t - 1] if t else 1
        assert tables.cost("macs", t).shape == (before, width)
        assert tables.divergence(t).shape == (before, width)
        assert (tables.divergence(t) >= 0.0).all()
        # The whole network loses nothing; the largest architecture need not be the best.
        assert tables.divergence(t)[-1, -1] == 0.0 or problem.levels


@pytest.mark.parametrize("named", ["{}", {"name": "lookup", "table": "{}"}])
def test_a_table_of_ones_own_that_was_measured_anew_is_read_anew(
    named: str | dict[str, str], tmp_path: Path
) -> None:
    table = json.loads((DATA / "mobile.json").read_text())
    path = tmp_path / "mine.json"

    def latency() -> float:
        path.write_text(json.dumps(table))
        hardware: Any = json.loads(json.dumps(named).replace("{}", str(path)))
        problem = make_problem(
            "channel_pruning", network="mobilenet_v1", hardware=hardware, cost="latency"
        )
        return problem.full_costs["latency"]

    first, again = latency(), latency()
    assert first == again
    for shape in table["shapes"]:
        shape["measured"] = [2 * seconds for seconds in shape["measured"]]
    assert latency() > 1.5 * first
