"""Vector rewards keep mo-gymnasium's convention, and their true fronts are true."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from typer.testing import CliRunner

import hwenvs
from hwenvs.cli.app import app
from hwenvs.errors import ArgumentError, SolverError, UnknownNameError
from hwenvs.multiobjective import MultiObjectiveEnv
from hwenvs.multiobjective.fronts import certified_front, hypervolume
from hwenvs.records import Run
from hwenvs.registration import ENVIRONMENTS, MO_ENVIRONMENTS
from hwenvs.reporting.fronts import non_dominated
from hwenvs.solving import solve

ROOT = Path(__file__).parents[1]

IDS = ("MO-AMC-ResNet20-v0", "MO-HAQ-ResNet20-v0", "MO-NAS-ProxylessCIFAR-v0")

TINY = {"network": "digits_lenet", "round_to": 2, "floor": 0.3}
"""A network with few enough designs to try them all."""


@pytest.fixture(params=IDS)
def env(request: pytest.FixtureRequest) -> gym.Env:
    """An environment of every kind of action, as users get it."""
    return gym.make(request.param)


def play(env: gym.Env, seed: int) -> tuple[list, dict]:
    """Rewards and last info of an episode."""
    env.action_space.seed(seed)
    env.reset(seed=seed)
    rewards, ended = [], False
    while not ended:
        _, reward, ended, cut, info = env.step(env.action_space.sample())
        assert not cut
        rewards.append(reward)
    return rewards, info


def all_designs(env: gym.Env) -> np.ndarray:
    kept = [decision.kept for decision in env.unwrapped.problem.decisions]
    return np.array(list(itertools.product(*kept)))


def test_every_environment_that_pays_accuracy_has_one_with_a_vector() -> None:
    scalar = {**hwenvs.ENVIRONMENTS, **hwenvs.OPEN_ENVIRONMENTS}
    assert set(MO_ENVIRONMENTS) == {f"MO-{name}" for name in scalar if "Ratio" not in name}
    for name, arguments in MO_ENVIRONMENTS.items():
        assert "budget" not in arguments
        assert name in gym.registry


def test_the_list_says_that_they_are_there_and_which_are_not() -> None:
    done = CliRunner().invoke(app, ["list"])
    assert done.exit_code == 0, done.output
    _, _, told = " ".join(done.output.split()).partition("exist as ")
    assert told.startswith(next(iter(MO_ENVIRONMENTS)))
    ids = {name for name in ENVIRONMENTS if name in told.partition("but for ")[2]}
    assert ids == {name for name in ENVIRONMENTS if f"MO-{name}" not in MO_ENVIRONMENTS}


def test_the_vector_is_paid_at_the_end_and_says_what_the_info_says(env: gym.Env) -> None:
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


def test_vectors_of_many_costs_are_those_the_hardware_reports() -> None:
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
        ({"reward": "accuracy"}, ArgumentError, "objectives"),
        ({"render_mode": "png"}, UnknownNameError, "rgb_array"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(
    arguments: dict, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        MultiObjectiveEnv("channel_pruning", network="resnet20", **arguments)


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
def test_gymnasiums_checks_pass(env: gym.Env) -> None:
    # It takes rewards for numbers: mo-gymnasium's own tests weigh the vectors before, too.  Not
    # with LinearReward, which puts one and the same array of weights into every info.
    weighed = gym.wrappers.TransformReward(env.unwrapped, lambda reward: float(reward.sum()))
    check_env(weighed, skip_render_check=True)


def test_mo_gymnasium_makes_and_wraps_them() -> None:
    mo_gymnasium = pytest.importorskip("mo_gymnasium")
    plain = mo_gymnasium.make("MO-AMC-ResNet20-v0")
    rewards, _ = play(plain, 3)
    weights = np.array([0.75, 0.25])
    weighed, info = play(mo_gymnasium.wrappers.LinearReward(plain, weights), 3)
    assert weighed[-1] == np.dot(rewards[-1], weights)
    assert np.array_equal(info["vector_reward"], rewards[-1])
    recorded = mo_gymnasium.wrappers.MORecordEpisodeStatistics(plain, gamma=0.9)
    _, info = play(recorded, 3)
    assert np.array_equal(info["episode"]["r"], rewards[-1])
    assert info["episode"]["dr"] == pytest.approx(rewards[-1] * 0.9 ** (len(rewards) - 1))


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_many_at_once_equal_single_ones(name: str, mode: str) -> None:
    envs = gym.make_vec(name, num_envs=3, autoreset_mode=mode)
    singles = [gym.make(name) for _ in range(3)]
    envs.reset(seed=0)
    for env in singles:
        env.reset(seed=0)
    envs.action_space.seed(5)
    for _ in range(singles[0].unwrapped.problem.horizon):
        actions = envs.action_space.sample()
        _, rewards, ended, _, infos = envs.step(actions)
        alone = [env.step(action) for env, action in zip(singles, actions, strict=True)]
        assert rewards.dtype == np.float32
        assert rewards in envs.unwrapped.reward_space
        assert np.array_equal(rewards, np.stack([step[1] for step in alone]))
    assert ended.all()
    last = infos.get("final_info", infos)
    assert last["accuracy"].tolist() == [step[4]["accuracy"] for step in alone]


def test_mo_gymnasiums_vector_wrapper_counts_vectors() -> None:
    wrappers = pytest.importorskip("mo_gymnasium.wrappers.vector")
    made = wrappers.MOSyncVectorEnv([lambda: gym.make("MO-AMC-ResNet20-v0") for _ in range(2)])
    native = gym.make_vec("MO-AMC-ResNet20-v0", num_envs=2)
    made.reset(seed=0)
    native.reset(seed=0)
    native.action_space.seed(2)
    for _ in range(18):
        actions = native.action_space.sample()
        assert np.array_equal(made.step(actions)[1], native.step(actions)[1])


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


@pytest.mark.parametrize(
    ("name", "arguments", "quantity"),
    [
        ("MO-AMC-v0", TINY, "macs"),
        ("MO-AMC-v0", {**TINY, "hardware": "roofline", "cost": "latency"}, "latency"),
        ("MO-AMC-v0", {**TINY, "budget": {"params": 0.5}}, "macs"),
    ],
)
def test_a_certified_front_is_that_of_all_designs(
    name: str, arguments: dict, quantity: str
) -> None:
    env = gym.make(name, **arguments)
    problem = env.unwrapped.problem
    outcome = problem.evaluate(all_designs(env))
    fits = outcome.feasible
    accuracies = outcome.accuracy[fits]
    costs = outcome.costs[quantity][fits] / problem.full_costs[quantity]
    front = certified_front(problem, quantity, points=9)
    assert front.proved
    assert len(front.corners) == 9
    for corner in front.corners:
        assert corner.accuracy == accuracies[costs <= corner.amount * (1 + 1e-12)].max()
    true = np.column_stack([accuracies, -costs])
    on_front = true[non_dominated(true[:, 0], -true[:, 1])]
    for vector in front.vectors:
        assert (vector == on_front).all(axis=1).any()
    whole = hypervolume(true)
    assert front.hypervolume <= whole <= front.hypervolume_bound
    assert front.hypervolume > 0.9 * whole


def test_more_points_close_the_gap() -> None:
    problem = gym.make("MO-NAS-ProxylessCIFAR-v0").unwrapped.problem
    few, many = (certified_front(problem, "latency", points) for points in (4, 12))
    assert few.hypervolume < many.hypervolume <= many.hypervolume_bound < few.hypervolume_bound
    assert set(few.designs) <= set(many.designs)


def test_designs_of_a_front_earn_its_vectors_in_the_environment() -> None:
    env = gym.make("MO-NAS-ProxylessCIFAR-v0")
    front = env.unwrapped.certified_front(points=5)
    for design, vector in zip(front.designs, front.vectors, strict=True):
        env.reset(seed=0)
        for action in env.unwrapped.problem.actions([design])[0]:
            _, reward, _, _, info = env.step(action)
        assert tuple(info["design"]) == design
        assert np.array_equal(reward, vector.astype(np.float32))
    horizon = env.unwrapped.problem.horizon
    discounted = env.unwrapped.pareto_front(gamma=0.9, points=5)
    assert np.array(discounted) == pytest.approx(front.vectors * 0.9 ** (horizon - 1))


def test_a_run_dominates_a_share_of_the_bound() -> None:
    front = gym.make("MO-AMC-ResNet20-v0").unwrapped.certified_front(points=6)
    run = solve("random", "AMC-ResNet20-v0", 30, seed=0, budget=1.0)
    share = front.share(run)
    assert 0.3 < share < 1.0
    half = Run(**{**vars(run), "accuracies": run.accuracies[:5]})
    half.costs = {name: values[:5] for name, values in run.costs.items()}
    assert front.share(half) < share
    with pytest.raises(UnknownNameError, match="latency"):
        certified_front(gym.make("MO-NAS-ProxylessCIFAR-v0").unwrapped.problem, "latency", 2).share(
            run
        )


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([[0.5, -0.5]], 0.25),
        ([[0.5, -0.5], [0.8, -0.75]], 0.5 * 0.25 + 0.8 * 0.25),
        ([[0.8, -0.75], [0.5, -0.5], [0.4, -0.6], [0.8, -0.8]], 0.5 * 0.25 + 0.8 * 0.25),
        ([[0.9, -1.5], [0.0, -0.1]], 0.0),
    ],
)
def test_hypervolumes_computed_by_hand(points: list, area: float) -> None:
    assert hypervolume(points) == pytest.approx(area)


def test_hypervolumes_of_no_pairs_are_refused() -> None:
    for points in ([0.5, -0.5], [[1.0, 2.0, 3.0]], [[np.nan, 0.0]]):
        with pytest.raises(ArgumentError, match="pairs"):
            hypervolume(points)


def test_measured_accuracies_have_no_known_front() -> None:
    env = gym.make("MO-AMC-DigitsLeNet-v0")
    with pytest.raises(SolverError, match="tables"):
        env.unwrapped.pareto_front()
