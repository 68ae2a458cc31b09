"""Which tasks there are: parts that share nothing, ids, certificates that still hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.errors import ArgumentError, UnknownNameError
from hwenvs.tasks import RULES, Task, distribution
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
    assert {chip for chip, _ in chips} <= {chip for chip, _ in rule.test_chips}
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
