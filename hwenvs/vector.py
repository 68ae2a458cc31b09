"""The environment, many copies at once: all take their decisions in lockstep, in numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from hwenvs.arguments import check_options, check_whole
from hwenvs.errors import ArgumentError, DesignError, unknown_name
from hwenvs.problems import Problem, check_given, make_problem
from hwenvs.problems.actions import batch_checker
from hwenvs.proxies import warn_if_analytic
from hwenvs.text import counted

Observations = NDArray[np.float32]
Actions = NDArray[np.float32]
Step = tuple[
    Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]
]


class DesignVectorEnv(VectorEnv[Observations, Actions, NDArray[Any]]):
    """``num_envs`` copies of :class:`~hwenvs.environment.DesignEnv`, equal to them bit for bit.

    All episodes have the same length, so all copies are always at the same decision.  Observations
    come feature by feature in memory (Fortran order), which is what makes them cheap.

    Args:
        problem: name of a family, or a problem.
        num_envs: number of copies.
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.
        autoreset_mode: ``NEXT_STEP`` (the step after the last decision resets and ignores its
            actions), ``SAME_STEP`` (the last decision resets at once; what was there before is in
            ``final_obs`` and ``final_info``) or ``DISABLED`` (``reset`` is up to the caller).
        **arguments: of the family's problem, e.g. ``network`` and ``budget``.

    Raises:
        UnknownNameError: if a name among the arguments is unknown; the message suggests another.
        BudgetError: if no design meets the budget.
    """

    def __init__(
        self,
        problem: str | Problem = "channel_pruning",
        num_envs: int = 1,
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        **arguments: Any,
    ) -> None:
        super().__init__()
        num_envs = check_whole("num_envs", num_envs)
        modes = ("ansi", "rgb_array")
        if render_mode is not None and render_mode not in modes:
            raise unknown_name("render_mode of a vector environment", render_mode, modes)
        check_given(problem, arguments, ("num_envs", "render_mode", "autoreset_mode"))
        self.problem = make_problem(problem, **arguments)
        self.num_envs, self.render_mode = num_envs, render_mode
        self.autoreset_mode = _mode(autoreset_mode)
        self.metadata = {
            "render_modes": list(modes),
            "render_fps": 4,
            "autoreset_mode": self.autoreset_mode,
        }
        # Problems are shared, the generators in spaces are not.
        self.single_action_space = deepcopy(self.problem.action_space)
        self.single_observation_space = deepcopy(self.problem.observation_space)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        warn_if_analytic(self.problem.card)
        self._checked = batch_checker(self.single_action_space)
        self._choices = isinstance(self.single_action_space, spaces.Discrete)
        self._walk = self.problem.start(num_envs)
        self._ready = False

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observations, dict[str, Any]]:
        """Back to the first decision, in all copies.

        Args:
            seed: seeds ``np_random``, which no decision draws from; of a list, the first.
            options: ``"reset_mask"`` must select all copies, since they move in lockstep.

        Raises:
            UnknownNameError: if there are other options.
            ArgumentError: if seeds are not one a copy, or the mask leaves some out.
        """
        check_options(options, ("reset_mask",))
        if isinstance(seed, Sequence):
            if len(seed) != self.num_envs:
                raise ArgumentError(
                    f"{counted(len(seed), 'seed')} for {counted(self.num_envs, 'environment')}"
                )
            seed = seed[0]
        super().reset(seed=seed)
        mask = (options or {}).get("reset_mask")
        if mask is not None and not _selects_all(mask, self.num_envs):
            raise ArgumentError(
                f"reset_mask must be an array [{self.num_envs}] of True: all copies move in "
                f"lockstep, not {mask!r}"
            )
        self._walk, self._ready = self.problem.start(self.num_envs), True
        return self.problem.observe(self._walk), self._info()

    def step(self, actions: Actions) -> Step:
        """Takes the next decision in all copies.

        Args:
            actions: [num_envs, 1] in [0, 1], the fractions to keep; or [num_envs] choices, where
                actions are such.

        Returns:
            Observations [num_envs, F], rewards, terminations, truncations, infos.  Infos are
            arrays over the copies, each with a mask under the key with an underscore before it.

        Raises:
            ActionError: if actions have the wrong shape or type or lie outside the space.
            ResetNeeded: before the first ``reset``, and after the last decision if autoreset is
                disabled.
        """
        if not self._ready:
            raise ResetNeeded("Cannot call envs.step() before calling envs.reset()")
        problem, walk = self.problem, self._walk
        if walk.step == problem.horizon:
            return self._next_episode()
        problem.push(walk, problem.decide(walk, self._checked(actions, self.num_envs)))
        if walk.step < problem.horizon:
            return (problem.observe(walk), *self._nothing_yet(), self._info())
        return self._last()

    def action_masks(self) -> NDArray[np.bool_]:
        """Which choices [num_envs, n] may be taken now.

        Raises:
            ActionError: if actions are no choices.
        """
        return self.problem.action_mask(self._walk)

    def get_state(self) -> NDArray[np.int64]:
        """The decisions so far [num_envs, step], for :meth:`set_state`."""
        return self.problem.entries(self._walk)

    def set_state(self, state: ArrayLike) -> Observations:
        """Back to the decisions of ``state`` [num_envs, step]; returns the observations there.

        Raises:
            DesignError: if it has another shape or entries that are not options.
        """
        walk = self.problem.walk(state)
        if walk.batch != self.num_envs:
            raise DesignError(
                f"a state of {counted(walk.batch, 'environment')} for {self.num_envs}"
            )
        self._walk = walk
        self._ready = walk.step < self.problem.horizon
        return self.problem.observe(walk)

    def render(self) -> tuple[Any, ...] | None:
        """The designs so far, one picture a copy: text or pixels [height, width, 3].

        Raises:
            DependencyNotInstalled: for pixels without matplotlib.
        """
        if self.render_mode is None:
            return None
        from hwenvs import rendering

        draw = rendering.ansi if self.render_mode == "ansi" else rendering.rgb_array
        finished = self._walk.step == self.problem.horizon  # what was asked for may be repaired
        designs = self.problem.finish(self._walk).designs if finished else self.get_state()
        walker, pictures = self.problem.walker(), []
        for kept in designs.tolist():
            if finished:
                walker.restore(kept)
            result = walker.result()[1] if finished else None
            pictures.append(draw(self.problem.progress(kept), result))
        return tuple(pictures)

    def _nothing_yet(self) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        count = self.num_envs
        return np.zeros(count), np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)

    def _next_episode(self) -> Step:
        self._walk = self.problem.start(self.num_envs)
        return (self.problem.observe(self._walk), *self._nothing_yet(), self._info())

    def _info(self) -> dict[str, Any]:
        if not self._choices:
            return {}
        # The spaces of Gymnasium take masks of 8-bit integers only; the same bytes, seen as such.
        return _masked({"action_mask": self.action_masks().view(np.int8)}, self.num_envs)

    def _last(self) -> Step:
        outcome = self.problem.finish(self._walk)
        infos = _masked(self.problem.info(outcome), self.num_envs)
        observations = self.problem.observe(self._walk)
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            final = np.empty(self.num_envs, dtype=object)
            for index, observation in enumerate(np.ascontiguousarray(observations)):
                final[index] = observation
            infos = _masked({"final_obs": final, "final_info": infos}, self.num_envs)
            observations, *_, first = self._next_episode()
            infos.update(first)
        self._ready = self.autoreset_mode != AutoresetMode.DISABLED
        ended = np.ones(self.num_envs, dtype=bool)
        return observations, outcome.reward, ended, ~ended, infos


def _masked(info: Mapping[str, Any], count: int) -> dict[str, Any]:
    """``info`` as Gymnasium's vector API wants it: a mask beside every entry, nested or not."""
    masked: dict[str, Any] = {}
    for key, value in info.items():
        nested = isinstance(value, Mapping) and not any(k.startswith("_") for k in value)
        masked[key] = _masked(value, count) if nested else value
        masked[f"_{key}"] = np.ones(count, dtype=bool)
    return masked


def _selects_all(mask: Any, count: int) -> bool:
    given = np.asarray(mask)
    return given.dtype == np.bool_ and given.shape == (count,) and bool(given.all())


def _mode(mode: str | AutoresetMode) -> AutoresetMode:
    if isinstance(mode, AutoresetMode):
        return mode
    try:
        return AutoresetMode(mode)
    except ValueError:
        names = [known.value for known in AutoresetMode]
        raise unknown_name("autoreset_mode", mode, names) from None
