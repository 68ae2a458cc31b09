"""What a sweep runs: environments, solvers and seeds, checked whole before hours of work."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from hwenvs.arguments import MOST_SEEDS, is_whole
from hwenvs.canonical import canonical
from hwenvs.errors import ArgumentError, HwenvsError, MissingExtraError, unknown_name
from hwenvs.files import digests
from hwenvs.making import problem_of
from hwenvs.registration import ALL_ENVIRONMENTS, bare_id
from hwenvs.single import check_single
from hwenvs.solving import ONE_DESIGN, Solver, get_solver
from hwenvs.solving.loop import MOST_SEED
from hwenvs.solving.solvers import solver_modules
from hwenvs.sweeps.cells import Cell, identity_of, solve_cell


class Part(BaseModel):
    """What a sweep's YAML holds: nothing else, nothing of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class EnvironmentEntry(Part):
    """An environment of a sweep.

    Attributes:
        environment: registered id.
        arguments: of ``gym.make``.
    """

    environment: Annotated[str, AfterValidator(bare_id)]
    arguments: dict[str, Any] = Field(default_factory=dict)

    def check(self) -> None:
        """Makes the environment once: what cannot be made is refused now.

        Raises:
            HwenvsError: if there is no such environment, or an argument makes no sense.
        """
        check_single(self.environment)
        # Others that are registered here are not there in the processes of a sweep.
        if self.environment not in ALL_ENVIRONMENTS:
            raise unknown_name("environment", self.environment, ALL_ENVIRONMENTS)
        if "render_mode" in self.arguments:
            raise ArgumentError(f"{self.environment}: a sweep shows nothing, leave out render_mode")
        _as_json(self.arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            problem_of(self.environment, self.arguments)


class SolverEntry(Part):
    """A solver of a sweep.

    Attributes:
        solver: name, or ``package.module:Class`` for one's own.
        hyperparameters: instead of the solver's defaults.
    """

    solver: str
    hyperparameters: dict[str, Any] = Field(default_factory=dict)

    def load(self) -> Solver:
        """The solver.

        Raises:
            HwenvsError: if there is none, or no such hyper-parameter, or a package is missing.
        """
        _as_json(self.hyperparameters)
        return get_solver(self.solver, **self.hyperparameters)


def _named(field: str) -> BeforeValidator:
    """A bare name stands for an entry without further settings."""
    return BeforeValidator(lambda value: {field: value} if isinstance(value, str) else value)


def _counted() -> BeforeValidator:
    """A number of seeds stands for so many from 0 on."""

    def expand(value: object) -> object:
        whole = is_whole(value)
        if whole and value < 1:  # type: ignore[operator]
            raise ValueError("the number of seeds must be at least 1")
        if whole and value > MOST_SEEDS:  # type: ignore[operator]
            raise ValueError(
                f"a number of seeds may be at most {MOST_SEEDS:,}: one seed stands in brackets"
            )
        return list(range(value)) if whole else value  # type: ignore[call-overload]

    return BeforeValidator(expand)


Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]
"""Of a run."""


class Plan(Part):
    """A sweep.

    Attributes:
        environments: where the solvers are run.
        solvers: which.
        seeds: of the runs; a number stands for so many from 0 on.
        evaluations: designs that each run may try.
    """

    environments: list[Annotated[EnvironmentEntry, _named("environment")]] = Field(min_length=1)
    solvers: list[Annotated[SolverEntry, _named("solver")]] = Field(min_length=1)
    seeds: Annotated[list[Seed], _counted()] = Field(min_length=1)
    evaluations: int = Field(default=400, ge=1)

    def modules(self) -> list[str]:
        """What a process will import that solves the cells, as far as it comes with the package."""
        return [solve_cell.__module__, *solver_modules(entry.solver for entry in self.solvers)]

    def cells(self) -> list[Cell]:
        """Every solver on every environment with every seed, environment by environment.

        Solvers without any chance in them run once.

        Raises:
            ArgumentError: if something makes no sense; the message says where it stands.
        """
        for number, entry in enumerate(self.environments):
            with place(f"environments[{number}]"):
                entry.check()
        solvers = []
        for number, solver in enumerate(self.solvers):
            with place(f"solvers[{number}]"):
                made = solver.load()
                solvers.append((solver, made.name, _as_json(made.hyperparameters)))
        contents = [digests(entry.arguments) for entry in self.environments]
        cells = [
            Cell(
                environment=entry.environment,
                arguments=entry.arguments,
                solver=name,
                hyperparameters=settings,
                given=solver.hyperparameters,
                seed=seed,
                evaluations=self.evaluations,
                maker=None if solver.solver == name else solver.solver,
                files=files,
            )
            for entry, files in zip(self.environments, contents, strict=True)
            for solver, name, settings in solvers
            for seed in self._seeds(name)
        ]
        _check_distinct(cells)
        return cells

    def _seeds(self, solver: str) -> list[int]:
        # The same cell whatever the seeds, so that it is not solved again when they change.
        return [0] if solver in ONE_DESIGN else self.seeds


@contextmanager
def place(where: str) -> Iterator[None]:
    """Errors inside say where in the file their reason stands."""
    try:
        yield
    except MissingExtraError as error:
        raise MissingExtraError(f"{where}: {error}") from error
    except HwenvsError as error:
        raise ArgumentError(f"{where}: {error}") from error


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` as they will be read from a record.

    Raises:
        ArgumentError: if one has no JSON, such as a date or an infinite number.
    """
    try:
        read: dict[str, Any] = json.loads(canonical(dict(values)))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{values} cannot be written as JSON: {error}") from error
    return read


def _check_distinct(cells: Sequence[Cell]) -> None:
    seen = set()
    for cell in cells:
        key = identity_of(cell)
        if key in seen:
            raise ArgumentError(f"this stands twice in the sweep: {cell.label}")
        seen.add(key)
