"""Which tasks there are: parts that share nothing, ids, certificates that still hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.errors import ArgumentError, UnknownNameError
from hwenvs.tasks import RULES, Task, Tasks, distribution
from hwenvs.tasks.certificates import frozen_content, known_certificate
from hwenvs.tasks.compiled import certify, compile_task
from hwenvs.tasks.freezing import SMALLEST_SPAN, table_hash

if TYPE_CHECKING:
    from tests.conftest import Cli

NAMES = tuple(RULES)


@pytest.mark.parametrize("name", NAMES)
def test_no_test_task_has_a_training_budget_and_parts_share_nothing(name: str) -> None:
    found = distribution(name)
    train, test = found.split()
    assert not set(train.ids) & set(test.ids)
    assert not {task.budget for task in train} & {task.budget for task in test}
    for task in test:
        assert "budget" in found.novelty(task)
    for task in train:
        assert found.novelty(task) == ()


@pytest.mark.parametrize("name", NAMES)
def test_networks_and_chips_that_are_held_back_are_all_tested(name: str) -> None:
    found = distribution(name)
    rule, groups = found.rule, found.groups()
    assert set(groups) == {"budget", "chip, budget", "network, budget", "network, chip, budget"}
    assert {task.network for task in groups["network, budget"]} == set(rule.test_networks)
    chips = {(task.chip, task.cost) for task in groups["chip, budget"]}
    assert chips == set(rule.test_chips)
    assert {task.network for task in found.train} == set(rule.train_networks)
    assert sum(map(len, groups.values())) == len(found.test)


@pytest.mark.parametrize("name", NAMES)
def test_every_combination_was_tried_once(name: str) -> None:
    rule, content = RULES[name], frozen_content(name)
    tried = [*content["tasks"], *content["left_out"]]
    assert sorted(tried) == sorted(task.id for task in (*rule.train(), *rule.test()))
    spans = [row["optimum"] - row["reference"] for row in content["tasks"].values()]
    assert min(spans) >= content["smallest_span"] == SMALLEST_SPAN
    assert all(row["proved"] for row in content["tasks"].values())


@pytest.mark.parametrize("name", NAMES)
def test_certificates_were_made_with_the_tables_that_ship(name: str) -> None:
    hashes = frozen_content(name)["tables"]
    assert hashes == {network: table_hash(RULES[name].kind, network) for network in hashes}, (
        f"a table has changed: run python -m hwenvs.tasks.freezing {name} --fresh"
    )


@pytest.mark.parametrize("name", NAMES)
def test_certificates_hold_when_they_are_computed_again(name: str) -> None:
    chips = {}
    for task in distribution(name).all:
        if task.network in ("resnet20", "mobilenet_v1"):
            chips[task.chip, task.cost] = task
    for task in chips.values():
        assert known_certificate(task) == certify(compile_task(task).problem), task.id


def test_sampling_repeats_with_the_seed_and_reaches_every_task() -> None:
    train, _ = distribution("haq").split()
    first, again = (np.random.default_rng(3) for _ in range(2))
    drawn = [train.sample(first) for _ in range(400)]
    assert drawn == [train.sample(again) for _ in range(400)]
    assert set(drawn) == set(train)


@pytest.mark.parametrize("name", NAMES)
def test_tasks_survive_their_id_and_json(name: str) -> None:
    for task in distribution(name).all:
        assert Task.parse(task.id) == task
        assert Task.from_dict(json.loads(json.dumps(task.to_dict()))) == task


def test_a_task_makes_an_environment_of_its_own() -> None:
    task = distribution("haq").train.where(chip="bismo-edge-quarter", network="resnet20")[0]
    env = gym.make(task.environment, **task.arguments)
    problem = env.unwrapped.problem
    assert (problem.network.name, problem.budget.quantity) == ("resnet20", "latency")
    assert problem.budget.fraction == pytest.approx(task.budget)
    assert problem.reference.reward[0] == compile_task(task).certificate.reference


def test_tasks_behave_as_sequences_do() -> None:
    train, test = distribution("amc").split()
    assert train[0] in train
    assert train[0].id in train
    assert train[0] not in test
    assert train[:3].ids == train.ids[:3]
    assert len(train + test) == len(train) + len(test)
    assert {task.chip for task in train.where(chip="mobile")} == {"mobile"}
    assert train.find(train.ids[1]) == train[1]


def test_tasks_and_distributions_are_values() -> None:
    train, test = distribution("amc").split()
    assert distribution("amc") == distribution("amc") != distribution("haq")
    assert len({distribution("amc"), distribution("amc")}) == 1
    assert train[:3] == Tasks([*train][:3]) != train[1:4]
    assert train[:2] != Tasks([train[1], train[0]])
    assert train != test
    assert train[:1] != [train[0]]


def test_budgets_of_numpy_are_numbers_like_others() -> None:
    for number in (np.float32(0.5), np.float64(0.5)):
        task = Task("amc", "resnet20", "mobile", "latency", number)
        assert task == Task.parse("amc/resnet20/mobile/latency/0.5")
        assert Task.from_dict(json.loads(json.dumps(task.to_dict()))) == task
    assert Task("amc", "resnet20", "mobile", "latency", 1).id.endswith("/1.0")


def test_wrong_names_raise_one_clear_error() -> None:
    train, test = distribution("amc").split()
    with pytest.raises(UnknownNameError, match="Did you mean 'amc'"):
        distribution("amcc")
    with pytest.raises(UnknownNameError, match="Did you mean 'amc/"):
        train.find(train.ids[0][:-1])
    with pytest.raises(UnknownNameError, match="unknown task"):
        train.find(test[0])
    with pytest.raises(UnknownNameError, match="Did you mean 'chip'"):
        train.where(chips="mobile")
    with pytest.raises(UnknownNameError, match=r"unknown split 'tset'\. Did you mean 'test'"):
        distribution("amc").part("tset")
    with pytest.raises(ArgumentError, match="no id of a task"):
        Task.parse("amc/resnet20")
    with pytest.raises(ArgumentError, match=r"must be in \(0, 1\]"):
        Task("amc", "resnet20", "mobile", "latency", 1.5)
    with pytest.raises(ArgumentError, match="a task has"):
        Task.from_dict({"kind": "amc"})
    with pytest.raises(ArgumentError, match="no tasks to draw"):
        train[:0].sample(np.random.default_rng(0))


WHOLE = ("amc", "resnet20", "mobile", "latency", 0.5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: distribution(["amc"]), UnknownNameError, r"unknown rule of tasks \['amc'\]"),
        (lambda: distribution("amc").part(["all"]), UnknownNameError, r"split \['all'\]"),
        (lambda: distribution("amc").train.find(5), UnknownNameError, "unknown task 5"),
        (lambda: Tasks([1]), ArgumentError, "1 is no Task; Task.parse makes one of an id"),
        (lambda: Tasks("haq"), ArgumentError, "tasks must be a list of them, not 'haq'"),
        (lambda: Tasks(5), ArgumentError, "tasks must be a list of them, not 5"),
        (lambda: Task.parse(5), ArgumentError, "5 is no id of a task"),
        (lambda: Task.from_dict(5), ArgumentError, r"a task has \['budget', .*\], not 5"),
        (lambda: Task.from_dict({1: 2, "a": 3}), ArgumentError, "a task has"),
        (lambda: Task(["amc"], *WHOLE[1:]), UnknownNameError, r"kind of task \['amc'\]"),
        (lambda: Task("amc", 5, *WHOLE[2:]), ArgumentError, "network of a task must be a name"),
        (lambda: Task(*WHOLE[:2], None, "macs", 0.5), ArgumentError, "chip of a task must be a"),
        (lambda: Task(*WHOLE[:3], [], 0.5), ArgumentError, "cost of a task must be a name, not"),
        (lambda: Task(*WHOLE[:4], True), ArgumentError, r"must be in \(0, 1\], not True"),
        (lambda: Task(*WHOLE[:4], np.nan), ArgumentError, r"must be in \(0, 1\], not nan"),
        (lambda: Task(*WHOLE[:4], "0.5"), ArgumentError, r"must be in \(0, 1\], not '0.5'"),
    ],
)
def test_what_is_no_name_task_or_budget_is_told_as_clearly(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"kind": "zzz"}, UnknownNameError, "unknown kind of task 'zzz'"),
        ({"train_networks": "resnet20"}, ArgumentError, "train_networks of rule 'amc' must be a"),
        ({"test_networks": (5,)}, ArgumentError, "network of rule 'amc' must be a name, not 5"),
        ({"train_chips": ("counts",)}, ArgumentError, "pairs of a chip and what .* not 'counts'"),
        ({"test_chips": (("systolic", 5),)}, ArgumentError, "cost of rule 'amc' must be a name"),
        ({"test_budgets": (4,)}, ArgumentError, r"budget of rule 'amc' must be in \(0, 1\], not 4"),
        ({"train_budgets": 0.4}, ArgumentError, "train_budgets of rule 'amc' must be a tuple"),
    ],
)
def test_a_rule_that_no_task_could_be_made_of_is_refused(
    changes: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        replace(RULES["amc"], **changes)


def test_a_rule_whose_parts_overlap_is_refused() -> None:
    rule = RULES["amc"]
    with pytest.raises(ArgumentError, match="networks in both parts: resnet20"):
        replace(rule, test_networks=("resnet20",))
    with pytest.raises(ArgumentError, match="chips in both parts: mobile"):
        replace(rule, test_chips=(("mobile", "latency"),))
    with pytest.raises(ArgumentError, match=r"budgets in both parts: 0\.4"):
        replace(rule, test_budgets=(0.4,))
    with pytest.raises(ArgumentError, match="no chips to train on"):
        replace(rule, train_chips=())


def test_the_list_of_environments_tells_how_many_tasks_there_are(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    printed = cli.succeed("list")
    for name, environment in (("amc", "AMC-Generalist-v0"), ("haq", "HAQ-Generalist-v0")):
        train, test = distribution(name).split()
        (line,) = [line for line in printed.splitlines() if environment in line]
        assert f"{len(train)} tasks, {len(test)} to test on" in line
