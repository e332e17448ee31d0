"""What a case of the wire tests says, and the words it says it in: operations as on the wire, people as they are held.

A case is one promise to somebody who comes from one of the source systems: these messages of theirs, under these
settings of a sync, are these operations at Customer.io, which then holds this. `stage` plays it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]
Form = Literal["hull", "native", "lytics", "segment", "csv"]
By = Mapping[str, str]
"""An identifier by its kind: {"id": "user-1"}."""


def unix(time: str) -> int:
    """The unix seconds of an ISO 8601 time."""
    return int(datetime.fromisoformat(time).timestamp())


@dataclass(frozen=True)
class Happened:
    """Something somebody did. at: unix seconds; None where nobody said, then the time it arrived counts."""

    name: str
    at: int | None = None
    properties: Json = field(default_factory=dict)
    kind: str = "event"


@dataclass(frozen=True)
class Held:
    """Somebody whom Customer.io holds: under these identifiers, with these attributes, events and devices (tokens).

    relationships   the attributes of each, by the object's key (`identify_object`)
    segments        the names of the manual segments that they are in
    """

    identifiers: By
    attributes: Json = field(default_factory=dict)
    events: Sequence[Happened] = ()
    devices: Mapping[str, Json] = field(default_factory=dict)
    unsubscribed: bool = False
    relationships: Mapping[str, Json] = field(default_factory=dict)
    segments: Sequence[str] = ()


@dataclass(frozen=True)
class Case:
    """One promise.

    rows            the rows of docs/features.md that it shows, as "Heading: feature"
    form            how the messages are written; csv: tables, each a list of rows
    messages        as the system sends them
    sync            settings of the sync, beside which those of `stage` stand
    there           operations that somebody else has made before
    manual          the names of the manual segments that are there; their ids count from 1
    sends           the operations on the wire, where each message is delivered before the next one comes; the ids of
                    events are checked by themselves
    holds           whom Customer.io holds afterwards
    at_once         the operations where all messages come together, if they are others
    holds_at_once   whom Customer.io holds then, if they are others
    objects         the attributes of each object that Customer.io holds afterwards, by its key
    objects_at_once the same, where all messages come together, if it is another
    anonymous       visitor and event of each event that waits for its person
    problems        kind, user and beginning of the reason of each
    backfill        whether it is a bulk load
    table           the arguments of the Shape of a csv
    neighbours      whether a neighbour's request has the case's own people in it: a hand-over takes a cycle of its own
    """

    name: str
    form: Form
    messages: Sequence[Any]
    sends: Sequence[Json]
    holds: Sequence[Held] = ()
    rows: Sequence[str] = ()
    at_once: Sequence[Json] | None = None
    holds_at_once: Sequence[Held] | None = None
    sync: Json = field(default_factory=dict)
    there: Sequence[Json] = ()
    manual: Sequence[str] = ()
    objects: Mapping[str, Json] = field(default_factory=dict)
    objects_at_once: Mapping[str, Json] | None = None
    anonymous: Sequence[tuple[str | None, str]] = ()
    problems: Sequence[tuple[str, str, str]] = ()
    backfill: bool = False
    table: Json = field(default_factory=dict)
    neighbours: bool = True

    def must_send(self, *, together: bool) -> Sequence[Json]:
        """The operations that must be seen on the wire."""
        return self.at_once if together and self.at_once is not None else self.sends

    def must_hold(self, *, together: bool) -> Sequence[Held]:
        """Whom Customer.io must hold in the end."""
        return self.holds_at_once if together and self.holds_at_once is not None else self.holds

    def objects_held(self, *, together: bool) -> Mapping[str, Json]:
        """The objects that Customer.io must hold in the end."""
        return self.objects_at_once if together and self.objects_at_once is not None else self.objects


def invite(event: Happened) -> Json:
    """An event for an address that is nobody's: the body of a request of its own."""
    return _of_nobody_known(event)


def visits(anonymous_id: str, event: Happened) -> Json:
    """A visitor did something: the body of a request of its own."""
    return {**_of_nobody_known(event), "anonymous_id": anonymous_id}


def _of_nobody_known(event: Happened) -> Json:
    body: Json = {"name": event.name, "data": event.properties}
    body |= {} if event.kind == "event" else {"type": event.kind}
    return body if event.at is None else {**body, "timestamp": event.at}


def identify(by: By, attributes: Json | None = None) -> Json:
    """A person is created or updated."""
    return _person(by, "identify", attributes=attributes or {})


def happens(by: By, event: Happened) -> Json:
    """Somebody did something. The id is checked by itself: it must be one that Customer.io knows repeats by."""
    item = _person(by, event.kind, name=event.name, attributes=event.properties)
    return item if event.at is None else {**item, "timestamp": event.at}


def delete(by: By) -> Json:
    """A person is deleted."""
    return _person(by, "delete")


def merge(primary: By, secondary: By) -> Json:
    """A person is merged into another."""
    return {"type": "person", "action": "merge", "primary": dict(primary), "secondary": dict(secondary)}


def add_device(by: By, token: str, **device: Any) -> Json:
    """A person can be pushed to."""
    return _person(by, "add_device", device={"token": token, **device})


def delete_device(by: By, token: str) -> Json:
    """A person can be pushed to there no more."""
    return _person(by, "delete_device", device={"token": token})


def suppress(by: By) -> Json:
    """A person is deleted and blocked."""
    return _person(by, "suppress")


def unsuppress(by: By) -> Json:
    """An identifier is free again."""
    return _person(by, "unsuppress")


def relate(by: By, key: str, attributes: Json | None = None) -> Json:
    """A person is related to an object, or the attributes of that are changed."""
    related = {"identifiers": _object(key), "relationship_attributes": attributes or {}}
    return _person(by, "add_relationships", cio_relationships=[related])


def unrelate(by: By, key: str) -> Json:
    """A person is related to an object no more."""
    return _person(by, "delete_relationships", cio_relationships=[{"identifiers": _object(key)}])


def identify_object(key: str, attributes: Json | None = None) -> Json:
    """An object is created or updated. key: its type and id, "1/company-1"."""
    return {"type": "object", "identifiers": _object(key), "action": "identify", "attributes": attributes or {}}


def delete_object(key: str) -> Json:
    """An object is deleted."""
    return {"type": "object", "identifiers": _object(key), "action": "delete"}


def member(by: By, action: str, segment: int) -> Json:
    """One person of a request to the endpoint `action` of a manual segment, with the kind that the request names."""
    return {"segment": segment, "action": action, "identifiers": dict(by)}


def _object(key: str) -> Json:
    type, _, id = key.partition("/")
    return {"object_type_id": type, "object_id": id}


def _person(by: By, action: str, **rest: Any) -> Json:
    return {"type": "person", "identifiers": dict(by), "action": action, **rest}
