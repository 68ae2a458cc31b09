"""Frozen policies as files: reading, writing, and exporting what learners have learned.

``policy.npz`` holds, as ``np.savez`` writes them, ``weight_0`` [out, in], ``bias_0`` [out],
``weight_1`` ... (float32 or float64), ``activation`` (what follows every layer but the last) and
``output`` (how the last layer's numbers become an action).  Nothing of it is code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import EntryError
from hwenvs.files import replacing
from hwenvs.leaderboards.arrays import Arrays, read_arrays
from hwenvs.leaderboards.entries import MOST_POLICY
from hwenvs.leaderboards.perceptron import MOST_LAYERS, Floats, Policy

NAMES = (
    "activation",
    "output",
    *(f"{kind}_{layer}" for layer in range(MOST_LAYERS) for kind in ("weight", "bias")),
)
"""Arrays that a file may have."""


def export(model: Any, path: Path | str) -> Policy:
    """Writes what ``model`` does without noise as ``policy.npz``, for the leaderboard.

    Args:
        model: one of Stable-Baselines3 or sb3-contrib with an ``MlpPolicy`` (PPO, A2C, DDPG, TD3,
            SAC, TQC), or :class:`hwenvs.agents.ddpg.DDPG` after training, or its ``learner``.
        path: of the file.

    Returns:
        The policy that was written.

    Raises:
        SolverError: if it is none of these, or does what the file cannot say, such as normalising
            observations, or has more layers, units or numbers than it may.
    """
    from hwenvs.leaderboards.exporting import policy_of

    policy = policy_of(model)
    write_policy(policy, Path(path))
    return policy


def write_policy(policy: Policy, path: Path) -> None:
    """Writes ``policy.npz``, in float32 where that loses nothing."""
    arrays: dict[str, Any] = {
        "activation": np.array(policy.activation),
        "output": np.array(policy.output),
    }
    for layer, (weight, bias) in enumerate(zip(policy.weights, policy.biases, strict=True)):
        arrays[f"weight_{layer}"], arrays[f"bias_{layer}"] = _short(weight), _short(bias)
    # A file object, since NumPy would add an ending to a name that has another.
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def read_policy(path: Path) -> Policy:
    """The policy in a file.

    Raises:
        EntryError: if the file is not what it should be; says where.
    """
    arrays = read_arrays(path, MOST_POLICY, NAMES)
    layers = sum(name.startswith("weight_") for name in arrays)
    wanted = {"activation", "output"}
    wanted |= {f"{kind}_{layer}" for layer in range(layers) for kind in ("weight", "bias")}
    if odd := sorted(wanted ^ set(arrays)):
        state = "is missing" if odd[0] in wanted else "belongs to no layer"
        raise EntryError(f"{path}, {odd[0]}: {state}")
    try:
        return Policy(
            tuple(_numbers(arrays, f"weight_{layer}") for layer in range(layers)),
            tuple(_numbers(arrays, f"bias_{layer}") for layer in range(layers)),
            _word(arrays, "activation"),
            _word(arrays, "output"),
        )
    except ValueError as error:
        raise EntryError(f"{path}, {error}") from error


def _numbers(arrays: Arrays, name: str) -> Floats:
    if arrays[name].dtype.kind != "f":
        raise EntryError(f"{name}: must be float32 or float64, not text")
    return arrays[name].astype(np.float64)


def _word(arrays: Arrays, name: str) -> str:
    array = arrays[name]
    if array.dtype.kind != "U" or array.shape:
        raise EntryError(f"{name}: must be one word, not numbers or several")
    # Looked at as numbers first: four bytes can be more than any character is.
    if (array.reshape(1).view(np.uint32) > ord("z")).any():
        raise EntryError(f"{name}: must be one word of small letters")
    return str(array)


def _short(array: Floats) -> NDArray[Any]:
    short = array.astype(np.float32)
    return short if np.array_equal(short, array) else array
