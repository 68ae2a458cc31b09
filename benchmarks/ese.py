"""ESE beside its paper: the LSTM of 1,024 cells, and what load-balance-aware pruning is worth.

    python benchmarks/ese.py --out docs/results/ese.png

Matrices of the published LSTM have random weights of one size, among which plain pruning is nearly
balanced already; the shipped LSTM is trained, and its rows differ.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from hwenvs.compression.load_balance import balance, balanced, row_blocks
from hwenvs.files import replacing
from hwenvs.hardware.ese import ESE, ESEChip, StepRun, simulate_step
from hwenvs.hardware.workload import Workload
from hwenvs.networks.builder import TableBuilder

CELLS, PROJECTION, INPUTS = 1024, 512, 153
DENSITY = 0.10
PUBLISHED = {"theoretical us": 57.0, "real us": 82.7, "GOP/s": 282.0, "dense TOP/s": 2.52}
"""Han et al., FPGA 2017 (times recalled)."""

ELEMENTS = (4, 8, 16, 32, 64, 128)
DENSITIES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0)
COLOURS = {"published shape, random": "#0072B2", "trained on digit rows": "#D55E00"}


def random_lstm(seed: int) -> list[Tensor]:
    """Weights of the published LSTM, gates below one another: normal, of one size."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((4 * CELLS, INPUTS), (4 * CELLS, PROJECTION), (PROJECTION, CELLS))
    return [torch.randn(shape, generator=generator) for shape in shapes]


def trained_lstm() -> list[Tensor]:
    """Matrices of the shipped LSTM; none if it is not there."""
    from hwenvs.calibration.bench import SHIPPED_WEIGHTS
    from hwenvs.networks.modules import read_weights

    found = sorted(SHIPPED_WEIGHTS.glob("lstm_*.safetensors"))
    if not found:
        return []
    state, _ = read_weights(found[0])
    return [state[f"lstm.weight_{part}_l0"].float() for part in ("ih", "hh", "hr")]


def pruned(weights: list[Tensor], density: float, chip: ESEChip, even: bool) -> list[Tensor]:
    """Masks of the weights that stay; ``even`` prunes every element's rows by themselves."""
    masks = []
    for weight in weights:
        rows = len(weight)
        blocks = row_blocks(rows, chip.elements, chip.rows) if even else row_blocks(rows, 1)
        masks.append(balanced(weight.abs(), density, blocks))
    return masks


def step(weights: list[Tensor], density: float, chip: ESEChip, even: bool) -> StepRun:
    """One step with pruned weights."""
    masks = pruned(weights, density, chip, even)
    return simulate_step([mask.numpy() for mask in masks], weights[-1].shape[1], chip)


def chip_with(elements: int) -> ESEChip:
    """A chip with as many accumulators in all, and as much bandwidth for each element."""
    one = ESEChip()
    return one.changed(
        elements=elements,
        accumulators=max(one.rows // elements, 1),
        bandwidth=one.bandwidth * elements / one.elements,
    )


def expected_seconds(chip: ESEChip) -> float:
    """What the model inside environments says for a step of the published LSTM."""
    table = TableBuilder(INPUTS, in_channels=1)
    table.lstm("lstm", CELLS, PROJECTION)
    layers = table.build("ese", "ESE").layers
    workload = Workload.make(layers, weight_density=DENSITY, weight_bits=chip.weight_bits)
    return float(ESE(chip).cost(workload)["latency"][0]) / INPUTS


def print_published(weights: list[Tensor]) -> None:
    """The published step beside the simulated one."""
    even = step(weights, DENSITY, ESEChip(), True)
    ours = (
        1e6 * even.balanced_seconds,
        1e6 * even.seconds,
        even.operations_per_second / 1e9,
        even.dense_operations_per_second / 1e12,
    )
    print("| step of the 1,024-cell LSTM | published | simulated | error |")
    print("| --- | ---: | ---: | ---: |")
    for (name, published), value in zip(PUBLISHED.items(), ours, strict=True):
        print(f"| {name} | {published:g} | {value:.4g} | {100 * (value / published - 1):+.1f} % |")
    multiply = 1e6 * even.multiply_seconds
    fillers = sum(run.fillers for run in even.matrices) / sum(run.entries for run in even.matrices)
    print(f"\nif DRAM were never late: {multiply:.1f} us; fillers {fillers:.1%} of the entries")
    print(f"expected values, as environments use them: {1e6 * expected_seconds(ESEChip()):.1f} us")
    double = ESEChip(bandwidth=2 * ESEChip().bandwidth)
    print(f"with twice the bandwidth: {1e6 * step(weights, DENSITY, double, True).seconds:.1f} us")


def print_balance(networks: dict[str, list[Tensor]]) -> None:
    """Plain against balanced pruning at the published density."""
    print(
        "\n| weights | density | balance, plain | plain us | balanced us | speed-up | over dense |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    chip = ESEChip()
    for name, weights in networks.items():
        dense = step(weights, 1.0, chip, True).seconds
        for density in (0.05, 0.1, 0.2):
            plain, even = (step(weights, density, chip, kind).seconds for kind in (False, True))
            masks = pruned(weights, density, chip, False)
            worst = min(
                balance(mask, row_blocks(len(mask), chip.elements, chip.rows)) for mask in masks
            )
            print(
                f"| {name} | {density:.0%} | {worst:.2f} | {1e6 * plain:.2f} | {1e6 * even:.2f} | "
                f"{plain / even:.3f} | {dense / plain:.2f} -> {dense / even:.2f} |"
            )


def draw(networks: dict[str, list[Tensor]], path: Path) -> None:
    """The speed-up from load balance against elements and density, and that over dense."""
    figure = Figure((12.5, 4.2), 120, layout="constrained")
    by_elements, by_density, over_dense = figure.subplots(1, 3)
    for name, weights in networks.items():
        colour = COLOURS[name]
        chips = [chip_with(elements) for elements in ELEMENTS]
        gains = [gain(weights, DENSITY, chip) for chip in chips]
        by_elements.plot(ELEMENTS, gains, color=colour, marker=".", label=name)
        chip = ESEChip()
        by_density.plot(
            [100 * d for d in DENSITIES],
            [gain(weights, d, chip) for d in DENSITIES],
            color=colour,
            marker=".",
        )
        dense = step(weights, 1.0, chip, True).seconds
        for even, dashes in ((True, "-"), (False, ":")):
            over_dense.plot(
                [100 * d for d in DENSITIES],
                [dense / step(weights, d, chip, even).seconds for d in DENSITIES],
                color=colour,
                ls=dashes,
                marker=".",
            )
    finish(by_elements, by_density, over_dense)
    figure.suptitle("ESE: what load-balance-aware pruning is worth", fontsize=12)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def gain(weights: list[Tensor], density: float, chip: ESEChip) -> float:
    """Percent that plain pruning takes longer than balanced pruning."""
    plain, even = (step(weights, density, chip, kind).seconds for kind in (False, True))
    return 100 * (plain / even - 1)


def finish(by_elements: Axes, by_density: Axes, over_dense: Axes) -> None:
    """Labels and scales."""
    by_elements.set_xscale("log", base=2)
    by_elements.set_xticks(ELEMENTS, [str(count) for count in ELEMENTS])
    by_elements.set_xlabel(f"processing elements (density {DENSITY:.0%})")
    by_elements.legend(frameon=False, fontsize=8)
    for axes in (by_density, over_dense):
        axes.set_xscale("log")
        axes.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
        axes.minorticks_off()
        axes.set_xlabel("density, % (32 elements)")
    for axes in (by_elements, by_density):
        axes.set_ylabel("plain pruning takes longer by, %")
        axes.set_ylim(bottom=0)
    over_dense.set_ylabel("times faster than dense")
    over_dense.plot([], [], color="0.4", label="balanced")
    over_dense.plot([], [], color="0.4", ls=":", label="plain")
    over_dense.legend(frameon=False, fontsize=8)
    for axes in (by_elements, by_density, over_dense):
        axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Prints the tables and draws the curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="where the picture goes")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    names = list(COLOURS)
    networks = {names[0]: random_lstm(arguments.seed), names[1]: trained_lstm()}
    networks = {name: weights for name, weights in networks.items() if weights}
    print_published(networks[names[0]])
    print_balance(networks)
    if arguments.out is not None:
        draw(networks, arguments.out)


if __name__ == "__main__":
    main()
