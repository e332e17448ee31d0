"""Deletions that the guard holds: how many, whose and why; let go or dropped, some or all, if need be by two people."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from connector.admin.person import reasons
from connector.audience import desired as audience
from connector.audience.rules import Rules
from connector.errors import ConnectorError, NothingLeftError
from connector.model.approval import HeldName
from connector.model.entity import EntityKind, Profile
from connector.planning import deletion_guard as limits
from connector.runtime import Runtime
from connector.settings.sync_options import DeletionGuard
from connector.store import deletion_guard, held_deletions
from connector.store.held_deletions import GuardStanding, HeldDeletion

LOOKED_AT = 1000
"""Of how many held deletions the segments are counted that they left."""
_GONE = "nothing was left to do: none of these deletions is held any more"


@dataclass(frozen=True, slots=True)
class HeldOfGuard:
    """The state of a guard. allowed: how many deletions it lets pass within its window; None where it is off."""

    standing: GuardStanding
    allowed: int | None


@dataclass(frozen=True, slots=True)
class HeldOfSync:
    """What is held of one sync.

    left: how many of the first `looked_at` left which segment, by its name; "" where no message names the segment.
    """

    sync: str
    guard: DeletionGuard
    guards: Sequence[HeldOfGuard]
    left: Counter[str]
    looked_at: int

    @property
    def held(self) -> int:
        """Returns how many deletions are held."""
        return sum(each.standing.held for each in self.guards)


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """Somebody whose deletion is held. standing, why: in words, "" where the row cannot be read."""

    kind: EntityKind
    key: str
    identifier: str
    standing: str
    why: str
    left: Sequence[str]
    updated_at: float


def overview(runtime: Runtime) -> list[HeldOfSync]:
    """Returns what is held of each sync, of those that the settings name."""
    with runtime.store.reading() as tx:
        return [_of_sync(tx, rules, runtime.store.now(tx)) for rules in runtime.syncs]


def of_sync(runtime: Runtime, sync: str) -> HeldOfSync:
    """Returns what is held of a sync. Raises SettingsError where the settings name no such sync."""
    rules = runtime.rules(sync)
    with runtime.store.reading() as tx:
        return _of_sync(tx, rules, runtime.store.now(tx))


def _of_sync(tx: Connection, rules: Rules, now: float) -> HeldOfSync:
    guard = rules.deletion_guard
    found = held_deletions.standings(tx, rules.name, now - guard.window_seconds)
    off = limits.off(guard)
    guards = [HeldOfGuard(each, None if off else limits.allowed(guard, each.audience)) for each in found]
    looked_at = held_deletions.page(tx, rules.name, None, LOOKED_AT) if any(each.held for each in found) else []
    left = Counter(name for each in looked_at for name in _left(each, rules) or ("",))
    return HeldOfSync(rules.name, guard, guards, left, len(looked_at))


def people(runtime: Runtime, sync: str, after: HeldName | None, limit: int) -> list[HeldEntry]:
    """Returns the next ones whose deletion is held, in the order of their keys.

    Args:
        runtime: What this process has open.
        sync: The sync, by its name.
        after: The last one that was seen, None at the beginning.
        limit: How many to return at most.
    """
    rules = runtime.rules(sync)
    with runtime.store.reading() as tx:
        return [_person(each, rules) for each in held_deletions.page(tx, sync, after, limit)]


def _person(held: HeldDeletion, rules: Rules) -> HeldEntry:
    entity = held.entity
    delivered = entity.delivered.identifier if entity.delivered else None
    identifier = f"{delivered.type}:{delivered.value}" if delivered else ""
    standing = why = ""
    if not entity.unreadable:
        wanted = audience.desired(entity.facts, rules.of_kind(held.kind))
        standing, why = str(wanted.standing), reasons.why(entity.facts, wanted.standing, rules)
    return HeldEntry(held.kind, entity.key, identifier, standing, why, _left(held, rules), held.updated_at)


def _left(held: HeldDeletion, rules: Rules) -> list[str]:
    """Returns the segments that they left: those that messages name as left, else those last sent to Customer.io.

    A message that lists all segments keeps none of the names that are not in its list.
    """
    named = sorted(key for key, name in held.entity.facts.segments.values.items() if name is None)
    return named or _told(held.entity.delivered, rules)


def _told(delivered: Profile | None, rules: Rules) -> list[str]:
    """Returns the audience's segments in the segments attribute as last delivered, or all in it if none is."""
    value = delivered.attributes.get(rules.segments_as.attribute) if delivered else None
    told = sorted(each for each in value if isinstance(each, str)) if isinstance(value, list | tuple) else []
    lowered = {each.lower() for each in rules.whitelist}
    return [each for each in told if each.lower() in lowered] or told


def chosen(runtime: Runtime, sync: str, names: Sequence[HeldName] | None) -> int:
    """Returns how many of these deletions, or of all (None), are held still. Raises ConnectorError for none."""
    runtime.rules(sync)
    with runtime.store.reading() as tx:
        found = held_deletions.count(tx, sync, names)
    if not found:
        raise NothingLeftError(_GONE if names is not None else f"{sync}: no deletions are held")
    return found


def settle(
    runtime: Runtime, sync: str, names: Sequence[HeldName] | None, *, delete_them: bool, at_most: int | None = None
) -> int:
    """Lets held deletions go, or drops them.

    Args:
        runtime: What this process has open.
        sync: The sync, by its name.
        names: Whose deletions are meant, None for all.
        delete_them: True to let them go, False to drop them: these people stay until the next message about them.
        at_most: How many whoever decides has seen; None where that is no matter.

    Returns:
        How many were let go or dropped.

    Raises:
        NothingLeftError: None of them is held any more.
        ConnectorError: More than `at_most` are held by now; nothing is done then.
    """
    with runtime.store.writing() as tx:
        return settled(tx, runtime.store.now(tx), sync, names, delete_them=delete_them, at_most=at_most)


def settled(
    tx: Connection,
    now: float,
    sync: str,
    names: Sequence[HeldName] | None,
    *,
    delete_them: bool,
    at_most: int | None = None,
) -> int:
    """Does what `settle` does, in a transaction.

    Args:
        tx: A transaction that writes.
        now: The store's time, in unix seconds.
        sync: The sync, by its name.
        names: Whose deletions are meant, None for all.
        delete_them: True to let them go, False to drop them.
        at_most: How many whoever decides has seen; None where that is no matter.
    """
    count = deletion_guard.release(tx, sync, now, delete_them=delete_them, names=names)
    if not count:
        raise NothingLeftError(_GONE)
    if at_most is not None and count > at_most:
        raise ConnectorError(
            f"{sync}: {count:,} deletions are held by now, {at_most:,} were when this was asked: nothing is done, look "
            "at them and ask again"
        )
    return count
