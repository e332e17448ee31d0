"""Devices as they go on the wire."""

from connector.customerio.operations import device
from connector.model.entity import Identifier

U1 = Identifier("id", "u1")


def test_a_device_is_added_with_what_is_known_of_it() -> None:
    told = {"platform": "ios", "last_used": 1_769_853_600, "attributes": {"app_version": "2.1"}}
    assert device.added(U1, "token-1", told) == {
        "type": "person",
        "identifiers": {"id": "u1"},
        "action": "add_device",
        "device": {"token": "token-1", **told},
    }


def test_a_device_is_deleted_by_its_token() -> None:
    assert device.deleted(Identifier("email", "u1@example.com"), "token-1") == {
        "type": "person",
        "identifiers": {"email": "u1@example.com"},
        "action": "delete_device",
        "device": {"token": "token-1"},
    }
