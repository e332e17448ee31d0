"""Objects and relationships in calls of the Segment spec."""

from typing import Any

import pytest

from connector import formats
from connector.model.change import Change, Message, ObjectChange, Relationship, Unreadable

AT = "2026-01-31T10:00:00Z"
VERSION = 1_769_853_600_000_000


def read(type: str, **call: Any) -> list[Message]:
    return formats.parse("segment", {"type": type, "timestamp": AT, **call})


def of_user(type: str, **call: Any) -> Change:
    (answer,) = read(type, userId="u1", **call)
    assert isinstance(answer, Change), answer
    return answer


def group(id: str, type: str = "1", attributes: Any = None, *, gone: bool = False) -> Relationship:
    return Relationship(type, id, attributes or {}, gone, "group")


@pytest.mark.parametrize("spelling", ["relationshipAttributes", "relationship_attributes"])
@pytest.mark.parametrize(("types", "type"), [({}, "1"), ({"object_type_id": "2"}, "2"), ({"objectTypeId": 3}, "3")])
def test_a_group_is_an_object_and_the_users_relationship_to_it(spelling: str, types: Any, type: str) -> None:
    change = of_user("group", groupId="acme", traits={"name": "x", **types, spelling: {"role": "admin"}})

    assert change.objects == (ObjectChange(type, "acme", {"name": "x"}, "group", version=VERSION),)
    assert change.relationships == (group("acme", type, {"role": "admin"}),)
    assert change.account["name"] == "x"


@pytest.mark.parametrize("call", [{"groupId": "x" * 151}, {"groupId": "a", "traits": {"object_type_id": "company"}}])
def test_a_group_that_can_be_no_object_is_a_problem_and_an_account_all_the_same(call: dict[str, Any]) -> None:
    change, refused = read("group", userId="u1", **call)

    assert isinstance(change, Change)
    assert (change.account["id"], change.objects, change.relationships) == (call["groupId"], (), None)
    assert isinstance(refused, Unreadable)


RELATED = {"identifiers": {"object_type_id": "2", "object_id": "c"}, "relationship_attributes": {"role": "x"}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([RELATED], (group("c", "2", {"role": "x"}),)),
        ({"action": "add_relationships", "relationships": [RELATED]}, (group("c", "2", {"role": "x"}),)),
        ({"action": "delete_relationships", "relationships": [RELATED]}, (group("c", "2", {"role": "x"}, gone=True),)),
        ([], ()),
    ],
)
def test_an_identify_passes_relationships(given: Any, expected: tuple[Relationship, ...]) -> None:
    assert of_user("identify", traits={"cio_relationships": given}).relationships == expected


def test_the_group_of_the_context_is_a_relationship_of_who_is_identified() -> None:
    assert of_user("identify", context={"groupId": "acme"}).relationships == (group("acme"),)
    assert of_user("identify").relationships is None


@pytest.mark.parametrize("given", ["acme", [1], [{}], {"relationships": 1}])
def test_relationships_that_cannot_be_read_are_a_problem_and_the_traits_count(given: Any) -> None:
    change, refused = read("identify", userId="u1", traits={"plan": "pro", "cio_relationships": given})

    assert isinstance(change, Change)
    assert (change.user["plan"], change.relationships) == ("pro", None)
    assert isinstance(refused, Unreadable)


@pytest.mark.parametrize(
    "named",
    [
        {"properties": {"objectId": "c", "objectTypeId": "2"}},
        {"properties": {"object_id": "c", "object_type_id": 2}},
        {"properties": {"object_type_id": "2"}, "context": {"groupId": "c"}},
        {"properties": {"object_type_id": "2"}, "groupId": "c"},
    ],
)
def test_an_event_ends_a_relationship_or_deletes_an_object_and_stays_an_event(named: dict[str, Any]) -> None:
    ended = of_user("track", event="Relationship Deleted", **named)
    assert ended.relationships == (group("c", "2", gone=True),)
    assert [each.name for each in ended.events] == ["Relationship Deleted"]

    deleted, change = read("track", event="Object Deleted", userId="u1", **named)
    assert deleted == ObjectChange("2", "c", {}, "group", version=VERSION, deleted=True)
    assert isinstance(change, Change)
    assert [each.name for each in change.events] == ["Object Deleted"]


def test_an_object_is_deleted_without_a_user_too() -> None:
    (deleted,) = read("track", event="Object Deleted", properties={"objectId": "c"})

    assert deleted == ObjectChange("1", "c", {}, "group", version=VERSION, deleted=True)


def test_an_event_that_names_no_object_is_only_an_event() -> None:
    assert of_user("track", event="Relationship Deleted").relationships is None
    assert of_user("track", event="Object Deleted").events[0].name == "Object Deleted"
