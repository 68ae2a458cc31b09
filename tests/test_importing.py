"""What ``package.module:Name`` names, and what is said where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hwenvs.baselines.random import RandomSearch
from hwenvs.errors import ArgumentError, MissingExtraError, SolverError
from hwenvs.importing import imported
from hwenvs.solving import get_solver, solve

SOLVER = """
import numpy as np


class Same:
    name, deterministic = "same", True

    def __init__(self, entry=3):
        self.hyperparameters = {"entry": entry}

    def solve(self, env, seed):
        env.evaluate(np.full(env.problem.horizon, self.hyperparameters["entry"]))


number = 3
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a module in it, forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "somebodys.py").write_text(SOLVER)
    monkeypatch.delitem(sys.modules, "somebodys", raising=False)
    return tmp_path


def test_anybodys_class_is_a_solver() -> None:
    solver = get_solver("somebodys:Same", entry=4)
    run = solve(solver, "HAQ-ResNet20-v0", evaluations=3)
    assert run.hyperparameters == {"entry": 4}
    assert len(run.designs) == 1
    assert solve("somebodys:Same", "HAQ-ResNet20-v0").solver == "same"


def test_a_bundled_solver_has_its_long_name_too() -> None:
    assert isinstance(get_solver("hwenvs.baselines.random:RandomSearch"), RandomSearch)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nowhere:Solver", "there is no module 'nowhere'"),
        ("hwenvs.nowhere:Solver", "there is no module 'hwenvs.nowhere'"),
        ("somebodys:Other", "module 'somebodys' has no 'Other'"),
        ("somebodys", "not of the form"),
        ("somebodys:", "not of the form"),
        (":Same", "not of the form"),
        ("some bodys:Same", "not of the form"),
        ("..somebodys:Same", "not of the form"),
        ("somebodys:Same.solve", "not of the form"),
        ("a:b:c", "not of the form"),
    ],
)
def test_words_that_name_nothing_are_told(words: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        imported(words, "solver")


def test_what_is_no_solver_is_told() -> None:
    with pytest.raises(SolverError, match="is no class with a method solve"):
        get_solver("somebodys:number")
    with pytest.raises(SolverError, match="has no hyper-parameters step"):
        get_solver("somebodys:Same", step=1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("hyperparameters = {}; deterministic = True", r"needs the attributes name \(str\)$"),
        ("name = 'mine'", r"needs the attributes hyperparameters \(Mapping\), deterministic"),
        ("name = 7; hyperparameters = {}; deterministic = True", r"needs .* name \(str\)$"),
    ],
)
def test_what_records_say_of_a_solver_must_be_there(here: Path, body: str, message: str) -> None:
    (here / "somebodys.py").write_text(
        f"class Bare:\n    {body}\n    def solve(self, env, seed): pass\n"
    )
    with pytest.raises(SolverError, match=message):
        get_solver("somebodys:Bare")


@pytest.mark.parametrize("name", ["random", "exact", "turbo"])
def test_nobody_s_class_goes_by_the_name_of_a_bundled_solver(here: Path, name: str) -> None:
    (here / "somebodys.py").write_text(
        "from hwenvs.baselines.random import RandomSearch\n"
        f"class Big(RandomSearch):\n    name = {name!r}\n"
    )
    with pytest.raises(SolverError, match=f"'somebodys:Big' calls itself '{name}', as a bundled"):
        get_solver("somebodys:Big")


def test_a_package_that_a_module_lacks_is_not_taken_for_the_module(here: Path) -> None:
    (here / "lacking.py").write_text("import nowhere_to_be_found")
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        imported("lacking:Solver", "solver")
    (here / "broken.py").write_text("raise ModuleNotFoundError('no torch', name='torch')")
    with pytest.raises(MissingExtraError, match="needs torch"):
        get_solver("broken:Solver")


def test_the_working_directory_hides_no_installed_package(here: Path) -> None:
    (here / "gymnasium.py").write_text("raise AssertionError('hidden')")
    assert imported("gymnasium:Env", "class").__module__.startswith("gymnasium.")
