"""The native form is read as docs/messages.md describes it, and its JSON Schema says the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connector import formats
from connector.errors import UnreadableError
from connector.formats import native
from connector.model.change import Change, Event, ObjectChange, Segment, Unreadable

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "native.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["\x00", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*native.FIELDS, *native.EVENT_FIELDS, "email", "other"]), inner, max_size=6)
    ),
    max_leaves=25,
)


def message(**fields: Any) -> dict[str, Any]:
    return {"user": {"id": "user-1"}, **fields}


def one(body: object) -> Change:
    (answer,) = formats.parse("native", body)
    assert isinstance(answer, Change), answer
    return answer


def test_the_smallest_message_leaves_everything_else_as_it_was() -> None:
    assert one(message()) == Change(key="user-1", user={"id": "user-1"})


def test_a_full_message_is_read() -> None:
    user = {"id": 7, "anonymous_id": "visitor-1", "plan": None}
    event = {
        "name": " Signed up ",
        "id": 5,
        "type": "event",
        "time": "2026-01-31T10:00:00Z",
        "properties": {"plan": "pro"},
        "anonymous_id": "visitor-1",
    }
    body = {
        "user": user,
        "account": {"domain": "example.com"},
        "segments": ["Paying", {"id": "seg-7", "name": "Active trial"}, "Paying"],
        "events": [event],
        "version": 12,
        "whole": True,
        "message_id": "message-1",
    }
    assert one(body) == Change(
        key="7",
        user=user,
        account={"domain": "example.com"},
        whole=True,
        segments=(Segment("Paying", "Paying"), Segment("seg-7", "Active trial")),
        events=(Event("5", "Signed up", "event", 1769853600, {"plan": "pro"}, "visitor-1"),),
        version=12,
        anonymous_id="visitor-1",
        message_id="message-1",
    )


def test_the_difference_of_the_membership() -> None:
    change = one(message(entered=["A", "A", {"id": "b"}], left=["C"]))
    assert change.segments is None
    assert change.entered == (Segment("A", "A"), Segment("b", "b"))
    assert change.left == (Segment("C", "C"),)


def test_no_segments_is_not_the_same_as_unknown_segments() -> None:
    assert one(message(segments=[])).segments == ()
    assert one(message(segments=None)).segments is None


@pytest.mark.parametrize("field", [field for field in native.FIELDS if field != "user"])
def test_null_is_not_given(field: str) -> None:
    assert one(message(**{field: None})) == one(message())
    VALIDATOR.validate(message(**{field: None}))


def test_a_time_is_a_version() -> None:
    assert one(message(version="1970-01-01T00:00:01Z")).version == 1_000_000


@pytest.mark.parametrize(
    ("event", "kind", "name"),
    [
        ({"type": "page", "properties": {"url": "u", "name": "n"}}, "page", "u"),
        ({"type": "page", "name": "Home", "properties": {"url": "u"}}, "page", "Home"),
        ({"type": "page"}, "page", "page"),
        ({"type": "screen", "properties": {"url": "u", "name": "n"}}, "screen", "n"),
        ({"type": "screen", "properties": None}, "screen", "screen"),
        ({"type": None, "name": "page"}, "event", "page"),
    ],
)
def test_kinds_and_names(event: dict[str, Any], kind: str, name: str) -> None:
    (found,) = one(message(events=[event])).events
    assert (found.kind, found.name) == (kind, name)
    VALIDATOR.validate(message(events=[event]))


BAD_MESSAGES: list[tuple[object, str]] = [
    (5, "the message is not an object"),
    ({}, "the message names no user"),
    ({"user": {"plan": "pro"}}, "the message names no user"),
    ({"user": "user-1"}, '"user" is not an object'),
    (message(segmets=[]), 'the message has an unknown field "segmets": is "segments" meant?'),
    (message(Segments=[]), 'the message has an unknown field "Segments": is "segments" meant?'),
    (
        message(zzz=1),
        f'the message has an unknown field "zzz": allowed are {", ".join(native.FIELDS)}',
    ),
    (message(account=["x"]), '"account" is not an object'),
    (message(segments="Paying"), '"segments" is not a list'),
    (message(entered={}), '"entered" is not a list'),
    (message(left=0), '"left" is not a list'),
    (message(segments=[None]), "a segment has neither an id nor a name"),
    (message(segments=[{"id": " "}]), "a segment has neither an id nor a name"),
    (
        message(segments=[], left=["A"]),
        '"segments" is the whole membership: "entered" and "left" cannot stand beside it',
    ),
    (message(version=True), '"version" is neither a 64-bit integer nor an ISO 8601 time'),
    (message(version=1.5), '"version" is neither a 64-bit integer nor an ISO 8601 time'),
    (message(version=2**63), '"version" is neither a 64-bit integer nor an ISO 8601 time'),
    (message(version="12"), '"version" is neither a 64-bit integer nor an ISO 8601 time'),
    (message(whole="yes"), '"whole" is neither true nor false'),
    (message(whole=1), '"whole" is neither true nor false'),
    (message(message_id=[]), 'the "message_id" of the message is neither a text nor an integer'),
    (message(message_id=" "), 'the "message_id" of the message is neither a text nor an integer'),
]


@pytest.mark.parametrize(("bad", "reason"), BAD_MESSAGES)
def test_bad_messages_are_refused_with_the_field_and_the_schema_agrees(bad: object, reason: str) -> None:
    good = message(version=1)
    assert formats.parse("native", [bad, good]) == [Unreadable(reason, bad), one(good)]
    assert not VALIDATOR.is_valid(bad)


def test_a_segment_cannot_be_both_entered_and_left() -> None:
    (answer,) = formats.parse("native", message(entered=["A"], left=["B", "A"]))
    assert isinstance(answer, Unreadable)
    assert answer.reason == 'a segment is in both "entered" and "left"'


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (5, "the event is not an object"),
        ({}, "the event has no name"),
        ({"name": None, "id": "event-1"}, "the event has no name"),
        ({"type": "page", "name": " "}, "the event has no name"),
        ({"name": "A", "propertes": {}}, 'the event has an unknown field "propertes": is "properties" meant?'),
        ({"name": "A", "properties": ["x"]}, "the event's properties are not an object"),
        ({"name": "A", "type": "track"}, 'the "type" of the event is none of event, page, screen'),
        ({"name": "A", "type": {}}, 'the "type" of the event is none of event, page, screen'),
        ({"name": "A", "time": "soon"}, 'the "time" of the event is neither an ISO 8601 time nor unix seconds'),
        ({"name": "A", "time": -1}, 'the "time" of the event is neither an ISO 8601 time nor unix seconds'),
        ({"name": "A", "id": {}}, 'the "id" of the event is neither a text nor an integer'),
        ({"name": "A", "anonymous_id": []}, 'the "anonymous_id" of the event is neither a text nor an integer'),
    ],
)
def test_a_bad_event_costs_neither_the_user_nor_the_others(bad: object, reason: str) -> None:
    change, refused = formats.parse("native", message(events=[{"name": "B"}, bad]))
    assert isinstance(change, Change)
    assert [each.name for each in change.events] == ["B"]
    assert refused == Unreadable(reason, bad)
    assert not VALIDATOR.is_valid(message(events=[bad]))


@pytest.mark.parametrize("body", [None, 5, "text", True])
def test_what_is_neither_object_nor_list_raises(body: object) -> None:
    with pytest.raises(UnreadableError):
        formats.parse("native", body)


def test_a_reason_quotes_a_name_only_in_part() -> None:
    (answer,) = formats.parse("native", message(**{"\ud800" + "x" * 10_000: 1}))
    assert isinstance(answer, Unreadable)
    assert len(answer.reason) < 300
    assert answer.reason.isascii()


@given(ANY)
def test_any_value_is_read_or_refused(value: Any) -> None:
    try:
        answers = formats.parse("native", value)
    except UnreadableError:
        assert not isinstance(value, dict | list)
        return
    assert all(isinstance(each, Change | ObjectChange | Unreadable) for each in answers)


@given(ANY)
def test_any_field_is_read_or_refused(value: Any) -> None:
    for field in native.FIELDS:
        assert formats.parse("native", message(**{field: value}))


@given(st.lists(ANY.filter(lambda value: not isinstance(value, dict) or "user" not in value)))
def test_good_messages_survive_bad_ones(bad: list[Any]) -> None:
    good = [message(version=number) for number in range(len(bad))]
    mixed = [each for pair in zip(bad, good, strict=True) for each in pair]
    answers = formats.parse("native", mixed)
    assert [each.version for each in answers if isinstance(each, Change)] == list(range(len(bad)))
    assert [each.message for each in answers if isinstance(each, Unreadable)] == bad


NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8).filter(str.strip)
TIME = st.datetimes().map(lambda time: time.isoformat(timespec="microseconds")) | st.integers(0, 10**10)
SEGMENTS = st.lists(NAME | st.fixed_dictionaries({"id": NAME}, optional={"name": NAME}), max_size=3)
NAMED = st.fixed_dictionaries({"name": NAME}, optional={"type": st.sampled_from(["event", "page", "screen", None])})
EVENT = NAMED | st.fixed_dictionaries(
    {"type": st.sampled_from(["page", "screen"])}, optional={"time": TIME, "id": NAME}
)
GOOD = st.fixed_dictionaries(
    {
        "user": st.fixed_dictionaries({"id": NAME | st.integers()}, optional={"plan": ANY})
        | st.fixed_dictionaries({"anonymous_ids": st.lists(NAME, min_size=1, max_size=3)}),
    },
    optional={
        "account": st.none() | st.dictionaries(NAME, st.integers()),
        "segments": st.none() | SEGMENTS,
        "events": st.lists(EVENT, max_size=3),
        "version": st.integers(1 - 2**63, 2**63 - 1) | st.datetimes().map(lambda time: time.isoformat() + "Z"),
        "whole": st.booleans() | st.none(),
        "message_id": NAME | st.integers() | st.none(),
    },
)


@given(GOOD)
def test_what_the_schema_allows_is_read(body: dict[str, Any]) -> None:
    VALIDATOR.validate(body)
    assert one(body).user is body["user"]


def test_the_schema_is_one_and_names_the_same_fields() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == set(native.FIELDS)
    assert set(SCHEMA["$defs"]["event"]["properties"]) == set(native.EVENT_FIELDS)
