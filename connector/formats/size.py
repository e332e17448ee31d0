"""Limits what one body may hold, whatever its bytes: what is made of each value and message takes far more memory."""

from connector.errors import UnreadableError

MOST_MESSAGES = 100_000
"""The most messages in one body: a batch, a list, or lines."""
MOST_VALUES = 1_000_000
"""The most JSON values in one body. Ten megabytes of messages as they come hold a third of that."""
_HOLD_MESSAGES = ("batch", "messages", "notifications")
_SEND_IN_PARTS = "send it in parts"


def check_values(body: bytes) -> None:
    """Raises UnreadableError where a body holds more values than are read."""
    if body.count(b",") > MOST_VALUES:
        raise UnreadableError(f"the body holds more than {MOST_VALUES:,} values: {_SEND_IN_PARTS}")


def check_lines(body: bytes) -> None:
    """Raises UnreadableError where NDJSON has more lines than are read."""
    if body.count(b"\n") >= MOST_MESSAGES:
        raise _too_many()


def check_messages(body: object) -> None:
    """Raises UnreadableError where a decoded body holds more messages than are read."""
    given = body if isinstance(body, list) else [body]
    if len(given) + sum(map(_held, given)) > MOST_MESSAGES:
        raise _too_many()


def _held(document: object) -> int:
    if not isinstance(document, dict):
        return 0
    return sum(len(held) for name in _HOLD_MESSAGES if isinstance(held := document.get(name), list))


def _too_many() -> UnreadableError:
    return UnreadableError(f"the body holds more than {MOST_MESSAGES:,} messages: {_SEND_IN_PARTS}")
