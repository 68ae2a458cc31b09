"""Bytes of a network as Deep Compression stores it: a number of bits per weight that stays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwenvs.errors import HardwareError
from hwenvs.hardware.base import HardwareModel
from hwenvs.hardware.workload import FULL_BITS, FloatArray, Workload

INDEX_BITS = (1, 2, 3, 4, 5, 6, 7, 8)
"""Bits of a relative index; every layer takes those that make it smallest."""

LARGEST_CODEBOOK = 16
"""Bits above which every weight keeps a value of its own."""

PERCENTS = 100

MEASURED_BITS = (*range(1, 9), int(FULL_BITS))
"""Bits of codebooks that the real encoder was tried with: the columns of a measured table."""


def fillers(density: FloatArray, bits: int) -> FloatArray:
    """Expected filler zeros per weight that stays, if zeros lie anywhere.

    A relative index of i bits covers ``M = 2**i`` places; with ``q`` the fraction of zeros a run
    of zeros needs ``sum_j q**(M j) = q**M / (1 - q**M)`` fillers.
    """
    run = 1.0 - density
    for _ in range(bits):
        run = run * run
    # Without a single weight left there is nothing to index.
    return np.where(density > 0, run / np.maximum(1.0 - run, 1e-12), 0.0)


class CodedStorage(HardwareModel):
    """Bytes of pruned weights with codebooks and relative indexes (Han et al., ICLR 2016).

    A layer of n weights at density p with a codebook of b bits takes ``n p (1 + fillers) (b + i)``
    bits and ``2**b`` shared values of 32 bits, at the best index width i; dense layers need no
    index, weights of more than 16 bits no codebook.  Biases and norms take 32 bits.  That is
    without Huffman coding, an upper bound; with ``measured``, layers take what the real encoder
    made of their weights.

    Args:
        measured: by layer the bytes of its encoded weights, ``[100, 9]``: density in percent (from
            1 on) x bits of the codebook (1 to 8, and 32).

    Raises:
        HardwareError: if a measured table is none.
    """

    name = "storage"
    source = "Han et al., Deep Compression, ICLR 2016: codebook indexes and relative indexes"
    quantities = ("size",)

    def __init__(self, measured: Mapping[str, FloatArray] | None = None) -> None:
        if not isinstance(measured, Mapping | None):
            raise HardwareError(f"{self._of()}: measured must be tables by layer, not {measured!r}")
        self.measured = {name: self._table(name, one) for name, one in (measured or {}).items()}

    def layer_costs(self, workload: Workload) -> dict[str, FloatArray]:
        """Bytes of every layer, [B, L].

        Raises:
            HardwareError: if a layer with a measured table has bits that it was not tried with.
        """
        others = (workload.params - workload.weights) * FULL_BITS
        size = (self._bits(workload) + others) / 8.0
        for column, layer in enumerate(workload.layers):
            if layer.name in self.measured:
                size[:, column] = self._looked_up(workload, column) + others[:, column] / 8.0
        return {"size": size}

    def _looked_up(self, workload: Workload, column: int) -> FloatArray:
        name, bits = workload.layers[column].name, workload.weight_bits[:, column]
        unknown = ~np.isin(bits, MEASURED_BITS)
        if unknown.any():
            known = ", ".join(map(str, MEASURED_BITS))
            raise HardwareError(
                f"{self._of(name)} was encoded with codebooks of {known} bits, not of "
                f"{bits[unknown][0]:g}"
            )
        percent = np.rint(PERCENTS * workload.weight_density[:, column]).astype(np.int64)
        place = np.searchsorted(MEASURED_BITS, bits)
        found: FloatArray = self.measured[name][np.maximum(percent, 1) - 1, place]
        return found

    def _of(self, layer: str | None = None) -> str:
        return f"hardware {self.name!r}" + ("" if layer is None else f": layer {layer!r}")

    def _table(self, layer: str, given: FloatArray) -> FloatArray:
        shape = (PERCENTS, len(MEASURED_BITS))
        try:
            table = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):  # words, or rows of several lengths
            table = np.empty(0)
        if table.shape != shape or not np.isfinite(table).all() or (table < 0).any():
            raise HardwareError(
                f"{self._of(layer)}: measured bytes must be {shape[0]} x {shape[1]} numbers, "
                "finite and not negative"
            )
        return table

    @staticmethod
    def _bits(workload: Workload) -> FloatArray:
        density, bits = workload.weight_density, workload.weight_bits
        kept = workload.weights * density
        sparse = [kept * (1.0 + fillers(density, i)) * (bits + i) for i in INDEX_BITS]
        coded = np.where(density < 1.0, np.minimum.reduce(sparse), kept * bits)
        shared = np.exp2(np.minimum(np.rint(bits), LARGEST_CODEBOOK)) * FULL_BITS
        total: FloatArray = coded + np.where(bits > LARGEST_CODEBOOK, 0.0, shared)
        return total
