"""Trained on many tasks, tried on tasks never seen, beside a search of every task by itself.

    python benchmarks/generalist.py --rule haq --evaluations 20000 --seeds 3 --out report/generalist

Learners (PPO of Stable-Baselines3, our DDPG) train on the training tasks of a rule for a number of
evaluations, then design every test task once, deterministically and without learning any more; the
constant action that suits the training tasks best is the control.  Searches get each task for
themselves.  Everything is appended to ``OUT/RULE.jsonl``, one line for
each training and each search; lines that are there are not made again.  ``OUT/RULE.json`` and
``OUT/RULE.png`` sum up: interquartile means over tasks and seeds with stratified bootstrap 95 %
intervals; score 0 is the uniform design, 1 the certified optimum.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from hwenvs.files import replacing
from hwenvs.pool import solve_many
from hwenvs.records import versions
from hwenvs.reporting import drawing, palette
from hwenvs.reporting.statistics import bootstrap_interval, interquartile_mean
from hwenvs.solving import BudgetSpent
from hwenvs.tasks import Distribution, Task, distribution
from hwenvs.tasks.recording import TaskRecorder

IDS = {"amc": "AMC-Generalist-v0", "haq": "HAQ-Generalist-v0"}
SEARCHES = ("random", "cma-es", "regularized-evolution")
READ = (50, 400)
"""Evaluations after which searches are read off."""

PPO_SETTINGS: dict[str, Any] = {
    "n_steps": 256,
    "batch_size": 512,
    "n_epochs": 10,
    "learning_rate": 3e-4,
    "gamma": 1.0,
    "gae_lambda": 0.98,
    "policy_kwargs": {"log_std_init": -1.0, "net_arch": [128, 128]},
}
ENVS = 16
CONSTANTS = 41
"""Constant actions that the control chooses from."""

DDPG_SETTINGS: dict[str, Any] = {"replay_episodes": 2000, "warmup": 200}
LAST_SIGMA = 0.1
"""DDPG's noise at the end of training, as a part of that after the warm-up."""

Policy = Callable[[np.ndarray], np.ndarray]
"""An observation [F] to an action [1] in [0, 1]."""
Row = dict[str, Any]


def train_ppo(rule: str, evaluations: int, seed: int, out: Path) -> tuple[Policy, list[float]]:
    """PPO after ``evaluations`` episodes, and the score of each."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    class Count(BaseCallback):
        """Ends training with the evaluations."""

        scores: list[float]

        def _on_step(self) -> bool:
            infos, dones = self.locals["infos"], self.locals["dones"]
            self.scores += [
                float(info["score"]) for info, done in zip(infos, dones, strict=True) if done
            ]
            return len(self.scores) < evaluations

    def make() -> gym.Env:
        return gym.wrappers.RescaleAction(gym.make(IDS[rule]), np.float32(-1), np.float32(1))

    count = Count()
    count.scores = []
    envs = make_vec_env(make, ENVS, seed=seed)
    model = PPO("MlpPolicy", envs, seed=seed, device="cpu", **PPO_SETTINGS)
    model.learn(10**9, callback=count)
    model.save(out / f"{rule}.ppo.{evaluations}.{seed}")
    policy = model.policy

    def act(observation: np.ndarray) -> np.ndarray:
        action, _ = policy.predict(observation, deterministic=True)
        return ((np.clip(action, -1.0, 1.0) + 1.0) / 2.0).astype(np.float32)

    return act, count.scores


def train_ddpg(rule: str, evaluations: int, seed: int, out: Path) -> tuple[Policy, list[float]]:
    """Our DDPG after ``evaluations`` episodes, and the reward of each."""
    import torch

    from hwenvs.agents.ddpg import DDPG

    agent = DDPG(sigma_decay=float(LAST_SIGMA ** (1 / evaluations)), **DDPG_SETTINGS)
    env = TaskRecorder(gym.make(IDS[rule]), evaluations, seed)
    with suppress(BudgetSpent):
        agent.solve(env, seed)
    assert agent.learner is not None
    torch.save(agent.learner.actor.state_dict(), out / f"{rule}.ddpg.{evaluations}.{seed}.pt")
    return agent.learner.act, env.run.rewards


def best_constant(rule: str, evaluations: int, seed: int, out: Path) -> tuple[Policy, list[float]]:  # noqa: ARG001
    """The one action that suits the training tasks best: what can be had without looking.

    Budgets turn even a constant wish into a design that fits, often a better one than uniform.
    """
    found, env = distribution(rule), gym.make(IDS[rule])
    wishes = [np.full(1, wish, np.float32) for wish in np.linspace(0.0, 1.0, CONSTANTS)]
    rows = [[walk(env, task, lambda _, w=wish: w) for task in found.train] for wish in wishes]
    best = wishes[int(np.argmax([interquartile_mean(row) for row in rows]))]
    return lambda _: best, [score for row in rows for score in row]


LEARNERS = {"ppo": train_ppo, "ddpg": train_ddpg, "constant": best_constant}


def walk(env: gym.Env, task: Task, policy: Policy) -> float:
    """The score of one deterministic episode."""
    observation, _ = env.reset(options={"task": task})
    ended, info = False, {}
    while not ended:
        observation, _, ended, _, info = env.step(policy(observation))
    return float(info["score"])


def learn(found: Distribution, name: str, evaluations: int, seed: int, out: Path) -> Row:
    """Trains a learner and has it design every task of both parts."""
    started = time.perf_counter()
    policy, scores = LEARNERS[name](found.rule.name, evaluations, seed, out)
    seconds = time.perf_counter() - started
    env = gym.make(IDS[found.rule.name], split="all")
    windows = np.array_split(np.array(scores), min(50, len(scores)))
    return {
        "method": name,
        "evaluations": evaluations,
        "seed": seed,
        "seconds": seconds,
        "training": [float(np.median(window)) for window in windows],
        "scores": {task.id: walk(env, task, policy) for task in found.all},
        "versions": versions(),
    }


def search(
    tasks: Sequence[Task], cells: Sequence[tuple[str, str, int]], workers: int
) -> Iterator[Row]:
    """Searches single tasks; ``cells`` are (solver, task id, seed)."""
    by_id = {task.id: task for task in tasks}
    wanted = [
        {
            "solver": solver,
            "environment": by_id[name].environment,
            "evaluations": max(READ),
            "seed": seed,
            **by_id[name].arguments,
        }
        for solver, name, seed in cells
    ]
    for index, run in solve_many(wanted, workers):
        solver, name, seed = cells[index]
        best = np.maximum.accumulate(run.scores or [])
        read = {str(count): float(best[min(count, len(best)) - 1]) for count in READ}
        row = {"method": solver, "task": name, "seed": seed, "best": read}
        yield {**row, "evaluations": max(READ), "seconds": run.seconds}


def key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a line is about."""
    return row["method"], row.get("task"), row["seed"], row["evaluations"]


def read(path: Path) -> list[Row]:
    """The lines of ``path``; a last one that was cut off is dropped."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        with suppress(json.JSONDecodeError):
            rows.append(json.loads(line))
    return rows


def append(path: Path, row: Row) -> None:
    """One more line; it begins on a line of its own even after one that was cut off."""
    cut = path.is_file() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * cut + json.dumps(row) + "\n")


def chosen(found: Distribution, most: int) -> dict[str, list[Task]]:
    """Tasks to compare on, evenly from the training tasks and each group of test tasks."""
    groups = {"training tasks": found.train, **found.groups()}
    picks = {}
    for name, tasks in groups.items():
        places = np.unique(np.linspace(0, len(tasks) - 1, min(most, len(tasks))).astype(int))
        picks[name if name == "training tasks" else f"new {name}"] = [tasks[int(i)] for i in places]
    return picks


def summarise(rows: Sequence[Row], groups: Mapping[str, Sequence[Task]], evaluations: int) -> Row:
    """By group and method: interquartile mean, interval, share of designs better than uniform."""
    scores: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        if "scores" in row and row["evaluations"] == evaluations:
            for name, score in row["scores"].items():
                scores.setdefault(f"{row['method']}, 1 design", {}).setdefault(name, []).append(
                    score
                )
        for count, score in row.get("best", {}).items():
            named = scores.setdefault(f"{row['method']}, {count} designs", {})
            named.setdefault(row["task"], []).append(score)
    summary: Row = {}
    for group, tasks in groups.items():
        summary[group] = {"tasks": [task.id for task in tasks], "methods": {}}
        for method, by_task in scores.items():
            strata = [by_task[task.id] for task in tasks if task.id in by_task]
            if len(strata) < len(tasks):
                continue  # not all done yet
            flat = np.concatenate(strata)
            summary[group]["methods"][method] = {
                "iqm": float(interquartile_mean(flat)),
                "interval": bootstrap_interval(strata, repetitions=2000),
                "median": float(np.median(flat)),
                "better_than_uniform": float(np.mean(flat > 0)),
                "runs": len(flat),
            }
    return summary


def _label(group: str, count: int) -> str:
    return group.replace(", ", ",\n") + f"\n({count} tasks)"


def draw(summary: Row, title: str) -> Any:
    """Interquartile means by group, a mark for each method."""
    methods = sorted({m for group in summary.values() for m in group["methods"]})
    methods.sort(key=lambda m: ("1 design" not in m, m))
    drawn = drawing.figure(9.5, 5.0)
    axes = drawn.subplots()
    drawing.rule(axes, 1.0, "certified optimum", "top")
    drawing.rule(axes, 0.0, "uniform at the same budget", "bottom")
    styles = palette.styles(dict.fromkeys(method.partition(",")[0] for method in methods))
    for number, method in enumerate(methods):
        known = [
            (i, g["methods"][method])
            for i, g in enumerate(summary.values())
            if method in g["methods"]
        ]
        style, few = styles[method.partition(",")[0]], f", {READ[0]} " in method
        shift = (number - (len(methods) - 1) / 2) * 0.8 / len(methods)
        middle = np.array([entry["iqm"] for _, entry in known])
        ends = np.array([entry["interval"] for _, entry in known])
        axes.errorbar(
            [place + shift for place, _ in known],
            np.maximum(middle, -1.0),
            np.abs(np.clip(ends, -1.0, None) - np.maximum(middle, -1.0)[:, None]).T,
            fmt=style.marker,
            color=style.colour,
            mfc="white" if few else style.colour,
            label=method,
        )
    axes.set_xticks(range(len(summary)), [_label(n, len(g["tasks"])) for n, g in summary.items()])
    axes.set_ylim(-1.1, 1.1)
    axes.set_ylabel("score (interquartile mean, 95 %)")
    drawing.title(axes, title, "cut off at -1; 1 design: trained on other tasks, not on this one")
    drawing.finish(axes)
    drawing.legend(drawn, axes)
    return drawn


def report(summary: Row) -> None:
    """Prints a table."""
    for group, entry in summary.items():
        print(f"\n{group} ({len(entry['tasks'])} tasks)")
        for method, m in entry["methods"].items():
            low, high = m["interval"]
            better = f"{m['better_than_uniform']:.0%} better than uniform"
            print(f"  {method:34} {m['iqm']:7.3f} [{low:.3f}, {high:.3f}]  {better}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Many tasks against a search of each.")
    parser.add_argument("--rule", choices=list(IDS), default="amc")
    parser.add_argument("--evaluations", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--learners", default=",".join(LEARNERS))
    parser.add_argument("--searches", default=",".join(SEARCHES))
    parser.add_argument("--per-group", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1, help="of the searches")
    parser.add_argument("--out", type=Path, default=Path("report/generalist"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    path, found = given.out / f"{given.rule}.jsonl", distribution(given.rule)
    done = {key(row) for row in read(path)}
    for name in filter(None, given.learners.split(",")):
        for seed in range(given.seeds):
            if (name, None, seed, given.evaluations) not in done:
                row = learn(found, name, given.evaluations, seed, given.out)
                append(path, row)
                print(f"{name} seed {seed}: {row['seconds']:.0f} s", flush=True)
    groups = chosen(found, given.per_group)
    tasks = [task for some in groups.values() for task in some]
    cells = [
        (solver, task.id, seed)
        for task in tasks
        for solver in filter(None, given.searches.split(","))
        for seed in range(given.seeds)
        if (solver, task.id, seed, max(READ)) not in done
    ]
    for number, row in enumerate(search(tasks, cells, given.workers), 1):
        append(path, row)
        if number % 20 == 0:
            print(f"{number} of {len(cells)} searches", flush=True)
    summary = summarise(read(path), groups, given.evaluations)
    with replacing(given.out / f"{given.rule}.json") as part:
        content = {"rule": given.rule, "evaluations": given.evaluations, "groups": summary}
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    title = f"{given.rule.upper()}: trained for {given.evaluations:,} evaluations"
    with replacing(given.out / f"{given.rule}.png") as part:
        part.write_bytes(drawing.png(draw(summary, title)))
    report(summary)


if __name__ == "__main__":
    main()
