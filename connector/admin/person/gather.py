"""Gathers all that the store has of one person, at one moment, and asks Customer.io what it holds of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from connector.activity import fields, identity, profiles
from connector.activity.profiles import ActivityProfile
from connector.admin.person import calls, reasons
from connector.admin.person.calls import CallAbout
from connector.admin.privacy import find_user
from connector.audience import desired as audience
from connector.audience import wanted_identifiers
from connector.audience.desired import Desired
from connector.audience.feedback import ReportedSentence, known_names, sentences
from connector.audience.rules import Rules
from connector.customerio import people as lookup
from connector.customerio.responses import Pause
from connector.delivery.app_reader import ReadBack
from connector.errors import ConnectorError
from connector.model.entity import Identifier
from connector.model.problem import EVERY_SYNC
from connector.model.reported import standing
from connector.planning import other_syncs
from connector.runtime import Runtime
from connector.store import (
    connection_health,
    history,
    name_search,
    person_rows,
    problems,
    reported,
    workspace_holders,
)
from connector.store.connection_health import Health
from connector.store.encoding import identifier_text
from connector.store.history import HistoryEntry
from connector.store.person_rows import EventSummary, PersonRow
from connector.store.problems import Kept
from connector.store.request_log import CallFilter

EVENTS, PROBLEMS, CALLS = 20, 50, 20
"""The most of each that are gathered for each sync."""
CALLS_LOOKED_AT = 100
"""The number of latest request bodies that are searched for the person's names, beside what the history tells."""


class Depth(NamedTuple):
    """The extent of what is gathered of a person.

    entries: the most entries of their history in each sync. indexed: only what an index finds, so that it is quick
    among a million people: without events that were sent, and only with requests that the gathered history names.
    """

    entries: int = 0
    indexed: bool = False


EVERYTHING = Depth()


@dataclass(frozen=True, slots=True)
class HeldNow:
    """What the App API shows of a person at this moment. reason: why that is not known, "" where it is."""

    state: Literal["there", "not there", "not known"]
    attributes: Mapping[str, object]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PersonInSync:
    """A person as one sync has them.

    rules, wanted: None where the settings have no such sync, and wanted also where the row cannot be read.
    identifiers: every one under which Customer.io may know them, but for those that are another user's; why: the
    reason for where they stand; waits: what stands between them and Customer.io; also_in: other syncs that want them
    in the same workspace, so that leaving this one takes nothing from them that those send; reported: what Customer.io
    has reported of them, and what the settings do about it; held: what the App API shows, None where not asked.
    """

    row: PersonRow
    rules: Rules | None
    wanted: Desired | None
    identifiers: tuple[Identifier, ...]
    why: str
    waits: tuple[str, ...]
    also_in: tuple[str, ...]
    reported: Sequence[ReportedSentence]
    events: Sequence[EventSummary]
    event_counts: Mapping[str, int]
    calls: Sequence[CallAbout]
    history: Sequence[HistoryEntry] = ()
    held: HeldNow | None = None


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """All that is known of the user `key`, who was asked for as `user`."""

    user: str
    key: str
    syncs: Sequence[PersonInSync]
    problems: Sequence[Kept]
    profiles: Sequence[ActivityProfile]


def gather(runtime: Runtime, user: str, sync: str = "", entries: int = 0) -> KnownPerson:
    """Gathers what the store has of a user.

    Args:
        runtime: What this program has open.
        user: Any name that they go by.
        sync: Only in this sync; "" for all.
        entries: The most entries of their history to gather in each sync.

    Raises:
        SettingsError: The settings name no such sync.
        ConnectorError: Nobody is known by this name, or more than one user is.
    """
    if sync:
        runtime.rules(sync)
    with runtime.store.reading(patient=True) as tx:
        key = the_key(person_rows.keys(tx, user, sync), user)
        return _gathered(tx, runtime, key, user, sync, Depth(entries))


def of_key(runtime: Runtime, key: str, sync: str = "", depth: Depth = EVERYTHING) -> KnownPerson:
    """Gathers what the store has of the user with this key.

    Args:
        runtime: What this program has open.
        key: Their key.
        sync: Only in this sync; "" for all.
        depth: How much is gathered.

    Raises:
        SettingsError: The settings name no such sync.
        ConnectorError: Nobody is known by this key.
    """
    if sync:
        runtime.rules(sync)
    with runtime.store.reading() as tx:
        return _gathered(tx, runtime, key, key, sync, depth)


def _gathered(tx: Connection, runtime: Runtime, key: str, user: str, sync: str, depth: Depth) -> KnownPerson:
    now = runtime.store.now(tx)
    syncs = [_in_sync(tx, runtime, row, now, depth) for row in person_rows.rows(tx, key, now, sync)]
    told = problems.about(tx, key, _syncs(runtime, syncs, sync), PROBLEMS)
    reported = list(_profiles(tx, runtime, user, syncs, sync))
    if not syncs and not told and not reported:
        where = f"in the sync {sync!r}" if sync else "in any sync"
        raise ConnectorError(
            f"nobody is known as {user!r} {where}: give their key upstream, id, e-mail or anonymous id"
        )
    return KnownPerson(user, key, syncs, told, reported)


def the_key(keys: Sequence[str], user: str) -> str:
    """Returns the one key that a name means, the name itself where nobody has it. Raises ConnectorError for several."""
    if len(keys) > 1:
        names = ", ".join(map(repr, keys))
        raise ConnectorError(
            f"{user!r} may be any of {len(keys)} users: {names}. Give the key of the one that is meant"
        )
    return keys[0] if keys else user


def _syncs(runtime: Runtime, found: Sequence[PersonInSync], sync: str) -> list[str]:
    if sync:
        return [sync]
    return sorted({EVERY_SYNC, *(each.name for each in runtime.syncs), *(each.row.sync for each in found)})


def _in_sync(tx: Connection, runtime: Runtime, row: PersonRow, now: float, depth: Depth) -> PersonInSync:
    rules = next((each for each in runtime.syncs if each.name == row.sync), None)
    usable = rules if rules is not None and not row.entity.unreadable else None
    wanted = _wanted(row, usable) if usable else None
    row = _with_holder(tx, row, usable) if usable else row
    identifiers, others = _identifiers(tx, row, usable)
    health = connection_health.health(tx, rules.connection) if rules else Health()
    key = row.entity.key
    names = {key.lower(), *name_search.names(row.entity, identifiers) - others}
    happened = history.of_person(tx, key, row.sync, depth.entries) if depth.entries else ()
    return PersonInSync(
        row=row,
        rules=rules,
        wanted=wanted,
        identifiers=identifiers,
        why=reasons.why(row.entity.facts, wanted.standing, usable) if wanted and usable else "",
        waits=tuple(reasons.waits(row, rules, health, now)),
        also_in=_also_in(tx, runtime, row, usable, wanted) if usable and wanted else (),
        reported=_reported(tx, row, usable) if usable else (),
        events=person_rows.latest_events(tx, row.sync, key, EVENTS, pending=depth.indexed),
        event_counts=person_rows.event_counts(tx, row.sync, key, pending=depth.indexed),
        calls=_calls(tx, row, names, happened, depth),
        history=happened,
    )


def _calls(
    tx: Connection, row: PersonRow, names: Collection[str], happened: Sequence[HistoryEntry], depth: Depth
) -> Sequence[CallAbout]:
    key = row.entity.key
    if depth.indexed:
        return calls.in_history(tx, key, happened, CALLS)
    known = calls.about(tx, key, CallFilter(sync=row.sync), CALLS)
    return calls.mentioned(tx, row.sync, names, known, CALLS_LOOKED_AT)


def _reported(tx: Connection, row: PersonRow, rules: Rules) -> Sequence[ReportedSentence]:
    names = known_names(row.entity, rules)
    texts = [identifier_text(each) for each in names.identifiers]
    found = reported.of(reported.words(tx, rules.connection, texts), texts)
    return sentences(standing(found, texts, names.address), rules)


def _with_holder(tx: Connection, row: PersonRow, rules: Rules) -> PersonRow:
    """Adds to a row the user of another sync who holds the identifier that it waits for, if there is one."""
    if row.waits_for is None or row.holder is not None:
        return row
    found = workspace_holders.holder_beside(tx, rules, row.waits_for, row.entity.key)
    return row if found is None else row._replace(holder=found.key, holder_sync=found.sync)


def _also_in(tx: Connection, runtime: Runtime, row: PersonRow, rules: Rules, wanted: Desired) -> tuple[str, ...]:
    others = runtime.side_by_side(rules)
    if not others:
        return ()
    names = [identifier_text(each) for each in other_syncs.identifiers(row.entity, wanted, rules)]
    people = workspace_holders.people(tx, others, names)
    found = other_syncs.together(row.entity.key, (one for each in people.values() for one in each))
    return () if found is None or found.blocked else found.syncs


def _wanted(row: PersonRow, rules: Rules) -> Desired:
    return wanted_identifiers.with_id_that_stays(row.entity, audience.desired(row.entity.facts, rules), rules)


def _identifiers(tx: Connection, row: PersonRow, rules: Rules | None) -> tuple[tuple[Identifier, ...], frozenset[str]]:
    """Returns the identifiers under which Customer.io may know the person, and the values that are another user's now.

    The latter are in lower case: what is known under them is about somebody else.
    """
    delivered = row.entity.delivered
    found = find_user.addresses(row.entity, rules) if rules else (delivered.identifier,) if delivered else ()
    texts = {identifier_text(each): each for each in found}
    own = person_rows.not_anothers(tx, row.sync, row.entity.key, list(texts))
    others = frozenset(texts[each].value.lower() for each in texts.keys() - set(own))
    return tuple(texts[each] for each in own), others


def _profiles(
    tx: Connection, runtime: Runtime, user: str, syncs: Sequence[PersonInSync], sync: str
) -> Iterator[ActivityProfile]:
    """Yields what each workspace has reported, by the person's own identifiers; by the name where there is no row."""
    shown = fields.of(runtime.settings.profiles)
    wanted = [runtime.rules(sync).connection] if sync else list(runtime.settings.connections)
    for connection in wanted:
        here = [each for each in syncs if each.rules is not None and each.rules.connection == connection]
        own = [identifier_text(name) for each in here for name in each.identifiers]
        found = profiles.of_keys(tx, connection, own if syncs else identity.candidates(user), shown)
        if found is not None:
            yield found


def held_now(runtime: Runtime, person: PersonInSync) -> HeldNow:
    """Asks Customer.io what it holds of a person, by one request that is not tried again.

    All who ask take turns, which the store keeps: raises StoreError where it cannot be reached.
    """
    whom = _whom_to_ask(person)
    if person.rules is None or whom is None:
        return HeldNow("not known", {}, "no identifier of their own is known to ask by")
    connection = runtime.settings.connections[person.rules.connection]
    if connection.app_api_key is None:
        return HeldNow("not known", {}, f"the connection {connection.name!r} has no app_api_key")
    api, rate = runtime.app_api(connection.name), connection.app_requests_per_second
    answer = ReadBack(connection.name, runtime.store, api, runtime.settings.delivery, rate).ask_once(whom)
    if isinstance(answer, Pause):
        return HeldNow("not known", {}, answer.reason)
    attributes = answer.people.get(lookup.normal(whom))
    return HeldNow("not there", {}) if attributes is None else HeldNow("there", attributes)


def _whom_to_ask(person: PersonInSync) -> Identifier | None:
    """Returns the identifier by which the person is, should be or may be there; None where none is known.

    One that is only wanted, or may be there, is none that another user holds.
    """
    delivered, wanted = person.row.entity.delivered, person.wanted
    if delivered is not None:
        return delivered.identifier
    if wanted is not None and wanted.person is not None and wanted.person.identifier in person.identifiers:
        return wanted.person.identifier
    return next(iter(person.identifiers), None)
