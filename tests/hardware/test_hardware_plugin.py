"""Another distribution's chips, installed with pip into a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source") / "plugin"
    shutil.copytree(SOURCE, source)
    target = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"),
            *("--disable-pip-version-check", "--target", str(target), str(source)),
        ],
        check=True,
        capture_output=True,
    )
    return target


def run(installed: Path, *words: str) -> subprocess.CompletedProcess[str]:
    paths = [str(installed), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=environment, check=False
    )


def test_it_is_listed_and_a_broken_one_beside_it_is_named(installed: Path) -> None:
    listed = run(installed, "-m", "hwenvs.cli", "hardware", "list")
    assert listed.returncode == 0, listed.stderr
    row = next(line for line in listed.stdout.splitlines() if " toy " in line)
    assert "toy-chips" in row
    text = " ".join(listed.stdout.split())
    assert "broken" in text
    assert "Missing" in text
    assert "bismo-edge" in text


def test_environments_run_on_it(installed: Path) -> None:
    program = (
        "import gymnasium as gym, hwenvs\n"
        "env = gym.make('AMC-ResNet20-v0', hardware='toy', cost='latency', budget=0.5)\n"
        "env.reset(seed=0)\n"
        "done = False\n"
        "while not done:\n"
        "    _, _, done, _, info = env.step(env.action_space.sample())\n"
        "assert info['cost_fractions']['latency'] <= 0.5, info\n"
        "print(env.unwrapped.problem.hardware.name)\n"
    )
    result = run(installed, "-c", program)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "toy"


@pytest.mark.parametrize(
    ("name", "message"),
    [("broken", "of toy-chips"), ("strange", "'strange': latency"), ("tou", "Did you mean 'toy'")],
)
def test_a_chip_that_cannot_be_used_is_told_by_name(
    installed: Path, name: str, message: str
) -> None:
    program = (
        "import gymnasium as gym, hwenvs\n"
        f"gym.make('AMC-ResNet20-v0', hardware={name!r}, cost='latency')\n"
    )
    result = run(installed, "-c", program)
    assert result.returncode == 1
    assert message in result.stderr
