"""Ctrl-C stops a command wherever Python is, also where it drops exceptions."""

from __future__ import annotations

import subprocess
import sys

import pytest

FINALIZER = """
import signal, sys, time
from hwenvs.cli.interrupts import never_drop_interrupts

class Dropping:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

if sys.argv[1] == "hwenvs":
    never_drop_interrupts()
try:
    Dropping()
    time.sleep(float(sys.argv[2]))
    print("went on")
except KeyboardInterrupt:
    print("interrupted")
"""
"""Ctrl-C during a finalizer, then work."""

OTHERS = """
import sys
from hwenvs.cli.interrupts import never_drop_interrupts

class Failing:
    def __del__(self):
        raise ValueError("what went wrong")

never_drop_interrupts()
Failing()
"""
"""Another exception in a finalizer."""


@pytest.mark.parametrize(
    ("who", "seconds", "outcome"), [("python", "0.5", "went on"), ("hwenvs", "40", "interrupted")]
)
def test_an_interrupt_that_python_drops_stops_a_command_nevertheless(
    who: str, seconds: str, outcome: str
) -> None:
    told = _run(FINALIZER, who, seconds)
    assert told.stdout.split("\n")[0] == outcome, told.stderr


def test_other_exceptions_that_python_drops_are_told_as_ever() -> None:
    told = _run(OTHERS)
    assert told.returncode == 0
    assert "ValueError: what went wrong" in told.stderr


def _run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=50
    )
