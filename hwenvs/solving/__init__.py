"""Solvers and how they run: one loop that counts and records, process pools, run records."""

from hwenvs.solving.loop import BudgetSpent, Callback, Recorder, solve
from hwenvs.solving.records import Run, read_runs, versions, write_runs
from hwenvs.solving.solvers import ONE_DESIGN, SOLVERS, Solver, get_solver

__all__ = [
    "ONE_DESIGN",
    "SOLVERS",
    "BudgetSpent",
    "Callback",
    "Recorder",
    "Run",
    "Solver",
    "get_solver",
    "read_runs",
    "solve",
    "versions",
    "write_runs",
]
