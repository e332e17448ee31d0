"""Options, arguments and consoles that several commands share."""

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.segment import Segment
from typer import Argument, Option

from connector.cli.invocation import CURRENT
from connector.errors import SettingsError
from connector.model.visible import visible, visible_lines

SETTINGS_VARIABLE = "CONNECTOR_SETTINGS"

SettingsFile = Annotated[
    Path, Option("--settings", "-s", envvar=SETTINGS_VARIABLE, help="The settings file.", show_default=True)
]
Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, Option("--json", help="JSON for machines instead of text for people.")]
File = Annotated[Path, Argument(help="JSON or NDJSON, plain or .gz; - for standard input.")]

SETTINGS_TOML = Path("settings.toml")


class _Shown(Console):
    """What people see: square brackets are no markup, and no control character of anybody's data reaches a terminal."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False)

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        clean = (each if each.control else Segment(visible_lines(each.text), each.style) for each in buffer)
        return super()._render_buffer(clean)


class _Output(_Shown):
    """Standard output. A reader who stops reading, as `| head` does, is no failure."""

    def on_broken_pipe(self) -> None:
        """Ends the program; nothing more can be shown to anybody."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


out = _Output()
err = _Shown(stderr=True)


def agreed(question: str, *, yes: bool) -> bool:
    """Whether a human says so, or has said so before by --yes. Raises SettingsError where there is none to ask."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise SettingsError(f"{visible(question)} Nobody is at a terminal to be asked: give --yes")
    said_so = typer.confirm(visible(question), err=True)
    if not said_so and (invocation := CURRENT.get()) is not None:
        invocation.declined = True
    return said_so


def day_and_time(at: float) -> str:
    """A time in unix seconds, for people to read: in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def next_run(at: float | None) -> str:
    """When something runs next, for people to read: in unix seconds, 0 for at once, None for never by itself."""
    if at is None:
        return "by hand"
    return "now" if at == 0 else day_and_time(at)
