"""What one worker of a sweep takes of the memory, solver by solver.

    python benchmarks/worker_memory.py --solvers ddpg,sb3-sac,turbo

runs one cell per solver as ``hwenvs sweep`` does, each in a process of its own, and prints the
largest resident set of its worker, as Linux keeps it (``VmHWM``), imports included.  Without
``--solvers``: all bundled ones, of which those that don't suit the environment say why.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sweep_efficiency import swept

from hwenvs.solving import SOLVERS

ENVIRONMENT = "HAQ-ResNet56-v0"
EVALUATIONS = 400


def taken(solver: str, environment: str, evaluations: int) -> str:
    """Largest resident set of the worker that runs one cell, in MiB, or why there is none."""
    plan = {
        "environments": [environment],
        "solvers": [solver],
        "seeds": 1,
        "evaluations": evaluations,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweep.yaml"
        path.write_text(json.dumps(plan))
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            sweep, peak = fresh.submit(swept, path, 1).result()
    return str(sweep.failures[0][1].error) if sweep.failures else f"{peak:.0f}"


def main() -> None:
    """Prints the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environment", nargs="?", default=ENVIRONMENT)
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS)
    parser.add_argument("--solvers", help="separated by commas")
    settings = parser.parse_args()
    names = settings.solvers.split(",") if settings.solvers else list(SOLVERS)
    print(f"{settings.environment}, {settings.evaluations} evaluations")
    print("solver                   MiB")
    for name in names:
        print(f"{name:24s} {taken(name, settings.environment, settings.evaluations)}", flush=True)


if __name__ == "__main__":
    main()
