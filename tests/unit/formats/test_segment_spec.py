"""Calls of the Segment spec become changes: parts, with one event at most, and no segments but what audiences say."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.errors import UnreadableError
from connector.formats.segment import spec
from connector.formats.segment.audiences import ENTERED, EXITED
from connector.model.change import Change, Device, Event, ObjectChange, Relationship, Segment, Unreadable

NOON = "2026-01-31T12:00:00.250Z"
NOON_SECONDS = 1_769_860_800
NOON_MICROSECONDS = NOON_SECONDS * 1_000_000 + 250_000
ACCEPTED = "accepted are identify, track, page, screen, group, delete, alias, and batch"
TYPES = ("identify", "track", "page", "screen", "group")
FIELDS = (
    "type", "userId", "anonymousId", "messageId", "timestamp", "originalTimestamp", "sentAt", "traits", "context",
    "properties", "event", "name", "category", "email", "created_at", "createdAt", "groupId", "previousId", "batch",
    "page", "url", "personas", "audiences", "computation_key", "audience_key", "writeKey", "key-1",
)  # fmt: skip
WORDS = (*TYPES, "batch", "alias", "delete", ENTERED, EXITED, "u1", "key-1", "u1@example.com", NOON, "\x00", "\ud800")
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=8),
    max_leaves=30,
)


def call(type: str, **fields: Any) -> dict[str, Any]:
    return {"type": type, "userId": "u1", **fields}


def one(body: object) -> Change:
    (answer,) = formats.parse("segment", body)
    assert isinstance(answer, Change), answer
    return answer


def event_of(body: object) -> Event:
    (event,) = one(body).events
    return event


def refusal(body: object) -> str:
    (answer,) = formats.parse("segment", body)
    assert isinstance(answer, Unreadable), answer
    return answer.reason


# ---- The calls that vendors' pages show, with values of our own ------------------------------------------------------

G1 = {"name": "G1", "industry": "x", "plan": "y"}
SAID = {"messageId": "m1", "timestamp": NOON, "projectId": "p1", "userId": "u1"}
OWN = {"id": "u1", "external_id": "u1"}
AT_NOON = {"version": NOON_MICROSECONDS, "message_id": "m1"}


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (
            {
                "type": "identify",
                "traits": {"first_name": "F1", "last_name": "L1", "email": "u1@example.com", "plan": "premium"},
                "userId": "u1",
                "created_at": "1679407797",
            },
            Change(
                key="u1",
                user={
                    "first_name": "F1",
                    "last_name": "L1",
                    "email": "u1@example.com",
                    "plan": "premium",
                    "created_at": "1679407797",
                    **OWN,
                },
            ),
        ),
        (
            {**SAID, "type": "group", "traits": {"name": "G1", "industry": "x", "plan": "y"}, "groupId": "g1"},
            Change(
                key="u1",
                user=OWN,
                account={"name": "G1", "industry": "x", "plan": "y", "id": "g1"},
                relationships=(Relationship("1", "g1", origin="group"),),
                objects=(ObjectChange("1", "g1", G1, "group", version=NOON_MICROSECONDS),),
                **AT_NOON,
            ),
        ),
        *(
            (
                {**SAID, "type": "track", "email": "u1@example.com", "properties": properties, "event": event},
                Change(
                    key="u1",
                    user={"email": "u1@example.com", **OWN},
                    events=(Event("m1", event, "event", NOON_SECONDS, properties),),
                    devices=devices,
                    **AT_NOON,
                ),
            )
            for event, properties, devices in (
                ("Application Installed", {"device_id": "d1"}, (Device("d1", "android", NOON_SECONDS),)),
                ("Application Uninstalled", {"device_id": "d1"}, (Device("d1", gone=True),)),
                ("enrolled", {"class_code": "c1", "start_date": 1679410730}, None),
            )
        ),
        *(
            (
                {**SAID, "type": kind, "email": "u1@example.com", "properties": {"url": "u"}, "name": "home"},
                Change(
                    key="u1",
                    user={"email": "u1@example.com", **OWN},
                    events=(Event("m1", "home", kind, NOON_SECONDS, {"url": "u"}),),
                    **AT_NOON,
                ),
            )
            for kind in ("page", "screen")
        ),
        ({"type": "page", "anonymousId": "v1"}, "page"),
        (
            {"type": "identify", "userId": "u1", "traits": {"email": "u1@example.com", "unsubscribed": True}},
            Change(key="u1", user={"email": "u1@example.com", "unsubscribed": True, **OWN}),
        ),
        ({"type": "track", "userId": "u1", "event": "Clicked"}, "Clicked"),
    ],
)
def test_the_calls_of_the_vendors_pages_are_read(body: dict[str, Any], change: Change | str) -> None:
    if isinstance(change, Change):
        assert one(body) == change
    else:
        assert event_of(body).name == change


# ---- Who, and when ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "key", "user"),
    [
        ({"userId": "u1", "email": "u1@example.com"}, "u1", {**OWN, "email": "u1@example.com"}),
        ({"userId": 17}, "17", {"id": "17", "external_id": "17"}),
        ({"userId": "u1", "traits": {"id": "other", "external_id": "x1"}}, "u1", {"id": "u1", "external_id": "x1"}),
        ({"email": " U1@Example.com "}, "email:u1@example.com", {"email": " U1@Example.com "}),
        ({"userId": " ", "traits": {"email": "u1@example.com"}}, "email:u1@example.com", {"email": "u1@example.com"}),
        ({"context": {"traits": {"email": "a@example.com"}}}, "email:a@example.com", {"email": "a@example.com"}),
        ({"anonymousId": "v1", "email": "n/a"}, "anonymous_id:v1", {"anonymous_id": "v1", "email": "n/a"}),
        ({"userId": None, "anonymousId": 5}, "anonymous_id:5", {"anonymous_id": "5"}),
    ],
)
def test_who_it_is(who: dict[str, Any], key: str, user: dict[str, Any]) -> None:
    change = one({"type": "identify", **who})
    assert (change.key, change.user) == (key, user)


def test_the_visitor_is_kept_beside_the_user() -> None:
    change = one(call("page", anonymousId="v1"))
    assert (change.key, change.anonymous_id, change.events[0].anonymous_id) == ("u1", "v1", "v1")


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("who", [{}, {"userId": ""}, {"userId": True}, {"email": "n/a"}, {"previousId": "u1"}])
def test_a_call_about_nobody_is_refused(type: str, who: dict[str, Any]) -> None:
    assert refusal({"type": type, "event": "A", "groupId": "g1", **who}) == "the message names no user"


@pytest.mark.parametrize(
    ("times", "version"),
    [
        ({"timestamp": NOON, "originalTimestamp": 1, "sentAt": 2}, NOON_MICROSECONDS),
        ({"timestamp": None, "originalTimestamp": NOON, "sentAt": 2}, NOON_MICROSECONDS),
        ({"timestamp": "soon", "sentAt": NOON}, NOON_MICROSECONDS),
        ({"timestamp": NOON_SECONDS}, NOON_SECONDS * 1_000_000),
        ({"timestamp": NOON_SECONDS + 0.25}, NOON_MICROSECONDS),
        ({"timestamp": NOON_SECONDS * 1000 + 250}, NOON_MICROSECONDS),
        ({"timestamp": NOON_MICROSECONDS}, NOON_MICROSECONDS),
        ({"timestamp": str(NOON_SECONDS)}, NOON_SECONDS * 1_000_000),
        ({"timestamp": 0}, 0),
        ({"timestamp": -1}, None),
        ({"timestamp": True}, None),
        ({"timestamp": "9" * 5000}, None),
        ({}, None),
    ],
)
def test_the_version_is_the_time_in_microseconds_however_it_is_written(
    times: dict[str, Any], version: int | None
) -> None:
    assert one(call("identify", **times)).version == version


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"messageId": "m1", "timestamp": NOON}, NOON_SECONDS),
        ({"messageId": "m1", "originalTimestamp": NOON}, NOON_SECONDS),
        ({"messageId": "m1", "sentAt": NOON}, None),
        ({"sentAt": NOON}, NOON_SECONDS),
    ],
)
def test_an_event_sent_again_has_the_same_time(fields: dict[str, Any], seconds: int | None) -> None:
    assert event_of(call("track", event="A", **fields)).occurred_at == seconds


# ---- What each type says ---------------------------------------------------------------------------------------------


def test_traits_win_over_those_of_the_context_and_these_over_what_stands_beside() -> None:
    body = call(
        "identify",
        traits={"a": 1, "gone": None},
        context={"traits": {"a": 2, "b": 2, "email": "b@example.com"}},
        email="c@example.com",
        created_at=3,
    )
    expected = {"a": 1, "gone": None, "b": 2, "email": "b@example.com", "created_at": 3, **OWN}
    assert one(body).user == expected
    assert not one(body).whole


@pytest.mark.parametrize(
    ("traits", "created_at"),
    [({"createdAt": 1}, 1), ({"createdAt": 1, "created_at": 2}, 2), ({"createdAt": 1, "created_at": None}, None)],
)
def test_created_at_may_be_written_in_another_case(traits: dict[str, Any], created_at: int | None) -> None:
    user = one(call("identify", traits=traits)).user
    assert (user["created_at"], user["createdAt"]) == (created_at, 1)


@pytest.mark.parametrize("type", TYPES)
def test_null_beside_the_traits_clears_nothing(type: str) -> None:
    body = call(type, email=None, created_at=None, traits=None, properties=None, context=None, event="A", groupId="g1")
    assert one(body).user == OWN


@pytest.mark.parametrize("type", ["track", "page", "screen", "group"])
def test_every_call_moves_what_its_context_says_of_the_user(type: str) -> None:
    body = call(type, event="A", groupId="g1", traits={"of": "the group"}, context={"traits": {"plan": "pro"}})
    assert one(body).user == {"plan": "pro", **OWN}


@pytest.mark.parametrize(
    ("body", "name", "properties"),
    [
        (call("page", name="N", properties={"url": "u"}), "N", {"url": "u"}),
        (call("page", properties={"url": "u"}, context={"page": {"url": "v"}}), "u", {"url": "u"}),
        (call("page", name=" ", context={"page": {"url": "v"}}), "v", {}),
        (call("page", context={"page": 5}), "page", {}),
        (call("page", name=5, category="C"), "page", {"category": "C"}),
        (call("page", category="C", properties={"category": "D"}), "page", {"category": "D"}),
        (call("screen", name="N", category="C"), "N", {"category": "C"}),
        (call("screen", properties={"url": "u"}), "screen", {"url": "u"}),
        (call("track", event=" A ", category="C"), "A", {}),
    ],
)
def test_names_and_properties_of_events(body: dict[str, Any], name: str, properties: dict[str, Any]) -> None:
    event = event_of(body)
    assert (event.name, event.properties) == (name, properties)


def test_a_group_is_the_account_and_no_event() -> None:
    change = one(call("group", groupId=7, traits={"id": "other", "employees": 12}))
    assert (change.account, change.events, change.whole) == ({"id": "7", "employees": 12}, (), False)


# ---- Audiences -------------------------------------------------------------------------------------------------------

KEY = Segment("key-1", "key-1")


@pytest.mark.parametrize(
    ("body", "entered", "left"),
    [
        (call("track", event=ENTERED, properties={"audience_key": "key-1", "audience_name": "Named"}), (KEY,), ()),
        (call("track", event=EXITED, properties={"audience_key": "key-1"}), (), (KEY,)),
        (call("track", event=ENTERED, properties={"audience_name": "Named"}), (Segment("Named", "Named"),), ()),
        (call("track", event="Other", properties={"audience_key": "key-1"}), (), ()),
        (call("page", name=ENTERED, properties={"audience_key": "key-1"}), (), ()),
    ],
)
def test_an_audience_is_entered_and_left_by_an_event_which_stays_one(
    body: dict[str, Any], entered: tuple[Segment, ...], left: tuple[Segment, ...]
) -> None:
    change = one(body)
    assert (change.segments, change.entered, change.left) == (None, entered, left)
    assert len(change.events) == 1


@pytest.mark.parametrize(
    "context",
    [
        {"personas": {"computation_key": "key-1", "computation_class": "audience"}},
        {"personas": {"computation_key": "key-1"}},
        {"audiences": {"computation_key": "key-1"}},
        {"audiences": ["other", "key-1", {"computation_key": "key-1"}, 5, None]},
        {"computation_key": "key-1", "personas": "key-1"},
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_an_audience_is_entered_and_left_by_a_trait_which_stays_one(context: dict[str, Any], *, inside: bool) -> None:
    change = one(call("identify", traits={"key-1": inside}, context=context))
    assert (change.entered, change.left) == (((KEY,), ()) if inside else ((), (KEY,)))
    assert change.user["key-1"] is inside
    assert change.segments is None


@pytest.mark.parametrize(
    ("type", "traits", "context"),
    [
        ("identify", {"key-1": True}, {}),
        ("identify", {"key-1": 1}, {"computation_key": "key-1"}),
        ("identify", {"key-1": None}, {"computation_key": "key-1"}),
        ("identify", {"key-2": True}, {"computation_key": "key-1"}),
        ("identify", {"key-1": True}, {"personas": {"computation_key": "key-1", "computation_class": "trait"}}),
        ("group", {"key-1": True}, {"computation_key": "key-1"}),
    ],
)
def test_other_traits_are_only_traits(type: str, traits: dict[str, Any], context: dict[str, Any]) -> None:
    change = one(call(type, traits=traits, context=context, groupId="g1"))
    assert (change.segments, change.entered, change.left) == (None, (), ())


# ---- Batches and lists -----------------------------------------------------------------------------------------------


def test_what_is_said_around_a_batch_stands_for_what_a_member_does_not_say() -> None:
    around = {"sentAt": NOON, "context": {"traits": {"plan": "pro"}}, "writeKey": "w1", "userId": "nobody"}
    members = [call("identify"), call("identify", sentAt=1, context={}), call("identify", timestamp=2)]
    first, second, third = (each for each in formats.parse("segment", {**around, "batch": members}))

    assert first == Change("u1", {"plan": "pro", **OWN}, version=NOON_MICROSECONDS)
    assert second == Change("u1", OWN, version=1_000_000)
    assert third == Change("u1", {"plan": "pro", **OWN}, version=2_000_000)


def as_list(calls: list[Any]) -> object:
    return calls


def as_batch(calls: list[Any]) -> object:
    return {"batch": calls}


def as_batch_in_a_list(calls: list[Any]) -> object:
    return [{"type": "batch", "batch": calls[:2]}, *calls[2:]]


@pytest.mark.parametrize("around", [as_list, as_batch, as_batch_in_a_list])
def test_a_bad_member_harms_only_itself(around: Callable[[list[Any]], object]) -> None:
    bad = [5, {}, call("track"), call("identify", traits=["x"]), call("track", event=5)]
    members = [each for one_bad in bad for each in (call("identify"), one_bad)]
    answers = formats.parse("segment", around(members))

    assert [each.message for each in answers if isinstance(each, Unreadable)] == bad
    assert [each.key for each in answers if isinstance(each, Change)] == ["u1"] * len(bad)


@pytest.mark.parametrize(
    "given",
    [
        call("identify", traits=[]),
        call("identify", context=[]),
        call("page", context={"traits": []}),
        call("group", groupId="g1", traits=[]),
        call("track", event="A", properties=[], context=[]),
        call("alias", previousId="u0", context={"traits": []}),
    ],
    ids=lambda given: str(given["type"]),
)
def test_an_empty_list_is_an_empty_object_as_php_writes_it(given: dict[str, Any]) -> None:
    emptied = json.loads(json.dumps(given).replace("[]", "{}"))
    assert formats.parse("segment", given) == formats.parse("segment", emptied)
    assert all(isinstance(each, Change) for each in formats.parse("segment", given))


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ("x", '"context" is not an object: it is left out'),
        (["x"], '"context" is not an object: it is left out'),
        ({"traits": ["x"]}, '"context.traits" is not an object: it is left out'),
        ({"traits": 5}, '"context.traits" is not an object: it is left out'),
    ],
)
@pytest.mark.parametrize("type", ["identify", "track", "page", "screen", "group"])
def test_a_context_that_is_none_harms_only_itself(type: str, context: Any, reason: str) -> None:
    given = call(type, context=context, event="A", groupId="g1", traits={"plan": "pro"})
    [change] = formats.parse("segment", given)
    [without] = formats.parse("segment", {name: each for name, each in given.items() if name != "context"})
    assert change == without
    assert isinstance(change, Change)
    assert change.left_out == (reason,)


def test_what_cannot_be_read_knows_its_place() -> None:
    good, bad = call("identify"), {"type": "purchase"}

    def places(body: object) -> list[int | None]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return [each.index for each in formats.read("segment", raw) if isinstance(each, Unreadable)]

    assert places({"batch": [good, bad, good, bad]}) == [1, 3]
    assert places([bad, good, bad]) == [0, 2]
    assert places(b"\n".join([json.dumps(good).encode(), b"{", json.dumps(bad).encode()])) == [1, 2]
    assert places([good, {"batch": [good, bad]}]) == [1]
    assert places(bad) == [None]


def test_a_problem_does_not_show_the_write_key() -> None:
    bodies = [{"writeKey": "w1"}, {"batch": [{"writeKey": "w1", "type": "alias"}]}, [{"writeKey": "w1", "batch": 5}]]
    answers = [answer for body in bodies for answer in formats.parse("segment", body)]
    assert [each.message for each in answers if isinstance(each, Unreadable)] == [{}, {"type": "alias"}, {"batch": 5}]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"userId": "u1"}, f"the message has no type: {ACCEPTED}"),
        (call("purchase"), f'no message is of type "purchase": {ACCEPTED}'),
        (call("Identify"), f'no message is of type "Identify": {ACCEPTED}'),
        ({"type": []}, f'no message is of type "list": {ACCEPTED}'),
        ({"batch": [call("batch", batch=[])]}, f'no message is of type "batch": {ACCEPTED}'),
        (call("alias"), "the alias has no previousId, or no userId"),
        (call("alias", previousId="u0", userId=None), "the alias has no previousId, or no userId"),
        ({"batch": {}}, "the batch of the message is not a list"),
        ({"type": "batch"}, "the batch of the message is not a list"),
        (call("identify", traits="x"), '"traits" is not an object'),
        (call("track", event="A", properties=["x"]), "the event's properties are not an object"),
        (call("track", event=" "), "the event has no name"),
        (call("group", traits={"name": "G1"}), "the group has no groupId"),
        (call("track", event=ENTERED), "a segment has neither an id nor a name"),
        (call("identify", userId="u\n1"), "the user's identifier has control characters or broken Unicode"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(body: dict[str, Any], reason: str) -> None:
    assert refusal(body) == reason


@pytest.mark.parametrize("body", [call("delete"), call("track", event="User Deleted")], ids=["type", "event"])
def test_a_user_may_be_deleted(body: dict[str, Any]) -> None:
    change = one(body)
    assert (change.key, change.deleted, change.events) == ("u1", True, ())


@pytest.mark.parametrize("body", [None, 5, "text", True])
def test_what_is_neither_object_nor_list_raises(body: object) -> None:
    with pytest.raises(UnreadableError):
        formats.parse("segment", body)


@pytest.mark.parametrize(
    ("body", "typed"),
    [
        ({"userId": "u1"}, {"userId": "u1", "type": "track"}),
        ({"type": None}, {"type": "track"}),
        ({"type": "page"}, {"type": "page"}),
        ([{}, {"type": "page"}, 5], [{"type": "track"}, {"type": "page"}, 5]),
        ({"batch": []}, {"batch": []}),
        (5, 5),
    ],
)
def test_a_path_gives_the_type_of_a_call_without_one(body: object, typed: object) -> None:
    assert spec.typed(body, "track") == typed


@given(ANY)
def test_any_value_is_read_or_refused(value: Any) -> None:
    try:
        answers = formats.parse("segment", value)
    except UnreadableError:
        assert not isinstance(value, dict | list)
        return
    assert all(isinstance(each, Change | ObjectChange | Unreadable) for each in answers)


@given(st.sampled_from(TYPES), st.sampled_from(FIELDS), ANY)
def test_any_field_is_read_or_refused(type: str, field: str, value: Any) -> None:
    body = {**call(type, event="A", groupId="g1", anonymousId="v1", context={}), field: value}
    assert all(isinstance(each, Change | ObjectChange | Unreadable) for each in formats.parse("segment", body))


@given(st.lists(ANY, max_size=4))
def test_good_calls_survive_bad_ones(bad: list[Any]) -> None:
    mixed = [each for one_bad in bad for each in (one_bad, call("identify", userId="good-1"))]
    answers = formats.parse("segment", {"batch": mixed})
    assert [each.key for each in answers if isinstance(each, Change)].count("good-1") == len(bad)
