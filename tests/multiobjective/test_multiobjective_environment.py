"""The vector: what it holds, when it is paid, what is refused, how an episode goes on."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
import pytest

import hwenvs
from hwenvs.errors import ArgumentError, SolverError, UnknownNameError
from hwenvs.multiobjective import MultiObjectiveEnv
from hwenvs.registration import ENVIRONMENTS, MO_ENVIRONMENTS

if TYPE_CHECKING:
    from tests.conftest import Cli

Play = Callable[..., tuple[list, dict]]
ROOT = Path(__file__).parents[2]


def test_every_environment_that_pays_accuracy_has_one_with_a_vector() -> None:
    scalar = {**hwenvs.ENVIRONMENTS, **hwenvs.OPEN_ENVIRONMENTS}
    assert set(MO_ENVIRONMENTS) == {f"MO-{name}" for name in scalar if "Ratio" not in name}
    for name, arguments in MO_ENVIRONMENTS.items():
        assert "budget" not in arguments
        assert name in gym.registry


def test_the_list_says_that_they_are_there_and_which_are_not(cli: Cli) -> None:
    _, _, told = " ".join(cli.succeed("list").split()).partition("exist as ")
    assert told.startswith(next(iter(MO_ENVIRONMENTS)))
    ids = {name for name in ENVIRONMENTS if name in told.partition("but for ")[2]}
    assert ids == {name for name in ENVIRONMENTS if f"MO-{name}" not in MO_ENVIRONMENTS}


def test_the_vector_is_paid_at_the_end_and_says_what_the_info_says(
    play: Play, env: gym.Env
) -> None:
    base = env.unwrapped
    rewards, info = play(env, 1)
    cost = base.objectives[1]
    for reward in rewards:
        assert reward.dtype == np.float32
        assert reward in base.reward_space
    assert not np.any(rewards[:-1])
    assert np.array_equal(
        rewards[-1], np.array([info["accuracy"], -info["cost_fractions"][cost]], dtype=np.float32)
    )
    assert base.reward_dim == 2
    assert "score" not in info


def test_nothing_limits_the_costs_unless_it_is_asked_for() -> None:
    for budget, most in ((None, 1.0), (0.4, 0.4)):
        env = gym.make("MO-AMC-ResNet20-v0", budget=budget)
        env.reset(seed=0)
        ended = False
        while not ended:
            _, reward, ended, _, info = env.step(np.ones(1, dtype=np.float32))
        assert info["feasible"]
        assert most - 0.02 < -reward[1] <= most


def test_vectors_of_many_costs_are_those_the_hardware_reports(play: Play) -> None:
    names = ("accuracy", "energy", "latency", "size")
    env = gym.make("MO-HAQ-MobileNetV1-Energy-v0", objectives=names)
    rewards, info = play(env, 0)
    fractions = [-info["cost_fractions"][name] for name in names[1:]]
    assert rewards[-1] == pytest.approx([info["accuracy"], *fractions], rel=1e-6)
    with pytest.raises(SolverError, match="accuracy against one cost"):
        env.unwrapped.pareto_front()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"objectives": ("accuracy", "energy")}, UnknownNameError, "macs"),
        ({"objectives": ("macs", "accuracy")}, ArgumentError, "first"),
        ({"objectives": ("accuracy",)}, ArgumentError, "several"),
        ({"objectives": ("accuracy", "macs", "macs")}, ArgumentError, "once"),
        ({"objectives": "macs"}, ArgumentError, "several"),
        ({"objectives": 3}, ArgumentError, "several"),
        ({"objectives": [["accuracy"], "macs"]}, ArgumentError, "several"),
        ({"objectivs": ("accuracy", "macs")}, UnknownNameError, "Did you mean 'objectives'"),
        ({"budgt": 1.0}, UnknownNameError, "Known: (?!.*(exponent|max_accuracy_drop|target))"),
        ({"reward": "accuracy"}, ArgumentError, "objectives"),
        ({"budget_units": "foo"}, UnknownNameError, "fraction"),
        ({"render_mode": "png"}, UnknownNameError, "rgb_array"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(
    arguments: dict, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        MultiObjectiveEnv("channel_pruning", network="resnet20", **arguments)


def test_states_and_copies_go_on_alike(env: gym.Env) -> None:
    base = env.unwrapped
    env.reset(seed=0)
    env.action_space.seed(0)
    env.step(env.action_space.sample())
    state, again = base.get_state(), pickle.loads(pickle.dumps(base))
    actions = [env.action_space.sample() for _ in range(base.problem.horizon - 1)]
    first = [env.step(action)[1] for action in actions]
    assert np.array_equal([again.step(action)[1] for action in actions], first)
    base.set_state(state)
    assert np.array_equal([base.step(action)[1] for action in actions], first)


def test_they_need_no_mo_gymnasium() -> None:
    code = (
        "import sys, gymnasium, hwenvs\n"
        "gymnasium.make('MO-AMC-ResNet20-v0'); gymnasium.make_vec('MO-AMC-ResNet20-v0')\n"
        "print([name for name in ('mo_gymnasium', 'torch', 'scipy') if name in sys.modules])"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
