"""Records made up for statistics and layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from hwenvs.reporting.results import Results, collect, summarise
from hwenvs.solving.records import Run

ID = "AMC-ResNet20-v0"
KNOWN = ("decomposition", "cma-es", "ddpg", "random", "regularized-evolution", "tpe", "reinforce")


@pytest.fixture(scope="session")
def record() -> Callable[..., Run]:
    """Makes a record with given scores."""

    def make(
        scores: Sequence[float], solver: str = "searcher", seed: int = 0, seconds: float = 1.0
    ) -> Run:
        made = Run(solver, ID, {}, seed, len(scores))
        made.designs = [[16] * 18 for _ in scores]
        made.rewards = made.accuracies = [0.5 + score / 10 for score in scores]
        made.scores, made.seconds = list(scores), seconds
        return made

    return make


@pytest.fixture(scope="session")
def many(record: Callable[..., Run]) -> Callable[..., list[Results]]:
    """Makes results of some solvers on some environments that share one problem."""

    def make(solvers: int, environments: int, seeds: int = 4) -> list[Results]:
        names = [*KNOWN, *(f"a-solver-with-a-long-name-{n}" for n in range(len(KNOWN), solvers))]
        random = np.random.default_rng(0)
        collected: list[Results] = []
        for place in range(environments):
            runs = []
            for rank, solver in enumerate(names[:solvers]):
                for seed in range(seeds):
                    reach = 1.0 - 0.06 * rank * random.random() - 0.1 * random.random()
                    scores = reach - np.exp(-np.arange(40) / (4 + rank)) * random.random(40) - 0.02
                    run = record([float(score) for score in scores], solver, seed)
                    macs = 8e6 + 12e6 * random.random(40)
                    lost = random.exponential(0.01 * (1 + rank), size=40)
                    run.costs = {"macs": macs.tolist(), "size": (macs / 40).tolist()}
                    run.accuracies = (0.6 + 0.25 * np.sqrt(macs / 2e7) - lost).tolist()
                    runs.append(run)
            if not collected:
                collected = collect(runs)
                continue
            groups = [runs[at : at + seeds] for at in range(0, len(runs), seeds)]
            entries = sorted(map(summarise, groups), key=lambda entry: -entry.mean)
            title = f"AMC-Network{place}-WithALongName-v0"
            collected.append(replace(collected[0], environment=title, summaries=tuple(entries)))
        return collected

    return make
