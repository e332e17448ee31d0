"""What every format reads the same way of devices."""

from collections.abc import Mapping
from typing import Any

from connector.errors import UnreadableError
from connector.formats.reading import object_of
from connector.model import bounds, times
from connector.model.bounds import storable
from connector.model.change import Device

PLATFORMS = ("ios", "android")
TOKEN_LENGTH = 1000
MOST = 100
"""The most devices of one user that a message may name."""


def device(token: object, platform: object, last_used: object = None, attributes: object = None) -> Device:
    """Reads a device that is there.

    Args:
        token: What pushes are addressed to.
        platform: ios or android.
        last_used: When it was used last: an ISO 8601 time or unix seconds; None where nobody says.
        attributes: An object; None for nothing.

    Raises:
        UnreadableError: Customer.io would not take it.
    """
    if platform not in PLATFORMS:
        raise UnreadableError(f"the platform of a device is one of {', '.join(PLATFORMS)}")
    return Device(_token(token), str(platform), _seconds(last_used), _attributes(attributes))


def gone(token: object) -> Device:
    """Returns a device that is not there any more. Raises UnreadableError where it has no token."""
    return Device(_token(token), gone=True)


def _token(value: object) -> str:
    if not isinstance(value, str) or not (token := value.strip()):
        raise UnreadableError("a device has no token")
    if len(token) > TOKEN_LENGTH or not storable(token):
        raise UnreadableError(f"a device's token exceeds {TOKEN_LENGTH} characters, or has NUL or broken Unicode")
    return token


def _seconds(value: object) -> int | None:
    seconds = times.seconds(value)
    if seconds is None and value is not None:
        raise UnreadableError('"last_used" of a device is neither an ISO 8601 time nor unix seconds')
    return seconds


def _attributes(value: object) -> Mapping[str, Any]:
    """Returns the attributes as texts, which is what Customer.io takes here (docs/customerio.md#devices)."""
    told = object_of(value, "the attributes of a device are")
    return {name: _text(each) for name, each in told.items() if each is not None}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and (fault := bounds.fault(value)) is not None:
        return bounds.marked(fault)  # it costs itself alone, when it is looked at
    if isinstance(value, str | int | float):
        return str(value)
    raise UnreadableError("an attribute of a device is neither a text, a number, true nor false")
