"""How commands fail: one clear line and exit code 2, without a traceback."""

from __future__ import annotations

from typing import Any

import typer
from gymnasium.error import DependencyNotInstalled
from rich.markup import escape
from typer.core import TyperGroup

from hwenvs.cli.console import notes
from hwenvs.errors import HwenvsError

WRONG_INPUT = 2


class Commands(TyperGroup):
    """A group of commands whose expected errors are told in one line."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except (HwenvsError, DependencyNotInstalled) as error:
            notes().print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
            raise typer.Exit(WRONG_INPUT) from None


def examples(*lines: str) -> str:
    """Examples as a command's epilogue."""
    return "\n\n".join(["[bold]Examples[/]", *(f"[cyan]{escape(line)}[/]" for line in lines)])
