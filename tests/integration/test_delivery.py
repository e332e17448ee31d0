"""Delivery over HTTP to a simulated Customer.io: whatever it answers, it ends up right, with events once."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from connector.customerio.track import Track
from connector.runtime import Runtime
from connector.settings.connection import Connection
from connector.store import connection_health
from tests.build_settings import values
from tests.simulated import Simulated
from tests.stores import in_turn
from tests.world import LATELY, World, event, message

BATCH = "/api/v2/batch"
FAULTS = {
    "429": {"status": 429},
    "429 with Retry-After": {"status": 429, "retry_after": 0},
    "408": {"status": 408},
    "500": {"status": 500},
    "502 from a proxy": {"status": 502, "body": "<html>bad gateway</html>"},
    "503": {"status": 503, "body": ""},
    "524": {"status": 524},
    "200 with a page of a proxy": {"status": 200, "body": "<html>please log in</html>"},
    "200 with nothing": {"status": 200, "body": ""},
    "200 with a list": {"status": 200, "body": "[]"},
    "302": {"status": 302, "headers": {"Location": "https://example.com/"}},
    "404": {"status": 404},
    "the request is lost": {"drop": "before"},
    "the answer is lost": {"drop": "after"},
}


# ---- What Customer.io takes ------------------------------------------------------------------------------------------


def test_people_arrive_with_the_attributes_chosen(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold", city="Bergen", shoe_size=38), message("u2", 1, plan="free"))

    assert simulator.people() == {"u1": {"plan": "gold", "city": "Bergen"}, "u2": {"plan": "free"}}
    assert world.tallies()["created"] == 2
    assert not world.problems()


def test_many_changes_are_one_request(world: World, simulator: Simulated) -> None:
    world.take(*(message(f"u{number}", 1, plan="free") for number in range(300)))
    world.take(*(message(f"u{number}", 2, plan="gold") for number in range(300)))
    world.settle()

    assert [call["items"] for call in simulator.calls()] == [300]
    assert {person["plan"] for person in simulator.people().values()} == {"gold"}


def test_what_customer_io_holds_already_is_not_sent(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"), message("u1", 2, plan="gold"), message("u1", 2, plan="gold"))

    assert len(simulator.calls()) == 1


def test_a_new_person_is_confirmed_before_the_first_events(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, event("Signed up", "e1"), event("page", "e2", type="page"), plan="gold"))

    assert [call["items"] for call in simulator.calls()] == [1, 2]
    assert simulator.event_names("u1") == ["Signed up", "page"]


def test_an_event_keeps_its_time_and_what_it_said(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, event("Signed up", "e1", time=LATELY + 5, properties={"plan": {"seats": 3}})))

    [sent] = simulator.events("u1")
    assert (sent["timestamp"], sent["attributes"]) == (LATELY + 5, {"plan": {"seats": 3}})


def test_a_refused_person_is_a_problem_and_the_others_are_applied(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"path": BATCH, "items": "u2"})
    world.take(*(message(name, 1, plan="gold") for name in ("u1", "u2", "u3")))
    world.settle()

    assert [sorted(simulator.people()), simulator.statuses()] == [["u1", "u3"], [207]]
    [(kind, who, reason)] = world.problems()
    assert (kind, who) == ("refused", "u2")
    assert reason.startswith("identify refused: ")
    assert "refused by a rule of the simulator" in reason


def test_a_refused_person_is_tried_again_once_they_change(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"path": BATCH, "items": "u2", "times": 1})
    world.run(message("u2", 1, plan="free"))
    assert simulator.people() == {}
    world.run(message("u2", 2, plan="gold"))

    assert simulator.people() == {"u2": {"plan": "gold"}}


def test_a_refused_event_is_a_problem_and_the_person_and_other_events_go(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"events": ["*"]})
    too_large = {"text": "x" * 40_000}
    world.run(message("u1", 1, event("Read", "e1"), event("Wrote", "e2", properties=too_large), plan="gold"))

    assert simulator.event_names("u1") == ["Read"]
    [(kind, who, reason)] = world.problems()
    assert (kind, who) == ("refused", "u1")
    assert reason.startswith("event refused: the operation has 40")


def test_a_batch_refused_whole_is_split_until_the_guilty_item_stands_alone(world: World, simulator: Simulated) -> None:
    # Eight people: the whole, a half, a quarter and one person are refused.
    simulator.go_wrong({"path": BATCH, "status": 400, "times": 4})
    world.take(*(message(f"u{number}", 1, plan="gold") for number in range(8)))
    world.settle()

    assert simulator.statuses() == [400, 400, 400, 400, 200, 200, 200]
    assert sorted(simulator.people()) == [f"u{number}" for number in range(1, 8)]
    assert [problem[:2] for problem in world.problems()] == [("refused", "u0")]


def test_a_batch_too_large_for_a_proxy_refuses_nobody(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"path": BATCH, "status": 413, "body": "<html>413</html>", "times": 1})
    world.take(*(message(f"u{number}", 1, plan="gold") for number in range(4)))
    world.settle()

    assert simulator.statuses()[0] == 413
    assert set(simulator.statuses()[1:]) == {200}
    assert len(simulator.people()) == 4
    assert world.tallies().get("refused", 0) == 0
    assert len(simulator.people()) == 4
    assert not world.problems()


def test_requests_stay_below_half_a_megabyte(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"attributes": [f"a{number}" for number in range(20)]})
    large = {f"a{number}": "x" * 900 for number in range(20)}
    world.take(*(message(f"u{number}", 1, **large) for number in range(60)))
    world.settle()

    assert simulator.statuses() == [200, 200, 200]
    assert max(call["bytes"] for call in simulator.calls()) <= 500_000
    assert len(simulator.people()) == 60


# ---- When Customer.io fails ------------------------------------------------------------------------------------------


@in_turn(["fault"], [[each] for each in FAULTS.values()], ids=FAULTS)
def test_a_failure_costs_nothing_but_time(world: World, simulator: Simulated, fault: dict[str, Any]) -> None:
    world.run(message("u1", 1, plan="free"))
    simulator.go_wrong({"path": BATCH, "times": 2, **fault})
    world.take(message("u1", 2, event("Signed up", "e1"), plan="gold"), message("u2", 1, event("Signed up", "e2")))
    world.settle()

    assert simulator.people() == {"u1": {"plan": "gold"}, "u2": {}}
    assert [simulator.event_names(name) for name in ("u1", "u2")] == [["Signed up"], ["Signed up"]]
    assert not world.problems()
    assert world.health() == connection_health.Health()


@in_turn(["fault"], [[each] for each in FAULTS.values()], ids=FAULTS)
def test_a_failure_pauses_the_connection(world: World, simulator: Simulated, fault: dict[str, Any]) -> None:
    simulator.go_wrong({"path": BATCH, "times": 1, **fault})
    world.take(message("u1", 1, plan="gold"))

    assert world.cycle()
    health = world.health()
    assert health.failures == 1
    assert health.reason
    assert health.paused_until is not None


def test_retry_after_is_kept_to(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world()
    simulator.go_wrong({"path": BATCH, "status": 429, "retry_after": 3000, "times": 1})
    world.take(message("u1", 1, plan="gold"))
    world.cycle()

    paused_until = world.health().paused_until
    assert paused_until is not None
    assert round(paused_until - time.time(), -3) == 3000
    assert not world.runtime.courier("main").cycle().people
    assert simulator.statuses() == [429]


def test_pauses_grow_and_end_with_success(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(delivery={"backoff_seconds": 0.02, "backoff_max_seconds": 0.04})
    simulator.go_wrong({"path": BATCH, "status": 503, "times": 4})
    world.run(message("u1", 1, plan="gold"))

    assert simulator.statuses() == [503, 503, 503, 503, 200]
    assert world.health().failures == 0


def test_a_silent_answer_is_given_up_on(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(delivery={"timeout_seconds": 0.2})
    simulator.go_wrong({"path": BATCH, "latency": 0.6, "times": 1})
    world.run(message("u1", 1, event("Signed up", "e1"), plan="gold"))

    assert simulator.people() == {"u1": {"plan": "gold"}}
    assert simulator.event_names("u1") == ["Signed up"]


def test_nobody_listening_is_a_failure_like_others(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(connection={"track_url": "http://127.0.0.1:9"})
    world.take(message("u1", 1, plan="gold"))

    assert world.cycle()
    assert "could not reach 127.0.0.1" in world.health().reason
    assert world.due() == 1


def test_an_answer_that_cannot_be_unpacked_is_a_failure_like_others(world: World, simulator: Simulated) -> None:
    simulator.go_wrong(
        {"path": BATCH, "status": 200, "body": "{}", "headers": {"Content-Encoding": "gzip"}, "times": 1}
    )
    world.run(message("u1", 1, plan="gold"))

    assert simulator.people() == {"u1": {"plan": "gold"}}


def test_events_accepted_under_a_lost_answer_are_there_once(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"))
    simulator.go_wrong({"path": BATCH, "drop": "after", "times": 3})
    world.take(message("u1", 2, *(event("Signed up", f"e{number}") for number in range(5)), plan="gold"))
    world.settle()

    assert simulator.statuses() == [200, 0, 0, 0, 200]
    assert len(simulator.events("u1")) == 5


def test_one_request_lost_in_the_middle_of_a_cycle_is_made_good(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"attributes": [f"a{number}" for number in range(20)]})
    large = {f"a{number}": "x" * 900 for number in range(20)}
    simulator.go_wrong({"path": BATCH, "after": 1, "drop": "after", "times": 1})
    world.take(*(message(f"u{number}", 1, event("Signed up", f"e{number}"), **large) for number in range(60)))
    world.settle()

    assert len(simulator.people()) == 60
    assert all(len(simulator.events(f"u{number}")) == 1 for number in (0, 30, 59))


# ---- Credentials -----------------------------------------------------------------------------------------------------


def with_key(world: World, key: str) -> Runtime:
    """The same world under another API key."""
    main = world.settings.connections["main"].model_copy(update={"api_key": SecretStr(key)})
    return replace(
        world.runtime, settings=world.settings.model_copy(update={"connections": {"main": main}}), _tracks={}
    )


def test_refused_credentials_stop_everything_until_they_change(world: World, simulator: Simulated) -> None:
    world.take(message("u1", 1, plan="gold"))
    wrong = with_key(world, "wrong")
    assert wrong.courier("main").deliver()
    assert wrong.courier("main").deliver()

    assert simulator.statuses() == [401]
    assert "401" in world.health().reason
    assert world.health().paused_until == float("inf")
    world.settle()
    assert simulator.people() == {"u1": {"plan": "gold"}}
    assert world.health() == connection_health.Health()
    wrong.track("main").close()


def test_refused_credentials_that_are_right_again_need_a_resume(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"path": BATCH, "status": 401, "times": 1})
    world.take(message("u1", 1, plan="gold"))
    assert world.cycle()
    assert world.runtime.courier("main").deliver()
    assert simulator.statuses() == [401]
    with world.store.writing() as tx:
        assert connection_health.resume(tx, "main")
    world.settle()

    assert simulator.people() == {"u1": {"plan": "gold"}}


def test_a_person_who_leaves_before_the_credentials_are_right_is_not_deleted(
    world: World, simulator: Simulated
) -> None:
    simulator.go_wrong({"path": BATCH, "status": 401, "times": 1})
    world.take(message("u1", 1, plan="gold"))
    assert world.cycle()
    world.take(message("u1", 2, segments=[]))
    with world.store.writing() as tx:
        connection_health.resume(tx, "main")
    world.settle()

    assert simulator.statuses() == [401]


# ---- Who leaves ------------------------------------------------------------------------------------------------------


def test_who_leaves_is_deleted_and_who_comes_back_is_whole_again(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"), message("u1", 2, plan="gold", segments=["Other"]))
    assert simulator.people() == {}
    world.run(message("u1", 3, plan="gold"))

    assert simulator.people() == {"u1": {"plan": "gold"}}
    assert {name: world.tallies()[name] for name in ("created", "deleted")} == {"created": 2, "deleted": 1}


def test_who_leaves_is_cleared(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"on_exit": "clear"})
    world.run(message("u1", 1, plan="gold", city="Bergen"), message("u1", 2, plan="gold", segments=[]))
    assert simulator.people() == {"u1": {}}
    world.run(message("u1", 3, plan="free"))

    assert simulator.people() == {"u1": {"plan": "free"}}


def test_who_leaves_stays_as_they_are(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"on_exit": "keep"})
    world.run(message("u1", 1, plan="gold"), message("u1", 2, event("Signed up", "e1"), plan="free", segments=[]))
    assert (simulator.people(), simulator.events("u1")) == ({"u1": {"plan": "gold"}}, [])
    world.run(message("u1", 3, plan="silver"))

    assert simulator.people() == {"u1": {"plan": "silver"}}


def test_events_of_who_left_before_their_turn_are_dropped(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"))
    world.take(message("u1", 2, event("Signed up", "e1"), plan="gold"), message("u1", 3, segments=[]))
    world.settle()

    assert (simulator.people(), simulator.summary()["events"]) == ({}, 0)
    assert world.tallies()["events dropped"] == 1


@pytest.mark.parametrize("on_exit", ["keep", "clear", "delete"])
def test_who_left_before_they_were_sent_is_not_created(
    make_world: Callable[..., World], simulator: Simulated, on_exit: str
) -> None:
    world = make_world(sync={"on_exit": on_exit})
    world.take(message("u1", 1, plan="gold"), message("u1", 2, plan="gold", segments=[]))
    world.settle()

    assert sorted(simulator.people()) == (["u1"] if on_exit == "keep" else [])


# ---- A reply that was lost -------------------------------------------------------------------------------------------


def lose(world: World, simulator: Simulated, when: str, *messages: dict[str, Any]) -> None:
    """Takes messages in, and loses the request that they cause, or its answer."""
    simulator.go_wrong({"path": BATCH, "drop": when, "times": 1})
    world.take(*messages)
    assert world.cycle()


def test_an_attribute_sent_under_a_lost_answer_and_removed_since_is_cleared(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"))
    lose(world, simulator, "after", message("u1", 2, plan="gold", city="Bergen"))
    assert simulator.people()["u1"]["city"] == "Bergen"
    world.take(message("u1", 3, plan="gold"))
    world.settle()

    assert simulator.people() == {"u1": {"plan": "gold"}}


def test_a_person_created_under_a_lost_answer_who_left_since_is_deleted(world: World, simulator: Simulated) -> None:
    lose(world, simulator, "after", message("u1", 1, plan="gold"))
    assert "u1" in simulator.people()
    world.take(message("u1", 2, segments=[]))
    world.settle()

    assert simulator.people() == {}


def test_a_person_created_under_a_lost_answer_who_was_renamed_since_is_one_person(
    world: World, simulator: Simulated
) -> None:
    lose(world, simulator, "after", message("1", 1, external_id="u1", plan="gold"))
    world.take(message("1", 2, external_id="u1b", plan="gold"))
    world.settle()

    assert simulator.people() == {"u1b": {"plan": "gold"}}


def test_a_change_back_during_a_lost_answer_is_sent_all_the_same(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"))
    lose(world, simulator, "after", message("u1", 2, plan="free"))
    world.take(message("u1", 3, plan="gold"))
    world.settle()

    assert simulator.people() == {"u1": {"plan": "gold"}}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_deletion_under_a_lost_answer_is_made_sure_of(world: World, simulator: Simulated, when: str) -> None:
    world.run(message("u1", 1, plan="gold"))
    lose(world, simulator, when, message("u1", 2, segments=[]))
    world.settle()

    assert simulator.people() == {}


def test_a_person_who_never_arrived_is_not_created_to_be_cleared(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"on_exit": "clear"})
    lose(world, simulator, "before", message("u1", 1, plan="gold"))
    world.take(message("u1", 2, plan="gold", segments=[]))
    world.settle()

    assert simulator.people() == {}


# ---- Identifiers -----------------------------------------------------------------------------------------------------


def renamed() -> list[dict[str, Any]]:
    """A user whose identifier changes, and who did something under either."""
    return [
        message("1", 1, event("Signed up", "e1"), external_id="u1", plan="gold"),
        message("1", 2, event("Signed up", "e2"), external_id="u1b", plan="gold"),
    ]


def test_a_changed_identifier_merges_the_old_profile_into_the_new(world: World, simulator: Simulated) -> None:
    world.run(*renamed())

    assert simulator.people() == {"u1b": {"plan": "gold"}}
    assert len(simulator.events("u1b")) == 2
    assert world.tallies()["merged"] == 1


def test_a_changed_identifier_replaces_the_old_profile(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"on_identifier_change": "replace"})
    world.run(*renamed())

    assert simulator.people() == {"u1b": {"plan": "gold"}}
    assert len(simulator.events("u1b")) == 1


def test_with_keep_a_person_goes_on_under_the_first_identifier(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"on_identifier_change": "keep"})
    world.run(*renamed())

    assert simulator.people() == {"u1": {"plan": "gold"}}
    assert len(simulator.events("u1")) == 2


def test_with_leave_the_old_profile_stays_and_a_new_one_starts(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"on_identifier_change": "leave"})
    world.run(*renamed())
    world.run(message("1", 3, external_id="u1b", segments=[]), message("2", 4, external_id="u1", plan="free"))

    assert simulator.people() == {"u1": {"plan": "free"}}
    assert [event["name"] for event in simulator.events("u1")] == ["Signed up"]
    assert (world.tallies()["created"], world.tallies()["deleted"], world.problems()) == (3, 1, [])


def test_an_attribute_dropped_together_with_the_identifier_is_gone(world: World, simulator: Simulated) -> None:
    world.run(message("1", 1, external_id="u1", plan="gold", city="Bergen"))
    world.run(message("1", 2, external_id="u1b", plan="gold"))

    assert simulator.people() == {"u1b": {"plan": "gold"}}


def test_an_identifier_that_changes_there_and_back_is_one_person(world: World, simulator: Simulated) -> None:
    names = ("u1", "u1b", "u1", "anne")
    world.run(*(message("1", number, external_id=name, plan="gold") for number, name in enumerate(names)))

    assert simulator.people() == {"anne": {"plan": "gold"}}


def test_two_users_with_one_identifier_are_one_person_and_a_problem(world: World, simulator: Simulated) -> None:
    world.run(message("1", 1, external_id="u1", plan="gold"), message("2", 1, external_id="u1", plan="free"))
    assert simulator.people() == {"u1": {"plan": "gold"}}
    [(kind, who, reason)] = world.problems()
    assert (kind, who) == ("conflict", "2")
    assert "'1'" in reason
    world.run(message("1", 2, external_id="u1", segments=[]))

    assert simulator.people() == {"u1": {"plan": "free"}}
    assert world.problems() == []


def test_email_as_identifier_is_one_whatever_its_case(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"identifier": "email", "identify_by": "email"})
    world.run(message("1", 1, email="U1@Example.com", plan="gold"), message("1", 2, email="u1@example.com", plan="new"))

    assert [person["plan"] for person in simulator.people().values()] == ["new"]


# ---- Anonymous people, and update only -------------------------------------------------------------------------------


def test_events_of_the_unknown_go_out_anonymously_and_become_the_persons(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"anonymous_events": True})
    visit = message("1", 1, event("page", "e1", type="page"), external_id=..., anonymous_ids=["visitor"])
    world.run(visit)
    assert simulator.people() == {}
    assert [event["name"] for event in simulator.anonymous()] == ["page"]
    world.run(message("1", 2, external_id="u1", plan="gold", anonymous_ids=["visitor"]))

    assert simulator.people()["u1"]["plan"] == "gold"
    assert simulator.event_names("u1") == ["page"]
    assert simulator.anonymous() == []


def test_an_invite_goes_to_version_1(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"anonymous_events": True, "events": ["Invited"]})
    invite = event("Invited", "e1", properties={"recipient": "guest@example.com"})
    world.run(message("1", 1, invite, external_id=...))

    assert [(call["endpoint"], call["status"]) for call in simulator.calls()] == [("/api/v1/events", 200)]
    assert simulator.people() == {}


def test_a_failing_invite_is_sent_once(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"anonymous_events": True, "events": ["Invited"]})
    simulator.go_wrong({"path": "/api/v1/events", "status": 503, "times": 2})
    invite = event("Invited", "e1", properties={"recipient": "guest@example.com"})
    world.run(message("1", 1, invite, external_id=...))

    assert simulator.statuses() == [503, 503, 200]


def test_anonymous_events_are_off_unless_asked_for(world: World, simulator: Simulated) -> None:
    world.run(message("1", 1, event("page", "e1", type="page"), external_id=..., anonymous_ids=["visitor"]))

    assert simulator.calls() == []


def test_events_whose_person_lost_the_identifier_do_not_keep_delivery_busy(world: World, simulator: Simulated) -> None:
    world.take(message("1", 1, event("Signed up", "e1"), external_id="u1"), message("1", 2, external_id=...))
    turns = iter(range(20))
    finished = world.runtime.courier("main").deliver(until=lambda: next(turns, None) is None)

    assert finished
    assert simulator.calls() == []


def test_update_mode_creates_nobody(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"mode": "update", "on_exit": "keep"})
    world.run(message("u1", 1, plan="gold"))

    assert simulator.statuses() == [200]
    assert simulator.people() == {}


def test_update_mode_updates_who_is_there(make_world: Callable[..., World], simulator: Simulated, world: World) -> None:
    world.run(message("u1", 1, plan="free", city="Bergen"))
    with world.store.writing() as tx:
        for table in ("entity", "identity"):
            tx.exec_driver_sql(f"DELETE FROM {table}")
    make_world(sync={"mode": "update", "on_exit": "keep"}).run(message("u1", 2, plan="gold"))

    assert simulator.people() == {"u1": {"plan": "gold", "city": "Bergen"}}


def test_create_mode_creates_and_leaves_as_they_are(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"mode": "create"})
    world.run(message("u1", 1, plan="free", city="Bergen"))
    world.run(message("u1", 2, event("Signed up", "e1"), plan="gold"), message("u1", 3, external_id="u1b", plan="gold"))

    assert simulator.people() == {"u1": {"plan": "free", "city": "Bergen"}}
    assert simulator.event_names("u1") == ["Signed up"]
    assert world.due() == 0


def test_create_mode_deletes_who_leaves_and_creates_who_comes_back(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"mode": "create"})
    world.run(message("u1", 1, plan="free"), message("u1", 2, plan="gold", segments=[]))
    assert simulator.people() == {}
    world.run(message("u1", 3, plan="team"))
    assert simulator.people() == {"u1": {"plan": "team"}}


def test_create_mode_brings_a_person_whose_first_request_was_lost(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"mode": "create"})
    simulator.go_wrong({"path": BATCH, "drop": "before", "times": 1})
    world.take(message("u1", 1, plan="free"))
    world.cycle()
    world.run(message("u1", 2, plan="gold"))

    assert simulator.people() == {"u1": {"plan": "gold"}}


# ---- Settings --------------------------------------------------------------------------------------------------------


def test_a_rehearsal_sends_nothing(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"deliver": False})
    world.take(message("u1", 1, plan="gold"))

    assert world.runtime.courier("main").deliver()
    assert (world.due(), simulator.calls()) == (1, [])


def test_an_attribute_taken_off_the_list_is_cleared(make_world: Callable[..., World], simulator: Simulated) -> None:
    make_world().run(message("u1", 1, plan="gold", city="Bergen"))
    make_world(sync={"attributes": ["plan"]}).run(message("u1", 2, plan="gold", city="Bergen"))

    assert simulator.people() == {"u1": {"plan": "gold"}}


def test_two_syncs_deliver_beside_each_other(make_world: Callable[..., World], simulator: Simulated) -> None:
    syncs = values()["syncs"]["main"]
    both = {"main": syncs, "second": {**syncs, "segments": ["Trial"], "identifier": "nickname"}}
    world = make_world(syncs=both)
    world.take(message("1", 1, external_id="u1", plan="gold", nickname="u1c", segments=["Paying", "Trial"]))
    world.settle("main")
    world.settle("second")

    assert sorted(simulator.people()) == ["u1", "u1c"]


@pytest.mark.parametrize(
    ("region", "address"), [("us", "https://track.customer.io"), ("eu", "https://track-eu.customer.io")]
)
def test_each_region_has_its_address(region: str, address: str) -> None:
    connection = Connection.model_validate({"name": "main", "region": region})
    with Track(connection, 5.0) as track:
        assert str(track._client.base_url).rstrip("/") == address


@pytest.mark.parametrize("region", ["us", "eu"])
def test_a_workspace_is_reached_where_track_url_says(
    make_world: Callable[..., World], simulator: Simulated, region: str
) -> None:
    world = make_world(connection={"region": region})
    world.run(message("u1", 1, plan="gold"))

    assert [call["endpoint"] for call in simulator.calls()] == [BATCH]


def test_requests_keep_the_connections_pace(make_world: Callable[..., World], simulator: Simulated) -> None:
    waits: list[float] = []
    world = make_world(connection={"requests_per_second": 1.0}, sync={"anonymous_events": True})
    invites = [event("Signed up", f"e{number}", properties={"recipient": "guest@example.com"}) for number in range(4)]
    world.take(message("1", 1, *invites, external_id=...))
    courier = world.runtime.courier("main")
    replace(courier, sender=replace(courier.sender, sleep=waits.append)).cycle()

    # Nobody really waits here, so each turn is further ahead than the one before.
    assert len(simulator.calls()) == 4
    assert len(waits) == 3
    assert waits == sorted(waits)
    assert 2.0 < waits[-1] <= 3.0
