"""Global random generators as solvers need them, and afterwards as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def seeded_torch(seed: int) -> Iterator[None]:
    """Torch's global generator starts from ``seed``, and one thread does all the work.

    Sums of several threads depend on how many there are, and so would traces.  Generator and
    threads are as before afterwards.
    """
    import torch  # here, since solvers without it need the generators of others

    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


@contextmanager
def legacy_generator(seed: int | None = None) -> Iterator[None]:
    """Leaves numpy's global generator as it was; it starts from ``seed``, if there is one.

    pycma draws from it, and Stable-Baselines3 seeds it.
    """
    state = np.random.get_state()  # noqa: NPY002
    try:
        if seed is not None:
            np.random.seed(seed)  # noqa: NPY002
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
