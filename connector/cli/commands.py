"""The commands of `connector`, each a few lines over what the rooms do.

A command's module is imported when the command is called: `connector --help` shows the sentences below, and imports
none of what the commands need. Help shows its texts as they are written: square brackets are no markup.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, Any, NamedTuple

from rich.markup import escape
from typer import Exit, Option, Typer
from typer.core import TyperGroup
from typer.main import get_command

from connector import __version__


class CommandList(NamedTuple):
    """A command as help lists it, and where it is: a module of `connector.cli`, and what it is called there.

    What is found there is a function, or a Typer app where the command has commands of its own. `sentence` is the first
    paragraph of its help (tests/unit/cli/test_commands.py).
    """

    place: str
    sentence: str


NAMES = {
    "run": CommandList("run:run", "Run the embedded mode: web doors, worker and sweep in one process, until stopped."),
    "web": CommandList(
        "run:web", "Run the HTTP doors of a fleet, beside workers started with `celery -A tasks worker`, until stopped."
    ),
    "migrate": CommandList("run:migrate", "Bring the store's tables to this version."),
    "demo": CommandList(
        "demo:demo",
        "Send 1,000 sample notifications through the product into the simulator, and show what it holds then.",
    ),
    "check": CommandList(
        "check:check",
        "Check the settings, the store and the credentials: one line each. Exit code 1 where something failed.",
    ),
    "plan": CommandList(
        "plan:plan", "Show what a file of messages, or of users, would send to Customer.io; nothing is stored or sent."
    ),
    "send": CommandList(
        "send:send",
        "Take in a file of messages, or of users. What is in the store is delivered by whoever runs on it.",
    ),
    "publish": CommandList(
        "publish:publish",
        "Publish a file of messages to the queue, as upstream does. Done when RabbitMQ has confirmed each.",
    ),
    "status": CommandList(
        "status:status",
        "Say in a sentence how things stand, and show who works, what is held, due, paused and problematic.",
    ),
    "show": CommandList(
        "show:show",
        "Show all that is known of a person: what upstream said, what Customer.io should hold, and why.",
    ),
    "health": CommandList(
        "health:health",
        "Whether a worker, beat, the web doors or `connector run` work on this machine. Exit code 1 where none does.",
    ),
    "approve": CommandList("approve:approve", "Let the deletions go that the deletion guard holds, or drop them."),
    "resume": CommandList(
        "status:resume", "End the pause of a connection, for instance after Customer.io refused its credentials."
    ),
    "diff": CommandList(
        "diff:diff",
        "Show what the settings would create, update, clear and delete, by what the store has; nothing is sent.",
    ),
    "resync": CommandList(
        "resync:resync",
        "Deliver everybody of a sync whole again, behind what is live. Ctrl-C only stops the watching.",
    ),
    "backfill": CommandList(
        "backfill:backfill",
        "Take in the users that exist already, behind what is live. Ctrl-C only stops the watching.",
    ),
    "audit": CommandList(
        "audit:audit",
        "Compare what Customer.io holds with what was delivered. Exit code 1 where drift was found and not repaired.",
    ),
    "simulator": CommandList(
        "simulator:simulator",
        "Run a faithful Customer.io: Track API and App API on one port, and a read side under /_simulator/.",
    ),
    "import-hull": CommandList(
        "import_hull:import_hull", "Turn the settings of Hull's Customer.io connector into a settings.toml."
    ),
    "forget": CommandList(
        "forget:forget", "Forget a user: delete them in Customer.io, and then whatever the store has of them."
    ),
    "suppress": CommandList(
        "forget:suppress",
        "Have Customer.io delete a person and refuse them from then on. The store keeps what it has of them.",
    ),
    "unsuppress": CommandList(
        "forget:unsuppress", "Have Customer.io take a suppressed person again. Nothing is restored."
    ),
    "problems": CommandList("problems:app", "List, show, replay and discard what needs a human."),
    "alerts": CommandList("alerts:app", "List alerts, take them on, and try the channels."),
    "sources": CommandList("sources:app", "List the warehouses that are read, and run one."),
    "export": CommandList(
        "export:export", "Run an export of what was sent, who is held or what ran; without NAME, list the exports."
    ),
    "dead-letters": CommandList(
        "dead_letters:app", "Look at, replay and discard messages that no worker could finish."
    ),
    "queues": CommandList("queues:app", "Look at RabbitMQ's queues, and give them the arguments of this version."),
    "jobs": CommandList("jobs:app", "List, follow, pause, resume and cancel long pieces of work."),
    "profiles": CommandList(
        "profiles:app", "Show and export what Customer.io's webhooks have come to for each person."
    ),
    "webhooks": CommandList("webhooks:app", "Look at Customer.io's reporting webhooks, and set them up."),
    "imports": CommandList(
        "imports:app", "List, start, pause, resume and end the imports of what Customer.io reports."
    ),
    "operator-log": CommandList(
        "operator_log:operator_log",
        "List what was done by hand, the latest first: when, who, what, to what, and what came of it.",
    ),
    "console": CommandList("console:app", "Make what the console needs: the hash of a password."),
    "mcp": CommandList(
        "mcp:mcp", "Serve agents over standard input and output (Model Context Protocol), until they end."
    ),
    "calls": CommandList("calls:app", "List and show the requests to Customer.io."),
}
"""The commands by name, in the order in which help lists them."""
_STYLE: dict[str, Any] = {
    "pretty_exceptions_enable": False,
    "rich_markup_mode": "rich",
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


def load(name: str) -> Any:
    """The command of that name, ready to run: imports its module, and whatever that needs."""
    module, _, attribute = NAMES[name].place.partition(":")
    found = getattr(import_module(f"connector.cli.{module}"), attribute)
    alone = Typer(add_completion=False, **_STYLE)
    if isinstance(found, Typer):
        alone.add_typer(found, name=name)
        group: Any = get_command(alone)
        command = group.commands[name]
    else:
        alone.command(name)(found)
        command = get_command(alone)
    _show_brackets([command])
    _note_by_hand(name, command)
    return command


def _note_by_hand(path: str, command: Any) -> None:
    """Has those commands noted that change something: this is the one way by which all of them are called."""
    operator_acts = import_module("connector.cli.operator_acts")
    if path in operator_acts.CHANGING:
        command.callback = operator_acts.noted(path, command.callback)
    for name, below in getattr(command, "commands", {}).items():
        _note_by_hand(f"{path} {name}", below)


def _show_brackets(commands: Iterable[Any]) -> None:
    """Escapes the help texts: rich would take `[intake]` for a style, and leave it out."""
    for command in commands:
        for documented in (command, *command.params):
            documented.help = escape(documented.help) if getattr(documented, "help", None) else None
        _show_brackets(getattr(command, "commands", {}).values())


def _sentence_only(name: str) -> Any:
    """A command that help can list; it is never run."""
    alone = Typer(add_completion=False, **_STYLE)
    alone.command(name, help=NAMES[name].sentence)(lambda: None)
    return get_command(alone)


class _Commands(TyperGroup):
    """The group of all commands: each is listed by its sentence, and imported once it is called."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = {name: _sentence_only(name) for name in NAMES}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The name that was called, its command, and the arguments that are left. A UsageError for an unknown one."""
        name, command, left = super().resolve_command(ctx, args)
        return name, load(name) if name in NAMES else command, left


app = Typer(
    name="connector",
    cls=_Commands,
    help="Keeps Customer.io holding exactly the people your segments say it should.\n\n"
    "Exit codes: 0 done, 1 something failed, 2 settings or usage.",
    no_args_is_help=True,
    **_STYLE,
)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"audience-sync-connector {__version__}")
        raise Exit


@app.callback()
def version(
    show: Annotated[
        bool, Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Keeps Customer.io holding exactly the people your segments say it should."""
