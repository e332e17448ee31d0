"""Devices that the Segment spec tells of by events."""

from typing import Any

import pytest

from connector import formats
from connector.model.change import Change, Device

APPLE = "ab" * 32
GOOGLE = "token-1:APA91b"


def devices(event: str, properties: dict[str, Any], context: dict[str, Any] | None = None) -> Any:
    call = {"type": "track", "userId": "u1", "event": event, "messageId": "m1", "timestamp": "2026-01-31T10:00:00Z"}
    (change,) = formats.parse("segment", {**call, "properties": properties, "context": context or {}})
    assert isinstance(change, Change)
    assert [each.name for each in change.events] == [event]
    return change.devices


@pytest.mark.parametrize("event", ["Application Installed", "Application Opened", "Device Created or Updated"])
def test_an_application_that_is_there_is_a_device(event: str) -> None:
    assert devices(event, {"device_id": GOOGLE}) == (Device(GOOGLE, "android", 1_769_853_600),)


@pytest.mark.parametrize("event", ["Application Uninstalled", "Device Deleted"])
def test_an_application_that_is_gone_takes_its_device(event: str) -> None:
    assert devices(event, {"device_id": GOOGLE}) == (Device(GOOGLE, gone=True),)


@pytest.mark.parametrize(
    ("token", "properties", "context", "platform"),
    [
        (APPLE, {}, {}, "ios"),
        (GOOGLE, {}, {}, "android"),
        (GOOGLE, {"platform": "iOS"}, {}, "ios"),
        (GOOGLE, {}, {"device": {"type": "apple"}}, "ios"),
        (APPLE, {}, {"device": {"type": "android"}}, "android"),
        (GOOGLE, {}, {"os": {"name": "iPadOS"}}, "ios"),
        (APPLE, {}, {"os": "a text"}, "ios"),
    ],
)
def test_the_platform_is_what_the_call_says_or_the_form_of_the_token(
    token: str, properties: dict[str, Any], context: dict[str, Any], platform: str
) -> None:
    (device,) = devices("Application Opened", {"device_token": token, **properties}, context)
    assert device.platform == platform


def test_the_context_tells_more_of_a_device() -> None:
    context = {
        "device": {"token": GOOGLE, "model": "M1"},
        "os": {"name": "Android", "version": "14"},
        "app": {"version": "2.1"},
        "locale": "nb-NO",
    }
    told = {"device_os": "14", "device_model": "M1", "app_version": "2.1", "device_locale": "nb-NO"}
    assert devices("Application Opened", {}, context) == (Device(GOOGLE, "android", 1_769_853_600, told),)


@pytest.mark.parametrize(
    ("event", "properties"),
    [
        ("Application Opened", {}),
        ("Application Opened", {"device_id": 7}),
        ("Application Opened", {"device_id": "x" * 1001}),
        ("Application Backgrounded", {"device_id": GOOGLE}),
    ],
)
def test_without_a_usable_token_it_is_an_event_like_others(event: str, properties: dict[str, Any]) -> None:
    assert devices(event, properties) is None
