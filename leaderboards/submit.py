"""Submitting: run records become an entry's folder, verified before it is there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hwenvs.canonical import canonical
from hwenvs.errors import ArgumentError, EntryError
from hwenvs.files import gzipped
from hwenvs.leaderboards.entries import ABOUT, RUNS, About, Entry, open_entry, parse_about
from hwenvs.leaderboards.suites import Suite, Task
from hwenvs.leaderboards.verify import Verdict, verify
from hwenvs.records import Run


def submit(
    runs: Sequence[Run], suite: Suite, name: str, about: Mapping[str, Any], entries: Path
) -> Verdict:
    """Makes ``entries/<suite>/<name>`` from run records and verifies it.

    Nothing is left behind if the verifier refuses it; an entry that exists is not touched.

    Args:
        runs: records of one solver; those on other environments than the suite's are left out.
        suite: the suite.
        name: of the entry.
        about: fields of :class:`hwenvs.leaderboards.entries.About`; solver and hyper-parameters
            default to those of the records.
        entries: folder of all entries.

    Raises:
        ArgumentError: if the records are of several solvers, or none fits the suite.
        EntryError: if the entry exists, a field makes no sense, or the verifier refuses it.
    """
    chosen = _of_suite(runs, suite)
    made = {(run.solver, json.dumps(run.hyperparameters, sort_keys=True)) for run in chosen}
    if len(made) > 1:
        names = ", ".join(sorted({solver for solver, _ in made}))
        raise ArgumentError(f"an entry is one solver with one set of hyper-parameters, not {names}")
    one = chosen[0]
    checked = _about(
        {
            "solver": one.solver,
            "hyperparameters": one.hyperparameters,
            "deterministic": one.deterministic,
            **about,
            "name": name,
            "suite": suite.id,
        }
    )
    folder = entries / suite.id / name
    if folder.exists():
        raise EntryError(f"{folder} exists: choose another name, or remove it first")
    entries.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".trial-", dir=entries) as room:
        trial = Path(room) / suite.id / name
        _write(trial, checked, chosen, suite)
        found = verify(open_entry(trial), suite)
        folder.parent.mkdir(exist_ok=True)
        trial.rename(folder)
    return Verdict(Entry(folder, found.entry.about, found.entry.digest), suite, found.judged)


def _about(fields: Mapping[str, Any]) -> About:
    try:
        text = canonical(fields)
    except (TypeError, ValueError) as error:
        raise EntryError(f"entry.json: a field has no JSON: {error}") from error
    return parse_about(text, ABOUT)


def _of_suite(runs: Sequence[Run], suite: Suite) -> list[Run]:
    """The runs that the suite asks for, in its order."""
    places = {_key(task): place for place, task in enumerate(suite.tasks)}
    chosen = []
    for run in runs:
        place = places.get(_key(run))
        if place is not None and run.seed in suite.seeds:
            chosen.append((place, run.seed, run))
    if not chosen:
        raise ArgumentError(
            f"none of the {len(runs)} records is of an environment and a seed of {suite.id}: "
            + ", ".join(task.key for task in suite.tasks)
        )
    return [run for _, _, run in sorted(chosen, key=lambda one: one[:2])]


def _key(source: Run | Task) -> tuple[str, str]:
    """What a run and a task have in common; ids may name the package, as ``hwenvs:ID``."""
    arguments = json.dumps(source.arguments, sort_keys=True)
    return source.environment.rpartition(":")[2], arguments


def _write(folder: Path, about: About, runs: Sequence[Run], suite: Suite) -> None:
    folder.mkdir(parents=True)
    text = json.dumps(about.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    (folder / ABOUT).write_text(text, encoding="utf-8")
    keys = {_key(task): task.key for task in suite.tasks}
    with gzipped(folder / RUNS) as file:
        for run in runs:
            line = {
                "environment": keys[_key(run)],
                "seed": run.seed,
                "designs": run.designs[: suite.evaluations],
                "seconds": round(run.seconds, 3),
            }
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
