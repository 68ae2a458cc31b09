"""How commands fail, in one clear line and with exit code 2, and how they show their help."""

from __future__ import annotations

import errno
import inspect
import sysconfig
from pathlib import Path
from typing import Any, NoReturn

import typer
from gymnasium.error import DependencyNotInstalled
from rich.markup import escape
from typer.core import TyperGroup

from hwenvs.cli.console import notes
from hwenvs.errors import HwenvsError
from hwenvs.extras import missing_extra

WRONG_INPUT = 2

NEEDS = {"export": "export", "profile": "export", "quantize": "export"}
"""Extras with all that a command needs, where it is not the usual one of what is missing."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Full and broken disks, and limits on files, are told without the name of a file."""

OURS = (
    Path(__file__).parents[1],
    *(Path(sysconfig.get_path(name)) for name in ("purelib", "stdlib")),
)
"""Folders of code: a file that is missing there is a bug, and no user's mistake."""


class Commands(TyperGroup):
    """A group of commands whose expected errors are told in one line."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command, whose help is broken where the terminal ends, not where our lines do."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and command.help:
            paragraphs = inspect.cleandoc(command.help).split("\n\n")
            command.help = "\n\n".join(" ".join(text.split()) for text in paragraphs)
        return command

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except (HwenvsError, DependencyNotInstalled) as error:
            _fail(str(error))
        except ModuleNotFoundError as error:
            name = ctx.invoked_subcommand
            found = missing_extra(error, f"{ctx.command_path} {name}", NEEDS.get(name))
            if found is None:
                raise
            _fail(str(found))
        except OSError as error:
            if not _of_users(error):
                raise
            where = f": {error.filename}" if error.filename else ""
            _fail(f"{error.strerror}{where}")


def _fail(message: str) -> NoReturn:
    notes().print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)
    raise typer.Exit(WRONG_INPUT) from None


def _of_users(error: OSError) -> bool:
    """Whether it is about a file that is the user's, or about the whole disk."""
    if error.errno in FULL:
        return True
    if not isinstance(error.filename, str | Path):
        return False
    path = Path(error.filename).absolute()
    return not any(path.is_relative_to(folder) for folder in OURS)


def examples(*lines: str) -> str:
    """Examples as a command's epilogue."""
    return "\n\n".join(["[bold]Examples[/]", *(f"[cyan]{escape(line)}[/]" for line in lines)])
