"""Bayesian optimisation of the actions of an episode, by Optuna."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

import optuna

from hwenvs.baselines.ranges import episode_range
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured
from hwenvs.solving.relaxing import relaxed


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        startup: random episodes before the first model.
        candidates: points drawn from the model of good episodes, of which the best is played.
        multivariate: whether decisions are modelled together.
    """

    startup: int = 20
    candidates: int = 24
    multivariate: bool = True

    def __post_init__(self) -> None:
        for name in ("startup", "candidates"):
            if getattr(self, name) < 1:
                raise SolverError(f"{name} of tpe must be at least 1, not {getattr(self, name)}")


class TPE(Configured[Settings]):
    """Tree-structured Parzen estimators (Bergstra et al., NeurIPS 2011), as Optuna has them.

    Models where good episodes' actions lie and where the others' do, and plays the point where the
    ratio of the two densities is largest.  The first episode is the uniform design.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``bayesian.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "tpe"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:
        """Asks and tells until the evaluations are spent.

        Raises:
            SolverError: if actions are not a bounded ``Box``.
        """
        settings = self.settings
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=settings.startup,
            n_ei_candidates=settings.candidates,
            multivariate=settings.multivariate,
            seed=seed % 2**32,
        )
        with quiet():
            ask_and_tell(env, self.name, sampler)


def ask_and_tell(env: Recorder, solver: str, sampler: optuna.samplers.BaseSampler) -> NoReturn:
    """Plays what ``sampler`` suggests, from the uniform design on, until the evaluations are spent.

    Raises:
        SolverError: if actions are not a bounded ``Box``.
    """
    env = relaxed(env)
    low, high, start = episode_range(env, solver)
    names = [f"a{index:03d}" for index in range(len(low))]
    ranges: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.FloatDistribution(float(a), float(b))
        for name, a, b in zip(names, low, high, strict=True)
    }
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial(dict(zip(names, map(float, start), strict=True)))
    while True:
        trial = study.ask(ranges)
        study.tell(trial, env.play([trial.params[name] for name in names]))


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna says nothing inside, and what it said before afterwards."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
