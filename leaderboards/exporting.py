"""What a learner's policy is made of, as layers of a perceptron."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from gymnasium import spaces
from torch import Tensor, nn

from hwenvs.errors import EntryError, SolverError
from hwenvs.leaderboards.perceptron import Floats, Policy

ACTIVATIONS: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.Tanh: "tanh"}
OUTPUTS: dict[type[nn.Module], str] = {nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}


def policy_of(model: Any) -> Policy:
    """The policy of ``model``, see :func:`hwenvs.leaderboards.policies.export`.

    Raises:
        SolverError: if it cannot be said in layers.
    """
    learner = getattr(model, "learner", model)
    if learner is None:
        raise SolverError(f"{type(model).__name__} has learned nothing yet: there is no policy")
    if hasattr(learner, "actor") and not hasattr(learner, "policy"):
        return _perceptron(learner.actor)
    if not hasattr(model, "policy"):
        raise SolverError(
            f"{type(model).__name__} has no policy that can be exported; known are models of "
            "Stable-Baselines3 with an MlpPolicy and the DDPG of this package"
        )
    _check_spaces(model)
    policy = model.policy
    if hasattr(policy, "mlp_extractor"):
        _check_features(policy)
        if policy.squash_output or hasattr(policy, "lstm_actor"):
            raise SolverError(f"{type(policy).__name__} squashes or remembers, which is not known")
        return _perceptron([*_plain(policy.mlp_extractor.policy_net), policy.action_net])
    actor = getattr(policy, "actor", None)
    if actor is None:
        raise SolverError(f"{type(policy).__name__} is no policy of continuous actions")
    _check_features(actor)
    if hasattr(actor, "latent_pi"):  # SAC and TQC: the mean of a squashed normal distribution
        return _perceptron([*_plain(actor.latent_pi), *_plain(actor.mu), nn.Tanh()])
    return _perceptron(_plain(actor.mu))


def _check_spaces(model: Any) -> None:
    """A policy file knows one kind of observations and one range of actions.

    Wrappers that normalise observations leave [0, 1], where those of all environments here lie.
    """
    normalised = model.get_vec_normalize_env()
    if normalised is not None and normalised.norm_obs:
        raise SolverError("observations of the model are normalised, which a policy file is not")
    if not _within_one(model.action_space):
        raise SolverError(f"policies of the leaderboard act in [0, 1], not in {model.action_space}")
    if not _within_one(model.observation_space):
        raise SolverError(
            "policies of the leaderboard see numbers from 0 to 1 as environments give them, not "
            f"normalised or rescaled ones; the model's observations are {model.observation_space}"
        )


def _within_one(space: spaces.Space[Any]) -> bool:
    return isinstance(space, spaces.Box) and not space.low.any() and bool((space.high == 1).all())


def _check_features(part: Any) -> None:
    extractor = type(part.features_extractor).__name__
    if extractor != "FlattenExtractor":
        raise SolverError(f"the policy sees through a {extractor}; only an MlpPolicy is known")


def _plain(module: nn.Module) -> list[nn.Module]:
    return list(module) if isinstance(module, nn.Sequential) else [module]


def _perceptron(modules: Iterable[nn.Module]) -> Policy:
    """Linear layers with one activation between them, and perhaps another at the end."""
    weights: list[Floats] = []
    biases: list[Floats] = []
    between: list[type[nn.Module]] = []
    for module in modules:
        if isinstance(module, nn.Linear):
            if len(between) != len(weights):
                raise SolverError("two linear layers follow one another without an activation")
            weights.append(_numbers(module.weight))
            biases.append(_bias(module))
        elif len(between) >= len(weights):
            raise SolverError(f"{type(module).__name__} does not follow a linear layer")
        else:
            between.append(type(module))
    last = between.pop() if len(between) == len(weights) else None
    kinds = set(between) or {nn.ReLU}
    if len(kinds) > 1 or not kinds <= set(ACTIVATIONS):
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise SolverError(f"activations must be all ReLU or all Tanh, not {names}")
    if last is not None and last not in OUTPUTS:
        raise SolverError(f"the last layer ends with {last.__name__}, not with Tanh or Sigmoid")
    output = "clip" if last is None else OUTPUTS[last]
    try:
        return Policy(tuple(weights), tuple(biases), ACTIVATIONS[kinds.pop()], output)
    except EntryError as error:
        raise SolverError(f"the leaderboard takes no such policy: {error}") from error


def _bias(layer: nn.Linear) -> Floats:
    bias: Any = layer.bias  # None of layers without, whatever torch's annotations say
    if bias is None:
        return np.zeros(layer.out_features)
    return _numbers(bias)


def _numbers(parameters: Tensor) -> Floats:
    found: Floats = parameters.detach().cpu().numpy().astype(np.float64)
    return found
