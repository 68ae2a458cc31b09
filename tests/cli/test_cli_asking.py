"""What the command tells about itself, environments and hardware."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gymnasium as gym
import pytest

import hwenvs

if TYPE_CHECKING:
    from tests.conftest import Cli

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


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cli: Cli, command: str) -> None:
    assert "--help" in cli.succeed(command, "--help")


@pytest.mark.parametrize("command", ["run", "compare", "report", "render"])
def test_help_shows_examples(cli: Cli, command: str) -> None:
    assert f"hwenvs {command}" in cli.succeed(command, "--help")


def test_help_loads_no_heavy_package() -> None:
    heavy = ("torch", "matplotlib", "pandas", "scipy", "cma")
    code = f"import hwenvs.cli.app, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version_is_the_packages(cli: Cli) -> None:
    assert cli.succeed("--version").strip() == f"hwenvs {hwenvs.__version__}"


def test_families_are_written_with_hyphens(cli: Cli, tmp_path: Path) -> None:
    for command in ("verify-design", "export", "finetune"):
        assert "channel_pruning" not in cli.succeed(command, "--help")
        assert "channel-pruning" in cli.succeed(command, "--help")
    said = cli.fail("calibrate", "foo", "resnet20", "--out", tmp_path)
    assert "_" not in said
    assert "operator-selection" in said
    for spelling in ("bit-allocation", "bit_allocation"):
        line = cli.fail("calibrate", spelling, "resnet65", "--out", tmp_path)
        assert "Did you mean 'resnet56'" in line


def test_list_shows_every_environment(cli: Cli) -> None:
    printed = cli.succeed("list")
    assert all(name in printed for name in hwenvs.ENVIRONMENTS)
    assert all(name in printed for name in hwenvs.OPEN_ENVIRONMENTS)


def test_list_says_of_real_networks_what_opening_them_would(cli: Cli) -> None:
    rows = [line.split() for line in cli.succeed("list").splitlines()]
    for name in ("AMC-DigitsLeNet-v0", "HAQ-DigitsMobileNet-v0"):
        problem = gym.make(name).unwrapped.problem  # type: ignore[attr-defined]
        row = next(row for row in rows if row and row[0] == name)
        assert row[2] == str(problem.horizon)
        assert problem.card.basis in row


def test_list_says_what_budgets_are_fractions_of(cli: Cli) -> None:
    printed = cli.succeed("list")
    rows = {line.split()[0]: line for line in printed.splitlines() if line.strip()}
    assert "50% of the MACs" in rows["AMC-ResNet56-v0"]
    assert "40% of the latency" in rows["HAQ-MobileNetV1-v0"]
    assert "fractions of what the uncompressed" in " ".join(cli.succeed("list", "--help").split())


@pytest.mark.parametrize(
    "command", [["list"], ["specialise"], ["run"], ["leaderboard", "verify"], ["hardware", "list"]]
)
def test_help_is_broken_where_the_terminal_ends_only(command: list[str]) -> None:
    words = [sys.executable, "-m", "hwenvs.cli", *command, "--help"]
    narrow = {**os.environ, "COLUMNS": "80", "TERMINAL_WIDTH": "80"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=narrow)
    about = done.stdout.partition("╭")[0].splitlines()
    for line, after in itertools.pairwise(about):
        if line.strip() and after.strip():
            room = 79 - len(line.rstrip())
            assert room <= len(after.split()[0]), (line, after)


@pytest.mark.parametrize("package", ["safetensors", "sklearn"])
def test_list_loads_no_network_and_tells_what_is_missing(package: str) -> None:
    code = (
        "import sys\n"
        "from hwenvs.cli.listing import list_environments as show\n"
        "show(); assert 'torch' not in sys.modules; print('cut')\n"
        f"sys.modules['{package}'] = None; show()\n"
    )
    command, wide = [sys.executable, "-c", code], {**os.environ, "COLUMNS": "160"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=wide)
    with_it, without = done.stdout.split("cut")
    assert "real network" in with_it
    assert "hwenvs[measure]" not in with_it
    assert "needs hwenvs[measure]" in without


def test_card_is_readable_and_machine_readable(cli: Cli) -> None:
    printed, entries = cli.succeed("card", ID), json.loads(cli.succeed("card", ID, "--json"))
    assert "baseline accuracy" in printed
    assert entries["network"] == "resnet20"
    assert entries["falls_short"] == []
    assert "falls short" not in printed  # as anything empty


def test_hardware_list_shows_models_and_sources(cli: Cli) -> None:
    printed = cli.succeed("hardware", "list")
    assert "roofline" in printed
    assert "counted from the layer table" in printed
