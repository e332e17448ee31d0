"""What Customer.io must hold in the end, worked out from the messages alone.

Written from the rules and from nothing else: it shares no line with the product, keeps no state between messages,
and looks at each user's whole story at once. The product sees the same messages one by one, late, twice and through
faults; when it is done, `differences` compares what the simulator holds with what is expected here.

Where the rules leave the end to timing, the oracle does not guess: an event is `may` instead of `must`, an attribute
is `unpredicted`, a person is not `certain`. It takes for granted that messages of one version are the same message,
that messages are whole snapshots, that an event id of a user names one event, and that no two users share an e-mail.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Message = Mapping[str, Any]
Row = Mapping[str, Any]

EVERYBODY = ["*"]
LONGEST_IDENTIFIER = 150
LARGEST_VALUE = 1000
MILLISECONDS_FROM = 10**11
PAGE_KINDS = ("page", "screen")
GOES_AT_EXIT = ("delete", "clear")
# Names that Customer.io itself, or the way a person is addressed, puts on a person.
OWN_NAMES = frozenset({"id", "cio_id", "anonymous_id"})
ISO = re.compile(
    r"\d{4}-\d\d-\d\d"  # a date
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"  # and a time
    r"(?:Z| UTC|[+-]\d\d:\d\d)?)?",  # and its zone
    re.ASCII,
)


@dataclass(frozen=True)
class SyncRules:
    """One sync, as its settings say it. `attributes` are pairs of upstream's name and Customer.io's.

    `email_identifies` is the workspace's: there e-mail addresses are identifiers, and Customer.io keeps the first.
    """

    segments: Sequence[str] = ()
    identifier: str = "external_id"
    identify_by: str = "id"
    attributes: Sequence[tuple[str, str]] = ()
    segment_attribute: str | None = "hull_segment"
    events: Sequence[str] = ()
    anonymous_events: bool = False
    require_email: bool = False
    on_exit: str = "keep"
    email_identifies: bool = True


@dataclass(frozen=True)
class ExpectedEvent:
    """An event in Customer.io. `names`: a page or screen may go by its own name, its address or its kind."""

    user: str
    event_id: str | None
    names: tuple[str, ...]
    type: str
    timestamp: int | None
    properties: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name it has upstream."""
        return self.names[0]


@dataclass(frozen=True)
class AnonymousEvent:
    """An event of a visitor, and the identifier of the person it is merged to, if it is."""

    anonymous_id: str
    event: ExpectedEvent
    merged_into: str | None


@dataclass(frozen=True)
class ExpectedPerson:
    """A person in Customer.io: exactly these attributes, all of `must` and nothing but `must` and `may`.

    `certain` False: the rules do not say what becomes of the person. `optional`: the person may also be absent.
    """

    attributes: Mapping[str, Any] = field(default_factory=dict)
    must: Sequence[ExpectedEvent] = ()
    may: Sequence[ExpectedEvent] = ()
    certain: bool = True
    optional: bool = False
    unpredicted: frozenset[str] = frozenset()


@dataclass
class Expected:
    """Everything Customer.io must hold, by identifier (e-mail addresses in lower case)."""

    identify_by: str = "id"
    people: dict[str, ExpectedPerson] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    anonymous: list[AnonymousEvent] = field(default_factory=list)
    unreadable: int = 0
    nameless_events: int = 0


ANYTHING = ExpectedPerson(certain=False)


# --- the whole -------------------------------------------------------------------------------------------------------


def expected(messages: Iterable[Message], sync: SyncRules) -> Expected:
    """What Customer.io holds once all `messages` have arrived, in whatever order and however often."""
    told = list(messages)
    result = Expected(sync.identify_by, unreadable=sum(not readable(message) for message in told))
    claims: dict[str, list[ExpectedPerson | None]] = {}
    for story in stories(told):
        result.absent |= {name for message in story if (name := identifier_of(message, sync)) is not None}
        for identifier, person in people_of(story, sync).items():
            claims.setdefault(identifier, []).append(person)
        result.anonymous += anonymous_events(story, sync)
        result.nameless_events += sum(not named(event) for message in story for event in events_in(message))
    for identifier, claimed in claims.items():
        person = claimed[0] if len(claimed) == 1 else ANYTHING  # two users of one identifier: a human decides
        result.people.update({} if person is None else {identifier: person})
    result.absent -= result.people.keys()
    return result


def readable(message: Any) -> bool:
    """Whether a message says anything: an object with a user that has an id, and a list of segments."""
    if not isinstance(message, Mapping) or not isinstance(message.get("segments"), list):
        return False
    user = message.get("user")
    return isinstance(user, Mapping) and user.get("id") not in (None, "")


def stories(messages: Iterable[Any]) -> list[list[Message]]:
    """The readable messages, user by user, each user's from the oldest to the newest."""
    by_user: dict[str, list[Message]] = {}
    for message in messages:
        if readable(message):
            by_user.setdefault(str(message["user"]["id"]), []).append(message)
    return [sorted(story, key=version) for story in by_user.values()]


def version(message: Message) -> float:
    """The message's place in its user's story; -inf where it does not say."""
    moment = iso(message["user"].get("indexed_at"))
    return float("-inf") if moment is None else moment.timestamp()


# --- one user --------------------------------------------------------------------------------------------------------


def people_of(story: list[Message], sync: SyncRules) -> dict[str, ExpectedPerson | None]:
    """What each identifier under which this user was sent ends as. None: it was sent and is deleted."""
    sent = [str(identifier_of(message, sync)) for message in story if sendable(message, sync)]
    # An identifier the user had once, or that no rule settles, may be merged, deleted or left.
    people: dict[str, ExpectedPerson | None] = dict.fromkeys(sent, ANYTHING)
    if sent and predictable(story, sync):
        main, person = final_person(story, sync)
        people[main] = person
    return people


def predictable(story: list[Message], sync: SyncRules) -> bool:
    """Whether the rules say what becomes of a user that was sent to Customer.io."""
    latest = story[-1]
    if version(story[0]) == float("-inf") or identifier_of(latest, sync) is None:
        return False
    if in_audience(latest, sync):
        return sendable(latest, sync)
    last_in = [message for message in story if in_audience(message, sync)][-1]
    return sendable(last_in, sync)


def final_person(story: list[Message], sync: SyncRules) -> tuple[str, ExpectedPerson | None]:
    """The identifier the user ends under, and the person there."""
    last_in = [message for message in story if in_audience(message, sync)][-1]
    main = str(identifier_of(last_in, sync))
    must, may = events_of(story, sync, main)
    if in_audience(story[-1], sync) or sync.on_exit == "keep":
        attributes = attributes_of(last_in, sync)
        return main, ExpectedPerson(attributes, must, may, unpredicted=unpredicted(story, attributes, sync))
    if sync.on_exit == "delete":
        return main, None
    # Cleared: the mapped attributes are null. The list of segments may be null, or say where the user is now.
    unclear = unpredicted(story, {}, sync) | {sync.segment_attribute or ""}
    return main, ExpectedPerson({}, must, may, optional=True, unpredicted=unclear)


def unpredicted(story: list[Message], final: Mapping[str, Any], sync: SyncRules) -> frozenset[str]:
    """The attributes of which the rules do not say what Customer.io holds in the end."""
    names = set()
    # A list of segments that is too large may be left out or cut short.
    if any(size(segment_names(message)) > LARGEST_VALUE for message in story):
        names.add(sync.segment_attribute or "")
    emails = {attributes_of(message, sync).get("email") for message in story if sendable(message, sync)} - {None}
    if sync.email_identifies and emails - {final.get("email")}:
        names.add("email")
    return frozenset(names)


def in_audience(message: Message, sync: SyncRules) -> bool:
    """Whether the user is in a whitelisted segment, by its id or by its name."""
    if list(sync.segments) == EVERYBODY:
        return True
    segments = segments_of(message)
    return any(segment.get(key) in sync.segments for segment in segments for key in ("id", "name"))


def segments_of(message: Message) -> list[Mapping[str, Any]]:
    return [segment for segment in message["segments"] if isinstance(segment, Mapping)]


def sendable(message: Message, sync: SyncRules) -> bool:
    """Whether this message alone is enough to put its user into Customer.io."""
    return in_audience(message, sync) and identifiable(message, sync)


def identifiable(message: Message, sync: SyncRules) -> bool:
    has_email = not sync.require_email or usable_email(lookup(message["user"], "email"))
    return has_email and identifier_of(message, sync) is not None


def usable_email(value: Any) -> bool:
    return isinstance(value, str) and value.strip() not in ("", "n/a")


def identifier_of(message: Message, sync: SyncRules) -> str | None:
    """What Customer.io knows the user by, or None where the message has nothing usable."""
    value = sourced(message, sync.identifier)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    if not text.strip() or len(text.encode()) > LONGEST_IDENTIFIER:
        return None
    return text.lower() if sync.identify_by == "email" else text


# --- attributes ------------------------------------------------------------------------------------------------------


def attributes_of(message: Message, sync: SyncRules) -> dict[str, Any]:
    """The attributes of the person that this message describes; null is the same as not there."""
    wanted = {target: cast(sourced(message, source), target) for source, target in sync.attributes}
    if sync.segment_attribute:
        wanted[sync.segment_attribute] = segment_names(message)
    return {name: value for name, value in wanted.items() if value is not None and size(value) <= LARGEST_VALUE}


def segment_names(message: Message) -> list[str]:
    return sorted({str(segment["name"]).lower() for segment in segments_of(message) if segment.get("name")})


def sourced(message: Message, source: str) -> Any:
    """The value a source of the settings names: `account.x` is the account's, everything else the user's."""
    if source.startswith("account."):
        account = message.get("account")
        return lookup(account, source.removeprefix("account.")) if isinstance(account, Mapping) else None
    return lookup(message["user"], source)


def lookup(owner: Mapping[str, Any], source: str) -> Any:
    """The attribute `x`, whether written x, traits_x or {"traits": {"x"}}, and a/b also as {"a": {"b"}}."""
    name = re.sub(r"^traits[_.](?=.)", "", source)
    traits = owner.get("traits")
    places = [(owner, name), (owner, f"traits_{name}"), (traits, name)]
    group, slash, key = name.partition("/")
    if slash:
        places += [(owner.get(group), key), (owner.get(f"traits_{group}"), key)]
        places += [(traits.get(group), key)] if isinstance(traits, Mapping) else []
    found = [place[key] for place, key in places if isinstance(place, Mapping) and key in place]
    return found[0] if found else None


def cast(value: Any, target: str) -> Any:
    """The value as Customer.io gets it: times as unix seconds, everything else as it is."""
    if isinstance(value, str):
        moment = iso(value)
        return value if moment is None else int(moment.timestamp())
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and value >= MILLISECONDS_FROM and target.endswith(("_at", "_date")):
        return int(value // 1000)
    return value


def iso(text: Any) -> datetime | None:
    """The moment a full ISO 8601 date or date-time names; without a zone it is UTC."""
    if not isinstance(text, str) or not ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" UTC", "Z"))
    except ValueError:  # such as the 30th of February
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def size(value: Any) -> int:
    """Bytes that Customer.io counts: a string's own, an object's or a list's as compact JSON."""
    if isinstance(value, str):
        return len(value.encode())
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


# --- events ----------------------------------------------------------------------------------------------------------


def events_of(story: list[Message], sync: SyncRules, main: str) -> tuple[list[ExpectedEvent], list[ExpectedEvent]]:
    """The events the person must have, and those that it may have."""
    told: dict[str, list[tuple[Message, Mapping[str, Any]]]] = {}
    for message in story:
        for event in allowed_events(message, sync):
            told.setdefault(event_key(event), []).append((message, event))
    must: list[ExpectedEvent] = []
    may: list[ExpectedEvent] = []
    for tellings in told.values():
        one = expected_event(*tellings[0])
        surely = all(stays(message, event, story, sync, main) for message, event in tellings)
        (must if surely else may).append(one)
        # Without an id, a second telling may be the same event or another one like it.
        may += [one] * (len(tellings) - 1) if one.event_id is None else []
    return must, may


def allowed_events(message: Message, sync: SyncRules) -> list[Mapping[str, Any]]:
    """The events of a message in the audience that the settings let through."""
    if not in_audience(message, sync):
        return []
    return [event for event in events_in(message) if named(event) and allowed(event, sync)]


def events_in(message: Message) -> list[Mapping[str, Any]]:
    events = message.get("events")
    return [event for event in events if isinstance(event, Mapping)] if isinstance(events, list) else []


def named(event: Mapping[str, Any]) -> bool:
    return isinstance(event.get("event"), str) and bool(event["event"].strip())


def allowed(event: Mapping[str, Any], sync: SyncRules) -> bool:
    kind = kind_of(event)
    return (kind if kind in PAGE_KINDS else event["event"]) in sync.events


def kind_of(event: Mapping[str, Any]) -> str:
    """page and screen are marked by the event's type or, as Hull does it, by its name."""
    return next((kind for kind in PAGE_KINDS if kind in (event.get("event_type"), event["event"])), "event")


def event_key(event: Mapping[str, Any]) -> str:
    """What tells a user's events apart: the id, or everything where there is none."""
    event_id = event.get("event_id")
    return json.dumps(event, sort_keys=True) if event_id is None else f"id {event_id}"


def expected_event(message: Message, event: Mapping[str, Any]) -> ExpectedEvent:
    properties = event.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    kind = kind_of(event)
    event_id = event.get("event_id")
    return ExpectedEvent(
        user=str(message["user"]["id"]),
        event_id=None if event_id is None else str(event_id),
        names=(event["event"],) if kind == "event" else page_names(event, properties, kind),
        type=kind,
        timestamp=unix_seconds(event.get("created_at")),
        properties=properties,
    )


def page_names(event: Mapping[str, Any], properties: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    """What a page or screen may be called: no rule chooses between its name, its address, its title and its kind."""
    context = event.get("context")
    page = context.get("page") if isinstance(context, Mapping) else None
    places = [(properties, ("url", "name", "title")), (page, ("url", "title"))]
    found = [place[key] for place, keys in places if isinstance(place, Mapping) for key in keys if place.get(key)]
    return (event["event"], kind, *[name for name in found if isinstance(name, str)])


def unix_seconds(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str):
        moment = iso(value)
        return None if moment is None else int(moment.timestamp())
    return int(value // 1000) if value >= MILLISECONDS_FROM else int(value)


def stays(message: Message, event: Mapping[str, Any], story: list[Message], sync: SyncRules, main: str) -> bool:
    """Whether this telling of an event surely ends on the person, whenever the message arrives."""
    if version(message) <= last_loss(story, sync, main):
        return False
    if not identifiable(message, sync):
        return merges(message, event, story, sync)
    # Told late, to a user who by then had no identifier, an event is skipped.
    unknown = [version(told) for told in story if in_audience(told, sync) and not identifiable(told, sync)]
    return identifier_of(message, sync) == main and version(message) > max(unknown, default=float("-inf"))


def last_loss(story: list[Message], sync: SyncRules, main: str) -> float:
    """The version up to which events may have gone: with an exit, or to another identifier of the user."""
    losses = [
        version(message)
        for message in story
        if (sync.on_exit in GOES_AT_EXIT and not in_audience(message, sync))
        or (sendable(message, sync) and identifier_of(message, sync) != main)
    ]
    return max(losses, default=float("-inf"))


# --- anonymous events ------------------------------------------------------------------------------------------------


def anonymous_events(story: list[Message], sync: SyncRules) -> list[AnonymousEvent]:
    """The events of this user that go out under a visitor's anonymous id, each once."""
    found: dict[str, AnonymousEvent] = {}
    for message in story:
        for event in anonymous_in(message, sync):
            identified = next((later for later in story if merging(message, event, later, sync)), None)
            into = None if identified is None else identifier_of(identified, sync)
            found[event_key(event)] = AnonymousEvent(str(event["anonymous_id"]), expected_event(message, event), into)
    return list(found.values())


def anonymous_in(message: Message, sync: SyncRules) -> list[Mapping[str, Any]]:
    if not sync.anonymous_events or identifiable(message, sync):
        return []
    return [event for event in allowed_events(message, sync) if event.get("anonymous_id")]


def merging(message: Message, event: Mapping[str, Any], later: Message, sync: SyncRules) -> bool:
    """Whether the message `later` says who the visitor of this event is."""
    after = version(later) > version(message) and sendable(later, sync)
    return after and str(event["anonymous_id"]) in visitors(later)


def visitors(message: Message) -> set[str]:
    """The anonymous ids under which a message knows its user."""
    listed = lookup(message["user"], "anonymous_ids")
    known = set(map(str, listed)) if isinstance(listed, list) else set()
    return known | {str(event["anonymous_id"]) for event in events_in(message) if event.get("anonymous_id")}


def merges(message: Message, event: Mapping[str, Any], story: list[Message], sync: SyncRules) -> bool:
    """Whether an anonymous event surely reaches the person: only one visitor is in question."""
    if event not in anonymous_in(message, sync):
        return False
    all_visitors = {one["anonymous_id"] for told in story for one in anonymous_in(told, sync)}
    return len(all_visitors) == 1 and any(merging(message, event, later, sync) for later in story)


# --- comparing -------------------------------------------------------------------------------------------------------


def differences(expectation: Expected, simulator_people: Iterable[Row]) -> list[str]:
    """What the simulator's people are not, but must be: one line each, empty where all is right."""
    lines: list[str] = []
    found: dict[str, Row] = {}
    for row in simulator_people:
        identifier = row_identifier(row, expectation.identify_by)
        if identifier in found:
            lines.append(f"{identifier}: is there twice")
        elif identifier not in expectation.people:
            lines.append(stranger(row, identifier, expectation))
        found[identifier] = row
    for identifier, person in expectation.people.items():
        held = found.get(identifier)
        lines += [f"{identifier}: {line}" for line in person_differences(person, held, expectation.identify_by)]
    return lines


def row_identifier(row: Row, identify_by: str) -> str:
    identifier = row.get("identifiers", {}).get(identify_by)
    text = "" if identifier is None else str(identifier)
    return text.lower() if identify_by == "email" else text


def stranger(row: Row, identifier: str, expectation: Expected) -> str:
    if identifier in expectation.absent:
        return f"{identifier}: must be absent, is there"
    return f"{identifier or row.get('identifiers')}: nobody expected is there"


def person_differences(person: ExpectedPerson, row: Row | None, identify_by: str) -> list[str]:
    if not person.certain or (row is None and person.optional):
        return []
    if row is None:
        return ["must be there, is absent"]
    return attribute_differences(person, row, identify_by) + event_differences(person, row.get("events", []))


def attribute_differences(person: ExpectedPerson, row: Row, identify_by: str) -> list[str]:
    """An e-mail address among the identifiers is an attribute too, unless it is only what the person is known by."""
    sources = (row.get("identifiers", {}), row.get("attributes", {}))
    held = {name: value for source in sources for name, value in source.items() if value is not None}
    names = set(person.attributes) | (held.keys() - OWN_NAMES - {identify_by})
    lines = [difference(name, person.attributes, held) for name in sorted(names - person.unpredicted)]
    return [line for line in lines if line]


def difference(name: str, wanted: Mapping[str, Any], held: Mapping[str, Any]) -> str:
    if name not in held:
        return f"attribute {name} must be {shown(wanted[name])}, is not there"
    if name not in wanted:
        return f"attribute {name} must not be there, is {shown(held[name])}"
    if same(wanted[name], held[name], fold=name == "email"):
        return ""
    return f"attribute {name} must be {shown(wanted[name])}, is {shown(held[name])}"


def same(wanted: Any, held: Any, fold: bool = False) -> bool:
    """Equal as JSON, so that true is not 1 and "1" is not 1."""
    if fold and isinstance(wanted, str) and isinstance(held, str):
        return wanted.lower() == held.lower()
    return shown(wanted) == shown(held)


def shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def event_differences(person: ExpectedPerson, held: Sequence[Row]) -> list[str]:
    """Each event must be matched once; the strictest expectations choose first."""
    lines = twice(held)
    left = list(held)
    for event in sorted(person.must, key=lambda event: event.timestamp is None):
        taken = next((row for row in left if matches(event, row)), None)
        if taken is None:
            lines.append(f"event {event.name} of {event.timestamp} ({event.event_id}) must be there, is not")
        else:
            left.remove(taken)
    for event in sorted(person.may, key=lambda event: event.timestamp is None):
        taken = next((row for row in left if matches(event, row)), None)
        left = [row for row in left if row is not taken]
    return lines + [
        f"event {row.get('name')} of {row.get('timestamp')} must not be there, or not again" for row in left
    ]


def twice(held: Sequence[Row]) -> list[str]:
    ids = [row["id"] for row in held if row.get("id")]
    return [f"event with id {one} is there {ids.count(one)} times" for one in sorted(set(ids)) if ids.count(one) > 1]


def matches(event: ExpectedEvent, row: Row) -> bool:
    kind = row.get("type") or "event"
    on_time = event.timestamp is None or row.get("timestamp") == event.timestamp
    if kind != event.type or not on_time or row.get("name") not in event.names:
        return False
    properties = row.get("attributes") or {}
    if event.type in PAGE_KINDS:  # a page may be told more of: its address, where the visitor came from
        properties = {name: value for name, value in properties.items() if name in event.properties}
    return same(dict(event.properties), properties)
