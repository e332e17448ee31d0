"""Devices as the Segment spec tells of them: by events of an application that is installed, opened or gone.

Which events, and where the token stands: reference peers-features, "Devices", and the vendor's own page, whose example
names no platform. Then the form of the token tells: Apple's are hexadecimal.
"""

import re
from collections.abc import Mapping
from typing import Any

from connector.model.change import Device
from connector.errors import UnreadableError
from connector.formats import devices
from connector.formats.reading import text_in

_THERE = frozenset({"Application Installed", "Application Opened", "Device Created or Updated"})
_GONE = frozenset({"Application Uninstalled", "Device Deleted"})
_TOKENS = ("device_token", "device_id", "token")
_APPLE = frozenset({"ios", "ipados", "apple", "iphone os", "watchos", "tvos"})
_OF_APPLE = re.compile("[0-9a-fA-F]{64,}")


def by_event(
    name: str, properties: Mapping[str, Any], context: Mapping[str, Any], at: int | None
) -> tuple[Device, ...] | None:
    """The device that an event tells of; None where it tells of none. `at`: when, in unix seconds.

    A device that Customer.io could not take, by a token too long for instance, is none: the event goes all the same.
    """
    if name not in _THERE | _GONE or (token := _token(properties, context)) is None:
        return None
    try:
        if name in _GONE:
            return (devices.gone(token),)
        said = _platform(properties, context)
        return (devices.device(token, platform_of(token, said), at, attributes_of(context)),)
    except UnreadableError:
        return None


def _token(properties: Mapping[str, Any], context: Mapping[str, Any]) -> str | None:
    told = (text_in(context.get("device"), "token"), *(text_in(properties, each) for each in _TOKENS))
    return next((each for each in told if each is not None), None)


def _platform(properties: Mapping[str, Any], context: Mapping[str, Any]) -> str | None:
    said = (
        text_in(properties, "platform"),
        text_in(context.get("device"), "type"),
        text_in(context.get("os"), "name"),
    )
    return next((each for each in said if each is not None), None)


def platform_of(token: str, said: str | None) -> str:
    """The platform, ios or android: what is said of the device, else the form of its token."""
    if said is not None:
        return "ios" if said.strip().lower() in _APPLE else "android"
    return "ios" if _OF_APPLE.fullmatch(token) else "android"


def attributes_of(context: Mapping[str, Any]) -> dict[str, str]:
    """What a context says of a device.

    Under the names that Customer.io's own libraries use (reference: customerio-api, 1.1).
    """
    found = {
        "device_os": text_in(context.get("os"), "version"),
        "device_model": text_in(context.get("device"), "model"),
        "app_version": text_in(context.get("app"), "version"),
        "device_locale": text_in(context, "locale"),
    }
    return {name: text for name, text in found.items() if text is not None}
