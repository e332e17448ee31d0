"""A row with something that no store or JSON can carry costs that cell, or that row, and none beside it."""

from typing import Any

import pytest

from connector.bulk.tabular import row_messages
from connector.model.change import Change, Unreadable


def said(row: dict[str, Any]) -> row_messages.Said:
    return row_messages.one(
        row, lambda row: {"user": dict(row), "segments": ["Paying"]}, lambda message: message["user"]["id"]
    )


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("cell", ["a\0", "\ud800", float("nan"), 2**70, nested(150), nested(300), nested(900)])
def test_a_cell_costs_itself_alone(cell: Any) -> None:
    one = said({"id": "u1", "plan": cell, "city": "Bergen"})
    [change] = row_messages.read(one.body, 1_000_000)
    assert isinstance(change, Change)
    assert (one.key, change.key, change.user["city"]) == ("u1", "u1", "Bergen")


@pytest.mark.parametrize("key", ["a\0", "\ud800"])
def test_a_key_that_no_store_can_hold_is_an_unreadable_row_without_a_key(key: str) -> None:
    one = said({"id": key, "plan": "gold"})
    assert one.key is None
    [message] = row_messages.read(one.body, 1_000_000)
    assert isinstance(message, Unreadable)
