"""Ids: made from anywhere, with suggestions for typos, without heavy imports."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

import hwenvs
from hwenvs.problems import make_problem

ROOT = Path(__file__).parents[1]

HEAVY = ("torch", "pandas", "scipy", "matplotlib", "stable_baselines3", "pydantic", "typer", "rich")


def run(code: str) -> str:
    """What a fresh interpreter prints for ``code``."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_ids_of_the_issue_are_registered() -> None:
    networks = ("MobileNetV1", "MobileNetV2", "ResNet20", "ResNet56", "ResNet50", "VGG16")
    assert {f"AMC-{network}-v0" for network in networks} <= set(gym.registry)


def test_gym_make_imports_the_module_before_the_colon() -> None:
    code = "import gymnasium; print(gymnasium.make('hwenvs:AMC-MobileNetV1-v0').spec.id)"
    assert run(code) == "AMC-MobileNetV1-v0"


@pytest.mark.parametrize("make", ["make(id)", "make_vec(id, num_envs=4)"])
def test_making_an_environment_imports_nothing_heavy(make: str) -> None:
    code = (
        "import sys, gymnasium, hwenvs\n"
        "for id, given in hwenvs.ENVIRONMENTS.items():\n"
        "    if given.get('proxy') == 'measured': continue\n"
        f"    env = gymnasium.{make}\n"
        "    env.reset(); env.step(env.action_space.sample())\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert run(code) == "[]"


def test_a_typo_in_an_id_suggests_the_right_one() -> None:
    with pytest.raises(gym.error.NameNotFound, match="Did you mean: `AMC-MobileNetV1`"):
        gym.make("AMC-MobilNetV1-v0")
    with pytest.raises(gym.error.VersionNotFound, match="`v0`"):
        gym.make("AMC-ResNet56-v7")


def test_specs_survive_json_and_pickle(env_id: str) -> None:
    env = gym.make(env_id, budget=0.6, constraint="projected")
    assert env.spec is not None
    again = EnvSpec.from_json(env.spec.to_json())
    assert again == env.spec == pickle.loads(pickle.dumps(env.spec))
    rebuilt = gym.make(again).unwrapped
    assert rebuilt.problem.spec() == env.unwrapped.problem.spec()


def test_entry_points_are_strings(env_id: str) -> None:
    spec = gym.spec(env_id)
    assert isinstance(spec.entry_point, str)
    assert isinstance(spec.vector_entry_point, str)


def test_importing_twice_registers_once(env_id: str) -> None:
    before = gym.spec(env_id)
    hwenvs.register_all()
    assert gym.spec(env_id) is before


def test_arguments_may_be_numpy_numbers_and_mappings() -> None:
    env = gym.make(
        "AMC-ResNet20-v0",
        budget={"params": np.float32(0.5)},
        round_to=np.int64(2),
        floor=np.float32(0.25),
        hardware={"name": "roofline", "overhead": 0.0},
    )
    arguments = json.loads(json.dumps(env.unwrapped.problem.spec()))
    assert (arguments["cost"], arguments["budget"], arguments["round_to"]) == ("params", 0.5, 2)
    assert make_problem(**arguments).spec() == env.unwrapped.problem.spec()


def test_the_arguments_of_every_id_rebuild_its_problem(env_id: str) -> None:
    problem = gym.make(env_id).unwrapped.problem
    arguments = json.loads(json.dumps(problem.spec()))
    rebuilt = gym.make(env_id, **{k: v for k, v in arguments.items() if k != "problem"})
    design = problem.reference.designs
    assert np.array_equal(
        rebuilt.unwrapped.problem.evaluate(design).reward, problem.reference.reward
    )


def test_the_page_on_environments_is_up_to_date(script: Callable[[str], Any]) -> None:
    generate = script("docs/generate.py")
    assert generate.PAGE.read_text(encoding="utf-8") == generate.page(), (
        "docs/environments.md is stale: run python docs/generate.py"
    )
