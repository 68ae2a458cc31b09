"""Compact records: of every run what its learning curve and its best design need, and no more.

A full record holds every design of a run, megabytes for a sweep.  These hold the evaluations that
were better than all before them: the same curves, the same statistics, in a hundredth of the space.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hwenvs.errors import ArgumentError
from hwenvs.files import gzipped
from hwenvs.solving.checking import checked_run
from hwenvs.solving.records import Run

KEPT = ("hyperparameters", "versions", "deterministic", "certificate")
"""Fields of a record that are copied as they are."""

IDENTITY = ("environment", "arguments", "solver", "seed", "evaluations")
"""Fields that say which run it is; records are sorted by them."""


def compact(run: Run) -> dict[str, Any]:
    """A record with the improving evaluations of ``run`` alone, JSON-able.

    ``improvements`` holds, in order, evaluation (from 1), reward, score (None where unknown) and
    accuracy of each evaluation that was better than all before; ``done`` is how many there were.
    """
    rewards = np.array(run.rewards)
    before = np.concatenate([[-np.inf], np.maximum.accumulate(rewards)[:-1]])
    better = np.flatnonzero(rewards > before)
    return {
        **{name: getattr(run, name) for name in (*IDENTITY, *KEPT)},
        **({"files": run.files} if run.files else {}),
        "done": len(run.rewards),
        "seconds": round(run.seconds, 3),
        "design": run.designs[run.best],
        "improvements": [
            [
                int(place) + 1,
                run.rewards[place],
                None if run.scores is None else run.scores[place],
                run.accuracies[place],
            ]
            for place in better
        ],
    }


def expanded(record: dict[str, Any]) -> Run:
    """A run with the same curve and the same best design as the one that ``record`` was made of.

    Evaluations that were not better repeat the best before them; designs before the best one are
    empty, and there are no costs.

    Raises:
        ArgumentError: if it is no compact record.
    """
    try:
        entries = {name: record[name] for name in (*IDENTITY, *KEPT, "seconds")}
        entries["files"] = record.get("files", {})
        steps = record["improvements"]
        places = [step[0] for step in steps] + [record["done"] + 1]
        times = np.diff(places)
        if places[0] != 1 or times.min() < 1:
            raise IndexError("improvements must begin at evaluation 1, rise, and end within done")
        unknown: list[list[int]] = [[] for _ in range(places[-2] - 1)]
        designs = unknown + [record["design"] for _ in range(int(times[-1]))]
        rewards, scores, accuracies = (
            [step[column] for step, count in zip(steps, times, strict=True) for _ in range(count)]
            for column in (1, 2, 3)
        )
        columns = {"designs": designs, "rewards": rewards, "accuracies": accuracies}
        return checked_run({**entries, **columns, "scores": None if None in scores else scores})
    except (KeyError, TypeError, IndexError) as error:
        raise ArgumentError(f"not a compact record of a run: {error!r}") from error
    except ValueError as error:
        raise ArgumentError(f"not a compact record of a run: {error}") from error


def write_compact(path: Path, runs: Sequence[Run]) -> None:
    """Writes compact records as gzipped JSON lines: equal runs give equal bytes."""
    records = sorted((compact(run) for run in runs), key=_order)
    text = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)
    with gzipped(path) as file:
        file.write(text.encode())


def read_compact(path: Path) -> list[Run]:
    """Reads what :func:`write_compact` wrote.

    Raises:
        ArgumentError: if the file is missing or a line is no record.
    """
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        return [_read(line, number) for number, line in enumerate(lines, 1)]
    except (OSError, EOFError, ValueError) as error:
        raise ArgumentError(f"cannot read compact records from {path}: {error}") from error


def _read(line: str, number: int) -> Run:
    """The run in a line; ValueError says what is wrong with it."""
    try:
        return expanded(json.loads(line))
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error


def _order(record: dict[str, Any]) -> str:
    return json.dumps([record[name] for name in IDENTITY], sort_keys=True)
