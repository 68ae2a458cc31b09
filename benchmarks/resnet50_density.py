"""Fine-grained pruning of ResNet-50: what 3.4x and 5x cost, and the density of every layer.

    python benchmarks/resnet50_density.py --out docs/results
    python benchmarks/resnet50_density.py --out docs/results --weights resnet50.safetensors

The second form measures every design on the real network too (test rows 5000 to 6999).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from hwenvs.baselines.exact import optimum
from hwenvs.baselines.handcrafted import Deep, Shallow
from hwenvs.files import replacing, write_json
from hwenvs.problems import make_problem
from hwenvs.problems.fine_grained_pruning import FineGrainedPruningProblem
from hwenvs.solving import solve

ENVIRONMENT = "AMC-ResNet50-FineGrained-v0"
RATIOS = {"3.4x (human experts)": 1 / 3.4, "5x (AMC)": 1 / 5}
"""Compression ratios of weights, as Song Han's talk of 2019 gives them for ResNet-50."""


def designs(problem: FineGrainedPruningProblem, evaluations: int) -> dict[str, list[int]]:
    """Designs of a problem by who made them."""
    run = solve("decomposition", ENVIRONMENT, evaluations, budget=problem.budget.fraction)
    return {
        "uniform": problem.reference.designs[0].tolist(),
        "shallow": Shallow().design(problem).tolist(),
        "deep": Deep().design(problem).tolist(),
        f"agent, {evaluations} evaluations": [int(entry) for entry in run.designs[run.best]],
        "certified optimum": [int(entry) for entry in optimum(problem).design],
    }


def measure(found: dict[str, dict[str, list[int]]], weights: Path) -> dict[str, float]:
    """Top-1 accuracy of every design (and of the whole network) on test rows 5000 to 6999."""
    from hwenvs.calibration.bench import open_bench
    from hwenvs.calibration.plans import FINE_GRAINED

    plan = FINE_GRAINED["resnet50"]
    bench = open_bench(
        "resnet50",
        range(*plan.calibration_images),
        range(5000, 7000),
        plan.recipe,
        weights=weights,
        family="fine_grained_pruning",
    )
    measured = {"whole": bench.baseline.top1}
    for ratio, some in found.items():
        for name, design in some.items():
            measured[f"{ratio}/{name}"] = bench.measure(design).top1
    return measured


def draw(problem: FineGrainedPruningProblem, found: dict[str, list[int]], path: Path) -> None:
    """Density per layer, kernels told apart by markers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots()
    layers = [problem.network.layer(name) for name in problem.names]
    at = np.arange(len(layers))
    for name, colour in (("certified optimum", "#1b6ca8"), ("uniform", "#999999")):
        axes.plot(at, found[name], color=colour, linewidth=1.2, label=name)
    chosen = np.array(found["certified optimum"])
    for kernel, marker, label in ((1, "o", "1 x 1"), (3, "s", "3 x 3")):
        rows = [i for i, layer in enumerate(layers) if layer.kernel == kernel and layer.size > 1]
        axes.plot(at[rows], chosen[rows], marker, color="#1b6ca8", markersize=5 + kernel / 3,
                  markerfacecolor="white" if kernel == 1 else "#1b6ca8", label=label)  # fmt: skip
    axes.set_xlabel("layer, in the order in which they run")
    axes.set_ylabel("density (% of the weights kept)")
    axes.set_title("ResNet-50 at a fifth of its weights: the density of every layer")
    axes.set_ylim(0, 100)
    axes.legend(ncols=4, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def main() -> None:
    """Prints the table; writes it and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--evaluations", type=int, default=400)
    arguments = parser.parse_args()
    found, problems = {}, {}
    for ratio, budget in RATIOS.items():
        problem = make_problem("fine_grained_pruning", network="resnet50", budget=budget)
        problems[ratio], found[ratio] = problem, designs(problem, arguments.evaluations)
    measured = {} if arguments.weights is None else measure(found, arguments.weights)
    rows = []
    for ratio, some in found.items():
        for name, design in some.items():
            accuracy = float(problems[ratio].evaluate(np.array([design])).accuracy[0])
            real = measured.get(f"{ratio}/{name}")
            rows.append({"ratio": ratio, "design": name, "predicted": accuracy, "measured": real})
            shown = "" if real is None else f"{real:9.2%}"
            print(f"{ratio:22} {name:24} {accuracy:9.2%} {shown}")
    if measured:
        print(f"whole network {measured['whole']:.2%}")
    chosen = found["5x (AMC)"]["certified optimum"]
    fifth = problems["5x (AMC)"]
    layers = [fifth.network.layer(name) for name in fifth.names]
    for kernel in (1, 3):
        pairs = zip(chosen, layers, strict=True)
        part = [(percent, layer.weights) for percent, layer in pairs if layer.kernel == kernel]
        mean = sum(d * w for d, w in part) / sum(w for _, w in part)
        print(f"{kernel} x {kernel} layers: {mean:.1f} % of the weights kept")
    draw(fifth, found["5x (AMC)"], arguments.out / "resnet50_density.png")
    found_rows = {"whole": measured.get("whole"), "rows": rows}
    write_json(arguments.out / "resnet50_density.json", found_rows)


if __name__ == "__main__":
    main()
