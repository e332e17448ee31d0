"""event, page and screen on the wire."""

from types import MappingProxyType
from typing import Any

import pytest

from connector.customerio.operations import event
from tests.build import OCTOBER, ident, owed


@pytest.mark.parametrize("kind", ["event", "page", "screen"])
def test_an_event_carries_its_id_and_its_own_time(kind: Any) -> None:
    assert event.item(ident("1001"), owed("01A", kind=kind, properties={"plan": "pro"})) == {
        "type": "person",
        "identifiers": {"id": "1001"},
        "action": kind,
        "name": "Signed up",
        "id": "01A",
        "attributes": {"plan": "pro"},
        "timestamp": OCTOBER,
    }


def test_an_event_without_a_time_gets_none_of_ours() -> None:
    assert "timestamp" not in event.item(ident("1001"), owed(occurred_at=None))


def test_the_epoch_is_a_time() -> None:
    assert event.item(ident("1001"), owed(occurred_at=0))["timestamp"] == 0


def test_the_properties_are_copied() -> None:
    properties = {"plan": "pro"}
    item = event.item(ident("1001"), owed(properties=MappingProxyType(properties)))
    item["attributes"]["plan"] = "team"
    assert properties == {"plan": "pro"}
