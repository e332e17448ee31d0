"""Properties of messages: read as py-amqp writes them, and never an error."""

from struct import pack
from typing import Any

import pytest
from amqp import Message
from hypothesis import given
from hypothesis import strategies as some

from connector.broker import properties


def encoded(**given: Any) -> bytes:
    """As py-amqp writes them."""
    message = Message("", **given)
    written: bytes = message._serialize_properties()
    return written


TABLE = some.dictionaries(
    some.text(max_size=10),
    some.recursive(
        some.none()
        | some.booleans()
        | some.integers(-(2**62), 2**62)
        | some.text(max_size=20)
        | some.floats(allow_nan=False),
        lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)


@given(TABLE)
def test_headers_are_what_py_amqp_wrote(headers: dict[str, Any]) -> None:
    found = properties.decode(encoded(application_headers=headers, content_type="application/json", message_id="m"))

    assert found.whole
    assert (found.content_type, found.message_id) == ("application/json", "m")
    assert found.headers == headers


@given(some.binary(max_size=200))
def test_nothing_that_stands_there_is_an_error(junk: bytes) -> None:
    assert isinstance(properties.decode(junk).deliveries, int)


def test_every_property_is_stepped_over() -> None:
    everything = {
        "content_type": "a", "content_encoding": "b", "delivery_mode": 2, "priority": 1, "correlation_id": "c",
        "reply_to": "d", "expiration": "e", "message_id": "m", "timestamp": 1_700_000_000,
        "type": "t", "user_id": "u", "app_id": "x", "cluster_id": "y", "application_headers": {"x-delivery-count": 3},
    }  # fmt: skip
    found = properties.decode(encoded(**everything))

    assert (found.content_encoding, found.message_id, found.deliveries, found.whole) == ("b", "m", 3, True)


@pytest.mark.parametrize(
    "value", [b"T" + pack(">Q", 1_700_000_000_000), b"D" + pack(">Bi", 2, 150), b"x" + pack(">I", 1) + b"a"]
)
def test_values_that_py_amqp_cannot_read_or_does_not_write_are_read(value: bytes) -> None:
    """A time in milliseconds lies in the year 55,000 where it is taken for seconds."""
    table = b"\x01n" + value + b"\x10x-delivery-countI" + pack(">i", 7)
    found = properties.decode(pack(">H", 1 << 13) + pack(">I", len(table)) + table)

    assert found.whole
    assert found.deliveries == 7


def test_what_cannot_be_read_leaves_what_can() -> None:
    table = b"\x01nZ"
    found = properties.decode(
        pack(">H", (1 << 15) | (1 << 13)) + b"\x10application/json" + pack(">I", len(table)) + table
    )

    assert (found.content_type, found.whole, found.headers) == ("application/json", False, {})
