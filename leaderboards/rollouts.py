"""Policies on tasks that are drawn for them once they are final.

Which tasks a policy walks follows from the digests of its entry and of the suite, so nobody knows
them before the files are submitted, and everybody draws the same afterwards.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import DataError
from hwenvs.leaderboards.dynamics import tasks_of
from hwenvs.leaderboards.entries import POLICY, Entry
from hwenvs.leaderboards.perceptron import Policy
from hwenvs.leaderboards.policies import read_policy
from hwenvs.leaderboards.suites import Family, PolicySuite
from hwenvs.leaderboards.verdict import Instance, Judged
from hwenvs.tasks import Task
from hwenvs.tasks.environment import TaskEnv


def judge_policy(entry: Entry, suite: PolicySuite) -> tuple[Judged, ...]:
    """What the policy of an entry makes of the tasks that are drawn for it, by family.

    Args:
        entry: of the track ``"policy"``.
        suite: its suite.

    Raises:
        EntryError: if the file is no policy, or none for these observations and actions.
        DataError: if a family has fewer tasks than the suite asks for.
    """
    policy = read_policy(entry.folder / POLICY)
    return tuple(_judge(policy, family, entry, suite) for family in suite.families)


def drawn(family: Family, entry: Entry, suite: PolicySuite) -> list[Task]:
    """The tasks of a family that an entry is tried on: a draw without replacement.

    They are the first in the order of the sha256 of ``"ENTRY SUITE TASK"`` (two digests and an id),
    which is as good as random, needs no generator whose stream might change with a version, and can
    be checked by hand.  What comes back is in the family's own order: intervals resample scores by
    their places, and must not depend on a word of ``entry.json`` where all tasks are taken.

    Raises:
        DataError: if there are too few.
    """
    known = tasks_of(family.rule)
    if len(known) < suite.instances:
        raise DataError(f"suite {suite.id}: {family.key} has only {len(known)} tasks")

    def place(task: Task) -> bytes:
        return hashlib.sha256(f"{entry.digest} {suite.digest} {task.id}".encode()).digest()

    chosen = {task.id for task in sorted(known, key=place)[: suite.instances]}
    return [task for task in known if task.id in chosen]


@dataclass
class _Episode:
    """One that is under way: its environment, what was seen last, and what came of it."""

    env: TaskEnv
    observation: NDArray[np.float32]
    instance: Instance | None = field(default=None)

    def step(self, action: NDArray[np.float32]) -> None:
        self.observation, _, ended, _, info = self.env.step(action)
        if ended:
            self.instance = Instance(info["task"], info["design"], float(info["score"]))


def rollout(policy: Policy, rule: str, tasks: list[Task]) -> tuple[Instance, ...]:
    """One episode on each task, without noise.

    Episodes go side by side, because a policy is quicker with many observations at once; what it
    does in one does not depend on the others.

    Args:
        policy: what acts.
        rule: of the tasks.
        tasks: to walk, in the order of the result.

    Raises:
        EntryError: if the policy is not made for these observations and actions.
    """
    episodes = []
    for task in tasks:
        env = TaskEnv(rule, split="test")
        episodes.append(_Episode(env, env.reset(options={"task": task})[0]))
    space = TaskEnv(rule, split="test").action_space
    assert space.shape is not None
    policy.check(len(episodes[0].observation), space.shape[0], f"tasks of {rule!r}")
    while going := [episode for episode in episodes if episode.instance is None]:
        actions = policy.act(np.stack([episode.observation for episode in going]))
        for episode, action in zip(going, actions, strict=True):
            episode.step(action)
    return tuple(one.instance for one in episodes if one.instance is not None)


def _judge(policy: Policy, family: Family, entry: Entry, suite: PolicySuite) -> Judged:
    instances = rollout(policy, family.rule, drawn(family, entry, suite))
    # What is worse than the uniform design counts as the uniform one, as for traces.
    curves = np.array([[max(one.score, 0.0)] for one in instances])
    return Judged(
        family,
        curves,
        missing=(),
        distinct=len({(one.task, one.design) for one in instances}),
        design=None,
        reward=max(one.score for one in instances),
        seconds=(None,) * len(instances),
        instances=instances,
    )
