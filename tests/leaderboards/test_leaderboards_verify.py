"""The verifier against entries that are wrong, careless or hostile."""

from __future__ import annotations

import json
import os
import re
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwenvs.errors import EntryError
from hwenvs.leaderboards.entries import ABOUT, RUNS, open_entry
from hwenvs.leaderboards.suites import TraceSuite
from hwenvs.leaderboards.verify import Verdict, verify

HAQ, NAS = "HAQ-ResNet20-v0", "NAS-ProxylessCIFAR-mobile-v0"
LONGEST_MESSAGE = 600
"""Characters: a message names a place and repeats nothing long."""

Lines = list[dict[str, Any]]
Rewrite = Callable[..., bytes]


def judge(entry: Path, suite: TraceSuite) -> Verdict:
    return verify(open_entry(entry), suite)


def refusal(entry: Path, suite: TraceSuite) -> str:
    """Why an entry is refused, in a message that is short and stays on one line."""
    with pytest.raises(EntryError) as caught:
        judge(entry, suite)
    message = str(caught.value)
    assert len(message) < LONGEST_MESSAGE + len(str(entry))
    assert message.isprintable()
    return message


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
    "time that is text": ({"seconds": "fast"}, "seconds: "),
    "a long unknown field": ({"x" * 3_000: 1}, "x{60,}.*: Extra inputs"),
    "an unknown field with a new line": ({"x\n::error::": 1}, "Extra inputs"),
}


@pytest.mark.parametrize("what", WRONG_FIELDS)
def test_a_wrong_field_is_refused_by_name(
    what: str, entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite
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
    what: str, entry: Path, rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    raw, message = RAW[what]
    rewrite(entry, [raw])
    said = refusal(entry, small_suite)
    assert re.search(message, said), said


@pytest.mark.parametrize("twin", ['"seed": 3', '"designs": [[1]]', '"s\\u0065ed": 3'])
def test_a_field_that_stands_twice_is_refused(
    twin: str, entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    # Of two equal keys some readers take the first and others the last.
    doubled = json.dumps(lines[0])[:-1] + f", {twin}" + "}"
    rewrite(entry, [doubled.encode()])
    assert "line 1: a field stands twice" in refusal(entry, small_suite)
    doubled = "{" + twin + ", " + json.dumps(lines[0])[1:]
    rewrite(entry, [doubled.encode()])
    assert "line 1: a field stands twice" in refusal(entry, small_suite)


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
    what: str, entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    change, message = changed_designs(36)[what]
    run = seed_of(lines, HAQ, 3)
    run["designs"][6] = change(run["designs"][6])
    rewrite(entry, lines)
    said = refusal(entry, small_suite)
    assert f"random, {HAQ}, seed 3, evaluation 7: " in said
    assert message in said


def test_a_masked_operator_is_refused(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    problem = small_suite.task(NAS).problem()
    # The largest operators everywhere: no mask that keeps the budget lets all of them through.
    seed_of(lines, NAS, 9)["designs"][19] = [len(problem.levels)] * problem.horizon
    rewrite(entry, lines)
    assert f"{NAS}, seed 9, evaluation 20: " in refusal(entry, small_suite)


def test_the_budget_of_evaluations_holds(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    lines[4]["designs"].append(lines[4]["designs"][0])
    rewrite(entry, lines)
    assert "line 5: 21 evaluations; small-v1 allows 20" in refusal(entry, small_suite)


def test_a_second_run_of_a_cell_is_refused(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite
) -> None:
    rewrite(entry, [*lines[:-1], lines[0]])
    said = refusal(entry, small_suite)
    assert f"line 20: a second run on {HAQ} with seed 0" in said


def test_more_lines_than_runs_are_refused(
    entry: Path, lines: Lines, rewrite: Rewrite, small_suite: TraceSuite
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


# Files and folders.


def zeros(size: int) -> Iterator[bytes]:
    for _ in range(size >> 20):
        yield bytes(1 << 20)


def pack(parts: Iterator[bytes]) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(part) for part in parts) + packer.flush()


@pytest.mark.parametrize("ends", [b"", b'{"environment": "'])
def test_a_bomb_is_refused_without_being_unpacked(
    ends: bytes, entry: Path, small_suite: TraceSuite
) -> None:
    bomb = pack(iter([ends, *zeros(100 << 20)]))
    assert len(bomb) < 200_000
    (entry / RUNS).write_bytes(bomb)
    judge_once = open_entry(entry)  # what is loaded once is not the bomb's
    tracemalloc.start()
    with pytest.raises(EntryError, match="line 1: longer than"):
        verify(judge_once, small_suite)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 << 20


def test_a_bomb_of_many_lines_is_refused(entry: Path, small_suite: TraceSuite) -> None:
    (entry / RUNS).write_bytes(pack(iter([b"\n" * (1 << 20)] * 50)))
    assert "line 1: " in refusal(entry, small_suite)


@pytest.mark.parametrize("cut", [1, 4, 9, 200])
def test_a_file_that_is_cut_off_is_refused(cut: int, entry: Path, small_suite: TraceSuite) -> None:
    whole = (entry / RUNS).read_bytes()
    (entry / RUNS).write_bytes(whole[:-cut])
    assert re.search("cut off|cannot be unpacked", refusal(entry, small_suite))


@pytest.mark.parametrize(
    "tail", [b"x", b"\0", b"\0" * 70_000, b"\n", pack(iter([b"{}\n"]))], ids=range(5)
)
def test_what_follows_the_packed_data_is_refused(
    tail: bytes, entry: Path, small_suite: TraceSuite
) -> None:
    with (entry / RUNS).open("ab") as file:
        file.write(tail)
    assert "something follows the end" in refusal(entry, small_suite)


def test_a_last_line_without_an_end_is_refused(
    entry: Path, lines: Lines, small_suite: TraceSuite
) -> None:
    (entry / RUNS).write_bytes(pack(iter([json.dumps(lines[0]).encode()])))
    assert "line 1: has no end" in refusal(entry, small_suite)


def test_a_file_that_is_not_packed_is_refused(
    entry: Path, lines: Lines, small_suite: TraceSuite
) -> None:
    (entry / RUNS).write_text(json.dumps(lines[0]) + "\n")
    assert "line 1: cannot be unpacked" in refusal(entry, small_suite)


@pytest.mark.parametrize(
    "name",
    ["..", "x", "a" * 41, "With-Capitals", "dots.in", "random\n", "r\u0430ndom", "\udcff", "a b"],
)
def test_only_plain_names_are_entries(name: str, entry: Path, small_suite: TraceSuite) -> None:
    folder = entry.rename(entry.with_name(name)) if name != ".." else entry / ".."
    assert "names are 2 to 40 lower-case letters" in refusal(folder, small_suite)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "random\n", "random\u0000", "a/b", "a.b"])
def test_names_inside_an_entry_are_no_paths(
    name: str, entry: Path, small_suite: TraceSuite
) -> None:
    fields = json.loads((entry / ABOUT).read_text())
    (entry / ABOUT).write_text(json.dumps({**fields, "name": name}))
    assert "name: String should match pattern" in refusal(entry, small_suite)


def test_an_entry_must_lie_where_it_says(entry: Path, small_suite: TraceSuite) -> None:
    moved = entry.rename(entry.with_name("borrowed"))
    assert "says small-v1/random, but lies in small-v1/borrowed" in refusal(moved, small_suite)


def test_links_are_not_followed(entry: Path, tmp_path: Path, small_suite: TraceSuite) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    (entry / ABOUT).rename(elsewhere)
    (entry / ABOUT).symlink_to(elsewhere)
    assert "is no plain file" in refusal(entry, small_suite)
    real = entry.rename(tmp_path / "random")
    entry.symlink_to(real)
    assert "is no folder of an entry" in refusal(entry, small_suite)


def test_a_linked_suite_is_not_followed(
    entry: Path, tmp_path: Path, small_suite: TraceSuite
) -> None:
    suite = entry.parent
    real = suite.rename(tmp_path / "small-v1")
    suite.symlink_to(real)
    assert "is no folder of an entry" in refusal(entry, small_suite)


def test_an_entry_holds_two_files_and_nothing_else(entry: Path, small_suite: TraceSuite) -> None:
    (entry / "note\n::error::.txt").write_text("")
    assert "an entry holds entry.json and runs.jsonl.gz" in refusal(entry, small_suite)


def test_a_pipe_is_no_file(entry: Path, small_suite: TraceSuite) -> None:
    (entry / RUNS).unlink()
    os.mkfifo(entry / RUNS)
    assert "is no plain file" in refusal(entry, small_suite)


@pytest.mark.parametrize("name", [ABOUT, RUNS])
def test_files_must_be_there_and_not_too_long(
    name: str, entry: Path, small_suite: TraceSuite
) -> None:
    with (entry / name).open("ab") as file:
        file.truncate(33 << 20)
    assert "34,603,008 bytes; at most" in refusal(entry, small_suite)
    (entry / name).unlink()
    assert f"{name} is missing" in refusal(entry, small_suite)


ABOUTS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"score": 1.0}, "score: Extra"),
    "unknown track": ({"track": "policies"}, "track: .*'design', 'search'"),
    "a policy without a policy": ({"track": "policy"}, r"policy\.npz is missing"),
    "a search without a solver": ({"solver": None}, "'search' needs a solver"),
    "no authors": ({"authors": []}, "authors: .*at least 1"),
    "an endless author": ({"authors": ["A" * 201]}, "authors.0: .*200"),
    "an endless method": ({"method": "A" * 201}, "method: .*200"),
    "lines in a line": ({"method": "A\nB"}, "method: "),
    "an escape sequence": ({"method": "\u001b[31mred"}, r"method: .*U\+001B"),
    "letters turned around": ({"tuning": "\u202egnp"}, r"tuning: .*U\+202E"),
    "text for yes or no": ({"trained_on_test_instances": "no"}, "trained_on_test_instances: "),
    "a number for yes or no": ({"deterministic": 1}, "deterministic: "),
    "code for a solver": ({"solver": "os; import sys"}, "solver: "),
    "a number that is none": ({"hyperparameters": {"a": float("nan")}}, "NaN is no number"),
    "an endless number": ({"hyperparameters": {"a": float("inf")}}, "Infinity is no number"),
    "another suite": ({"suite": "other-v1"}, "says other-v1/random, but lies in"),
    "a long suite": ({"suite": "s" * 100}, "suite: "),
    "an account with a slash": ({"account": "a/b"}, "account: "),
}


@pytest.mark.parametrize("what", ABOUTS)
def test_what_an_entry_says_is_checked(what: str, entry: Path, small_suite: TraceSuite) -> None:
    changes, message = ABOUTS[what]
    fields = json.loads((entry / ABOUT).read_text())
    (entry / ABOUT).write_text(json.dumps({**fields, **changes}))
    said = refusal(entry, small_suite)
    assert re.search(message, said), said


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe{}",
        b"[" * 60_000,
        b'{"hyperparameters": {"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
        b'{"x": ' + b"9" * 60_000 + b"}",
    ],
    ids=range(5),
)
def test_an_entry_that_is_no_json_is_refused(
    raw: bytes, entry: Path, small_suite: TraceSuite
) -> None:
    (entry / ABOUT).write_bytes(raw)
    assert ABOUT in refusal(entry, small_suite)


def test_a_key_that_stands_twice_is_refused_however_deep(
    entry: Path, small_suite: TraceSuite
) -> None:
    text = (entry / ABOUT).read_text()
    twins = '{"a": {"lr": 0.1, "lr": 0.2}}'
    (entry / ABOUT).write_text(text.replace('"hyperparameters": {}', f'"hyperparameters": {twins}'))
    assert "key 'lr' stands twice" in refusal(entry, small_suite)
    (entry / ABOUT).write_text(text.replace("{", '{"method": "Another", ', 1))
    assert "key 'method' stands twice" in refusal(entry, small_suite)


def test_a_number_of_thousands_of_digits_is_refused(entry: Path, small_suite: TraceSuite) -> None:
    text = (entry / ABOUT).read_text()
    endless = '"hyperparameters": {"a": ' + "9" * 5_000 + "}"
    (entry / ABOUT).write_text(text.replace('"hyperparameters": {}', endless))
    assert ABOUT in refusal(entry, small_suite)


def test_an_entry_is_judged_by_its_own_suite_only(entry: Path, small_suite: TraceSuite) -> None:
    other = small_suite.model_copy(update={"version": 2})
    with pytest.raises(EntryError, match="was submitted to small-v1, not to small-v2"):
        judge(entry, other)
