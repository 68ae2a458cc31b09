"""Tasks made ready to be walked: compiled when first asked for, the latest ones kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hwenvs.baselines.exact import find_optimum
from hwenvs.errors import ArgumentError, HwenvsError
from hwenvs.problems import FAMILIES
from hwenvs.problems.chain import ChainProblem
from hwenvs.problems.layerwise import LayerwiseProblem
from hwenvs.tasks.certificates import Certificate, known_certificate
from hwenvs.tasks.features import task_features
from hwenvs.tasks.task import KINDS, Task

REMEMBERED = 96
"""Compiled tasks that are kept: all training tasks of a rule; a few megabytes each."""

_CERTIFIED: dict[Task, Certificate] = {}
"""What was found of tasks that no certificate ships for: longer to find than tables are to make."""


@dataclass(frozen=True, eq=False)
class CompiledTask:
    """A task made ready.

    Attributes:
        task: the task.
        problem: its tables.
        features: what agents see of it, float32 [number of features].
        certificate: the two ends of its score.
    """

    task: Task
    problem: ChainProblem
    features: NDArray[np.float32]
    certificate: Certificate

    def seen(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """What agents see: ``observations`` [F] or [B, F] of the problem, the features behind."""
        features = self.features
        if observations.ndim > 1:
            features = np.broadcast_to(features, (len(observations), len(features)))
        return np.concatenate((observations, features), axis=-1)

    def paid(self, reward: float, lowest: float) -> tuple[float, float]:
        """What an episode pays whose design earns ``reward``, and its score.

        Paid is the score, but never less than ``lowest``.
        """
        score = self.certificate.score(reward)
        return max(score, lowest), score


@lru_cache(REMEMBERED)
def compile_task(task: Task) -> CompiledTask:
    """``task`` made ready; the best design is looked for if no certificate ships for it.

    The problem is the task's own, not the one that ``gym.make`` shares: whoever sets
    ``problem.optimum`` elsewhere changes nothing here.

    Raises:
        ArgumentError: if the uniform design is as good as any, so that nothing can be scored.
        BudgetError: if no design meets the budget.
        HwenvsError: if a name in the task is unknown.  All messages name the task.
    """
    try:
        problem = FAMILIES[KINDS[task.kind].family](**task.arguments)
    except HwenvsError as error:
        raise type(error)(f"task {task.id}: {error}") from error
    assert isinstance(problem, LayerwiseProblem)
    certificate = known_certificate(task) or _CERTIFIED.get(task)
    if certificate is None:
        certificate = _CERTIFIED[task] = certify(problem)
    if not certificate.span > 0:
        raise ArgumentError(
            f"task {task.id}: no design is better than the uniform one, which leaves nothing to "
            "score; other budgets may"
        )
    features = task_features(task, problem, problem.network)
    features.setflags(write=False)
    return CompiledTask(task, problem, features, certificate)


def certify(problem: ChainProblem) -> Certificate:
    """The two ends of a problem's score, found by exact search."""
    best = find_optimum(problem)
    reference = float(problem.reference.reward[0])
    return Certificate(reference, best.reward, best.proved, problem.horizon)
