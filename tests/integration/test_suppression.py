"""Suppressing people by message and by rule: deleted and blocked, until they are free again and come back whole."""

from collections.abc import Callable
from typing import Any

import pytest

from connector import formats
from connector.admin import problems
from connector.intake.accept import accept
from connector.store import claims, resend
from connector.store.retention import forget_outsiders
from tests.simulated import Simulated
from tests.world import World, event, message

pytestmark = pytest.mark.in_turn

BATCH = "/api/v2/batch"
RULE = {"suppress_when": {"attribute": "gdpr_erased", "equals": True}}


def said(user: str, version: int, suppressed: bool) -> dict[str, Any]:
    return {"user": {"id": user, "external_id": user}, "suppressed": suppressed, "version": version}


def actions(simulator: Simulated) -> list[str]:
    return [item["action"] for call in simulator.calls() for item in call.get("body", {}).get("batch", [])]


def test_somebody_suppressed_is_gone_and_stays_away(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"), said("u1", 2, True))
    assert simulator.people() == {}
    before = len(simulator.statuses())
    world.run(message("u1", 3, event("Signed up", "e1"), plan="silver"), said("u1", 2, True), said("u1", 4, True))

    assert simulator.people() == {}
    assert len(simulator.statuses()) == before, "a suppressed person is told nothing, and not suppressed twice"
    assert world.tallies()["suppressed"] == 1
    assert world.tallies()["events skipped: the user is suppressed"] == 1


def test_whoever_is_free_again_comes_back_whole(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold", city="Oslo"), said("u1", 2, True))
    world.run({"user": {"id": "u1", "plan": "silver"}, "version": 3}, said("u1", 4, False))
    assert simulator.people() == {"u1": {"plan": "silver", "city": "Oslo"}}

    world.run(message("u1", 5, event("Signed up", "e1"), plan="silver"))
    assert simulator.event_names("u1") == ["Signed up"]


def test_the_newest_word_counts(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"), said("u1", 5, False), said("u1", 4, True))
    assert simulator.people() == {"u1": {"plan": "gold"}}


def test_freed_outside_the_audience_nobody_is_created(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"), said("u1", 2, True), message("u1", 3, segments=[]), said("u1", 4, False))
    assert simulator.people() == {}
    world.run(message("u2", 1, external_id="u1", plan="theirs"))
    assert simulator.people() == {"u1": {"plan": "theirs"}}, "the identifier is another's to have"


def test_somebody_who_never_was_in_the_audience_is_blocked_too(world: World, simulator: Simulated) -> None:
    world.run(said("u1", 2, True))
    with world.store.writing() as tx:
        assert forget_outsiders(tx, float("inf")) == 0
    world.run(message("u1", 1, plan="gold"), message("u1", 3, plan="gold"))
    assert simulator.people() == {}
    assert world.tallies()["suppressed"] == 1


def test_another_users_identifier_is_never_suppressed_by_guess(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, external_id="1001", plan="gold"))
    world.run({"user": {"id": "u2", "external_id": "1001"}, "suppressed": True, "version": 1})
    assert simulator.people() == {"1001": {"plan": "gold"}}
    assert [kind for kind, _, _ in world.problems()] == ["conflict"]


def test_a_rule_suppresses_and_frees(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync=RULE)
    world.run(message("u1", 1, plan="gold"), message("u1", 2, plan="gold", gdpr_erased="True"))
    assert simulator.people() == {}
    world.run(message("u1", 3, plan="gold", gdpr_erased=False))
    assert simulator.people() == {"u1": {"plan": "gold"}}


def test_a_rule_holds_for_whoever_was_kept(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={**RULE, "on_exit": "keep"})
    world.run(message("u1", 1, plan="gold"), message("u1", 2, segments=[]))
    assert simulator.people() == {"u1": {"plan": "gold"}}
    world.run({"user": {"id": "u1", "gdpr_erased": True}, "version": 3})
    assert simulator.people() == {}


def test_the_deletion_guard_holds_too_many_suppressions(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={**RULE, "deletion_guard": {"share": 0.1, "at_least": 2}})
    users = [f"u{number}" for number in range(5)]
    world.take(*(message(user, 1, plan="gold") for user in users))
    world.settle()
    world.take(*(message(user, 2, plan="gold", gdpr_erased=True) for user in users))
    world.settle()
    assert len(simulator.people()) == 5
    assert [kind for kind, _, _ in world.problems()] == ["held"]

    assert problems.approve(world.runtime, "main") == 5
    world.settle()
    assert simulator.people() == {}


def test_a_resync_of_the_suppressed_is_no_matter_for_the_guard(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"deletion_guard": {"share": 0.1, "at_least": 1}})
    users = [f"u{number}" for number in range(4)]
    for user in users:
        world.run(message(user, 1, plan="gold"))
    with world.store.writing() as tx:
        tx.exec_driver_sql("DELETE FROM admission")
    for number, user in enumerate(users):
        world.run(said(user, 2, True))
        if number:
            problems.approve(world.runtime, "main")
            world.settle()
    assert simulator.people() == {}
    with world.store.writing() as tx:
        assert resend.send_whole(tx, "main", users, 0.0) == 4
    world.settle()
    assert simulator.people() == {}


@pytest.mark.parametrize("lost", range(3))
def test_a_lost_answer_does_not_leave_somebody_blocked(world: World, simulator: Simulated, lost: int) -> None:
    world.run(message("u1", 1, plan="gold", city="Oslo"))
    simulator.go_wrong({"path": BATCH, "after": lost, "drop": "after", "times": 1})
    world.take(said("u1", 2, True))
    world.cycle()
    world.take(message("u1", 3, plan="gold", city=None), said("u1", 4, False))
    world.settle()
    assert simulator.people() == {"u1": {"plan": "gold"}}


def test_a_request_that_never_arrived_leaves_nothing_behind(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold", city="Oslo"))
    simulator.go_wrong({"path": BATCH, "status": 503, "times": 1})
    world.take(said("u1", 2, True))
    world.cycle()
    world.take(message("u1", 3, plan="gold"), said("u1", 4, False))
    world.settle()
    assert simulator.people() == {"u1": {"plan": "gold"}}


@pytest.mark.parametrize("suppressed", [True, False])
def test_a_lost_answer_and_a_dead_worker(world: World, simulator: Simulated, suppressed: bool) -> None:
    world.run(message("u1", 1, plan="gold"), said("u1", 2, not suppressed))
    simulator.go_wrong({"path": BATCH, "drop": "after", "times": 2})
    world.take(said("u1", 3, suppressed))
    world.cycle()
    with world.store.writing() as tx:
        claims.release_all(tx)
    world.settle()
    assert simulator.people() == ({} if suppressed else {"u1": {"plan": "gold"}})


def test_mode_update_clears_in_place_of_suppressing(make_world: Callable[..., World], simulator: Simulated) -> None:
    upsert = make_world()
    upsert.run(message("u1", 1, plan="gold"))
    world = make_world(sync={"mode": "update", "on_exit": "keep"})
    world.run(message("u1", 2, plan="silver"), said("u1", 3, True))
    assert simulator.people() == {"u1": {}}


def test_the_events_of_the_segment_spec(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"segments": ["*"], "events": ["*"]})

    def call(name: str, second: int) -> None:
        body = {"type": "track", "userId": "u1", "event": name, "timestamp": f"2026-01-31T10:00:0{second}Z"}
        accept(world.store, world.rules, formats.parse("segment", body))
        world.settle()

    call("Signed up", 1)
    call("User Suppressed", 2)
    assert simulator.people() == {}
    call("User Unsuppressed", 3)
    assert simulator.people() == {"u1": {}}
    assert simulator.event_names("u1") == []
