"""Options and arguments that several commands share."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from rich.console import Console
from typer import Argument, Option

from connector import log
from connector.runtime import AtHand
from connector.formats import NAMES
from connector.settings.schema import Settings, load

SETTINGS_VARIABLE = "CONNECTOR_SETTINGS"

SettingsFile = Annotated[
    Path, Option("--settings", "-s", envvar=SETTINGS_VARIABLE, help="The settings file.", show_default=True)
]
AsJson = Annotated[bool, Option("--json", help="JSON for machines instead of text for people.")]
Format = Annotated[str, Option("--format", "-f", help=f"The form of the messages: {', '.join(NAMES)}.")]
File = Annotated[Path, Argument(help="JSON or NDJSON, plain or .gz; - for standard input.")]

SETTINGS_TOML = Path("settings.toml")


class _Output(Console):
    """Standard output. A reader who stops reading, as `| head` does, is no failure."""

    def on_broken_pipe(self) -> None:
        """Ends the program; nothing more can be shown to anybody."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


out = _Output()
err = Console(stderr=True)


def settings_of(path: Path, *, serves: bool = False) -> Settings:
    """Loads the settings, sets up the log, and tells Celery's side where they are. Raises SettingsError.

    serves: whether the command goes on until it is stopped; its log then is what people see of it.
    """
    loaded = load(path)
    log.configure(loaded.log, brief=not serves)
    os.environ[SETTINGS_VARIABLE] = str(path.resolve())
    return loaded


def opened(path: Path) -> AtHand:
    """What the settings name, with tables of this version. Raises SettingsError, and StoreError for other tables."""
    at_hand = AtHand.open(settings_of(path))
    at_hand.store.check_version()
    return at_hand


def day_and_time(at: float) -> str:
    """A time in unix seconds, for people to read: in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
