"""The default actions make of every call exactly what it is read as without actions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.actions import action
from connector.actions.action import Actions
from connector.actions.defaults import DEFAULTS
from connector.formats.segment.audiences import ENTERED, EXITED
from connector.model.change import Change
from tests.build import thorough

NOON = "2026-01-31T12:00:00.250Z"
EVENTS = (
    "Signed up", " Signed up ", "Application Installed", "Application Opened", "Application Uninstalled",
    "Device Created or Updated", "Device Deleted", "User Deleted", ENTERED, EXITED, "", 5,
)  # fmt: skip
ODD = st.sampled_from([None, True, False, 0, 5, 1.5, "", "  ", "x", "\x00", [], ["x"], {}, {"x": 1}])
TOKENS = st.sampled_from(["d1", "a" * 64, "t" * 1001, " d2 "]) | ODD
TIMES = st.sampled_from([NOON, "2026-01-31T13:00:00+01:00", 1_769_860_800, 1_769_860_800_250, "1769860800"]) | ODD
KEYS = st.sampled_from(["vip", "trial", "x", " ", 7])


def some(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


COMPUTED = some(computation_key=KEYS, computation_class=st.sampled_from(["audience", "trait"]))
TRAITS = some(
    vip=st.booleans() | ODD, trial=st.booleans(), email=st.just("u2@example.com") | ODD, created_at=TIMES,
    createdAt=TIMES, plan=ODD, id=ODD, external_id=ODD, anonymous_id=ODD,
)  # fmt: skip
PROPERTIES = some(
    url=st.just("https://www.example.com/") | ODD, category=ODD, audience_key=KEYS | ODD, audience_name=KEYS | ODD,
    device_token=TOKENS, device_id=TOKENS, token=TOKENS, platform=st.sampled_from(["iOS", "android"]) | ODD, plan=ODD,
)  # fmt: skip
CONTEXT = some(
    traits=TRAITS | st.none(),
    page=some(url=st.just("https://www.example.com/a")) | ODD,
    device=some(token=TOKENS, type=st.sampled_from(["ios", "android"]) | ODD, model=ODD) | ODD,
    os=some(name=st.sampled_from(["iPadOS", "Android"]) | ODD, version=ODD) | ODD,
    app=some(version=ODD) | ODD,
    locale=ODD,
    personas=COMPUTED | st.lists(COMPUTED | KEYS, max_size=2) | ODD,
    audiences=KEYS | COMPUTED | ODD,
    computation_key=KEYS,
)
CALLS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["identify", "track", "track", "page", "screen", "group", "delete"]),
        "userId": st.sampled_from(["u1", "u1", "u1", 7, None]),
        "event": st.sampled_from(EVENTS),
        "groupId": st.sampled_from(["g1", 7, "\x00"]),
    },
    optional={
        "anonymousId": st.just("v1") | ODD,
        "messageId": st.just("m1") | ODD,
        "email": st.just("u1@example.com") | ODD,
        "created_at": TIMES,
        "timestamp": TIMES,
        "originalTimestamp": TIMES,
        "sentAt": TIMES,
        "name": st.just("Home") | ODD,
        "category": st.just("Docs") | ODD,
        "traits": TRAITS | st.none(),
        "properties": PROPERTIES | st.none(),
        "context": CONTEXT | st.none(),
    },
)


@thorough
@given(call=CALLS)
def test_the_defaults_make_of_every_call_what_it_is_read_as(call: dict[str, Any]) -> None:
    changes = [each for each in formats.parse("segment", call) if isinstance(each, Change)]
    assert len(changes) <= 1
    for read in changes:
        applied = action.apply(read, Actions((), DEFAULTS))
        assert applied.change == read
        assert applied.problems == ()


@pytest.mark.parametrize(
    "call",
    [
        {
            "type": "identify",
            "traits": {"plan": "pro", "createdAt": NOON},
            "created_at": 1,
            "context": {"traits": {"a": 1}},
        },
        {"type": "identify", "traits": {"vip": True}, "context": {"personas": {"computation_key": "vip"}}},
        {"type": "page", "properties": {"url": "https://www.example.com/"}, "category": "Docs"},
        {"type": "page", "context": {"page": {"url": "https://www.example.com/"}}},
        {"type": "screen"},
        {"type": "track", "event": "Signed up", "messageId": "m1", "sentAt": NOON},
        {"type": "track", "event": "Signed up", "sentAt": NOON},
        {"type": "track", "event": "Application Opened", "context": {"device": {"token": "d1"}, "os": {"name": "iOS"}}},
        {"type": "track", "event": "Device Deleted", "properties": {"token": "d1"}},
        {"type": "track", "event": EXITED, "properties": {"audience_name": "VIP"}},
        {"type": "track", "event": "User Deleted", "email": "u1@example.com", "context": {"traits": {"a": 1}}},
        {"type": "group", "groupId": 7, "traits": {"name": "G1"}},
        {"type": "delete"},
    ],
)
def test_the_defaults_do_the_same_for_a_call_of_each_sort(call: dict[str, Any]) -> None:
    (read,) = formats.parse("segment", {"userId": "u1", "timestamp": NOON, **call})
    assert isinstance(read, Change)
    applied = action.apply(read, Actions((), DEFAULTS))
    assert applied.change == read
    assert {turn.action.effect.name for turn in applied.turns if turn.outcome == "done"}
