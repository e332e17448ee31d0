"""Has a message of each format that can surely be taken in: if that fails, it is not the messages' fault."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from connector.intake import bodies
from connector.runtime import Runtime

_USER = "connector-probe"
_AT = "2024-01-02T03:04:05Z"
MESSAGES: Mapping[str, Mapping[str, Any]] = {
    "native": {
        "user": {"id": _USER, "external_id": _USER, "email": "probe@example.com"},
        "segments": [{"id": "probe", "name": "Probe"}],
        "events": [{"name": "Probe", "id": "probe", "time": _AT}],
        "version": 1,
    },
    "hull": {
        "user": {"id": _USER, "external_id": _USER, "email": "probe@example.com", "updated_at": _AT},
        "segments": [{"id": "probe", "name": "Probe"}],
        "events": [{"event": "Probe", "event_id": "probe", "created_at": _AT}],
        "message_id": "probe",
    },
    "lytics": {
        "data": {"_uid": _USER, "email": "probe@example.com"},
        "meta": {"object": "user", "subscription_type": "", "event": "enter", "audience": {"slug": "probe"}},
    },
    "segment": {
        "type": "identify",
        "userId": _USER,
        "traits": {"email": "probe@example.com"},
        "timestamp": _AT,
        "messageId": "probe",
    },
}
_MOST_BYTES = 100_000


class _UndoneError(Exception):
    """Ends the transaction of a known-good message, which is not to stay."""


def probe(runtime: Runtime, format: str) -> None:
    """Takes in a known-good message of the format and one of our own, and undoes both. Raises whatever that raises."""
    for each in sorted({format, "native"}):
        with suppress(_UndoneError):
            bodies.take(runtime.store, runtime.syncs, each, [MESSAGES[each]], _MOST_BYTES, check=_undo)


def _undo(_: Connection) -> None:
    raise _UndoneError
