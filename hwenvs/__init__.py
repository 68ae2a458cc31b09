"""Environments for hardware-aware design of neural networks.

Importing the package registers its environments with Gymnasium::

    import gymnasium as gym, hwenvs
    env = gym.make("AMC-MobileNetV1-v0")

or, without the import, ``gym.make("hwenvs:AMC-MobileNetV1-v0")``.
"""

from __future__ import annotations

from hwenvs.certifying import certify
from hwenvs.registration import ENVIRONMENTS, OPEN_ENVIRONMENTS, register_all

__version__ = "0.1.0"

register_all()

__all__ = ["ENVIRONMENTS", "OPEN_ENVIRONMENTS", "__version__", "certify", "register_all"]
