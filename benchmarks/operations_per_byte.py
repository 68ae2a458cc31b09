"""Where bits count: operations per byte, and arithmetic against memory time, layer by layer.

    python benchmarks/operations_per_byte.py --out docs/results/operations_per_byte.png

Prints the share of time of depthwise and of pointwise layers, and what bits the certified optimum
gives each kind on the edge and in the cloud.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from hwenvs.baselines.exact import optimum
from hwenvs.files import replacing
from hwenvs.hardware import BitSerial, Workload
from hwenvs.hardware.energy import dram_bits
from hwenvs.networks import Network, get_network
from hwenvs.problems import make_problem
from hwenvs.text import counted

CHIPS = ("bismo-edge", "bismo-cloud")
KINDS = {"depthwise": "#D55E00", "conv": "#0072B2"}
NAMES = {"depthwise": "depthwise", "conv": "pointwise"}


def draw(network: Network, path: Path) -> None:
    """Operations per byte above, times below."""
    figure = Figure((10.5, 6.2), 120, layout="constrained")
    upper, *lower = figure.subplots(3, 1, sharex=True)
    workload = Workload.make(network.layers, weight_bits=8, activation_bits=8)
    density = workload.macs[0] / (dram_bits(workload)[0] / 8)
    at = np.arange(len(network.layers))
    kinds = np.array([layer.kind for layer in network.layers])
    for kind, colour in KINDS.items():
        rows = kinds == kind
        upper.bar(at[rows], density[rows], color=colour, label=NAMES[kind])
    upper.set_yscale("log")
    upper.set_ylim(top=500)
    upper.set_ylabel("MACs per byte\n(8 bits, one image)")
    upper.set_title(f"{network.title}: operations per byte, and time at 8 bits", loc="left")
    upper.legend(frameon=False, ncols=2)
    for axes, name in zip(lower, CHIPS, strict=True):
        chip = BitSerial(name)
        axes.bar(at - 0.2, 1e3 * chip.compute(workload)[0], 0.4, color="#0072B2", label="computing")
        axes.bar(at + 0.2, 1e3 * chip.memory(workload)[0], 0.4, color="#E69F00", label="DRAM")
        axes.set_ylabel(f"{name}\nms for {counted(chip.chip.images, 'image')}")
        axes.legend(frameon=False, ncols=2)
    lower[-1].set_xlabel("layer, in the order in which they run")
    for axes in (upper, *lower):
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def shares(network: Network) -> None:
    """Prints how much of the time each kind takes and how many of its layers wait for memory."""
    workload = Workload.make(network.layers, weight_bits=8, activation_bits=8)
    kinds = np.array([layer.kind for layer in network.layers])
    for name in CHIPS:
        chip = BitSerial(name)
        time = chip.layer_costs(workload)["latency"][0]
        waits = chip.memory(workload)[0] > chip.compute(workload)[0]
        for kind in KINDS:
            rows = kinds == kind
            print(
                f"{network.title} on {name}: {NAMES[kind]:9} {time[rows].sum() / time.sum():6.1%} "
                f"of the time, {waits[rows].sum()} of {rows.sum()} layers wait for memory"
            )


def bits(network: str, budget: float) -> None:
    """Prints the mean bits that the optimum gives each kind."""
    for name in CHIPS:
        problem = make_problem("bit_allocation", network=network, hardware=name, budget=budget)
        chosen = np.array(optimum(problem).design).reshape(-1, 2)
        table = get_network(network)
        kinds = np.array([layer.kind for layer in table.layers[1:-1]])
        for kind in KINDS:
            weights, activations = chosen[kinds == kind].mean(0)
            print(
                f"{table.title} at {budget:.0%} on {name}: {NAMES[kind]:9} weights "
                f"{weights:.2f} bits, activations {activations:.2f} bits"
            )


def main() -> None:
    """Prints the figures and draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--network", default="mobilenet_v1")
    parser.add_argument("--budget", type=float, default=0.4)
    arguments = parser.parse_args()
    network = get_network(arguments.network)
    draw(network, arguments.out)
    shares(network)
    bits(arguments.network, arguments.budget)


if __name__ == "__main__":
    main()
