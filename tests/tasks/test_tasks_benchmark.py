"""The benchmark of trained policies: what they were trained with is what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hwenvs.errors import ArgumentError, UnknownNameError
from hwenvs.tasks import distribution

Script = Callable[[str], Any]


@pytest.mark.parametrize(
    ("rule", "name", "least"),
    [("haq", "ppo", 944), ("haq", "constant", 943), ("amc", "ppo", 1805), ("amc", "ddpg", 1)],
)
def test_no_learner_gets_fewer_evaluations_than_its_choice_of_a_constant_takes(
    rule: str, name: str, least: int, script: Script, tmp_path: Path
) -> None:
    learners = script("benchmarks/generalist/learners.py")
    learners.check_learner(rule, name, least)
    message = f"{name} takes at least {least:,} evaluations of {rule}, not {least - 1:,}"
    with pytest.raises(ArgumentError, match=message):
        learners.learn(distribution(rule), name, least - 1, 0, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_unknown_learner_is_told_before_anything_is_trained(script: Script) -> None:
    learners = script("benchmarks/generalist/learners.py")
    with pytest.raises(UnknownNameError, match="Did you mean 'ppo'"):
        learners.check_learner("haq", "pppo", 20_000)


def test_policies_are_told_by_the_evaluations_that_they_were_trained_with(script: Script) -> None:
    summary = script("benchmarks/generalist/summary.py")

    def methods(*used: int, evaluations: int = 20_000) -> list[str]:
        rows = [
            {"method": "ppo", "evaluations": evaluations, "used": count, "scores": {"t": 0.5}}
            for count in used
        ]
        return list(summary.by_method(rows))

    assert methods(20_015, 20_031, 20_000) == ["ppo (20,000), 1 design"]  # the last end together
    most = summary.GROUPS * summary.COPIES  # episodes that end in one step
    assert methods(19_999 + most) == ["ppo (20,000), 1 design"]
    assert methods(20_000 + most) == [f"ppo ({20_000 + most:,}), 1 design"]
    assert methods(943) == ["ppo (943), 1 design"]
    assert methods(1_199, evaluations=500) == ["ppo (1,199), 1 design"]
