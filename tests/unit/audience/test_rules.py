"""A sync's settings as look-ups."""

from typing import Any

import pytest

from connector.audience.rules import MISSING, FieldSource
from tests.build import rules
from tests.build_settings import rules as rules_of

FORMS: list[dict[str, Any]] = [{"plan": 1}, {"traits_plan": 1}, {"traits": {"plan": 1}}]
GROUPED: list[dict[str, Any]] = [
    {"clearbit/employees": 1},
    {"traits_clearbit/employees": 1},
    {"clearbit": {"employees": 1}},
    {"traits": {"clearbit": {"employees": 1}}},
    {"traits": {"clearbit/employees": 1}},
]


@pytest.mark.parametrize("name", ["plan", "traits_plan", "traits.plan"])
@pytest.mark.parametrize("attributes", FORMS)
def test_every_form_of_the_setting_finds_every_form_of_the_attribute(name: str, attributes: dict[str, Any]) -> None:
    assert FieldSource.of(name).find(attributes) == 1


@pytest.mark.parametrize("name", ["clearbit/employees", "traits_clearbit/employees", "traits.clearbit/employees"])
@pytest.mark.parametrize("attributes", GROUPED)
def test_groups_are_found_flat_and_nested(name: str, attributes: dict[str, Any]) -> None:
    assert FieldSource.of(name).find(attributes) == 1


@pytest.mark.parametrize(
    ("name", "attributes", "value"),
    [
        ("email", {"email": 1, "traits_email": 2}, 1),
        ("traits_email", {"email": 1, "traits_email": 2}, 2),
        ("traits.email", {"email": 1, "traits_email": 2}, 2),
        ("traits_traits_plan", {"traits_plan": 3}, 3),
        ("traits_traits_plan", {"traits_traits_plan": 4, "traits_plan": 3}, 4),
        ("plan", {"plan": None, "traits_plan": 2}, None),
        ("a/b/c", {"a": {"b": {"c": 5}}}, 5),
    ],
)
def test_the_form_that_was_named_goes_first(name: str, attributes: dict[str, Any], value: Any) -> None:
    assert FieldSource.of(name).find(attributes) == value


@pytest.mark.parametrize(
    "attributes", [{}, {"Plan": 1}, {"traits": None}, {"traits": [1]}, {"traits": {"x": 1}}, {"traits_traits_plan": 1}]
)
def test_what_is_in_no_form_is_missing(attributes: dict[str, Any]) -> None:
    assert FieldSource.of("plan").find(attributes) is MISSING


@pytest.mark.parametrize(
    ("whitelist", "segments", "admitted"),
    [
        (["Paying"], [("s-1", "Paying")], True),
        (["s-1"], [("s-1", "Paying")], True),
        (["Paying", "Trial"], [("s-2", "Trial"), ("s-3", "Staff")], True),
        (["Staff"], [("s-1", "Paying")], False),
        (["paying"], [("s-1", "Paying")], False),
        (["Paying"], [("s-1", None)], False),
        (["s-1"], [("s-1", None)], False),
        (["s-1"], [], False),
        ([], [("s-1", "Paying")], False),
        (["*"], [("s-1", "Paying")], True),
        (["*"], [], True),
        (["ALL"], [("s-1", "Paying")], False),
    ],
)
def test_the_whitelist_names_segments_by_id_or_name(
    whitelist: list[str], segments: list[tuple[str, str | None]], admitted: bool
) -> None:
    assert rules(segments=whitelist).admits(segments) is admitted


@pytest.mark.parametrize(
    ("listed", "kind", "name", "allowed"),
    [
        ([], "event", "Signed up", False),
        (["Signed up"], "event", "Signed up", True),
        (["Signed up"], "event", "signed up", False),
        (["page"], "page", "https://example.com/", True),
        (["page"], "screen", "Home", False),
        (["screen"], "screen", "Home", True),
        (["Signed up"], "page", "https://example.com/", False),
        (["*"], "event", "anything", True),
        (["*"], "page", "https://example.com/", True),
    ],
)
def test_events_pass_by_name_and_pages_by_kind(listed: list[str], kind: str, name: str, allowed: bool) -> None:
    assert rules(events=listed).allows(kind, name) is allowed


@pytest.mark.parametrize(
    ("target", "maps"),
    [("plan", True), ("hull_segment", True), ("account_name", False), ("account_plan", True), ("email", False)],
)
def test_only_what_the_settings_name_is_sent(target: str, maps: bool) -> None:
    assert rules(attributes=["plan", "account.plan"]).maps(target) is maps


def test_a_whole_account_maps_whatever_it_holds() -> None:
    whole = rules(attributes=["account"])
    assert whole.maps("account_anything")
    assert not whole.maps("plan")


def test_without_a_segment_attribute_none_is_sent() -> None:
    assert not rules(segment_attribute="").maps("")


def test_renamed_attributes_go_by_their_new_name() -> None:
    renamed = rules(attributes=[{"from": "traits_clearbit/employees", "to": "employees"}])
    assert renamed.maps("employees")
    assert not renamed.maps("clearbit-employees")


def test_attributes_with_steps_stand_apart_so_that_the_others_cost_nothing_more() -> None:
    stepped = {"from": "account.name", "to": "company", "transform": ["trim", {"default": "none"}]}
    found = rules(attributes=["plan", "account.plan", {"from": "city", "transform": ["text"]}, stepped])
    assert [target for target, _ in (*found.attributes, *found.account_attributes)] == ["plan", "account_plan"]
    assert [(each.target, each.of_account, each.fills, each.stays_text) for each in found.transformed] == [
        ("city", False, False, True),
        ("company", True, True, False),
    ]
    assert found.maps("company")


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        (["plan"], "email"),
        (["email"], "email"),
        ([{"from": "work_email", "to": "email"}], "work_email"),
        ([{"from": "work_email", "to": "email", "transform": ["lower"]}], "work_email"),
        ([{"from": "account.email", "to": "email"}], "email"),
    ],
)
def test_the_email_is_the_field_that_is_sent_as_it(attributes: list[Any], field: str) -> None:
    under = rules_of(attributes=attributes)
    assert under.email == FieldSource.of(field)
