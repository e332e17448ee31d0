"""People by id or by e-mail: a lead who gets an id stays one person, whatever comes first and whatever is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from connector import formats
from connector.admin.privacy import find_user
from connector.admin.privacy.forget import Forgetting
from connector.intake.accept import accept
from tests.simulated import Simulated
from tests.world import LATELY, World

X, Y = "lead@example.com", "other@example.com"
LOST = {"path": "/api/v2/batch", "drop": "after"}
SYNC = {
    "segments": ["*"],
    "identify_by": "id_or_email",
    "attributes": ["plan", "city"],
    "events": ["Signed up"],
}
Make = Callable[..., World]


def at(second: int) -> str:
    """A time of late: Customer.io merges no events of long ago."""
    return datetime.fromtimestamp(LATELY + second, UTC).isoformat()


def identify(second: int, user: str | None = None, email: str | None = None, **traits: Any) -> dict[str, Any]:
    """An identify of the Segment spec."""
    who = {"userId": user} if user else {}
    said = {"email": email, **traits} if email else traits
    return {"type": "identify", "timestamp": at(second), "messageId": f"m-{second}", "traits": said, **who}


def track(second: int, user: str | None = None, email: str | None = None, **rest: Any) -> dict[str, Any]:
    """A track of the Segment spec."""
    who = ({"userId": user} if user else {}) | ({"email": email} if email else {})
    return {
        "type": "track",
        "timestamp": at(second),
        "messageId": f"m-{second}",
        "event": "Signed up",
        **who,
        **rest,
    }


def take(world: World, *calls: dict[str, Any]) -> None:
    accept(world.store, world.rules, formats.parse("segment", list(calls)))


def run(world: World, *calls: dict[str, Any]) -> None:
    for call in calls:
        take(world, call)
        world.settle()


@pytest.fixture
def leads(make_world: Make) -> World:
    """A sync whose people are known by id or by e-mail."""
    return make_world(sync=SYNC)


def only(simulator: Simulated, id: str | None, email: str | None) -> dict[str, Any]:
    """The one person there is, who has this id and this e-mail."""
    (person,) = simulator.whole_people()
    assert (person["identifiers"]["id"], person["identifiers"]["email"]) == (id, email)
    attributes: dict[str, Any] = person["attributes"]
    return attributes


def test_a_lead_who_gets_an_id_is_the_same_person(leads: World, simulator: Simulated) -> None:
    run(leads, identify(1, email=X, plan="free"), track(2, email=X))
    assert only(simulator, None, X) == {"plan": "free"}

    run(leads, identify(3, "1", X, city="Oslo"), track(4, "1"))
    assert only(simulator, "1", X) == {"plan": "free", "city": "Oslo"}
    assert simulator.event_names("1") == ["Signed up", "Signed up"]
    summary = simulator.summary()
    assert (leads.problems(), summary["created"], summary["merged"], summary["deleted"]) == ([], 1, 0, 0)


def test_a_call_by_email_reaches_the_person_with_the_id(leads: World, simulator: Simulated) -> None:
    run(leads, identify(1, "1", X, plan="free"), identify(3, email=X, plan="pro"), track(4, email=X))
    run(leads, identify(2, email=X, plan="late", city="Oslo"))

    assert only(simulator, "1", X) == {"plan": "pro", "city": "Oslo"}
    assert simulator.event_names("1") == ["Signed up"]
    assert (leads.problems(), simulator.summary()["created"]) == ([], 1)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_both_in_one_batch_are_one_person(leads: World, simulator: Simulated, order: tuple[int, ...]) -> None:
    calls = [identify(1, email=X, plan="free"), identify(2, "1", X, plan="pro"), track(3, email=X)]
    take(leads, *(calls[index] for index in order))
    leads.settle()

    assert only(simulator, "1", X) == {"plan": "pro"}
    assert simulator.event_names("1") == ["Signed up"]
    assert (leads.problems(), simulator.summary()["created"]) == ([], 1)


@pytest.mark.parametrize("before", [0, 1])
def test_a_lost_reply_in_between_makes_no_second_person(leads: World, simulator: Simulated, before: int) -> None:
    run(leads, *[identify(1, email=X, plan="free")][:before])
    take(leads, *[identify(1, email=X, plan="free")][before:], *[identify(2, "1", X)] * before)
    simulator.go_wrong({**LOST, "times": 1})
    for _ in range(1 + before):  # the lead is handed over first
        leads.cycle()
    assert simulator.fired() == [1]
    take(leads, identify(3, "1", X, plan="pro"))
    leads.settle()

    assert only(simulator, "1", X) == {"plan": "pro"}
    assert (simulator.summary()["created"], simulator.summary()["merged"]) == (1, 0)


def test_a_lead_delivered_beside_the_person_with_the_id_is_merged(leads: World, simulator: Simulated) -> None:
    run(leads, identify(1, email=X, plan="free"), track(2, email=X), identify(3, "1", city="Oslo"))
    assert len(simulator.whole_people()) == 2

    run(leads, identify(4, "1", X))
    assert only(simulator, "1", X) == {"plan": "free", "city": "Oslo"}
    assert simulator.event_names("1") == ["Signed up"]
    assert (leads.problems(), simulator.summary()["merged"]) == ([], 1)


@pytest.mark.parametrize("change", ["merge", "replace"])
def test_an_id_that_comes_with_another_email_follows_the_rules_of_a_change(
    make_world: Make, simulator: Simulated, change: str
) -> None:
    world = make_world(sync={**SYNC, "on_identifier_change": change})
    world.run({"user": {"id": "u", "email": X, "plan": "free"}, "version": 1})
    world.run({"user": {"id": "u", "external_id": "1", "email": Y}, "version": 2})

    assert only(simulator, "1", Y) == {"plan": "free"}
    assert simulator.summary()["merged"] == (1 if change == "merge" else 0)


@pytest.mark.parametrize("change", ["merge", "replace", "keep", "leave"])
def test_one_key_and_an_id_that_comes_later_are_one_person(make_world: Make, simulator: Simulated, change: str) -> None:
    world = make_world(sync={**SYNC, "on_identifier_change": change})
    world.run({"user": {"id": "u", "email": X, "plan": "free"}, "version": 1})
    world.run({"user": {"id": "u", "external_id": "1"}, "version": 2})
    assert only(simulator, "1", X) == {"plan": "free"}

    world.run({"user": {"id": "u", "external_id": None, "plan": "pro"}, "version": 3})
    assert only(simulator, "1", X) == {"plan": "pro"}
    summary = simulator.summary()
    assert (summary["created"], summary["merged"], summary["deleted"]) == (1, 0, 0)


def test_an_id_in_doubt_and_another_email_after_it_never_lose_the_person(
    make_world: Make, simulator: Simulated
) -> None:
    simulator.reset(email_change_by_id=True)
    world = make_world(sync={**SYNC, "on_identifier_change": "replace"})
    world.run({"user": {"id": "u", "email": X, "plan": "free"}, "version": 1})
    world.take({"user": {"id": "u", "external_id": "1"}, "version": 2})
    simulator.go_wrong({**LOST, "times": 1})
    world.cycle()
    world.take({"user": {"id": "u", "email": Y}, "version": 3})
    world.settle()

    assert only(simulator, "1", Y) == {"plan": "free"}
    summary = simulator.summary()
    assert (summary["created"], summary["merged"], summary["deleted"]) == (1, 0, 0)


def test_who_leaves_is_deleted_and_a_lead_never_deletes_who_goes_on(make_world: Make, simulator: Simulated) -> None:
    world = make_world(sync={**SYNC, "segments": ["Paying"]})
    lead = {"type": "track", "event": "Audience Entered", "properties": {"audience_key": "Paying"}, "email": X}
    out = {**lead, "event": "Audience Exited"}
    run(world, {**lead, "timestamp": at(1)}, identify(2, email=X, plan="free"))
    run(world, identify(3, "1", X), {**lead, "userId": "1", "timestamp": at(4)})
    assert only(simulator, "1", X) == {"plan": "free"}

    run(world, {"type": "delete", "timestamp": at(0), "email": X})
    assert only(simulator, "1", X) == {"plan": "free"}

    run(world, {**out, "timestamp": at(9)})
    assert simulator.whole_people() == []


def test_an_email_that_is_given_up_is_free_for_another_lead(make_world: Make, simulator: Simulated) -> None:
    simulator.reset(email_change_by_id=True)
    world = make_world(sync=SYNC)
    run(world, identify(1, "1", X), identify(2, "1", Y), identify(3, email=X, plan="free"))

    found = {(each["identifiers"]["id"], each["identifiers"]["email"]) for each in simulator.whole_people()}
    assert (found, world.problems()) == ({("1", Y), (None, X)}, [])


def test_nothing_of_the_lead_is_left_once_the_user_is_forgotten(leads: World, simulator: Simulated) -> None:
    run(leads, identify(1, email=X, plan="free"), identify(2, "1", X))
    assert Forgetting(leads.runtime, find_user.find(leads.runtime, X)).run().complete

    assert simulator.whole_people() == []
    with leads.store.reading() as tx:
        rows = [tx.execute(text(f"SELECT * FROM {table}")).all() for table in ("entity", "identity")]
    assert rows == [[], []]


def test_batches_at_once_never_part_a_lead_from_who_they_are(leads: World, simulator: Simulated) -> None:
    emails = [f"lead-{number}@example.com" for number in range(20)]
    calls = [identify(1, None, email) for email in emails] + [identify(2, f"u-{email}", email) for email in emails]
    Random(7).shuffle(calls)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda call: take(leads, call), calls))
    leads.settle()
    leads.settle()

    assert leads.problems() == []
    there = [person["identifiers"] for person in simulator.whole_people()]
    assert sorted((each["id"], each["email"]) for each in there) == [(f"u-{email}", email) for email in sorted(emails)]


def test_a_call_with_neither_is_not_sent(leads: World, simulator: Simulated) -> None:
    run(leads, {**identify(1, plan="free"), "anonymousId": "v-1"})
    assert simulator.whole_people() == []
    assert leads.tallies()["skipped: no identifier"] == 1
