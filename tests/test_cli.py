"""The hwenvs command, one claim a command."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import hwenvs
from hwenvs.cli.app import app
from hwenvs.cli.options import parse_names, parse_seeds
from hwenvs.errors import ArgumentError
from hwenvs.problems import make_problem
from hwenvs.records import Run, read_runs

ID = "AMC-ResNet20-v0"
COMMANDS = (
    "list",
    "card",
    "run",
    "compare",
    "report",
    "render",
    "hardware",
    "calibrate",
    "profile",
    "quantize",
)


def call(*arguments: object) -> Result:
    """Runs the command."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def succeed(*arguments: object) -> str:
    """Runs the command, which must succeed, and returns what it printed."""
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def fail(*arguments: object) -> str:
    """Runs the command, which must say in one line what is wrong, and returns the line."""
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    return result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    assert "--help" in succeed(command, "--help")


@pytest.mark.parametrize("command", ["run", "compare", "report", "render"])
def test_help_shows_examples(command: str) -> None:
    assert f"hwenvs {command}" in succeed(command, "--help")


def test_help_loads_no_heavy_package() -> None:
    heavy = ("torch", "matplotlib", "pandas", "scipy", "cma")
    code = f"import hwenvs.cli.app, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version_is_the_packages() -> None:
    assert succeed("--version").strip() == f"hwenvs {hwenvs.__version__}"


def test_list_shows_every_environment() -> None:
    printed = succeed("list")
    assert all(name in printed for name in hwenvs.ENVIRONMENTS)
    assert all(name in printed for name in hwenvs.OPEN_ENVIRONMENTS)


def test_card_is_readable_and_machine_readable() -> None:
    assert "baseline accuracy" in succeed("card", ID)
    assert json.loads(succeed("card", ID, "--json"))["network"] == "resnet20"


def test_hardware_list_shows_models_and_sources() -> None:
    printed = succeed("hardware", "list")
    assert "roofline" in printed
    assert "counted from the layer table" in printed


@pytest.mark.parametrize("workers", [1, 2])
def test_run_records_every_seed(tmp_path: Path, workers: int) -> None:
    options = ["--solver", "random", "--evaluations", 5, "--seeds", 2, "--workers", workers]
    printed = succeed("run", ID, *options, "--budget", "0.6", "--out", tmp_path)
    path = tmp_path / f"{ID}.random.jsonl"
    assert path.name in printed
    runs = read_runs(path)
    assert [run.seed for run in runs] == [0, 1]
    assert all(len(run.rewards) == 5 and run.arguments == {"budget": 0.6} for run in runs)


def test_workers_change_nothing_but_the_time(tmp_path: Path) -> None:
    for workers in (1, 2):
        options = ["--solver", "random", "--evaluations", 5, "--seeds", "3,5"]
        succeed("run", ID, *options, "--workers", workers, "--out", tmp_path / str(workers))
    one, two = (read_runs(tmp_path / str(n) / f"{ID}.random.jsonl") for n in (1, 2))
    assert [run.designs for run in one] == [run.designs for run in two]
    assert [run.seed for run in two] == [3, 5]


def test_records_are_one_line_for_pandas(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    succeed("run", ID, "--solver", "random", "--evaluations", 4, "--seeds", 2, "--out", tmp_path)
    frame = pandas.read_json(tmp_path / f"{ID}.random.jsonl", lines=True)
    assert frame.solver.tolist() == ["random", "random"]
    assert len(frame.rewards[0]) == 4


def test_compare_prints_a_table_and_report_repeats_it(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    options = ["--solvers", "random,uniform,exact", "--evaluations", 6, "--seeds", 2]
    printed = succeed("compare", ID, *options, "--out", tmp_path / "first")
    assert "1.000" in printed
    records = tmp_path / "first" / "runs.jsonl"
    again = succeed("report", records, "--out", tmp_path / "second")
    rows = [line for line in printed.splitlines() if not line.startswith("wrote")]
    assert rows == [line for line in again.splitlines() if not line.startswith("wrote")]
    for name in ("report.md", "learning_curves.png", "channels.png", "runs.jsonl"):
        assert (tmp_path / "second" / name).stat().st_size > 0


def test_solvers_that_know_one_design_run_once(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    options = ["--solvers", "uniform,random", "--evaluations", 3, "--seeds", 2]
    succeed("compare", ID, *options, "--out", tmp_path)
    solvers = [run.solver for run in read_runs(tmp_path / "runs.jsonl")]
    assert solvers == ["uniform", "random", "random"]


def test_render_takes_designs_in_every_form(tmp_path: Path) -> None:
    problem = make_problem(**hwenvs.ENVIRONMENTS[ID])
    kept = [int(entry) for entry in problem.reference.designs[0]]
    (tmp_path / "design.json").write_text(json.dumps(kept))
    succeed("run", ID, "--solver", "uniform", "--out", tmp_path)
    forms = [
        ",".join(map(str, kept)),
        f"@{tmp_path / 'design.json'}",
        f"best:{tmp_path / f'{ID}.uniform.jsonl'}",
        "uniform",
    ]
    printed = {succeed("render", ID, "--design", form) for form in forms}
    assert len(printed) == 1
    assert "score 0.000" in printed.pop()
    assert "score 1.000" in succeed("render", ID)


def test_render_writes_pictures(tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    succeed("render", ID, "--out", tmp_path / "picture.png")
    assert image.imread(tmp_path / "picture.png").ndim == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["card", "AMC-ResNet65-v0"], "unknown environment.*'AMC-ResNet56-v0'"),
        (["run", "AMC-ResNet20", "--solver", "random"], "unknown environment.*'AMC-ResNet20-v0'"),
        (["run", ID, "--solver", "ddgp"], "unknown solver 'ddgp'.*'ddpg'"),
        (["compare", ID, "--solvers", "random,exakt"], "unknown solver 'exakt'.*'exact'"),
        (["compare", ID, "--solvers", ","], "at least one solver"),
        (["run", ID, "--hardware", "moble"], "unknown hardware 'moble'.*'mobile'"),
        (["run", ID, "--cost", "mac"], "unknown cost 'mac'.*'macs'"),
        (["run", ID, "--reward", "acuracy"], "unknown reward 'acuracy'.*'accuracy'"),
        (["run", ID, "--constraint", "bound"], "unknown constraint 'bound'.*'bounded'"),
        (["run", ID, "--budget", "half"], "budget must be a fraction"),
        (["run", ID, "--budget", "0.001"], "budget"),
        (["run", ID, "--solver", "random", "--seeds", "two"], "seeds must be a number"),
        (["run", "AMC-v0"], "network is missing"),
        (["card", "HAQ-v0", "--network", "resnet21"], "unknown network 'resnet21'"),
        (["run", ID, "--proxy", "tables"], "prox"),
        (["report", "missing.jsonl"], "cannot read run records"),
        (["render", "AMC-ResNet56-v0", "--design", "1,2,x"], "cannot read the design"),
        (["render", "AMC-ResNet56-v0", "--design", "9,9"], "a design .* has 54 entries, not 2"),
        (["render", "AMC-MobileNetV1-v0", "--design", "1,2,3"], "a design .* has 14 entries, not"),
        (["render", ID, "--design", ",".join(["8"] * 19)], "a design .* has 18 entries, not 19"),
        (["run", ID, "--seeds", "1,1"], "name 1 twice"),
        (["specialise", "HAQ-MobileNetV1-v0", "--hardware", "foo"], "unknown hardware 'foo'"),
        (["specialise", "HAQ-MobileNetV1-v0", "--hardware", "counts:size"], ".*at least two"),
        (["calibrate", "bit-allocation", "resnet20", "--out", "x", "--device", "foo"], "device"),
        (["render", "AMC-ResNet56-v0", "--out", "picture.txt"], "pictures end in"),
        (["calibrate", "channel-pruning", "resnet65", "--out", "x"], "did you mean 'resnet56'"),
    ],
)
def test_wrong_input_is_told_in_one_line(arguments: list[str], message: str) -> None:
    result = call(*arguments)
    said = [line for line in result.stderr.splitlines() if not line.startswith("note:")]
    assert len(said) == 1, result.output
    assert re.match(f"error: .*{message}", said[0], re.IGNORECASE), said
    assert result.exit_code == 2


def test_wrong_ids_leave_no_files_behind(tmp_path: Path) -> None:
    fail("run", "AMC-ResNet56", "--solver", "random", "--out", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_ids_without_a_network_take_one_of_the_zoo(tmp_path: Path) -> None:
    chosen = ("AMC-v0", "--network", "resnet20")
    succeed("run", *chosen, "--solver", "exact", "--out", tmp_path)
    (run,) = read_runs(tmp_path / "AMC-v0.exact.jsonl")
    (named,) = read_runs_of(tmp_path / "named", "run", ID, "--solver", "exact")
    assert run.arguments == {"network": "resnet20"}
    assert (run.designs, run.rewards) == (named.designs, named.rewards)
    printed = succeed("report", tmp_path / "AMC-v0.exact.jsonl", "--out", tmp_path / "report")
    assert "AMC-v0 (network resnet20)" in printed
    assert succeed("render", *chosen) == succeed("render", ID)
    assert succeed("card", *chosen, "--json") == succeed("card", ID, "--json")
    chips = ("--hardware", "counts:macs,counts:size", "--budget", "0.7")
    assert succeed("specialise", *chosen, *chips) == succeed("specialise", ID, *chips)


def read_runs_of(out: Path, *arguments: object) -> list[Run]:
    succeed(*arguments, "--out", out)
    return [run for path in out.glob("*.jsonl") for run in read_runs(path)]


def test_any_environment_can_measure_instead_of_looking_up(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    measured = ("AMC-v0", "--network", "digits_resnet", "--proxy", "measured", "--out", tmp_path)
    printed = succeed("run", *measured, "--solver", "uniform", "--evaluations", "1")
    assert "network digits_resnet, proxy measured" in printed


def test_seeds_are_a_count_or_a_list() -> None:
    assert parse_seeds("3") == [0, 1, 2]
    assert parse_seeds("3,") == [3]
    assert parse_seeds("7, 3") == [7, 3]
    with pytest.raises(ArgumentError, match="at least one"):
        parse_seeds("0")
    with pytest.raises(ArgumentError, match="'1,2,1' name 1 twice"):
        parse_seeds("1,2,1")


QUICK = ("--solver", "random", "--evaluations", 3)


def test_the_same_run_again_replaces_its_records(tmp_path: Path) -> None:
    for seeds in (1, 2, 2):  # an earlier run's seeds are among those of the next
        succeed("run", ID, *QUICK, "--seeds", seeds, "--budget", "0.6", "--out", tmp_path)
    assert [run.seed for run in read_runs(tmp_path / f"{ID}.random.jsonl")] == [0, 1]


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        (("--budget", "0.3", "--seeds", "2"), "other arguments"),
        (("--evaluations", "4", "--seeds", "2"), "other evaluations"),
        (("--seeds", "1"), "other seeds"),
        (("--budget", "0.3", "--seeds", "1,"), "other arguments and seeds"),
    ],
)
def test_records_of_other_runs_are_lost_only_if_that_is_wanted(
    tmp_path: Path, changes: tuple[str, ...], lost: str
) -> None:
    path = tmp_path / f"{ID}.random.jsonl"
    succeed("run", ID, *QUICK, "--seeds", 2, "--out", tmp_path)
    before = path.read_bytes()
    said = fail("run", ID, *QUICK, *changes, "--out", tmp_path)
    assert f"{path.name} holds runs with {lost}: add --overwrite" in said
    assert path.read_bytes() == before
    succeed("run", ID, *QUICK, *changes, "--out", tmp_path, "--overwrite")
    assert path.read_bytes() != before


def test_other_hyperparameters_and_what_is_no_record_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / f"{ID}.shallow.jsonl"
    command = ("run", ID, "--solver", "shallow", "--out", tmp_path)
    succeed(*command)
    record = json.loads(path.read_text())
    record["hyperparameters"]["slope"] += 0.1
    path.write_text(json.dumps(record))
    assert "other hyperparameters" in fail(*command)
    path.write_text("notes of mine")
    assert "cannot read run records" in fail(*command)
    assert path.read_text() == "notes of mine"
    succeed(*command, "--overwrite")


WRITERS = {
    "run": (ID, *QUICK),
    "compare": (ID, "--solvers", "uniform"),
    "report": ("missing.jsonl",),
    "sweep": ("missing.yaml",),
    "specialise": ("HAQ-MobileNetV1-v0",),
    "calibrate": ("channel-pruning", "resnet20"),
    "train": ("resnet20",),
    "train-supernet": ("proxyless_digits",),
    "finetune": ("digits_resnet", "--design", "uniform"),
    "deep-compression": ("lenet5",),
    "render": (ID,),
    "animate": (ID,),
    "profile": ("resnet20",),
    "compress": ("digits_resnet", "--density", "0.5"),
    "decompress": ("missing.hwnz",),
    "export": ("digits_resnet", "--design", "uniform"),
    "quantize": ("digits_resnet",),
    "verify-design": ("digits_resnet", "--design", "uniform"),
}
"""Commands that write, with arguments that would take a while or fail for another reason."""

ENDINGS = {"render": ".png", "animate": ".gif", "profile": ".json"}
"""How files of those that write one must end."""


@pytest.mark.parametrize("command", WRITERS)
def test_what_cannot_be_written_is_told_before_anything_else(command: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    places = [tmp_path / "taken" / "x"]
    if Path("/proc/self").exists():
        places.append(Path("/proc/nowhere/x"))
    for place in places:
        out = f"{place}{ENDINGS.get(command, '')}"
        assert f"cannot write {out}: " in fail(command, *WRITERS[command], "--out", out)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    said = fail("run", ID, *QUICK, "--out", tmp_path / "taken")
    assert "taken: it is a file, no folder" in said
    assert "it is a folder, name a file" in fail("render", ID, "--out", tmp_path)
    assert "it is a folder" in fail("report", "missing.jsonl", "--compact", tmp_path)
    assert (tmp_path / "taken").read_text() == "mine"


def test_checking_where_to_write_makes_no_folder(tmp_path: Path) -> None:
    fail("report", tmp_path / "missing.jsonl", "--out", tmp_path / "new" / "report")
    assert not list(tmp_path.iterdir())


def test_trouble_with_a_users_file_is_one_line_and_a_bug_is_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(error: Exception) -> Result:
        def load(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("hwenvs.cli.options.load_problem", load)
        return call("card", ID)

    for error in (
        PermissionError(13, "Permission denied", str(tmp_path / "x")),
        OSError(28, "No space left on device"),
    ):
        result = broken(error)
        assert result.exit_code == 2
        assert result.stderr.splitlines() == [
            f"error: {error.strerror}" + (f": {error.filename}" if error.filename else "")
        ]
    ours = str(Path(hwenvs.__file__).parent / "tables.npz")
    for error in (
        FileNotFoundError(2, "No such file or directory", ours),
        OSError("a socket"),
        ZeroDivisionError(),
    ):
        assert broken(error).exception is error


def test_families_are_written_with_hyphens(tmp_path: Path) -> None:
    for command in ("verify-design", "export", "finetune"):
        assert "channel_pruning" not in succeed(command, "--help")
        assert "channel-pruning" in succeed(command, "--help")
    said = fail("calibrate", "foo", "resnet20", "--out", tmp_path)
    assert "_" not in said
    assert "operator-selection" in said
    for spelling in ("bit-allocation", "bit_allocation"):
        line = fail("calibrate", spelling, "resnet65", "--out", tmp_path)
        assert "Did you mean 'resnet56'" in line


def test_a_best_design_is_taken_from_runs_of_the_same_environment(tmp_path: Path) -> None:
    for name in (ID, "AMC-ResNet56-v0"):
        succeed("run", name, "--solver", "uniform", "--out", tmp_path)
    mine, other = (tmp_path / f"{name}.uniform.jsonl" for name in (ID, "AMC-ResNet56-v0"))
    said = fail("render", ID, "--design", f"best:{other}")
    assert f"holds runs of AMC-ResNet56-v0, none of {ID}" in said
    both = tmp_path / "both.jsonl"
    both.write_text(other.read_text() + mine.read_text())
    assert succeed("render", ID, "--design", f"best:{both}") == succeed(
        *("render", ID, "--design", f"best:{mine}")
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}", "line 2 lacks solver, environment, arguments, seed, evaluations"),
        ("[]", "line 2 is no JSON object"),
        ("{", "line 2 is no JSON"),
        ('{"solver": "a", "reward": 1}', "lacks environment.* and has 'reward', which no record"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str, message: str) -> None:
    succeed("run", ID, "--solver", "uniform", "--out", tmp_path)
    path = tmp_path / f"{ID}.uniform.jsonl"
    path.write_text(path.read_text() + line + "\n")
    assert re.search(message, fail("report", path, "--out", tmp_path / "report"))


def test_names_are_taken_once() -> None:
    assert parse_names("a, b,a,") == ["a", "b"]
