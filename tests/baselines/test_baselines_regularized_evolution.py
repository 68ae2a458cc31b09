"""Regularized evolution: ageing, mutations of single options, any family of chains."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.baselines.regularized_evolution import RegularizedEvolution
from hwenvs.errors import SolverError
from hwenvs.solving import solve


def test_a_child_differs_from_its_parent_in_one_option() -> None:
    agent, random = RegularizedEvolution(), np.random.default_rng(0)
    widths = np.array([7, 6, 1, 3])
    for _ in range(200):
        parent = random.integers(widths)
        child = agent._mutated(parent, widths, random)
        assert (child != parent).sum() == 1
        assert ((child >= 0) & (child < widths)).all()


def test_all_other_options_are_reached() -> None:
    agent, random = RegularizedEvolution(), np.random.default_rng(0)
    parent = np.array([2])
    assert {int(agent._mutated(parent, np.array([5]), random)[0]) for _ in range(200)} == {
        0,
        1,
        3,
        4,
    }


@pytest.mark.parametrize("env_id", ["NAS-ProxylessCIFAR-v0", "AMC-ResNet20-v0", "HAQ-ResNet20-v0"])
def test_it_beats_random_search_on_every_kind_of_actions(env_id: str) -> None:
    best = {
        name: np.mean(
            [max(solve(name, env_id, evaluations=400, seed=s).scores or [0.0]) for s in range(2)]
        )
        for name in ("regularized-evolution", "random")
    }
    assert best["regularized-evolution"] > best["random"]


def test_equal_seeds_give_equal_traces() -> None:
    one, other = (
        solve("regularized-evolution", "NAS-ProxylessCIFAR-v0", evaluations=80, seed=3)
        for _ in range(2)
    )
    assert one.designs == other.designs


def test_odd_settings_are_refused() -> None:
    with pytest.raises(SolverError, match="tournament"):
        RegularizedEvolution(tournament=0)


def test_the_oldest_design_dies_however_good_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    agent, parents = RegularizedEvolution(population=5, tournament=5), []

    def noted(parent: np.ndarray, widths: np.ndarray, random: np.random.Generator) -> np.ndarray:
        parents.append(tuple(parent))
        return random.integers(widths)

    monkeypatch.setattr(agent, "_mutated", noted)
    run = solve(agent, "NAS-ProxylessCIFAR-v0", evaluations=60, seed=0)
    alive, designs = 5, [tuple(agent_design) for agent_design in run.designs]
    problem = gym.make("NAS-ProxylessCIFAR-v0").unwrapped.problem
    options = problem.decisions.options(np.array(designs)).T
    for end, parent in enumerate(parents, alive):
        # All take part in the tournament: the best of the last five is the parent.
        best = max(range(end - alive, end), key=lambda index: run.rewards[index])
        assert parent == tuple(options[best])
