"""The environment with a vector reward: accuracy against costs, in mo-gymnasium's convention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwenvs.environment import Action, DesignEnv, Observation
from hwenvs.errors import SolverError
from hwenvs.multiobjective.objectives import Objectives, Vector, scalar_problem
from hwenvs.problems import Problem
from hwenvs.problems.chain import ChainProblem

if TYPE_CHECKING:
    from hwenvs.multiobjective.fronts import Front

POINTS = 17
"""Designs of a front that are looked for."""


class MultiObjectiveEnv(gym.Env[Observation, Action]):
    """Walks a problem one decision at a time; a vector is paid with the last.

    Decisions, actions, observations and infos are those of the environment with a scalar reward;
    only nothing limits the costs, unless ``budget=`` is given: the trade-off is the point.

    Args:
        problem: name of a family, or a problem.
        objectives: ``("accuracy", "latency", ...)``: the accuracy, and costs that the hardware
            reports; by default the accuracy and the cost that the family budgets.
        render_mode: ``"ansi"``, ``"rgb_array"``, ``"human"`` or None.
        **arguments: of the family's problem, e.g. ``network`` and ``hardware``.

    Attributes:
        objectives: names of the components of a reward.
        reward_space: a box of rewards [n], float32.
        reward_dim: n.

    Raises:
        ArgumentError: if objectives make no sense, or a scalar reward is asked for.
        UnknownNameError: if a name among the arguments is unknown; the message suggests another.
        BudgetError: if no design meets the budget.
    """

    metadata: ClassVar[dict[str, Any]] = dict(DesignEnv.metadata)  # type: ignore[misc]

    def __init__(
        self,
        problem: str | Problem = "channel_pruning",
        objectives: Sequence[str] | None = None,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        self.problem: ChainProblem = scalar_problem(problem, arguments)
        self._inner = DesignEnv(self.problem, render_mode=render_mode)
        self._objectives = Objectives.of(self.problem, objectives)
        self.objectives = self._objectives.names
        self.reward_space = self._objectives.space
        self.reward_dim = len(self.objectives)
        self.action_space = self._inner.action_space
        self.observation_space = self._inner.observation_space
        self.render_mode = render_mode

    @property
    def reference_point(self) -> NDArray[np.float64]:
        """[n] what hypervolumes are measured from: accuracy 0 at the uncompressed costs."""
        return np.array([0.0, *(-1.0 for _ in self.objectives[1:])])

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Back to the first decision.

        Args:
            seed: seeds ``np_random``, which no decision draws from.
            options: there are none.
        """
        super().reset(seed=seed)
        self._inner.spec = self.spec
        return self._inner.reset(seed=seed, options=options)

    def step(self, action: Action) -> tuple[Observation, Vector, bool, bool, dict[str, Any]]:
        """Takes the next decision.

        Args:
            action: [1] in [0, 1], the fraction to keep; or a choice, where actions are such.

        Returns:
            Observation, reward [n] (zeros before the last decision), terminated, truncated
            (never), info.

        Raises:
            ActionError: if the action has the wrong shape or type or lies outside the space.
            ResetNeeded: before the first ``reset`` and after the last decision.
        """
        observation, _, ended, cut, info = self._inner.step(action)
        if not ended:
            return observation, np.zeros(self.reward_dim, dtype=np.float32), ended, cut, info
        info.pop("score", None)  # of a scalar reward that nobody is paid here
        return observation, self._objectives.reward(info), ended, cut, info

    def pareto_front(self, gamma: float = 1.0, points: int = POINTS) -> list[NDArray[np.float64]]:
        """Returns [n] on the true front, from the cheapest on, as mo-gymnasium's tools ask for it.

        Args:
            gamma: discount factor; all is paid with the last decision.
            points: how many designs are looked for.

        Raises:
            SolverError: as :meth:`certified_front`.
        """
        discount = gamma ** (self.problem.horizon - 1)
        vectors = self.certified_front(points).vectors
        return [discount * vector for vector in vectors]

    def certified_front(self, points: int = POINTS) -> Front:
        """Designs on the true front of accuracy against one cost, and what lies between them.

        Raises:
            SolverError: with several costs, or accuracies that do not come from tables.
        """
        if len(self.objectives) != 2:
            raise SolverError(
                "a front can be certified for accuracy against one cost, not for "
                f"{', '.join(self.objectives)}"
            )
        from hwenvs.multiobjective.fronts import certified_front

        return certified_front(self.problem, self.objectives[1], points)

    def action_masks(self) -> NDArray[np.bool_]:
        """Which choices [n] may be taken now.

        Raises:
            ActionError: if actions are no choices.
        """
        return self._inner.action_masks()

    def get_state(self) -> tuple[int, ...]:
        """The decisions so far, for :meth:`set_state`: a prefix of the design."""
        return self._inner.get_state()

    def set_state(self, state: ArrayLike) -> Observation:
        """Back to the decisions of ``state``; returns the observation there.

        Raises:
            DesignError: if it is longer than a design or has entries that are not options.
        """
        return self._inner.set_state(state)

    def render(self) -> Any:
        """The design so far: text, pixels [height, width, 3], or a window (None).

        Raises:
            DependencyNotInstalled: for pictures without matplotlib.
        """
        return self._inner.render()

    def close(self) -> None:
        """Closes the window, if there is one."""
        self._inner.close()
