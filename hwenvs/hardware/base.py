"""The contract of a hardware model: a workload in, costs in SI units out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hwenvs.errors import HardwareError
from hwenvs.hardware.workload import FloatArray, Workload

COST_UNITS = {
    "macs": "MAC",
    "params": "1",
    "size": "B",
    "latency": "s",
    "energy": "J",
    "peak_memory": "B",
}
"""Every quantity that a model may report, and its unit."""

MAXIMA = ("peak_memory",)
"""Quantities of which a network needs the largest over its layers; all others are added up."""

DEFINITIONS = ("macs", "params")
"""Quantities that follow from the workload alone and are reported whatever the hardware."""


class Costs(Mapping[str, FloatArray]):
    """Costs of a batch of designs: float64 arrays [B] by quantity, in the units of COST_UNITS."""

    def __init__(self, arrays: Mapping[str, FloatArray]) -> None:
        self._arrays = dict(arrays)

    def __getitem__(self, quantity: str) -> FloatArray:
        return self._arrays[quantity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        parts = (f"{name}={array} {COST_UNITS[name]}" for name, array in self.items())
        return f"Costs({', '.join(parts)})"


class HardwareModel(ABC):
    """Latency, energy, size ... of designs on a piece of hardware.

    A subclass sets the attributes and writes :meth:`layer_costs`.  It must be a pure function of
    the workload, each design by itself: a batch of N gives the same bits as N batches of one.
    So: numpy in float64, no matrix products, and transcendental results rounded to 1e-9.

    Attributes:
        name: what users type.
        source: where the figures come from (data sheet, paper, measurement).
        quantities: what it reports, among ``COST_UNITS``.
        deterministic: whether two calls agree bit for bit.
        monotone: whether no cost falls when a layer gets more channels.
        platform_dependent: whether the figures are those of the machine that one happens to have,
            so that results on it cannot be compared with other people's.
    """

    name: str
    source: str
    quantities: tuple[str, ...]
    deterministic: bool = True
    monotone: bool = False
    platform_dependent: bool = False

    @abstractmethod
    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Costs of every layer by itself.

        Args:
            workload: B designs over L layers.

        Returns:
            For each of ``quantities`` a float64 array [B, L], finite and not negative.
        """

    def cost(self, workload: Workload) -> Costs:
        """Costs of whole designs: :func:`aggregate` of :meth:`layer_costs`."""
        return aggregate(self.layer_costs(workload))

    def describe(self) -> str:
        """What the model counts and where its figures come from, for people."""
        units = ", ".join(f"{quantity} ({COST_UNITS[quantity]})" for quantity in self.quantities)
        return f"{self.name}: {units}. {self.source}"


def aggregate(layer_costs: Mapping[str, FloatArray]) -> Costs:
    """Costs [B] of whole designs from those of their layers [B, L].

    Sums run over the layers in table order, one addition at a time, because numpy's own summation
    order depends on the memory layout; ``peak_memory`` is the largest over the layers.
    """
    totals = {}
    for quantity, table in layer_costs.items():
        total = table[:, 0].copy()
        for index in range(1, table.shape[1]):
            column = table[:, index]
            total = np.maximum(total, column) if quantity in MAXIMA else total + column
        totals[quantity] = total
    return Costs(totals)


class CheckedHardware(HardwareModel):
    """A model whose answers are checked, with MACs and parameters beside them.

    Every model that comes out of the registry is one, whoever wrote it.

    Args:
        model: the model to check.
        spec: what :func:`hwenvs.hardware.get_hardware` makes it from again (JSON-able), or None.
    """

    def __init__(self, model: HardwareModel, spec: str | dict[str, Any] | None = None) -> None:
        self.model, self.spec = model, spec
        for attribute in ("name", "source"):
            if not isinstance(getattr(model, attribute, None), str):
                kind = type(model).__name__
                raise HardwareError(f"hardware {kind}: needs a string attribute {attribute!r}")
        self.name, self.source = model.name, model.source
        self.deterministic, self.monotone = model.deterministic, model.monotone
        self.platform_dependent = model.platform_dependent
        own = tuple(getattr(model, "quantities", ()))
        unknown = [quantity for quantity in own if quantity not in COST_UNITS]
        if unknown or not own:
            what = f"reports {unknown}" if unknown else "says nothing in 'quantities'"
            raise HardwareError(f"hardware {self.name!r}: {what}; valid: {', '.join(COST_UNITS)}")
        self.own = own
        self.quantities = (*DEFINITIONS, *(q for q in own if q not in DEFINITIONS))

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """The model's costs, checked, with MACs and parameters.

        Raises:
            HardwareError: if an answer is missing, of the wrong shape, not finite or negative.
        """
        answer = self.model.layer_costs(workload)
        if set(answer) != set(self.own):
            raise HardwareError(
                f"hardware {self.name!r} reports {sorted(answer)} instead of {sorted(self.own)}"
            )
        costs = {name: np.asarray(getattr(workload, name), np.float64) for name in DEFINITIONS}
        for quantity, values in answer.items():
            table = self._checked(quantity, values, workload.shape)
            if quantity in DEFINITIONS and not np.array_equal(table, costs[quantity]):
                raise HardwareError(
                    f"hardware {self.name!r}: its {quantity} differ from the workload's, which "
                    f"define them; leave {quantity} out"
                )
            costs[quantity] = table
        return costs

    def describe(self) -> str:
        """The model's own description."""
        return self.model.describe()

    def _checked(self, quantity: str, values: object, shape: tuple[int, int]) -> FloatArray:
        table = np.asarray(values, dtype=np.float64)
        if table.shape != shape:
            raise HardwareError(
                f"hardware {self.name!r}: {quantity} has shape {table.shape} instead of {shape}"
            )
        bad = ~np.isfinite(table) | (table < 0)
        if bad.any():
            at = tuple(int(index) for index in np.argwhere(bad)[0])
            raise HardwareError(
                f"hardware {self.name!r}: {quantity} of design {at[0]}, layer {at[1]} is "
                f"{table[at]}; costs must be finite and not negative"
            )
        return table
