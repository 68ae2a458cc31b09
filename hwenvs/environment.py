"""The environment: one decision a step."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, cast

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import ArrayLike, NDArray

from hwenvs.arguments import check_options
from hwenvs.errors import unknown_name
from hwenvs.problems import Problem, check_given, make_problem
from hwenvs.problems.actions import checker, no_choices
from hwenvs.proxies import warn_if_analytic

if TYPE_CHECKING:
    from hwenvs.rendering import Window

Observation = NDArray[np.float32]
Action = NDArray[np.float32]


class DesignEnv(gym.Env[Observation, Action]):
    """Walks a problem one decision at a time; the reward is paid with the last.

    ``reset`` takes a seed for form's sake: nothing here is random.

    Args:
        problem: name of a family, or a problem.
        render_mode: ``"ansi"``, ``"rgb_array"``, ``"human"`` or None.
        **arguments: of the family's problem, e.g. ``network`` and ``budget``.

    Raises:
        UnknownNameError: if a name among the arguments is unknown; the message suggests another.
        BudgetError: if no design meets the budget.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": ["ansi", "rgb_array", "human"],
        "render_fps": 4,
    }

    def __init__(
        self,
        problem: str | Problem = "channel_pruning",
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise unknown_name("render_mode", render_mode, modes)
        check_given(problem, arguments, ("render_mode",))
        self.problem = make_problem(problem, **arguments)
        self.render_mode = render_mode
        # Problems are shared, the generators in spaces are not.
        self.action_space = deepcopy(self.problem.action_space)
        observations = deepcopy(self.problem.observation_space)
        self.observation_space = cast("gym.Space[Observation]", observations)
        warn_if_analytic(self.problem.card)
        self._walker = self.problem.walker()
        self._checked = checker(self.action_space)
        self._masked = isinstance(self.action_space, gym.spaces.Discrete)
        self._horizon = self.problem.horizon
        self._ready = False
        self._result: dict[str, Any] | None = None
        self._window: Window | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Back to the first decision.

        Args:
            seed: seeds ``np_random``, which no decision draws from.
            options: there are none.

        Raises:
            UnknownNameError: if there are some.
        """
        check_options(options)
        super().reset(seed=seed)
        self._walker.reset()
        self._ready, self._result = True, None
        if self.render_mode == "human":
            self.render()
        return self._walker.observation(), self._info()

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Takes the next decision.

        Args:
            action: [1] in [0, 1], the fraction to keep; or a choice, where actions are such.

        Returns:
            Observation, reward (0 before the last decision), terminated, truncated (never), info
            (empty before the last decision, but for the mask of choices).

        Raises:
            ActionError: if the action has the wrong shape or type or lies outside the space.
            ResetNeeded: before the first ``reset`` and after the last decision.
        """
        if not self._ready:
            raise ResetNeeded("Cannot call env.step() before calling env.reset()")
        walker = self._walker
        walker.act(self._checked(action))
        if walker.step < self._horizon:
            if self.render_mode == "human":
                self.render()
            return walker.observation(), 0.0, False, False, self._info()
        self._ready = False
        reward, info = walker.result()
        self._result = info
        if self.render_mode == "human":
            self.render()
        return walker.observation(), reward, True, False, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which choices [n] may be taken now, as sb3-contrib's MaskablePPO asks for them.

        Choices that are masked may be taken as well: they stand for the largest that is not.

        Raises:
            ActionError: if actions are no choices.
        """
        if not self._masked:
            raise no_choices(self.problem.family)
        return self._walker.action_mask()

    def get_state(self) -> tuple[int, ...]:
        """The decisions so far, for :meth:`set_state`: a prefix of the design."""
        return self._walker.state()

    def set_state(self, state: ArrayLike) -> Observation:
        """Back to the decisions of ``state``; returns the observation there.

        Raises:
            DesignError: if it is longer than a design or has entries that are not options.
        """
        self._walker.restore(state)
        self._ready = self._walker.step < self._horizon
        self._result = None if self._ready else self._walker.result()[1]
        return self._walker.observation()

    def render(self) -> Any:
        """The design so far: text, pixels [height, width, 3], or a window (None).

        Raises:
            DependencyNotInstalled: for pictures without matplotlib.
        """
        if self.render_mode is None:
            name = self.spec.id if self.spec else "..."
            gym.logger.warn(
                "render() does nothing without a render_mode; "
                f'e.g. gym.make("{name}", render_mode="ansi")'
            )
            return None
        from hwenvs import rendering

        kept = self._walker.state() if self._result is None else self._result["design"].tolist()
        progress = self.problem.progress(kept)
        if self.render_mode == "ansi":
            return rendering.ansi(progress, self._result)
        if self.render_mode == "rgb_array":
            return rendering.rgb_array(progress, self._result)
        if self._window is None:
            self._window = rendering.Window(progress)
        self._window.show(progress, self._result, 1.0 / self.metadata["render_fps"])
        return None

    def close(self) -> None:
        """Closes the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _info(self) -> dict[str, Any]:
        # Discrete.sample(mask) takes 8-bit integers only; the same bytes, seen as such.
        return {"action_mask": self._walker.action_mask().view(np.int8)} if self._masked else {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_window": None}
