"""What a record must be to be taken for a run: its types, finite numbers, equal lengths."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from hwenvs.canonical import canonical
from hwenvs.solving.records import NEEDED, Run
from hwenvs.text import counted

MOST_LETTERS = 80
"""Of a name in a message: a damaged record may have anything there."""


def checked_run(entries: Mapping[str, Any]) -> Run:
    """The run that ``entries`` are the fields of.

    Costs may be missing, as in compact records, and an evaluation's design may be empty, as it is
    there before the best; all others are equally long.

    Raises:
        ValueError: if one is of another type, a number is not finite, or something was not recorded
            of every evaluation; the message says which.
    """
    try:
        _model().model_validate(entries)
        run = Run(**entries)
        # Anything may stand deep in these, numbers that are none of JSON too.
        canonical([run.arguments, run.hyperparameters])
        _check_lengths(run)
    except ValidationError as error:
        raise ValueError(f"{_label(entries)}{_first(error)}") from error
    except ValueError as error:
        raise ValueError(f"{_label(entries)}{error}") from error
    return run


def _label(entries: Any) -> str:
    """Which run it is, as far as it says so."""
    said = ("solver", "environment", "seed")
    if not isinstance(entries, dict) or any(name not in entries for name in said):
        return ""
    solver, environment, seed = (str(entries[name])[:MOST_LETTERS] for name in said)
    return f"{solver} on {environment}, seed {seed}: "


def _first(error: ValidationError) -> str:
    """The first fault in words, with its place."""
    first = error.errors()[0]
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in first["loc"])
    value = reprlib.repr(first["input"])
    return f"{place.removeprefix('.') or 'the record'}: {first['msg']}, not {value}"


def _check_lengths(run: Run) -> None:
    """As many entries of everything as there are evaluations, from 1 to those allowed.

    Raises:
        ValueError: if that is not so.
    """
    done = len(run.rewards)
    columns: dict[str, list[Any]] = {
        "designs": run.designs,
        "accuracies": run.accuracies,
        **{f"costs.{quantity}": values for quantity, values in run.costs.items()},
        **({} if run.scores is None else {"scores": run.scores}),
    }
    for name, values in columns.items():
        if len(values) != done:
            raise ValueError(f"it lacks evaluations: {done} rewards, but {len(values)} {name}")
    if not 1 <= done <= run.evaluations:
        raise ValueError(f"it holds {done} evaluations, and {run.evaluations} were allowed")
    lengths = sorted({len(design) for design in run.designs} - {0})
    if len(lengths) > 1:
        first, last = counted(lengths[0], "decision"), lengths[-1]
        raise ValueError(f"some of its designs have {first} and others {last}")


@cache
def _model() -> type[BaseModel]:
    """The fields of a run as they are annotated, and no infinite numbers."""
    kinds = get_type_hints(Run)
    settings = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")
    given: dict[str, Any] = {
        field.name: (kinds[field.name], ... if field.name in NEEDED else None)
        for field in fields(Run)
    }
    return create_model("Record", __config__=settings, **given)
