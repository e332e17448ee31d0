"""Objects on the wire."""

from connector.model.entity import OBJECT_ID, Identifier
from connector.customerio.operations import delete, identify, objects
from connector.simulator.state.state import request_checks as checks
from connector.simulator.base.options import Options

ACME = Identifier(OBJECT_ID, "1/a/c")


def test_an_object_is_identified_by_type_and_id() -> None:
    item = identify.item(ACME, {"name": "Example", "plan": None}, update_only=True)

    assert item == {
        "type": "object",
        "identifiers": {"object_type_id": "1", "object_id": "a/c"},
        "action": "identify",
        "attributes": {"name": "Example", "plan": None},
    }
    assert not checks.operation(item, Options())


def test_an_object_is_deleted_by_type_and_id() -> None:
    item = delete.item(ACME)

    expected = {"type": "object", "identifiers": {"object_type_id": "1", "object_id": "a/c"}, "action": "delete"}
    assert item == expected
    assert not checks.operation(item, Options())


def test_the_key_comes_back_from_the_identifiers() -> None:
    assert objects.key_of(objects.identifiers("12/a/c")) == "12/a/c"
