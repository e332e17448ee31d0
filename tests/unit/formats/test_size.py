"""What one body may hold: as many messages and values as there is memory for, and no more."""

import json
from typing import Any

import pytest

from connector import formats
from connector.errors import UnreadableError
from connector.formats.size import MOST_MESSAGES, MOST_VALUES


@pytest.mark.parametrize("format", formats.NAMES)
@pytest.mark.parametrize(
    "body",
    [
        [7] * (MOST_MESSAGES + 1),
        {"batch": [7] * MOST_MESSAGES},
        {"messages": [7] * MOST_MESSAGES},
        [{"batch": [7] * MOST_MESSAGES}, 7],
    ],
    ids=["a list", "a batch", "messages", "a list of batches"],
)
def test_too_many_messages_are_refused_whole(format: str, body: Any) -> None:
    with pytest.raises(UnreadableError, match=r"more than 100,000 messages: send it in parts"):
        formats.read(format, json.dumps(body).encode())


def test_too_many_lines_are_refused_whole() -> None:
    with pytest.raises(UnreadableError, match=r"more than 100,000 messages: send it in parts"):
        formats.read("native", b"{}\n" * (MOST_MESSAGES + 1))


def test_as_many_lines_as_may_be_are_read() -> None:
    assert len(formats.read("native", b"{}\n" * MOST_MESSAGES)) == MOST_MESSAGES


def test_too_many_values_are_refused_whole() -> None:
    body = b'{"user": {"id": "u1"}, "events": [' + b"7," * MOST_VALUES + b"7]}"
    with pytest.raises(UnreadableError, match=r"more than 1,000,000 values: send it in parts"):
        formats.read("native", body)


def test_one_message_may_be_written_over_more_lines_than_that() -> None:
    body = json.dumps({"user": {"id": "u1", "many": [1] * MOST_MESSAGES}}, indent=1).encode()
    assert body.count(b"\n") > MOST_MESSAGES
    assert len(formats.read("native", body)) == 1
