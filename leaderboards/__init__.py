"""Suites: frozen lists of environments, seeds and evaluation budgets that solvers are ranked on."""
