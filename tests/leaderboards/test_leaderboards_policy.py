"""The policy track: frozen policies, tried on tasks that are drawn once they are submitted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
import pytest

from hwenvs.errors import ArgumentError, DataError, EntryError
from hwenvs.leaderboards import dynamics
from hwenvs.leaderboards.board import ENTRIES, check_board
from hwenvs.leaderboards.dynamics import stale, tasks_of
from hwenvs.leaderboards.entries import ABOUT, POLICY, RUNS, open_entry
from hwenvs.leaderboards.freezing import PolicyRecipe, freeze, recipes
from hwenvs.leaderboards.perceptron import Policy
from hwenvs.leaderboards.policies import write_policy
from hwenvs.leaderboards.reproduce import every
from hwenvs.leaderboards.rollouts import drawn
from hwenvs.leaderboards.submit import submit, submit_policy
from hwenvs.leaderboards.suites import PolicySuite, TraceSuite, read_suite
from hwenvs.leaderboards.verify import verify
from hwenvs.tasks.certificates import known_certificate

if TYPE_CHECKING:
    from tests.conftest import Cli

RULE = "haq"
Fields = dict[str, Any]
Constant = Callable[[float], Policy]


def test_a_policy_replayed_twice_gets_equal_verdicts(
    policy_entry: Path, policy_suite: PolicySuite
) -> None:
    first, second = (verify(open_entry(policy_entry), policy_suite) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert first.scores.shape == (1, 10)
    assert (first.missing, first.effective) == (0, 10)


def test_another_entry_or_suite_draws_other_instances(
    policy_entry: Path, policy_suite: PolicySuite
) -> None:
    def ids(suite: PolicySuite) -> list[str]:
        return [task.id for task in drawn(suite.families[0], open_entry(policy_entry), suite)]

    first, renamed = ids(policy_suite), ids(policy_suite.model_copy(update={"title": "Another"}))
    about = json.loads((policy_entry / ABOUT).read_text())
    (policy_entry / ABOUT).write_text(json.dumps({**about, "description": "One word more."}))
    changed = ids(policy_suite)
    assert len({frozenset(first), frozenset(renamed), frozenset(changed)}) == 3
    assert len(set(first)) == policy_suite.instances
    assert set(first) <= set(tasks_of(RULE).ids)
    assert all(ids == sorted(ids, key=tasks_of(RULE).ids.index) for ids in (first, changed))


def test_no_word_of_an_entry_moves_a_score_where_all_tasks_are_taken(
    policy_entry: Path, policy_suite: PolicySuite
) -> None:
    """Intervals resample scores by their places: equal policies are to have equal ones."""
    whole = policy_suite.model_copy(update={"instances": len(tasks_of(RULE))})
    about = json.loads((policy_entry / ABOUT).read_text())
    for description in ("", "One word more."):
        (policy_entry / ABOUT).write_text(json.dumps({**about, "description": description}))
        found = drawn(whole.families[0], open_entry(policy_entry), whole)
        assert [task.id for task in found] == list(tasks_of(RULE).ids)


def test_a_constant_policy_scores_what_its_designs_earn(
    policy_entry: Path, policy_suite: PolicySuite
) -> None:
    verdict = verify(open_entry(policy_entry), policy_suite)
    assert len({one.score for one in verdict.judged[0].instances}) > 1
    for one, counted in zip(verdict.judged[0].instances, verdict.scores[0], strict=True):
        task = tasks_of(RULE).find(one.task)
        certificate = known_certificate(task)
        assert certificate is not None
        env = gym.make(task.environment, **task.arguments)
        env.reset()
        ended, info = False, {}
        while not ended:
            _, _, ended, _, info = env.step(np.array([0.5], dtype=np.float32))
        assert info["design"].tolist() == list(one.design)
        outcome = env.unwrapped.problem.evaluate([one.design])  # type: ignore[attr-defined]
        assert outcome.feasible[0]
        earned = (float(outcome.reward[0]) - certificate.reference) / certificate.span
        assert one.score == earned
        assert counted == max(earned, 0.0)


def test_an_entry_submits_either_traces_or_a_policy(policy_entry: Path) -> None:
    (policy_entry / RUNS).write_bytes(b"")
    with pytest.raises(EntryError, match=r"runs\.jsonl\.gz: the track 'policy' submits policy"):
        open_entry(policy_entry)


def test_policies_and_traces_are_ranked_apart(
    policy_entry: Path,
    policy_suite: PolicySuite,
    small_suite: TraceSuite,
    tmp_path: Path,
    policy_fields: Fields,
) -> None:
    with pytest.raises(ArgumentError, match="bits-v1 takes policies"):
        submit([], policy_suite, "mine", {**policy_fields, "track": "search"}, tmp_path)
    with pytest.raises(EntryError, match=r"'policy' cannot be judged on small-v1.*design and"):
        submit_policy(policy_entry / POLICY, small_suite, "mine", policy_fields, tmp_path)
    with pytest.raises(EntryError, match=r"'design' cannot be judged on bits-v1.*takes policy"):
        submit_policy(
            policy_entry / POLICY,
            policy_suite,
            "mine",
            {**policy_fields, "track": "design"},
            tmp_path,
        )
    assert list(tmp_path.glob(f"{ENTRIES}/*")) == []
    with pytest.raises(EntryError, match="no run to repeat"):
        every(open_entry(policy_entry), policy_suite)


def test_submitting_an_equal_policy_gives_equal_bytes(
    policy_entry: Path, policy_suite: PolicySuite, tmp_path: Path, policy_fields: Fields
) -> None:
    source = tmp_path / "packed.npz"
    arrays_there = dict(np.load(policy_entry / POLICY))
    np.savez(source, **dict(reversed(arrays_there.items())))
    verdict = submit_policy(source, policy_suite, "five-bits", policy_fields, tmp_path / ENTRIES)
    assert verdict.digest == verify(open_entry(policy_entry), policy_suite).digest
    with pytest.raises(EntryError, match="five-bits exists"):
        submit_policy(source, policy_suite, "five-bits", policy_fields, tmp_path / ENTRIES)


def test_a_board_of_policies_agrees_until_a_weight_changes(
    policy_board: Path, constant: Constant
) -> None:
    board = check_board(policy_board, policy_board / "suites")
    assert board.faults == []
    (row,) = board.rows(board.suites[0])
    assert (row.name, row.tier, row.badge) == ("five-bits", 1, "replayed")
    path = policy_board / ENTRIES / "bits-v1" / "five-bits" / POLICY
    write_policy(constant(0.51), path)
    faults = check_board(policy_board, policy_board / "suites").faults
    assert "bits-v1/five-bits: the entry is not the one of log line 1" in faults


def test_a_family_whose_tasks_changed_is_told(
    policy_suite: PolicySuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stale(policy_suite) == []
    fewer = tasks_of(RULE)[1:]
    monkeypatch.setattr(dynamics, "tasks_of", lambda _: fewer)
    (said,) = stale(policy_suite)
    assert said.startswith("suite bits-v1: haq-test: no longer what was frozen")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instances": 9}, "instances: .*at least 10|greater than or equal to 10"),
        ({"families": []}, "families: |tasks: "),
        ({"evaluations": 5}, "evaluations: Extra"),
    ],
    ids=str,
)
def test_a_suite_of_policies_that_makes_no_sense_is_refused(
    change: dict[str, Any], message: str, policy_suite: PolicySuite, tmp_path: Path
) -> None:
    rows = "families"
    changed = {**policy_suite.model_dump(mode="json"), **change}
    families = ",\n".join(f"  {json.dumps(row)}" for row in changed.pop(rows))
    head = "".join(f" {json.dumps(k)}: {json.dumps(v)},\n" for k, v in changed.items())
    path = tmp_path / "bits-v1.json"
    path.write_text(f'{{\n{head} "{rows}": [\n{families}\n ]\n}}\n')
    with pytest.raises(DataError, match=message):
        read_suite(path)


def test_more_instances_than_tasks_cannot_be_frozen(tmp_path: Path) -> None:
    recipe = PolicyRecipe(title="Many", instances=1000, families=[RULE])
    with pytest.raises(DataError, match="asks for 1000 instances of haq, which has"):
        freeze("many", tmp_path, recipe)


def test_families_that_no_policy_fits_cannot_be_frozen(tmp_path: Path) -> None:
    recipe = PolicyRecipe(title="Both", instances=10, families=["amc", "haq"])
    with pytest.raises(DataError, match="no policy fits amc and haq"):
        freeze("both", tmp_path, recipe)


def test_the_suites_of_policies_that_ship_leave_nothing_to_luck() -> None:
    found = [recipe for recipe in recipes().values() if isinstance(recipe, PolicyRecipe)]
    assert sorted(rule for recipe in found for rule in recipe.families) == ["amc", "haq"]
    for recipe in found:
        (rule,) = recipe.families
        assert recipe.instances == len(tasks_of(rule)), "a draw of some could be tried for luck"


def test_the_page_shows_policies_and_their_designs(policy_board: Path) -> None:
    pytest.importorskip("jinja2")
    from hwenvs.leaderboards.page import render

    board = check_board(policy_board, policy_board / "suites")
    page = render(board)
    assert page == render(board)
    assert 'id="bits-v1/environment/haq-test"' in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert "Which 10 of each an entry meets" in page
    assert "Every entry meets all" not in page
    for one in board.verdicts["bits-v1", "five-bits"].judged[0].instances:
        assert one.task in page
        assert ",".join(map(str, one.design)) in page


@pytest.mark.parametrize(("instances", "whole"), [(50, False), (51, True)])
def test_the_page_says_whether_instances_are_drawn(
    policy_suite: PolicySuite, instances: int, whole: bool
) -> None:
    pytest.importorskip("jinja2")
    from hwenvs.leaderboards.page.views import Group, Section

    suite = policy_suite.model_copy(update={"instances": instances})
    group = Group(suite.families[0], "place", len(tasks_of(RULE)), [])
    assert Section(suite, (), groups=(group,)).whole is whole


def test_the_command_line_submits_and_verifies_a_policy(
    cli: Cli, policy_board: Path, tmp_path: Path, policy_fields: Fields, constant: Constant
) -> None:
    write_policy(constant(0.6), tmp_path / "six.npz")
    about = tmp_path / "about.json"
    about.write_text(json.dumps(policy_fields))
    options = ("--suite", "bits", "--name", "six", "--about", about, "--folder", policy_board)
    assert "give either" in cli.fail("submit", *options)
    assert "haq-test" in cli.succeed("submit", "--policy", tmp_path / "six.npz", *options)
    cli.succeed("leaderboard", "log", "bits-v1/six", "--folder", policy_board)
    shown = cli.succeed("leaderboard", "show", "bits", "--folder", policy_board)
    for word in ("six", "five-bits", "policy"):
        assert word in shown
    assert "no run to repeat" in cli.fail(
        "leaderboard", "reproduce", "bits-v1/six", "--folder", policy_board
    )
