"""Names of attributes, as settings write them and as Customer.io sees them."""

import pytest

from connector.model import attribute_names


@pytest.mark.parametrize(
    ("source", "own"),
    [
        ("plan", "plan"),
        ("traits_plan", "plan"),
        ("traits.plan", "plan"),
        ("traits_traits_plan", "traits_plan"),
        ("traits_clearbit/employees", "clearbit/employees"),
        ("traits_", "traits_"),
        ("traits", "traits"),
        ("portraits_of", "portraits_of"),
    ],
)
def test_one_leading_mark_is_no_part_of_the_name(source: str, own: str) -> None:
    assert attribute_names.bare(source) == own


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("account.plan", "plan"),
        ("account.traits_plan", "plan"),
        ("account.clearbit/employees", "clearbit/employees"),
        ("account.a.b", "a.b"),
        ("account", None),
        ("account.", None),
        ("account_plan", None),
        ("accounts.plan", None),
        ("plan", None),
    ],
)
def test_the_account_is_named_by_a_dot(source: str, name: str | None) -> None:
    assert attribute_names.of_account(source) == name


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("plan", "plan"),
        ("traits_plan", "plan"),
        ("traits.plan", "plan"),
        ("traits_traits_plan", "traits_plan"),
        ("clearbit/employees", "clearbit-employees"),
        ("traits_clearbit/employees", "clearbit-employees"),
        ("a/b/c", "a-b-c"),
        ("id", "hull_id"),
        ("traits_id", "hull_id"),
        ("external_id", "external_id"),
        ("account.plan", "account_plan"),
        ("account.id", "account_id"),
        ("account.clearbit/employees", "account_clearbit-employees"),
        ("Größe in cm", "Größe in cm"),
    ],
)
def test_names_in_customer_io_are_those_that_campaigns_know(source: str, target: str) -> None:
    assert attribute_names.target(source) == target


def test_a_name_of_the_account_is_marked_as_such() -> None:
    assert attribute_names.account_target("clearbit/employees") == "account_clearbit-employees"
