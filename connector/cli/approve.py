"""`connector approve`: deletions that the guard holds."""

from typing import Annotated

import typer
from typer import Argument, Option

from connector import remedy
from connector.runtime import AtHand
from connector.cli.options import SETTINGS_TOML, SettingsFile, err, out, settings_of
from connector.store import guard

_EXAMPLES = 5

Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]
Drop = Annotated[bool, Option("--drop", help="Drop the deletions: these people stay until upstream speaks of them.")]


def approve(
    sync: Annotated[str, Argument(help="The sync, as the settings name it.")],
    settings: SettingsFile = SETTINGS_TOML,
    drop: Drop = False,
    yes: Yes = False,
) -> None:
    """Let the deletions go that the deletion guard holds, or drop them."""
    at_hand = AtHand.open(settings_of(settings))
    at_hand.rules(sync)
    at_hand.store.check_version()
    with at_hand.store.reading() as connection:
        held, examples = guard.held(connection, sync), guard.examples(connection, sync, _EXAMPLES)
    if not held:
        out.print(f"{sync}: no deletions are held", highlight=False)
    elif yes or _agreed(sync, held, examples, drop=drop):
        count = remedy.drop(at_hand, sync) if drop else remedy.approve(at_hand, sync)
        out.print(f"{sync}: {count:,} deletions {'dropped' if drop else 'let go'}", highlight=False)
    at_hand.close()


def _agreed(sync: str, held: int, examples: list[str], *, drop: bool) -> bool:
    names = ", ".join(examples) + (", ..." if held > len(examples) else "")
    what = "Keep these in Customer.io" if drop else "Delete these from Customer.io"
    err.print(f"{sync}: {held:,} deletions are held: {names}", highlight=False)
    return typer.confirm(f"{what}?", err=True)
