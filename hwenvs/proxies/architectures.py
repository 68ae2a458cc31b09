"""Proxies of architectures by name: tables, the supernet itself, scores without training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwenvs.errors import ArgumentError, ProxyError, unknown_name
from hwenvs.networks import Space, get_space
from hwenvs.proxies.base import TABLES, AccuracyProxy, checked_proxy
from hwenvs.proxies.operators import OperatorTable, transferred

ARCHITECTURE_PROXIES = ("surrogate", "supernet", "zero_cost:synflow")
"""Names of proxies of architectures; the last is one of many."""

TRANSFERRED = dict.fromkeys(
    ("proxyless", "proxyless_cpu_width", "proxyless_gpu_width"), "proxyless_cifar"
)
"""Spaces whose accuracies come from the table of another space."""


def architecture_proxy(
    name: str | Mapping[str, Any] | AccuracyProxy, space: Space
) -> AccuracyProxy:
    """The proxy called ``name`` of the architectures of a search space.

    Args:
        name: ``"surrogate"``, the path of an ``.npz`` table, ``"supernet"`` (or ``{"name":
            "supernet", **options}``, see :func:`hwenvs.proxies.supernet.supernet_proxy`),
            ``"zero_cost:SCORE"``, or an instance.
        space: the space.

    Raises:
        UnknownNameError: if there is no such proxy or score; the message suggests the nearest.
        ProxyError: if no table is shipped for the space, or one is broken or of another space.
        ArgumentError: if it is neither a name nor a proxy, lacks a name, or takes no options.
    """
    options: dict[str, Any] = {}
    if isinstance(name, Mapping):
        options = dict(name)
        if "name" not in options:
            raise ArgumentError(
                f"proxy {options!r} lacks 'name': a dictionary is {{'name': 'supernet', **options}}"
            )
        name = options.pop("name")
    if name == "supernet":
        from hwenvs.proxies.supernet import supernet_proxy

        return supernet_proxy(space, options)
    if options:
        raise ArgumentError(f"proxy {name!r} takes no {', '.join(sorted(options))}")
    if isinstance(name, OperatorTable):
        other = ", ".join(name.space.differences(space))
        if other:
            raise ProxyError(
                f"the table of {name.card.network} is of another search space than {space.name!r}: "
                f"they differ in {other}"
            )
    if not isinstance(name, str):
        return checked_proxy(name, repr(name))
    if name.endswith(".npz"):
        return OperatorTable.load(Path(name), space)
    if name.startswith("zero_cost:"):
        from hwenvs.proxies.zero_cost import zero_cost

        return zero_cost(space, name)
    if name != "surrogate":
        raise unknown_name("proxy of architectures", name, ARCHITECTURE_PROXIES)
    path = TABLES / f"{space.name}.operator_selection.npz"
    if path.is_file():
        return OperatorTable.load(path, space)
    if space.name in TRANSFERRED:
        source = get_space(TRANSFERRED[space.name])
        path = TABLES / f"{source.name}.operator_selection.npz"
        return transferred(OperatorTable.load(path, source), space)
    shipped = sorted(p.name.split(".")[0] for p in TABLES.glob("*.operator_selection.npz"))
    raise ProxyError(
        f"no table is shipped for {space.name}: `hwenvs train-supernet` and `hwenvs calibrate "
        "operator-selection` make one, to be passed as proxy='path.npz' (on the command line "
        f"--proxy path.npz); shipped: {', '.join(shipped) or 'none'}"
    )
