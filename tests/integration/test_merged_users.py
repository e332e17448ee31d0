"""Users who turn out to be one: merged in Customer.io with their history, and never there twice again."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from connector import formats
from connector.delivery.courier import Courier
from connector.delivery.sender import Sender
from connector.intake.accept import accept
from connector.store import claims, resend
from tests.simulated import Simulated
from tests.world import World, event, message

pytestmark = pytest.mark.in_turn

BATCH = "/api/v2/batch"
LOST = {"path": BATCH, "drop": "after"}


def merging(new: str, old: object, version: int, **user: Any) -> dict[str, Any]:
    """A message that says of a user that `old` is the same person."""
    return {"user": {"id": new, "external_id": new, **user}, "merges": [old], "version": version}


def delivered(world: World, *users: str) -> None:
    for user in users:
        world.run(message(user, 1, event("Signed up", f"e-{user}"), plan=f"plan of {user}"))


def only(simulator: Simulated, user: str) -> dict[str, Any]:
    """The one person there is."""
    [(name, attributes)] = simulator.people().items()
    assert name == user
    return attributes


def test_the_other_user_is_merged_with_their_history(world: World, simulator: Simulated) -> None:
    delivered(world, "old", "new")
    world.run(merging("new", "old", 2))

    assert only(simulator, "new") == {"plan": "plan of new"}
    assert sorted(each["id"] for each in simulator.events("new")) == sorted({e["id"] for e in simulator.events("new")})
    assert len(simulator.events("new")) == 2
    assert world.tallies()["merged"] == 1
    assert (world.problems(), world.tallies()["handed over"]) == ([], 1)


def test_what_only_the_other_one_had_goes_on(world: World, simulator: Simulated) -> None:
    world.run({"user": {"id": "old", "external_id": "old", "plan": "gold", "city": "Oslo"}, "segments": ["Paying"]})
    world.run({"user": {"id": "new", "external_id": "new", "plan": "free"}, "segments": ["Paying"]})
    world.run({"user": {"id": "new"}, "merges": ["old"]})
    assert only(simulator, "new") == {"plan": "free", "city": "Oslo"}

    world.run({"user": {"id": "new", "external_id": "new", "plan": "free"}, "whole": True})
    assert only(simulator, "new") == {"plan": "free"}


def test_an_alias_before_either_is_known_counts_once_they_are(world: World, simulator: Simulated) -> None:
    world.run({"user": {"id": "new"}, "merges": ["old"], "version": 9})
    world.run(message("new", 10, plan="gold"), message("old", 11, event("Signed up", "e1"), plan="silver"))

    assert only(simulator, "new") == {"plan": "gold"}
    assert simulator.event_names("new") == ["Signed up"]


def test_a_merge_that_does_not_say_who_the_other_one_is_in_customer_io_is_told(
    world: World, simulator: Simulated
) -> None:
    simulator.take({"type": "person", "identifiers": {"id": "1000"}, "action": "identify", "attributes": {}})
    world.run(message("new", 1, plan="gold"))
    world.run({"user": {"id": "new"}, "merges": ["old"], "version": 2})

    [(kind, user, reason)] = world.problems()
    assert (kind, user) == ("identifier", "old")
    assert "'new'" in reason
    assert "the field 'external_id'" in reason
    world.run({"user": {"id": "new"}, "merges": [{"id": "old", "external_id": "1000"}], "version": 3})
    assert set(simulator.people()) == {"new"}


def test_a_merge_is_by_the_identifier_that_an_earlier_message_has_said(world: World, simulator: Simulated) -> None:
    simulator.take({"type": "person", "identifiers": {"id": "1000"}, "action": "identify", "attributes": {}})
    world.run({"user": {"id": "old", "external_id": "1000"}, "version": 1}, message("new", 1, plan="gold"))
    world.run({"user": {"id": "new"}, "merges": ["old"], "version": 2})

    assert set(simulator.people()) == {"new"}
    assert world.problems() == []


def test_nobody_is_merged_away_by_an_identifier_that_another_user_holds(world: World, simulator: Simulated) -> None:
    world.run(message("third", 1, external_id="1000", plan="silver"), message("new", 1, plan="gold"))
    world.run({"user": {"id": "new"}, "merges": [{"id": "old", "external_id": "1000"}], "version": 2})

    assert simulator.people() == {"1000": {"plan": "silver"}, "new": {"plan": "gold"}}
    [(kind, user, reason)] = world.problems()
    assert (kind, user) == ("conflict", "old")
    assert "'third'" in reason
    assert world.due() == 0


def test_the_other_one_stays_until_the_survivor_is_in_the_audience(world: World, simulator: Simulated) -> None:
    delivered(world, "old")
    world.run({"user": {"id": "new"}, "merges": ["old"], "version": 2})
    world.run(message("old", 3, plan="gold"))
    assert only(simulator, "old") == {"plan": "plan of old"}

    world.run(message("new", 4, plan="free"))
    assert only(simulator, "new") == {"plan": "free"}
    assert simulator.event_names("new") == ["Signed up"]


def test_late_messages_do_not_bring_them_back_and_their_events_arrive(world: World, simulator: Simulated) -> None:
    delivered(world, "old", "new")
    world.run(merging("new", "old", 2))
    late = message("old", 3, event("Signed up", "e-late"), plan="late")
    world.run(late, late)

    assert only(simulator, "new") == {"plan": "plan of new"}
    assert len(simulator.events("new")) == 3
    assert world.tallies()["skipped: merged into another user"] >= 2


def test_events_that_wait_are_sent_for_the_survivor(world: World, simulator: Simulated) -> None:
    delivered(world, "new")
    world.take(message("old", 1, event("Signed up", "e1"), plan="gold"), merging("new", "old", 2))
    world.settle()

    assert only(simulator, "new") == {"plan": "plan of new"}
    assert len(simulator.events("new")) == 2


def test_an_alias_that_comes_again_merges_nothing_again(world: World, simulator: Simulated) -> None:
    delivered(world, "old", "new")
    world.run(*[merging("new", "old", 2)] * 3)
    assert world.tallies()["merged"] == 1
    assert world.due() == 0


def test_a_chain_ends_at_its_last_user(world: World, simulator: Simulated) -> None:
    delivered(world, "a", "b", "c")
    world.take(merging("b", "a", 2), merging("c", "b", 3))
    world.settle()
    assert only(simulator, "c") == {"plan": "plan of c"}
    assert len(simulator.events("c")) == 3


def test_a_circle_is_a_problem_and_the_newest_word_counts(world: World, simulator: Simulated) -> None:
    delivered(world, "a", "b")
    world.take(merging("b", "a", 2), merging("a", "b", 3))
    world.settle()

    assert only(simulator, "a") == {"plan": "plan of a"}
    [(kind, subject, reason)] = world.problems()
    assert (kind, subject) == ("conflict", "a")
    assert "'a' goes on" in reason


def test_two_users_with_one_identifier_are_no_conflict_once_they_are_one(world: World, simulator: Simulated) -> None:
    world.run(message("old", 1, external_id="1001", plan="old"))
    world.run(message("new", 1, external_id="1001", plan="new"))
    assert [kind for kind, _, _ in world.problems()] == ["conflict"]
    world.run({"user": {"id": "new"}, "merges": ["old"], "version": 2})
    assert simulator.people() == {"1001": {"plan": "new"}}
    assert world.problems() == []


def test_the_identifier_of_the_other_one_is_free_afterwards(world: World, simulator: Simulated) -> None:
    delivered(world, "old", "new")
    world.run(merging("new", "old", 2))
    world.run(message("another", 1, external_id="old", plan="theirs"))
    assert simulator.people() == {"new": {"plan": "plan of new"}, "old": {"plan": "theirs"}}


def test_whoever_leaves_leaves_under_every_name(world: World, simulator: Simulated) -> None:
    delivered(world, "old")
    world.run({"user": {"id": "new"}, "merges": ["old"], "version": 2})
    world.take(message("new", 3), message("new", 4, segments=[]))
    world.settle()
    assert simulator.people() == {}


def test_replace_deletes_the_other_profile(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"on_identifier_change": "replace"})
    delivered(world, "old", "new")
    world.run(merging("new", "old", 2))
    assert only(simulator, "new") == {"plan": "plan of new"}
    assert "merged" not in world.tallies()


@pytest.mark.parametrize("lost", range(5))
def test_a_lost_answer_changes_nothing_about_the_end(world: World, simulator: Simulated, lost: int) -> None:
    simulator.go_wrong({**LOST, "after": lost, "times": 2})
    world.take(message("old", 1, event("Signed up", "e1"), plan="gold", city="Oslo"))
    world.cycle()
    world.take(message("new", 1, plan="free"))
    world.cycle()
    world.run(merging("new", "old", 2))

    assert only(simulator, "new") == {"plan": "free"}
    assert simulator.event_names("new") == ["Signed up"]


def test_an_alias_while_the_other_one_is_being_sent(
    world: World, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(world, "new")
    world.take(message("old", 1, event("Signed up", "e1"), plan="gold"))
    sending = Sender.send_all

    def meanwhile(*given: Any, **named: Any) -> Any:
        answer = sending(*given, **named)
        world.take(merging("new", "old", 2))
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Sender, "send_all", meanwhile)
        world.cycle()
    world.settle()
    assert only(simulator, "new") == {"plan": "plan of new"}
    assert len(simulator.events("new")) == 2


class KilledError(Exception):
    """The worker ends here."""


@pytest.mark.parametrize("step", ["_send_all", "_settle"])
@pytest.mark.parametrize("cycles", range(4))
def test_a_worker_killed_between_two_steps_does_no_harm(
    world: World, simulator: Simulated, monkeypatch: pytest.MonkeyPatch, step: str, cycles: int
) -> None:
    delivered(world, "old", "new")
    world.take(merging("new", "old", 2), message("old", 3, event("Signed up", "e-late"), plan="late"))
    for _ in range(cycles):
        world.cycle()

    def killed(*_: object) -> bool:
        raise KilledError

    with monkeypatch.context() as patch, suppress(KilledError):
        patch.setattr(Courier, step, killed)
        for _ in range(3):
            world.cycle()
    with world.store.writing() as tx:
        claims.release_all(tx)
    world.settle()
    assert only(simulator, "new") == {"plan": "plan of new"}
    assert len(simulator.events("new")) == 3


def test_a_resync_of_users_who_are_one_sends_one(world: World, simulator: Simulated) -> None:
    delivered(world, "old", "new")
    world.run(merging("new", "old", 2))
    with world.store.writing() as tx:
        resend.send_whole(tx, "main", ["new", "old"], 0.0)
    world.settle()
    assert only(simulator, "new") == {"plan": "plan of new"}


# ---- The Segment spec ------------------------------------------------------------------------------------------------


def calls(world: World, *bodies: dict[str, Any]) -> None:
    accept(world.store, world.rules, formats.parse("segment", list(bodies)))
    world.settle()


def identify(user: str, at: int, **traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "traits": traits, "timestamp": f"2026-01-31T10:00:0{at}Z"}


def test_alias_merges_the_previous_user(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"segments": ["*"]})
    calls(world, identify("u0", 0, plan="gold", city="Oslo"), identify("u1", 1, plan="free"))
    calls(world, {"type": "alias", "previousId": "u0", "userId": "u1", "timestamp": "2026-01-31T10:00:02Z"})
    assert only(simulator, "u1") == {"plan": "free", "city": "Oslo"}


def test_alias_of_a_visitor_needs_no_merge(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"segments": ["*"], "anonymous_events": True})
    seen = {"type": "track", "event": "Signed up", "anonymousId": "v1", "messageId": "m1"}
    calls(world, seen)
    assert len(simulator.anonymous()) == 1
    calls(world, {"type": "alias", "previousId": "v1", "anonymousId": "v1", "userId": "u1"}, identify("u1", 1))

    assert only(simulator, "u1") == {"anonymous_id": "v1"}
    assert simulator.event_names("u1") == ["Signed up"]
    assert "merged" not in world.tallies()


def test_alias_of_a_visitor_from_a_server(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"segments": ["*"], "anonymous_events": True})
    calls(world, {"type": "track", "event": "Signed up", "anonymousId": "v1", "messageId": "m1"})
    calls(world, {"type": "alias", "previousId": "v1", "userId": "u1"}, identify("u1", 1, plan="gold"))
    assert simulator.event_names("u1") == ["Signed up"]
