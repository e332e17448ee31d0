"""`connector queues`: RabbitMQ's queues, and how those get this version's arguments that were made with others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from typer import Argument, Typer

from connector.broker import declaring, queue_renewal, queues
from connector.broker.queue_renewal import QueueState
from connector.cli.opening import opened, settings_of
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, Yes, agreed, out
from connector.cli.tables import table
from connector.errors import ConnectorError, SettingsError
from connector.settings.schema import Settings
from connector.store import named_leases
from connector.store.engine import Store

app = Typer(help="Look at RabbitMQ's queues, and give them the arguments of this version.", no_args_is_help=False)
_HOLDER = "connector queues renew"
_LEASE_SECONDS = 12.0
"""As long as a reader's: what ends much later they take for a lease from before the store's clock was set back."""
_ADVICE = (
    "To get the arguments of this version: stop whoever publishes, end workers and beat, run `connector queues renew`, "
    "and start them again. Messages that wait are moved, in their order."
)


@app.callback(invoke_without_command=True)
def listing(context: typer.Context, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """Look at them: what waits in them, who reads them, and what is otherwise than this version declares it."""
    if context.invoked_subcommand is not None:
        return
    found = _looked_at(_fleet(settings_of(settings)))
    if json:
        for each in found:
            out.out(to_json(_as_json(each)).decode(), highlight=False)
        return
    rows = [(each.name, str(each.messages), str(each.consumers), _words(each)) for each in found]
    out.print(table(("queue", "messages", "consumers", "arguments"), rows))
    if not all(each.is_as_declared for each in found):
        out.print(_ADVICE, highlight=False)


@app.command()
def renew(
    names: Annotated[list[str] | None, Argument(help="The queues. All that differ, if none is given.")] = None,
    settings: SettingsFile = SETTINGS_TOML,
    yes: Yes = False,
) -> None:
    """Give queues the arguments of this version. Nobody may publish to them or read them meanwhile."""
    runtime = opened(settings)
    loaded = _fleet(runtime.settings)
    known = queues.names(loaded.intake)
    if unknown := sorted(set(names or ()) - set(known)):
        raise SettingsError(f"{', '.join(unknown)}: no queue of these settings, which have {', '.join(known)}")
    chosen = [each for each in _looked_at(loaded) if each.name in (names or known) and not each.is_as_declared]
    if not chosen:
        out.print("All queues are as this version declares them.")
        return
    listed = ", ".join(f"{each.name} ({each.messages} messages)" for each in chosen)
    if not agreed(f"Make {listed} anew? Nobody may publish to them meanwhile.", yes=yes):
        raise typer.Abort
    for each in chosen:
        with _alone(runtime.store, each.name) as alive:
            moved = queue_renewal.renew(loaded.broker, each.name, alive)
        out.print(f"{each.name}: made anew, {moved} message(s) moved", highlight=False)


@contextmanager
def _alone(store: Store, name: str) -> Iterator[Callable[[], None]]:
    """Keeps readers from the queue: holds its lease. Yields what renews the lease."""
    lease = named_leases.QUEUE + name

    def alive() -> None:
        with store.writing() as tx:
            if not named_leases.renew(tx, lease, _HOLDER, store.now(tx), _LEASE_SECONDS):
                raise ConnectorError(
                    f"another program reads the queue {name} by now: end all workers, and run it again"
                )

    with store.writing() as tx:
        if not named_leases.take(tx, lease, _HOLDER, store.now(tx), _LEASE_SECONDS):
            raise ConnectorError(f"a worker reads the queue {name}, or did a moment ago: end all workers first")
    try:
        yield alive
    finally:
        with store.writing() as tx:
            named_leases.give_back(tx, lease, _HOLDER)


def _fleet(settings: Settings) -> Settings:
    if not settings.broker.durable:
        raise SettingsError("broker.url: memory:// has no queues to look at; a fleet's broker, amqp://, has")
    return settings


def _looked_at(settings: Settings) -> list[QueueState]:
    return queue_renewal.look(settings.broker, queues.names(settings.intake))


def _as_json(state: QueueState) -> dict[str, Any]:
    return {
        "queue": state.name,
        "messages": state.messages,
        "consumers": state.consumers,
        "there": state.there,
        "differences": [each._asdict() for each in state.differences],
        "aside": state.aside,
    }


def _words(state: QueueState) -> str:
    if state.aside is not None:
        return f"{state.aside} message(s) stand aside: `connector queues renew` was broken off, run it again"
    if not state.there:
        return "not there yet: the first worker makes it"
    if not state.differences:
        return "as declared"
    cost = declaring.cost(state.differences)
    return ", ".join(each.text for each in state.differences) + (f": {cost}" if cost else "")
