"""The requests that a person was in: which items were theirs, and what Customer.io answered to these."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from connector.admin.person import codes
from connector.store import history, mentions, request_log
from connector.store.history import CallPart, HistoryEntry
from connector.store.request_log import CallFilter, Logged


@dataclass(frozen=True, slots=True)
class CallAbout:
    """A request about a person. parts: their items in it; none where only its kept body shows that they are in it."""

    logged: Logged
    parts: tuple[CallPart, ...] = ()


def about(tx: Connection, key: str, which: CallFilter, limit: int) -> list[CallAbout]:
    """Returns the requests that the person with this key was in, with their replies where these are kept.

    Args:
        tx: A transaction.
        key: The person's key.
        which: Which requests are meant.
        limit: How many to return at most, the latest first.
    """
    calls = request_log.find(tx, which, limit, person=key, replies=True)
    parts: dict[str, list[CallPart]] = defaultdict(list)
    for part in history.parts_of(tx, key, [each.id for each in calls]):
        parts[part.call].append(part)
    return [CallAbout(each, tuple(parts[each.id])) for each in calls]


def in_history(tx: Connection, key: str, entries: Iterable[HistoryEntry], limit: int) -> list[CallAbout]:
    """Returns the latest requests that a person's history names, found by their ids: quickly in a log of any length.

    Args:
        tx: A transaction.
        key: The person's key.
        entries: Their history, the latest first.
        limit: How many to return at most.
    """
    ids = list(dict.fromkeys(each.call for each in entries if each.call is not None))[:limit]
    parts: dict[str, list[CallPart]] = defaultdict(list)
    for part in history.parts_of(tx, key, ids) if ids else ():
        parts[part.call].append(part)
    return [CallAbout(each, tuple(parts[each.id])) for each in request_log.of_ids(tx, ids)]


def mentioned(
    tx: Connection, sync: str, names: Collection[str], known: Collection[CallAbout], looked_at: int
) -> list[CallAbout]:
    """Returns the known requests and those whose kept bodies mention a person, the latest first.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        names: Names of the person, in lower case.
        known: The requests that they are known to have been in.
        looked_at: How many of the latest bodies are looked at.
    """
    ids = {each.logged.id for each in known}
    found = [CallAbout(each) for each in mentions.calls_about(tx, sync, names, looked_at) if each.id not in ids]
    return sorted([*known, *found], key=lambda each: each.logged.id, reverse=True)


def as_json(found: CallAbout) -> dict[str, Any]:
    """Returns a request about a person as JSON. Times are unix seconds."""
    call = found.logged.call
    names = ("at", "connection", "sync", "endpoint", "items", "status", "milliseconds", "verdict", "reason", "reply")
    said = {"id": found.logged.id, **{name: getattr(call, name) for name in names}}
    return said | {"theirs": [part_as_json(each) for each in found.parts]}


def part_as_json(part: CallPart) -> dict[str, Any]:
    """Returns a person's part of a request as JSON. `first` is the place of their first item, counted from 0."""
    return {
        "first": part.first,
        "items": part.items,
        "did": codes.sorts(part.sorts),
        "answer": codes.answer(part.answer),
    }


def part_in_words(part: Mapping[str, Any]) -> str:
    """Returns a person's part of a request, as `part_as_json` has it, in words."""
    last = part["first"] + part["items"] - 1
    where = f"item {part['first']}" if part["items"] == 1 else f"items {part['first']} to {last}"
    return f"{', '.join(part['did'])} as {where}: {part['answer']}"
