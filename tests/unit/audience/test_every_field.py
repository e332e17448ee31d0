"""`attributes = ["*"]`: every field of the user is sent, but those left out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.admin.preview.preview import Previewer
from connector.audience import desired, mapping
from connector.model.change import Change
from connector.model.entity import Facts
from connector.model.limits import ATTRIBUTES_AN_ITEM
from tests.build import PAYING, after, change, rules, said, sent_of, snapshot, thorough

ALL = ("*",)


def read(user: dict[str, Any], attributes: Any = ALL, **settings: Any) -> mapping.MappedFields:
    return mapping.read(change(user=user), rules(attributes=attributes, **settings))


@pytest.mark.parametrize(
    ("format", "body"),
    [
        ("native", {"user": {"id": "u-1", "external_id": "1001", "plan": "pro", "n": 1}, "segments": ["Paying"]}),
        (
            "hull",
            {
                "user": {
                    "id": "hull-1",
                    "external_id": "1001",
                    "traits_plan": "pro",
                    "traits": {"n": 1},
                    "anonymous_ids": ["v-1"],
                    "segment_ids": ["s-1"],
                    "indexed_at": "2026-01-31T10:00:00Z",
                },
                "segments": [{"id": "s-1", "name": "Paying"}],
            },
        ),
        ("segment", {"type": "identify", "userId": "1001", "anonymousId": "v-1", "traits": {"plan": "pro", "n": 1}}),
    ],
)
def test_every_trait_is_sent_and_nothing_that_says_who_somebody_is(format: str, body: Any) -> None:
    (told,) = formats.parse(format, body)
    assert isinstance(told, Change)
    assert mapping.read(told, rules(attributes=ALL)).attributes == {"plan": "pro", "n": 1}


def test_names_are_those_that_a_named_attribute_would_have() -> None:
    user = {"clearbit/employees": 5, "traits_city": "Bern", "email": "user-1@example.com"}
    assert read(user).attributes == {"clearbit-employees": 5, "city": "Bern", "email": "user-1@example.com"}


@pytest.mark.parametrize("user", [{"plan": "new", "traits_plan": "old"}, {"traits_plan": "old", "plan": "new"}])
def test_of_a_trait_in_two_forms_the_one_counts_that_counts_for_a_named_attribute(user: dict[str, Any]) -> None:
    assert read(user).attributes == read(user, ["plan"]).attributes == {"plan": "new"}


def test_fields_can_be_left_out() -> None:
    some = [{"from": "*", "except": ["traits_secret", "email"]}]
    assert read({"plan": "pro", "secret": "x", "email": "user-1@example.com"}, some).attributes == {"plan": "pro"}


def test_an_attribute_named_beside_it_goes_as_it_is_named_alone() -> None:
    beside = ["*", {"from": "plan", "to": "Plan", "transform": ["upper"]}, {"from": "id", "to": "user"}]
    assert read({"id": "u-1", "plan": "pro", "n": 1}, beside).attributes == {"Plan": "PRO", "user": "u-1", "n": 1}


def test_a_value_that_its_steps_do_not_take_does_not_go_without_them() -> None:
    found = read({"n": "many"}, ["*", {"from": "n", "transform": ["number"]}])
    assert found.attributes == {}
    assert [each.kind for each in found.problems] == ["attribute"]


def test_the_field_of_the_identifier_is_no_attribute() -> None:
    assert read({"customer": "1001", "plan": "pro"}, identifier="customer").attributes == {"plan": "pro"}


def test_a_trait_that_a_whole_message_does_not_name_is_cleared() -> None:
    under = rules(attributes=ALL, segment_attribute="")
    assert sent_of([snapshot(1, PAYING, plan="pro", n=1), snapshot(2, PAYING, plan="pro")], under) == {"plan": "pro"}
    assert sent_of([snapshot(1, PAYING, plan="pro"), said(2, n=1)], under) == {"plan": "pro", "n": 1}


def test_a_field_left_out_later_is_sent_no_more() -> None:
    facts = after([snapshot(1, PAYING, plan="pro", n=1)], rules(attributes=ALL))
    under = rules(attributes=[{"from": "*", "except": ["n"]}])
    assert desired.person(facts, under).attributes == {"plan": "pro", "hull_segment": ["paying"]}


@pytest.mark.parametrize(
    ("name", "words"),
    [("x" * 151, "exceeds 150 bytes"), ("a\0b", "has NUL or broken Unicode"), ("  ", "is blank")],
    ids=["long", "NUL", "blank"],
)
def test_a_name_that_customerio_does_not_take_costs_that_field_alone(name: str, words: str) -> None:
    found = read({name: 1, "plan": "pro"})
    assert found.attributes == {"plan": "pro"}
    assert words in found.problems[0].reason


@pytest.mark.parametrize("name", ["cio_id", "_update", "_timestamp", "cio_relationships"])
def test_what_customerio_takes_as_an_order_is_no_attribute(name: str) -> None:
    assert read({name: True, "plan": "pro"}).attributes == {"plan": "pro"}


@thorough
@given(st.integers(0, 40), st.sampled_from(["list", "booleans"]))
def test_never_more_attributes_than_a_person_can_have(above: int, shape: str) -> None:
    under = rules(attributes=ALL, segment_shape=shape, segments=["*"])
    found = mapping.read(change(user={f"f{n}": n for n in range(280 + above)}), under)
    segments = under.segments_as.attributes([f"s{n}" for n in range(200)], Facts())
    assert len({**found.attributes, **segments}) <= ATTRIBUTES_AN_ITEM + (shape == "list")
    assert bool(found.problems) == (len(found.attributes) < 280 + above)


def test_a_persons_own_choice_is_not_told_again_among_all_fields_either() -> None:
    told = [snapshot(version, PAYING, unsubscribed=False, plan=plan) for version, plan in ((1, "pro"), (2, "team"))]
    first, second = Previewer((rules(attributes=ALL),)).preview(told)
    assert first.operations[0]["attributes"]["unsubscribed"] is False
    assert second.operations[0]["attributes"] == {"plan": "team", "hull_segment": ["paying"]}


def test_the_preview_names_only_fields_that_are_not_sent() -> None:
    some = [{"from": "*", "except": ["shoe_size"]}]
    (shown,) = Previewer((rules(attributes=some),), explained=True).preview(
        [snapshot(1, PAYING, plan="pro", shoe_size=38)]
    )
    assert [each.name for each in shown.explanation if each.kind == "fields"] == ["shoe_size"]
