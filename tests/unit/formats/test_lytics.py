"""Lytics' audience triggers are read, in the forms in which they are known to come."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.errors import UnreadableError
from connector.model.change import Change, Segment, Unreadable

USER = {"email": "U1@example.com", "plan": "gold"}
PAYING, TRIAL = Segment("paying", "paying"), Segment("trial", "trial")
MARCH = "2026-03-01T00:00:00Z"
MARCH_IN_MICROSECONDS = 1_772_323_200_000_000


def message(**fields: Any) -> dict[str, Any]:
    return {"data": USER, **fields}


def about(happened: str, **meta: Any) -> dict[str, Any]:
    return message(meta={"event": happened, **meta})


def one(body: object) -> Change:
    (answer,) = formats.parse("lytics", body)
    assert isinstance(answer, Change), answer
    return answer


def refused(body: object) -> str:
    (answer,) = formats.parse("lytics", body)
    assert isinstance(answer, Unreadable), answer
    return answer.reason


def test_a_documented_trigger_is_read() -> None:
    entry = {"id": "0123abc", "event": "enter", "slug": "paying", "enter": "2026-03-01T00:00:00.123456789Z"}
    fields = {**USER, "channels": ["web"], "_modified": "2026-02-28T00:00:00Z", "segment_events": [entry]}
    assert one({"id": "7076", "data": fields, "meta": {"object": "user"}}) == Change(
        key="email:u1@example.com",
        user=fields,
        whole=True,
        entered=(PAYING,),
        version=MARCH_IN_MICROSECONDS + 123456,
        message_id="7076",
    )


@pytest.mark.parametrize("word", ["enter", "entered", " Enter "])
def test_who_enters_has_entered(word: str) -> None:
    change = one(about(word, audience_slug="paying"))
    assert (change.segments, change.entered, change.left) == (None, (PAYING,), ())


@pytest.mark.parametrize("word", ["exit", "exited", "EXIT"])
def test_who_exits_has_left(word: str) -> None:
    change = one(about(word, audience_slug="paying"))
    assert (change.segments, change.entered, change.left) == (None, (), (PAYING,))


@pytest.mark.parametrize("body", [about("update", audience_slug="paying"), message(), message(meta={})])
def test_an_update_says_nothing_of_the_membership(body: dict[str, Any]) -> None:
    change = one(body)
    assert (change.segments, change.entered, change.left, change.whole) == (None, (), (), True)


@pytest.mark.parametrize(
    ("said", "audience"),
    [
        ({"meta": {"event": "enter", "audience": "paying"}}, PAYING),
        ({"meta": {"event": "enter", "audience": {"slug": "paying", "name": "Paying"}}}, Segment("paying", "Paying")),
        ({"meta": {"event": "enter", "audience": {"id": "a1", "name": "Paying"}}}, Segment("Paying", "Paying")),
        ({"meta": {"event": "enter", "audience": {"id": "a1"}}}, Segment("a1", "a1")),
        ({"meta": {"audience_event": "enter", "audience_slug": "paying"}}, PAYING),
        ({"meta": {"audience_event": "enter", "audience_id": "a1", "audience_name": "A"}}, Segment("A", "A")),
        ({"meta": {"event": "enter", "segment": "paying"}}, PAYING),
        ({"meta": {"event": "enter", "segment_slug": "paying"}}, PAYING),
        ({"meta": {"event": "enter", "slug": "paying", "name": "Paying"}}, Segment("paying", "Paying")),
        ({"event": "enter", "audience": "paying"}, PAYING),
        ({"segment_events": [{"event": "enter", "slug": "paying"}]}, PAYING),
        ({"meta": {"segment_events": [{"event": "enter", "slug": "paying"}]}}, PAYING),
    ],
)
def test_the_audience_is_found_wherever_it_is_named(said: dict[str, Any], audience: Segment) -> None:
    assert one(message(**said)).entered == (audience,)


def test_several_audiences_at_once_and_of_one_the_last_word() -> None:
    happened = [("enter", "paying"), ("exit", "trial"), ("exit", "paying")]
    listed = [{"event": word, "slug": slug} for word, slug in happened]
    change = one(message(segment_events=listed))
    assert (change.entered, sorted(change.left)) == ((), [PAYING, TRIAL])


@pytest.mark.parametrize(
    "said",
    [
        {"data": {**USER, "segments": ["paying", "trial"]}},
        {"data": {**USER, "segments_all": ["paying", "trial"]}},
        {"meta": {"segments_all": ["paying", {"slug": "trial", "id": "a2"}]}},
        {"segments": ["paying", "trial", "paying"]},
    ],
)
def test_a_list_of_audiences_is_the_whole_membership(said: dict[str, Any]) -> None:
    change = one(message(**said))
    assert (change.segments, change.entered, change.left) == ((PAYING, TRIAL), (), ())


@pytest.mark.parametrize(("event", "left_over"), [("enter", (TRIAL, PAYING)), ("exit", (TRIAL,)), ("update", (TRIAL,))])
def test_of_its_own_audience_the_event_is_believed(event: str, left_over: tuple[Segment, ...]) -> None:
    listed = ["paying", "trial"] if event == "exit" else ["trial"]
    assert one({**about(event, audience_slug="paying"), "segments": listed}).segments == left_over


def test_in_no_audience_is_not_the_same_as_unknown() -> None:
    assert one(message(segments=[])).segments == ()
    assert one(message(segments=None)).segments is None


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"id": 7, "email": "u1@example.com"}, "7"),
        ({"external_id": "u1", "email": "u1@example.com"}, "external_id:u1"),
        ({"user_id": "u1", "email": "u1@example.com"}, "external_id:u1"),
        ({"email": "U1@example.com"}, "email:u1@example.com"),
        ({"anonymous_id": "v1"}, "anonymous_id:v1"),
    ],
)
def test_who_it_is(fields: dict[str, Any], key: str) -> None:
    assert one({"data": fields}).key == key


def test_a_message_without_fields_names_the_user_beside_them_and_is_no_whole_one() -> None:
    change = one({"meta": {"event": "exit", "audience": "paying", "user": {"email": "u1@example.com"}}})
    assert (change.key, change.whole, change.left) == ("email:u1@example.com", False, (PAYING,))


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ({"meta": {"timestamp": MARCH}}, MARCH_IN_MICROSECONDS),
        ({"timestamp": MARCH}, MARCH_IN_MICROSECONDS),
        ({"timestamp": MARCH_IN_MICROSECONDS // 1_000_000}, MARCH_IN_MICROSECONDS),
        ({"timestamp": MARCH_IN_MICROSECONDS / 1_000_000 + 0.5}, MARCH_IN_MICROSECONDS + 500_000),
        ({"timestamp": MARCH_IN_MICROSECONDS // 1000}, MARCH_IN_MICROSECONDS),
        ({"timestamp": MARCH_IN_MICROSECONDS}, MARCH_IN_MICROSECONDS),
        ({"timestamp": MARCH_IN_MICROSECONDS * 1000}, MARCH_IN_MICROSECONDS),
        ({"data": {**USER, "_modified": MARCH}}, MARCH_IN_MICROSECONDS),
        ({"data": {**USER, "_modified": "2026-04-01T00:00:00Z"}, "timestamp": MARCH}, MARCH_IN_MICROSECONDS),
        ({"segment_events": [{"event": "exit", "slug": "a", "exit": MARCH}]}, MARCH_IN_MICROSECONDS),
        ({"timestamp": "soon"}, None),
        ({"timestamp": True}, None),
        ({"timestamp": -1}, None),
        ({}, None),
    ],
)
def test_the_version_is_the_time_in_microseconds(said: dict[str, Any], version: int | None) -> None:
    assert one(message(**said)).version == version


def test_a_cloudevents_envelope_is_opened() -> None:
    inner = about("enter", audience_slug="paying")
    envelope = {"specversion": "1.0", "type": "com.example.audience", "id": "e1", "data": inner}
    assert one(envelope) == one(inner)


BAD: list[tuple[object, str]] = [
    (5, "the message is not an object"),
    ({}, 'the message has neither "data" nor "meta"'),
    ({"email": "u1@example.com"}, 'the message has neither "data" nor "meta"'),
    ({"data": [USER]}, '"data" is not an object'),
    ({"data": USER, "meta": "enter"}, '"meta" is not an object'),
    ({"data": {"plan": "gold"}}, "the message names no user"),
    ({"data": {}, "meta": {"event": "update"}}, "the message names no user"),
    (about("enter"), "the message does not say which audience the user entered or left"),
    (about("exit", audience={}), "the message does not say which audience the user entered or left"),
    (about("vanish", audience="paying"), 'the event "vanish" is none of enter, exit, update'),
    (message(meta={"event": 7}), 'the event "int" is none of enter, exit, update'),
    (message(segment_events=["enter"]), "a segment event is not an object"),
    (message(segments="paying"), "the audiences of the user are not a list"),
    (message(segments=[None]), "an audience of the user has no slug, name or id"),
    (message(segments=["\x00"]), "the name or id of a segment has NUL or broken Unicode"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_message_is_refused_and_its_neighbour_goes_on(bad: object, reason: str) -> None:
    good = about("enter", audience_slug="paying")
    assert formats.parse("lytics", [bad, good]) == [Unreadable(reason, bad), one(good)]


def test_a_bad_message_alone_is_refused_too() -> None:
    assert refused({"data": {}}) == "the message names no user"


@pytest.mark.parametrize("body", [None, 5, "text", True])
def test_what_is_neither_object_nor_list_raises(body: object) -> None:
    with pytest.raises(UnreadableError):
        formats.parse("lytics", body)


NAMES = (
    "id", "data", "meta", "event", "audience_event", "audience", "segment", "audience_slug", "slug", "name", "segments",
    "segments_all", "segment_events", "enter", "exit", "timestamp", "_modified", "email", "user", "user_id",
    "specversion", "anonymous_ids", "other",
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
WORDS = st.sampled_from(["\x00", "\ud800", "enter", "exit", "update", MARCH, "u1@example.com"])
ANY = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=25,
)


@given(ANY)
def test_any_value_is_read_or_refused(value: Any) -> None:
    try:
        answers = formats.parse("lytics", value)
    except UnreadableError:
        assert not isinstance(value, dict | list)
        return
    assert all(isinstance(each, Change | Unreadable) for each in answers)


@given(st.dictionaries(st.sampled_from(NAMES), ANY, max_size=5), st.dictionaries(st.sampled_from(NAMES), ANY))
def test_any_meta_and_any_fields_are_read_or_refused(meta: dict[str, Any], fields: dict[str, Any]) -> None:
    for body in ({**message(), "meta": meta}, {"data": {**USER, **fields}}, {**message(), **fields}):
        (answer,) = formats.parse("lytics", body)
        assert isinstance(answer, Change | Unreadable)
