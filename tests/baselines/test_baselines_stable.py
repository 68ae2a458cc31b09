"""Stable-Baselines3's algorithms as solvers."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import yaml

from hwenvs.baselines import stable_baselines as package
from hwenvs.baselines.stable_baselines.noise import FadingNoise
from hwenvs.errors import ArgumentError, SolverError, UnknownNameError
from hwenvs.leaderboards.suites import load_suite
from hwenvs.leaderboards.unions import trace_suites
from hwenvs.solving import SOLVERS, Recorder, Run, get_solver, solve
from hwenvs.solving.relaxing import Gridded, gridded

NAMES = tuple(name for name in SOLVERS if name.startswith("sb3-"))
REPLAYING = ("sb3-ddpg", "sb3-td3", "sb3-sac", "sb3-tqc", "sb3-dqn")
ARENAS = ("HAQ-ResNet20-v0", "NAS-ProxylessCIFAR-v0")
FOLDER = Path(package.__file__).parent
ROOT = Path(__file__).parents[2]


def quick(name: str, **changes: Any) -> package.StableBaselines[Any]:
    """Small networks that learn early."""
    settings: dict[str, Any] = {} if name == "sb3-ars" else {"hidden": (8, 8)}
    if name in REPLAYING:
        settings |= {"warmup": 3, "updates": 0.2}
    elif name not in ("sb3-a2c", "sb3-ars"):
        settings |= {"episodes": 4, "batch_episodes": 2, "epochs": 2}
    return get_solver(name, **{**settings, **changes})  # type: ignore[return-value]


def recorder(name: str) -> Recorder:
    return Recorder(gym.make(name), Run("test", name, {}, 0, 100))


@pytest.mark.parametrize("environment", ARENAS)
@pytest.mark.parametrize("name", NAMES)
def test_runs_end_with_the_budget_and_depend_on_the_seed_alone(name: str, environment: str) -> None:
    runs = [solve(quick(name), environment, 9, seed) for seed in (1, 1, 2)]
    assert [len(run.rewards) for run in runs] == [9, 9, 9]
    assert runs[0].designs == runs[1].designs
    assert runs[0].designs != runs[2].designs


@pytest.mark.parametrize("name", ["sb3-ddpg", "sb3-ppo", "sb3-dqn", "sb3-ars"])
def test_a_run_leaves_no_trace_outside(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first optimizer of a process imports torch's compiler, which makes a folder for itself.
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = random.getstate(), np.random.get_state()[1], torch.random.get_rng_state()  # noqa: NPY002
    threads, live = torch.get_num_threads(), gym.make("NAS-ProxylessCIFAR-v0")
    live.action_space.seed(5)
    expected = [live.action_space.sample() for _ in range(20)]
    live.action_space.seed(5)
    solve(quick(name), "NAS-ProxylessCIFAR-v0", 5)
    assert [live.action_space.sample() for _ in range(20)] == expected
    assert random.getstate() == before[0]
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), before[2])
    assert torch.get_num_threads() == threads
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_learned_changes_what_follows(name: str) -> None:
    runs = [solve(quick(name, rate=rate), "AMC-ResNet20-v0", 12) for rate in (1e-6, 0.3)]
    first = {"sb3-ars": 8}.get(name, 3)
    assert runs[0].designs[:first] == runs[1].designs[:first]
    assert runs[0].designs[first:] != runs[1].designs[first:]


@pytest.mark.parametrize("name", ["sb3-ppo", "sb3-dqn"])
def test_learning_finds_more_than_its_beginning(name: str) -> None:
    changes = {"warmup": 20, "updates": 1.0} if name == "sb3-dqn" else {}
    run = solve(quick(name, hidden=(32, 32), **changes), "AMC-ResNet20-v0", 240, seed=0)
    assert np.median(run.rewards[-20:]) > np.median(run.rewards[:20])


@pytest.mark.parametrize("name", NAMES)
def test_the_yaml_names_every_hyperparameter_and_says_where_its_values_are_from(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    fields = {field.name for field in dataclasses.fields(get_solver(name).settings)}  # type: ignore[attr-defined]
    assert set(yaml.safe_load(text)) == fields
    assert text.startswith("# ")
    assert f"benchmarks/tune_sb3.py {name}" in text


def test_no_environment_that_settings_are_tuned_on_is_on_the_leaderboard(
    script: Callable[[str], Any],
) -> None:
    tuning = script("benchmarks/tune_sb3.py")
    suites = trace_suites(load_suite("all", ROOT / "leaderboards" / "suites"))
    tested = [{"environment": t.environment, **t.arguments} for s in suites for t in s.tasks]
    assert len(tested) == 18
    for task in (*tuning.FRACTIONS, tuning.CHOICES):
        assert task not in tested


def test_hyperparameters_travel_with_the_run() -> None:
    run = solve(quick("sb3-a2c", rate=0.01), "NAS-ProxylessCIFAR-v0", 1)
    assert run.hyperparameters["rate"] == 0.01
    assert run.hyperparameters["hidden"] == (8, 8)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("sb3-ddpg", {"batch": 0}, "batch must be positive"),
        ("sb3-ddpg", {"hidden": [0]}, "hidden must be positive whole numbers"),
        ("sb3-td3", {"target_noise": -0.1}, "target_noise must not be negative"),
        ("sb3-sac", {"discount": 1.5}, "discount must be in"),
        ("sb3-tqc", {"dropped": 25}, "dropped must be from 0 to 24"),
        ("sb3-ppo", {"episodes": 5, "batch_episodes": 2}, "batch_episodes must divide the 5"),
        ("sb3-ars", {"best": 9}, "best must be at most 4"),
    ],
)
def test_values_without_sense_are_refused(name: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(SolverError, match=message):
        get_solver(name, **given)


def test_unknown_hyperparameters_suggest_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"of sb3-sac 'entropie'. Did you mean 'entropy'"):
        get_solver("sb3-sac", entropie=1.0)
    with pytest.raises(ArgumentError, match="batch of sb3-td3 must be int"):
        get_solver("sb3-td3", batch="many")


@pytest.mark.parametrize("name", ["sb3-ddpg", "sb3-td3", "sb3-sac", "sb3-tqc"])
def test_weights_decay_as_far_as_they_are_asked_to(name: str) -> None:
    for decay in (0.0, 0.5):
        agent = get_solver(name, weight_decay=decay, hidden=(8,), warmup=1)
        solve(agent, "AMC-ResNet20-v0", evaluations=2)
        for part in (agent.model.actor, agent.model.critic):  # type: ignore[attr-defined]
            assert isinstance(part.optimizer, torch.optim.AdamW) == (decay > 0)
            assert part.optimizer.param_groups[0]["weight_decay"] == decay


def test_noise_is_silent_in_the_warm_up_and_fades_afterwards() -> None:
    noise, heard = FadingNoise(1, 0.5, 0.5, warmup=2), []
    noise.reset()  # as learning begins
    for _ in range(4):
        heard.append(noise.sigma)
        assert (noise() == 0.0).all() == (noise.sigma == 0.0)
        noise.reset()
    assert heard == [0.0, 0.0, 0.5, 0.25]


def test_noise_begins_with_the_first_episode_after_the_warm_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[float] = []

    class Heard(FadingNoise):
        def __call__(self) -> np.ndarray:
            heard.append(self.sigma)
            return super().__call__()

    monkeypatch.setattr("hwenvs.baselines.stable_baselines.off_policy.FadingNoise", Heard)
    run = solve(quick("sb3-ddpg", warmup=3, sigma=0.5, sigma_decay=0.5), "AMC-ResNet20-v0", 5)
    horizon = len(run.designs[0])
    assert heard[::horizon] == [0.0, 0.0, 0.0, 0.5, 0.25]


@pytest.mark.parametrize("environment", ["AMC-ResNet20-v0", "HAQ-ResNet20-v0"])
def test_masks_of_a_grid_leave_one_level_a_decision(environment: str) -> None:
    env = gridded(recorder(environment), 21)
    chosen = np.random.default_rng(0)
    _, info = env.reset()
    ended, masked = False, 0
    while not ended:
        mask = info["action_mask"]
        np.testing.assert_array_equal(mask, env.action_masks())  # type: ignore[attr-defined]
        prefix, outcomes = env.unwrapped.get_state(), []
        for level in range(21):
            env.unwrapped.step(np.array([level / 20], dtype=np.float32))
            outcomes.append(_last_entry(env))
            env.unwrapped.set_state(prefix)
        np.testing.assert_array_equal(mask, [o not in outcomes[:i] for i, o in enumerate(outcomes)])
        masked += int((~mask).sum())
        _, _, ended, _, info = env.step(int(chosen.choice(np.flatnonzero(mask))))
    assert masked


def _last_entry(env: gym.Env) -> int:
    base = env.unwrapped
    state = base.get_state()
    return state[-1]


def test_a_grid_reaches_the_designs_on_it() -> None:
    env = gridded(recorder("HAQ-ResNet20-v0"), 29)
    reference = env.problem.reference.designs[0]
    env.evaluate(reference)
    assert env.run.designs[-1] == env.problem.canonical([reference])[0].tolist()


def test_grids_need_two_levels_and_fractions() -> None:
    with pytest.raises(ArgumentError, match="levels must be at least 2, not 1"):
        gridded(recorder("AMC-ResNet20-v0"), 1)
    choosing = recorder("NAS-ProxylessCIFAR-v0")
    assert gridded(choosing, 11) is choosing
    with pytest.raises(SolverError, match="levels stand for fractions"):
        Gridded(choosing, 11)
