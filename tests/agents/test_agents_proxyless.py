"""ProxylessNAS: gradients through binary gates and expected latency, on a real supernet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from hwenvs.agents.gates import Search
from hwenvs.agents.proxyless import Proxyless, Settings
from hwenvs.errors import DataError, SolverError
from hwenvs.problems import OperatorSelectionProblem
from hwenvs.solving import solve

SPACE = "proxyless_digits"


def made(table: Path, budget: float) -> OperatorSelectionProblem:
    env = gym.make("NAS-v0", space=SPACE, proxy=str(table), budget=budget)
    found = env.unwrapped.problem  # type: ignore[attr-defined]
    assert isinstance(found, OperatorSelectionProblem)
    return found


@pytest.fixture
def problem(digits_table: Path) -> OperatorSelectionProblem:
    return made(digits_table, 0.6)


def settings(weights: Path, **changes: Any) -> Settings:
    return Settings(**{"weights": str(weights), "images": 400, "rate": 0.05, **changes})


def test_slopes_of_the_gates_are_those_of_the_loss(
    problem: OperatorSelectionProblem, digits_supernet: Path
) -> None:
    search = Search(problem, settings(digits_supernet), 0)
    pairs = search._pairs(search.chances)

    def loss(gates: torch.Tensor) -> torch.Tensor:
        search.random = np.random.default_rng(5)  # the same images every time
        return search._loss(pairs, gates)

    open_first = torch.tensor([[1.0, 0.0]] * len(pairs)).requires_grad_()
    (slopes,) = torch.autograd.grad(loss(open_first), open_first)
    for t in range(len(pairs)):
        step = torch.zeros_like(slopes)
        step[t, 1] = 0.01  # a little of the closed path
        with torch.no_grad():
            numeric = (loss(open_first + step) - loss(open_first - step)) / 0.02
        assert float(slopes[t, 1]) == pytest.approx(float(numeric), rel=0.1, abs=0.02)


def test_slopes_count_as_if_both_operators_were_open_half_of_the_time(
    problem: OperatorSelectionProblem, digits_supernet: Path
) -> None:
    shares = torch.tensor([[0.5, 0.5], [0.8, 0.2], [0.99, 0.01]])
    for opened in (0, 1):
        gates = torch.nn.functional.one_hot(torch.tensor([opened] * 3), 2)
        balanced = Search(problem, settings(digits_supernet, balance=5.0), 0)
        weights = balanced._weights(shares, gates)[:, 0]
        assert (weights * shares[:, opened])[:2].tolist() == pytest.approx([0.5, 0.5])
        assert weights.max() <= 5.0
        plain = Search(problem, settings(digits_supernet, balance=1.0), 0)
        assert (plain._weights(shares, gates) == 1).all()


def test_pressure_on_latency_makes_designs_cheaper(
    digits_table: Path, digits_supernet: Path
) -> None:
    spent, tight = [], made(digits_table, 0.3)  # which the average design exceeds
    for beta in (0.0, 5.0):
        search = Search(tight, settings(digits_supernet, beta=beta), 0)
        for _ in range(80):
            search.step()
        spent.append(float((search.chances * search.latency.numpy()).sum()))
    assert spent[1] < 0.95 * spent[0]


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
    for wrong in ({"steps": 0}, {"beta": -1.0}, {"rate": 0.0}, {"images": 40}):
        with pytest.raises(SolverError):
            Proxyless(**wrong)
