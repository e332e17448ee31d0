"""Notes who did what by hand: every command that changes something goes through `noted` (`commands.load`).

What a command is given may name people. So of each only what is listed here is kept, of people a digest: by it one can
tell afterwards whether somebody was forgotten, and nobody can read who was.
"""

import getpass
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from connector.admin import operator_acts
from connector.cli.invocation import CURRENT, Invocation
from connector.cli.loading import loaded
from connector.cli.options import SETTINGS_TOML, err
from connector.errors import ConnectorError, SettingsError, StoreError
from connector.store import operator_log
from connector.store.engine import Store
from connector.store.operator_log import OperatorAct

OPERATOR = "CONNECTOR_OPERATOR"
"""The environment variable that says who acts, where the name on this machine does not."""
DOOR = "command"
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class ChangingCommand:
    """What is noted of a command.

    subject: the parameters that say to what it was done; flags: those that say how. only_with: the flag without which
    it changes nothing. of_person: the subject is a person, so only a digest is kept.
    """

    subject: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    only_with: str = ""
    of_person: bool = False


CHANGING: Mapping[str, ChangingCommand] = {
    "migrate": ChangingCommand(),
    "send": ChangingCommand(("file",)),
    "publish": ChangingCommand(("file",)),
    "approve": ChangingCommand(("sync",), ("drop",)),
    "resume": ChangingCommand(("connection",)),
    "diff": ChangingCommand(("sync",), ("apply",), only_with="apply"),
    "resync": ChangingCommand(("sync",)),
    "backfill": ChangingCommand(("sync", "source")),
    "audit": ChangingCommand(("sync",), ("repair", "delete"), only_with="repair"),
    "forget": ChangingCommand(("user",), ("suppress",), of_person=True),
    "suppress": ChangingCommand(("identifier",), of_person=True),
    "unsuppress": ChangingCommand(("identifier",), of_person=True),
    "problems replay": ChangingCommand(("id", "kind"), ("all",)),
    "problems discard": ChangingCommand(("id", "kind"), ("all",)),
    "sources run": ChangingCommand(("name",)),
    "export": ChangingCommand(("name",), ("once",), only_with="name"),
    "dead-letters replay": ChangingCommand(),
    "dead-letters discard": ChangingCommand(),
    "queues renew": ChangingCommand(("names",)),
    "jobs pause": ChangingCommand(("id",)),
    "jobs resume": ChangingCommand(("id",)),
    "jobs cancel": ChangingCommand(("id",)),
    "imports start": ChangingCommand(("name",), ("out",)),
    "imports pause": ChangingCommand(("id",)),
    "imports resume": ChangingCommand(("id",)),
    "imports end": ChangingCommand(("id",)),
    "alerts acknowledge": ChangingCommand(("keys",)),
    "webhooks check": ChangingCommand(("connection",), ("apply",), only_with="apply"),
}
"""The commands that change something in the store, in RabbitMQ or at Customer.io."""


def noted(act: str, does: Callable[..., Any]) -> Callable[..., Any]:
    """Returns what a command does, noted in the log of operators when it begins, and once it has ended."""
    changing = CHANGING[act]

    def with_note(*args: Any, **given: Any) -> Any:
        if changing.only_with and not given.get(changing.only_with):
            return does(*args, **given)
        with _noting(_act(act, changing, given), Path(given.get("settings") or SETTINGS_TOML)):
            return does(*args, **given)

    return with_note


def operator() -> str:
    """Returns who acts: what the environment says, else the user and the name of this machine."""
    named = os.environ.get(OPERATOR, "").strip()
    user = "unknown"
    with suppress(OSError, KeyError):
        user = getpass.getuser()
    return named or f"{user}@{socket.gethostname()}"


def _act(act: str, changing: ChangingCommand, given: Mapping[str, Any]) -> OperatorAct:
    subject = " ".join(each for name in changing.subject for each in _texts(given.get(name)))
    flags = [f"--{name}" for name in changing.flags if given.get(name)]
    return operator_acts.act(operator(), DOOR, " ".join((act, *flags)), subject, of_person=changing.of_person)


def _texts(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list | tuple) else (value,):
        if each not in (None, ""):
            yield str(each)


@contextmanager
def _noting(act: OperatorAct, settings: Path) -> Iterator[None]:
    """Notes the act, and what comes of it. Where the tables are not there yet, all of it is noted at the end."""
    invocation, outcome = Invocation(), "failed"
    token = CURRENT.set(invocation)
    store = _store(settings)
    begun = _begun(store, act)
    try:
        yield
        outcome = _succeeded(invocation)
    except BaseException as error:
        outcome = _came_to(error)
        raise
    finally:
        CURRENT.reset(token)
        _ended(store, act, begun, outcome)


def _succeeded(invocation: Invocation) -> str:
    if invocation.declined:
        return "declined"
    return operator_acts.started(invocation.job) if invocation.job else operator_acts.DONE


def _store(settings: Path) -> Store | None:
    """Returns the store; None where the settings cannot be read, as the command says itself."""
    with suppress(SettingsError):
        found = loaded(settings).store
        return Store(found.url, found)
    return None


def _came_to(error: BaseException) -> str:
    """Returns the outcome in a word: what failed and why may name people, and stands elsewhere."""
    code = getattr(error, "exit_code", getattr(error, "code", 1))
    if isinstance(error, KeyboardInterrupt) or code == _INTERRUPTED:
        return "interrupted"
    if isinstance(error, typer.Abort):
        return "declined"
    return "failed" if isinstance(error, ConnectorError) or code else "done"


def _begun(store: Store | None, act: OperatorAct) -> int | None:
    if store is not None:
        with suppress(StoreError), store.writing() as tx:
            return operator_log.begin(tx, act)
    return None


def _ended(store: Store | None, act: OperatorAct, begun: int | None, outcome: str) -> None:
    if store is None:
        return
    try:
        with store.writing() as tx:
            operator_log.end(tx, operator_log.begin(tx, act) if begun is None else begun, outcome)
    except StoreError as error:
        if outcome != "failed":  # the command has said it of itself then
            err.print(f"This is not in the log of operators: {error}", highlight=False, soft_wrap=True)
    finally:
        store.close()
