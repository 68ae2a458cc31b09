"""Sweeps on Ray: one task for each cell, on the cores of one machine or of many.

Runs come back to the process that runs the sweep, which alone writes files: machines need no
common disk.  Ray runs a task again whose process or machine is lost; a result that is lost with a
machine before it came back is computed again.
"""

from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hwenvs.errors import ArgumentError, MissingExtraError, WorkerError
from hwenvs.solving.pool import RETRIES
from hwenvs.solving.records import Run
from hwenvs.solving.workers import Failure, attempt
from hwenvs.sweeps.cells import Cell, solve_cell
from hwenvs.sweeps.sweep import Engine, Outcomes

AHEAD = 4
"""Tasks handed to Ray at a time, as a multiple of the cluster's cores: no core waits for this
process, and a long sweep does not lie in Ray's memory as a whole."""

PATIENCE = 10.0
"""Seconds in which a cluster's address must answer."""

LOCAL = "local"
"""The address that starts Ray here, whatever ``RAY_ADDRESS`` says."""


def ray_engine(
    address: str | None = None, workers: int | None = None, retries: int = RETRIES
) -> Engine:
    """Solves cells on Ray.

    Args:
        address: of a cluster, ``"auto"`` for the one that this machine belongs to; None for the
            one that ``RAY_ADDRESS`` names or else for a Ray started here.
        workers: cores of a Ray started here; None for all.
        retries: how many times Ray runs a cell again whose process or machine was lost.

    Raises:
        MissingExtraError: without ray.
        ArgumentError: if workers are asked for on a cluster that runs already.
    """
    cluster = address or os.environ.get("RAY_ADDRESS") or LOCAL
    if cluster != LOCAL and workers is not None:
        raise ArgumentError(
            f"workers belong to a Ray started here: the cluster at {cluster} has its own"
        )
    _ray()
    return lambda cells: _perform(cells, cluster, workers, retries)


def _perform(cells: Sequence[Cell], address: str, workers: int | None, retries: int) -> Outcomes:
    if not cells:  # then Ray need not be started
        return
    ray = _ray()
    with _connected(address, workers):
        task = ray.remote(num_cpus=1, max_retries=retries)(_solve)
        waiting = iter(enumerate(cells))
        running: dict[Any, int] = {}
        try:
            while True:
                most = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
                while len(running) < most and (upcoming := next(waiting, None)) is not None:
                    running[task.remote(upcoming[1])] = upcoming[0]
                if not running:
                    return
                ready, _ = ray.wait(list(running), timeout=None)
                for reference in ready:
                    yield running.pop(reference), _fetched(reference)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "the ray engine needs ray: pip install 'hwenvs[distributed]'"
        ) from error


def _solve(cell: Cell) -> Run | Failure:
    """What Ray runs: errors of solvers are results, so that only lost machines are retried."""
    return attempt(solve_cell, cell)


def _fetched(reference: Any) -> Run | Failure:
    """The result behind ``reference``; a failure where Ray has given up."""
    ray = _ray()
    try:
        result: Run | Failure = ray.get(reference)
    except ray.exceptions.RayError as error:
        first = (str(error).splitlines() or [""])[0]
        return Failure(WorkerError(f"Ray gave up: {type(error).__name__}: {first}"), str(error))
    return result


@contextmanager
def _connected(address: str, workers: int | None) -> Iterator[None]:
    """Ray, started or joined; left as it was found.

    Raises:
        ArgumentError: if there is no cluster at ``address``, or Ray does not start.
    """
    ray = _ray()
    if ray.is_initialized():  # by the caller, who also ends it
        yield
        return
    _check_reachable(address)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:
        options.update(num_cpus=workers, include_dashboard=False)
    try:
        ray.init(address=address, **options)
    except Exception as error:  # Ray raises that itself, of a node that starts too slowly
        what = "start Ray here" if address == LOCAL else f"reach a Ray cluster at {address}"
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ArgumentError(f"cannot {what}: {first}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Says at once what Ray says after minutes.

    Raises:
        ArgumentError: if nobody answers at ``address``, HOST:PORT.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():  # "auto", "local"
        return
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise ArgumentError(f"cannot reach a Ray cluster at {address}: {error}") from error
