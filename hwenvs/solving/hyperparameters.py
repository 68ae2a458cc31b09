"""Hyper-parameters of solvers: a dataclass of settings, a YAML of defaults, and overrides."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from hwenvs.errors import ArgumentError, unknown_name

Settings = TypeVar("Settings")


class Configured(Generic[Settings]):
    """What solvers with hyper-parameters share: a dataclass of them, its defaults in a YAML.

    The YAML lies beside the solver's module and has its name.

    Args:
        **hyperparameters: fields of the dataclass, instead of the YAML's values.

    Attributes:
        settings_type: the dataclass.
        settings: the hyper-parameters in force.
        hyperparameters: the same, JSON-able, for run records.

    Raises:
        UnknownNameError: if there is no such hyper-parameter.
        HwenvsError: if a value makes no sense.
    """

    settings_type: type[Settings]

    def __init__(self, **hyperparameters: Any) -> None:
        module = sys.modules[type(self).__module__]
        path = Path(str(module.__file__)).with_suffix(".yaml")
        self.settings = load_hyperparameters(self.settings_type, path, hyperparameters)
        self.hyperparameters: Mapping[str, Any] = dataclasses.asdict(self.settings)  # type: ignore[call-overload]


def load_hyperparameters(
    settings: type[Settings], path: Path, overrides: Mapping[str, Any]
) -> Settings:
    """An instance of the dataclass ``settings`` from the YAML at ``path`` and ``overrides``.

    Raises:
        UnknownNameError: if a name in the file or among the overrides is not a field.
        ArgumentError: if a value has another kind than the field's default, or is NaN or infinite.
    """
    import yaml

    values = {**yaml.safe_load(path.read_text(encoding="utf-8")), **overrides}
    fields = {field.name: field for field in dataclasses.fields(settings)}  # type: ignore[arg-type]
    for name, value in values.items():
        if name not in fields:
            raise unknown_name(f"hyper-parameter of {path.stem}", name, fields)
        values[name] = _fitted(
            f"hyper-parameter {name} of {path.stem}", value, fields[name].default
        )
    return settings(**values)


def _fitted(what: str, value: object, default: object) -> object:
    """``value``, if it has the kind of ``default``: integers pass for floats, lists for tuples."""
    if isinstance(default, tuple) and isinstance(value, list | tuple):
        kind = default[:1] * len(value) or value
        pairs = zip(value, kind, strict=True)
        return tuple(_fitted(f"every entry of {what}", entry, like) for entry, like in pairs)
    if isinstance(value, bool) != isinstance(default, bool):
        fits = False
    elif isinstance(default, float) and isinstance(value, int):
        return float(value)
    else:
        fits = isinstance(value, type(default))
    if not fits:
        hint = _hint(value) if isinstance(default, float) and isinstance(value, str) else ""
        raise ArgumentError(f"{what} must be {type(default).__name__}, not {value!r}{hint}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ArgumentError(f"{what} must be finite, not {value}")
    return value


def _hint(text: str) -> str:
    """What to write for a number that YAML takes for a text: 1e-4 has no point in it."""
    try:
        mantissa, _, exponent = text.lower().partition("e")
        float(text)
    except ValueError:
        return ""
    point = "" if "." in mantissa else ".0"
    sign = "" if exponent[:1] in ("+", "-") else "+"
    return f", a text in YAML: write {mantissa}{point}e{sign}{exponent}" if exponent else ""
