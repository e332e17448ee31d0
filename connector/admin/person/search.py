"""Finds people by what somebody types: at once by an index, or by looking at everybody, some at a time."""

import time
from typing import NamedTuple

from connector.errors import ConnectorError
from connector.runtime import Runtime
from connector.store import person_search
from connector.store.person_search import FoundKey

SHOWN = 50
"""The most people that are offered to choose from."""
_LOOK_SECONDS = 1.0
_AT_ONCE = 10_000
NAME_CHARACTERS = 500


class Looked(NamedTuple):
    """The result of a full search, as far as it went.

    people: how many rows were looked at; after: the key to go on behind, "" where everybody was looked at.
    """

    found: tuple[FoundKey, ...]
    people: int
    after: str


def by_index(runtime: Runtime, name: str, sync: str = "") -> tuple[FoundKey, ...]:
    """Returns the people that a name means: by their key, or else by an identifier or e-mail address that is theirs.

    Args:
        runtime: What this program has open.
        name: What somebody typed.
        sync: Only in this sync; "" for all.

    Raises:
        SettingsError: The settings name no such sync.
        ConnectorError: The name is too long to be one.
    """
    _check(runtime, name, sync)
    with runtime.store.reading() as tx:
        return tuple(person_search.by_index(tx, name, sync, SHOWN))


def among_everybody(runtime: Runtime, name: str, sync: str = "", after: str = "") -> Looked:
    """Searches present and past names that no index holds. It stops after about a second or 50 people.

    A further call goes on behind `after`.

    Args:
        runtime: What this program has open.
        name: What somebody typed.
        sync: Only in this sync; "" for all.
        after: The key to go on behind.

    Raises:
        SettingsError: The settings name no such sync.
        ConnectorError: The name is too long to be one.
    """
    _check(runtime, name, sync)
    found: list[FoundKey] = []
    people, end = 0, time.monotonic() + _LOOK_SECONDS
    while time.monotonic() < end and len(found) < SHOWN:
        with runtime.store.reading() as tx:
            some = person_search.some(tx, name, sync, after, _AT_ONCE)
        found += some.found
        people += some.rows
        after = some.last
        if not after:
            break
    if len(found) > SHOWN:  # it goes on behind the last one that is shown, not behind the last that was looked at
        after = found[SHOWN - 1].key
    return Looked(tuple(found[:SHOWN]), people, after)


def _check(runtime: Runtime, name: str, sync: str) -> None:
    if sync:
        runtime.rules(sync)
    if len(name) > NAME_CHARACTERS:
        raise ConnectorError(f"This is longer than {NAME_CHARACTERS} characters: give a key, an id or an e-mail.")
