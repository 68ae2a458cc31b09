"""Bayesian optimisation with a Gaussian process of the actions of an episode, by Optuna."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import optuna

from hwenvs.baselines.bayesian import ask_and_tell, quiet
from hwenvs.baselines.seeding import seeded_torch
from hwenvs.baselines.sliced_regressor import sliced_regressors
from hwenvs.errors import SolverError
from hwenvs.solving import Recorder
from hwenvs.solving.hyperparameters import Configured


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters.

    Attributes:
        startup: random episodes before the first model.
        noiseless: whether the model passes through all rewards; environments are deterministic.
    """

    startup: int = 20
    noiseless: bool = True

    def __post_init__(self) -> None:
        if self.startup < 1:
            raise SolverError(f"startup of gp must be at least 1, not {self.startup}")


class GaussianProcess(Configured[Settings]):
    """A Gaussian process with a length scale per decision and log expected improvement (Optuna).

    Every episode fits the model to all episodes so far, which takes the longer the more there are.
    The first episode is the uniform design.

    Args:
        **hyperparameters: fields of :class:`Settings`; defaults in ``gaussian_process.yaml``.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    name = "gp"
    deterministic = True
    settings_type = Settings

    def solve(self, env: Recorder, seed: int) -> None:
        """Asks and tells until the evaluations are spent.

        Raises:
            SolverError: if actions are not a bounded ``Box``.
        """
        with quiet(), seeded_torch(seed), sliced_regressors(), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.GPSampler(
                n_startup_trials=self.settings.startup,
                deterministic_objective=self.settings.noiseless,
                seed=seed % 2**32,
            )
            ask_and_tell(env, self.name, sampler)
