"""ProxylessNAS: gradients through binary gates and expected latency, on a real supernet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
import torch

from hwenvs.agents.proxyless import Proxyless, Search, Settings
from hwenvs.calibration.spaces.bench import open_supernet
from hwenvs.errors import DataError, SolverError
from hwenvs.problems import OperatorSelectionProblem
from hwenvs.solving import solve
from hwenvs.training.zoo import write_weights

SPACE = "proxyless_digits"


@pytest.fixture
def problem(digits_table: Path) -> OperatorSelectionProblem:
    made = gym.make("NAS-v0", space=SPACE, proxy=str(digits_table), budget=0.6)
    found = made.unwrapped.problem  # type: ignore[attr-defined]
    assert isinstance(found, OperatorSelectionProblem)
    return found


def settings(weights: Path, **changes: Any) -> Settings:
    return Settings(**{"weights": str(weights), "images": 400, "rate": 0.05, **changes})


def test_parameters_leave_operators_that_spoil_the_answer(
    problem: OperatorSelectionProblem, digits_supernet: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    supernet, metadata = open_supernet(SPACE, digits_supernet)
    with torch.no_grad():
        for block in supernet.blocks:
            for name, norms in block.norms.items():
                if name.endswith("k7"):  # its output becomes 0, whatever the image
                    norms["point_linear"].weight.zero_()
    spoilt = tmp_path / "spoilt.safetensors"
    write_weights(supernet, spoilt, metadata)
    search = Search(problem, settings(spoilt, beta=0.0), 0)
    for _ in range(200):
        search.step()
    # Blocks that add to their input can live with that, the others cannot.
    whole = [t for t, block in enumerate(problem.space.blocks) if not block.residual]
    assert search.chances[whole][:, [3, 6]].sum(1).max() < 0.1


def test_pressure_on_latency_makes_designs_cheaper(
    problem: OperatorSelectionProblem, digits_supernet: Path
) -> None:
    spent = []
    for beta in (0.0, 5.0):
        search = Search(problem, settings(digits_supernet, beta=beta), 0)
        for _ in range(80):
            search.step()
        spent.append(float((search.chances * search.latency.numpy()).sum()))
    assert spent[1] < 0.8 * spent[0]


def test_operators_that_a_block_does_not_offer_have_no_chance(
    problem: OperatorSelectionProblem, digits_supernet: Path
) -> None:
    search = Search(problem, settings(digits_supernet), 0)
    for _ in range(5):
        search.step()
    for block, chances in zip(problem.space.blocks, search.chances, strict=True):
        for entry in range(1, 8):
            assert (chances[entry - 1] > 0) == (entry in block.entries)


def test_two_different_operators_a_block_are_tried(
    problem: OperatorSelectionProblem, digits_supernet: Path
) -> None:
    search = Search(problem, settings(digits_supernet), 0)
    for _ in range(50):
        pairs = search._pairs(search.chances)
        assert (pairs[:, 0] != pairs[:, 1]).all()
        for block, pair in zip(problem.space.blocks, pairs, strict=True):
            assert set(pair + 1) <= set(block.entries)


def test_it_evaluates_as_often_as_allowed_within_the_budget_and_repeats_itself(
    digits_table: Path, digits_supernet: Path
) -> None:
    given = {"space": SPACE, "proxy": str(digits_table), "budget": 0.6}
    agent = Proxyless(steps=20, images=400, weights=str(digits_supernet))
    one = solve(agent, "NAS-v0", evaluations=5, seed=1, **given)
    assert len(one.designs) == 5 == len(agent.history)
    problem = gym.make("NAS-v0", **given).unwrapped.problem  # type: ignore[attr-defined]
    assert problem.evaluate(one.designs).feasible.all()
    other = solve(
        Proxyless(steps=20, images=400, weights=str(digits_supernet)),
        "NAS-v0",
        evaluations=5,
        seed=1,
        **given,
    )
    assert other.designs == one.designs


def test_what_it_cannot_search_is_refused(digits_table: Path) -> None:
    with pytest.raises(SolverError, match="operators to select"):
        solve("proxyless", "AMC-ResNet20-v0", evaluations=1)
    with pytest.raises(DataError, match="no supernet of proxyless_digits is shipped"):
        solve("proxyless", "NAS-v0", evaluations=1, space=SPACE, proxy=str(digits_table))
    for wrong in ({"steps": 0}, {"beta": -1.0}, {"rate": 0.0}):
        with pytest.raises(SolverError):
            Proxyless(**wrong)
