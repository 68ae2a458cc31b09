"""Scores that look at the network alone: Synaptic Flow and Zen."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.func import functional_call

from hwenvs.networks.base import INPUT, Layer
from hwenvs.networks.execution import run_nodes
from hwenvs.networks.modules import TableModule
from hwenvs.proxies.zero_cost.running import feature_map, normalise, unclipped

ZEN_IMAGES = 16
"""Gaussian images in Zen's batch, as in its authors' code."""

ZEN_STEP = 0.01
"""Deviation of the perturbation, alpha in the paper."""

ZEN_SEED = 0
"""Of images and perturbations: all networks get the same."""


def synflow(module: TableModule, _images: Tensor, _labels: Tensor) -> float:
    """Synaptic Flow (Tanaka et al., NeurIPS 2020), as a score by Abdelfattah et al. (ICLR 2021).

    ``log sum_w |w dR/dw|``, where ``R`` is the sum of the outputs for an image of ones when every
    weight (and bias) is replaced by its absolute value. Batch norms are left out, and relu stands
    in for relu6: everything is positive, and what is clipped at 6 would pass no flow at all. The
    sum runs over weights, not biases. It spans many orders of magnitude, hence 64-bit numbers, and
    the logarithm.

    Args:
        module: the network; stays as it is.

    Returns:
        The natural logarithm; minus infinity if no flow passes.
    """
    network = unclipped(module.network)
    weights: list[Tensor] = []

    def compute(layer: Layer, x: Tensor) -> Tensor:
        part = module.get_submodule(layer.name)
        values = {name: p.detach().abs().double() for name, p in part.named_parameters()}
        weights.append(values["weight"].requires_grad_())
        flow: Tensor = functional_call(part, values, (x,))
        return flow

    shape = (1, network.in_channels, network.resolution, network.resolution)
    ones = torch.ones(shape, dtype=torch.float64)
    out = run_nodes(network, {INPUT: ones}, compute).sum()
    flows = zip(weights, torch.autograd.grad(out, weights), strict=True)
    with torch.no_grad():
        return float(torch.stack([(w * slope).abs().sum() for w, slope in flows]).sum().log())


@torch.no_grad()
def zen(module: TableModule, _images: Tensor, _labels: Tensor) -> float:
    """The Zen-score (Lin et al., ICCV 2021, algorithm 1).

    ``log E ||F(x) - F(x + alpha e)|| + sum_i log s_i``: ``F`` is the map before it is averaged, of
    the network without shortcuts, ``x`` and ``e`` are standard Gaussian, ``alpha`` is 0.01, the
    norm is Euclidean over an image's map, and ``s_i^2`` is the mean over channels of the variance
    over the batch that batch norm ``i`` divides by. (The authors' code takes the sum of absolute
    values for the norm.) The paper draws weights from a standard Gaussian: here each layer's are
    divided by their root mean square, which comes to the same.

    Args:
        module: the network, its weights Gaussian; stays as it is.

    Returns:
        The score, in nats.
    """
    network = feature_map(module.network)
    deviations: list[Tensor] = []

    def compute(layer: Layer, x: Tensor) -> Tensor:
        part = module.get_submodule(layer.name)
        weight = part.get_parameter("weight")
        values = {"weight": weight / weight.square().mean().sqrt()}
        y: Tensor = functional_call(part, values, (x,))
        if layer.norm is None:
            return y
        channels = y.transpose(0, 1).flatten(1)
        deviations.append(0.5 * channels.var(1, correction=0).mean().log())
        return normalise(module.get_submodule(layer.norm), y)

    random = torch.Generator().manual_seed(ZEN_SEED)
    shape = (2, ZEN_IMAGES, network.in_channels, network.resolution, network.resolution)
    images, noise = torch.randn(shape, generator=random)
    there = run_nodes(network, {INPUT: images + ZEN_STEP * noise}, compute)
    deviations.clear()  # those of the images themselves count
    here = run_nodes(network, {INPUT: images}, compute)
    step = (there - here).flatten(1).norm(dim=1).mean().log()
    return float(step.double() + sum(deviation.double() for deviation in deviations))
