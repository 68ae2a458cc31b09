"""Every registered environment and its variants, to try claims on all of them; the command."""

from __future__ import annotations

import importlib.util
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings
from typer.testing import CliRunner, Result

import hwenvs
from hwenvs.errors import AnalyticProxyWarning
from hwenvs.hardware import HardwareModel, Workload
from hwenvs.problems import make_problem
from hwenvs.problems.chain import ChainProblem

# A busy machine is no bug: nothing here is tested by the clock.
hypothesis_settings.register_profile("any machine", deadline=None)
hypothesis_settings.load_profile("any machine")

# Shells without job control start background jobs deaf to Ctrl-C, and commands would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

IDS = tuple(hwenvs.ENVIRONMENTS)
TABLE_IDS = tuple(
    name for name, given in hwenvs.ENVIRONMENTS.items() if given.get("proxy") != "measured"
)
"""Ids whose accuracies come from tables: their optimum can be certified."""


class Bumpy(HardwareModel):
    """Latency that falls here and there when channels are added, as on tiled hardware."""

    name = "bumpy"
    source = "made up for tests"
    quantities = ("latency",)

    def layer_costs(self, workload: Workload) -> dict[str, np.ndarray]:
        waste = 1.0 + workload.in_channels * 7 % 5 / 5.0 + workload.out_channels * 3 % 4 / 3.0
        waste = waste + workload.weight_bits * 5 % 3 / 3.0
        work = workload.macs * workload.weight_density
        work = work * workload.weight_bits * workload.activation_bits / 1024.0
        return {"latency": 1e-6 + work * waste * 1e-9}


VARIANTS: dict[str, dict[str, object]] = {
    "paper": {},
    "projected": {"constraint": "projected"},
    "backoff": {"constraint": "backoff"},
    "parameters": {"cost": "size", "reward": "error_times_log_params", "budget": 0.6},
    "free": {"budget": None, "reward": "error_times_log_macs"},
    "latency": {"hardware": "roofline", "cost": "latency", "budget": 0.8},
    "bumpy": {"hardware": Bumpy(), "cost": "latency", "budget": 0.3},
    "rough": {"hardware": Bumpy(), "cost": "latency", "budget": 0.4, "constraint": "projected"},
    "coarse": {"round_to": 16, "floor": 0.5, "budget": 0.8},
}
"""Arguments that reach every branch of the dynamics."""

OPERATOR_VARIANTS: dict[str, dict[str, object]] = {
    "parameters": {"cost": "size", "reward": "accuracy_change"},
    "free": {"reward": "accuracy_times_cost", "target": 0.4},
    "bumpy": {"budget": 0.5, "reward": "accuracy_times_cost"},
    "rough": {"budget": 0.6},
}
"""What is different about them where operators are chosen."""

SAME_COUNTS: dict[str, dict[str, object]] = {
    "parameters": {"reward": "accuracy_change"},
    "free": {"reward": "accuracy_times_cost", "target": 0.6},
}
"""What is different where all designs have the same MACs and parameters."""


class Cli:
    """The ``hwenvs`` command in this process. Tests import the class under ``TYPE_CHECKING``."""

    def call(self, *words: object) -> Result:
        """Runs the command, however it ends."""
        from hwenvs.cli.app import app

        return CliRunner().invoke(app, [str(word) for word in words])

    def succeed(self, *words: object) -> str:
        """Runs the command, which must succeed, and returns what it printed."""
        result = self.call(*words)
        assert result.exit_code == 0, result.output
        return result.stdout

    def fail(self, *words: object, code: int = 2) -> str:
        """Runs the command, which must say what is wrong in one line (``code`` 1: in several)."""
        result = self.call(*words)
        assert result.exit_code == code, result.output
        assert code != 2 or result.stderr.count("\n") == 1, result.stderr
        assert "Traceback" not in result.output
        return result.stderr


GetProblem = Callable[..., ChainProblem]
MakeActions = Callable[..., np.ndarray]


def _arguments(env_id: str, variant: str) -> dict[str, object]:
    """The arguments of a variant; zeros, few bits and small layers save nothing on a roofline."""
    if env_id.startswith("NAS"):
        if variant == "coarse":
            return {"actions": "continuous", "budget": 0.8}
        return {**VARIANTS[variant], **OPERATOR_VARIANTS.get(variant, {})}
    if env_id.startswith("HAQ"):
        bits = {
            "latency": {"hardware": "bismo-cloud"},
            "coarse": {"floor": 5},
            "parameters": {"hardware": "bismo-edge", "budget": {"latency": 0.5, "size": 0.65}},
        }
        changed = {**VARIANTS[variant], **SAME_COUNTS.get(variant, {}), **bits.get(variant, {})}
        changed.pop("round_to", None)
        if "Digits" in env_id and variant in ("bumpy", "rough"):
            changed["budget"] = 0.5
        return changed
    costly = "FineGrained" in env_id or "Digits" in env_id or env_id.startswith("DeepCompression")
    if variant == "latency" and costly:
        return {**VARIANTS[variant], "hardware": Bumpy()}
    if "FineGrained" in env_id or env_id.startswith("DeepCompression"):
        return {**VARIANTS[variant], **SAME_COUNTS.get(variant, {})}
    return dict(VARIANTS[variant])


@lru_cache(None)
def _problem(env_id: str, variant: str = "paper") -> ChainProblem:
    made = make_problem(**{**hwenvs.ENVIRONMENTS[env_id], **_arguments(env_id, variant)})
    assert isinstance(made, ChainProblem)
    return made


def _actions(seed: int, steps: int, batch: int, space: gym.Space[Any] | None = None) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(space.n, size=(steps, batch))
    actions = rng.random((steps, batch, 1), dtype=np.float32)
    actions[rng.random(actions.shape) < 0.1] = 0.0
    actions[rng.random(actions.shape) < 0.1] = 1.0
    return actions


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests measure is kept apart from what the user measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HWENVS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _warned_already(_own_cache: None) -> None:
    """Analytic tables warn once per process; here, so that all other warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnalyticProxyWarning)
        for name in IDS:
            gym.make(name).close()


@pytest.fixture(scope="session")
def get_problem() -> GetProblem:
    """Gets the problem of an id in one of the variants, compiled once."""
    return _problem


@pytest.fixture(scope="session")
def make_actions() -> MakeActions:
    """Draws actions [steps, batch, 1] from a seed, the ends of the range among them.

    With a discrete space: choices [steps, batch].
    """
    return _actions


@pytest.fixture(params=IDS)
def env_id(request: pytest.FixtureRequest) -> str:
    """Every id."""
    return str(request.param)


@pytest.fixture(params=TABLE_IDS)
def table_id(request: pytest.FixtureRequest) -> str:
    """Every id whose accuracies come from tables."""
    return str(request.param)


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    """Every variant."""
    return str(request.param)


@pytest.fixture
def arguments(env_id: str, variant: str) -> dict[str, object]:
    """The arguments of every variant."""
    return _arguments(env_id, variant)


@pytest.fixture
def problem(env_id: str, variant: str) -> ChainProblem:
    """Every problem in all its variants."""
    return _problem(env_id, variant)


@pytest.fixture
def env(env_id: str) -> Iterator[gym.Env]:
    """Every environment as users get it."""
    made = gym.make(env_id)
    yield made
    made.close()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with real networks and images; tests that need it are skipped without it."""
    folder = os.environ.get("HWENVS_DATA")
    if not folder:
        pytest.skip("HWENVS_DATA is not set: no real networks and images to measure on")
    return Path(folder)


@pytest.fixture(scope="session")
def cli() -> Cli:
    """Runs the ``hwenvs`` command."""
    return Cli()


@pytest.fixture(scope="session")
def script() -> Callable[[str], Any]:
    """Loads a file of the repository that no package has, e.g. ``"docs/generate.py"``."""

    def load(path: str) -> Any:
        place = Path(__file__).parents[1] / path
        spec = importlib.util.spec_from_file_location(place.stem, place)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(place.parent)  # neighbours are found, as in a call
            spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def digits_supernet(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A supernet of the digits' search space, trained for some seconds by the command."""
    out = tmp_path_factory.mktemp("supernet")
    command = ["train-supernet", "proxyless_digits", "--out", out, "--epochs", 10]
    assert "10 epochs" in cli.succeed(*command, "--batch-size", 50, "--learning-rate", 0.05)
    return out / "proxyless_digits.supernet.safetensors"


@pytest.fixture(scope="session")
def digits_table(cli: Cli, digits_supernet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its table, measured by the command on few architectures."""
    out = tmp_path_factory.mktemp("tables")
    command = ["calibrate", "operator-selection", "proxyless_digits", "--out", out]
    command += ["--weights", digits_supernet, "--fitted", 60, "--heldout", 12, "--zero-cost", 12]
    assert "spearman" in cli.succeed(*command)
    return out / "proxyless_digits.operator_selection.npz"
