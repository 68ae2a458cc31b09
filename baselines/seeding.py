"""Torch as solvers need it: seeded, on one thread, and afterwards as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded_torch(seed: int) -> Iterator[None]:
    """Torch's global generator starts from ``seed``, and one thread does all the work.

    Sums of several threads depend on how many there are, and so would traces.  Generator and
    threads are as before afterwards.
    """
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
