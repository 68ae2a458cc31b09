"""The verifier against what ``entry.json`` says and how: fields, names, numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwenvs.leaderboards.entries import ABOUT, open_entry
from hwenvs.leaderboards.suites import TraceSuite
from hwenvs.leaderboards.verify import verify

Refusal = Callable[[Path, TraceSuite], str]


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
    "letters turned around in a setting": (
        {"hyperparameters": {"a": [{"b": "\u202egnp"}]}},
        r"hyperparameters: .*U\+202E",
    ),
    "a bell in the name of a setting": (
        {"hyperparameters": {"a": {"b\u0007": 1}}},
        r"hyperparameters: .*U\+0007",
    ),
    "no method": ({"method": ""}, "method: must not be empty"),
    "a blank method": ({"method": "\u3000 "}, "method: must not be empty"),
    "a method without width": ({"method": "\u200b\u2060"}, "method: must not be empty"),
    "a method without ink": ({"method": "\u3164\u2800"}, "method: must not be empty"),
    "an author without width": ({"authors": ["\ufeff"]}, "authors.0: must not be empty"),
    "another end of a line": ({"method": "A\u2028B"}, r"method: .*U\+2028"),
    "no commit": ({"commit": ""}, "commit: must not be empty"),
    "no code": ({"code": ""}, "code: must not be empty"),
    "no licence": ({"licence": ""}, "licence: must not be empty"),
    "nothing on tuning": ({"tuning": "\n"}, "tuning: must not be empty"),
    "a nameless author": ({"authors": ["A", ""]}, "authors.1: must not be empty"),
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
def test_what_an_entry_says_is_checked(
    what: str, entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
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
    raw: bytes, entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    (entry / ABOUT).write_bytes(raw)
    assert ABOUT in refusal(entry, small_suite)


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        (r"acc\u006funt", True),
        (r"\u0061", True),
        (r"a\/b", True),
        (r"\u0022", True),
        (r"\\\u0061", True),
        ("a/b", False),
        (r"\"\\u0061", False),
        (r"\u00e9", False),
        ("\u00e9", False),
    ],
)
def test_a_name_that_is_spelt_with_needless_escapes_is_refused_however_deep(
    name: str, odd: bool, entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    text = (entry / ABOUT).read_text()
    inside = f'"hyperparameters": {{"a": [{{"{name}" : "\\u0061"}}]}}'
    (entry / ABOUT).write_text(text.replace('"hyperparameters": {}', inside), encoding="utf-8")
    if odd:
        assert "has an odd spelling" in refusal(entry, small_suite)
    else:
        assert verify(open_entry(entry), small_suite).missing == 0


def test_a_field_is_spelt_as_it_is(entry: Path, small_suite: TraceSuite, refusal: Refusal) -> None:
    text = (entry / ABOUT).read_text()
    (entry / ABOUT).write_text(text.replace('"account"', '"acc\\u006funt"'))
    assert r"the key 'acc\\u006funt' has an odd spelling" in refusal(entry, small_suite)


def test_a_key_that_stands_twice_is_refused_however_deep(
    entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    text = (entry / ABOUT).read_text()
    twins = '{"a": {"lr": 0.1, "lr": 0.2}}'
    (entry / ABOUT).write_text(text.replace('"hyperparameters": {}', f'"hyperparameters": {twins}'))
    assert "key 'lr' stands twice" in refusal(entry, small_suite)
    (entry / ABOUT).write_text(text.replace("{", '{"method": "Another", ', 1))
    assert "key 'method' stands twice" in refusal(entry, small_suite)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400 + ".0"])
def test_a_number_that_readers_make_infinite_is_refused_however_deep(
    number: str, entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    text = (entry / ABOUT).read_text()
    endless = f'"hyperparameters": {{"a": [{{"b": {number}}}]}}'
    (entry / ABOUT).write_text(text.replace('"hyperparameters": {}', endless))
    assert "beyond the largest number of 64 bits: " in refusal(entry, small_suite)


def test_hyper_parameters_may_be_any_other_json(entry: Path, small_suite: TraceSuite) -> None:
    told = {"a": [1, 2.5e300, None, True, {"b": "two\nlines, \u03b2"}], "": 1 << 70}
    fields = json.loads((entry / ABOUT).read_text())
    (entry / ABOUT).write_text(json.dumps({**fields, "hyperparameters": told}))
    verdict = verify(open_entry(entry), small_suite)
    assert verdict.entry.about.hyperparameters == told


def test_a_number_of_thousands_of_digits_is_refused(
    entry: Path, small_suite: TraceSuite, refusal: Refusal
) -> None:
    text = (entry / ABOUT).read_text()
    endless = '"hyperparameters": {"a": ' + "9" * 5_000 + "}"
    (entry / ABOUT).write_text(text.replace('"hyperparameters": {}', endless))
    assert ABOUT in refusal(entry, small_suite)
