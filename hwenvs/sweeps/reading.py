"""The YAML of a sweep.

::

    environments:
      - AMC-ResNet20-v0
      - environment: AMC-MobileNetV1-v0
        arguments: {hardware: mobile, cost: latency, budget: 0.6}
    solvers:
      - random
      - solver: ddpg
        hyperparameters: {warmup: 50}
    seeds: 10  # 0 to 9, or a list
    evaluations: 400

or ``suite: amc`` in place of environments, seeds and evaluations: those of a suite of the
leaderboard, its newest version or e.g. ``amc-v1``; of all its parts if it is a union (``all``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from yaml.composer import ComposerError

from hwenvs.errors import ArgumentError, unknown_name
from hwenvs.sweeps.plan import EnvironmentEntry, Part, Plan, SolverEntry, place


def read_plan(path: Path) -> Plan:
    """The sweep in a YAML file.

    Raises:
        ArgumentError: as :func:`read_bytes` and :func:`parse_plan`.
    """
    return parse_plan(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """What is in the file of a sweep.

    Raises:
        ArgumentError: if it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArgumentError(f"cannot read the sweep {path}: {error}") from error


def parse_plan(content: bytes, path: Path) -> Plan:
    """The sweep that is written in ``content``, the YAML of ``path``.

    Raises:
        ArgumentError: if something in it is not what it should be; the message says where it
            stands. Names and arguments are checked by :meth:`Plan.cells`.
    """
    try:
        return Plan.model_validate(_expanded(_parsed(content.decode())))
    except ValidationError as error:
        first = error.errors()[0]
        raise ArgumentError(f"{path}: {_where(first['loc'])}{_what(first)}") from error
    except yaml.YAMLError as error:
        message = " ".join(str(error).split())
        raise ArgumentError(f"{path} is no YAML: {message}") from error
    except UnicodeDecodeError as error:
        raise ArgumentError(f"cannot read the sweep {path}: {error}") from error


class _Loader(yaml.SafeLoader):
    """YAML in which a key that stands twice is a mistake, not a reason to forget the first."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # As it is written: what ``<<`` merges into it later may be overridden.
        node = super().compose_mapping_node(anchor)
        keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in keys:
            if keys.count(key) > 1:
                raise ComposerError(None, None, f"{key[1]!r} stands twice", node.start_mark)
        return node


def _parsed(text: str) -> object:
    """What a YAML says; the loader is a safe one."""
    return yaml.load(text, _Loader)


def _expanded(content: object) -> object:
    """What the file says, with what its suite stands for."""
    if not isinstance(content, dict) or "suite" not in content:
        return content
    from hwenvs.leaderboards.suites import load_suite
    from hwenvs.leaderboards.unions import trace_suites

    rest = {key: value for key, value in content.items() if key != "suite"}
    given = [field for field in ("environments", "seeds", "evaluations") if field in rest]
    if given:
        raise ArgumentError(f"a suite says its {', '.join(given)} itself: leave one or the other")
    with place("suite"):
        suites = trace_suites(load_suite(str(content["suite"])))
        if any(suite.seeds != suites[0].seeds for suite in suites):
            names = ", ".join(suite.id for suite in suites)
            raise ArgumentError(f"its parts have seeds of their own: take one of {names}")
    environments = [
        {"environment": task.environment, "arguments": task.arguments}
        for suite in suites
        for task in suite.tasks
    ]
    first = suites[0]  # the parts of a union agree in their evaluations
    whole = {"environments": environments, "seeds": first.seeds, "evaluations": first.evaluations}
    return {**rest, **whole}


def _where(location: Sequence[int | str]) -> str:
    """A place in the file, e.g. ``"solvers[1].hyperparameters: "``."""
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in location)
    return f"{place.removeprefix('.')}: " if place else ""


def _what(error: ErrorDetails) -> str:
    """What is wrong there, with the nearest valid name for a field that does not exist."""
    if error["type"] == "missing":
        return "must be given"
    if error["type"] == "too_short":
        return f"must hold at least {error['ctx']['min_length']} item"
    if error["type"] != "extra_forbidden":
        return f"{error['msg'].removeprefix('Value error, ')}, not {error['input']!r}"
    parts: dict[str, type[Part]] = {"environments": EnvironmentEntry, "solvers": SolverEntry}
    part = parts.get(str(error["loc"][0]), Plan) if len(error["loc"]) > 1 else Plan
    return str(unknown_name("field", error["loc"][-1], part.model_fields))
