"""Submitting: run records or a policy become an entry's folder, verified before it is there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hwenvs.canonical import canonical
from hwenvs.errors import ArgumentError, EntryError
from hwenvs.files import gzipped
from hwenvs.leaderboards.choosing import (
    check_alike,
    key_of,
    of_settings,
    of_solver,
    of_suite,
    reason,
)
from hwenvs.leaderboards.entries import (
    ABOUT,
    POLICY,
    RUNS,
    About,
    Entry,
    open_entry,
    parse_about,
)
from hwenvs.leaderboards.policies import read_policy, write_policy
from hwenvs.leaderboards.reproduce import solver_of
from hwenvs.leaderboards.suites import Suite, TraceSuite
from hwenvs.leaderboards.verify import Verdict, check_open, check_track, verify
from hwenvs.solving import ONE_DESIGN, SOLVERS
from hwenvs.solving.records import Run
from hwenvs.text import counted


def submit(
    runs: Sequence[Run], suite: Suite, name: str, about: Mapping[str, Any], entries: Path
) -> Verdict:
    """Makes ``entries/<suite>/<name>`` from run records and verifies it.

    Nothing is left behind if the verifier refuses it; an entry that exists is not touched.

    Args:
        runs: records of one solver with one set of hyper-parameters, or of several if ``about``
            names it, or them; those on other environments than the suite's are left out. Solvers
            without any chance in them (:data:`hwenvs.solving.ONE_DESIGN`) need one run: it stands
            for all seeds. In the track ``"search"`` the solver is made, to see that it can be.
        suite: the suite.
        name: of the entry.
        about: fields of :class:`hwenvs.leaderboards.entries.About`; solver and hyper-parameters
            default to those of the records.
        entries: folder of all entries.

    Raises:
        ArgumentError: if the records are of several solvers or sets, none fits the suite, they were
            allowed other evaluations than a search is, or the suite is one of policies.
        HwenvsError: if the solver of a search cannot be made.
        EntryError: if the suite is a union, the entry exists, a field makes no sense, or the
            verifier refuses it.
    """
    check_open(suite)
    if not isinstance(suite, TraceSuite):
        raise ArgumentError(f"{suite.id} takes policies, not records of runs: give a policy.npz")
    solver = about.get("solver")
    named = of_solver(runs, solver if isinstance(solver, str) else None)
    chosen = of_suite(of_settings(named, about.get("hyperparameters")), suite)
    if not chosen:
        raise ArgumentError(reason(named, suite))
    check_alike(chosen)
    one, search = chosen[0], about.get("track") == "search"
    checked = _about(
        {
            # Claims about designs need none.
            "solver": one.solver if search or one.solver in SOLVERS else None,
            "hyperparameters": one.hyperparameters,
            "deterministic": one.deterministic,
            **about,
            "name": name,
            "suite": suite.id,
        }
    )
    _check_repeatable(checked, chosen, suite)
    return _made(checked, suite, entries, lambda trial: _write_runs(trial / RUNS, chosen, suite))


def submit_policy(
    policy: Path, suite: Suite, name: str, about: Mapping[str, Any], entries: Path
) -> Verdict:
    """Makes ``entries/<suite>/<name>`` from a frozen policy and verifies it.

    What the file holds is written anew, so that equal policies have equal bytes.

    Args:
        policy: a file as :func:`hwenvs.leaderboards.policies.export` writes it.
        suite: one of policies.
        name: of the entry.
        about: fields of :class:`hwenvs.leaderboards.entries.About`.
        entries: folder of all entries.

    Raises:
        EntryError: if the file is no policy, the entry exists, a field makes no sense, or the
            verifier refuses it.
    """
    frozen = read_policy(policy)
    checked = _about({"track": "policy", **about, "name": name, "suite": suite.id})
    return _made(checked, suite, entries, lambda trial: write_policy(frozen, trial / POLICY))


def _made(about: About, suite: Suite, entries: Path, fill: Callable[[Path], None]) -> Verdict:
    """An entry's folder, which ``fill`` writes what is submitted into; nothing if it is refused."""
    name = about.name
    check_track(about, suite, ABOUT)
    folder = entries / suite.id / name
    if folder.exists():
        raise EntryError(f"{folder} exists: choose another name, or remove it first")
    entries.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".trial-", dir=entries) as room:
        trial = Path(room) / suite.id / name
        trial.mkdir(parents=True)
        text = json.dumps(about.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
        (trial / ABOUT).write_text(text, encoding="utf-8")
        fill(trial)
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


def _check_repeatable(about: About, runs: Sequence[Run], suite: TraceSuite) -> None:
    """What the track ``"search"`` claims can be shown by running the solver again.

    Raises:
        HwenvsError: if there is no such solver or it cannot be made as it was, or runs were
            allowed other evaluations than the suite's.
    """
    if about.solver is not None and about.solver not in SOLVERS and ":" not in about.solver:
        raise ArgumentError(
            f"solver {about.solver!r} is none of the bundled ones: --solver must say where it is, "
            "as package.module:Class"
        )
    if about.track != "search":
        return
    solver_of(about)
    for run in runs:
        if run.evaluations != suite.evaluations and run.solver not in ONE_DESIGN:
            raise ArgumentError(
                f"the run of {run.solver} on {run.environment} with seed {run.seed} was allowed "
                f"{counted(run.evaluations, 'evaluation')}, but {suite.id} asks for "
                f"{suite.evaluations}: it would not be found again"
            )


def _write_runs(path: Path, runs: Sequence[Run], suite: TraceSuite) -> None:
    keys = {key_of(task): task.key for task in suite.tasks}
    with gzipped(path) as file:
        for run in runs:
            line = {
                "environment": keys[key_of(run)],
                "seed": run.seed,
                "designs": run.designs[: suite.evaluations],
                "seconds": round(run.seconds, 3),
            }
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
