"""A user whom upstream deletes, from the message to a simulated Customer.io."""

from collections.abc import Callable
from typing import Any

import pytest

from connector import formats
from connector.intake.accept import accept
from tests.simulated import Simulated
from tests.world import World, event, message

GONE: dict[str, Any] = {"user": {"id": "u1"}, "deleted": True}


@pytest.mark.parametrize("on_exit", ["keep", "clear", "delete"])
def test_a_deleted_user_goes_from_customer_io(
    make_world: Callable[..., World], simulator: Simulated, on_exit: str
) -> None:
    world = make_world(sync={"on_exit": on_exit})
    world.run(message("u1", 1, plan="gold"), message("u2", 1, plan="free"), {**GONE, "version": 2})

    assert simulator.people() == {"u2": {"plan": "free"}}
    assert world.tallies()["deleted"] == 1


def test_an_older_message_does_not_bring_them_back(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"), {**GONE, "version": 3}, message("u1", 2, plan="free"))

    assert simulator.people() == {}


def test_who_comes_back_is_there_again_with_new_events(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"), {**GONE, "version": 2}, message("u1", 3, event("Signed up", "e1")))

    assert simulator.people() == {"u1": {}}
    assert simulator.event_names("u1") == ["Signed up"]


def test_an_update_only_sync_clears_and_deletes_nobody(make_world: Callable[..., World], simulator: Simulated) -> None:
    make_world().run(message("u1", 1, plan="gold"))
    world = make_world(sync={"mode": "update", "on_exit": "keep"})
    world.run({**GONE, "version": 2})

    assert simulator.people() == {"u1": {}}


def test_deletions_from_upstream_pass_the_guard_like_others(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"deletion_guard": {"share": 0.1, "at_least": 1}})
    users = [f"u{number}" for number in range(5)]
    world.run(*(message(user, 1, plan="gold") for user in users))
    world.take(*({"user": {"id": user}, "deleted": True, "version": 2} for user in users))
    world.settle()

    assert len(simulator.people()) == 5
    assert [kind for kind, _, _ in world.problems()] == ["held"]


def test_a_call_of_the_segment_spec_deletes(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"segments": ["*"]})
    calls = [{"type": "identify", "traits": {"plan": "gold"}}, {"type": "track", "event": "User Deleted"}]
    found = []
    for number, call in enumerate(calls, 1):
        told = {"userId": "u1", "messageId": f"m{number}", "timestamp": f"2026-01-31T10:00:0{number}Z", **call}
        accept(world.store, world.rules, formats.parse("segment", told))
        world.settle()
        found.append(simulator.people())

    assert found == [{"u1": {"plan": "gold"}}, {}]
