"""Imported last by the process that workers are forked from: what their first runs import late.

Runs are certified by modules that are imported when the first of them ends, and the first optimizer
that torch makes imports torch's compiler, for a second.  Here this happens once for all workers.
"""

import importlib
import sys

LATE = ("hwenvs.baselines.exact", "hwenvs.baselines.targets")
"""What every run imports when it ends."""

LATE_WITH_TORCH = ("torch._dynamo",)
"""What torch's optimizers import when the first of them is made."""

for _name in (*LATE, *(LATE_WITH_TORCH if "torch" in sys.modules else ())):
    importlib.import_module(_name)
