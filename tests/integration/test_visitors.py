"""What a visitor is related to reaches the person once it is known who they are."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from threading import Event
from typing import Any

import pytest
from sqlalchemy import text

from connector import formats
from connector.intake.accept import accept
from tests.servers import eventually
from tests.simulated import Simulated
from tests.world import World

pytestmark = pytest.mark.in_turn

COMPANY = {"type": "1", "attributes": ["name"], "relationship_attributes": ["role"]}
VISITOR = {"anonymousId": "v1"}
GROUP = {
    "type": "group",
    **VISITOR,
    "groupId": "a",
    "traits": {"name": "Ada Ltd", "relationshipAttributes": {"role": "x"}},
}
IDENTIFY = {"type": "identify", **VISITOR, "userId": "u1", "traits": {"plan": "pro"}}
ENTER = {"type": "track", "event": "Audience Entered", "userId": "u1", "properties": {"audience_name": "Paying"}}
ENDED = {"type": "track", **VISITOR, "event": "Relationship Deleted", "properties": {"object_id": "a"}}


@pytest.fixture(params=[["*"], ["Paying"]], ids=["everybody", "some"])
def world(request: pytest.FixtureRequest, make_world: Callable[..., World]) -> World:
    sync = {"segments": request.param, "identifier": "external_id", "on_exit": "keep"}
    return make_world(sync={**sync, "objects": [COMPANY]})


def said(*calls: dict[str, Any]) -> list[Any]:
    """Calls with their ids and the times at which they were made."""
    return [{"messageId": f"m{n}", "timestamp": f"2026-01-31T10:00:{n:02}Z", **call} for n, call in enumerate(calls)]


def hear(world: World, *calls: Any) -> None:
    """Takes in these calls as one batch, and delivers."""
    accept(world.store, world.rules, [each for call in calls for each in formats.parse("segment", call)])
    world.settle()


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("at_once", [True, False])
def test_a_visitors_relationship_reaches_the_person_in_whatever_order_the_calls_come(
    world: World, simulator: Simulated, order: tuple[int, ...], at_once: bool
) -> None:
    calls = said(GROUP, IDENTIFY, ENTER)
    told = [calls[place] for place in order]
    for each in [told] if at_once else [[call] for call in told]:
        hear(world, *each)

    assert simulator.relationships() == {"u1": {"1/a": {"role": "x"}}}
    assert world.due() == 0


def test_a_relationship_that_ended_for_the_visitor_has_ended_for_the_person(world: World, simulator: Simulated) -> None:
    for call in said(GROUP, IDENTIFY, ENTER, ENDED):
        hear(world, call)

    assert simulator.relationships() == {"u1": {}}


def test_what_the_user_said_later_goes_before_what_the_visitor_said(world: World, simulator: Simulated) -> None:
    own = {**GROUP, "userId": "u1", "traits": {"relationshipAttributes": {"role": "owner"}}}
    group, newer, identify, enter = said(GROUP, own, IDENTIFY, ENTER)
    for call in (newer, group, identify, enter):
        hear(world, call)

    assert simulator.relationships() == {"u1": {"1/a": {"role": "owner"}}}


def test_another_visitor_is_somebody_else(world: World, simulator: Simulated) -> None:
    for call in said({**GROUP, "anonymousId": "v2"}, IDENTIFY, ENTER):
        hear(world, call)

    assert simulator.relationships().get("u1", {}) == {}


def test_the_forms_own_visitors_reach_the_person_too(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"objects": [{**COMPANY, "from": ["object"]}]})
    world.run({"user": {"anonymous_id": "v1"}, "relationships": [{"id": "a", "attributes": {"role": "x"}}]})
    both = {"id": "u1", "external_id": "1001", "anonymous_id": "v1"}
    world.run({"user": both, "segments": ["Paying"]})

    assert simulator.relationships() == {"1001": {"1/a": {"role": "x"}}}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["related first", "known first"])
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_it_does_where_both_calls_come_at_one_moment(
    world: World, simulator: Simulated, order: tuple[int, int]
) -> None:
    calls = said(GROUP, IDENTIFY, ENTER)
    first, second = (formats.parse("segment", calls[place]) for place in order)
    begun, go_on = Event(), Event()

    def stop_before_the_commit(_: Any) -> None:
        begun.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(accept, world.store, world.rules, first, check=stop_before_the_commit)
        assert begun.wait(60)
        other = pool.submit(accept, world.store, world.rules, second)
        eventually(lambda: other.done() or _waits_for_a_lock(world), 60)
        go_on.set()
        one.result(60), other.result(60)
    hear(world, calls[2])

    assert simulator.relationships() == {"u1": {"1/a": {"role": "x"}}}


def _waits_for_a_lock(world: World) -> bool:
    with world.store.reading() as tx:
        return bool(tx.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar())
