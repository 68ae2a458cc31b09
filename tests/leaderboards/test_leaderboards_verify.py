"""The verifier against traces that are wrong, careless or hostile."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.leaderboards.entries import open_entry
from hwenvs.leaderboards.suites import TraceSuite
from hwenvs.leaderboards.verify import Verdict, verify

HAQ, NAS = "HAQ-ResNet20-v0", "NAS-ProxylessCIFAR-mobile-v0"

Lines = list[dict[str, Any]]
Rewrite = Callable[..., bytes]
Refusal = Callable[[Path, TraceSuite], str]


def judge(entry: Path, suite: TraceSuite) -> Verdict:
    return verify(open_entry(entry), suite)


def seed_of(lines: Lines, key: str, seed: int) -> dict[str, Any]:
    return next(line for line in lines if (line["environment"], line["seed"]) == (key, seed))


def test_scores_are_recomputed_from_the_decisions(entry: Path, small_suite: TraceSuite) -> None:
    verdict = judge(entry, small_suite)
    assert verdict.scores.shape == (2, 10)
    assert verdict.missing == 0
    assert verdict.effective == 10
    for judged in verdict.judged:
        best = judged.task.problem().evaluate([judged.design])
        assert float(best.reward[0]) == judged.reward
        assert judged.task.score(judged.reward) == judged.scores.max()
        assert (np.diff(judged.curves, axis=1) >= 0).all()


def test_equal_files_give_equal_verdicts(entry: Path, small_suite: TraceSuite) -> None:
    assert judge(entry, small_suite).digest == judge(entry, small_suite).digest


WRONG_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"reward": 1.0}, "reward: Extra inputs"),
    "bool for an integer": ({"seed": True}, "seed: .*integer"),
    "float for an integer": ({"seed": 1.0}, "seed: .*integer"),
    "string for an integer": ({"seed": "1"}, "seed: .*integer"),
    "null": ({"seed": None}, "seed: .*integer"),
    "negative seed": ({"seed": -1}, "seed: .*greater"),
    "seed beyond 64 bits": ({"seed": 1 << 63}, "seed: "),
    "seed of 400 digits": ({"seed": 10**400}, "seed: "),
    "seed of another suite": ({"seed": 10}, "seed 10 is none of"),
    "environment of another suite": ({"environment": "AMC-ResNet56-v0"}, "has no 'AMC-ResNet56-v"),
    "look-alike": ({"environment": "H\u0391Q-ResNet20-v0"}, r"has no 'H\\u0391Q"),
    "name with a new line": ({"environment": HAQ + "\n"}, r"has no 'HAQ-ResNet20-v0\\n'"),
    "endless name": ({"environment": "A" * 3_000}, "environment: .*at most 80"),
    "no designs": ({"designs": []}, "designs: .*at least 1"),
    "designs that are none": ({"designs": 5}, "designs: .*valid array"),
    "a flat design": ({"designs": [1, 2]}, "designs.0: .*valid array"),
    "bool in a design": ({"designs": [[True]]}, "designs.0.0: .*integer"),
    "float in a design": ({"designs": [[4.0]]}, "designs.0.0: .*integer"),
    "string in a design": ({"designs": [["4"]]}, "designs.0.0: .*integer"),
    "negative time": ({"seconds": -0.1}, "seconds: "),
    "more time than there was": ({"seconds": 1e308}, "seconds: .*less than or equal"),
    "time that is text": ({"seconds": "fast"}, "seconds: "),
    "a long unknown field": ({"x" * 3_000: 1}, "x{60,}.*: Extra inputs"),
    "an unknown field with a new line": ({"x\n::error::": 1}, "Extra inputs"),
}


@pytest.mark.parametrize("what", WRONG_FIELDS)
def test_a_wrong_field_is_refused_by_name(
    what: str,
    entry: Path,
    lines: Lines,
    rewrite: Rewrite,
    small_suite: TraceSuite,
    refusal: Refusal,
) -> None:
    changes, message = WRONG_FIELDS[what]
    rewrite(entry, [lines[0], {**lines[1], **changes}])
    said = refusal(entry, small_suite)
    assert "line 2" in said
    assert re.search(message, said), said


RAW: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "line 1: .*EOF"),
    "no JSON": (b"designs", "line 1: .*JSON"),
    "a list": (b"[]", "line 1: .*object"),
    "not UTF-8": (b'{"environment": "\xff\xfe"}', "line 1: .*JSON"),
    "UTF-16": ('{"environment": 1}'.encode("utf-16"), "line 1: "),
    "deep nesting": (b'{"designs": ' + b"[" * 5_000, "line 1: .*(recursion|JSON)"),
    "deep nesting in a design": (b'{"designs": [[' + b"[" * 900 + b"]" * 900 + b"]]}", "line 1: "),
    "NaN": (b'{"environment": "x", "seed": 0, "designs": [[1]], "seconds": NaN}', "seconds"),
    "infinity": (b'{"environment": "x", "seed": 0, "designs": [[1]], "seconds": Infinity}', "sec"),
    "1e999": (b'{"environment": "x", "seed": 0, "designs": [[1]], "seconds": 1e999}', "seconds"),
}


@pytest.mark.parametrize("what", RAW)
def test_a_line_that_is_no_trace_is_refused(
    what: str, entry: Path, rewrite: Rewrite, small_suite: TraceSuite, refusal: Refusal
) -> None:
    raw, message = RAW[what]
    rewrite(entry, [raw])
    said = refusal(entry, small_suite)
    assert re.search(message, said), said


@pytest.mark.parametrize("twin", ['"seed": 3', '"designs": [[1]]', '"s\\u0065ed": 3'])
def test_a_field_that_stands_twice_is_refused(
    twin: str,
    entry: Path,
    lines: Lines,
    rewrite: Rewrite,
    small_suite: TraceSuite,
    refusal: Refusal,
) -> None:
    # Of two equal keys some readers take the first and others the last.
    doubled = json.dumps(lines[0])[:-1] + f", {twin}" + "}"
    rewrite(entry, [doubled.encode()])
    assert "line 1: a field stands twice" in refusal(entry, small_suite)
    doubled = "{" + twin + ", " + json.dumps(lines[0])[1:]
    rewrite(entry, [doubled.encode()])
    assert "line 1: a field stands twice" in refusal(entry, small_suite)


@pytest.mark.parametrize("field", ["environment", "seed", "designs", "seconds"])
def test_a_field_whose_name_is_spelt_with_escapes_is_refused(
    field: str,
    entry: Path,
    lines: Lines,
    rewrite: Rewrite,
    small_suite: TraceSuite,
    refusal: Refusal,
) -> None:
    odd = f"{field[0]}\\u{ord(field[1]):04x}{field[2:]}"
    spelt = json.dumps(lines[0]).replace(f'"{field}"', f'"{odd}"')
    assert json.loads(spelt) == lines[0]
    rewrite(entry, [spelt.encode()])
    assert "line 1: a field stands twice, or a name has an odd" in refusal(entry, small_suite)


def changed_designs(problem_sizes: int) -> dict[str, tuple[Callable[[list[int]], object], str]]:
    return {
        "one decision short": (lambda d: d[:-1], f"{problem_sizes - 1} decisions instead of"),
        "one decision long": (lambda d: [*d, 4], f"{problem_sizes + 1} decisions instead of"),
        "negative": (lambda d: [-4, *d[1:]], "-4 at decision 0"),
        "zero": (lambda d: [0, *d[1:]], "0 at decision 0"),
        "beyond the options": (lambda d: [*d[:-1], 9], "9 at decision 35"),
        "64 bits": (lambda d: [1 << 62, *d[1:]], "at decision 0"),
        "400 digits": (lambda d: [10**400, *d[1:]], "beyond 64 bits"),
        "minus 400 digits": (lambda d: [-(10**400), *d[1:]], "beyond 64 bits"),
        "no option": (lambda d: [1, *d[1:]], "makes another design"),
        "over the budget": (lambda d: [8] * len(d), "makes another design"),
    }


@pytest.mark.parametrize("what", changed_designs(36))
def test_a_design_that_no_episode_ends_with_is_refused_with_its_place(
    what: str,
    entry: Path,
    lines: Lines,
    rewrite: Rewrite,
    small_suite: TraceSuite,
    refusal: Refusal,
) -> None:
    change, message = changed_designs(36)[what]
    run = seed_of(lines, HAQ, 3)
    run["designs"][6] = change(run["designs"][6])
    rewrite(entry, lines)
    said = refusal(entry, small_suite)
    assert f"random, {HAQ}, seed 3, evaluation 7: " in said
    assert message in said


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 1 << 70])
def test_the_evaluation_with_a_number_beyond_64_bits_is_named(
    number: int,
    entry: Path,
    lines: Lines,
    rewrite: Rewrite,
    small_suite: TraceSuite,
    refusal: Refusal,
) -> None:
    run = seed_of(lines, HAQ, 3)
    # The least number that fits comes first: its magnitude is not what decides.
    run["designs"][0][0] = -(1 << 63)
    run["designs"][1][0] = number
    rewrite(entry, lines)
    said = refusal(entry, small_suite)
    assert f"random, {HAQ}, seed 3, evaluation 2: a number beyond 64 bits" in said
    run["designs"][1][0] = run["designs"][2][0]
    rewrite(entry, lines)
    assert "evaluation 1: " in refusal(entry, small_suite)


def test_a_masked_operator_is_refused(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite, refusal: Refusal
) -> None:
    problem = small_suite.task(NAS).problem()
    # The largest operators everywhere: no mask that keeps the budget lets all of them through.
    seed_of(lines, NAS, 9)["designs"][19] = [len(problem.levels)] * problem.horizon
    rewrite(entry, lines)
    assert f"{NAS}, seed 9, evaluation 20: " in refusal(entry, small_suite)


def test_the_budget_of_evaluations_holds(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite, refusal: Refusal
) -> None:
    lines[4]["designs"].append(lines[4]["designs"][0])
    rewrite(entry, lines)
    assert "line 5: 21 evaluations; small-v1 allows 20" in refusal(entry, small_suite)


def test_a_second_run_of_a_cell_is_refused(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite, refusal: Refusal
) -> None:
    rewrite(entry, [*lines[:-1], lines[0]])
    said = refusal(entry, small_suite)
    assert f"line 20: a second run on {HAQ} with seed 0" in said


def test_more_lines_than_runs_are_refused(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite, refusal: Refusal
) -> None:
    rewrite(entry, [*lines, lines[0]])
    assert "line 21: the suite has 20 runs, not more" in refusal(entry, small_suite)


def test_missing_cells_count_zero(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    whole = judge(entry, small_suite)
    rewrite(entry, [line for line in lines if line["seed"] not in (2, 5)])
    verdict = judge(entry, small_suite)
    assert verdict.missing == 4
    assert (verdict.scores[:, [2, 5]] == 0).all()
    kept = [seed for seed in range(10) if seed not in (2, 5)]
    assert (verdict.scores[:, kept] == whole.scores[:, kept]).all()
    rewrite(entry, [line for line in lines if line["environment"] == NAS])
    verdict = judge(entry, small_suite)
    assert verdict.scores.shape == (2, 10)
    assert (verdict.scores[0] == 0).all()
    assert verdict.effective == 0


def test_an_entry_without_runs_scores_zero(
    entry: Path, rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    rewrite(entry, [])
    verdict = judge(entry, small_suite)
    assert (verdict.scores == 0).all()
    assert verdict.missing == 20


def test_a_run_worse_than_uniform_scores_zero_and_a_better_one_keeps_its_last_score(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    task = small_suite.task(NAS)
    tried = seed_of(lines, NAS, 4)["designs"]
    rewards = task.problem().evaluate(tried).reward
    low = tried[int(rewards.argmin())]
    assert task.score(float(rewards.min())) < 0
    seed_of(lines, NAS, 4)["designs"] = [low, low, task.design]
    seed_of(lines, NAS, 5)["designs"] = [low]
    rewrite(entry, lines)
    judged = judge(entry, small_suite).judged[1]
    assert judged.curves[4].tolist() == [0.0, 0.0, *[1.0] * 18]
    assert judged.scores[5] == 0.0


def test_runs_that_are_copies_of_one_another_are_counted_once(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    first = seed_of(lines, HAQ, 0)
    for seed in range(1, 8):
        seed_of(lines, HAQ, seed)["designs"] = first["designs"]
    rewrite(entry, lines)
    verdict = judge(entry, small_suite)
    assert verdict.effective == 3
    assert [one.distinct for one in verdict.judged] == [3, 10]
