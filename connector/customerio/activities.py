"""Reads the App API's activity log: what Customer.io answered with 200 and dropped later (docs/customerio.md)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from connector import formats
from connector.customerio import envelopes, responses, statuses
from connector.customerio.responses import Pause, Reply
from connector.customerio.statuses import Meaning
from connector.errors import UnreadableError
from connector.model import bounds, times
from connector.model.entity import Identifier

FAILED = (
    "failed_attribute_change",
    "failed_event",
    "failed_batch_update",
    "skipped_update",
    "relationship_failed_attribute_change",
)
"""The types of the log that say what became of a call of ours about a person."""
OVERLAP_SECONDS = 300.0
"""The seconds of the log that are read again each time: an entry may be written after one that is younger."""
MOST_SEEN = 5_000
"""The most ids of entries in that time that are remembered, so that none is counted twice."""
_REASONS = ("reason", "error", "message", "detail", "description", "errors")
_REASON_CHARACTERS = 500
_MOST_DIGITS = 20
_LONGEST_ID = 200
_IDENTIFIERS = ("id", "email", "cio_id")
_OF_AN_OBJECT = re.compile(r"_o:(\d+):")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the log. at: unix seconds. data: what Customer.io says of it, as it came."""

    id: str
    type: str
    at: float
    identifiers: tuple[Identifier, ...]
    data: Mapping[str, Any]
    object_key: str = ""

    @property
    def reason(self) -> str:
        """Customer.io's own words for why it failed, in one line; "" if it gives none."""
        given = next((self.data[name] for name in _REASONS if self.data.get(name)), self.data or None)
        text = given if isinstance(given, str) else "" if given is None else bounds.readable(given)
        return " ".join(text.split())[:_REASON_CHARACTERS]


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """A page of the log, and the token of the next one, "" at the end."""

    activities: tuple[LogEntry, ...]
    following: str


@dataclass(frozen=True, slots=True)
class LogPosition:
    """The position up to which one type of entry was read.

    until: all that is older, in unix seconds, was read. newest: the youngest entry of the pass that is under way.
    resume: the token of the page at which that pass goes on, "" for a new one. seen: the times of entries that were
    read already and will be met again, by id.
    """

    until: float
    newest: float = 0.0
    resume: str = ""
    seen: Mapping[str, float] = field(default_factory=dict)


def types(object_types: Iterable[str] = ()) -> list[str]:
    """Returns the types of entries to ask for, with those of objects of these types."""
    return [*FAILED, *(f"_{of}:{each}:failed_attribute_change" for each in sorted(set(object_types)) for of in "or")]


def read(reply: Reply) -> ActivityPage | Pause:
    """Decides what a reply to a question after activities means. A pause is until "human" if asking again is no use."""
    if not reply.status:
        return replace(responses.no_answer(reply), doubt=False)
    meaning = statuses.meaning(statuses.APP, reply.status)
    if meaning is Meaning.ACCEPTED:
        return _page(reply)
    if meaning in (Meaning.NOT_PROCESSED, Meaning.FAILED):
        return replace(responses.failed(reply), doubt=False)
    if not envelopes.refusal(reply.usable_body):
        return replace(responses.foreign(reply, "it has no error in Customer.io's form"), doubt=False)
    why = f"{responses.reason_begins(reply)}: app_api_key may not read activities here"
    return Pause(why, "human", doubt=False)


def taken(position: LogPosition, page: ActivityPage, now: float = float("inf")) -> tuple[list[LogEntry], LogPosition]:
    """Takes a page in: returns the entries that are new, and the position after it. The pass is over if none follows.

    The log is given youngest first, so that a pass ends at the first page with nothing younger than `until`. Should a
    page be the other way round the pass goes on to its end. An entry whose time is to come hides none before it: the
    log counts as read up to `now` (unix seconds) at the most.
    """
    floor = min(position.until, now) - OVERLAP_SECONDS
    young = [each for each in page.activities if each.at >= floor]
    once = {each.id: each for each in young}.values()
    new = [each for each in once if each.id not in position.seen]
    newest = max((each.at for each in young), default=0.0)
    seen = {**position.seen, **{each.id: each.at for each in new}}
    after = replace(position, newest=max(position.newest, newest), seen=seen)
    if page.following and (young or _is_rising(page)):
        return new, replace(after, resume=page.following)
    until = min(max(after.until, after.newest), now)
    return new, LogPosition(until, seen=_remembered(seen, until - OVERLAP_SECONDS))


def _is_rising(page: ActivityPage) -> bool:
    return len(page.activities) > 1 and page.activities[0].at < page.activities[-1].at


def _remembered(seen: Mapping[str, float], floor: float) -> dict[str, float]:
    """Returns those that may be met again; of very many, the youngest."""
    young = sorted(((at, id) for id, at in seen.items() if at >= floor), reverse=True)
    return {id: at for at, id in young[:MOST_SEEN]}


def _page(reply: Reply) -> ActivityPage | Pause:
    """Reads a page. One that cannot be read would be the same again: it ends the reading of its own type only."""
    body = _object(reply.usable_body)
    rows = None if body is None else body.get("activities")
    if body is None or not isinstance(rows, list | None):
        return replace(responses.foreign(reply, "it lists no activities"), until="human", doubt=False)
    entries = [row for row in rows or [] if isinstance(row, dict)]
    moments = _moments([times.seconds(_time(row.get("timestamp"))) for row in entries])
    if entries and not moments:
        return Pause("the activity log gives its entries no time that can be read", "human", doubt=False)
    following = body.get("next")
    read = tuple(map(_entry, entries, moments))
    return ActivityPage(read, following if isinstance(following, str) else "")


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        found = formats.decode(body)
    except UnreadableError:
        return None
    return found if isinstance(found, dict) else None


def _time(given: Any) -> Any:
    """Returns a time as a number if it is written as a text of digits, else as it is."""
    return int(given) if isinstance(given, str) and given.isdecimal() and len(given) < _MOST_DIGITS else given


def _moments(read: Sequence[int | None]) -> list[float]:
    """Returns the times of a page's entries; for one that says none, its neighbour's. Empty if none says any."""
    known = next((each for each in read if each is not None), None)
    found: list[float] = []
    for each in read if known is not None else ():
        known = known if each is None else each
        found.append(float(known or 0))
    return found


def _entry(row: Mapping[str, Any], at: float) -> LogEntry:
    type_, data = _text(row.get("type")), row.get("data")
    said: Mapping[str, Any] = data if isinstance(data, dict) else {}
    id = _text(row.get("id"))
    if not 0 < len(id) <= _LONGEST_ID:  # then it is known by all that it says
        id = sha256(bounds.readable(row).encode()).hexdigest()
    return LogEntry(id, type_, at, tuple(_identifiers(row)), said, _object_key(type_, row, said))


def _text(given: Any) -> str:
    """Returns an id, a name or a type as text; "" where it is none, or none that anybody could be known by."""
    if isinstance(given, bool) or not isinstance(given, str | int):
        return ""
    text = str(given)
    return text if bounds.storable(text) else ""


def _identifiers(row: Mapping[str, Any]) -> Iterator[Identifier]:
    given = row.get("customer_identifiers")
    names: Mapping[str, Any] = given if isinstance(given, dict) else {}
    id = _text(names.get("id")) or _text(row.get("customer_id"))
    for kind, value in (("id", id), *((kind, _text(names.get(kind))) for kind in _IDENTIFIERS[1:])):
        if value:
            yield Identifier(kind, value)


def _object_key(type_: str, row: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Returns the key of the object that an entry is about, TYPE/ID; "" for none."""
    found = _OF_AN_OBJECT.match(type_)
    if found is None:
        return ""
    named = row.get("object_identifiers")
    places = (named if isinstance(named, dict) else {}, row, data)
    id = next((id for each in places if (id := _text(each.get("object_id")))), "")
    return f"{found[1]}/{id}" if id else ""
