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
of the batch at hand.  Images are those that it was trained on.  The environment is asked for
nothing but the designs that the parameters lead to: the most probable one, at even intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hwenvs.errors import ArgumentError, SolverError
from hwenvs.hyperparameters import Configured
from hwenvs.networks import OPERATORS
from hwenvs.problems.operator_selection import OperatorSelectionProblem
from hwenvs.solving import Recorder

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
        weights: supernet's file; empty for the one that comes with the package.
        images: training images that steps draw from, the last rows of the split: batch norms of
            evaluations use the first ones.
    """

    steps: int = 600
    batch: int = 64
    rate: float = 0.02
    beta: float = 0.6
    balance: float = 5.0
    weights: str = ""
    images: int = 5000

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "rate", "images"):
            if not getattr(self, name) > 0:
                raise SolverError(
                    f"{name} of proxyless must be positive, not {getattr(self, name)}"
                )
        if self.beta < 0:
            raise SolverError(f"beta of proxyless must not be negative, not {self.beta}")
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
            DataError: without a supernet of its space or images to train on.
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


class Search:
    """Architecture parameters, and what one step does to them.

    Args:
        problem: whose space, latency and budget.
        settings: hyper-parameters.
        seed: of paths and images.

    Attributes:
        logits: [T, n] parameters; minus infinity for what a block does not offer.
    """

    def __init__(self, problem: OperatorSelectionProblem, settings: Settings, seed: int) -> None:
        from hwenvs.calibration.spaces.bench import open_supernet, training_images

        self.problem, self.settings, self.space = problem, settings, problem.space
        self.random = np.random.default_rng(seed)
        self.supernet, metadata = open_supernet(self.space, settings.weights or None)
        self.supernet.requires_grad_(False)
        self.images, self.labels = training_images(self.space, metadata, settings.images)
        shape = len(self.space.blocks), len(OPERATORS)
        closed = torch.full(shape, -torch.inf)
        for t, block in enumerate(self.space.blocks):
            closed[t, torch.tensor(block.entries) - 1] = 0.0
        self.closed, self.logits = closed, torch.zeros(shape, requires_grad=True)
        self.optimizer = torch.optim.Adam([self.logits], settings.rate, betas=(0.0, 0.999))
        self.latency, self.rest = self._costs()
        budget = problem.budget
        self.hard = bool(np.isfinite(budget.amount)) and problem.reward.quantity is None
        self.target = (
            budget.amount
            if np.isfinite(budget.amount)
            else getattr(problem.reward, "target", np.inf)
        )
        if not np.isfinite(self.target):
            raise ArgumentError("proxyless needs a budget or a target for the latency")

    @property
    def chances(self) -> Floats:
        """Probabilities [T, n] of the operators."""
        found: Floats = self._probabilities().detach().double().numpy()
        return found

    def step(self) -> float:
        """One update on one batch; returns the cross-entropy."""
        chances = self._probabilities()
        pairs = self._pairs(chances.detach().double().numpy())
        chosen = chances.gather(1, torch.from_numpy(pairs))
        shares = chosen / chosen.sum(1, keepdim=True)
        # The open one of the two is drawn by their shares; gates are constants with gradients.
        first = self.random.random(len(pairs)) < shares[:, 0].detach().numpy()
        gates = torch.from_numpy(np.stack([first, ~first], 1).astype(np.float32)).requires_grad_()
        loss = self._loss(pairs, gates)
        (slopes,) = torch.autograd.grad(loss, gates)
        # d loss / d gate stands for d loss / d share (BinaryConnect's straight-through estimate).
        slopes = slopes * self._weights(shares.detach(), gates.detach())
        expected = (chances * self.latency).sum() + self.rest
        ratio = expected / self.target
        if self.hard:
            ratio = ratio.clamp_min(1.0)  # what a budget leaves over is worth nothing
        pressure = ratio**self.settings.beta
        value = float(loss.detach())
        whole = (slopes * shares).sum() * pressure.detach() + value * pressure
        self.optimizer.zero_grad()
        whole.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return value

    def design(self) -> Ints:
        """The most probable operators [T] that the budget allows.

        Where they cost too much, latency is priced until they do not.
        """
        from hwenvs.calibration.spaces.fit import cheapest

        worth = np.where(np.isneginf(self.closed.numpy()), np.inf, -np.log(self.chances + 1e-12))
        pairs = np.repeat(worth[:, None, :], len(OPERATORS), axis=1)
        costs = np.where(np.isinf(worth), np.nan, self.latency.numpy().astype(np.float64))
        most = self.problem.budget.limit if np.isfinite(self.problem.budget.amount) else np.inf
        return cheapest(self.space, pairs, costs, most - self.rest)

    def _weights(self, shares: Tensor, gates: Tensor) -> Tensor:
        """[T, 1] what slopes count, by the shares [T, 2] of the operators and which one is open."""
        if self.settings.balance == 1:
            return torch.ones(len(shares), 1)
        likely = (shares * gates).sum(1, keepdim=True)
        return (0.5 / likely).clamp(max=self.settings.balance)

    def _probabilities(self) -> Tensor:
        return (self.logits + self.closed).softmax(1)

    def _pairs(self, chances: Floats) -> Ints:
        """Two different operators [T, 2] a block, drawn by their probabilities (Gumbel's trick)."""
        noise = self.random.gumbel(size=chances.shape)
        keys = np.where(chances > 0, np.log(np.maximum(chances, 1e-300)) + noise, -np.inf)
        return np.argsort(-keys, axis=1)[:, :2]

    def _loss(self, pairs: Ints, gates: Tensor) -> Tensor:
        rows = self.random.choice(len(self.images), self.settings.batch, replace=False)
        self.supernet.train()  # norms use the batch's statistics
        x = self.supernet.stem.maps(self.images[rows])
        for block, pair, gate in zip(self.supernet.blocks, pairs, gates, strict=True):
            outputs = [block(x, OPERATORS[number]) for number in pair]
            x = gate[0] * outputs[0] + gate[1] * outputs[1]
        return functional.cross_entropy(self.supernet.head(x), self.labels[rows])

    def _costs(self) -> tuple[Tensor, float]:
        """Budgeted costs [T, n] of operators (0 for what is not offered), and of the rest."""
        from hwenvs.hardware.operators import operator_costs

        costs = operator_costs(self.space, self.problem.hardware)
        quantity = self.problem.budget.quantity
        table = np.nan_to_num(costs.of(quantity))
        return torch.from_numpy(table).float(), float(
            costs.constant[costs.quantities.index(quantity)]
        )
