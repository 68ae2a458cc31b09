"""Another package's chips: one that works, and one that answers nonsense."""

import numpy as np

from hwenvs.hardware import HardwareModel


class Toy(HardwareModel):
    """A multiplier per nanosecond that skips zeros."""

    name = "toy"
    source = "made up for tests"
    quantities = ("latency",)
    monotone = True

    def layer_costs(self, workload):
        return {"latency": workload.macs * workload.weight_density * 1e-9}


class Strange(Toy):
    """A chip that answers NaN."""

    name = "strange"

    def layer_costs(self, workload):
        return {"latency": np.full(workload.shape, np.nan)}
