"""Which channels to keep: orderings of a layer's input channels by importance.

A criterion returns all channels from most to least important; keeping ``k`` channels means keeping
the first ``k``, so that designs nest.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hwenvs.compression.least_squares import MomentMatrices
from hwenvs.errors import unknown_name

ONE_BY_ONE = 1024
"""Rows of a Gram matrix up to which channels are dropped one by one."""


def magnitude(_: MomentMatrices, weight: Tensor, __: int) -> Tensor:
    """Sum of absolute weights per input channel (AMC's and Han et al.'s choice)."""
    return torch.argsort(weight.abs().sum((0, 1)), descending=True, stable=True)


def activation(moments: MomentMatrices, weight: Tensor, _: int) -> Tensor:
    """Energy that a channel alone adds to the output: ``sum_o w_oc' G_cc w_oc``."""
    channels, taps = weight.shape[2], weight.shape[1]
    gram = moments.gram[:-1, :-1].reshape(taps, channels, taps, channels)
    blocks = torch.stack([gram[:, c, :, c] for c in range(channels)])
    energy = torch.einsum("okc,ckl,olc->c", weight.double(), blocks, weight.double())
    return torch.argsort(energy, descending=True, stable=True)


def random(_: MomentMatrices, weight: Tensor, seed: int) -> Tensor:
    """A seeded random order."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randperm(weight.shape[2], generator=generator, device="cpu").to(weight.device)


def reconstruction(moments: MomentMatrices, weight: Tensor, _: int) -> Tensor:
    """Backward elimination: drop the channel whose loss the others make up for best.

    With ``H`` the inverse Gram matrix of the channels still kept and ``W`` their least-squares
    weights, dropping channel ``c`` raises the squared error by ``tr(W_c' (H_cc)^-1 W_c)``; ``H``
    and ``W`` are then downdated (block optimal brain surgeon; Hassibi and Stork, 1993).  Where the
    Gram matrix is larger than :data:`ONE_BY_ONE` rows, a few channels go at a time.
    """
    taps, channels = weight.shape[1], weight.shape[2]
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(moments.regularised()))
    solution = inverse @ moments.cross
    at_once = max(1, taps * channels // ONE_BY_ONE)
    names = torch.arange(channels)  # of the channels that the matrices still hold
    alive = torch.ones(channels, dtype=torch.bool)
    dropped: list[int] = []
    while len(dropped) < channels - 1:
        rows = torch.arange(taps * len(names)).view(taps, len(names)).T
        left = torch.nonzero(alive).squeeze(1)
        at = rows[left]
        blocks = inverse[at[:, :, None], at[:, None, :]]
        part = solution[at]
        loss = (part * torch.linalg.solve(blocks, part)).sum((1, 2))
        victims = left[loss.argsort()[: min(at_once, len(left) - 1)]]
        index = rows[victims].flatten()
        column = inverse[:, index]
        block = column[index]
        solution.sub_(column @ torch.linalg.solve(block, solution[index]))
        inverse.sub_(column @ torch.linalg.solve(block, column.T))
        alive[victims] = False
        dropped += names[victims].tolist()
        if alive.sum() < 0.8 * len(alive):  # dead rows cost time
            kept = torch.nonzero(alive).squeeze(1)
            index = torch.cat([rows[kept].T.flatten(), torch.tensor([len(inverse) - 1])])
            inverse, solution = inverse[index][:, index], solution[index]
            names, alive = names[kept], alive[kept]
    dropped += names[alive].tolist()
    return torch.tensor(dropped[::-1])


CRITERIA: dict[str, Callable[[MomentMatrices, Tensor, int], Tensor]] = {
    "magnitude": magnitude,
    "activation": activation,
    "reconstruction": reconstruction,
    "random": random,
}
"""Selection criteria by name."""


def importance_order(
    criterion: str, moments: MomentMatrices, weight: Tensor, seed: int = 0
) -> Tensor:
    """Input channels from most to least important, ``[channels]`` int64.

    Args:
        criterion: one of :data:`CRITERIA`.
        moments: second moments of the layer's sampled inputs.
        weight: weights ``[out, taps, channels]``.
        seed: for the random criterion.

    Raises:
        UnknownNameError: if there is no such criterion.
    """
    if criterion not in CRITERIA:
        raise unknown_name("selection criterion", criterion, CRITERIA)
    return CRITERIA[criterion](moments, weight, seed)
