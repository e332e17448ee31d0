"""`connector approve`: deletions that the guard holds."""

from typing import Annotated

from typer import Argument, Option

from connector.admin import approvals, problems
from connector.cli.opening import settings_of
from connector.cli.options import SETTINGS_TOML, SettingsFile, Yes, agreed, out
from connector.runtime import Runtime
from connector.store import deletion_guard

_EXAMPLES = 5

DropOption = Annotated[
    bool, Option("--drop", help="Drop the deletions: these people stay until upstream speaks of them.")
]


def approve(
    sync: Annotated[str, Argument(help="The sync, as the settings name it.")],
    settings: SettingsFile = SETTINGS_TOML,
    drop: DropOption = False,
    yes: Yes = False,
) -> None:
    """Let the deletions go that the deletion guard holds, or drop them."""
    runtime = Runtime.open(settings_of(settings))
    runtime.rules(sync)
    runtime.store.check_version()
    if not drop:
        approvals.refuse_alone(runtime)
    with runtime.store.reading() as tx:
        held, examples = deletion_guard.held(tx, sync), deletion_guard.examples(tx, sync, _EXAMPLES)
    if not held:
        out.print(f"{sync}: no deletions are held", highlight=False)
    elif _agreed(sync, held, examples, drop=drop, yes=yes):
        count = problems.drop(runtime, sync) if drop else problems.approve(runtime, sync)
        out.print(f"{sync}: {count:,} deletions {'dropped' if drop else 'let go'}", highlight=False)
    runtime.close()


def _agreed(sync: str, held: int, examples: list[str], *, drop: bool, yes: bool) -> bool:
    names = ", ".join(examples) + (", ..." if held > len(examples) else "")
    what = "Keep these in Customer.io" if drop else "Delete these from Customer.io"
    return agreed(f"{sync}: {held:,} deletions are held: {names}. {what}?", yes=yes)
