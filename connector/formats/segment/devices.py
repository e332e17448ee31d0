"""Devices as the Segment spec tells of them: by events of an application that is installed, opened or gone.

Which events, and where the token stands, is said in docs/actions.md#what-calls-do-by-default. The example on
Customer.io's page "Semantic events" names no platform. Then the form of the token tells: Apple's are hexadecimal.
"""

import re
from collections.abc import Mapping
from typing import Any

from connector.formats import devices
from connector.formats.reading import text_in
from connector.model.change import Device

_THERE = frozenset({"Application Installed", "Application Opened", "Device Created or Updated"})
_GONE = frozenset({"Application Uninstalled", "Device Deleted"})
_TOKENS = ("device_token", "device_id", "token")
_APPLE = frozenset({"ios", "ipados", "apple", "iphone os", "watchos", "tvos"})
_OF_APPLE = re.compile("[0-9a-fA-F]{64,}")


def by_event(
    name: str, properties: Mapping[str, Any], context: Mapping[str, Any], at: int | None
) -> tuple[Device, ...] | None:
    """Reads the device that an event names.

    Args:
        name: The name of the event.
        properties: What the event says of itself.
        context: The context of the call.
        at: The time of the event, in unix seconds; None if it has none.

    Returns:
        The device, as a change of a user has it; None if the event names none.

    Raises:
        UnreadableError: Customer.io could not take the device, for instance since its token is too long.
    """
    if name not in _THERE | _GONE or (token := _token(properties, context)) is None:
        return None
    if name in _GONE:
        return (devices.gone(token),)
    said = _platform(properties, context)
    return (devices.device(token, platform_of(token, said), at, attributes_of(context)),)


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
    """Returns the platform, ios or android: what is said of the device, else the form of its token."""
    if said is not None:
        return "ios" if said.strip().lower() in _APPLE else "android"
    return "ios" if _OF_APPLE.fullmatch(token) else "android"


def attributes_of(context: Mapping[str, Any]) -> dict[str, str]:
    """Returns the attributes of a device in a context.

    They have the names that Customer.io's own libraries use (docs/customerio.md#devices).
    """
    found = {
        "device_os": text_in(context.get("os"), "version"),
        "device_model": text_in(context.get("device"), "model"),
        "app_version": text_in(context.get("app"), "version"),
        "device_locale": text_in(context, "locale"),
    }
    return {name: text for name, text in found.items() if text is not None}
