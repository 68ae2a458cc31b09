"""Multilayer perceptrons as policies, and what they do, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import EntryError, unknown_name
from hwenvs.leaderboards.reading import clipped

Floats = NDArray[np.float64]

MOST_LAYERS = 8

MOST_UNITS = 4096
"""Of the widest layer.  A small file can say a very wide one, and every unit of it takes memory and
time for each of the observations that are seen at once."""

MOST_NUMBERS = 4_000_000
"""Weights and biases together, which are the products that an action takes: in float32 they fit in
the largest file there may be."""

LARGEST_WEIGHT = 1e9
"""With it, eight layers of the widest stay far below the largest float64."""

ACTIVATIONS, OUTPUTS = ("relu", "tanh"), ("clip", "tanh", "sigmoid")

DIGITS = 6
"""Decimals that actions are rounded to."""

HALVINGS, TERMS = 10, 10
"""Of the exponential function: relative errors stay below 1e-12."""


@dataclass(frozen=True, eq=False)
class Policy:
    """A deterministic policy for actions in [0, 1].

    Attributes:
        weights: by layer [out, in].
        biases: by layer [out].
        activation: ``"relu"`` or ``"tanh"``.
        output: of the last layer's y: ``"clip"`` min(max(y, 0), 1), ``"tanh"`` (1 + tanh y) / 2,
            ``"sigmoid"`` 1 / (1 + exp(-y)).

    Raises:
        UnknownNameError: if activation or output is none of these.
        EntryError: if an array has the wrong shape, a number is not finite or too large, or there
            are too many layers, units or numbers; says which.
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    activation: str
    output: str

    def __post_init__(self) -> None:
        for what, known in (("activation", ACTIVATIONS), ("output", OUTPUTS)):
            if getattr(self, what) not in known:
                raise unknown_name(f"{what} of a policy", clipped(getattr(self, what)), known)
        if not 1 <= len(self.weights) == len(self.biases) <= MOST_LAYERS:
            raise EntryError(f"a policy has 1 to {MOST_LAYERS} layers, each with weight and bias")
        width = None
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if weight.ndim != 2 or (width is not None and weight.shape[1] != width):
                due = "[out, in]" if width is None else f"[out, {width}]"
                raise EntryError(f"weight_{layer}: shape {weight.shape} instead of {due}")
            width = weight.shape[0]
            if width > MOST_UNITS:
                raise EntryError(f"weight_{layer}: {width:,} units; at most {MOST_UNITS:,} a layer")
            if bias.shape != (width,):
                raise EntryError(f"bias_{layer}: shape {bias.shape} instead of ({width},)")
        numbers = sum(array.size for array in self.weights + self.biases)
        if numbers > MOST_NUMBERS:
            raise EntryError(f"a policy has at most {MOST_NUMBERS:,} numbers, not {numbers:,}")
        self._check_numbers()

    def _check_numbers(self) -> None:
        for kind, arrays in (("weight", self.weights), ("bias", self.biases)):
            for layer, array in enumerate(arrays):
                if not (np.abs(array) <= LARGEST_WEIGHT).all():  # NaN is not either
                    raise EntryError(
                        f"{kind}_{layer}: holds a number that is not finite or beyond "
                        f"{LARGEST_WEIGHT:g}"
                    )

    def check(self, features: int, actions: int, where: str) -> None:
        """Whether the policy takes so many features and gives so many actions.

        Raises:
            EntryError: if it does not.
        """
        takes, gives = self.weights[0].shape[1], self.weights[-1].shape[0]
        if (takes, gives) != (features, actions):
            raise EntryError(
                f"the policy takes {takes} features and gives {gives} actions; {where} have "
                f"{features} and {actions}"
            )

    def act(self, observations: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Actions [n, A] in [0, 1] for observations [n, F].

        Equal on every machine, bit for bit, and whatever stands in the other rows: BLAS sums in an
        order of its own on each processor and for each n, and ``tanh`` differs in the last bit
        between libraries, so products are added one input after the other, and functions are made
        of ``+ - * /``, which IEEE 754 fixes.  (Multiplying and adding are separate steps of NumPy,
        so no fused operation can come in.)  The rounding of actions, to 1e-6, is what a difference
        would still have to get past.
        """
        hidden = np.asarray(observations, dtype=np.float64)
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            total = np.tile(bias, (len(hidden), 1))
            for column, value in zip(np.ascontiguousarray(weight.T), hidden.T, strict=True):
                total += value[:, None] * column
            if layer == last:
                return _rounded(self._squashed(total))
            hidden = np.maximum(total, 0.0) if self.activation == "relu" else _tanh(total)
        raise AssertionError("a policy has a last layer")

    def _squashed(self, values: Floats) -> Floats:
        if self.output == "clip":
            return values
        return 0.5 * (1.0 + _tanh(values if self.output == "tanh" else 0.5 * values))


def _rounded(values: Floats) -> NDArray[np.float32]:
    scale = 10.0**DIGITS
    actions = np.rint(np.clip(values, 0.0, 1.0) * scale) / scale
    return actions.astype(np.float32)


def _tanh(values: Floats) -> Floats:
    """1 - 2 / (exp(2 x) + 1), with the exponential made of products and sums.

    exp(y) = exp(y / 1024) ** 1024: ten terms of Taylor's series, then ten squarings.  Beyond 20
    the function is 1 to the last bit.
    """
    small = np.clip(values, -20.0, 20.0) * (2.0 / 2**HALVINGS)
    power = np.ones_like(small)
    for term in range(TERMS, 0, -1):
        power = 1.0 + power * small / term
    for _ in range(HALVINGS):
        power = power * power
    found: Floats = 1.0 - 2.0 / (power + 1.0)
    return found
