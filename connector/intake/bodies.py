"""Bodies as they come through a door, read in their format and taken in: one bad body harms only itself."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from connector import formats
from connector.audience.rules import Rules
from connector.errors import UnreadableError
from connector.intake.accept import TakenIn, accept
from connector.intake.traced import SILENT, Telling
from connector.model import bounds
from connector.model.change import Message, Unreadable
from connector.planning.leasing import Leasing
from connector.store.engine import Store

SHOWN_CHARACTERS = 10_000
"""The characters of an unreadable body that are kept for a human to look at."""


def take(
    store: Store,
    syncs: Sequence[Rules],
    format: str,
    bodies: Iterable[Any],
    max_bytes: int,
    *,
    backfill: bool = False,
    check: Callable[[Connection], None] | None = None,
    leasing: Leasing | None = None,
    telling: Telling = SILENT,
) -> TakenIn:
    """Takes in bodies of one format, all of them or none. Raises StoreError if they cannot be kept.

    Args:
        store: The store that they go to.
        syncs: The rules of every sync.
        format: The form of the bodies.
        bodies: Each a decoded JSON value or its text; one that is known to be unreadable is an Unreadable.
        max_bytes: A longer body is a problem, and not read.
        backfill: They are delivered behind what is live.
        check: Called at the end of the transaction; whatever it raises undoes the batch.
        leasing: For which syncs those who are free are leased at once, to be sent for by the caller.
        telling: What records traces, with the traceparents that the bodies have brought.
    """
    given = list(bodies)
    read_ = telling.marked(_all_read(format, given, max_bytes))
    messages = [message for each in read_ for message in each]
    with telling.taking_in() as traced:
        taken = accept(store, syncs, messages, backfill=backfill, check=check, leasing=leasing, traced=traced)
    return replace(taken, unkept=_unkept(given, read_, taken.unkept)) if taken.unreadable else taken


def _all_read(format: str, bodies: Sequence[Any], max_bytes: int) -> list[list[Message]]:
    """Returns what is in each body. One that came before, byte for byte, is read once: upstreams repeat themselves."""
    known: dict[bytes, list[Message]] = {}
    found = []
    for body in bodies:
        messages = known.get(body) if isinstance(body, bytes) else None
        if messages is None:
            messages = read(format, body, max_bytes)
            if isinstance(body, bytes):
                known[body] = messages
        found.append(messages)
    return found


def _unkept(bodies: Sequence[Any], read: Sequence[Sequence[Message]], counted: Collection[int]) -> tuple[int, ...]:
    """Returns the places of the bodies of which something cannot be read, and is only counted, or was cut."""
    places = [place for place, messages in enumerate(read) for each in messages if isinstance(each, Unreadable)]
    only_counted = {places[each] for each in counted}
    return tuple(place for place in sorted(set(places)) if place in only_counted or _is_cut(bodies[place]))


def _is_cut(body: Any) -> bool:
    return isinstance(body, str | bytes) and len(body) > SHOWN_CHARACTERS


def read(format: str, body: Any, max_bytes: int) -> list[Message]:
    """Returns the changes in a body; a body that cannot be read at all is one Unreadable."""
    return formats.refused_as(format, _read(format, body, max_bytes))


def _read(format: str, body: Any, max_bytes: int) -> list[Message]:
    if isinstance(body, Unreadable):
        return [body]
    if not isinstance(body, str | bytes):
        return _parsed(format, bounds.bounded(body))
    encoded = body.encode(errors="replace") if isinstance(body, str) else body
    if len(encoded) > max_bytes:
        reason = f"the message is larger than [intake] max_message_bytes, {max_bytes} bytes"
        return [Unreadable(reason, _shown(encoded))]
    try:
        return formats.read(format, encoded)
    except UnreadableError as error:
        return [Unreadable(str(error), _shown(encoded))]


def _parsed(format: str, body: Any) -> list[Message]:
    try:
        return formats.parse(format, body)
    except UnreadableError as error:
        return [Unreadable(str(error), body)]


def _shown(body: bytes) -> str:
    return body[:SHOWN_CHARACTERS].decode(errors="replace")
