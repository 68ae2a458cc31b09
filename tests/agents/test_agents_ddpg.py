"""The papers' DDPG, piece by piece."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hwenvs.agents.ddpg import DDPG, Learner, Settings, truncated_normal
from hwenvs.agents.networks import Actor, Critic, follow, small_networks
from hwenvs.agents.replay import Replay, Transitions
from hwenvs.errors import ArgumentError, SolverError, UnknownNameError
from hwenvs.solving import solve

QUICK = {"warmup": 10, "hidden": (16, 16), "batch": 32}
FEATURES = 5


def learner(**changes: object) -> Learner:
    return Learner(FEATURES, 1, Settings(hidden=(8, 8), **changes), seed=0)


def batch(size: int = 32, reward: float | None = None) -> Transitions:
    random = np.random.default_rng(3)

    def draw(width: int) -> np.ndarray:
        return random.random((size, width), dtype=np.float32)

    going = (random.random((size, 1)) < 0.8).astype(np.float32)
    rewards = draw(1) if reward is None else np.full((size, 1), reward, dtype=np.float32)
    return Transitions(draw(FEATURES), draw(1), rewards, draw(FEATURES), going)


def test_slow_networks_follow_by_the_given_rate() -> None:
    slow, fast = Critic(3, 1, (4, 4)), Critic(3, 1, (4, 4))
    before = [weights.detach().clone() for weights in slow.parameters()]
    follow(slow, fast, 0.01)
    for old, new, aim in zip(before, slow.parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(new, 0.99 * old + 0.01 * aim)
        assert not torch.equal(new, old)


def test_every_update_moves_all_four_networks() -> None:
    subject = learner()
    nets = subject.actor, subject.critic, subject.slow_actor, subject.slow_critic
    before = [[weights.detach().clone() for weights in net.parameters()] for net in nets]
    subject.update(batch())
    for net, old in zip(nets, before, strict=True):
        assert any(not torch.equal(a, b) for a, b in zip(net.parameters(), old, strict=True))


@pytest.mark.parametrize("mean", [0.0, 0.3, 0.5, 1.0])
def test_noise_stays_between_0_and_1(mean: float) -> None:
    random = np.random.default_rng(0)
    drawn = truncated_normal(random, np.full(20_000, mean, dtype=np.float32), 0.5)
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0


@pytest.mark.parametrize("mean", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("sigma", [0.5, 0.1])
def test_noise_has_the_moments_of_a_truncated_normal(mean: float, sigma: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(0)
    drawn = truncated_normal(random, np.full(40_000, mean, dtype=np.float32), sigma)
    law = stats.truncnorm(-mean / sigma, (1 - mean) / sigma, loc=mean, scale=sigma)
    assert drawn.mean() == pytest.approx(law.mean(), abs=0.005)
    assert drawn.std() == pytest.approx(law.std(), abs=0.005)


def test_vanishing_noise_gives_the_action_itself() -> None:
    action = np.array([0.0, 0.4, 1.0], dtype=np.float32)
    drawn = truncated_normal(np.random.default_rng(0), action, 1e-9)
    np.testing.assert_allclose(drawn, action, atol=1e-7)


def test_every_transition_of_an_episode_gets_its_final_reward() -> None:
    replay = Replay(10, 2, 1)
    observations = [np.full(2, t, dtype=np.float32) for t in range(4)]
    actions = [np.full(1, t / 10, dtype=np.float32) for t in range(3)]
    replay.add_episode(observations, actions, 0.7)
    seen = replay.sample(np.random.default_rng(0), 10)
    assert len(replay) == 3
    np.testing.assert_array_equal(seen.rewards, np.full((3, 1), 0.7, dtype=np.float32))
    np.testing.assert_array_equal(seen.following, seen.states + 1)
    np.testing.assert_array_equal(seen.going, seen.states[:, :1] < 2)


def remember(replay: Replay, length: int, name: float) -> None:
    """Adds an episode of ``length`` steps that can be told by its reward, steps by their states."""
    observations = [np.array([name, step], dtype=np.float32) for step in range(length + 1)]
    replay.add_episode(observations, [observation[:1] for observation in observations[1:]], name)


def test_the_memory_forgets_the_oldest_episode_first() -> None:
    replay = Replay(4, 2, 1)
    for name in range(6):
        remember(replay, 1, name)
    seen = replay.sample(np.random.default_rng(0), 4)
    assert sorted(seen.rewards[:, 0]) == [2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("lengths", [(3, 5, 2, 5, 1), (5, 3, 1, 2, 5), (1, 2, 3, 4, 5)])
def test_the_memory_holds_as_many_episodes_whatever_their_lengths_and_order(
    lengths: tuple[int, ...],
) -> None:
    replay, random = Replay(3, 2, 1), np.random.default_rng(0)
    for name, length in enumerate(lengths):
        remember(replay, length, name)
        kept = range(max(0, name - 2), name + 1)
        expected = [(other, step) for other in kept for step in range(lengths[other])]
        assert len(replay) == len(expected)
        seen = replay.sample(random, 100)
        assert sorted(map(tuple, seen.states.tolist())) == expected
        np.testing.assert_array_equal(seen.following - seen.states, [(0, 1)] * len(expected))
        np.testing.assert_array_equal(seen.rewards, seen.states[:, :1])
        np.testing.assert_array_equal(seen.actions, seen.states[:, :1])
        last = seen.states[:, 1] + 1 == np.array(lengths)[seen.states[:, 0].astype(int)]
        np.testing.assert_array_equal(seen.going[:, 0], ~last)


def test_episodes_of_equal_length_are_drawn_as_from_one_ring_of_transitions() -> None:
    """Entries of the leaderboard rest on it: equal seeds draw equal batches for good."""
    replay, length, episodes = Replay(3, 2, 1), 4, 3
    ring = np.zeros((episodes * length, 2), dtype=np.float32)
    for name in range(5):
        remember(replay, length, name)
        place = name % episodes * length
        ring[place : place + length] = [(name, step) for step in range(length)]
        filled = min(name + 1, episodes) * length
        seen = replay.sample(np.random.default_rng(name), 7)
        rows = np.random.default_rng(name).choice(
            filled, min(7, filled), replace=False, shuffle=False
        )
        np.testing.assert_array_equal(seen.states, ring[rows])


def test_the_baseline_is_a_moving_average_of_batch_rewards() -> None:
    subject = learner(baseline_rate=0.5)
    subject.targets(batch(reward=1.0))
    assert subject.baseline == pytest.approx(1.0)
    subject.targets(batch(reward=0.0))
    assert subject.baseline == pytest.approx(0.5)
    subject.targets(batch(reward=0.0))
    assert subject.baseline == pytest.approx(0.25)


def test_targets_are_reward_less_baseline_plus_the_slow_value_of_what_follows() -> None:
    subject, given = learner(), batch()
    subject.slow_actor = Actor(FEATURES, 1, (8, 8))  # unlike the fast ones
    subject.slow_critic = Critic(FEATURES, 1, (8, 8))
    targets = subject.targets(given)
    with torch.no_grad():
        following = torch.from_numpy(given.following)
        later = subject.slow_critic(following, subject.slow_actor(following)).numpy()
    expected = given.rewards - given.rewards.mean() + given.going * later
    np.testing.assert_allclose(targets.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_the_policy_finds_the_best_action_of_a_one_step_problem() -> None:
    subject = Learner(1, 1, Settings(), seed=0)
    random = np.random.default_rng(0)
    states = np.ones((64, 1), dtype=np.float32)
    with small_networks():
        for _ in range(300):
            actions = random.random((64, 1), dtype=np.float32)
            rewards = -((actions - 0.8) ** 2)
            subject.update(Transitions(states, actions, rewards, states, 0 * states))
    assert subject.act(states[0])[0] == pytest.approx(0.8, abs=0.05)


def test_initial_weights_depend_on_the_seed_and_leave_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    first = [Learner(3, 1, Settings(hidden=(4, 4)), seed) for seed in (0, 0, 1)]
    assert torch.equal(torch.random.get_rng_state(), before)
    action = [agent.act(np.ones(3, dtype=np.float32)) for agent in first]
    assert action[0] == action[1]
    assert action[0] != action[2]


def test_the_warm_up_is_random_and_learning_changes_what_follows() -> None:
    runs = [
        solve(DDPG(**QUICK, actor_rate=rate), "AMC-MobileNetV1-v0", evaluations=14)
        for rate in (1e-4, 1e-1)
    ]
    assert runs[0].designs[:11] == runs[1].designs[:11]
    assert runs[0].designs[11:] != runs[1].designs[11:]


@pytest.mark.parametrize(("updates", "made"), [(1.0, 18), (0.5, 9), (2.0, 36), (0.01, 1)])
def test_updates_are_made_per_step_after_the_warm_up(
    updates: float, made: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[Transitions] = []
    monkeypatch.setattr(Learner, "update", lambda _, batch: learned.append(batch))
    solve(DDPG(**QUICK, updates=updates), "AMC-ResNet20-v0", QUICK["warmup"] + 3)
    assert len(learned) == 2 * made  # nobody learns from the very last episode


def test_defaults_are_the_papers() -> None:
    settings = DDPG().settings
    assert settings == Settings()
    assert (settings.actor_rate, settings.critic_rate) == (1e-4, 1e-3)
    assert (settings.batch, settings.discount, settings.soft_update) == (64, 1.0, 0.01)
    assert (settings.sigma, settings.sigma_decay, settings.warmup) == (0.5, 0.95, 100)
    assert (settings.hidden, settings.updates) == ((300, 300), 1.0)


def test_bad_hyperparameters_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'warmup'"):
        DDPG(warm_up=3)
    with pytest.raises(ArgumentError, match="batch"):
        DDPG(batch="many")
    with pytest.raises(SolverError, match="batch of ddpg must be positive"):
        DDPG(batch=0)
    with pytest.raises(SolverError, match="updates of ddpg must be positive, not 0"):
        DDPG(updates=0)
    with pytest.raises(SolverError, match="discount"):
        DDPG(discount=1.5)
    with pytest.raises(SolverError, match="hidden"):
        DDPG(hidden=[300])


def test_an_agent_starts_from_what_another_has_learned() -> None:
    agent, other = DDPG(**QUICK), DDPG(**QUICK)
    solve(agent, "AMC-ResNet20-v0", 15)
    assert agent.learner is not None
    before = agent.learner.act(np.full(agent.learner.features, 0.5, dtype=np.float32))
    other.start = agent.learner
    first = solve(other, "AMC-ResNet56-v0", 5, seed=1)
    again = solve(other, "AMC-ResNet56-v0", 1, seed=2)
    assert first.rewards[0] == again.rewards[0]
    after = agent.learner.act(np.full(agent.learner.features, 0.5, dtype=np.float32))
    assert np.array_equal(before, after)
    other.start = learner()
    with pytest.raises(SolverError, match="saw 5 features; this problem has 12"):
        solve(other, "AMC-ResNet56-v0", 5)


def test_what_goes_on_from_another_has_hyper_parameters_of_its_own() -> None:
    agent = DDPG(**QUICK)
    solve(agent, "AMC-ResNet20-v0", 15)

    def traced(**changes: float) -> list[list[int]]:
        other = DDPG(**{**QUICK, **changes})
        other.start = agent.learner
        return solve(other, "AMC-ResNet20-v0", 12, seed=1).designs

    usual = traced()
    assert usual == traced()
    for changes in ({"actor_rate": 0.1}, {"critic_rate": 0.1}, {"soft_update": 1.0}):
        assert traced(**changes) != usual
    wider = DDPG(**{**QUICK, "hidden": (9, 9)})
    wider.start = agent.learner
    with pytest.raises(SolverError, match="hidden must be the same, not"):
        solve(wider, "AMC-ResNet20-v0", 5)
