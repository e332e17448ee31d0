"""identify on the wire."""

from typing import Any

import pytest

from connector.customerio.operations import identify
from tests.build import ident


@pytest.mark.parametrize("attributes", [{}, {"plan": "pro"}, {"plan": None, "tags": ["a"]}])
def test_an_identify_carries_the_attributes_nulls_among_them(attributes: dict[str, Any]) -> None:
    assert identify.item(ident("1001"), attributes) == {
        "type": "person",
        "identifiers": {"id": "1001"},
        "action": "identify",
        "attributes": attributes,
    }


def test_update_only_asks_customer_io_never_to_create() -> None:
    assert identify.item(ident("1001"), {"plan": "pro"}, update_only=True)["attributes"] == {
        "plan": "pro",
        "_update": True,
    }


@pytest.mark.parametrize("update_only", [True, False])
def test_the_attributes_given_stay_as_they_are(update_only: bool) -> None:
    attributes = {"plan": "pro"}
    identify.item(ident("1001"), attributes, update_only=update_only)["attributes"]["plan"] = "team"
    assert attributes == {"plan": "pro"}
