"""What a design does to accuracy: the proxies and their registry.

``get_proxy`` knows ``"surrogate"`` (the measured table of the network where one is shipped, the
analytic one otherwise), ``"analytic"``, ``"measured"`` (the real network on real images), the path
of a table, an instance, and the plug-ins of the entry-point group ``hwenvs.proxies``: callables
that take a ``Network`` and return a proxy.  ``{"name": ..., **options}`` passes options along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwenvs.errors import ArgumentError, ProxyError, unknown_name
from hwenvs.networks import (
    Group,
    Network,
    bit_groups,
    channel_groups,
    storage_groups,
    weight_groups,
)
from hwenvs.proxies.analytic import analytic_proxy
from hwenvs.proxies.analytic_storage import analytic_storage
from hwenvs.proxies.architectures import architecture_proxy
from hwenvs.proxies.base import (
    TABLES,
    AccuracyProxy,
    TabulatedProxy,
    checked_proxy,
    warn_if_analytic,
)
from hwenvs.proxies.card import Card
from hwenvs.proxies.curve import AccuracyCurve
from hwenvs.proxies.measured import MeasuredProxy
from hwenvs.proxies.opening import ARGUMENTS, measured
from hwenvs.proxies.operators import OperatorTable
from hwenvs.proxies.surrogate import SurrogateProxy, Sweep, read_arrays

ENTRY_POINTS = "hwenvs.proxies"
"""Entry-point group of plug-ins."""

GROUPS: dict[str, Callable[[Network], Sequence[Group]]] = {
    "channel_pruning": channel_groups,
    "fine_grained_pruning": weight_groups,
    "bit_allocation": bit_groups,
    "deep_compression": storage_groups,
}
"""What the decisions of a family are about."""


def table_path(network: Network, family: str = "channel_pruning") -> Path:
    """Where the measured table of a family for ``network`` is, or would be."""
    return TABLES / f"{network.name}.{family}.npz"


def surrogate(network: Network, family: str = "channel_pruning") -> SurrogateProxy:
    """The measured table of ``network`` if there is one, the analytic one otherwise."""
    path = table_path(network, family)
    if path.is_file():
        return SurrogateProxy.load(path, GROUPS[family](network))
    return analytic(network, family)


def analytic(network: Network, family: str = "channel_pruning") -> SurrogateProxy:
    """The analytic table of ``network``.

    Raises:
        ProxyError: if there is none for the family.
    """
    if family == "channel_pruning":
        return analytic_proxy(network)
    if family == "deep_compression":
        return analytic_storage(network)
    measured = sorted(path.name.split(".")[0] for path in TABLES.glob(f"*.{family}.npz"))
    raise ProxyError(
        f"no table of {family} is shipped for {network.name}: `hwenvs calibrate` measures one of a "
        "network of the zoo, hwenvs.calibration.own.calibrate_module of your own, to be passed as "
        "proxy='path.npz' (on the command line --proxy path.npz); module=... and data=... try "
        f"every design on your own network; shipped: {', '.join(measured) or 'none'}"
    )


BUILT_IN: dict[str, Callable[..., AccuracyProxy]] = {
    "surrogate": surrogate,
    "analytic": analytic,
    "measured": measured,
}
"""Proxies that are always there, by name."""


def encoded_sizes(proxy: str, network: Network) -> dict[str, NDArray[np.float64]]:
    """By layer the measured bytes of its encoded weights, see ``hwenvs.hardware.storage``.

    Args:
        proxy: as :func:`get_proxy` takes it.
        network: the network.

    Returns:
        Nothing where the proxy has no measured table of sizes.

    Raises:
        ProxyError: if the table cannot be read.
    """
    path = Path(proxy) if proxy.endswith(".npz") else table_path(network, "deep_compression")
    if proxy not in ("surrogate", str(path)) or not path.is_file():
        return {}
    arrays = read_arrays(path, {})
    if "encoded_bytes" not in arrays:
        return {}
    return dict(zip(arrays["encoded_layers"].tolist(), arrays["encoded_bytes"], strict=True))


def list_proxies() -> dict[str, str]:
    """Names of all proxies and where they come from."""
    found = {name: f"{make.__module__}:{make.__name__}" for name, make in BUILT_IN.items()}
    return {**{name: point.value for name, point in _plug_ins().items()}, **found}


def with_options(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """``arguments`` of a problem, those that only the measured proxy takes put into ``proxy``.

    Raises:
        ArgumentError: if there are some and the proxy is another.
    """
    options = {k: v for k, v in arguments.items() if k in ARGUMENTS and v is not None}
    others = {k: v for k, v in arguments.items() if k not in ARGUMENTS}
    if not options:
        return others
    proxy = others.get("proxy", "measured" if "module" in options else "surrogate")
    entries = dict(proxy) if isinstance(proxy, Mapping) else {"name": proxy}
    if entries.get("name") != "measured":
        raise ArgumentError(
            f"{', '.join(sorted(options))} go with proxy='measured' only, not with {proxy!r}"
        )
    paths = {k: str(v) if isinstance(v, Path) else v for k, v in options.items()}
    return {**others, "proxy": {**entries, **paths}}


def get_proxy(
    name: str | Mapping[str, Any] | AccuracyProxy,
    network: Network,
    family: str = "channel_pruning",
) -> AccuracyProxy:
    """The proxy called ``name``, for ``network``.

    Args:
        name: a name of :func:`list_proxies`, the path of an ``.npz`` table, an instance, or
            ``{"name": ..., **options}`` with options of the measured proxy or of a plug-in.
        network: the network whose designs it will judge.
        family: what the designs decide.

    Raises:
        UnknownNameError: if there is no such proxy; the message suggests the nearest.
        ArgumentError: if options are given to a proxy that takes none, or without its name.
        ProxyError: if a plug-in cannot be loaded or does not make a proxy, or a table is broken.
    """
    options: dict[str, Any] = {}
    if isinstance(name, Mapping):
        options = dict(name)
        if "name" not in options:
            raise ArgumentError(f"a proxy with options is {{'name': ..., ...}}, not {options}")
        name = str(options.pop("name"))
    if not isinstance(name, str):
        return checked_proxy(name, repr(name))
    if options and (name in ("surrogate", "analytic") or name.endswith(".npz")):
        raise ArgumentError(f"proxy {name!r} takes no {', '.join(sorted(options))}")
    if name.endswith(".npz"):
        return SurrogateProxy.load(Path(name), GROUPS[family](network))
    if name in BUILT_IN:
        return BUILT_IN[name](network, family, **options)
    return _plugged_in(name, network, options)


def _plugged_in(name: str, network: Network, options: Mapping[str, Any]) -> AccuracyProxy:
    plug_ins = _plug_ins()
    if name not in plug_ins:
        raise unknown_name("proxy", name, list_proxies())
    try:
        proxy = plug_ins[name].load()(network, **options)
    except Exception as error:
        raise ProxyError(f"plug-in {name!r} ({plug_ins[name].value}) failed: {error}") from error
    return checked_proxy(proxy, f"plug-in {name!r} ({plug_ins[name].value})")


def _plug_ins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


__all__ = [
    "TABLES",
    "AccuracyCurve",
    "AccuracyProxy",
    "Card",
    "MeasuredProxy",
    "OperatorTable",
    "SurrogateProxy",
    "Sweep",
    "TabulatedProxy",
    "analytic_proxy",
    "architecture_proxy",
    "encoded_sizes",
    "get_proxy",
    "list_proxies",
    "measured",
    "surrogate",
    "table_path",
    "warn_if_analytic",
    "with_options",
]
