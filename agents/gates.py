"""Architecture parameters of ProxylessNAS: two paths a block, binary gates, expected latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hwenvs.errors import ArgumentError
from hwenvs.networks import OPERATORS
from hwenvs.problems.operator_selection import OperatorSelectionProblem

if TYPE_CHECKING:
    from hwenvs.agents.proxyless import Settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TEMPERATURES = tuple(np.geomspace(0.5, 8.0, 33).tolist())
"""What logits may be divided by."""

JUDGED = 512
"""Images that the temperature is chosen on, and batch norms are estimated on for it, at most."""


class Search:
    """Architecture parameters, and what one step does to them.

    Args:
        problem: whose space, latency and budget.
        settings: hyper-parameters.
        seed: of paths and images.

    Attributes:
        logits: [T, n] parameters; minus infinity for what a block does not offer.
        temperature: that the supernet's logits are divided by.
    """

    def __init__(self, problem: OperatorSelectionProblem, settings: Settings, seed: int) -> None:
        from hwenvs.calibration.spaces.bench import evaluation_images, open_supernet

        self.problem, self.settings, self.space = problem, settings, problem.space
        self.random = np.random.default_rng(seed)
        self.supernet, metadata = open_supernet(self.space, settings.weights or None)
        self.supernet.requires_grad_(False)
        self.images, self.labels = evaluation_images(self.space, metadata, settings.images)
        self.temperature = settings.temperature or self._suitable_temperature()
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
        logits = self.supernet.head(x) / self.temperature
        return functional.cross_entropy(logits, self.labels[rows])

    def _suitable_temperature(self) -> float:
        """Of those in :data:`TEMPERATURES`, the one with the smallest cross-entropy."""
        from hwenvs.calibration.spaces.judging import logits_of

        half = len(self.images) // 2
        images, labels = self.images[half:][:JUDGED], self.labels[half:][:JUDGED]
        module = self.supernet.architecture(self.space.largest)
        logits = logits_of(module, self.images[:half][:JUDGED], images)
        losses = [float(functional.cross_entropy(logits / t, labels)) for t in TEMPERATURES]
        return float(TEMPERATURES[int(np.argmin(losses))])

    def _costs(self) -> tuple[Tensor, float]:
        """Budgeted costs [T, n] of operators (0 for what is not offered), and of the rest."""
        from hwenvs.hardware.operators import operator_costs

        costs = operator_costs(self.space, self.problem.hardware)
        quantity = self.problem.budget.quantity
        table = np.nan_to_num(costs.of(quantity))
        return torch.from_numpy(table).float(), float(
            costs.constant[costs.quantities.index(quantity)]
        )
