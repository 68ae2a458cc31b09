"""What ``package.module:Name`` names, with errors that say which half is wrong."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from hwenvs.errors import ArgumentError


def imported(words: str, what: str) -> Any:
    """What ``words`` names; modules of the working directory are found too.

    Args:
        words: ``"package.module:Name"``.
        what: what it should be, for messages, e.g. ``"solver"``.

    Raises:
        ArgumentError: if ``words`` is of another form, or the module or the name is not there.
        ModuleNotFoundError: if the module is there, but one that it imports is not.
    """
    module, separator, name = words.partition(":")
    if not separator or not all(part.isidentifier() for part in (*module.split("."), name)):
        raise ArgumentError(f"{what} {words!r} is not of the form package.module:Name")
    here = str(Path.cwd())
    if here not in sys.path:
        # Last, so that no file that lies there by chance stands in for an installed package.
        sys.path.append(here)
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise ArgumentError(
                f"{what} {words!r}: there is no module {error.name!r}, neither installed nor in "
                "the working directory"
            ) from error
        raise
    if not hasattr(found, name):
        raise ArgumentError(f"{what} {words!r}: module {module!r} has no {name!r}")
    return getattr(found, name)
