"""What is known beforehand about the tasks of the frozen rules: their score's two ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from hwenvs.tasks.task import Task

FOLDER = Path(__file__).parent / "frozen"


@dataclass(frozen=True)
class Certificate:
    """The two ends of a task's score.

    Attributes:
        reference: reward of the uniform design at the same budget, score 0.
        optimum: reward of the best design, score 1.
        proved: whether that is certified; else it is the best known design.
        horizon: number of decisions.
    """

    reference: float
    optimum: float
    proved: bool
    horizon: int

    @property
    def span(self) -> float:
        """What lies between the uniform and the best design."""
        return self.optimum - self.reference

    def score(self, reward: float) -> float:
        """0 for the uniform design, 1 for the best."""
        return (reward - self.reference) / self.span


def frozen_path(name: str) -> Path:
    """Where the certificates of a rule are, or would be."""
    return FOLDER / f"{name}.json"


def frozen(name: str) -> dict[str, Certificate]:
    """Certificates by task id, for the tasks that were kept of the rule ``name``.

    Empty if the rule is not a frozen one.
    """
    return {
        key: Certificate(row["reference"], row["optimum"], row["proved"], row["horizon"])
        for key, row in frozen_content(name).get("tasks", {}).items()
    }


@lru_cache(None)
def frozen_content(name: str) -> Mapping[str, Any]:
    """Everything that was written when the rule ``name`` was frozen; empty if it was not."""
    path = frozen_path(name)
    if not path.is_file():
        return {}
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@lru_cache(None)
def _all_frozen() -> dict[str, Certificate]:
    found: dict[str, Certificate] = {}
    for path in sorted(FOLDER.glob("*.json")):
        found.update(frozen(path.stem))
    return found


def known_certificate(task: Task) -> Certificate | None:
    """The certificate that ships for ``task``, if there is one."""
    return _all_frozen().get(task.id)
