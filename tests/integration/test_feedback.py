"""What Customer.io reports of people is heeded by a sync that says so: no events, or nobody created again."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from connector.activity import fields
from connector.activity.fold import Folding
from connector.activity.receive import Posted, receive
from connector.admin.person import gather as known
from connector.admin.person.as_json import as_json
from connector.settings.profiles import ProfilesSettings
from connector.store import resend
from tests.simulated import Simulated
from tests.stores import in_turn
from tests.webhooks import LATELY, reported
from tests.world import World, event, message

EMAIL = "ada@example.com"
NO_EVENTS = {"no_events_for": ["unsubscribed", "spammed"]}
LEFT_ALONE = {"not_recreated": ["suppressed", "bounced"]}
MakeWorld = Callable[..., World]


def heeding(make_world: MakeWorld, feedback: dict[str, Any] = NO_EVENTS, **sync: Any) -> World:
    return make_world(
        sync={"attributes": ["plan", "email"], "feedback": feedback, **sync}, retention={"call_bodies": "all"}
    )


def report(world: World, *bodies: dict[str, Any]) -> None:
    receive(world.store, [Posted("main", json.dumps(body).encode()) for body in bodies])
    assert Folding(fields.of(ProfilesSettings()), syncs=world.rules).fold(world.store, ["main"])


def of(number: int, kind: str, user: str = "1001", **rest: Any) -> dict[str, Any]:
    return {**reported(number, kind, user, recipient=EMAIL), **rest}


def ada(version: int, *events: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return message("user-1", version, *events, external_id="1001", **{"email": EMAIL, **rest})


def delete_behind_our_back(world: World, simulator: Simulated) -> None:
    """Somebody deletes the person in Customer.io, and an audit finds it: they would be sent whole again."""
    simulator.take({"type": "person", "identifiers": {"id": "1001"}, "action": "delete"})
    assert "1001" not in simulator.people()
    with world.store.writing() as tx:
        resend.send_whole(tx, "main", ["user-1"], world.store.now(tx))


def test_who_unsubscribed_is_sent_no_events_until_they_resubscribe(make_world: MakeWorld) -> None:
    world = heeding(make_world)
    world.run(ada(1, event("Signed up", "a"), plan="pro"))
    report(world, of(1, "customer_unsubscribed"))
    world.run(ada(2, event("Signed up", "b"), plan="team"))
    report(world, of(2, "customer_subscribed"))
    world.run(ada(3, event("Signed up", "c"), plan="gold"))

    assert [each["attributes"]["plan"] for each in world.sent("identify")] == ["pro", "team", "gold"]
    assert len(world.sent("event")) == 2
    assert world.tallies()["events skipped: unsubscribed in Customer.io"] == 1
    assert world.due() == 0


@in_turn(("kind", "feedback"), [("email_bounced", LEFT_ALONE), ("email_dropped", LEFT_ALONE)], ["bounced", "dropped"])
def test_whom_customerio_has_deleted_is_not_created_again_until_they_resubscribe(
    make_world: MakeWorld, simulator: Simulated, kind: str, feedback: dict[str, Any]
) -> None:
    world = heeding(make_world, feedback)
    world.run(ada(1, plan="pro"))
    report(world, of(1, kind))
    delete_behind_our_back(world, simulator)
    world.run(ada(2, event("Signed up", "a"), plan="team"))
    assert simulator.people() == {}

    report(world, of(2, "email_subscribed"))
    world.settle()
    assert simulator.people()["1001"]["plan"] == "team"
    assert simulator.events("1001") == []


def test_what_upstream_takes_away_still_goes(make_world: MakeWorld, simulator: Simulated) -> None:
    world = heeding(make_world, LEFT_ALONE)
    world.run(ada(1, plan="pro"))
    report(world, of(1, "email_bounced"))
    world.run(ada(2, segments=[]))
    assert (simulator.people(), [each["action"] for each in world.sent("delete")]) == ({}, ["delete"])


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_attributes_are_cleared_without_creating_anybody(make_world: MakeWorld, simulator: Simulated) -> None:
    world = heeding(make_world, LEFT_ALONE, on_exit="clear")
    world.run(ada(1, plan="pro"))
    report(world, of(1, "email_dropped"))
    delete_behind_our_back(world, simulator)
    world.run(ada(2, segments=[]))
    assert simulator.people() == {}


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_the_bounce_of_an_address_that_they_have_no_more_is_past(make_world: MakeWorld, simulator: Simulated) -> None:
    world = heeding(make_world, LEFT_ALONE)
    report(world, of(1, "email_bounced"))
    world.run(ada(1, plan="pro"))
    assert simulator.people() == {}
    world.run(ada(2, plan="pro", email="ada@example.org"))
    assert list(simulator.people()) == ["1001"]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_by_default_nothing_is_kept_back_and_the_store_is_not_asked(make_world: MakeWorld) -> None:
    world = make_world(retention={"call_bodies": "all"})
    asked: list[str] = []
    sqlalchemy_event.listen(
        world.store.engine, "before_cursor_execute", lambda *given: asked.append(str(given[2])), named=False
    )
    report(world, of(1, "customer_unsubscribed"))
    asked.clear()
    world.run(message("user-1", 1, event("Signed up", "a"), external_id="1001"))
    assert len(world.sent("event")) == 1
    assert [each for each in asked if "FROM reported" in each] == []


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_show_says_what_was_reported_and_what_follows(make_world: MakeWorld) -> None:
    world = heeding(make_world, {**NO_EVENTS, "not_recreated": ["bounced"]})
    world.run(ada(1, plan="pro"))
    report(world, of(1, "email_unsubscribed"), of(2, "email_bounced"), of(3, "email_dropped"))
    [found] = as_json(known.gather(world.runtime, "user-1"))["syncs"]
    assert [(each["mark"], each["at"]) for each in found["reported"]] == [
        ("suppressed", LATELY + 3),
        ("bounced", LATELY + 2),
        ("unsubscribed", LATELY + 1),
    ]
    assert [each["reason"].rpartition(": ")[2] for each in found["reported"]] == [
        "the settings go on as before",
        "`feedback.not_recreated` keeps them from being sent again until they resubscribe",
        "`feedback.no_events_for` keeps their events back until they resubscribe",
    ]
