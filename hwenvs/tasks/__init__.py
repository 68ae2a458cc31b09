"""Beyond one task: families of tasks over networks, hardware and budgets, split for transfer.

::

    from hwenvs.tasks import distribution
    train, test = distribution("amc").split()
    task = train.sample(np.random.default_rng(0))
    gym.make(task.environment, **task.arguments)  # as a problem of its own
    gym.make("AMC-Generalist-v0").reset(options={"task": task})  # as one of many
"""

from __future__ import annotations

from hwenvs.tasks.rules import RULES, Rule
from hwenvs.tasks.splits import Distribution, Tasks, distribution
from hwenvs.tasks.task import VARIANTS, Task

__all__ = ["RULES", "VARIANTS", "Distribution", "Rule", "Task", "Tasks", "distribution"]
