"""The exceptions that hwenvs raises on bad input: each names the thing and what would be valid."""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Iterable

COMMANDS = {"environment": "hwenvs list", "hardware": "hwenvs hardware list"}
"""What lists all valid names, by kind of name."""

NEAR = 0.65
"""Least likeness of a name that is suggested: one letter of three may differ."""

SOME, LONG, VERY_LONG = 5, 12, 40
"""Names that a message shows of a long list, and how many are long: where a command lists all, and
where none does."""


class HwenvsError(Exception):
    """Base class of all errors raised on purpose."""


class UnknownNameError(HwenvsError, ValueError):
    """A network, hardware model, proxy, reward, solver ... that does not exist."""


class BudgetError(HwenvsError, ValueError):
    """A budget that is not positive or that no design can meet."""


class ArgumentError(HwenvsError, ValueError):
    """An argument of an environment that makes no sense, such as a floor above 1."""


class ActionError(HwenvsError, ValueError):
    """An action of the wrong shape or type, or one that is not a number."""


class DesignError(HwenvsError, ValueError):
    """A design of the wrong length or with entries that are not among a decision's options."""


class WeightsError(HwenvsError, ValueError):
    """Weights that cannot be read or do not fit the network."""


class TrainingError(HwenvsError, ArithmeticError):
    """Training whose loss or weights are no numbers any more."""


class TracingError(HwenvsError, ValueError):
    """A module that no layer table can express; the message names the node."""


class CodingError(HwenvsError, ValueError):
    """A compressed file that is corrupted, cut off or none at all."""


class DataError(HwenvsError, ValueError):
    """A data folder without the expected files, or a file without the expected columns."""


class ProxyError(HwenvsError, ValueError):
    """A table, card or plug-in of an accuracy proxy that cannot be read or does not fit."""


class CouplingError(HwenvsError, ValueError):
    """A network whose layers are shaped by decisions that the tables cannot hold."""


class SolverError(HwenvsError, ValueError):
    """A solver that cannot work on a problem, or settings or records that make no sense."""


class EntryError(HwenvsError, ValueError):
    """An entry of a leaderboard that cannot be ranked; the message says where its fault is."""


class WorkerError(HwenvsError, RuntimeError):
    """A worker process that died with a task in its hands, each time that it was tried."""


class MissingExtraError(HwenvsError, ImportError):
    """A package that only an extra brings, ``pip install 'hwenvs[extra]'``."""


class AnalyticProxyWarning(UserWarning):
    """The accuracies come from an analytic table, not from measurements."""


class HardwareError(HwenvsError, ValueError):
    """A workload that no layer table allows, or a hardware model that breaks its contract."""


def unknown_name(what: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The :class:`UnknownNameError` for ``name``, with what of ``known`` is near it.

    A long list is cut to its nearest names, if a command lists all of them or it is a very long
    one.
    """
    names = sorted(known)
    text = str(name)
    likeness = {one: _likeness(text, one) for one in names}
    near = [one for one in names if likeness[one][0] >= NEAR]
    near = sorted(near, key=lambda one: likeness[one], reverse=True)[:SOME]
    near = near or [one for one in names if len(text) > 1 and one.startswith(text)][:SOME]
    hint = f" Did you mean {near[0]!r}?" if near else ""
    most = LONG if what in COMMANDS else VERY_LONG
    shown = names if len(names) <= most else near or names[:SOME]
    known_names = ", ".join(shown)
    if len(shown) < len(names):
        known_names += f" and {len(names) - len(shown)} more"
        known_names += f" ({COMMANDS[what]!r} lists them)" if what in COMMANDS else ""
    return UnknownNameError(f"unknown {what} {name!r}.{hint} Known: {known_names}")


def _likeness(text: str, name: str) -> tuple[float, int, int]:
    """How alike two names are, 0 to 1, and what settles ties.

    Leading parts (``suite/``) that both share say nothing about what follows them.  Of names that
    are equally alike, one with the same letters in another order is nearer, then one that begins
    alike for longer.
    """
    alike = (a == b for a, b in zip(text, name, strict=False))
    begun = sum(itertools.takewhile(bool, alike))
    part = text.rfind("/", 0, begun) + 1
    ratio = difflib.SequenceMatcher(None, name[part:], text[part:]).ratio()
    return ratio, (Counter(text) & Counter(name)).total(), begun
