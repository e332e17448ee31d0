"""An event for nobody's profile, as v1 takes it."""

from typing import Any

import pytest

from connector.customerio.operations import anonymous_event
from tests.build import OCTOBER, owed

RECIPIENT = {"recipient": "user-2@example.com"}


def test_an_invite_has_data_and_names_nobody() -> None:
    assert anonymous_event.item(owed(properties=RECIPIENT)) == {
        "name": "Signed up",
        "id": "01A",
        "data": RECIPIENT,
        "timestamp": OCTOBER,
    }


@pytest.mark.parametrize(("kind", "type"), [("event", None), ("page", "page"), ("screen", "screen")])
def test_only_pages_and_screens_say_their_type(kind: Any, type: str | None) -> None:
    assert anonymous_event.item(owed(kind=kind)).get("type") == type


def test_an_event_of_a_visitor_names_them() -> None:
    assert anonymous_event.item(owed(anonymous_id="v-1"))["anonymous_id"] == "v-1"


def test_an_invite_without_a_time_gets_none_of_ours() -> None:
    assert "timestamp" not in anonymous_event.item(owed(occurred_at=None))
