"""Reads a message of an intake queue as bodies of a format. A message that cannot be read becomes a problem."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import time
from typing import Any, NamedTuple

from connector import formats
from connector.broker import packed_bodies
from connector.broker.properties import Properties
from connector.errors import UnreadableError
from connector.model import times
from connector.model.change import Unreadable

APPLY = "tasks.changes.apply"
"""The Celery task by which other applications hand over changes."""
SHOWN_CHARACTERS = 100_000


class Body(NamedTuple):
    """One message of upstream's; an Unreadable if it cannot be read. backfill: deliver it behind live changes."""

    format: str
    value: Any
    backfill: bool


@dataclass(frozen=True, slots=True)
class Door:
    """How a queue is read: plain bodies of one format, or Celery's tasks."""

    format: str
    backfill: bool
    celery: bool
    max_bytes: int

    def bodies(self, properties: Properties, body: bytes) -> list[Body]:
        """Returns what the message holds. Raises nothing."""
        try:
            plain = packed_bodies.plain(properties, body, self.max_bytes)
            if not self.celery:
                return [Body(self.format, plain, self.backfill)]
            return list(self._of_task(properties, plain))
        except UnreadableError as error:
            return [Body(self.format, Unreadable(str(error), shown(body)), self.backfill)]

    def _of_task(self, properties: Properties, body: bytes) -> Iterator[Body]:
        name = properties.headers.get("task")
        args, kwargs, eta = _second_protocol(body, properties) if name is not None else _first_protocol(body)
        if name is not None and name != APPLY:
            raise UnreadableError(f"the task {str(name)[:100]!r} does not belong on this queue: only {APPLY} does")
        format, messages, backfill = _arguments(args, kwargs)
        reason = _early(eta)
        for message in messages:
            yield Body(format, Unreadable(reason, message) if reason else message, backfill or self.backfill)


def shown(body: bytes) -> str:
    """Returns a body as a problem keeps it."""
    return body[:SHOWN_CHARACTERS].decode(errors="replace")


def _early(eta: Any) -> str:
    """Returns why a task that is to wait until `eta` is not taken in, "" if it has no `eta` or that has passed.

    Held until then it would be overtaken by later messages; taken in at once it would be early.
    """
    due = times.seconds(eta)
    if not eta or (due is not None and due <= time()):
        return ""
    return f"the task is to wait until {str(eta)[:100]!r} (eta, countdown), and changes are taken in as they come"


def _second_protocol(body: bytes, properties: Properties) -> tuple[Any, Any, Any]:
    """Returns the positional arguments, the keyword arguments and the eta of a task in Celery's second protocol."""
    match _decoded(body):
        case [list(args), dict(kwargs), *_]:
            return args, kwargs, properties.headers.get("eta")
    raise UnreadableError("this is no task of Celery's: its body is not a list of arguments, keywords and options")


def _first_protocol(body: bytes) -> tuple[Any, Any, Any]:
    match _decoded(body):
        case {"task": str(name), "args": list(args), **rest} if name == APPLY:
            return args, rest.get("kwargs") or {}, rest.get("eta")
        case {"task": name}:
            raise UnreadableError(f"the task {str(name)[:100]!r} does not belong on this queue: only {APPLY} does")
    raise UnreadableError(f"this is no task of Celery's: it has neither a header nor a field that says {APPLY}")


def _decoded(body: bytes) -> object:
    return formats.decode(body)


def _arguments(args: list[Any], kwargs: Any) -> tuple[str, list[Any], bool]:
    """Returns the arguments of `tasks.changes.apply`, given by position or name. Raises UnreadableError for others."""
    names = ("format", "messages", "backfill")
    given = {**dict(zip(names, args, strict=False)), **(kwargs if isinstance(kwargs, dict) else {})}
    format, messages = given.get("format"), given.get("messages")
    if format not in formats.NAMES:
        raise UnreadableError(f"{str(format)[:100]!r} is no format: it is one of {', '.join(formats.NAMES)}")
    if not isinstance(messages, list):
        raise UnreadableError(f"the messages of {APPLY} are not a list")
    if len(args) > len(names) or set(given) - set(names):
        raise UnreadableError(f"{APPLY} takes {', '.join(names)}, and no other arguments")
    return format, messages, bool(given.get("backfill"))
