"""Analytic tables: a stand-in made from the layer table alone, until a network is measured.

The model has three parts, and no measurement of the network in it:

* *Redundancy.* Activations of trained networks have covariance spectra close to a power law with
  exponent 1 (found in visual cortex by Stringer et al., Nature 2019, and in networks after them).
  Keeping k of C channels and re-fitting by least squares then leaves about the energy of the tail
  unexplained: r(k) = 1 - H(k) / H(C), with the harmonic numbers H.
* *Reach.* In a chain every error passes on whole.  In a residual stream that sums (or concatenates)
  n terms a branch writes one of them, so its error arrives with weight 1/n.
* *Accuracy.* The excess over chance falls like 1 / (1 + (D / D0)^2) with the summed divergence D.

Nothing but ``+ - * /`` is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwenvs.networks.base import INPUT, Add, Concat, Layer, Network, Recurrent
from hwenvs.networks.coupling import channel_groups
from hwenvs.proxies.card import Card
from hwenvs.proxies.curve import AccuracyCurve
from hwenvs.proxies.surrogate import SurrogateProxy, Sweep


@dataclass(frozen=True)
class Constants:
    """Constants of the analytic model.

    Attributes:
        half_divergence: D0, at which half of the excess over chance is lost.  Set once, so that
            ResNet-56 pruned uniformly to 50 % of its MACs and re-fitted layer by layer falls from
            93.4 % to about 80 %, which was measured.
        curve_points: points of the piecewise-linear curve, denser where it is steep.
        curve_reach: the curve's last point, in units of D0.
    """

    half_divergence: float = 0.55
    curve_points: int = 65
    curve_reach: float = 16.0


CONSTANTS = Constants()

PUBLISHED_TOP1: dict[str, tuple[float, str]] = {
    "resnet50": (0.76130, "torchvision, IMAGENET1K_V1"),
    "resnet18": (0.69758, "torchvision, IMAGENET1K_V1"),
    "vgg16": (0.71592, "torchvision, IMAGENET1K_V1"),
    "alexnet": (0.56522, "torchvision, IMAGENET1K_V1"),
    "mobilenet_v2": (0.71878, "torchvision, IMAGENET1K_V1"),
    "mobilenet_v1": (0.706, "AMC (ECCV 2018)"),
    "resnet20": (0.9125, "He et al. (CVPR 2016), table 6"),
    "resnet32": (0.9249, "He et al. (CVPR 2016), table 6"),
    "resnet44": (0.9283, "He et al. (CVPR 2016), table 6"),
    "resnet56": (0.9303, "He et al. (CVPR 2016), table 6"),
    "lenet_300_100": (0.9836, "Deep Compression (ICLR 2016)"),
    "lenet5": (0.9920, "Deep Compression (ICLR 2016)"),
}
"""Accuracies of the uncompressed networks, where the analytic curve starts, and their source."""

UNKNOWN_BASELINE = (0.75, "assumed: no published accuracy is known for this network")


def analytic_proxy(network: Network) -> SurrogateProxy:
    """The analytic table of channel pruning for ``network``."""
    reach = reach_of(network)
    groups = channel_groups(network)
    sweeps = []
    for group in groups:
        weight = min(sum(reach[reader] for reader in group.readers), 1.0)
        kept = np.arange(1, group.channels + 1)
        sweeps.append(Sweep(group.name, group.channels, kept, weight * tail(group.channels)))
    baseline, source = PUBLISHED_TOP1.get(network.name, UNKNOWN_BASELINE)
    return SurrogateProxy(
        sweeps,
        np.zeros(len(groups)),
        accuracy_curve(network, baseline),
        analytic_card(network, baseline, source),
    )


def tail(channels: int) -> NDArray[np.float64]:
    """Energy [channels] left unexplained by the first 1, 2, ... of ``channels`` directions."""
    harmonic = np.cumsum(1.0 / np.arange(1, channels + 1))
    left: NDArray[np.float64] = 1.0 - harmonic / harmonic[-1]
    return left


def reach_of(network: Network) -> dict[str, float]:
    """By layer: the share of the residual stream it ends in that passes through it.

    An error is followed through the layers of its branch and on along the stream, but not into the
    next branch, which reads it diluted.
    """
    terms: dict[str, int] = {INPUT: 1}
    for node in network.nodes:
        sources = sum(terms[source] for source in node.inputs)
        terms[node.name] = 1 if isinstance(node, Layer | Recurrent) else sources
    widest: dict[str, int] = {}
    for node in reversed(network.nodes):
        readers = [network[name] for name in network.readers[node.name]]
        if isinstance(node, Add | Concat):
            readers = [reader for reader in readers if not isinstance(reader, Layer | Recurrent)]
        widest[node.name] = max([terms[node.name], *(widest[r.name] for r in readers)])
    return {layer.name: 1.0 / widest[network.node_of(layer.name).name] for layer in network.layers}


def accuracy_curve(network: Network, baseline: float) -> AccuracyCurve:
    """From the summed divergence to accuracy."""
    chance = min(1.0 / network.classes, baseline)
    place = np.arange(CONSTANTS.curve_points) / (CONSTANTS.curve_points - 1)
    x = CONSTANTS.curve_reach * place * place
    accuracy = chance + (baseline - chance) / (1.0 + x * x)
    return AccuracyCurve(x * CONSTANTS.half_divergence, accuracy, f"analytic {network.name}")


def analytic_card(network: Network, baseline: float, source: str) -> Card:
    """The card of the table of channel pruning."""
    return Card(
        network=network.name,
        family="channel_pruning",
        basis="analytic",
        data="none",
        images=0,
        command="none: hwenvs.proxies.analytic.analytic_proxy",
        date="",
        baseline_accuracy=baseline,
        metric="top1",
        reconstruction="none: least squares is assumed",
        measured_by="nobody",
        notes=(
            "Made from the layer table alone. Keeping k of C channels leaves 1 - H(k)/H(C) of the "
            "energy unexplained (power-law spectrum, exponent 1), weighted with the share of the "
            "residual stream that passes through the layer; accuracy falls like 1/(1 + (D/D0)^2), "
            f"D0 = {CONSTANTS.half_divergence}. Baseline {baseline:.2%}: {source}."
        ),
    )
