"""Hardware models by name: those that come with hwenvs and those that other packages plug in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any

from hwenvs.errors import HardwareError, UnknownNameError, unknown_name
from hwenvs.hardware.base import DEFINITIONS, CheckedHardware, HardwareModel
from hwenvs.hardware.bismo import CHIPS, BitSerial
from hwenvs.hardware.bitfusion import BitFusion
from hwenvs.hardware.counts import Counts
from hwenvs.hardware.device import CPU_TABLES, DeviceModel, SharedDevice
from hwenvs.hardware.eie import EIE
from hwenvs.hardware.energy import HorowitzEnergy
from hwenvs.hardware.ese import ESE
from hwenvs.hardware.grids import HINT, read_table
from hwenvs.hardware.lookup import LookupModel
from hwenvs.hardware.presets import PRESETS
from hwenvs.hardware.roofline import RooflineModel
from hwenvs.hardware.storage import CodedStorage
from hwenvs.hardware.systolic import Systolic

ENTRY_POINTS = "hwenvs.hardware"
"""Entry-point group in which other distributions offer models."""

Factory = Callable[..., HardwareModel]

BUILT_IN: dict[str, Factory] = {
    "bismo": BitSerial,
    "bitfusion": BitFusion,
    "counts": Counts,
    "cpu": partial(SharedDevice, "cpu", CPU_TABLES),
    "eie": EIE,
    "ese": ESE,
    "horowitz": HorowitzEnergy,
    "lookup": LookupModel,
    "mobile": partial(LookupModel, "mobile"),
    "roofline": RooflineModel,
    "storage": CodedStorage,
    "systolic": Systolic,
    **{name: partial(RooflineModel, name) for name in PRESETS},
    **{name: partial(BitSerial, name) for name in CHIPS},
}
"""Makers of the models that come with hwenvs, by name."""

MEASURED = "device"
"""The model of a machine's own measurements, which is nothing without a table of them."""

MEASURED_SOURCE = (
    "layers measured on this machine: hwenvs profile NETWORK --out FILE.json, then FILE.json as "
    "the hardware's name"
)


@dataclass(frozen=True)
class HardwareRow:
    """One line of ``hwenvs hardware list``.

    Attributes:
        name: what to pass as ``hardware=``.
        source: where its figures come from.
        quantities: what it reports, MACs and parameters included.
        provider: ``"hwenvs"`` or the distribution that plugs it in.
        error: why it cannot be used, or None.
        platform_dependent: whether its figures are those of one's own machine.
    """

    name: str
    source: str
    quantities: tuple[str, ...]
    provider: str
    error: str | None = None
    platform_dependent: bool = False


def get_hardware(
    hardware: str | Mapping[str, Any] | HardwareModel, **options: Any
) -> CheckedHardware:
    """The hardware model called ``hardware``, wrapped so that its answers are checked.

    Args:
        hardware: a name, the path of a table that ends in ``.json``, ``{"name": ..., **options}``,
            or a model, which is used as it is.
        **options: passed to the maker of a named model, e.g. ``preset="v100"`` for ``roofline``.

    Raises:
        UnknownNameError: if nobody offers the name; the message suggests the nearest.
        HardwareError: if its plug-in is broken or does not take the options, a table is none, or a
            dictionary lacks the name.
    """
    if isinstance(hardware, Mapping):
        if "name" not in hardware:
            raise HardwareError(
                f"hardware {dict(hardware)!r} lacks 'name': a dictionary is "
                "{'name': 'roofline', **options}"
            )
        options = {**hardware, **options}
        hardware = options.pop("name")
    if isinstance(hardware, HardwareModel):
        if options:
            raise HardwareError(f"hardware {hardware.name!r} is made already: no options apply")
        return hardware if isinstance(hardware, CheckedHardware) else CheckedHardware(hardware)
    if not isinstance(hardware, str):
        raise HardwareError(f"hardware must be a name or a HardwareModel, not {hardware!r}")
    model = _make(hardware, options)
    return CheckedHardware(model, {"name": hardware, **options} if options else hardware)


def list_hardware() -> list[HardwareRow]:
    """Every model by name, broken plug-ins included (with their error)."""
    rows = [_row(name, "hwenvs", maker) for name, maker in BUILT_IN.items()]
    measured = (MEASURED, MEASURED_SOURCE, (*DEFINITIONS, *DeviceModel.quantities), "hwenvs")
    rows.append(HardwareRow(*measured, platform_dependent=True))
    rows.sort(key=lambda row: row.name)
    taken = {row.name: "hwenvs" for row in rows}
    for name, provider, entry in _plugins():
        if name in taken:
            error = f"the name {name!r} is taken by {taken[name]}"
            rows.append(HardwareRow(name, "", (), provider, error))
        else:
            taken[name] = provider
            rows.append(_row(name, provider, entry))
    return rows


def _row(name: str, provider: str, maker: Factory | metadata.EntryPoint) -> HardwareRow:
    try:
        made = _load(name, provider, maker) if isinstance(maker, metadata.EntryPoint) else maker()
        model = CheckedHardware(made)
    except HardwareError as error:
        return HardwareRow(name, "", (), provider, str(error))
    dependent = model.platform_dependent
    return HardwareRow(name, model.source, model.quantities, provider, None, dependent)


def _make(name: str, options: dict[str, Any]) -> HardwareModel:
    maker = _from_file(name) if name.endswith(".json") else BUILT_IN.get(name)
    if name == MEASURED:
        if "table" not in options:
            raise HardwareError(f"hardware {MEASURED!r} lacks 'table', a JSON file; {HINT}")
        maker = DeviceModel
    if maker is not None:
        try:
            return maker(**options)
        except TypeError as error:
            raise HardwareError(f"hardware {name!r} does not take {options}: {error}") from error
    # Scanning the installed distributions takes milliseconds: only for names that are not ours.
    plugins = list(_plugins())
    for plugin, provider, entry in plugins:
        if plugin == name:
            return _load(name, provider, entry, options)
    raise _unknown(name, [plugin for plugin, _, _ in plugins])


def _from_file(path: str) -> Factory:
    """The maker of the model that a table belongs to: of a device, or of fitted layers."""
    fitted = "seconds_per" in read_table(path)
    return partial(LookupModel if fitted else DeviceModel, path)


def _unknown(name: str, plugins: list[str]) -> UnknownNameError:
    return unknown_name("hardware", name, {*BUILT_IN, MEASURED, *plugins})


def _plugins() -> Iterator[tuple[str, str, metadata.EntryPoint]]:
    """Name, distribution and entry point of every plug-in, sorted (``sys.path`` is in no order)."""
    found = [
        (entry.name, entry.dist.name if entry.dist else "an unnamed distribution", entry)
        for entry in metadata.entry_points(group=ENTRY_POINTS)
    ]
    yield from sorted(found, key=lambda plugin: plugin[:2])


def _load(
    name: str, provider: str, entry: metadata.EntryPoint, options: Mapping[str, Any] | None = None
) -> HardwareModel:
    """The plugged-in model; whatever goes wrong inside the plug-in is told with its name."""
    try:
        made = entry.load()
        model = made if isinstance(made, HardwareModel) else made(**(options or {}))
    except Exception as error:  # a plug-in may fail in any way, and must not take others down
        what = f"{type(error).__name__}: {error}"
        raise HardwareError(
            f"hardware {name!r} of {provider} ({entry.value}) cannot be loaded: {what}"
        ) from error
    if not isinstance(model, HardwareModel):
        raise HardwareError(
            f"hardware {name!r} of {provider} ({entry.value}) is a {type(model).__name__}, "
            "not a hwenvs.hardware.HardwareModel"
        )
    return model
