"""A sync's own actions: which take a call, what they make of it, and what stays whatever they say."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.actions import action
from connector.actions.action import Applied
from connector.actions.draft import Draft
from connector.actions.effects import EFFECTS
from connector.formats.segment.calls import TYPES
from connector.model.change import Change, Device, Event, Segment
from connector.settings import sync_actions
from connector.settings.schema import Sync
from tests.build import OCTOBER, said, thorough

AT = "2026-10-01T00:00:00Z"
Json = dict[str, Any]
VIP = {"segment": {"value": "VIP"}}


def call(type: str = "track", **fields: Any) -> Json:
    own: Json = {"track": {"event": "Bought"}, "group": {"groupId": "g1"}}.get(type, {})
    return {"type": type, "userId": "u1", "messageId": "m1", "timestamp": AT, **own, **fields}


def read(body: Json) -> Change:
    (change,) = formats.parse("segment", body)
    assert isinstance(change, Change), change
    return change


def applied(body: Json, *actions: Json, defaults: bool = True) -> Applied:
    sync = Sync.model_validate({"connection": "main", "actions": actions})
    ready = sync_actions.compiled(sync.actions, defaults=defaults)
    assert ready is not None
    return action.apply(read(body), ready)


def made(body: Json, *actions: Json, defaults: bool = True) -> Change:
    change = applied(body, *actions, defaults=defaults).change
    assert change is not None
    return change


def act(do: str, when: Json | None = None, **map: Any) -> Json:
    return {"when": when or {}, "do": do, "map": map}


def done(given: Applied) -> list[str]:
    return [turn.action.effect.name for turn in given.turns if turn.outcome == "done"]


# ---- when ------------------------------------------------------------------------------------------------------------

PRO = {"plan": "pro", "seats": 3, "team": True, "tags": ["a", "b"], "none": None, "blank": ""}


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({}, True),
        ({"type": "track"}, True),
        ({"type": ["page", "track"]}, True),
        ({"type": "page"}, False),
        ({"event": "Bought"}, True),
        ({"event": [" Bought ", "Sold"]}, True),
        ({"event": "bought"}, False),
        *(
            ({"where": [{"field": f"properties.{field}", **test}]}, fits)
            for field, test, fits in (
                ("plan", {"is": "pro"}, True),
                ("plan", {"is": ["team", "pro"]}, True),
                ("plan", {"is": "Pro"}, False),
                ("plan", {"is_not": "pro"}, False),
                ("plan", {"is_not": ["team", "free"]}, True),
                ("nowhere", {"is_not": "pro"}, True),
                ("nowhere", {"is": "pro"}, False),
                ("seats", {"is": 3.0}, True),
                ("seats", {"is": "3"}, False),
                ("team", {"is": True}, True),
                ("team", {"is": 1}, False),
                ("seats", {"is": True}, False),
                ("tags", {"is": "a"}, False),
                ("tags.1", {"is": "b"}, True),
                ("tags.2", {"exists": False}, True),
                ("tags.-1", {"exists": False}, True),
                ("none", {"exists": True}, False),
                ("none", {"is_not": "x"}, True),
                ("blank", {"exists": True}, True),
                ("plan.deeper", {"exists": True}, False),
            )
        ),
        ({"where": [{"field": "properties.plan", "is": "pro"}, {"field": "userId", "is": "u2"}]}, False),
        ({"event": "Bought", "where": [{"field": "userId", "is": "u1"}]}, True),
    ],
)
def test_which_calls_an_action_is_for(when: Json, *, fits: bool) -> None:
    given = applied(call(properties=PRO), act("enter_segment", when, **VIP), defaults=False)
    assert (given.change is not None) is fits
    body = call(properties=PRO)
    assert (given.turns[0].action.when.fault(body) is None) is fits
    assert given.turns[0].reason(body).startswith("it is for ")


def test_beside_an_event_the_type_is_track() -> None:
    body = call("page", event="Bought", name="Home")
    assert done(applied(body, act("delete_person", {"event": "Bought"}))) == ["page"]


# ---- Which of several ------------------------------------------------------------------------------------------------


def test_all_that_fit_take_the_call_and_the_last_word_on_an_attribute_counts() -> None:
    first, second = (act("identify", attributes={"a": {"value": n}, f"b{n}": {"value": n}}) for n in (1, 2))
    change = made(call(), first, second)
    assert {name: change.user[name] for name in ("a", "b1", "b2")} == {"a": 2, "b1": 1, "b2": 2}
    assert [event.name for event in change.events] == ["Bought"]


def test_of_one_segment_the_last_word_counts() -> None:
    change = made(call(), act("enter_segment", **VIP), act("leave_segment", **VIP))
    assert (change.entered, change.left) == ((), (Segment("VIP", "VIP"),))


def test_a_default_does_not_do_again_what_an_action_of_ones_own_does() -> None:
    renamed = act("page", {"type": "page"}, name="properties.title")
    given = applied(call("page", name="Home", properties={"title": "T"}), renamed)
    assert given.change is not None
    assert [event.name for event in given.change.events] == ["T"]
    assert [turn.outcome for turn in given.turns if turn.action.effect.name == "page"] == ["done", "passed over"]


def test_where_ones_own_is_not_meant_the_default_goes_on() -> None:
    renamed = act("page", {"type": "page", "where": [{"field": "name", "exists": False}]}, name="properties.title")
    assert [event.name for event in made(call("page", name="Home"), renamed).events] == ["Home"]


def test_ignore_ends_it_and_leaves_what_stands_before() -> None:
    before, after = act("enter_segment", **VIP), act("leave_segment", segment={"value": "other"})
    change = made(call(), before, act("ignore", {"event": "Bought"}), after)
    assert (change.entered, change.left, change.events) == ((Segment("VIP", "VIP"),), (), ())


@pytest.mark.parametrize(
    ("actions", "defaults", "reason"),
    [
        ([act("ignore")], True, "actions[0] ignores the call"),
        ([act("identify", {"type": "identify"})], False, "no action takes the call"),
        ([act("identify", {"type": "identify"}), act("ignore")], True, "actions[1] ignores the call"),
        ([], False, "no action takes the call"),
    ],
)
def test_a_call_that_no_action_takes_never_came(actions: list[Json], reason: str, *, defaults: bool) -> None:
    given = applied(call(), *actions, defaults=defaults)
    assert (given.change, given.problems, given.reason) == (None, (), reason)
    ready = sync_actions.compiled(
        Sync.model_validate({"connection": "main", "actions": actions}).actions, defaults=defaults
    )
    assert action.taken([read(call())], ready) == ([], 1, ())


def test_without_actions_of_its_own_a_sync_takes_the_changes_as_they_are() -> None:
    assert sync_actions.compiled([], defaults=True) is None
    changes = [read(call())]
    assert action.taken(changes, None).changes is changes


def test_messages_of_other_forms_pass_by() -> None:
    change = said(1, plan="pro")
    ready = sync_actions.compiled([], defaults=False)
    assert action.taken([change], ready) == ([change], 0, ())


# ---- do and map ------------------------------------------------------------------------------------------------------

PHONE = "a" * 64
LATER = "2026-10-01T02:00:10+02:00"


@pytest.mark.parametrize(
    ("body", "given", "what"),
    [
        (
            call(properties={"plan": "pro", "gone": None}),
            act("identify", attributes={"plan": "properties.plan", "gone": "properties.gone", "no": "properties.no"}),
            {"user": {"external_id": "u1", "id": "u1", "plan": "pro", "gone": None}},
        ),
        (
            call(properties={"person": {"a": 1, "b": 2}, "b": 3}),
            act("identify", attributes={"*": ["properties.nobody", "properties.person"], "b": "properties.b"}),
            {"user": {"external_id": "u1", "id": "u1", "a": 1, "b": 3}},
        ),
        (
            call("identify", traits={"a": 1, "since": AT}),
            act("identify", created_at="traits.since"),
            {"user": {"external_id": "u1", "id": "u1", "a": 1, "since": AT, "created_at": AT}},
        ),
        (
            call("identify", context={"traits": {"a": 0, "c": 1}}, traits={"a": 1}, email="u1@example.com"),
            act("identify", attributes={"b": {"value": 2}}),
            {"user": {"external_id": "u1", "id": "u1", "a": 0, "b": 2, "c": 1, "email": "u1@example.com"}},
        ),
        (
            call(properties={"total": 5, "secret": "x"}),
            act("track", name={"value": "Purchase"}, properties={"total": "properties.total"}),
            {"events": (Event("m1:event:Purchase", "Purchase", "event", OCTOBER, {"total": 5}),)},
        ),
        (
            call(properties={"no": "n1", "at": LATER}),
            act("track", id="properties.no", time=["properties.nowhere", "properties.at"]),
            {"events": (Event("n1", "Bought", "event", OCTOBER + 10, {"no": "n1", "at": LATER}),)},
        ),
        (
            call("page", name=" ", properties={"title": 5, "url": "u"}),
            act("page", name=["name", "properties.title", "properties.url"]),
            {"events": (Event("m1", "u", "page", OCTOBER, {"title": 5, "url": "u"}),)},
        ),
        (
            call("page", name="Home", category="Docs"),
            act("screen", {"type": "page"}, name="name", category="category"),
            {
                "events": (
                    Event("m1:screen:Home", "Home", "screen", OCTOBER, {"category": "Docs"}),
                    Event("m1", "Home", "page", OCTOBER, {"category": "Docs"}),
                )
            },
        ),
        (
            call(properties={"push": {"token": PHONE}}, context={"os": {"version": "18"}}),
            act("add_device", token="properties.push.token"),
            {"devices": (Device(PHONE, "ios", OCTOBER, {"device_os": "18"}),)},
        ),
        (
            call(properties={"t": "d1", "app": {"build": 7}}),
            act("add_device", token="properties.t", platform={"value": "iOS"}, attributes="properties.app"),
            {"devices": (Device("d1", "ios", OCTOBER, {"build": "7"}),)},
        ),
        (
            call(properties={"t": "d1"}),
            act("delete_device", token="properties.t"),
            {"devices": (Device("d1", gone=True),)},
        ),
        (
            call(properties={"team": {"no": 7, "name": "T"}}),
            act("account", id="properties.team.no", attributes={"name": "properties.team.name"}),
            {"account": {"id": "7", "name": "T"}},
        ),
        (
            call("identify", traits={"list": 7}),
            act("enter_segment", segment="traits.list"),
            {"entered": (Segment("7", "7"),)},
        ),
        (
            call(context={"personas": {"computation_key": "vip"}}, properties={"vip": False}),
            act("audience_traits", traits="properties"),
            {"left": (Segment("vip", "vip"),)},
        ),
        (
            call(context={"traits": {"a": 1}}),
            act("delete_person", {"event": "Bought"}),
            {"deleted": True, "events": (), "user": {"external_id": "u1", "id": "u1", "a": 1}},
        ),
    ],
    ids=lambda each: each["do"] if isinstance(each, dict) and "do" in each else "",
)
def test_what_is_done_with_what(body: Json, given: Json, what: Json) -> None:
    change = made(body, given)
    assert {name: getattr(change, name) for name in what} == what


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (act("enter_segment", segment="properties.no"), 'the call has no "segment" for it'),
        (act("add_device", token="properties.tokens"), 'the call has no "token" for it'),
        (
            act("add_device", token="properties.long"),
            "a device's token exceeds 1000 characters, or has NUL or broken Unicode",
        ),
        (
            act("add_device", token={"value": "d1"}, attributes="properties.nested"),
            "an attribute of a device is neither a text, a number, true nor false",
        ),
    ],
)
def test_what_cannot_be_done_is_a_problem_and_the_rest_is_done(given: Json, reason: str) -> None:
    sentence = f"actions[0] ({given['do']}) is not done: {reason}"
    properties = {"tokens": ["d1"], "long": "x" * 1001, "nested": {"a": {}}}
    outcome = applied(call(properties=properties), given)
    assert [(each.kind, each.subject, each.reason) for each in outcome.problems] == [("action", "u1", sentence)]
    assert outcome.change is not None
    assert (len(outcome.change.events), outcome.change.devices, outcome.change.entered) == (1, None, ())


def test_two_events_of_one_call_have_ids_of_their_own_whatever_their_order() -> None:
    renamed, kept = act("track", name={"value": "Purchase"}), act("track")
    for actions in ((renamed, kept), (kept, renamed)):
        ids = {event.name: event.id for event in made(call(), *actions).events}
        assert ids == {"Bought": "m1", "Purchase": "m1:event:Purchase"}


# ---- What stays ------------------------------------------------------------------------------------------------------

PATHS = st.sampled_from(["userId", "event", "traits.a", "properties.a", "context.traits.a", "properties", "nowhere"])
SOURCES = PATHS | st.fixed_dictionaries({"value": st.sampled_from(["x", 1, True, ""])}) | st.lists(PATHS, min_size=1)
WHENS = st.fixed_dictionaries({}, optional={"type": st.sampled_from(TYPES)})
VALUES = st.sampled_from([None, True, 0, "", "x", AT, {"a": 1}, ["x"], "\x00", "y" * 1100])


TABLES = st.dictionaries(st.just("a"), VALUES)


@st.composite
def own_actions(draw: st.DrawFn) -> Json:
    effect = EFFECTS[draw(st.sampled_from(sorted(EFFECTS)))]
    tables = PATHS | st.dictionaries(st.sampled_from(["a", "email", "id"]), SOURCES)
    fields = {
        field.name: draw(tables if field.kind.name == "a table" else SOURCES)
        for field in effect.fields
        if field.required or draw(st.booleans())
    }
    return act(effect.name, draw(WHENS), **fields)


@thorough
@given(
    type=st.sampled_from(TYPES),
    values=st.fixed_dictionaries({}, optional={"traits": TABLES, "properties": TABLES}),
    actions=st.lists(own_actions(), max_size=4),
    defaults=st.booleans(),
)
def test_who_it_is_and_when_stay_whatever_the_actions_say(
    type: str, values: Json, actions: list[Json], *, defaults: bool
) -> None:
    body = call(type, **values)
    before = read(body)
    ready = sync_actions.compiled(
        Sync.model_validate({"connection": "main", "actions": actions}).actions, defaults=defaults
    )
    if ready is None:
        return
    outcome = action.apply(before, ready)
    if outcome.change is None:
        assert "done" not in {turn.outcome for turn in outcome.turns}
        return
    after = outcome.change
    own = ("key", "version", "message_id", "anonymous_id", "whole", "segments")
    assert [getattr(after, name) for name in own] == [getattr(before, name) for name in own]
    assert after.user["id"] == "u1"
    assert action.apply(before, ready) == outcome


def test_of_every_field_of_a_change_it_is_decided_whether_actions_make_it_anew() -> None:
    as_it_came = {"key", "whole", "segments", "version", "anonymous_id", "message_id", "call", "original"}
    stays = as_it_came | {"merged_into", "left_out", "index", "guess", "echo", "trace"}
    change = read(call())
    anew = Draft(change, call()).said({}).keys() | {"deleted", "suppressed"}
    assert stays | anew == {field.name for field in fields(Change)}
    assert not stays & anew


def test_an_action_deletes_the_object_of_a_group_whatever_else_the_call_says_of_it() -> None:
    body = {**call("group"), "groupId": "acme", "traits": {"object_type_id": "2", "state": "closed"}}
    change = made(body, act("delete_object", {"where": [{"field": "traits.state", "is": "closed"}]}))
    assert [(each.key, each.deleted, each.attributes) for each in change.objects] == [("2/acme", True, {})]
    assert change.relationships is None


def test_an_action_deletes_one_object_and_leaves_the_others() -> None:
    body = {**call("group"), "groupId": "acme", "traits": {"name": "Acme", "closed": "old"}}
    change = made(body, act("delete_object", id="traits.closed"))
    assert [(each.key, each.deleted) for each in change.objects] == [("1/acme", False), ("1/old", True)]
    assert [each.id for each in change.relationships or ()] == ["acme"]


def test_actions_make_an_object_and_relate_the_person_to_it() -> None:
    course = {"course": "c-1", "title": "Knots", "seat": "front", "old": "c-0"}
    type, id = {"value": "2"}, "properties.course"
    change = made(
        call(properties=course),
        act("object", id=id, type=type, attributes={"title": "properties.title"}),
        act("relate", id=id, type=type, attributes={"seat": "properties.seat"}),
        act("unrelate", id="properties.old", type=type),
    )
    (about,) = change.objects
    assert (about.key, about.attributes, about.origin) == ("2/c-1", {"title": "Knots"}, "group")
    related = [(each.type, each.id, each.attributes, each.gone) for each in change.relationships or ()]
    assert related == [("2", "c-1", {"seat": "front"}, False), ("2", "c-0", {}, True)]
