"""The user's id in the context of a call of the Segment spec."""

from typing import Any

import pytest

from connector import formats
from connector.model.change import Change


def read(**call: Any) -> Change:
    (change,) = formats.parse("segment", {"type": "track", "event": "Paid", "messageId": "m-1", **call})
    assert isinstance(change, Change)
    return change


@pytest.mark.parametrize(
    "context",
    [
        {"traits": {"userId": "1001"}},
        {"traits": {"userId": 1001}},
        {"externalId": "1001"},
        {"externalId": [{"type": "customerioId", "id": "1001"}]},
        {"externalIds": [{"type": "email", "id": "user-1@example.com"}, {"type": "user_id", "id": "1001"}]},
        {"externalIds": [{"id": "device-1", "type": "ios.id"}, {"id": " 1001 ", "type": "External ID"}]},
        {"traits": {"userId": "1001"}, "externalIds": [{"type": "user_id", "id": "1002"}]},
    ],
)
@pytest.mark.parametrize("own", [{}, {"userId": None}, {"userId": "  "}])
def test_a_call_without_an_id_of_its_own_has_that_of_its_context(context: dict[str, Any], own: dict[str, Any]) -> None:
    change = read(context=context, anonymousId="v-1", **own)
    assert (change.key, change.user["id"], change.user["external_id"]) == ("1001", "1001", "1001")


def test_a_calls_own_id_counts_before_that_of_its_context() -> None:
    assert read(userId="1001", context={"traits": {"userId": "1002"}, "externalId": "1003"}).key == "1001"


@pytest.mark.parametrize(
    "context",
    [
        {"traits": {"userId": ""}},
        {"traits": {"userId": ["1001"]}},
        {"externalId": {"id": "1001"}},
        {"externalIds": [{"type": "ios.advertisingId", "id": "1001"}, {"id": "1001"}, "1001", None]},
        {"externalIds": [{"type": "user_id"}, {"type": 5, "id": "1001"}]},
        [],
        None,
    ],
)
def test_an_id_of_something_else_is_not_the_users(context: Any) -> None:
    assert read(context=context, anonymousId="v-1").key == "anonymous_id:v-1"


def test_an_alias_is_about_the_user_of_its_context() -> None:
    call = {"type": "alias", "previousId": "v-1", "anonymousId": "v-1", "context": {"traits": {"userId": "1001"}}}
    (change,) = formats.parse("segment", call)
    assert isinstance(change, Change)
    assert (change.key, change.anonymous_id) == ("1001", "v-1")
