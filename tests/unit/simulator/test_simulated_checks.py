"""What is refused, and which field is named (docs/customerio.md#operations, #responses and #sizes)."""

import pytest

from connector.simulator.base import limits
from connector.simulator.base.options import Options
from connector.simulator.state import request_checks

U = "\u00fc"  # two bytes in UTF-8
EMAIL = "user-1@example.com"
PERSON = {"type": "person", "identifiers": {"id": "1"}}
IDENTIFY = {**PERSON, "action": "identify"}
EVENT = {**PERSON, "action": "event", "name": "x"}
OBJECT = {"type": "object", "identifiers": {"object_type_id": "1", "object_id": "a"}, "action": "identify"}
MERGE = {"type": "person", "action": "merge", "primary": {"id": "1"}, "secondary": {"email": EMAIL}}
DEVICE = {**PERSON, "action": "add_device", "device": {"token": "t", "platform": "ios"}}
RELATED = [{"identifiers": {"object_type_id": "1", "object_id": "a"}}]


def wrong_fields(item, **options):
    return [wrong.field for wrong in request_checks.operation(item, Options().changed(options))]


@pytest.mark.parametrize(
    "item",
    [
        IDENTIFY,
        {**IDENTIFY, "identifiers": {"id": 12}},
        {**IDENTIFY, "identifiers": {"email": EMAIL}},
        {**IDENTIFY, "identifiers": {"phone": "+41791234567"}},
        {**IDENTIFY, "identifiers": {"cio_id": "a3000001"}},
        {**IDENTIFY, "identifiers": {"anonymous_id": "a"}},
        {**IDENTIFY, "attributes": {"id": "2", "email": None, "a": None}, "timestamp": 5, "cio_relationships": RELATED},
        {**PERSON, "action": "delete"},
        EVENT,
        {**EVENT, "action": "page", "identifiers": {"anonymous_id": "a"}},
        {**EVENT, "action": "screen", "id": "not-a-ulid", "attributes": {"a": "x" * 5000}},
        DEVICE,
        {**PERSON, "action": "delete_device", "device": {"token": "t"}},
        {**PERSON, "action": "add_relationships", "cio_relationships": RELATED},
        {**PERSON, "action": "delete_relationships", "cio_relationships": RELATED},
        MERGE,
        {**PERSON, "action": "suppress"},
        {**PERSON, "action": "unsuppress"},
        OBJECT,
        {**OBJECT, "identifiers": {"cio_object_id": "b0"}},
        {**OBJECT, "action": "identify_anonymous", "anonymous_id": "a"},
        {**OBJECT, "action": "delete"},
        {**OBJECT, "action": "add_relationships", "cio_relationships": [{"identifiers": {"email": EMAIL}}]},
        {**OBJECT, "action": "delete_relationships", "cio_relationships": []},
        {"type": "delivery", "action": "event", "identifiers": {"id": "d"}, "name": "opened", "attributes": {}},
    ],
)  # fmt: skip
def test_right_operations_pass(item):
    assert wrong_fields(item) == []


@pytest.mark.parametrize(
    ("item", "fields"),
    [
        ("text", [""]),
        ({"type": "animal"}, ["type"]),
        ({**PERSON, "action": "dance"}, ["action"]),
        ({**PERSON, "action": ["identify"]}, ["action"]),
        ({**OBJECT, "action": "event"}, ["action"]),
        ({**IDENTIFY, "identifiers": None}, ["identifiers"]),
        ({**IDENTIFY, "identifiers": {}}, ["identifiers"]),
        ({**IDENTIFY, "identifiers": {"id": "1", "email": EMAIL}}, ["identifiers"]),
        ({**IDENTIFY, "identifiers": {"name": "x"}}, ["identifiers.name"]),
        ({**IDENTIFY, "identifiers": {"id": None}}, ["identifiers.id"]),
        ({**IDENTIFY, "identifiers": {"id": True}}, ["identifiers.id"]),
        ({**IDENTIFY, "identifiers": {"id": ""}}, ["identifiers.id"]),
        ({**IDENTIFY, "identifiers": {"phone": "079 123"}}, ["identifiers.phone"]),
        ({**PERSON, "action": "delete", "identifiers": {"anonymous_id": "a"}}, ["identifiers.anonymous_id"]),
        ({**IDENTIFY, "attributes": []}, ["attributes"]),
        ({**IDENTIFY, "attributes": {"email": 5}}, ["attributes.email"]),
        ({**IDENTIFY, "attributes": {"id": [1]}}, ["attributes.id"]),
        ({**IDENTIFY, "attributes": {"_timestamp": "soon"}}, ["attributes._timestamp"]),
        ({**IDENTIFY, "timestamp": "2026-01-01"}, ["timestamp"]),
        ({**IDENTIFY, "cio_relationships": {"a": 1}}, ["cio_relationships"]),
        ({**IDENTIFY, "cio_relationships": ["x"]}, ["cio_relationships.0"]),
        ({**IDENTIFY, "identifiers": {"id": ""}, "timestamp": True}, ["identifiers.id", "timestamp"]),
        ({**EVENT, "name": " "}, ["name"]),
        ({**EVENT, "name": 5}, ["name"]),
        ({**EVENT, "attributes": "x"}, ["attributes"]),
        ({**EVENT, "id": 5}, ["id"]),
        ({**PERSON, "action": "add_device"}, ["device"]),
        ({**DEVICE, "device": {"token": "", "platform": "amiga"}}, ["device.token", "device.platform"]),
        ({**PERSON, "action": "delete_device", "device": {}}, ["device.token"]),
        ({**PERSON, "action": "add_relationships"}, ["cio_relationships"]),
        ({**MERGE, "primary": {"id": "1", "email": "x"}}, ["primary"]),
        ({**MERGE, "secondary": {"phone": "+41791234567"}}, ["secondary"]),
        ({**MERGE, "primary": {"id": None}, "secondary": None}, ["primary.id", "secondary"]),
        ({**OBJECT, "identifiers": {"object_type_id": "0", "object_id": "a"}}, ["identifiers.object_type_id"]),
        ({**OBJECT, "identifiers": {"object_type_id": "1"}}, ["identifiers.object_id"]),
        ({**OBJECT, "action": "add_relationships", "cio_relationships": [{"identifiers": {}}]},
         ["cio_relationships.0.identifiers"]),
        ({"type": "delivery", "action": "event", "identifiers": {}, "name": "eaten"}, ["identifiers.id", "name"]),
    ],
)  # fmt: skip
def test_each_bad_field_is_named(item, fields):
    assert wrong_fields(item) == fields


def identify(**attributes):
    return {**IDENTIFY, "attributes": attributes}


def nothings(count):
    return identify(**{str(number): None for number in range(count)})


@pytest.mark.parametrize(
    ("accepted", "refused", "field"),
    [
        ({**IDENTIFY, "identifiers": {"id": U * 75}}, {**IDENTIFY, "identifiers": {"id": U * 76}}, "identifiers.id"),
        (identify(**{U * 75: 1}), identify(**{U * 76: 1}), f"attributes.{U * 76}"),
        (identify(a=U * 500), identify(a=U * 501), "attributes.a"),
        (identify(a=["x" * 996]), identify(a=["x" * 997]), "attributes.a"),
        (identify(a={"b": "x" * 992}), identify(a={"b": "x" * 993}), "attributes.a"),
        (nothings(300), nothings(301), "attributes"),
        ({**EVENT, "name": f" {U * 50} "}, {**EVENT, "name": U * 51}, "name"),
    ],
)
def test_limits_are_in_bytes_and_inclusive(accepted, refused, field):
    assert wrong_fields(accepted) == []
    assert wrong_fields(refused) == [field]


def test_event_data_has_its_own_limit():
    fits = {"a": "x" * (limits.EVENT_DATA_BYTES - len('{"a":""}'))}

    assert limits.event_data(fits, "data", may_be_large=True) == ()
    assert len(limits.event_data({**fits, "b": 1}, "data", may_be_large=True)) == 1


def test_an_id_only_workspace_is_not_asked_by_email():
    by_email = {**IDENTIFY, "identifiers": {"email": EMAIL}}

    assert wrong_fields(by_email, mode="id_only") == ["identifiers.email"]


@pytest.mark.parametrize(("mode", "fields"), [("accept", []), ("400", ["id"])])
def test_a_non_ulid_is_accepted_or_refused_as_the_option_says(mode, fields):
    assert wrong_fields({**EVENT, "id": "abc"}, non_ulid=mode) == fields
    assert wrong_fields({**EVENT, "id": "01HF7YAT00QWERTYWXCVBNMQWE"}, non_ulid=mode) == []
