"""The decomposition agent: what it plans, what it learns, and what it never does."""

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.agents.decomposition import Decomposition, Settings
from hwenvs.agents.planning import Planner
from hwenvs.agents.return_model import ReturnModel
from hwenvs.baselines.exact import optimum
from hwenvs.errors import UnknownNameError
from hwenvs.problems import make_problem
from hwenvs.problems.chain import ChainProblem
from hwenvs.solving import solve

NAMES = ("AMC-MobileNetV1-v0", "AMC-ResNet20-v0", "AMC-MobileNetV2-v0")


def planner_of(get_problem, name: str) -> tuple[ChainProblem, Planner]:
    problem = get_problem(name)
    return problem, Planner(problem)


@pytest.mark.parametrize("name", NAMES)
def test_planning_on_the_true_values_finds_nearly_the_optimum(get_problem, name: str) -> None:
    problem, planner = planner_of(get_problem, name)
    values = [-problem.tables.divergence(t)[0] for t in range(problem.horizon)]
    options = planner.plan(values)
    outcome = problem.evaluate(problem.decisions.designs(options[:, None]))
    best, zero = optimum(problem).reward, float(problem.reference.reward[0])
    assert outcome.feasible[0]
    assert (outcome.reward[0] - zero) / (best - zero) > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_plans_and_random_designs_meet_the_budget(get_problem, name: str) -> None:
    problem, planner = planner_of(get_problem, name)
    random = np.random.default_rng(0)
    for _ in range(10):
        values = [random.normal(size=len(ratios)) for ratios in planner.ratios]
        for options in (planner.plan(values), planner.random_options(random, (0.1, 0.5))):
            outcome = problem.evaluate(problem.decisions.designs(options[:, None]))
            assert outcome.feasible[0]
            quantity = problem.budget.quantity
            assert planner.limits[0].cost(options) == pytest.approx(outcome.costs[quantity][0])


def test_without_a_binding_budget_every_decision_takes_its_best_option(get_problem) -> None:
    problem = get_problem("AMC-ResNet20-v0", "free")
    planner = Planner(problem)
    values = [np.arange(len(ratios), dtype=float) for ratios in planner.ratios]
    assert planner.plan(values).tolist() == [len(ratios) - 1 for ratios in planner.ratios]


def test_the_return_model_learns_which_decisions_matter(get_problem) -> None:
    problem, planner = planner_of(get_problem, "AMC-ResNet20-v0")
    random = np.random.default_rng(1)
    options = np.array([planner.random_options(random, (0.2, 0.5)) for _ in range(150)])
    designs = problem.decisions.designs(options.T)
    rewards = problem.evaluate(designs).reward
    model = ReturnModel(planner, Settings(focus=0.5))
    model.fit(options[:100], rewards[:100], rewards[:100].max())
    mean = model.draw(random, scale=0.0)
    guess = [sum(mean.values[t][k] for t, k in enumerate(row)) for row in options[100:]]
    assert np.corrcoef(guess, rewards[100:])[0, 1] > 0.85


def test_it_is_reproducible_and_does_not_repeat_itself() -> None:
    one, other = (solve("decomposition", "AMC-ResNet20-v0", 70, seed=3) for _ in range(2))
    assert one.designs == other.designs
    assert len({tuple(design) for design in one.designs}) == 70


@pytest.mark.parametrize("name", NAMES)
def test_it_improves_on_its_warm_up(name: str) -> None:
    run = solve("decomposition", name, 110, seed=0)
    assert max(run.rewards[50:]) > max(run.rewards[:50])
    assert run.scores is not None
    assert max(run.scores) > 0.5


def test_an_unknown_hyperparameter_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'exploration'"):
        Decomposition(explorations=2.0)


def test_a_ratio_is_found_from_accuracies_and_known_costs() -> None:
    name = "DeepCompression-LeNet300-Ratio-v0"
    scores = [max(solve("decomposition", name, 150, seed).scores or [0.0]) for seed in range(3)]
    assert sorted(scores)[1] > 0.9
    assert max(solve("random", name, 150).scores or [0.0]) < 0.9


@pytest.mark.parametrize(
    ("environment", "arguments"),
    [
        ("DeepCompression-LSTM-v0", {}),
        (
            "DeepCompression-LeNet300-v0",
            {"cost": "latency", "hardware": "eie", "budget": None},
        ),
    ],
)
def test_a_ratio_of_another_cost_than_the_budgets_is_found_too(
    environment: str, arguments: dict
) -> None:
    run = solve("decomposition", environment, 60, 0, reward="compression_ratio", **arguments)
    assert len(run.rewards) == 60
    assert max(run.scores or [0.0]) > 0.7


def test_episodes_that_all_bring_the_same_teach_nothing_and_break_nothing() -> None:
    problem = make_problem("channel_pruning", network="lenet5")
    planner = Planner(problem)
    model = ReturnModel(planner, Settings())
    options = np.stack(
        [planner.random_options(np.random.default_rng(s), (0.1, 0.5)) for s in range(9)]
    )
    model.fit(options, np.full(9, 0.5), 0.5)
    assert all(np.isfinite(v).all() for v in model.draw(np.random.default_rng(0), 1.0).values)


@pytest.mark.parametrize(
    ("environment", "budget"),
    [
        ("HAQ-ResNet20-v0", {"latency": 0.2, "size": 0.5}),
        ("AMC-ResNet20-v0", {"macs": 0.3, "size": 0.9}),
    ],
)
def test_plans_meet_several_budgets_at_once(environment: str, budget: dict[str, float]) -> None:
    problem = gym.make(environment, budget=budget).unwrapped.problem
    planner, random = Planner(problem), np.random.default_rng(0)
    for _ in range(25):
        values = [np.sort(random.normal(size=len(ratios))) for ratios in planner.ratios]
        assert planner.fits(planner.plan(values))
