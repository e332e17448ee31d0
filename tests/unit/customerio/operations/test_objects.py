"""Objects on the wire."""

from connector.customerio.operations import delete, identify, objects
from connector.model.entity import OBJECT_ID, Identifier
from connector.simulator.base.options import Options
from connector.simulator.state import request_checks

ACME = Identifier(OBJECT_ID, "1/a/c")


def test_an_object_is_identified_by_type_and_id() -> None:
    item = identify.item(ACME, {"name": "Example", "plan": None}, update_only=True)

    assert item == {
        "type": "object",
        "identifiers": {"object_type_id": "1", "object_id": "a/c"},
        "action": "identify",
        "attributes": {"name": "Example", "plan": None},
    }
    assert not request_checks.operation(item, Options())


def test_an_object_is_deleted_by_type_and_id() -> None:
    item = delete.item(ACME)

    expected = {"type": "object", "identifiers": {"object_type_id": "1", "object_id": "a/c"}, "action": "delete"}
    assert item == expected
    assert not request_checks.operation(item, Options())


def test_the_key_comes_back_from_the_identifiers() -> None:
    assert objects.key_of(objects.identifiers("12/a/c")) == "12/a/c"
