"""What a sweep's YAML may say, and how it is told what it may not."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from hwenvs.errors import ArgumentError, MissingExtraError
from hwenvs.leaderboards.suites import TraceSuite, load_suite
from hwenvs.sweeps.reading import read_plan

ID = "AMC-ResNet20-v0"
ROOT = Path(__file__).parents[2]


def test_cells_are_the_product_and_solvers_without_chance_run_once(make_cells: Any) -> None:
    cells = make_cells(environments=[ID, "NAS-ProxylessCIFAR-v0"], seeds=[4, 7])
    assert [(cell.environment, cell.solver, cell.seed) for cell in cells] == [
        (environment, solver, seed)
        for environment in (ID, "NAS-ProxylessCIFAR-v0")
        for solver, seed in (("random", 4), ("random", 7), ("uniform", 0))
    ]


def test_a_suite_stands_for_its_environments_seeds_and_evaluations(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text("suite: amc\nsolvers: [random, uniform]\n")
    suite, cells = load_suite("amc"), read_plan(path).cells()
    assert isinstance(suite, TraceSuite)
    tasks = {(task.environment, json.dumps(task.arguments)) for task in suite.tasks}
    assert {(cell.environment, json.dumps(cell.arguments)) for cell in cells} == tasks
    assert [c.seed for c in cells if c.solver == "random"] == suite.seeds * len(tasks)
    assert [c.seed for c in cells if c.solver == "uniform"] == suite.seeds[:1] * len(tasks)
    assert {cell.evaluations for cell in cells} == {suite.evaluations}


def test_a_union_stands_for_the_environments_of_its_parts(tmp_path: Path) -> None:
    def environments(suite: str) -> set[str]:
        path = tmp_path / f"{suite}.yaml"
        path.write_text(f"suite: {suite}\nsolvers: [uniform]\n")
        return {
            f"{cell.environment} {json.dumps(cell.arguments)}" for cell in read_plan(path).cells()
        }

    parts = [environments(suite) for suite in ("amc", "haq", "nas", "sparse")]
    assert environments("all") == set().union(*parts)
    assert len(environments("all")) == sum(map(len, parts))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("suite: amcpolicies\nsolvers: [random]\n", "amcpolicies-v1 takes frozen policies"),
        ("suite: amc\nsolvers: [random]\nseeds: 3\n", "a suite says its seeds itself"),
        ("suite: amcc\nsolvers: [random]\n", r"suite: .*amcc.*amc"),
        ("suite: amc\n", r"sweep\.yaml: solvers: must be given$"),
    ],
)
def test_a_suite_leaves_nothing_else_to_say(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    with pytest.raises(ArgumentError, match=message):
        read_plan(path)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(f"environments: [{ID}]\nsolvers: [random]\nseeds: 1\nseeds: 2\n")
    with pytest.raises(
        ArgumentError, match=r"sweep\.yaml is no YAML: 'seeds' stands twice .*line 1"
    ):
        read_plan(path)


def test_what_stands_twice_may_be_merged(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        f"environments:\n  - &one {{environment: {ID}, arguments: &few {{budget: 0.4}}}}\n"
        "  - {<<: *one, arguments: {<<: *few, cost: size}}\n"
        "  - {<<: *one, arguments: {<<: *few, budget: 0.6}}\n"
        "solvers: [random]\nseeds: 1\n"
    )
    plan = read_plan(path)
    assert {entry.environment for entry in plan.environments} == {ID}
    assert [entry.arguments for entry in plan.environments] == [
        {"budget": 0.4},
        {"budget": 0.4, "cost": "size"},
        {"budget": 0.6},
    ]


def test_an_id_with_the_package_before_it_is_the_same_cell(make_cells: Any) -> None:
    assert make_cells(environments=[f"hwenvs:{ID}"]) == make_cells()


def test_one_s_own_solver_is_named_by_its_module(make_cells: Any) -> None:
    own = "hwenvs.baselines.random:RandomSearch"
    (cell,) = make_cells(solvers=[own], seeds=1)
    assert (cell.solver, cell.maker) == ("random", own)
    with pytest.raises(ArgumentError, match=r"solvers\[0\]: .* there is no module 'nowhere'"):
        make_cells(solvers=["nowhere:Mine"])


def test_a_number_of_seeds_stands_for_so_many_from_0_on(make_cells: Any) -> None:
    assert make_cells(seeds=3) == make_cells(seeds=[0, 1, 2])


def test_arguments_and_hyperparameters_tell_cells_apart(make_cells: Any) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"environments": [{"environment": ID, "arguments": {"budget": 0.4}}]},
        {"solvers": [{"solver": "cma-es", "hyperparameters": {"sigma": 0.3}}]},
        {"solvers": [{"solver": "cma-es", "hyperparameters": {"sigma": 0.4}}]},
        {"evaluations": 11},
        {"seeds": [1]},
    ]
    keys = [make_cells(**{"solvers": ["cma-es"], "seeds": [0], **one})[0].key for one in changes]
    assert len(set(keys)) == len(changes)


def test_a_default_written_out_is_the_same_cell(make_cells: Any) -> None:
    (plain,) = make_cells(solvers=["shallow"])
    (spelled,) = make_cells(solvers=[{"solver": "shallow", "hyperparameters": {"slope": 0.5}}])
    assert plain.key == spelled.key


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"environments": ["AMC-ResNet2-v0"]}, r"environments\[0\]: .* mean 'AMC-ResNet20-v0'"),
        (
            {"environments": [ID, {"environment": ID, "arguments": {"bugdet": 0.4}}]},
            r"environments\[1\]: unknown argument of .* 'bugdet'. .* mean 'budget'",
        ),
        (
            {"environments": [{"environment": ID, "arguments": {"hardware": "mobil"}}]},
            r"environments\[0\]: .* mean 'mobile'",
        ),
        (
            {"environments": [{"environment": ID, "argumnets": {}}]},
            r"environments\[0\].argumnets: unknown field 'argumnets'. Did you mean 'arguments'",
        ),
        ({"solvers": ["random", "cma"]}, r"solvers\[1\]: .* Did you mean 'cma-es'"),
        (
            {"solvers": [{"solver": "cma-es", "hyperparameters": {"sigm": 1.0}}]},
            r"solvers\[0\]: unknown hyper-parameter .* Did you mean 'sigma'",
        ),
        (
            {"solvers": [{"solver": "cma-es", "hyperparameters": {"sigma": "wide"}}]},
            r"solvers\[0\]: .*sigma of evolution must be float",
        ),
        (
            {"environments": [{"environment": ID, "arguments": {"budget": float("inf")}}]},
            r"environments\[0\]: .* cannot be written as JSON",
        ),
        (
            {"solvers": [{"solver": "ddpg", "hyperparameters": {"actor_rate": "1e-4"}}]},
            r"actor_rate of ddpg must be float, not '1e-4', a text in YAML: write 1\.0e-4$",
        ),
        ({"solvers": []}, "solvers: must hold at least 1 item$"),
        ({"seeds": []}, "seeds: must hold at least 1 item$"),
        ({"seeds": 0}, "seeds: the number of seeds must be at least 1, not 0$"),
        ({"seeds": -1}, "seeds: the number of seeds must be at least 1, not -1$"),
        ({"seeds": 10**12}, "seeds: .* at most 1,000,000: one seed stands in brackets, not 1000"),
        ({"seeds": [-1]}, r"seeds\[0\]: .* greater than or equal to 0"),
        ({"seeds": [2**64]}, r"seeds\[0\]: .* less than or equal to 18446744073709551615"),
        (
            {"environments": [{"environment": ID, "arguments": {"render_mode": "human"}}]},
            r"environments\[0\]: .* leave out render_mode",
        ),
        *(
            (
                {"environments": [{"environment": ID, "arguments": {name: 3}}]},
                rf"environments\[0\]: .* {name} is no argument of the environment",
            )
            for name in ("max_episode_steps", "disable_env_checker", "id")
        ),
        (
            {"solvers": [{"solver": "cma-es", "hyperparameters": {"self": 1}}]},
            r"solvers\[0\]: solver 'cma-es' has no hyper-parameters self: .*'self'",
        ),
        ({"seeds": True}, "seeds: .* valid list, not True"),
        ({"seeds": [3, 3]}, "twice in the sweep: random on AMC-ResNet20-v0, seed 3"),
        ({"evaluations": 0}, "evaluations: .* greater than or equal to 1"),
        ({"evaluations": "many"}, "evaluations: .* valid integer, not 'many'"),
        ({"evaluatoins": 5}, "evaluatoins: unknown field .* Did you mean 'evaluations'"),
        ({"environments": [ID, ID]}, "twice in the sweep: random on AMC-ResNet20-v0, seed 0"),
        (
            {"environments": [{"environment": ID, "arguments": {"budget": b}} for b in (1, 1.0)]},
            r"twice in the sweep: random on AMC-ResNet20-v0 \(budget=1\.0\), seed 0",
        ),
    ],
)
def test_faults_are_told_with_their_place(
    write_plan: Any, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        read_plan(write_plan(**changes)).cells()


@pytest.mark.parametrize("text", ["seeds: [1", "- 1", "", "\tseeds: 3"])
def test_a_file_that_is_no_sweep_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    with pytest.raises(ArgumentError, match=r"sweep\.yaml"):
        read_plan(path)
    with pytest.raises(ArgumentError, match="cannot read the sweep"):
        read_plan(tmp_path / "missing.yaml")


def test_a_missing_package_is_told_before_the_sweep(
    make_cells: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if nobody had loaded the solver yet, and its package were not installed.
    monkeypatch.delitem(sys.modules, "hwenvs.baselines.evolution", raising=False)
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(MissingExtraError, match=r"solvers\[1\]: .*hwenvs\[baselines\]"):
        make_cells(solvers=["random", "cma-es"])


@pytest.mark.parametrize("place", ["docs/sweeps.md", "benchmarks/sweeps/efficiency.yaml"])
def test_sweeps_that_come_with_the_package_are_valid(tmp_path: Path, place: str) -> None:
    text = (ROOT / place).read_text(encoding="utf-8")
    found = re.findall(r"```yaml\n(# sweep\.yaml\n.*?)```", text, re.DOTALL) or [text]
    path = tmp_path / "sweep.yaml"
    path.write_text(found[0], encoding="utf-8")
    assert len(read_plan(path).cells()) > 10
