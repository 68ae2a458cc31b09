"""Runs as Minari data sets, written an episode at a time and put in their place when complete."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium as gym

from hwenvs.errors import ArgumentError, MissingExtraError, unknown_name
from hwenvs.making import make
from hwenvs.offline.episodes import replay
from hwenvs.offline.metadata import dataset_metadata, default_name, episode_metadata
from hwenvs.solving.records import Run
from hwenvs.text import counted

if TYPE_CHECKING:
    from minari import MinariDataset

FORMATS = ("arrow", "parquet", "hdf5")
"""How Minari may store a data set; hdf5 needs h5py, the others pyarrow."""

NAME = re.compile(r"(?P<namespace>[-\w][-\w/]*[-\w])/[-\w]+-v\d+")
"""Names that Minari takes, with a namespace and a version."""


def export_minari(
    runs: Sequence[Run],
    name: str | None = None,
    *,
    author: str | None = None,
    author_email: str | None = None,
    description: str | None = None,
    data_format: str = "arrow",
    overwrite: bool = False,
) -> MinariDataset:
    """Writes ``runs`` of one environment as a Minari data set; an episode an evaluation, in order.

    It appears in Minari's folder (``MINARI_DATASETS_PATH``) in one step, when it is complete.  One
    episode at a time is held in memory.

    Args:
        runs: records with at least one design, all of one environment and its arguments.
        name: ``namespace/name-v0``; by default that of :func:`default_name`.
        author: of the data set, for its metadata.
        author_email: likewise.
        description: likewise; by default one sentence about solvers and environment.
        data_format: one of :data:`FORMATS`.
        overwrite: whether a data set of this name is replaced.

    Raises:
        ArgumentError: if the runs are of different environments or empty, if their environment
            cannot be made, or if the name is none that Minari takes, or is taken already.
        SolverError: if a design now earns something else than its record says, or the environment
            is many problems, pays a vector, or is not of this package.
        MissingExtraError: without Minari.
    """
    environment = _one_environment(runs)
    name = default_name(runs) if name is None else name
    storage_type = _storage(data_format)
    final = _place(name, overwrite)
    with closing(make(environment, runs[0].arguments)) as env:
        about = dataset_metadata(runs, env, name, description, author, author_email)
        with tempfile.TemporaryDirectory(prefix=".hwenvs-", dir=_root()) as folder:
            data = Path(folder) / "data"
            storage = storage_type.new(
                data,
                observation_space=env.observation_space,
                action_space=env.action_space,
                env_spec=env.spec,
                data_format=data_format,
            )
            _fill(storage, runs, env)
            storage.update_metadata(about)
            _move(data, final, Path(folder) / "before")
    _register_namespace(name)
    from minari import load_dataset

    return load_dataset(name)


def _fill(storage: Any, runs: Sequence[Run], env: gym.Env[Any, Any]) -> None:
    # Minari adds up the bytes of all files after every episode, which takes longer and longer.
    storage.get_size = lambda: 0.0
    storage.update_episodes(_buffers(runs, env))
    del storage.get_size
    storage.update_episode_metadata(episode_metadata(runs))


def _buffers(runs: Sequence[Run], env: gym.Env[Any, Any]) -> Iterator[Any]:
    from minari.data_collector import EpisodeBuffer

    for run in runs:
        for episode in replay(run, env):
            steps = len(episode.rewards)
            yield EpisodeBuffer(
                seed=0,
                observations=episode.observations,
                actions=episode.actions,
                rewards=episode.rewards.tolist(),
                terminations=[False] * (steps - 1) + [True],
                truncations=[False] * steps,
                infos=episode.infos,
            )


def _one_environment(runs: Sequence[Run]) -> str:
    """The id that all ``runs`` share, with their arguments."""
    found = {run.task: f"{run.environment} with {run.arguments}" for run in runs}
    if len(found) > 1:
        names = "; ".join(sorted(found.values()))
        raise ArgumentError(f"a data set holds runs of one environment, these are of {names}")
    if not any(run.designs for run in runs):
        raise ArgumentError("there is nothing to export: the runs evaluated no design")
    for run in runs:
        if len(run.rewards) != len(run.designs):
            raise ArgumentError(
                f"the run of {run.solver}, seed {run.seed}, has "
                f"{counted(len(run.designs), 'design')}, but {counted(len(run.rewards), 'reward')}"
            )
    return runs[0].environment


def _storage(data_format: str) -> Any:
    """Minari's storage class, if it can write ``data_format``."""
    if data_format not in FORMATS:
        raise unknown_name("data_format", data_format, FORMATS)
    try:
        from minari.dataset._storages import get_minari_storage
        from minari.dataset.minari_storage import MinariStorage

        get_minari_storage(data_format)
    except ImportError as error:
        extra = "minari[hdf5]" if data_format == "hdf5" else "hwenvs[offline]"
        raise MissingExtraError(
            f"Minari data sets as {data_format} need more: {error.msg.partition('.')[0]}; "
            f"pip install '{extra}'"
        ) from error
    return MinariStorage


def _root() -> Path:
    from minari.storage.datasets_root_dir import get_dataset_path

    return Path(get_dataset_path())


def _place(name: str, overwrite: bool) -> Path:
    """Where the data set ``name`` goes."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ArgumentError(
            f"{name!r} is no name of a Minari data set: valid are letters, digits, _, - and / "
            "with a namespace and a version, such as hwenvs/amc-resnet20/cma-es-v0"
        )
    final = _root() / name
    for above in Path(name).parents:
        if _is_dataset(_root() / above):
            raise ArgumentError(f"{name} cannot lie within the data set {above.as_posix()}")
    if final.exists() and not _is_dataset(final):
        raise ArgumentError(f"{name} cannot be a data set: {final} is a folder of others")
    if final.exists() and not overwrite:
        raise ArgumentError(
            f"the data set {name} exists already, in {final}: choose another version, or overwrite "
            "it (overwrite=True, --overwrite)"
        )
    return final


def _is_dataset(folder: Path) -> bool:
    return (folder / "data" / "metadata.json").is_file()


def _move(data: Path, final: Path, before: Path) -> None:
    """Puts the finished ``data`` in its place; what was there goes to ``before``."""
    if final.exists():
        (final / "data").rename(before)
    final.mkdir(parents=True, exist_ok=True)
    data.rename(final / "data")


def _register_namespace(name: str) -> None:
    from minari.namespace import create_namespace, list_local_namespaces

    namespace = name.rpartition("/")[0]
    if namespace not in list_local_namespaces():
        create_namespace(namespace)
