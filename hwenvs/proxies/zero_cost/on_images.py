"""Scores that look at a batch of real images: gradient norm, NASWOT and ZiCo."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from hwenvs.networks.base import Layer
from hwenvs.networks.modules import TableModule
from hwenvs.proxies.zero_cost.running import logits, on_batch, weights_of

ZICO_BATCHES = 4
"""Batches that the images are split into. The paper has two of 128, of which a deviation is hardly
more than noise."""

RELUS = ("relu", "relu6")
"""Activations that NASWOT takes codes of."""


def gradients(module: TableModule, images: Tensor, labels: Tensor) -> list[Tensor]:
    """Gradients of the mean cross-entropy by the weights of every layer, batch norms training."""
    loss = functional.cross_entropy(logits(module, images, on_batch(module)), labels)
    return list(torch.autograd.grad(loss, weights_of(module)))


def grad_norm(module: TableModule, images: Tensor, labels: Tensor) -> float:
    """The norm of the gradient (Abdelfattah et al., ICLR 2021).

    ``sum_l ||dL/dw_l||``: Euclidean norms of the gradients of the cross-entropy on one batch by the
    weights of every layer, added up over layers as the paper does.

    Args:
        module: the network; stays as it is.
        images: ``[N, C, R, R]``, normalised.
        labels: ``[N]``.
    """
    return float(sum(slope.double().norm() for slope in gradients(module, images, labels)))


@torch.no_grad()
def naswot(module: TableModule, images: Tensor, _labels: Tensor) -> float:
    """Neural architecture search without training (Mellor et al., ICML 2021).

    ``log |det K|`` with ``K_ij = U - d(c_i, c_j)``: ``U`` units, ``d`` the Hamming distance of the
    binary codes of images i and j, which say for every unit whether it lets the image pass. Kernels
    are added up over activations. Codes are ``0 < x`` of what relu and relu6 behind layers read:
    that relu6 stops at 6 as well goes unsaid. Batch norms see the batch.

    Args:
        module: the network; stays as it is.
        images: ``[N, C, R, R]``, normalised.

    Returns:
        The natural logarithm; minus infinity if two images have equal codes, for then the kernel
        is singular.
    """
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64)
    whole = on_batch(module)

    def compute(layer: Layer, x: Tensor) -> Tensor:
        y = whole(layer, x)
        if layer.activation in RELUS:
            # Signs: a product counts agreements less disagreements, exactly up to 2^24 units.
            signs = 2.0 * (y.flatten(1) > 0).float() - 1.0
            kernel.add_((signs @ signs.T).double() / 2 + signs.shape[1] / 2)
        return y

    logits(module, images, compute)
    sign, logarithm = torch.linalg.slogdet(kernel)
    return float(logarithm) if sign > 0 else float("-inf")


def zico(module: TableModule, images: Tensor, labels: Tensor) -> float:
    """The inverse coefficient of variation of gradients (Li et al., ICLR 2023).

    ``sum_l log sum_w E|g_w| / sqrt(Var |g_w|)`` over the weights ``w`` of layer ``l``: mean and
    variance of the absolute gradient of the cross-entropy over batches, weights staying as they
    are. (The authors' code has the variance of the gradient with its sign.) Weights whose gradient
    is the same in all batches are left out, and so are layers that have no other.

    Args:
        module: the network; stays as it is.
        images: ``[N, C, R, R]``, normalised; split into :data:`ZICO_BATCHES` batches.
        labels: ``[N]``.

    Returns:
        The score, in nats.
    """
    parts = zip(*(given.tensor_split(ZICO_BATCHES) for given in (images, labels)), strict=True)
    batches = [gradients(module, *part) for part in parts]
    score = 0.0
    for slopes in zip(*batches, strict=True):
        sizes = torch.stack(slopes).double().abs()
        mean, deviation = sizes.mean(0), sizes.std(0, correction=0)
        varies = deviation > 0
        if varies.any():
            score += float((mean[varies] / deviation[varies]).sum().log())
    return score
