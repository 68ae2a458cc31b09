"""Trained on many tasks, tried on tasks never seen, beside a search of every task by itself.

    python benchmarks/generalist --rule haq --evaluations 20000 --seeds 3 --out report/generalist

Learners (PPO of Stable-Baselines3, our DDPG) train on the training tasks of a rule for a number of
evaluations, then design every test task once, deterministically and without learning any more; the
constant action that suits the training tasks best is the control.  Searches get each task for
themselves.  Everything is appended to ``OUT/RULE.jsonl``, one line for each training and each
search; lines that are there are not made again.  What was learned is in
``OUT/RULE.LEARNER.EVALUATIONS.SEED.npz``, a policy as the leaderboard takes it.  ``OUT/RULE.json``
and ``OUT/RULE.png`` sum up: interquartile means over tasks and seeds with stratified bootstrap 95 %
intervals; score 0 is the uniform design, 1 the certified optimum.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from learners import IDS, LEARNERS, check_learner, learn
from lines import append, key, read
from picture import draw
from searches import READ, SEARCHES, search
from summary import chosen, report, summarise

from hwenvs.errors import HwenvsError
from hwenvs.files import replacing
from hwenvs.reporting import drawing
from hwenvs.tasks import Distribution, Task, distribution


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    options = argparse.ArgumentParser(description="Many tasks against a search of each.")
    options.add_argument("--rule", choices=list(IDS), default="amc")
    options.add_argument("--evaluations", type=int, default=20_000, help="to train with")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--learners", default=",".join(LEARNERS))
    options.add_argument("--searches", default=",".join(SEARCHES))
    options.add_argument("--per-group", type=int, default=8, help="most tasks to search")
    options.add_argument("--workers", type=int, default=1, help="of the searches")
    options.add_argument("--out", type=Path, default=Path("report/generalist"))
    return options


def train(given: argparse.Namespace, found: Distribution, path: Path) -> None:
    """Every learner with every seed, unless its line is there."""
    done = {key(row) for row in read(path)}
    for name in filter(None, given.learners.split(",")):
        for seed in range(given.seeds):
            if (name, None, seed, given.evaluations) not in done:
                row = learn(found, name, given.evaluations, seed, given.out)
                append(path, row)
                print(f"{name} seed {seed}: {row['seconds']:.0f} s", flush=True)


def look(given: argparse.Namespace, tasks: Sequence[Task], path: Path) -> None:
    """Every search of every task with every seed, unless its line is there."""
    done = {key(row) for row in read(path)}
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


def main() -> None:
    """The command."""
    options = parser()
    given = options.parse_args()
    try:  # before anything is trained
        for name in filter(None, given.learners.split(",")):
            check_learner(given.rule, name, given.evaluations)
    except HwenvsError as error:
        options.error(str(error))
    given.out.mkdir(parents=True, exist_ok=True)
    path, found = given.out / f"{given.rule}.jsonl", distribution(given.rule)
    groups = chosen(found, given.per_group)
    train(given, found, path)
    look(given, [task for tasks in groups.values() for task in tasks], path)
    summary = summarise(read(path), groups)
    with replacing(given.out / f"{given.rule}.json") as part:
        content = {"rule": given.rule, "groups": summary}
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    title = f"{given.rule.upper()}: one design by a trained policy, or a search of each task"
    with replacing(given.out / f"{given.rule}.png") as part:
        part.write_bytes(drawing.png(draw(summary, title)))
    report(summary)


if __name__ == "__main__":
    main()
