"""Zero-cost proxies: scores of architectures that nobody has trained.

A score is no accuracy; how well it ranks the architectures of a space is for
:func:`hwenvs.proxies.zero_cost.correlation.correlations` to say. Torch is loaded when the first
architecture is scored, not before.
"""

from __future__ import annotations

from hwenvs.proxies.zero_cost.proxy import PREFIX, ZeroCostProxy, zero_cost

__all__ = ["PREFIX", "ZeroCostProxy", "zero_cost"]
