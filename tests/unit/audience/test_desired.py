"""Who is in the audience, and what Customer.io should hold of them."""

from typing import Any

import pytest

from connector import audience
from connector.audience import Standing
from connector.model.change import Change
from connector.model.entity import Facts, Identifier, Person
from connector.model.versioned import Register
from connector.audience.rules import Rules
from tests import build
from tests.build import PAYING, STAFF, TRIAL, after, moved, snapshot


def facts(
    segments: dict[str, str | None] | None = None, *, entered: bool = True, plan: Any = "pro", **identity: Any
) -> Facts:
    told = {"identifier": "1001", "email": "user-1@example.com", **identity}
    inside = {"s-1": "Paying"} if segments is None else segments
    attributes, traces = Register({"plan": plan, "old": 1}, 1), Register({"anonymous_id": "v-1"}, 1)
    return Facts(attributes, Register(inside, 1), Register(told, 1), traces, entered=entered)


def rules(**settings: Any) -> Rules:
    return build.rules(**{"segment_attribute": "", **settings})


OUT: dict[str, str | None] = {"s-3": "Staff"}


@pytest.mark.parametrize(
    ("known", "settings", "standing"),
    [
        (facts(), {}, Standing.IN),
        (facts({"x": "Paying"}), {}, Standing.IN),
        (facts(), {"segments": ["s-1"]}, Standing.IN),
        (facts(OUT), {"segments": ["*"]}, Standing.IN),
        (facts({}), {"segments": ["*"]}, Standing.IN),
        (facts(entered=False), {}, Standing.OUTSIDE),
        (facts(), {"segments": []}, Standing.KEPT),
        (facts(OUT), {}, Standing.KEPT),
        (facts(OUT), {"on_exit": "clear"}, Standing.CLEARED),
        (facts(OUT), {"on_exit": "delete"}, Standing.DELETED),
        (facts({"s-1": None}), {"on_exit": "delete"}, Standing.DELETED),
        (facts(identifier=None), {}, Standing.NO_IDENTIFIER),
        (facts(OUT, identifier=None), {}, Standing.KEPT),
        (facts(OUT, identifier=None), {"on_exit": "delete"}, Standing.DELETED),
        (facts(email=None), {}, Standing.IN),
        (facts(email=None), {"require_email": True}, Standing.NO_EMAIL),
        (facts(email="n/a"), {"require_email": True}, Standing.NO_EMAIL),
        (facts(email=""), {"require_email": True}, Standing.NO_EMAIL),
        (facts(), {"require_email": True}, Standing.IN),
        (facts(identifier=None, email=None), {"require_email": True}, Standing.NO_IDENTIFIER),
    ],
)
def test_how_a_user_stands(known: Facts, settings: dict[str, Any], standing: Standing) -> None:
    assert audience.standing(known, rules(**settings)) is standing


@pytest.mark.parametrize("standing", Standing)
def test_a_standing_is_of_one_sort(standing: Standing) -> None:
    sorts = [standing is Standing.IN, standing is Standing.OUTSIDE, standing.unaddressed, standing.left]
    assert sorts.count(True) == 1


def test_who_is_in_is_wanted_with_what_the_settings_send_today() -> None:
    wanted = audience.desired(facts(), rules())
    assert wanted == audience.Desired(Standing.IN, Person(Identifier("id", "1001"), {"plan": "pro"}))


def test_null_is_wanted_as_null() -> None:
    assert audience.person(facts(plan=None), rules()).attributes == {"plan": None}


def test_who_is_kept_is_wanted_as_last_said() -> None:
    wanted = audience.desired(facts(OUT), rules(on_exit="keep"))
    assert wanted.person == Person(Identifier("id", "1001"), {"plan": "pro"})


@pytest.mark.parametrize(
    ("known", "settings"),
    [
        (facts(OUT), {"on_exit": "delete"}),
        (facts(OUT), {"on_exit": "clear"}),
        (facts(OUT, identifier=None), {"on_exit": "keep"}),
        (facts(OUT, email=None), {"on_exit": "keep", "require_email": True}),
        (facts(identifier=None), {}),
        (facts(email=None), {"require_email": True}),
        (facts(entered=False), {}),
    ],
)
def test_nobody_is_wanted(known: Facts, settings: dict[str, Any]) -> None:
    assert audience.desired(known, rules(**settings)).person is None


@pytest.mark.parametrize("identify_by", ["id", "email", "cio_id"])
def test_the_identifier_is_of_the_type_in_the_settings(identify_by: str) -> None:
    assert audience.person(facts(), rules(identify_by=identify_by)).identifier == Identifier(identify_by, "1001")


@pytest.mark.parametrize(("switch", "sent"), [(True, {"plan": "pro", "anonymous_id": "v-1"}), (False, {"plan": "pro"})])
def test_a_visitor_joins_the_person_where_anonymous_events_are_sent(switch: bool, sent: dict[str, str]) -> None:
    assert audience.person(facts(), rules(anonymous_events=switch)).attributes == sent


@pytest.mark.parametrize(
    ("told", "listed"),
    [
        ([snapshot(1, PAYING)], ["paying"]),
        ([snapshot(1, TRIAL, PAYING)], ["paying", "trial"]),
        ([snapshot(1, PAYING), moved(2, STAFF)], ["paying", "staff"]),
        ([snapshot(1, PAYING, STAFF), moved(2, left=[STAFF])], ["paying"]),
        ([snapshot(1, PAYING, STAFF), snapshot(2, STAFF)], ["paying", "staff"]),
        ([snapshot(1, PAYING, STAFF), moved(2, left=[PAYING])], ["paying", "staff"]),
    ],
    ids=["one", "two", "entered", "left", "kept after a snapshot", "kept after leaving"],
)
def test_the_segments_are_listed_as_they_are_or_were_last_inside(told: list[Change], listed: list[str]) -> None:
    wanted = audience.desired(after(told, build.rules()), build.rules()).person
    assert wanted is not None
    assert wanted.attributes == {"hull_segment": listed}


def test_the_attribute_of_segments_goes_by_the_name_in_the_settings() -> None:
    under = build.rules(segment_attribute="groups")
    assert audience.person(after([snapshot(1, PAYING)], under), under).attributes == {"groups": ["paying"]}
