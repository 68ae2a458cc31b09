"""The ``hwenvs`` command."""

from __future__ import annotations


def main() -> None:
    """Runs the command line."""
    from hwenvs.cli.interrupts import never_drop_interrupts

    never_drop_interrupts()
    from hwenvs.cli.app import app

    app(prog_name="hwenvs")


__all__ = ["main"]
