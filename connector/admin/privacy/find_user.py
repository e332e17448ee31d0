"""The user of a privacy request, and the identifiers under which Customer.io may know them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired, given_identifier
from connector.audience.rules import Rules
from connector.errors import ConnectorError
from connector.model.entity import Entity, Identifier, Profile
from connector.planning import attempt
from connector.planning.plan import next_step
from connector.runtime import Runtime
from connector.store import erasure, mentions
from connector.store.erasure import NameMatch, UserRow
from connector.store.name_search import KnownBy

By = Literal["", "key", "identifier"]


@dataclass(frozen=True, slots=True)
class FoundUser:
    """The user with the name `user`: their key, and their rows in the sync `sync`, or in all syncs where it is "".

    There are no rows if only traces of the name are left: `key` is then the name.
    """

    user: str
    key: str
    rows: tuple[UserRow, ...]
    sync: str = ""


def find(runtime: Runtime, user: str, sync: str = "", by: By = "") -> FoundUser:
    """Finds a user by upstream's key, or by an identifier or an e-mail address.

    Args:
        runtime: What this program has open.
        user: The key, identifier or address.
        sync: Where to look; "" for every sync.
        by: How the user is known: "key", "identifier", or "" for both.

    Raises:
        SettingsError: The settings name no such sync.
        ConnectorError: Nobody is found, or more than one user.
    """
    if sync:
        runtime.rules(sync)
    with runtime.store.reading(patient=True) as tx:
        key = _the_one(erasure.find(tx, user, sync), user, by)
        rows = erasure.rows(tx, key, sync) if key is not None else []
        if not rows and not _is_spoken_of(tx, user, sync):
            where = f"in the sync {sync!r}" if sync else "in any sync"
            raise ConnectorError(f"nobody is known as {user!r} {where}: give the user's key upstream, id or e-mail")
    return FoundUser(user, user if key is None else key, tuple(rows), sync)


def _is_spoken_of(tx: Connection, user: str, sync: str) -> bool:
    """Says whether any kept row mentions them. Reports of Customer.io, which belong to no sync, count without one."""
    names = [user.lower()]
    return mentions.find(tx, [user], names, sync).count() > 0 or (not sync and mentions.is_reported(tx, names))


def of_key(runtime: Runtime, key: str, sync: str = "") -> FoundUser:
    """Finds a user by their key alone, which an index makes fast.

    Raises SettingsError where the settings name no such sync, and ConnectorError where no sync has a row of the user.
    """
    if sync:
        runtime.rules(sync)
    with runtime.store.reading() as tx:
        rows = erasure.rows(tx, key, sync)
    if not rows:
        raise ConnectorError(f"no sync has a row of {key!r}: they were forgotten, or never known")
    return FoundUser(key, key, tuple(rows), sync)


def _the_one(matches: Sequence[NameMatch], user: str, by: By) -> str | None:
    """Returns the key of the one user who is meant; None if there is none.

    Users who only mention the name count where nobody is known by it. Raises ConnectorError where several are left.
    """
    wanted: tuple[KnownBy, ...] = (by,) if by else ("key", "identifier")
    known = [match for match in matches if match.known & {*wanted}]
    if not known and by != "key":
        known = [match for match in matches if "said" in match.known]
    keys = sorted({match.key for match in known})
    if len(keys) > 1:
        names = ", ".join(map(repr, keys))
        raise ConnectorError(
            f"{user!r} may be any of {len(keys)} users: {names}. Give the key of the one that is meant, with --by key"
        )
    return keys[0] if keys else None


def addresses(entity: Entity, rules: Rules) -> tuple[Identifier, ...]:
    """Returns every identifier under which Customer.io may know the user: what was, may have been, or would be sent.

    For a sync that does not deliver, and no request of which is in doubt, only what was or may have been sent.
    """
    gone = next_step(entity, Desired(AudienceStatus.DELETED, None), (), rules)
    found = attempt.tried(gone.operations).identifiers
    if not rules.deliver and not entity.doubt:
        return found
    # A request that was lost before any fact changed has left no other trace than the facts themselves. And people that
    # upstream has deleted or blocked may still be there: another system may have created them.
    for said in _said(entity, rules):
        found = found if any(said.same_as(each) for each in found) else (*found, said)
    return found


def _said(entity: Entity, rules: Rules) -> tuple[Identifier, ...]:
    """Returns every identifier that upstream, what was delivered, or a deletion gave the user."""
    lifecycle, named = entity.facts.lifecycle, rules.addressing.all_named(entity.facts.identity.values)
    pairs = (
        *lifecycle.deleted_identifiers,
        *lifecycle.also_called,
        *lifecycle.freed_identifiers,
        *lifecycle.to_hand_over,
    )
    blocked = given_identifier(entity.facts, rules) if lifecycle.suppressed else None
    others = (Identifier(type, value) for type, value in pairs)
    beside = rules.addressing.also_known_by(_as_described(entity))
    there = rules.addressing.also_known_by(entity.delivered)
    return (*named, *others, *beside, *there, *entity.removals.deleted, *((blocked,) if blocked else ()))


def _as_described(entity: Entity) -> Profile:
    """Returns the user with all their attributes and their e-mail address, whether the settings send these or not."""
    facts = entity.facts
    email = facts.identity.values.get("email")
    attributes = {**facts.attributes.values, **({"email": email} if email is not None else {})}
    return Profile(Identifier("", ""), attributes)
