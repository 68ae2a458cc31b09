"""Where torch computes, without touching what the rest of the process does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from hwenvs.errors import ArgumentError

CPU = "cpu"


def check_device(name: str) -> None:
    """Refuses a device that cannot compute here, before anything is loaded.

    Args:
        name: as torch calls it, e.g. ``"cuda"`` or ``"cuda:1"``.

    Raises:
        ArgumentError: if torch knows no such device, or this machine has none; names those it has.
    """
    if name == CPU:
        return
    try:
        torch.ones(1, device=torch.device(name)).item()
    # Torch says it by an error of another type for every kind of device and of build.
    except (RuntimeError, AssertionError, TypeError, ValueError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ArgumentError(
            f"device {name!r} cannot be computed on: {reason}. Here: {', '.join(_available())}"
        ) from error


@contextmanager
def computing_on(device: str | torch.device) -> Iterator[None]:
    """New tensors are made on ``device`` inside, whatever the caller's default is.

    Compression makes its indexes and masks where torch makes tensors by default.  Only this thread
    sees the change, and only inside.
    """
    if torch.device(device) == torch.get_default_device():
        yield  # a default that is set anew costs time in every call of torch
        return
    with torch.device(device):
        yield


def _available() -> list[str]:
    """Devices of this machine."""
    cards = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return [CPU, *cards, *(["mps"] if torch.backends.mps.is_available() else [])]
