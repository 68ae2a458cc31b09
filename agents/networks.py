"""The networks of actor-critic agents, and how slow copies follow them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Actor(nn.Sequential):
    """States [n, F] to actions [n, A] in (0, 1)."""

    def __init__(self, features: int, actions: int, hidden: tuple[int, int]) -> None:
        super().__init__(
            nn.Linear(features, hidden[0]),
            nn.ReLU(),
            nn.Linear(hidden[0], hidden[1]),
            nn.ReLU(),
            nn.Linear(hidden[1], actions),
            nn.Sigmoid(),
        )


class Critic(nn.Module):
    """States [n, F] and actions [n, A] to values [n, 1]; the action enters the first layer."""

    def __init__(self, features: int, actions: int, hidden: tuple[int, int]) -> None:
        super().__init__()
        self.state = nn.Linear(features, hidden[0])
        self.action = nn.Linear(actions, hidden[0])
        self.rest = nn.Sequential(
            nn.ReLU(), nn.Linear(hidden[0], hidden[1]), nn.ReLU(), nn.Linear(hidden[1], 1)
        )

    def forward(self, states: Tensor, actions: Tensor) -> Tensor:
        """The values."""
        values: Tensor = self.rest(self.state(states) + self.action(actions))
        return values


@torch.no_grad()
def follow(target: nn.Module, source: nn.Module, rate: float) -> None:
    """Moves the weights of ``target`` by ``rate`` of the way to those of ``source``."""
    for slow, fast in zip(target.parameters(), source.parameters(), strict=True):
        slow.lerp_(fast, rate)


@contextmanager
def small_networks() -> Iterator[None]:
    """Settings of torch under which networks of some hundred units learn fastest.

    One thread, so that results do not depend on the number of cores either; and numbers below
    1e-38, to which Adam's averages for dead units decay, count as zero, because processors are slow
    with them.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)
