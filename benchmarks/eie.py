"""EIE beside its paper: nine layers, queue depths, fillers and load balance.

    python benchmarks/eie.py --out docs/results/eie.png

Matrices and vectors are random with the published densities, so zeros lie more evenly than in
trained networks.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy import sparse

from hwenvs.files import replacing
from hwenvs.hardware.eie import (
    EIEChip,
    column_cycles,
    queue_cycles,
    simulate,
    stored_entries,
)

# outputs, inputs, weight and activation density, theoretical and actual microseconds (Han et al.,
# ISCA 2016; times recalled, densities printed rounded to a percent)
LAYERS = {
    "AlexNet FC6": (4096, 9216, 0.09, 0.351, 28.1, 30.3),
    "AlexNet FC7": (4096, 4096, 0.09, 0.353, 11.7, 12.2),
    "AlexNet FC8": (1000, 4096, 0.25, 0.375, 8.9, 9.9),
    "VGG FC6": (4096, 25088, 0.04, 0.183, 28.1, 34.4),
    "VGG FC7": (4096, 4096, 0.04, 0.375, 7.9, 8.7),
    "VGG FC8": (1000, 4096, 0.23, 0.411, 7.3, 8.4),
    "NeuralTalk We": (600, 4096, 0.10, 1.0, 5.2, 8.0),
    "NeuralTalk Wd": (8791, 600, 0.11, 1.0, 13.0, 13.9),
    "NeuralTalk LSTM": (2400, 1201, 0.10, 1.0, 6.5, 7.5),
}
SIZES = 2 ** np.arange(9)
Layer = tuple[sparse.csc_matrix, np.ndarray]


def draw_layers(seed: int) -> dict[str, Layer]:
    """Random matrices and vectors of the published shapes and densities."""
    random, layers = np.random.default_rng(seed), {}
    for name, (outputs, inputs, weights, activations, *_) in LAYERS.items():
        matrix = sparse.random(outputs, inputs, weights, format="csc", rng=random)
        layers[name] = matrix, (random.random(inputs) < activations).astype(float)
    return layers


def table(layers: dict[str, Layer]) -> None:
    """Prints the simulated and expected beside the published times."""
    print("| layer | theoretical us | published | actual us | published | expected us | ms |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    errors: list[list[float]] = [[], [], []]
    chip, alexnet = EIEChip(), 0.0
    for name, (matrix, vector) in layers.items():
        outputs, _, density, _, theoretical, actual = LAYERS[name]
        started = time.perf_counter()
        result = simulate(matrix, vector)
        seconds = time.perf_counter() - started
        alexnet += seconds if name.startswith("AlexNet") else 0.0
        cycles = np.count_nonzero(vector) * column_cycles(-(-outputs // 64), density, chip)
        expected = float(cycles + chip.pipeline) / chip.clock
        ideal, real = result.balanced_seconds * 1e6, result.seconds * 1e6
        pairs = (ideal / theoretical, real / actual, expected / result.seconds)
        for errors_of, ratio in zip(errors, pairs, strict=True):
            errors_of.append(100 * abs(ratio - 1))
        print(
            f"| {name} | {ideal:.1f} | {theoretical} | {real:.1f} | {actual} | "
            f"{1e6 * expected:.1f} | {1e3 * seconds:.0f} |"
        )
    words = ("theoretical", "actual", "expected against simulated")
    for word, some in zip(words, errors, strict=True):
        print(f"{word}: mean error {np.mean(some):.1f} %, worst {max(some):.1f} %")
    print(f"simulating AlexNet's three layers took {1e3 * alexnet:.0f} ms")


def draw(layers: dict[str, Layer], path: Path) -> None:
    """Queue depths, fillers and load balance."""
    figure = Figure((12.5, 4.2), 120, layout="constrained")
    queues, fillers, balance = figure.subplots(1, 3)
    colours = dict(zip(layers, _colours(), strict=True))
    for name, (matrix, vector) in layers.items():
        style = {"color": colours[name], "marker": ".", "label": name}
        work = stored_entries(matrix, EIEChip(), vector != 0)
        busy = work.sum() / work.shape[1]
        queues.plot(SIZES, [100 * busy / queue_cycles(work, int(q)) for q in SIZES], **style)
        runs = [simulate(matrix, vector, EIEChip(elements=int(count))) for count in SIZES]
        fillers.plot(SIZES, [100 * run.fillers / run.entries for run in runs], **style)
        balance.plot(SIZES, [100 * run.balance for run in runs], **style)
    for axes, what, along in (
        (queues, "cycles in which elements multiply, %", "places in a queue"),
        (fillers, "filler zeros among stored entries, %", "processing elements"),
        (balance, "cycles in which elements multiply, %", "processing elements"),
    ):
        axes.set_xscale("log", base=2)
        axes.set_xticks(SIZES, [str(size) for size in SIZES])
        axes.set_xlabel(along)
        axes.set_ylabel(what)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    places = EIEChip().queue
    queues.axvline(places, color="0.6", lw=0.8, ls=":")
    queues.text(places * 1.1, 2, f"EIE has {places}", color="0.4", fontsize=8)
    balance.legend(frameon=False, fontsize=8)
    figure.suptitle("EIE: queues, fillers and load balance on random matrices", fontsize=12)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _colours() -> list[str]:
    return [
        *("#0072B2", "#56B4E9", "#003F5C", "#D55E00", "#E69F00", "#8C2D04"),
        *("#009E73", "#66C2A5", "#00441B"),
    ]


def main() -> None:
    """Prints the table and draws the curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="where the picture goes")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    layers = draw_layers(arguments.seed)
    table(layers)
    if arguments.out is not None:
        draw(layers, arguments.out)


if __name__ == "__main__":
    main()
