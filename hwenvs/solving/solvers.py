"""Solvers by name: where each lives, what all of them keep to, and what to install for them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from hwenvs.errors import SolverError, unknown_name
from hwenvs.extras import missing_extra
from hwenvs.importing import imported

if TYPE_CHECKING:
    from hwenvs.solving.loop import Recorder

SOLVERS = {
    "ddpg": "hwenvs.agents.ddpg:DDPG",
    "proxyless": "hwenvs.agents.proxyless:Proxyless",
    "reinforce": "hwenvs.agents.reinforce:Reinforce",
    "decomposition": "hwenvs.agents.decomposition:Decomposition",
    "random": "hwenvs.baselines.random:RandomSearch",
    "uniform": "hwenvs.baselines.handcrafted:Uniform",
    "shallow": "hwenvs.baselines.handcrafted:Shallow",
    "deep": "hwenvs.baselines.handcrafted:Deep",
    "cma-es": "hwenvs.baselines.evolution:CMAES",
    "regularized-evolution": "hwenvs.baselines.regularized_evolution:RegularizedEvolution",
    "genetic": "hwenvs.baselines.genetic:Genetic",
    "differential-evolution": "hwenvs.baselines.differential_evolution:DifferentialEvolution",
    "nsga2": "hwenvs.baselines.nsga2:NSGA2",
    "tpe": "hwenvs.baselines.bayesian:TPE",
    "gp": "hwenvs.baselines.gaussian_process:GaussianProcess",
    "turbo": "hwenvs.baselines.turbo:Turbo",
    "sb3-ddpg": "hwenvs.baselines.stable_baselines:DDPG",
    "sb3-td3": "hwenvs.baselines.stable_baselines:TD3",
    "sb3-sac": "hwenvs.baselines.stable_baselines:SAC",
    "sb3-tqc": "hwenvs.baselines.stable_baselines:TQC",
    "sb3-dqn": "hwenvs.baselines.stable_baselines:DQN",
    "sb3-ppo": "hwenvs.baselines.stable_baselines:PPO",
    "sb3-a2c": "hwenvs.baselines.stable_baselines:A2C",
    "sb3-maskable-ppo": "hwenvs.baselines.stable_baselines:MaskablePPO",
    "sb3-recurrent-ppo": "hwenvs.baselines.stable_baselines:RecurrentPPO",
    "sb3-ars": "hwenvs.baselines.stable_baselines:ARS",
    "exact": "hwenvs.baselines.certified:Exact",
    "milp": "hwenvs.baselines.milp:MILP",
}
"""Where each solver lives."""

ONE_DESIGN = ("uniform", "shallow", "deep", "exact", "milp")
"""Solvers without any chance in them: one seed tells all."""

ATTRIBUTES = {"name": str, "hyperparameters": Mapping, "deterministic": bool}
"""What a solver says of itself, for records."""


@runtime_checkable
class Solver(Protocol):
    """Anything that looks for designs.

    Attributes:
        name: what the command line calls it.
        hyperparameters: JSON-able settings, stored with every run.
        deterministic: whether equal seeds give equal traces.
    """

    name: str
    hyperparameters: Mapping[str, Any]
    deterministic: bool

    def solve(self, env: Recorder, seed: int) -> None:
        """Looks for designs until ``env`` raises :class:`BudgetSpent`, or returns earlier.

        Args:
            env: the environment; ``env.problem`` gives its free parts (costs, options, features).
            seed: of everything random.
        """
        ...


def solver_modules(names: Iterable[str]) -> list[str]:
    """The modules of those solvers in ``names`` that come with the package."""
    return list(dict.fromkeys(SOLVERS[name].partition(":")[0] for name in names if name in SOLVERS))


def get_solver(name: str, /, **hyperparameters: Any) -> Solver:
    """The solver called ``name`` with its default hyper-parameters, some replaced.

    Args:
        name: one of :data:`SOLVERS`, or ``"package.module:Class"`` for anybody else's.
        **hyperparameters: that the class is made with.

    Raises:
        UnknownNameError: if there is no such solver or hyper-parameter.
        ArgumentError: if there is no such module or class.
        MissingExtraError: if its optional dependencies are missing; says what to install.
        SolverError: if it takes no such hyper-parameters, lacks what :class:`Solver` asks for, or
            calls itself as a bundled solver does.
    """
    if name not in SOLVERS and ":" not in name:
        raise unknown_name("solver", name, SOLVERS)
    try:
        made = imported(SOLVERS.get(name, name), "solver")
    except ModuleNotFoundError as error:
        missing = missing_extra(error, f"solver {name!r}", "agents")
        if missing is None:
            raise
        raise missing from error
    # A class: a name may come with somebody's entry, and functions do things when called.
    if not isinstance(made, type) or not callable(getattr(made, "solve", None)):
        raise SolverError(f"solver {name!r} is no class with a method solve(env, seed)")
    try:
        solver: Solver = made(**hyperparameters)
    except TypeError as error:
        if error.__traceback__ is None or error.__traceback__.tb_next is not None:
            raise  # by the class itself, which was given what it takes
        given = ", ".join(sorted(hyperparameters))
        raise SolverError(f"solver {name!r} has no hyper-parameters {given}: {error}") from error
    _check(solver, name)
    return solver


def _check(solver: Solver, words: str) -> None:
    """What records say of a solver must be there, and be said of that solver alone.

    Raises:
        SolverError: if an attribute is missing or of another type, or the name is a bundled one's.
    """
    missing = [
        f"{name} ({kind.__name__})"
        for name, kind in ATTRIBUTES.items()
        if not isinstance(getattr(solver, name, None), kind)
    ]
    if missing:
        raise SolverError(f"solver {words!r} needs the attributes {', '.join(missing)}")
    if solver.name in SOLVERS and not _is_bundled(solver):
        raise SolverError(
            f"solver {words!r} calls itself {solver.name!r}, as a bundled solver does, so their "
            "runs could not be told apart: give it another name"
        )


def _is_bundled(solver: Solver) -> bool:
    """Whether ``solver`` is the one that its name stands for, under whatever words it was found."""
    module, _, name = SOLVERS[solver.name].partition(":")
    # Not imported where it is not there: then nothing of it is, and packages may be missing.
    return type(solver) is getattr(sys.modules.get(module), name, None)
