"""Recurrent networks: an LSTM with a projection (LSTMP; Sak et al., Interspeech 2014)."""

from __future__ import annotations

from hwenvs.networks.base import Network
from hwenvs.networks.builder import TableBuilder


def lstm(classes: int = 10, cells: int = 128, projection: int = 64) -> Network:
    """An LSTM that reads 28 x 28 digits row by row, and a linear layer behind its last output.

    Keys are those of ``torch.nn.LSTM(28, 128, proj_size=64)`` under ``lstm``, and ``fc``.
    """
    table = TableBuilder(28, in_channels=1)
    table.lstm("lstm", cells, projection)
    table.linear("fc", classes)
    return table.build("lstm", "LSTM")
