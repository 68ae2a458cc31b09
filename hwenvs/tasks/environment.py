"""The environment of many tasks: every episode another network, chip and budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from hwenvs.arguments import check_arguments, check_options
from hwenvs.environment import DesignEnv
from hwenvs.errors import ArgumentError, DesignError, unknown_name
from hwenvs.problems.chain import ChainProblem
from hwenvs.problems.features import BIT_FEATURES, FEATURES
from hwenvs.tasks.compiled import REMEMBERED, CompiledTask, compile_task
from hwenvs.tasks.features import task_names
from hwenvs.tasks.rules import Rule
from hwenvs.tasks.splits import Distribution, Tasks, distribution, listed
from hwenvs.tasks.task import Task

Observation = NDArray[np.float32]
Action = NDArray[np.float32]

LOWEST = -5.0
"""Least reward by default.

Random designs score -1 in the median and -9 in the tenth percentile.  With a limit of -1 most early
episodes earn the same, and PPO learned nothing in 4,000 episodes of AMC (one seed); with -5 and
-10 it did.
"""

ARGUMENTS = ("rule", "split", "tasks", "lowest", "render_mode")

STEP_NAMES = {"amc": FEATURES, "haq": BIT_FEATURES}
"""Features of a decision, by kind of task."""


class TaskState(NamedTuple):
    """Where an episode stands: the task and the decisions so far."""

    task: Task
    design: tuple[int, ...]


class TaskEnv(gym.Env[Observation, Action]):
    """Many tasks: a network, a chip and a budget are drawn, then the network is walked.

    ## Description
    An episode is one of `AMC-v0` (`HAQ-v0`) with a network, a hardware model, a budgeted cost and a
    budget of its own. Tasks come from a rule that holds some networks, chips and budgets back: an
    agent trained with `split="train"` can be tried on what it has never met (`split="test"`).
    `hwenvs.tasks.distribution("amc")` lists the tasks; [tasks.md](tasks.md) shows both parts.

    ## Decisions and Actions
    Those of the task: a `Box(0, 1, (1,), float32)`, the fraction to keep. Episodes of different
    networks have different lengths.

    ## Observations
    A `Box(0, 1, (F,), float32)`: the twelve features of the decision, then what stays as it is
    during an episode: the budget (its fraction, what the cheapest design costs, which cost it is),
    the chip (what its model answers for four probe layers, whole and compressed) and the network.
    `observation_names` has the names of all of them.

    ## Reward
    0 until the last decision, then the *score* of the design, because accuracies of different tasks
    cannot be compared: 0 for the uniform design at the same budget, 1 for the certified optimum,
    and never below `lowest`. Designs can be worse than uniform without limit, by -10 and more on
    tasks whose best design is little better than the uniform one; single bad episodes would drown
    everything else.

    ## Episode Begin
    `reset(options={"task": ...})` takes a task, or the id of one of the rule's (whatever the split)
    or of `tasks`; without it the task is drawn from the split with the environment's `np_random`.
    The first `info` has the id as `task`.

    ## Episode End
    `terminated` after the last decision; never `truncated`. The last `info` is that of the task,
    with `task`, and `score` without the lower limit. `design` is a tuple: designs of different
    tasks differ in length, and vector environments could not put arrays into one.

    `get_state()` and `set_state(state)` save and restore the task and the decisions so far.

    ## Arguments
    - `rule`: `"amc"`, `"haq"`, or a `hwenvs.tasks.Rule` of your own.
    - `split` (`"train"`): `"train"`, `"test"` or `"all"`: what is drawn from.
    - `tasks` (`None`): tasks or ids to draw from instead.
    - `lowest` (`-5.0`): least reward of an episode, 0 or below.
    - `render_mode` (`None`): `"ansi"`, `"rgb_array"` or `"human"`.

    ## Version History
    * v0: first version.

    Raises:
        UnknownNameError: if there is no such rule, split, task or argument.
        ArgumentError: if there is nothing to draw from, or `lowest` is above 0.
    """

    metadata: ClassVar[dict[str, Any]] = dict(DesignEnv.metadata)  # type: ignore[misc]

    def __init__(
        self,
        rule: str | Rule | Mapping[str, Any] = "amc",
        split: str = "train",
        tasks: Sequence[str | Task | Mapping[str, Any]] | None = None,
        lowest: float = LOWEST,
        render_mode: str | None = None,
        **others: Any,
    ) -> None:
        check_arguments(others, ARGUMENTS, "an environment of many tasks")
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise unknown_name("render_mode", render_mode, modes)
        if not isinstance(lowest, int | float | np.number) or not lowest <= 0:
            raise ArgumentError(f"lowest must be 0 or below, not {lowest!r}")
        self.distribution: Distribution = distribution(rule)
        self.kind = self.distribution.rule.kind
        self._named = self.distribution.all
        part = self.distribution.part(split)
        self.tasks = part if tasks is None else Tasks(map(self._known, listed(tasks)))
        if not self.tasks:
            name = self.distribution.rule.name
            where = f"the {split} split of rule {name!r}" if tasks is None else "an empty tasks="
            raise ArgumentError(f"no tasks to draw from in {where}")
        self._named += self.tasks
        self.lowest, self.render_mode = float(lowest), render_mode
        self.observation_names = (*STEP_NAMES[self.kind], *task_names(self.kind))
        self.action_space = gym.spaces.Box(0.0, 1.0, (1,), np.float32)
        self.observation_space = gym.spaces.Box(
            0.0, 1.0, (len(self.observation_names),), np.float32
        )
        self._compiled: CompiledTask | None = None
        self._inner: DesignEnv | None = None
        self._walked: dict[Task, DesignEnv] = {}

    @property
    def task(self) -> Task | None:
        """The task of this episode; None before the first."""
        return None if self._compiled is None else self._compiled.task

    @property
    def problem(self) -> ChainProblem | None:
        """Its problem; None before the first episode."""
        return None if self._compiled is None else self._compiled.problem

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begins an episode.

        Args:
            seed: of ``np_random``, which tasks are drawn with.
            options: ``{"task": task}``, a task or the id of one, instead of drawing.

        Raises:
            UnknownNameError: if there is no such task, or there are other options.
        """
        check_options(options, ("task",))
        super().reset(seed=seed)
        asked = (options or {}).get("task")
        task = self.tasks.sample(self.np_random) if asked is None else self._known(asked)
        compiled, inner = self._made(task)
        self._enter(compiled, inner)
        observation, _ = inner.reset()
        return compiled.seen(observation), {"task": task.id}

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Takes the next decision.

        Args:
            action: [1] in [0, 1], the fraction to keep.

        Returns:
            Observation, reward (0 before the last decision), terminated, truncated (never), info
            (empty before the last decision).

        Raises:
            ActionError: if the action has the wrong shape or type or lies outside the space.
            ResetNeeded: before the first ``reset`` and after the last decision.
        """
        compiled, inner = self._compiled, self._inner
        if compiled is None or inner is None:
            raise ResetNeeded("Cannot call env.step() before calling env.reset()")
        observation, reward, ended, _, info = inner.step(action)
        if ended:
            reward, score = compiled.paid(reward, self.lowest)
            design = tuple(info["design"].tolist())
            info = {**info, "task": compiled.task.id, "design": design, "score": score}
        return compiled.seen(observation), reward, ended, False, info

    def get_state(self) -> TaskState:
        """The task and the decisions so far, for :meth:`set_state`.

        Raises:
            ResetNeeded: before the first ``reset``.
        """
        if self._compiled is None or self._inner is None:
            raise ResetNeeded("Cannot call env.get_state() before calling env.reset()")
        return TaskState(self._compiled.task, self._inner.get_state())

    def set_state(self, state: tuple[str | Task, Sequence[int]]) -> Observation:
        """Back to ``state``, a task and decisions; returns the observation there.

        What is refused changes nothing: the episode goes on where it was.

        Raises:
            UnknownNameError: if there is no such task.
            DesignError: if it is no such pair, or the decisions are too many or not among the
                options.
        """
        if not isinstance(state, tuple | list) or len(state) != 2:
            raise DesignError(f"a state is a task and the decisions so far, not {state!r}")
        compiled, inner = self._made(self._known(state[0]))
        observation = inner.set_state(state[1])
        self._enter(compiled, inner)
        return compiled.seen(observation)

    def render(self) -> Any:
        """The design so far: text, pixels [height, width, 3], or a window (None).

        Raises:
            ResetNeeded: before the first ``reset``.
            DependencyNotInstalled: for pictures without matplotlib.
        """
        if self._inner is None:
            raise ResetNeeded("Cannot call env.render() before calling env.reset()")
        self._inner.spec = self.spec
        return self._inner.render()

    def close(self) -> None:
        """Closes the window, if there is one."""
        if self._inner is not None:
            self._inner.close()

    def _known(self, task: Any) -> Task:
        """A task of this kind: any that is given as such (JSON has a mapping), or one by its id."""
        if isinstance(task, Mapping):
            task = Task.from_dict(task)
        if isinstance(task, Task):
            if task.kind != self.kind:
                raise ArgumentError(f"task {task.id} is not one of {self.kind}")
            return task
        return self._named.find(task)

    def _made(self, task: Task) -> tuple[CompiledTask, DesignEnv]:
        """What ``task`` is walked with; the episode under way stays."""
        compiled, inner = compile_task(task), self._walked.get(task)
        if inner is None:  # making one takes longer than walking a small network
            if len(self._walked) >= REMEMBERED:
                self._walked.clear()
            inner = DesignEnv(compiled.problem, render_mode=self.render_mode)
            self._walked[task] = inner
        return compiled, inner

    def _enter(self, compiled: CompiledTask, inner: DesignEnv) -> None:
        """Leaves the episode under way for one that ``inner`` walks."""
        if inner is not self._inner:
            self.close()
        self._compiled, self._inner = compiled, inner

    def __getstate__(self) -> dict[str, Any]:
        state = None if self._inner is None else self.get_state()
        gone: dict[str, Any] = {"_compiled": None, "_inner": None, "_walked": {}}
        return {**self.__dict__, **gone, "_state": state}  # tables are compiled anew, not carried

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = dict(state)
        place = kept.pop("_state")
        self.__dict__.update(kept)
        if place is not None:
            self.set_state(place)
