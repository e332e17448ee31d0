"""What people choose for themselves, times and nested values on the wire; and who has no e-mail (MetaRouter's rows)."""

from collections.abc import Callable
from typing import Any

import pytest

from connector import formats
from connector.intake.accept import accept
from connector.store import resend
from tests.simulated import Simulated
from tests.world import World, message

BATCH = "/api/v2/batch"
TOPICS = "cio_subscription_preferences"
ONE, TWO = f"{TOPICS}.topics.topic_1", f"{TOPICS}.topics.topic_2"
MINE = {"sync": {"attributes": ["plan", "unsubscribed", ONE, TWO, "timezone", "created_at", "address"]}}


def by_hand(simulator: Simulated, user: str, **attributes: Any) -> None:
    """The person themselves, in Customer.io."""
    item = {"type": "person", "action": "identify", "identifiers": {"id": user}, "attributes": attributes}
    simulator._client.post("/api/v2/entity", json=item, auth=("site-id", "api-key")).raise_for_status()


def resync(world: World, *users: str) -> None:
    with world.store.writing() as tx:
        resend.send_whole(tx, "main", users, 0.0)
    world.settle()


def test_topics_one_by_one(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(**MINE)
    world.run({"user": {"id": "u1", "external_id": "u1"}, "segments": ["Paying"], "topics": {"topic_1": False}})
    by_hand(simulator, "u1", **{f"{TOPICS}.topics.topic_9": True})
    world.run({"user": {"id": "u1", TOPICS: {"topics": {"topic_1": True, "topic_2": False}}}})
    held = {"topics": {"topic_1": True, "topic_9": True, "topic_2": False}}
    assert simulator.people() == {"u1": {TOPICS: held}}

    world.run({"user": {"id": "u1"}, "topics": {"topic_1": None}})
    assert simulator.people()["u1"][TOPICS]["topics"] == {"topic_9": True, "topic_2": False}


def test_all_topics_as_one_object(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"attributes": [TOPICS, "plan"]})
    world.run(message("u1", 1, **{TOPICS: {"topics": {"topic_1": True, "topic_2": False}}}))
    assert simulator.people() == {"u1": {TOPICS: {"topics": {"topic_1": True, "topic_2": False}}}}
    by_hand(simulator, "u1", **{ONE: False, TWO: True})
    world.run(message("u1", 2, plan="gold", **{TOPICS: {"topics": {"topic_1": True, "topic_2": False}}}))
    assert simulator.people()["u1"][TOPICS] == {"topics": {"topic_1": False, "topic_2": False}}


@pytest.mark.parametrize("again", ["change", "resync", "lost answer"])
def test_whoever_unsubscribed_in_customerio_stays_so(
    make_world: Callable[..., World], simulator: Simulated, again: str
) -> None:
    world = make_world(**MINE)
    said = {"unsubscribed": False, ONE: True, TWO: False}
    world.run(message("u1", 1, plan="free", **said))
    by_hand(simulator, "u1", **{"unsubscribed": True, ONE: False})
    if again == "resync":
        resync(world, "u1")
    if again == "lost answer":
        simulator.go_wrong({"path": BATCH, "drop": "after", "times": 1})
    world.run(message("u1", 2, plan="gold", **said))

    held = simulator.people()["u1"]
    assert (held["plan"], held["unsubscribed"], held[TOPICS]) == (
        "gold",
        True,
        {"topics": {"topic_1": False, "topic_2": False}},
    )
    world.run(message("u1", 3, plan="gold", **{**said, "unsubscribed": True}), message("u1", 4, plan="gold", **said))
    assert simulator.people()["u1"]["unsubscribed"] is False, "a new word of upstream counts"


def test_whoever_is_deleted_by_hand_comes_back_unsubscribed(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(**MINE)
    world.run(message("u1", 1, unsubscribed=True, **{ONE: False}))
    item = {"type": "person", "action": "delete", "identifiers": {"id": "u1"}}
    simulator._client.post("/api/v2/entity", json=item, auth=("site-id", "api-key")).raise_for_status()
    resync(world, "u1")
    assert simulator.people() == {"u1": {"unsubscribed": True, TOPICS: {"topics": {"topic_1": False}}}}


def test_times_and_nested_values(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(**MINE)
    address = {"city": "Oslo", "since": "2026-01-31", "lines": ["a", {"b": None}]}
    world.run(message("u1", 1, timezone="Europe/Oslo", created_at="2026-01-31T10:00:00Z", address=address))
    as_seconds = {**address, "since": 1769817600}
    told = {"timezone": "Europe/Oslo", "created_at": 1769853600, "address": as_seconds}
    assert simulator.people() == {"u1": told}
    world.run(message("u1", 2, timezone=None, created_at=1769853600))
    assert simulator.people() == {"u1": {"created_at": 1769853600}}


# ---- MetaRouter's rows: calls of the Segment spec --------------------------------------------------------------------


def calls(world: World, *bodies: dict[str, Any]) -> None:
    accept(world.store, world.rules, formats.parse("segment", list(bodies)))
    world.settle()


@pytest.mark.parametrize("batched", [True, False])
def test_somebody_without_an_email_does_everything(
    make_world: Callable[..., World], simulator: Simulated, batched: bool
) -> None:
    world = make_world(sync={"segments": ["*"], "events": ["Signed up", "page"], "attributes": ["plan", "email"]})
    said = [
        {"type": "identify", "traits": {"plan": "gold"}},
        {"type": "page", "name": "Pricing", "messageId": "m1"},
        {"type": "track", "event": "Signed up", "messageId": "m2"},
    ]
    mine = [{**each, "userId": "u1", "timestamp": f"2026-01-31T10:00:0{at}Z"} for at, each in enumerate(said)]
    for part in [[{"type": "batch", "batch": mine}]] if batched else [[each] for each in mine]:
        calls(world, *part)
    assert simulator.people() == {"u1": {"plan": "gold"}}
    assert sorted(simulator.event_names("u1")) == ["Pricing", "Signed up"]


def test_unsubscribed_and_back(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"segments": ["*"], "attributes": ["unsubscribed"]})
    for at, unsubscribed in enumerate([True, False, True]):
        traits = {"unsubscribed": unsubscribed}
        calls(world, {"type": "identify", "userId": "u1", "traits": traits, "timestamp": f"2026-01-31T10:00:0{at}Z"})
        assert simulator.people() == {"u1": traits}


def test_what_is_too_large_is_left_out_by_itself_and_seen(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"segments": ["*"], "attributes": ["plan", "city"], "events": ["*"]})
    calls(world, {"type": "identify", "userId": "u1", "traits": {"plan": "x" * 1001, "city": "Oslo"}})
    huge = {
        "type": "track",
        "userId": "u1",
        "event": "Signed up",
        "messageId": "m1",
        "properties": {"text": "x" * 40_000},
    }
    calls(world, huge, {"type": "track", "userId": "u1", "event": "x" * 101, "messageId": "m2"})
    assert simulator.people() == {"u1": {"city": "Oslo"}}
    assert simulator.event_names("u1") == ["x" * 100]
    assert sorted(kind for kind, _, _ in world.problems()) == ["attribute", "event", "refused"]
