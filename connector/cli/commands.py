"""The commands, each a few lines over what `connector` does.

A command's module is imported when it is called for: `connector status` need not wait for what only the web doors use.
"""

from importlib import import_module
from typing import Annotated, Any

from typer import Option, Typer
from typer.core import TyperGroup
from typer.main import get_command

from connector import __version__

NAMES = {
    "run": "running:run",
    "web": "running:web",
    "migrate": "running:migrate",
    "demo": "demo:demo",
    "check": "check:check",
    "plan": "plan:plan",
    "send": "send:send",
    "publish": "publish:publish",
    "status": "status:status",
    "approve": "approve:approve",
    "resume": "status:resume",
    "resync": "resync:resync",
    "backfill": "backfill:backfill",
    "audit": "audit:audit",
    "simulator": "simulator:simulator",
    "import-hull": "import_hull:import_hull",
    "forget": "forget:forget",
    "suppress": "forget:suppress",
    "unsuppress": "forget:unsuppress",
    "problems": "problems:app",
    "sources": "sources:app",
    "dead-letters": "dead_letters:app",
    "jobs": "jobs:app",
    "calls": "calls:app",
}
"""Where each command is: a module of `connector.cli`, and what it is called there: a function, or an app of its own."""
_STYLE: dict[str, Any] = {
    "pretty_exceptions_enable": False,
    "rich_markup_mode": "rich",
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class _Commands(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        """Their names, in the order in which help shows them."""
        return list(NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        """The command of that name; None where there is no such command."""
        return _loaded(cmd_name) if cmd_name in NAMES else None


def _loaded(name: str) -> Any:
    module, _, attribute = NAMES[name].partition(":")
    found = getattr(import_module(f"connector.cli.{module}"), attribute)
    alone = Typer(add_completion=False, **_STYLE)
    if isinstance(found, Typer):
        alone.add_typer(found, name=name)
        group: Any = get_command(alone)
        return group.commands[name]
    alone.command(name)(found)
    return get_command(alone)


app = Typer(
    name="connector",
    cls=_Commands,
    help="Keeps Customer.io holding exactly the people your segments say it should.\n\n"
    "Exit codes: 0 done, 1 something failed, 2 settings or usage.",
    no_args_is_help=True,
    **_STYLE,
)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, Option("--version", help="Show the version and stop.")] = False) -> None:
    """Keeps Customer.io holding exactly the people your segments say it should."""
    if show:
        print(f"audience-sync-connector {__version__}")
