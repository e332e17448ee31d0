"""One rule for key and identifier, from the message to a simulated Customer.io."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from connector import formats
from connector.admin import problems as remedies
from connector.bulk.tabular.user_from_row import UserShape
from connector.bulk.tabular.user_from_row import message as of_row
from connector.intake.accept import accept
from connector.model import identifiers
from connector.store import problems as store_problems
from tests.simulated import Simulated
from tests.world import World, message

pytestmark = pytest.mark.in_turn


def test_an_id_that_a_table_made_a_float_is_the_same_user(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"identifier": "id"})
    world.run(message("1001", 1, plan="gold"))
    shape = UserShape(key="crm", entered=("Paying",), full=True)
    world.run(of_row({"crm": 1001.0, "plan": "free"}, shape))

    assert simulator.people() == {"1001": {"plan": "free"}}


def test_blanks_around_an_address_are_none_of_it(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"identifier": "email", "identify_by": "email"})
    world.run(message("u1", 1, email="ada@example.com", plan="gold"))
    world.run(message("u1", 2, email="\u00a0ada@example.com ", plan="free"))

    assert simulator.people() == {"ada@example.com": {"plan": "free"}}
    assert "merged" not in world.tallies()


def test_placeholders_make_nobody_one_person(world: World, simulator: Simulated) -> None:
    taken = world.take(message("undefined", 1, plan="gold"), message("u1", 1, external_id="NULL"), message("u2", 1))
    world.settle()

    assert simulator.people() == {"u2": {}}
    assert taken.unreadable == 1
    reasons = {kind: reason for kind, _, reason in world.problems()}
    assert "'undefined'" in reasons["unreadable"]
    assert "'NULL'" in reasons["identifier"]


def test_the_settings_say_what_is_a_placeholder(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(intake={"format": "native", "placeholders": ["guest"]})
    world.run(message("undefined", 1), message("Guest", 1))

    assert simulator.people() == {"undefined": {}}


ALIAS = {"type": "alias", "previousId": "guest", "userId": "u1", "messageId": "m1", "timestamp": "2026-01-31T10:00:00Z"}


@pytest.mark.parametrize(
    ("form", "merging"),
    [
        ("segment", ALIAS),
        ("segment", {**ALIAS, "previousId": "u0", "userId": "Guest"}),
        ("native", {"user": {"id": "u1"}, "merges": ["guest", {"external_id": "GUEST"}], "version": 2}),
        ("native", {"user": {"id": "guest"}, "merges": ["u1", "u2"], "version": 2}),
    ],
)
def test_a_merge_that_names_a_placeholder_is_one_problem_and_its_replay_merges(
    make_world: Callable[..., World], simulator: Simulated, form: str, merging: dict[str, Any]
) -> None:
    world = make_world(sync={"segments": ["*"]}, intake={"format": "native", "placeholders": ["guest"]})
    rules = [replace(each, placeholders=identifiers.placeholders(["guest"])) for each in world.rules]
    assert accept(world.store, rules, formats.parse(form, [merging])).unreadable == 1
    with world.store.reading() as tx:
        [kept] = store_problems.kept(tx)
    assert (kept.problem.payload, kept.problem.form, kept.count) == (merging, form, 1)

    world.runtime.syncs = [replace(each, placeholders=frozenset()) for each in world.rules]
    remedies.replay(world.runtime, kept)
    with world.store.reading() as tx:
        merged = tx.execute(text("SELECT count(*) FROM entity WHERE standing = 'merged into another user'")).scalar()
    assert merged


# --- one holder for each identifier ----------------------------------------------------------------------------------

WITH_EMAIL = {"attributes": ["email", "plan"]}
ADA = "ada@example.com"


def conflicts(world: World) -> list[tuple[str, str]]:
    return [(subject, reason) for kind, subject, reason in world.problems() if kind == "conflict"]


def emails(simulator: Simulated) -> dict[str, str]:
    return {each["identifiers"]["id"]: each["identifiers"].get("email", "") for each in simulator.whole_people()}


def test_of_two_users_with_one_address_the_second_is_a_problem_that_names_both(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync=WITH_EMAIL)
    world.run(message("u1", 1, email=ADA, plan="gold"), message("u2", 1, email="Ada@Example.com", plan="free"))
    world.run(message("u1", 2, email=ADA, plan="team"), message("u2", 2, email=ADA, plan="none"))

    assert simulator.people() == {"u1": {"plan": "team"}}
    assert emails(simulator) == {"u1": ADA}
    [(subject, reason)] = conflicts(world)
    assert subject == "u2"
    assert f"email:{ADA} is the identifier of the user 'u1' too" in reason


def test_the_second_gets_the_address_when_the_first_has_another_or_is_gone(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    simulator.reset(email_change_by_id=True)
    world = make_world(sync=WITH_EMAIL)
    world.run(*(message(user, 1, email=ADA) for user in ("u1", "u2", "u3")))
    world.run(message("u1", 2, email="ada@example.org"))
    assert emails(simulator) == {"u1": "ada@example.org", "u2": ADA}
    assert [subject for subject, _ in conflicts(world)] == ["u3"]

    world.run(message("u2", 2, email=ADA, segments=[]))
    assert emails(simulator) == {"u1": "ada@example.org", "u3": ADA}
    assert conflicts(world) == []


def test_an_address_that_was_wanted_and_never_sent_is_free_again(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync=WITH_EMAIL)
    world.take(message("u1", 1, email=ADA))
    world.take(message("u2", 1, email=ADA))
    world.take(message("u1", 2, email="ada@example.org"))
    world.settle()

    assert emails(simulator) == {"u1": "ada@example.org", "u2": ADA}


def test_who_waits_for_two_identifiers_is_sent_when_both_are_theirs(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    simulator.reset(email_change_by_id=True)
    world = make_world(sync=WITH_EMAIL)
    world.run(message("a", 1, external_id="1"), message("b", 1, external_id="2", email=ADA))
    world.run(message("c", 1, external_id="1", email=ADA))
    world.run(message("a", 2, external_id="1", segments=[]))
    assert emails(simulator) == {"2": ADA}
    assert [(subject, reason.split(" is ")[0]) for subject, reason in conflicts(world)] == [("c", f"email:{ADA}")]

    world.run(message("b", 2, external_id="2", email="ben@example.com"))
    assert emails(simulator) == {"2": "ben@example.com", "1": ADA}
    assert conflicts(world) == []


@pytest.mark.parametrize("identify_by", ["id_or_email", "cio_id"])
def test_the_address_has_one_holder_by_whatever_people_are_known(
    make_world: Callable[..., World], identify_by: str
) -> None:
    world = make_world(sync={**WITH_EMAIL, "identify_by": identify_by, "deliver": False})
    world.take(message("u1", 1, email=ADA))
    world.take(message("u2", 1, email=ADA))

    assert [subject for subject, _ in conflicts(world)] == ["u2"]


def test_an_id_among_the_attributes_has_one_holder(make_world: Callable[..., World], simulator: Simulated) -> None:
    by_email = {"identifier": "email", "identify_by": "email", "attributes": [{"from": "crm", "to": "id"}]}
    world = make_world(sync=by_email)
    world.run(message("u1", 1, email=ADA, crm="7"), message("u2", 1, email="ben@example.com", crm=7))

    assert emails(simulator) == {"7": ADA}
    assert [subject for subject, _ in conflicts(world)] == ["u2"]


def called(world: World, call: dict[str, Any]) -> None:
    """Takes in a call of the Segment spec, and delivers what came of it."""
    accept(world.store, world.rules, formats.parse("segment", call))
    world.settle()


def test_a_call_that_does_not_give_the_external_id_does_not_undo_it(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"segments": ["*"], "identifier": "external_id"})
    track = {"type": "track", "userId": "u1", "event": "Tried"}
    identify = {"type": "identify", "userId": "u1", "traits": {"external_id": "998", "plan": "gold"}}
    for number, call in enumerate((track, identify, track, {**identify, "traits": {"external_id": None}}, identify)):
        called(world, {**call, "messageId": f"m{number}", "timestamp": f"2026-01-31T10:0{number}:00Z"})

    assert simulator.people() == {"998": {"plan": "gold"}}
    assert world.tallies()["merged"] == 1


def test_the_external_id_counts_whenever_it_comes(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(sync={"segments": ["*"], "identifier": "external_id"})
    call = {"userId": "u1", "messageId": "m1", "timestamp": "2026-01-31T10:00:00Z"}
    called(world, {**call, "type": "page", "messageId": "m2", "timestamp": "2026-01-31T11:00:00Z"})
    called(world, {**call, "type": "identify", "traits": {"external_id": "998"}})
    assert set(simulator.people()) == {"998"}

    called(world, {**call, "type": "delete", "messageId": "m3", "timestamp": "2026-01-31T12:00:00Z"})
    assert simulator.people() == {}
    called(world, {**call, "type": "identify", "messageId": "m4", "timestamp": "2026-01-31T13:00:00Z"})
    assert set(simulator.people()) == {"u1"}


@pytest.mark.parametrize("identify_by", ["id", "id_or_email"])
def test_the_address_of_who_is_suppressed_is_blocked_and_nobody_elses(
    make_world: Callable[..., World], simulator: Simulated, identify_by: str
) -> None:
    world = make_world(sync={**WITH_EMAIL, "identify_by": identify_by})
    world.run(message("u1", 1, email=ADA))
    world.run({**message("u1", 2, email=ADA), "suppressed": True})
    world.run(message("u2", 1, email=ADA))
    assert simulator.people() == {}
    assert [subject for subject, _ in conflicts(world)] == ["u2"]

    world.run({**message("u1", 3, email="other@example.com"), "suppressed": False})
    assert emails(simulator) == {"u1": "other@example.com", "u2": ADA}


@pytest.mark.parametrize("said", ["9", None, "undefined"])
@pytest.mark.parametrize("gone", [False, True])
def test_an_id_among_the_attributes_stays_the_persons_as_it_does_in_customerio(
    make_world: Callable[..., World], simulator: Simulated, said: str | None, *, gone: bool
) -> None:
    by_email = {"identifier": "email", "identify_by": "email", "on_exit": "clear"}
    world = make_world(sync={**by_email, "attributes": ["plan", {"from": "crm", "to": "id"}]})
    world.run(message("u1", 1, email=ADA, crm="7", plan="gold"))
    world.run(message("u1", 2, email=ADA, crm=said, plan="gold", segments=[] if gone else ["Paying"]))
    world.run(message("u2", 1, email="ben@example.com", crm="7", plan="free"))

    assert simulator.people() == {"7": {} if gone else {"plan": "gold"}}
    assert emails(simulator) == {"7": ADA}
    assert [subject for subject, _ in conflicts(world)] == ["u2"]
    told = [reason for kind, subject, reason in world.problems() if (kind, subject) == ("identifier", "u1")]
    assert len(told) == (said == "undefined" or (said == "9" and not gone))


@pytest.mark.parametrize("none", ["n/a", "NULL", "undefined", "unknown", "-", "x" * 150 + "@example.com"])
def test_what_is_no_address_makes_nobody_one_person(
    make_world: Callable[..., World], simulator: Simulated, none: str
) -> None:
    world = make_world(sync=WITH_EMAIL)
    world.run(message("u1", 1, email=none, plan="gold"), message("u2", 1, email=none, plan="free"))

    assert simulator.people() == {"u1": {"plan": "gold"}, "u2": {"plan": "free"}}
    assert emails(simulator) in ({"u1": "", "u2": ""}, {"u1": None, "u2": None})
    assert [(kind, subject) for kind, subject, _ in world.problems()] == [("attribute", "u1"), ("attribute", "u2")]


def test_where_people_are_known_by_address_what_is_none_is_a_problem(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"identifier": "email", "identify_by": "email"})
    world.run(message("u1", 1, email="unknown"), message("u2", 1, email="unknown"))

    assert simulator.people() == {}
    assert {kind for kind, _, _ in world.problems()} == {"identifier"}


def test_where_an_address_identifies_nobody_many_may_have_it(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    simulator.reset(mode="id_only")
    world = make_world(sync=WITH_EMAIL, connection={"email_identifies": False})
    world.run(message("u1", 1, email=ADA), message("u2", 1, email=ADA))

    assert set(simulator.people()) == {"u1", "u2"}
    assert conflicts(world) == []


def test_two_who_swap_addresses_end_right_once_one_of_them_has_a_third_one_for_a_moment(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    simulator.reset(email_change_by_id=True)
    world = make_world(sync={"attributes": ["email"]})
    ada, bea = "ada@example.com", "bea@example.com"
    world.run(message("u1", 1, email=ada), message("u2", 1, email=bea))
    world.run(message("u1", 2, email=bea), message("u2", 2, email=ada))
    assert {user for kind, user, _ in world.problems() if kind == "conflict"} == {"u1", "u2"}
    world.run(message("u1", 3, email="meanwhile@example.com"))
    world.run(message("u1", 4, email=bea))

    held = {each["identifiers"]["id"]: each["identifiers"]["email"] for each in simulator.whole_people()}
    assert held == {"u1": bea, "u2": ada}
    assert world.due() == 0
