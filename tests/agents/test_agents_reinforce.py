"""REINFORCE: the right gradient, nothing masked, and better than chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hwenvs.agents.reinforce import Episode, Reinforce, objective, probabilities
from hwenvs.errors import SolverError
from hwenvs.solving import BudgetSpent, Recorder, solve

ID = "NAS-ProxylessCIFAR-v0"


def test_the_update_is_advantage_times_the_slope_of_the_log_probability() -> None:
    logits = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    masks = torch.tensor([[True, True, False, True], [True, True, True, True]])
    episode = Episode(masks, torch.tensor([3, 1]), 0.0)
    objective(logits, episode, 2.0, 0.0).backward()
    chances = probabilities(logits.detach(), masks)
    taken = torch.nn.functional.one_hot(episode.choices, 4)
    assert logits.grad is not None
    assert torch.allclose(logits.grad, 2.0 * (taken - chances))
    assert chances[0, 2] == 0.0


def test_a_better_than_average_design_becomes_more_probable() -> None:
    agent = Reinforce(entropy=0.0)
    run = solve(agent, ID, evaluations=400, seed=0)
    assert agent.logits is not None
    late, early = np.mean(run.rewards[-40:]), np.mean(run.rewards[:40])
    assert late > early + 0.5 * np.std(run.rewards[:40])


def test_it_beats_random_search() -> None:
    runs = {
        name: [max(solve(name, ID, evaluations=300, seed=seed).scores or [0.0]) for seed in (0, 1)]
        for name in ("reinforce", "random")
    }
    assert np.mean(runs["reinforce"]) > np.mean(runs["random"])


def test_equal_seeds_give_equal_traces() -> None:
    one, other = (solve("reinforce", ID, evaluations=40, seed=3) for _ in range(2))
    assert one.designs == other.designs
    assert one.designs != solve("reinforce", ID, evaluations=40, seed=4).designs


def test_continuous_actions_and_odd_settings_are_refused() -> None:
    with pytest.raises(SolverError, match="Discrete"):
        solve("reinforce", "AMC-ResNet20-v0", evaluations=5)
    for wrong in ({"rate": 0.0}, {"batch": 1}, {"baseline_rate": 0.0}, {"entropy": -1.0}):
        with pytest.raises(SolverError):
            Reinforce(**wrong)


def test_a_batch_of_equal_rewards_does_not_drown_what_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches = iter([[0.0, 1.0], [1.0, 1.0]] + [[0.0, 1.0]] * 40)
    waiting: list[float] = []

    def play(_: Reinforce, __: Recorder, logits: torch.Tensor, ___: object) -> Episode:
        if not waiting:
            try:
                waiting.extend(next(batches))
            except StopIteration:
                raise BudgetSpent from None
        reward = waiting.pop()
        masks = torch.ones_like(logits, dtype=torch.bool)
        return Episode(masks, torch.full((len(logits),), int(reward)), reward)

    monkeypatch.setattr(Reinforce, "_play", play)
    agent = Reinforce(batch=2, entropy=0.0)
    solve(agent, ID, evaluations=1)
    assert agent.logits is not None
    chances = agent.logits.detach().softmax(1)
    assert (chances[:, 1] > 0.8).all()
