"""Who is in the audience, and what Customer.io should hold of them."""

from typing import Any

import pytest

from connector.audience import desired as audience
from connector.audience.audience_status import AudienceStatus, standing_of
from connector.audience.rules import Rules
from connector.model.change import Change
from connector.model.entity import Facts, Identifier, Profile
from connector.model.lifecycle import Lifecycle
from connector.model.versioned import VersionedMap
from tests import build
from tests.build import PAYING, STAFF, TRIAL, after, moved, snapshot


def facts(
    segments: dict[str, str | None] | None = None, *, entered: bool = True, plan: Any = "pro", **identity: Any
) -> Facts:
    told = {"identifier": "1001", "email": "user-1@example.com", **identity}
    inside = {"s-1": "Paying"} if segments is None else segments
    attributes, lifecycle = VersionedMap({"plan": plan, "old": 1}, 1), Lifecycle().visited("v-1", 1)
    return Facts(attributes, VersionedMap(inside, 1), VersionedMap(told, 1), lifecycle, entered=entered)


def rules(**settings: Any) -> Rules:
    return build.rules(**{"segment_attribute": "", **settings})


OUT: dict[str, str | None] = {"s-3": "Staff"}


@pytest.mark.parametrize(
    ("known", "settings", "standing"),
    [
        (facts(), {}, AudienceStatus.IN),
        (facts({"x": "Paying"}), {}, AudienceStatus.IN),
        (facts(), {"segments": ["s-1"]}, AudienceStatus.IN),
        (facts(OUT), {"segments": ["*"]}, AudienceStatus.IN),
        (facts({}), {"segments": ["*"]}, AudienceStatus.IN),
        (facts(entered=False), {}, AudienceStatus.OUTSIDE),
        (facts(), {"segments": []}, AudienceStatus.KEPT),
        (facts(OUT), {}, AudienceStatus.KEPT),
        (facts(OUT), {"on_exit": "clear"}, AudienceStatus.CLEARED),
        (facts(OUT), {"on_exit": "delete"}, AudienceStatus.DELETED),
        (facts({"s-1": None}), {"on_exit": "delete"}, AudienceStatus.DELETED),
        (facts(identifier=None), {}, AudienceStatus.NO_IDENTIFIER),
        (facts(OUT, identifier=None), {}, AudienceStatus.KEPT),
        (facts(OUT, identifier=None), {"on_exit": "delete"}, AudienceStatus.DELETED),
        (facts(email=None), {}, AudienceStatus.IN),
        (facts(email=None), {"require_email": True}, AudienceStatus.NO_EMAIL),
        (facts(email="n/a"), {"require_email": True}, AudienceStatus.NO_EMAIL),
        (facts(email=""), {"require_email": True}, AudienceStatus.NO_EMAIL),
        (facts(), {"require_email": True}, AudienceStatus.IN),
        (facts(identifier=None, email=None), {"require_email": True}, AudienceStatus.NO_IDENTIFIER),
    ],
)
def test_how_a_user_stands(known: Facts, settings: dict[str, Any], standing: AudienceStatus) -> None:
    assert standing_of(known, rules(**settings)) is standing


@pytest.mark.parametrize("standing", AudienceStatus)
def test_a_standing_is_of_one_sort(standing: AudienceStatus) -> None:
    sorts = [standing is AudienceStatus.IN, standing is AudienceStatus.OUTSIDE, standing.unaddressed, standing.left]
    assert sorts.count(True) == 1


def test_who_is_in_is_wanted_with_what_the_settings_send_today() -> None:
    wanted = audience.desired(facts(), rules())
    assert wanted == audience.Desired(AudienceStatus.IN, Profile(Identifier("id", "1001"), {"plan": "pro"}))


def test_null_is_wanted_as_null() -> None:
    assert audience.person(facts(plan=None), rules()).attributes == {"plan": None}


def test_who_is_kept_is_wanted_as_last_said() -> None:
    wanted = audience.desired(facts(OUT), rules(on_exit="keep"))
    assert wanted.person == Profile(Identifier("id", "1001"), {"plan": "pro"})


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
    value = "ada@example.com" if identify_by == "email" else "1001"
    known = facts(identifier=value)
    assert audience.person(known, rules(identify_by=identify_by)).identifier == Identifier(identify_by, value)


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
