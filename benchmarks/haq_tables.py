"""HAQ's tables: the same latency as uniform 4, 5 and 6 bits, and transfer.

    python benchmarks/haq_tables.py latency --out docs/results/haq_latency.json --measure
    python benchmarks/haq_tables.py transfer --out docs/results/haq_transfer.json

``--measure`` applies every design to the real network and evaluates it on ImageNet sample rows 700
to 999, which no table has seen; it needs HWENVS_DATA.  Nothing is fine-tuned.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from hwenvs.agents.ddpg import DDPG
from hwenvs.baselines.exact import optimum
from hwenvs.files import replacing
from hwenvs.problems import make_problem
from hwenvs.solving import solve

IDS = {"mobilenet_v1": "HAQ-MobileNetV1-v0", "mobilenet_v2": "HAQ-MobileNetV2-v0"}
BITS = (4, 5, 6)
EVALUATIONS = 600
UNSEEN = range(700, 1000)

PUBLISHED = {
    ("mobilenet_v1", 4): (62.44, 67.40),
    ("mobilenet_v1", 5): (67.00, 70.58),
    ("mobilenet_v1", 6): (70.46, 71.20),
    ("mobilenet_v2", 4): (61.39, 66.99),
    ("mobilenet_v2", 5): (68.84, 70.90),
    ("mobilenet_v2", 6): (71.25, 71.89),
}
"""HAQ (CVPR 2019), edge: top-1 of PACT's uniform bits and of HAQ, in percent, fine-tuned."""


def uniform_share(network: str, chip: str, bits: int) -> float:
    """Latency of uniform ``bits`` bits as a fraction of 8 bits'."""
    problem = make_problem("bit_allocation", network=network, hardware=chip, budget=1.0)
    outcome = problem.evaluate([[bits] * problem.horizon])
    return float(outcome.costs["latency"][0]) / problem.full_costs["latency"]


def latency(
    networks: list[str], agents: list[str], seeds: int, measure: bool
) -> list[dict[str, Any]]:
    """Uniform, agents and optimum at the latency of uniform 4, 5 and 6 bits."""
    rows = []
    for network in networks:
        bench = open_unseen(network) if measure else None
        for chip in ("bismo-edge", "bismo-cloud"):
            for bits in BITS:
                budget = uniform_share(network, chip, bits) * (1 + 1e-9)
                arguments = {"hardware": chip, "budget": budget}
                problem = make_problem("bit_allocation", network=network, **arguments)
                designs = {"uniform": [bits] * problem.horizon}
                for solver in agents:
                    runs = [
                        solve(solver, IDS[network], EVALUATIONS, seed, **arguments)
                        for seed in range(seeds)
                    ]
                    middle = sorted(runs, key=lambda run: max(run.rewards))[len(runs) // 2]
                    designs[solver] = middle.designs[middle.best]
                designs["optimum"] = list(optimum(problem).design)
                for name, design in designs.items():
                    outcome = problem.evaluate([design])
                    row = {
                        "network": network,
                        "chip": chip,
                        "bits": bits,
                        "design": name,
                        "latency_ms": 1e3 * float(outcome.costs["latency"][0]),
                        "predicted": float(outcome.accuracy[0]),
                        "measured": bench.measure(design).top1 if bench else None,
                        "entries": design,
                    }
                    rows.append(row)
                    print_row(row)
    return rows


def transfer(seeds: int) -> list[dict[str, Any]]:
    """DDPG trained on MobileNetV1, put on MobileNetV2: at once, after 50, and from scratch."""
    rows = []
    shares = {name: uniform_share(name, "bismo-edge", 5) * (1 + 1e-9) for name in IDS}
    for seed in range(seeds):
        agent, other = DDPG(), DDPG()
        solve(agent, IDS["mobilenet_v1"], EVALUATIONS, seed, budget=shares["mobilenet_v1"])
        other.start = agent.learner
        target, budget = IDS["mobilenet_v2"], shares["mobilenet_v2"]
        moved = solve(other, target, 50, seed, budget=budget)
        fresh = solve(DDPG(), target, EVALUATIONS, seed, budget=budget)
        assert moved.scores is not None
        assert fresh.scores is not None
        rows.append(
            {
                "seed": seed,
                "transferred, 1 evaluation": moved.scores[0],
                "transferred, 50 evaluations": max(moved.scores),
                "from scratch, 50 evaluations": max(fresh.scores[:50]),
                f"from scratch, {EVALUATIONS} evaluations": max(fresh.scores),
            }
        )
        print(" ".join(f"{k}={v:.3f}" for k, v in rows[-1].items()), flush=True)
    for key in rows[0]:
        if key != "seed":
            print(f"median {key}: {statistics.median(row[key] for row in rows):.3f}")
    return rows


def open_unseen(network: str) -> Any:
    """The real network and the images that no table has seen."""
    from hwenvs.calibration.bench import open_bench
    from hwenvs.calibration.plans import BITS as PLANS

    plan = PLANS[network]
    bench = open_bench(
        network, range(*plan.calibration_images), UNSEEN, plan.recipe, family="bit_allocation"
    )
    print(f"{network} at 8 bits: {bench.baseline.top1:.2%}", flush=True)
    return bench


def print_row(row: dict[str, Any]) -> None:
    """One line of the latency table, the paper's figures behind it."""
    real = "" if row["measured"] is None else f"{row['measured']:8.2%}"
    paper = PUBLISHED.get((row["network"], row["bits"]))
    note = ""
    if row["chip"] == "bismo-edge" and paper and row["design"] in ("uniform", "ddpg"):
        note = f"  paper {paper[row['design'] == 'ddpg']:.2f} % fine-tuned"
    print(
        f"{row['network']:13} {row['chip']:12} {row['bits']} bit {row['design']:14} "
        f"{row['latency_ms']:8.3f} ms {row['predicted']:8.2%} {real}{note}",
        flush=True,
    )


def main() -> None:
    """Prints a table and writes it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=("latency", "transfer"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--networks", default="mobilenet_v1,mobilenet_v2")
    parser.add_argument("--agents", default="ddpg,decomposition")
    parser.add_argument("--measure", action="store_true")
    arguments = parser.parse_args()
    if arguments.table == "latency":
        rows = latency(
            arguments.networks.split(","),
            arguments.agents.split(","),
            arguments.seeds,
            arguments.measure,
        )
    else:
        rows = transfer(arguments.seeds)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(arguments.out) as temporary:
        temporary.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
