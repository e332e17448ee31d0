"""Finds what is known of somebody by Customer.io's webhooks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection

from connector.activity import identity, profile_state
from connector.activity.fields import ProfileField
from connector.activity.profile_state import ProfileState
from connector.model.bounds import storable
from connector.store import profiles
from connector.store.engine import Store


@dataclass(frozen=True, slots=True)
class ActivityProfile:
    """A person of one workspace.

    identifiers: `id`, `email` and `cio_id`, as far as they are known, each with all values that are theirs, what was
    said last at the end. fields: the values by name. updated_at: unix seconds of the last change.
    """

    connection: str
    key: str
    identifiers: dict[str, list[str]]
    fields: dict[str, Any]
    updated_at: float

    def as_json(self) -> dict[str, Any]:
        """Returns the profile as the door and the command show it, with updated_at to the millisecond."""
        at = round(self.updated_at, 3)
        said = {"connection": self.connection, "identifiers": self.identifiers, "fields": self.fields}
        return {**said, "updated_at": at}


def find(store: Store, user: str, connections: Iterable[str], fields: Sequence[ProfileField]) -> list[ActivityProfile]:
    """Finds somebody by id, e-mail address or `cio_id:...`, in each of the workspaces. Raises StoreError.

    Args:
        store: Where profiles are kept.
        user: The id, the e-mail address, or Customer.io's own id.
        connections: The connections, by their names.
        fields: The fields to show.

    Returns:
        A profile for each workspace that knows them.
    """
    if not storable(user):
        return []
    with store.reading() as tx:
        found = [of_keys(tx, connection, identity.candidates(user), fields) for connection in connections]
    return [each for each in found if each is not None]


def every(
    store: Store, connection: str, fields: Sequence[ProfileField], at_once: int = 500
) -> Iterator[list[ActivityProfile]]:
    """Reads all profiles of a workspace, some at a time. Raises StoreError.

    Args:
        store: Where profiles are kept.
        connection: The connection, by its name.
        fields: The fields to show.
        at_once: How many there are in a list, at the most.

    Yields:
        Lists of profiles, in the order of their keys.
    """
    last = ""
    while True:
        with store.reading() as tx:
            keys = profiles.roots(tx, connection, last, at_once)
            found = _read(tx, connection, keys, fields)
        if found:
            yield found
        if len(keys) < at_once:
            return
        last = keys[-1]


def of_keys(
    tx: Connection, connection: str, keys: Iterable[str], fields: Sequence[ProfileField]
) -> ActivityProfile | None:
    """Returns the profile in one workspace of the first known of identifiers such as `id:...`; None if none is known.

    Args:
        tx: A transaction.
        connection: The connection, by its name.
        keys: The identifiers, the strongest first.
        fields: The fields to show.
    """
    for key in keys:
        found = _read(tx, connection, [profiles.root(tx, connection, key)], fields)
        if found:
            return found[0]
    return None


def of_all_keys(
    tx: Connection, connection: str, keys: Sequence[str], fields: Sequence[ProfileField]
) -> list[ActivityProfile]:
    """Finds the profiles to which identifiers such as `id:...` belong, each once: the store is asked for all at once.

    Args:
        tx: A transaction.
        connection: The connection, by its name.
        keys: The identifiers.
        fields: The fields to show.
    """
    return _read(tx, connection, profiles.roots_of(tx, connection, keys), fields)


def _read(
    tx: Connection, connection: str, keys: Sequence[str], fields: Sequence[ProfileField]
) -> list[ActivityProfile]:
    """Reads the profiles of keys that belong to no other, each with all that belongs to it."""
    members = profiles.members(tx, connection, keys)
    states = profiles.states(tx, connection, [each for mine in members.values() for each in mine])
    return [
        _profile(connection, key, mine, found, fields)
        for key, mine in members.items()
        if (found := [states[each] for each in mine if each in states])
    ]


def _profile(
    connection: str, key: str, mine: list[str], states: list[tuple[str, float]], fields: Sequence[ProfileField]
) -> ActivityProfile:
    total: ProfileState = {}
    for state, _ in states:
        total = profile_state.combine(total, profile_state.of_fields(from_json(state), fields))
    updated_at = max(at for _, at in states)
    return ActivityProfile(connection, key, _identifiers(mine), profile_state.shown(total, fields), updated_at)


def _identifiers(keys: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in keys:
        type, _, value = key.partition(":")
        found.setdefault(type, []).append(value)
    return found
