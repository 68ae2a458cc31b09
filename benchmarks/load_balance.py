"""Plain against load-balance-aware pruning of the shipped LSTM: accuracy, and exact time on ESE.

    python benchmarks/load_balance.py --data DATA --out docs/results/load_balance.png

Accuracy is that of the real network on MNIST test rows that no table has seen; time is the exact
simulation of the same pruned matrices, for the 28 rows of a digit.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from hwenvs.calibration.bench import Bench, open_bench
from hwenvs.compression.fine_grained import SparseLibrary
from hwenvs.compression.folding import FoldedNetwork
from hwenvs.compression.quantizers import linear_grid
from hwenvs.compression.recipe import Recipe
from hwenvs.compression.shared import SharedLibrary
from hwenvs.files import replacing
from hwenvs.hardware.ese import ESEChip, simulate_matrix, simulate_step
from hwenvs.networks import FLOAT_BITS, WeightGroup

NETWORK, CELLS, STEPS = "lstm", 128, 28
CALIBRATION, TEST = range(1000), range(2000, 3000)
DENSITIES = (5, 7, 10, 12, 15, 20, 25, 30, 40, 50)
COLOURS = {"plain": "#D55E00", "balanced": "#0072B2"}


@dataclass(frozen=True)
class Point:
    """A pruned network.

    Attributes:
        density: percent of the weights that stay.
        made_up: accuracy where weights that stay make up for the others.
        magnitude: accuracy where the largest weights stay as they are.
        rounded: accuracy of the first with weights of 12 bits.
        seconds: for one image.
    """

    density: int
    made_up: float
    magnitude: float
    rounded: float
    seconds: float


def right(network: FoldedNetwork, bench: Bench) -> float:
    """Accuracy on the test rows."""
    return float((network(bench.images).argmax(1) == bench.labels).float().mean())


def rounded(network: FoldedNetwork, bits: int) -> FoldedNetwork:
    """Weights on a symmetric grid of ``bits`` for each matrix."""
    weights: dict[str, Tensor] = {}
    for name, weight in network.weights.items():
        grid = linear_grid(weight, bits, per_channel=False, clipping="minmax")
        weights[name] = torch.where(weight != 0, grid(weight), 0.0)
    return replace(network, weights=weights)


def seconds(network: FoldedNetwork) -> float:
    """Exact time of an image."""
    layers = network.network.layers
    masks = {layer.name: (network.weights[layer.name] != 0).numpy() for layer in layers}
    step = simulate_step([masks[layer.name] for layer in layers if layer.cell], CELLS, ESEChip())
    return STEPS * step.seconds + simulate_matrix(masks[layers[-1].name]).seconds


def curve(bench: Bench, even: bool) -> Iterator[Point]:
    """The network at all densities."""
    bench = bench.with_recipe(elements=ESEChip().elements if even else None)
    made_up = SharedLibrary(bench.reference)
    largest = SparseLibrary(bench.reference, method="magnitude")
    layers = bench.network.layers
    for density in DENSITIES:
        network = made_up.network([density, FLOAT_BITS] * len(layers))
        plain = bench.reference.folded.copy()
        for layer in layers:
            plain.weights[layer.name] = largest.weight(WeightGroup(layer.name), density)
        yield Point(
            density,
            right(network, bench),
            right(plain, bench),
            right(rounded(network, ESEChip().weight_bits), bench),
            seconds(network),
        )


def table(bench: Bench, curves: dict[str, list[Point]]) -> None:
    """Prints what both ways keep and take."""
    whole = bench.reference.folded
    print(
        f"whole network: {right(whole, bench):.2%}, with 12-bit weights "
        f"{right(rounded(whole, ESEChip().weight_bits), bench):.2%}, {1e6 * seconds(whole):.1f} us"
    )
    print(
        "| density | plain | balanced | balanced, 12 bits | magnitude: plain | balanced | plain us "
        "| balanced us | speed-up |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for plain, even in zip(curves["plain"], curves["balanced"], strict=True):
        print(
            f"| {plain.density} % | {plain.made_up:.2%} | {even.made_up:.2%} | {even.rounded:.2%} "
            f"| {plain.magnitude:.2%} | {even.magnitude:.2%} | {1e6 * plain.seconds:.1f} "
            f"| {1e6 * even.seconds:.1f} | {plain.seconds / even.seconds:.3f} |"
        )


def draw(curves: dict[str, list[Point]], path: Path) -> None:
    """Accuracy against time."""
    figure = Figure((6.4, 4.2), 120, layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        times = [1e6 * point.seconds for point in points]
        made_up = [100 * point.made_up for point in points]
        axes.plot(times, made_up, color=COLOURS[name], marker=".", label=name)
        largest = [100 * point.magnitude for point in points]
        axes.plot(times, largest, color=COLOURS[name], marker=".", ls=":")
    axes.plot([], [], color="0.4", ls=":", label="by magnitude alone, nothing made up for")
    axes.set_xlabel("time of a digit on ESE, µs")
    axes.set_ylabel("accuracy, %")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("A sparse LSTM on MNIST rows, 5 to 50 % of its weights", fontsize=11)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def main() -> None:
    """Prints the table and draws the curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with the data sets")
    parser.add_argument("--weights", type=Path, help="weights; default: those that are shipped")
    parser.add_argument("--out", type=Path, help="where the picture goes")
    arguments = parser.parse_args()
    bench = open_bench(
        NETWORK,
        CALIBRATION,
        TEST,
        Recipe(),
        arguments.data,
        arguments.weights,
        family="deep_compression",
    )
    with torch.inference_mode():
        curves = {name: list(curve(bench, name == "balanced")) for name in COLOURS}
        table(bench, curves)
    if arguments.out is not None:
        draw(curves, arguments.out)


if __name__ == "__main__":
    main()
