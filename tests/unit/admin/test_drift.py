"""What counts as drift, and what is only Customer.io's way to write it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.admin.audit import drift
from connector.admin.audit.drift import Difference, Expected
from connector.model.entity import Entity, Facts, Profile
from connector.planning.step import UNCERTAIN
from connector.simulator.state import view
from tests.build import PAYING, STAFF, after, ident, person, rules, snapshot, thorough


def expected(one: Profile | None, **given: Any) -> Expected:
    return Expected("u-1", 1, ident("1001"), one, **given)


def found(delivered: Any, held: Any, name: str = "plan") -> list[tuple[str, str]]:
    """Kinds and names of what is found where `delivered` was sent and `held` is shown; ... is nothing."""
    shown = {} if held is ... else {name: held}
    return [(each.kind, each.name) for each in drift.differences(expected(person(**{name: delivered})), shown)]


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delivered", "held"),
    [
        ("gold", "gold"),
        ("007", "007"),
        ("true", "true"),
        (30, "30"),
        (30, 30),
        (30.0, "30"),
        (30, "30.0"),
        (1e22, "10000000000000000000000"),
        (0.1, "0.1"),
        (9007199254740993, "9007199254740992"),
        (1_790_812_800, "1790812800"),
        (10**400, str(10**400)),
        (True, "true"),
        (False, "false"),
        (True, True),
        (["paying", "trial"], '["paying","trial"]'),
        (["paying", "trial"], '["paying", "trial"]'),
        (["paying"], ["paying"]),
        ({"a": 1, "b": [True, 2]}, '{"b":[true,2.0],"a":1}'),
        ({"a": 1, "b": None}, '{"a":1}'),
        ([1, "x"], '["1","x"]'),
        (None, ...),
        (None, None),
        (None, ""),
        ("", ...),
        ([], ...),
        ({}, None),
        (UNCERTAIN, "anything"),
        (UNCERTAIN, ...),
    ],
)
def test_a_value_that_is_only_written_otherwise_is_no_drift(delivered: Any, held: Any) -> None:
    assert found(delivered, held) == []


@pytest.mark.parametrize(
    ("delivered", "held", "kind"),
    [
        ("gold", "silver", "attribute other"),
        ("gold", "Gold", "attribute other"),
        ("007", "7", "attribute other"),
        ("1", "1.0", "attribute other"),
        (30, "31", "attribute other"),
        (30, "thirty", "attribute other"),
        (0, "false", "attribute other"),
        (True, "false", "attribute other"),
        (True, "1", "attribute other"),
        (10**400, str(10**400 + 1), "attribute other"),
        (["paying"], '["paying","trial"]', "attribute other"),
        (["paying", "trial"], '["trial","paying"]', "attribute other"),
        (["paying"], "paying", "attribute other"),
        (["paying"], '["paying"', "attribute other"),
        ([], "x", "attribute other"),
        ({"a": 1}, '{"a":2}', "attribute other"),
        ({"a": 1}, '{"a":1,"b":1}', "attribute other"),
        ("gold", ..., "attribute absent"),
        ("gold", None, "attribute absent"),
        ("gold", "", "attribute absent"),
        (0, ..., "attribute absent"),
        (False, ..., "attribute absent"),
        (None, "gold", "attribute surplus"),
        ("", "gold", "attribute surplus"),
        (None, "false", "attribute surplus"),
    ],
)
def test_a_value_that_is_another_is_drift(delivered: Any, held: Any, kind: str) -> None:
    assert found(delivered, held) == [(kind, "plan")]


def test_an_address_compares_without_case() -> None:
    assert found("User-1@Example.com", "user-1@example.com", "email") == []
    assert found("user-1@example.com", "user-2@example.com", "email") == [("attribute other", "email")]


OF_CUSTOMER_IO = (
    "cio_id",
    "cio_subscription_preferences",
    "cio_subscription_preferences.topics.topic_1",
    "_created_in_customerio_at",
    "anonymous_id",
    "unsubscribed",
    "timezone_valid",
)


@pytest.mark.parametrize("name", OF_CUSTOMER_IO)
def test_what_customer_io_or_the_person_changes_is_not_compared(name: str) -> None:
    assert found("x", "y", name) == []
    assert found("x", ..., name) == []
    assert found(None, "y", name) == []


def test_created_at_is_a_time_like_any_other() -> None:
    assert found(1_790_812_800, "1790812800", "created_at") == []
    assert found(1_790_812_800, "1790812801", "created_at") == [("attribute other", "created_at")]


def test_attributes_that_were_not_delivered_are_nobodys_business() -> None:
    held = {"plan": "gold", "city": "Bergen", "id": "1001"}
    assert drift.differences(expected(person(plan="gold")), held) == ()


def test_every_difference_is_told_with_both_values_by_name() -> None:
    delivered = person(plan="gold", city="Bergen", seats=None, name="Ada")
    held = {"plan": "silver", "seats": "3", "name": "Ada"}
    assert drift.differences(expected(delivered), held) == (
        Difference("attribute absent", "city", "Bergen", None),
        Difference("attribute other", "plan", "gold", "silver"),
        Difference("attribute surplus", "seats", None, "3"),
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@thorough
@given(JSON)
def test_whatever_was_delivered_shows_no_drift_when_it_is_shown_as_a_string(value: Any) -> None:
    sent = json.loads(json.dumps(value))
    assert found(sent, ... if sent is None else view.as_text(sent)) == []


# --- people ----------------------------------------------------------------------------------------------------------


def test_nobody_where_somebody_was_delivered_is_missing() -> None:
    assert drift.differences(expected(person(plan="gold")), None) == (Difference("missing"),)


def test_nobody_is_missing_who_may_never_have_been_created() -> None:
    assert drift.differences(expected(person(plan="gold"), optional=True), None) == ()


def test_somebody_where_nobody_should_be_is_one_difference() -> None:
    assert drift.differences(expected(None), {"plan": "gold"}) == (Difference("should be absent"),)
    assert drift.differences(expected(None), None) == ()


# --- whom to expect --------------------------------------------------------------------------------------------------

INSIDE = (snapshot(1, PAYING, plan="gold"),)
OUTSIDE = (snapshot(1, PAYING, plan="gold"), snapshot(2, STAFF, plan="gold"))
NAMELESS = (snapshot(1, PAYING, plan="gold"), snapshot(2, PAYING, plan="gold", external_id=None))


def entity(delivered: Profile | None, *changes: Any, **settings: Any) -> Entity:
    facts = after(changes, rules(**settings)) if changes else Facts()
    return Entity("u-1", facts, delivered, revision=7)


def test_who_is_held_is_expected_as_delivered_under_the_identifier_delivered() -> None:
    delivered = person("former", plan="silver")
    assert drift.expected(entity(delivered, *INSIDE), rules()) == Expected("u-1", 7, ident("former"), delivered)


def test_who_left_and_is_kept_is_expected_as_delivered() -> None:
    delivered = person(plan="gold")
    assert drift.expected(entity(delivered, *OUTSIDE), rules()) == Expected("u-1", 7, ident("1001"), delivered)


def test_who_is_only_updated_need_not_be_there() -> None:
    one = drift.expected(entity(person(plan="gold"), *INSIDE), rules(mode="update"))
    assert one is not None
    assert one.optional


def test_who_was_deleted_is_expected_nowhere() -> None:
    gone = entity(None, *OUTSIDE, on_exit="delete")
    assert drift.expected(gone, rules(on_exit="delete")) == Expected("u-1", 7, ident("1001"), None)


@pytest.mark.parametrize(
    ("delivered", "changes", "settings"),
    [
        (person(), OUTSIDE, {"on_exit": "clear"}),
        (person(), OUTSIDE, {"on_exit": "delete"}),
        (person(plan="gold"), NAMELESS, {}),
        (person(plan="gold"), INSIDE, {"require_email": True}),
        (None, INSIDE, {}),
        (None, OUTSIDE, {}),
        (None, OUTSIDE, {"on_exit": "clear"}),
        (None, (*NAMELESS, snapshot(3, external_id=None)), {"on_exit": "delete"}),
        (None, (), {"on_exit": "delete"}),
    ],
    ids=["cleared", "deletion dropped", "without identifier", "without e-mail", "never delivered", "kept unseen",
         "cleared unseen", "deleted without identifier", "outsider"],
)  # fmt: skip
def test_where_delivery_makes_no_claim_nothing_is_expected(
    delivered: Profile | None, changes: tuple[Any, ...], settings: dict[str, Any]
) -> None:
    assert drift.expected(entity(delivered, *changes, **settings), rules(**settings)) is None
