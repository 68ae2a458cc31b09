"""Time of ``sb3-recurrent-ppo`` with its own policy and with sb3-contrib's ``MlpLstmPolicy``.

    OMP_NUM_THREADS=1 python benchmarks/recurrent_ppo.py AMC-ResNet20-v0 HAQ-MobileNetV1-v0

Both take turns in one process, with the same settings and seeds; counted is the process's own time
of a run, and medians of the rounds are shown.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

from hwenvs.baselines.stable_baselines import RecurrentPPO
from hwenvs.solving import get_solver, solve

ROUNDS = 3
EVALUATIONS = 80
ENVIRONMENTS = ("AMC-ResNet20-v0", "HAQ-MobileNetV1-v0")
SLOW = "MlpLstmPolicy"


class Original(RecurrentPPO):
    """With the package's own policy."""

    policy = SLOW


def main() -> None:
    """Prints a line per environment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("environments", nargs="*", metavar="ID", default=ENVIRONMENTS)
    given = parser.parse_args()
    solvers = get_solver("sb3-recurrent-ppo"), Original()
    solve(solvers[0], "AMC-ResNet20-v0", evaluations=1)  # imports
    for name in given.environments:
        times: list[list[float]] = []
        for seed in range(ROUNDS):
            times.append([])
            for solver in solvers:
                start = time.process_time()
                solve(solver, name, evaluations=EVALUATIONS, seed=seed)
                times[-1].append(time.process_time() - start)
        own, slow = (median(column) for column in zip(*times, strict=True))
        ratio = median(slow / own for own, slow in times)
        print(f"{name}: {own:.1f} s, {SLOW} {slow:.1f} s, {ratio:.2f} times as long", flush=True)


if __name__ == "__main__":
    main()
