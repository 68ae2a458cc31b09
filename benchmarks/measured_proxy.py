"""What a measured episode costs beside the bare forward pass of the same pruned network.

    HWENVS_DATA=data python benchmarks/measured_proxy.py mobilenet_v1 resnet56

One process measures in turn: the forward pass of the full network, that of the network pruned
uniformly to the budget, the re-fitting of its weights, and a whole episode through the environment
with nothing known in advance.  Times are of the processor (all threads together) and of the clock;
ratios are medians of processor times, which other jobs on the machine disturb least.

``--amc`` also does a design's work as AMC's code does it, on the same shapes: one linear regression
on the sampled inputs of every pointwise layer, and a pass of the masked network, which is as large
as the full one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from hwenvs.environment import DesignEnv
from hwenvs.networks import get_network
from hwenvs.problems import Outcome, Problem, make_problem
from hwenvs.proxies import MeasuredProxy, measured
from hwenvs.proxies.cache import DesignCache

WORK = {
    # network: images to try designs on, images to re-fit on, sampled pixels an image
    "mobilenet_v1": ("500:1000", "0:500", 60),
    "resnet56": ("0:1000", "0:2500", 12),
}
"""30,000 sampled pixels a layer, as in AMC's code."""


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of processor and clock."""
    processor, clock = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processor, time.perf_counter() - clock


def regressions(proxy: MeasuredProxy, design: list[int]) -> None:
    """Least squares as AMC's code does it: from the sampled inputs, once for every layer."""
    from sklearn.linear_model import LinearRegression

    random = np.random.default_rng(0)
    reference = proxy.bench.reference
    for group, kept in zip(proxy.bench.groups, design, strict=True):
        for name in group.readers:  # type: ignore[union-attr]
            targets = reference.targets[name].numpy()
            inputs = random.standard_normal((len(targets), kept), dtype=np.float32)
            LinearRegression(fit_intercept=False).fit(inputs, targets)


def measure(
    name: str, images: str, calibration: str, points: int, given: argparse.Namespace
) -> None:
    """Prints the figures of one network."""
    torch.set_num_threads(given.threads)
    opened: list[MeasuredProxy] = []
    recipe = {"criterion": "magnitude", "points": points, "precision": given.precision}
    construction = timed(
        lambda: opened.append(
            measured(
                get_network(name),
                "channel_pruning",
                images=images,
                calibration=calibration,
                recipe=recipe,
                cache=False,
                threads=given.threads,
            )
        )
    )
    (proxy,) = opened
    problem = make_problem("channel_pruning", network=name, proxy=proxy, budget=given.budget)
    env = DesignEnv(problem)
    design = problem.reference.designs[0].tolist()  # also warms everything up
    actions = problem.actions([design])[0]
    bench = proxy.bench
    pruned = bench.family.compress(bench.reference, design)

    def episode() -> None:
        proxy.cache = DesignCache(None, name, {})
        env.reset()
        for action in actions:
            env.step(action)

    parts: dict[str, Callable[[], object]] = {
        "full network": lambda: bench.folded(bench.images),
        "pruned network": lambda: pruned(bench.images),
        "re-fitting": lambda: bench.family.compress(bench.reference, design),
        "whole episode": episode,
    }
    if given.amc and name == "mobilenet_v1":
        parts["AMC's regressions"] = lambda: regressions(proxy, design)
    taken: dict[str, list[tuple[float, float]]] = {part: [] for part in parts}
    for _ in range(given.repeats):
        for part, work in parts.items():
            taken[part].append(timed(work))
    _print(name, problem.evaluate([design]), problem, construction, taken)


def _print(
    name: str,
    outcome: Outcome,
    problem: Problem,
    construction: tuple[float, float],
    taken: dict[str, list[tuple[float, float]]],
) -> None:
    share = outcome.costs["macs"][0] / problem.full_costs["macs"]
    print(f"\n{name}: {share:.1%} of the MACs, {problem.card.images} images")
    print(f"{'':20} {'processor':>10} {'clock':>10}")
    print(f"{'construction':20} {construction[0]:9.2f}s {construction[1]:9.2f}s")
    seconds = {}
    for part, times in taken.items():
        seconds[part] = median(processor for processor, _ in times)
        print(f"{part:20} {seconds[part]:9.3f}s {median(c for _, c in times):9.3f}s")
    pairs = list(zip(taken["whole episode"], taken["pruned network"], strict=True))
    ratio = median(episode[0] / bare[0] for episode, bare in pairs)
    print(f"episode / pruned network's forward pass  {ratio:.3f}")
    print(
        f"pruned / full network's forward pass     "
        f"{seconds['pruned network'] / seconds['full network']:.3f}"
    )
    if "AMC's regressions" in seconds:
        amc = seconds["AMC's regressions"] + seconds["full network"]
        print(f"AMC's way / episode                      {amc / seconds['whole episode']:.2f}")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(WORK), metavar="NETWORK")
    parser.add_argument("--budget", type=float, default=0.5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--amc", action="store_true")
    given = parser.parse_args()
    for name in given.networks:
        measure(name, *WORK[name], given)


if __name__ == "__main__":
    main()
