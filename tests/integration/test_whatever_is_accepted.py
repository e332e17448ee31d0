"""Whatever JSON comes is taken in or left out with a word on it, read back equal, and stops nobody else.

ACCEPTED_EXAMPLES=2000 looks at so many random values; without it the same ones are looked at in each run.
"""

import os
from collections.abc import Callable
from json import dumps
from math import inf, isnan, nan
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from connector.intake import bodies
from connector.model import bounds
from connector.store import claims
from tests.budget import SAME_ONES, examples
from tests.simulated import Simulated
from tests.stores import in_turn
from tests.world import LATELY, World, problems

pytestmark = pytest.mark.in_turn

EXAMPLES = int(os.environ.get("ACCEPTED_EXAMPLES", "0"))
SYNC: dict[str, Any] = {"attributes": ["plan"], "segments": ["Paying"], "events": ["*"], "identifier": "id"}
FORMS = ("native", "hull", "lytics", "segment")
TEXTS = st.text(max_size=6) | st.text(st.characters(codec=None, categories=["Cs", "Cc", "L"]), max_size=4)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=10
)
many = settings(
    max_examples=EXAMPLES or examples(6),
    derandomize=not EXAMPLES and SAME_ONES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


NOBODY = ("a\0@example.com", "\ud800@example.com", nan, nested(198), 2**600)
"""What neither an id nor an e-mail nor a name can be."""


def said(form: str, user: str, value: Any) -> dict[str, Any]:
    """A message of a form, whose attribute `plan` and whose event's property `x` are this value."""
    properties = {"x": value, "y": 1}
    if form == "native":
        event: dict[str, Any] = {"name": "Did", "id": f"e-{user}", "time": LATELY, "properties": properties}
        return {"user": {"id": user, "plan": value}, "segments": ["Paying"], "events": [event]}
    if form == "hull":
        event = {"event": "Did", "event_id": f"e-{user}", "created_at": LATELY, "properties": properties}
        return {
            "user": {"id": user, "plan": value},
            "segments": [{"id": "Paying", "name": "Paying"}],
            "events": [event],
        }
    if form == "lytics":
        return {"data": {"id": user, "plan": value, "segments": ["Paying"]}, "meta": {}}
    entered = {"type": "track", "event": "Audience Entered", "properties": {"audience_key": "Paying", **properties}}
    return {**entered, "userId": user, "context": {"traits": {"plan": value}}, "messageId": f"e-{user}"}


@pytest.mark.parametrize("form", FORMS)
@many
@given(value=VALUES)
@example(value=nested(198))
@example(value=nested(255))
@example(value=nested(bounds.DEPTH - 1))
@example(value="a\0b")
@example(value=[{"\ud800": [nan, inf]}])
@example(value=2**64)
def test_a_value_comes_back_equal_or_is_left_out_with_a_problem_and_all_else_goes(
    make_world: Callable[..., World], simulator: Simulated, form: str, value: Any
) -> None:
    world = make_world(sync=SYNC)
    empty(world)
    messages = [said(form, "u1", value), said(form, "u2", "gold")]
    taken = bodies.take(world.store, world.rules, form, messages, 10_000_000)

    assert (taken.changes, taken.unreadable) == (2, 0)
    with world.store.writing() as tx:
        found = {each.entity.key: each for each in claims.claim(tx, "main", "lease", 10, 1e12, 60.0)}
    assert found.keys() >= {"u1", "u2"}
    assert found["u2"].entity.facts.attributes.values == {"plan": "gold"}
    wanted = as_sent(value)
    assert found["u1"].entity.facts.attributes.values == ({} if wanted is ... else {"plan": wanted})
    for event in found["u1"].events:
        fits = bounds.fault(value) is None
        assert {name: event.properties[name] for name in event.properties.keys() & {"x", "y"}} == (
            {"x": value, "y": 1} if fits else {"y": 1}
        )
    told = [each["reason"] for each in problems(world.store) if each["subject"] == "u1"]
    assert any("plan" in each for each in told) == (wanted is ...)


@pytest.mark.parametrize("value", [nested(198), nested(255), "a\0b", nan, 2**64, {"a\ud800": 1}])
@in_turn(["form"], [[each] for each in FORMS])
def test_it_arrives_at_customerio_and_so_do_its_neighbours(
    make_world: Callable[..., World], simulator: Simulated, form: str, value: Any
) -> None:
    world = make_world(sync=SYNC)
    body = dumps([said(form, "u1", value), said(form, "u2", "gold"), said(form, "u3", "free")])
    bodies.take(world.store, world.rules, form, [body], 10_000_000)
    world.settle()

    people = {each["identifiers"]["id"]: each["attributes"] for each in simulator.whole_people()}
    assert people.keys() == {"u1", "u2", "u3"}
    assert people["u1"].get("plan") is None
    assert people["u2"]["plan"] == "gold"


@pytest.mark.parametrize("bad", ["a\0", "\ud800", nan, 2**70])
def test_an_attribute_of_a_device_costs_itself_alone(
    make_world: Callable[..., World], simulator: Simulated, bad: Any
) -> None:
    world = make_world(sync=SYNC)
    device = {"token": "t", "platform": "ios", "attributes": {"device_os": bad, "app_version": "1"}}
    bodies.take(world.store, world.rules, "native", [{**said("native", "u1", "gold"), "devices": [device]}], 10_000)
    world.settle()
    [person] = simulator.whole_people()
    [held] = person["devices"]
    assert held["token"] == "t"
    assert "1" in str(held)


@pytest.mark.parametrize("place", ["id", "email", "external_id", "anonymous_id", "segments", "event", "event id"])
@in_turn(["identify_by"], [["id"], ["email"], ["id_or_email"], ["id_or_email"]])
def test_what_cannot_say_who_or_what_it_is_holds_nobody_up(
    make_world: Callable[..., World], place: str, identify_by: str
) -> None:
    world = make_world(
        sync={**SYNC, "identify_by": identify_by, "identifier": "email" if identify_by == "email" else "id"}
    )
    for number, bad in enumerate(NOBODY):
        beside = said("native", f"beside-{number}", "gold")
        beside["user"]["email"] = f"beside-{number}@example.com"
        bodies.take(world.store, world.rules, "native", [_with(bad, place), beside], 10_000_000)
        world.settle()

        assert [each["identifiers"] for each in world.simulated.whole_people() if f"beside-{number}" in str(each)]


def _with(bad: Any, place: str) -> dict[str, Any]:
    """A message in which this stands in that place."""
    message = said("native", "u1", "gold")
    user, event = message["user"], message["events"][0]
    user["email"] = "u1@example.com"
    match place:
        case "segments":
            message["segments"] = [bad]
        case "event":
            event["name"] = bad
        case "event id":
            event["id"] = bad
        case _:
            user[place] = bad
    return message


def as_sent(value: Any) -> Any:
    """What becomes of an attribute's value, `...` where it is left out: dates are not made here, nor long texts."""
    if bounds.fault(value) is not None or (isinstance(value, float) and isnan(value)):
        return ...
    return value


def empty(world: World) -> None:
    with world.store.writing() as tx:
        for name in ("entity", "identity", "event", "problem", "tally"):
            tx.execute(text(f"DELETE FROM {name}"))
