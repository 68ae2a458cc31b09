"""Records of solver runs, as JSON lines."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import hwenvs
from hwenvs.canonical import settled
from hwenvs.errors import ArgumentError, SolverError
from hwenvs.files import replacing
from hwenvs.registration import bare_id

if TYPE_CHECKING:
    from hwenvs.problems import Problem


PACKAGES = (
    "gymnasium",
    "numpy",
    "scipy",
    "torch",
    "cma",
    "optuna",
    "pymoo",
    "botorch",
    "stable-baselines3",
    "sb3-contrib",
)
"""Packages that results depend on."""


@dataclass
class Run:
    """One solver, one environment, one seed: every design evaluated, in order.

    Attributes:
        solver: name of the solver.
        environment: id; a ``hwenvs:`` before it is left out.
        arguments: keyword arguments of ``gym.make``.
        seed: seed of the solver.
        evaluations: how many were allowed.
        designs: [E, T] canonical designs.
        rewards: [E] rewards.
        accuracies: [E] estimated accuracies, fractions.
        costs: by quantity [E] in SI units.
        scores: [E], 0 for the reference and 1 for the optimum; None where that is unknown.
        files: sha256 of the files that the arguments name, by name, as they were then.
        certificate: what score 1 is: ``"proved"`` if it is the optimum; ``"gap 1.2e-04"`` if it is
            the best known design and no other earns more than that above it; ``"bound 1"`` where
            there are no scores and all that is known is that no reward exceeds 1; None in records
            that do not say.
        seconds: wall time.
        hyperparameters: of the solver.
        versions: of Python and the packages that matter.
        deterministic: whether the solver claims that equal seeds give equal traces.
    """

    solver: str
    environment: str
    arguments: dict[str, Any]
    seed: int
    evaluations: int
    designs: list[list[int]] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    costs: dict[str, list[float]] = field(default_factory=dict)
    scores: list[float] | None = None
    seconds: float = 0.0
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    deterministic: bool = True
    certificate: str | None = None
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = bare_id(self.environment)

    @property
    def best(self) -> int:
        """Index of the first evaluation with the highest reward.

        Raises:
            SolverError: if nothing was evaluated.
        """
        if not self.rewards:
            raise SolverError(f"{self.solver} on {self.environment} evaluated no design")
        return int(np.argmax(self.rewards))

    @property
    def task(self) -> str:
        """Environment, arguments and their files as JSON, equal for runs on the same: 1 is 1.0."""
        files = [self.files] if self.files else []
        return json.dumps([self.environment, settled(self.arguments), *files], sort_keys=True)

    def best_so_far(self) -> NDArray[np.float64]:
        """[E] scores (rewards where no score is known), each the best up to then."""
        values = self.rewards if self.scores is None else self.scores
        return np.maximum.accumulate(np.array(values, dtype=np.float64))


NEEDED = tuple(
    entry.name
    for entry in fields(Run)
    if entry.default is MISSING and entry.default_factory is MISSING
)
"""What every record says."""


def write_runs(path: Path, runs: Sequence[Run]) -> None:
    """Writes records as JSON lines, in one atomic step; ``pandas.read_json(path, lines=True)``."""
    text = "".join(json.dumps(asdict(run)) + "\n" for run in runs)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_runs(path: Path) -> list[Run]:
    """Reads records written by :func:`write_runs`.

    Raises:
        ArgumentError: if the file is missing or a line is not a record.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [_read(line, number) for number, line in enumerate(lines, 1) if line]
    except (OSError, ValueError) as error:
        raise ArgumentError(f"cannot read run records from {path}: {error}") from error


def _read(line: str, number: int) -> Run:
    """The record in a line; ValueError says what is wrong with it."""
    try:
        entries = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number} is no JSON: {error}") from error
    if not isinstance(entries, dict):
        raise ValueError(f"line {number} is no JSON object")
    missing = [name for name in NEEDED if name not in entries]
    unknown = [repr(name) for name in entries if name not in Run.__dataclass_fields__]
    if missing or unknown:
        faults = [f"lacks {', '.join(missing)}"] if missing else []
        faults += [f"has {', '.join(unknown)}, which no record has"] if unknown else []
        raise ValueError(f"line {number} {' and '.join(faults)}")
    from hwenvs.solving.checking import checked_run

    try:
        return checked_run(entries)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version(), "hwenvs": hwenvs.__version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def plain(arguments: Mapping[str, Any], problem: Problem) -> dict[str, Any]:
    """``arguments`` of an environment in JSON; objects as ``problem`` names them."""
    spec = problem.spec()
    result = {}
    for name, value in arguments.items():
        try:
            result[name] = json.loads(json.dumps(value))
        except (TypeError, ValueError):
            result[name] = spec.get(name, str(value))
    return result
