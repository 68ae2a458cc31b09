"""ProxylessNAS: architecture parameters trained by gradients on a real supernet.

Cai, Zhu and Han, "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware",
ICLR 2019.  Every block has one logit an operator.  A step draws two operators a block, runs both,
multiplies them by binary gates of which one is open, and takes the gradient of the loss with
respect to the gates for that of the probabilities (section 3.2): two paths are in memory instead of
all.  What latency the hardware is expected to need, ``E[latency] = sum_t sum_o p_t(o) latency(t,
o)``, is differentiable, and joins the loss as ``loss (E[latency] / target)^beta`` (section 3.3.1);
under a hard budget only as far as the target is exceeded.

A supernet that is trained already wants no mixtures: next to either of the two operators the loss
rises towards the other, so that the gradient favours whatever is open, and what is open more often
wins.  Slopes are therefore divided by twice the share of what is open (``balance``): each of the
two counts as if it were open half of the time, and what mixtures cost cancels.

The supernet's weights were trained before and stay as they are; its batch norms use the statistics
of the batch at hand, and its logits are divided by the temperature that suits its own answers best
(Guo et al., "On Calibration of Modern Neural Networks", ICML 2017): a supernet that is surer than
it should be would be searched for modesty, not for accuracy.  As in the paper, the parameters learn
from images that the weights did not: evaluation images, the first of which are also those that the
shipped table was fitted on.  The environment is asked for nothing but the designs that the
parameters lead to: the most probable one, at even intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hwenvs.agents.gates import Search
from hwenvs.errors import SolverError
from hwenvs.problems.operator_selection import OperatorSelectionProblem
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        steps: updates of the architecture parameters.
        batch: images per step.
        rate: learning rate of Adam.
        beta: exponent of the expected latency over its target.
        balance: largest factor by which slopes grow where the open one of two operators was
            unlikely; 1: they are left as they are, as in the paper.
        temperature: that logits are divided by; 0: what suits the largest architecture best.
        weights: supernet's file; empty for the one that comes with the package.
        images: evaluation images that steps draw from, the first rows of the split.
    """

    steps: int = 600
    batch: int = 64
    rate: float = 0.02
    beta: float = 0.6
    balance: float = 5.0
    temperature: float = 0.0
    weights: str = ""
    images: int = 5000

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "rate", "images"):
            if not getattr(self, name) > 0:
                raise SolverError(
                    f"{name} of proxyless must be positive, not {getattr(self, name)}"
                )
        if self.images < self.batch:
            raise SolverError(
                f"images of proxyless must be at least its batch of {self.batch}, not {self.images}"
            )
        if not self.beta >= 0:
            raise SolverError(f"beta of proxyless must not be negative, not {self.beta}")
        if not self.temperature >= 0:
            raise SolverError(
                f"temperature of proxyless must not be negative, not {self.temperature}"
            )
        if not self.balance >= 1:
            raise SolverError(f"balance of proxyless must be 1 or more, not {self.balance}")


class Proxyless(Configured[Settings]):
    """ProxylessNAS's gradient-based search, on the supernet behind an environment's table.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``proxyless.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.

    Attributes:
        logits: [T, n] architecture parameters of the last run.
        history: per evaluation the probabilities [T, n] behind it.
    """

    name = "proxyless"
    deterministic = True
    settings_type = Settings
    logits: Tensor | None = None

    def __init__(self, **hyperparameters: Any) -> None:
        super().__init__(**hyperparameters)
        self.history: list[Floats] = []

    def solve(self, env: Recorder, seed: int) -> None:
        """Trains the parameters, and evaluates what they lead to as often as is allowed.

        Raises:
            SolverError: if the problem selects no operators.
            DataError: without a supernet of its space, or images.
        """
        problem = env.problem
        if not isinstance(problem, OperatorSelectionProblem):
            raise SolverError(f"{self.name} needs operators to select, not {problem.family}")
        search = Search(problem, self.settings, seed)
        self.history = []
        # The last evaluation is what the trained parameters lead to.
        marks = np.unique(np.linspace(self.settings.steps, 0, env.left, endpoint=False).astype(int))
        for step in range(1, self.settings.steps + 1):
            search.step()
            if step in marks:
                self.history.append(search.chances)
                self.logits = search.logits.detach().clone()
                env.evaluate(search.design())
