"""Devices in the native form."""

from typing import Any

import pytest

from connector import formats
from connector.model.change import Change, Device, Unreadable

PHONE = {"token": "token-1", "platform": "ios"}


def read(devices: Any) -> Change | Unreadable:
    (answer,) = formats.parse("native", {"user": {"id": "u1"}, "devices": devices})
    return answer


@pytest.mark.parametrize(
    ("given", "device"),
    [
        (PHONE, Device("token-1", "ios")),
        ({**PHONE, "token": " token-1 "}, Device("token-1", "ios")),
        ({**PHONE, "last_used": "2026-01-31T10:00:00Z"}, Device("token-1", "ios", 1_769_853_600)),
        ({**PHONE, "last_used": 1_769_853_600}, Device("token-1", "ios", 1_769_853_600)),
        ({**PHONE, "deleted": False}, Device("token-1", "ios")),
        ({"token": "token-1", "deleted": True}, Device("token-1", gone=True)),
        (
            {**PHONE, "attributes": {"app_version": 2.1, "push_enabled": True, "locale": "nb", "model": None}},
            Device("token-1", "ios", None, {"app_version": "2.1", "push_enabled": "true", "locale": "nb"}),
        ),
    ],
)
def test_a_device_is_read(given: Any, device: Device) -> None:
    answer = read([given])
    assert isinstance(answer, Change)
    assert answer.devices == (device,)


def test_a_message_without_devices_says_nothing_of_them() -> None:
    assert [getattr(read(given), "devices", "refused") for given in (None, [])] == [None, ()]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, '"devices" is not a list'),
        ([PHONE] * 101, "at most 100"),
        (["token-1"], "a device is not an object"),
        ([{"platform": "ios"}], "no token"),
        ([{"token": " ", "platform": "ios"}], "no token"),
        ([{"token": "x" * 1001, "platform": "ios"}], "exceeds 1000 characters"),
        ([{"token": "a\0b", "platform": "ios"}], "NUL"),
        ([{"token": "token-1"}], "one of ios, android"),
        ([{"token": "token-1", "platform": "web"}], "one of ios, android"),
        ([{**PHONE, "last_used": "lately"}], '"last_used"'),
        ([{**PHONE, "attributes": [1]}], "attributes of a device are not an object"),
        ([{**PHONE, "attributes": {"a": {}}}], "neither a text, a number, true nor false"),
        ([{**PHONE, "deleted": "yes"}], '"deleted" of a device'),
        ([{**PHONE, "tokn": 1}], 'is "token" meant'),
    ],
)
def test_a_device_that_cannot_be_read_refuses_its_message(given: Any, reason: str) -> None:
    answer = read(given)
    assert isinstance(answer, Unreadable)
    assert reason in answer.reason
