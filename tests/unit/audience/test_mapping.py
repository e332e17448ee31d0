"""A user's attributes as Customer.io wants them."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.audience import mapping
from connector.audience.addressing import has_email
from connector.audience.dates import cast
from connector.audience.mapping import MappedFields
from connector.model.problem import Problem
from tests.build import change, rules, thorough

NEW_YEAR = 1_577_836_800
BYTES = 1000


def read(
    user: dict[str, Any], *attributes: Any, account: dict[str, Any] | None = None, **settings: Any
) -> MappedFields:
    return mapping.read(change(user=user, account=account or {}), rules(attributes=attributes, **settings))


def value_bytes(value: Any) -> int:
    """Bytes as Customer.io counts them: a string's own, everything else as compact JSON."""
    if isinstance(value, str):
        return len(value.encode())
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "user", "sent"),
    [
        ("plan", {"plan": "pro"}, {"plan": "pro"}),
        ("plan", {"traits_plan": "pro"}, {"plan": "pro"}),
        ("plan", {"traits": {"plan": "pro"}}, {"plan": "pro"}),
        ("traits_plan", {"plan": "pro"}, {"plan": "pro"}),
        ("traits.plan", {"traits_plan": "pro"}, {"plan": "pro"}),
        ("clearbit/employees", {"traits_clearbit/employees": 5}, {"clearbit-employees": 5}),
        ("clearbit/employees", {"clearbit": {"employees": 5}}, {"clearbit-employees": 5}),
        ("id", {"id": "h-1"}, {"hull_id": "h-1"}),
        ({"from": "clearbit/employees", "to": "staff"}, {"clearbit/employees": 5}, {"staff": 5}),
        ("plan", {"plan": None}, {"plan": None}),
        ("plan", {}, {}),
        ("plan", {"other": 1}, {}),
        ("address", {"address": {"city": "Bern"}}, {"address": {"city": "Bern"}}),
        ("tags", {"tags": ["a", "b"]}, {"tags": ["a", "b"]}),
    ],
)
def test_an_attribute_is_found_in_any_form_and_named_for_customer_io(
    source: Any, user: dict[str, Any], sent: dict[str, Any]
) -> None:
    reading = read(user, source)
    assert reading.attributes == sent
    assert reading.problems == ()


ACCOUNT = {"id": "a-1", "name": "Example Ltd", "clearbit/employees": 5, "traits_plan": "team", "a": {"b": 1}}


@pytest.mark.parametrize(
    ("sources", "sent"),
    [
        (["account.name"], {"account_name": "Example Ltd"}),
        (["account.plan"], {"account_plan": "team"}),
        (["account.clearbit/employees"], {"account_clearbit-employees": 5}),
        ([{"from": "account.name", "to": "company"}], {"company": "Example Ltd"}),
        (["account.missing"], {}),
        (
            ["account"],
            {
                "account_id": "a-1",
                "account_name": "Example Ltd",
                "account_clearbit-employees": 5,
                "account_plan": "team",
                "account_a": {"b": 1},
            },
        ),
    ],
)
def test_the_account_is_taken_apart(sources: list[Any], sent: dict[str, Any]) -> None:
    assert read({}, *sources, account=ACCOUNT).attributes == sent


def test_a_user_without_an_account_says_nothing_of_it() -> None:
    assert read({}, "account", "account.name").attributes == {}


def test_what_an_account_has_beyond_three_hundred_is_left_out_and_said() -> None:
    reading = read({}, "account", account={f"k{n}": n for n in range(400)})
    assert len(reading.attributes) == 299
    assert [problem.kind for problem in reading.problems] == ["attribute"]


def test_a_long_name_in_an_account_costs_only_itself() -> None:
    reading = read({}, "account", account={"x" * 143: 1, "y" * 142: 2, "name": 3})
    assert reading.attributes == {"account_" + "y" * 142: 2, "account_name": 3}
    assert "exceeds 150 bytes" in reading.problems[0].reason


# --- dates (docs/moving-from-hull.md#the-settings: what Hull's connector made of them is put right) -----------------


@pytest.mark.parametrize("target", ["last_seen_at", "signup_date", "created_at", "plan"])
@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2020-01-01T00:00:00Z", NEW_YEAR),
        ("2020-01-01 10:00:00 UTC", NEW_YEAR + 36_000),
        ("2020-01-01", NEW_YEAR),
        (NEW_YEAR, NEW_YEAR),
        (0, 0),
        (-5, -5),
        ("1577836800", "1577836800"),
        ("12", "12"),
        ("20200101", "20200101"),
        (["2020-01-01"], [NEW_YEAR]),
        ({}, {}),
        ([], []),
        (True, True),
        (None, None),
        ("", ""),
        ("soon", "soon"),
        (1.5, 1.5),
    ],
)
def test_dates_are_seconds_by_value_whatever_the_name(target: str, value: Any, sent: Any) -> None:
    found = read({"x": value}, {"from": "x", "to": target}).attributes[target]
    assert (found, type(found)) == (sent, type(sent))


@pytest.mark.parametrize(
    ("target", "sent"), [("last_at", NEW_YEAR), ("x-last_at", NEW_YEAR), ("due_date", NEW_YEAR), ("revenue", None)]
)
def test_milliseconds_are_a_time_only_under_a_name_that_says_so(target: str, sent: int | None) -> None:
    milliseconds = NEW_YEAR * 1000
    assert cast(milliseconds, target) == (milliseconds if sent is None else sent)


def test_dates_stay_as_they_are_where_the_setting_says_so() -> None:
    user = {"plan": "2020-01-01", "last_at": NEW_YEAR * 1000}
    assert read(user, "plan", "last_at", convert_dates=False).attributes == user


def test_dates_within_lists_and_objects_are_seconds_where_the_setting_says_so() -> None:
    user = {"plan": {"since": "2020-01-01", "old": [["2020-01-01", "12"], {"last_at": NEW_YEAR * 1000}]}, "day": "soon"}
    sent = {"since": NEW_YEAR, "old": [[NEW_YEAR, "12"], {"last_at": NEW_YEAR}]}
    for switches in ({}, {"convert_dates": False, "convert_nested_dates": True}):
        assert read(user, "plan", "day", **switches).attributes == {"plan": sent, "day": "soon"}
    for switches in ({"convert_dates": False}, {"convert_nested_dates": False}):
        assert read(user, "plan", "day", **switches).attributes == user


# --- steps -----------------------------------------------------------------------------------------------------------


def stepped(source: str, *steps: Any, **more: Any) -> dict[str, Any]:
    return {"from": source, "transform": steps, **more}


@pytest.mark.parametrize(
    ("source", "user", "sent"),
    [
        (stepped("plan", "trim", "lower"), {"traits_plan": " PRO "}, {"plan": "pro"}),
        (stepped("plan", "upper", to="tariff"), {"plan": "pro"}, {"tariff": "PRO"}),
        (stepped("clearbit/employees", "number"), {"clearbit": {"employees": "12"}}, {"clearbit-employees": 12}),
        (stepped("tags", "join"), {"tags": ["a", "b"]}, {"tags": "a, b"}),
        (stepped("plan", "lower"), {"plan": None}, {"plan": None}),
        (stepped("plan", "lower"), {}, {}),
    ],
)
def test_steps_change_what_is_sent(source: Any, user: dict[str, Any], sent: dict[str, Any]) -> None:
    assert read({**user, "other": "As It Is"}, source, "other") == MappedFields({**sent, "other": "As It Is"}, {})


@pytest.mark.parametrize(
    ("sources", "sent"),
    [
        ([stepped("account.name", "upper")], {"account_name": "EXAMPLE LTD"}),
        (
            ["account", stepped("account.name", "upper", to="company")],
            {"account_name": "Example Ltd", "company": "EXAMPLE LTD"},
        ),
        ([stepped("account.name", "upper"), "account"], {"account_name": "EXAMPLE LTD"}),
        ([stepped("account.name", "number"), "account"], {}),
    ],
)
def test_an_attribute_of_the_account_goes_through_its_steps_also_beside_the_whole(
    sources: list[Any], sent: dict[str, Any]
) -> None:
    assert read({}, *sources, account={"name": "Example Ltd"}).attributes == sent


@pytest.mark.parametrize(
    ("user", "whole", "sent"),
    [
        ({}, True, {"plan": "free"}),
        ({}, False, {}),
        ({"plan": None}, True, {"plan": "free"}),
        ({"plan": None}, False, {"plan": "free"}),
        ({"plan": ""}, False, {"plan": "free"}),
        ({"plan": "pro"}, True, {"plan": "pro"}),
        ({"plan": 0}, True, {"plan": 0}),
    ],
)
@pytest.mark.parametrize("field", ["plan", "account.plan"])
def test_a_default_fills_what_is_empty_and_what_a_whole_message_does_not_name(
    field: str, user: dict[str, Any], whole: bool, sent: dict[str, Any]
) -> None:
    said = {"user": {}, "account": user} if field.startswith("account") else {"user": user}
    under = rules(attributes=[stepped(field, {"default": "free"}, to="plan")])
    assert mapping.read(change(whole=whole, **said), under).attributes == sent


@pytest.mark.parametrize(
    ("steps", "converted"),
    [(["trim"], True), ([{"default": "x"}], True), (["date"], True), (["text"], False), (["join"], False)],
)
def test_a_date_is_converted_after_the_steps_unless_they_made_it_text(steps: list[Any], converted: bool) -> None:
    sent = read({"plan": "2020-01-01"}, stepped("plan", *steps)).attributes
    assert sent == {"plan": NEW_YEAR if converted else "2020-01-01"}


def test_the_date_step_works_also_where_dates_are_not_converted() -> None:
    user = {"plan": "2020-01-01", "other": "2020-01-01"}
    sent = read(user, stepped("plan", "date"), "other", convert_dates=False).attributes
    assert sent == {"plan": NEW_YEAR, "other": "2020-01-01"}


def test_what_a_step_cannot_take_is_left_out_and_said() -> None:
    reading = read({"plan": "many", "other": "stays"}, stepped("plan", "trim", "number", to="seats"), "other")
    assert reading.attributes == {"other": "stays"}
    reason = (
        "attribute 'seats' is text that the step \"number\" cannot take (it takes a number, also written as text): "
        "it is left out"
    )
    assert reading.problems == (Problem("attribute", "u-1", reason),)


def test_what_steps_make_too_large_is_left_out_and_said() -> None:
    reading = read({"tags": ["x" * 600, "y" * 600]}, stepped("tags", "join"))
    assert reading.attributes == {}
    assert "exceeds 1000 bytes" in reading.problems[0].reason


def test_steps_leave_the_identifier_and_the_address_alone() -> None:
    reading = read({"external_id": "U1", "email": "U1@example.com"}, stepped("email", "lower"))
    assert reading == MappedFields({"email": "u1@example.com"}, {"identifier": "U1", "email": "U1@example.com"})


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("x" * 1000, True),
        ("x" * 1001, False),
        ("é" * 500, True),
        ("é" * 501, False),
        ("😀" * 250, True),
        ("😀" * 251, False),
        (["x" * 996], True),
        (["x" * 997], False),
        ({"a": "x" * 992}, True),
        ({"a": "x" * 993}, False),
        (float("nan"), False),
        (float("inf"), False),
        (1e300, True),
        (2**64 - 1, True),
        (2**64, False),
        (-(2**63), True),
        (-(2**63) - 1, False),
        ("a\0b", False),
        ({"a": [{"b\0": 1}]}, False),
    ],
)
def test_a_value_over_a_thousand_bytes_is_left_out_and_said(value: Any, fits: bool) -> None:
    reading = read({"plan": value, "other": "stays"}, "plan", "other")
    assert reading.attributes["other"] == "stays"
    assert ("plan" in reading.attributes) is fits
    assert len(reading.problems) == (not fits)
    if not fits:
        assert reading.problems[0].subject == "u-1"
        assert "'plan'" in reading.problems[0].reason


@pytest.mark.parametrize("value", [10**1000, -(10**2000)], ids=["1001 digits", "2001 digits"])
def test_a_number_over_a_thousand_bytes_is_left_out(value: int) -> None:
    assert "plan" not in read({"plan": value}, "plan").attributes


def texts(times: int) -> st.SearchStrategy[str]:
    """Texts that are long, of few characters each: drawing every character of them would take most of the time."""
    return st.builds(lambda text, number: text * number, st.text(max_size=6), st.integers(1, times))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | texts(200),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(texts(50), inner, max_size=6),
    max_leaves=8,
)


@thorough
@given(
    st.dictionaries(st.sampled_from(["plan", "traits_size", "seen_at"]), JSON),
    st.dictionaries(texts(50), JSON, max_size=6),
)
@example({"plan": "\x01" * 1000}, {"x" * 2000: "y" * 2000})
def test_no_value_ever_exceeds_a_thousand_bytes(user: dict[str, Any], account: dict[str, Any]) -> None:
    reading = read(user, "plan", "size", "seen_at", "account", account=account)
    assert all(value_bytes(value) <= BYTES for value in reading.attributes.values())
    assert all(len(name.encode()) <= 150 for name in reading.attributes)


# --- who it is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        ("1001", "1001"),
        (1001, "1001"),
        (1001.0, "1001"),
        (2**60 + 1, "1152921504606846977"),
        (" 1001 ", "1001"),
        ("\u00a01001\u200b", "1001"),
        (None, None),
        ("", None),
        ("  ", None),
        ("é" * 75, "é" * 75),
    ],
)
def test_what_is_an_identifier(value: Any, identifier: str | None) -> None:
    reading = read({"external_id": value})
    assert reading.identity == {"identifier": identifier}
    assert reading.problems == ()


@pytest.mark.parametrize(
    "value", [True, False, 1.5, 2.0**60, ["1001"], {"id": "1001"}, 0, "0", "00", "undefined", "NULL", "[object Object]"]
)
def test_what_can_be_no_identifier_is_a_problem(value: Any) -> None:
    reading = read({"external_id": value})
    assert reading.identity == {"identifier": None}
    assert [problem.kind for problem in reading.problems] == ["identifier"]


def test_attributes_that_say_who_somebody_is_are_read_as_identifiers() -> None:
    user = {"email": "\u00a0Ada@example.com ", "crm": 7.0, "external_id": "1"}
    reading = mapping.read(
        change(user=user), rules(identify_by="cio_id", attributes=["email", {"from": "crm", "to": "id"}])
    )
    assert reading.attributes == {"email": "Ada@example.com", "id": "7"}
    assert reading.identity["email"] == "Ada@example.com"


@pytest.mark.parametrize("value", ["x" * 151, "é" * 76, 10**150])
def test_a_long_identifier_is_none_and_a_problem(value: Any) -> None:
    reading = read({"external_id": value})
    assert reading.identity == {"identifier": None}
    assert [problem.kind for problem in reading.problems] == ["identifier"]


def test_an_identifier_of_four_hundred_digits_is_a_problem_too() -> None:
    assert read({"external_id": 10**400}).identity == {"identifier": None}


def test_a_user_without_the_field_says_nothing_of_the_identifier() -> None:
    assert read({"plan": "pro"}).identity == {}


@pytest.mark.parametrize("field", ["user_id", "traits_user_id", "crm/number", "email"])
def test_any_field_of_the_user_can_be_the_identifier(field: str) -> None:
    assert read({field: "u"}, identifier=field).identity["identifier"] == "u"


@pytest.mark.parametrize(("email", "known"), [("user-1@example.com",) * 2, (None, None), (5, None), (["a"], None)])
def test_an_email_is_text(email: Any, known: str | None) -> None:
    assert read({"email": email}).identity == {"email": known}


@pytest.mark.parametrize(
    ("email", "there"),
    [("user-1@example.com", True), (None, False), ("", False), ("  ", False), ("n/a", False), (" N/A ", False)],
)
def test_whether_there_is_an_address(email: str | None, there: bool) -> None:
    assert has_email(email) is there


@pytest.mark.parametrize("email", [5, 1.5, True, ["ada@example.com"], {"work": "ada@example.com"}])
def test_an_address_that_is_no_text_costs_itself_alone(email: Any) -> None:
    found = read({"email": email, "plan": "pro"}, "email", "plan")
    assert found.attributes == {"plan": "pro"}
    assert [each.reason for each in found.problems] == ["attribute 'email' is no text, so no address: it is left out"]
