"""Relationships on the wire."""

from connector.customerio.operations import relationship
from connector.model.entity import Identifier
from connector.simulator.base.options import Options
from connector.simulator.state import request_checks

WHO = Identifier("id", "u1")
OBJECT = {"object_type_id": "1", "object_id": "acme"}


def test_a_relationship_is_added_to_the_person() -> None:
    item = relationship.added(WHO, "1/acme", {"role": "admin"})

    assert item == {
        "type": "person",
        "identifiers": {"id": "u1"},
        "action": "add_relationships",
        "cio_relationships": [{"identifiers": OBJECT, "relationship_attributes": {"role": "admin"}}],
    }
    assert not request_checks.operation(item, Options())


def test_who_is_only_updated_is_related_by_an_identify_that_creates_nobody() -> None:
    item = relationship.added(WHO, "1/acme", {}, update_only=True)

    assert (item["action"], item["attributes"]) == ("identify", {"_update": True})
    assert item["cio_relationships"] == [{"identifiers": OBJECT, "relationship_attributes": {}}]
    assert not request_checks.operation(item, Options())


def test_a_relationship_is_ended() -> None:
    item = relationship.ended(WHO, "1/acme")

    assert (item["action"], item["cio_relationships"]) == ("delete_relationships", [{"identifiers": OBJECT}])
    assert not request_checks.operation(item, Options())
