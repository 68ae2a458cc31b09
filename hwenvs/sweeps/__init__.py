"""Sweeps: environments x solvers x seeds on many processes or machines, one file for each."""

from hwenvs.sweeps.cells import Cell, read_cells

__all__ = ["Cell", "read_cells"]
