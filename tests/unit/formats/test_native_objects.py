"""Objects and relationships in the native form, and its JSON Schema says the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connector import formats
from connector.formats import native, native_objects
from connector.model.change import Change, Message, ObjectChange, Relationship, Unreadable

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "native.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def read(**fields: Any) -> list[Message]:
    return formats.parse("native", fields)


def of_user(*relationships: Any) -> Change | Unreadable:
    (answer,) = read(user={"id": "u1"}, relationships=list(relationships))
    assert not isinstance(answer, ObjectChange)
    return answer


def test_a_message_about_an_object_is_read() -> None:
    given = {"type": 2, "id": 7, "attributes": {"name": "x"}, "deleted": True, "left": True}

    assert read(object=given, version=3, whole=True) == [
        ObjectChange("2", "7", {"name": "x"}, "object", True, 3, True, True)
    ]
    VALIDATOR.validate({"object": given, "version": 3, "whole": True})


def test_the_smallest_message_about_an_object_is_of_the_type_1() -> None:
    assert read(object={"id": "acme"}) == [ObjectChange("1", "acme")]
    assert ObjectChange("1", "acme").key == "1/acme"


def test_users_who_are_related_have_a_message_each_with_the_version_where_it_is_a_time() -> None:
    people = [
        {"user": {"id": "u1"}, "attributes": {"role": "x"}},
        {"user": {"email": "A@example.com"}, "deleted": True},
    ]
    at = "2026-01-31T10:00:00Z"
    about, first, second = read(object={"id": "acme", "relationships": people}, version=at)
    assert isinstance(about, ObjectChange)
    assert first == Change("u1", {"id": "u1"}, version=about.version, relationships=(
        Relationship("1", "acme", {"role": "x"}),
    ))  # fmt: skip
    assert isinstance(second, Change)
    assert (second.key, second.relationships) == ("email:a@example.com", (Relationship("1", "acme", gone=True),))
    (_, counted, _) = read(object={"id": "acme", "relationships": people}, version=7)
    assert isinstance(counted, Change)
    assert counted.version is None


def test_relationships_of_a_user_are_read() -> None:
    change = of_user({"id": "acme", "attributes": {"role": "x"}}, {"type": "2", "id": 5, "deleted": True})
    assert isinstance(change, Change)
    assert change.relationships == (Relationship("1", "acme", {"role": "x"}), Relationship("2", "5", gone=True))


def test_no_relationships_are_not_the_same_as_unknown_ones() -> None:
    (silent,) = read(user={"id": "u1"})
    assert isinstance(silent, Change)
    assert silent.relationships is None
    none = of_user()
    assert isinstance(none, Change)
    assert none.relationships == ()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "an object has no id"),
        ({"id": " "}, "an object has no id"),
        ({"id": "x", "type": "company"}, "not an integer from 1"),
        ({"id": "x", "type": 0}, "not an integer from 1"),
        ({"id": "x", "attributes": [1]}, "are not an object"),
        ({"id": "x", "deleted": "yes"}, '"deleted" of'),
        ({"id": "x", "atributes": {}}, 'is "attributes" meant?'),
        ({"id": "x" * 151}, "exceeds 150 bytes"),
    ],
)
def test_what_cannot_be_is_refused_for_objects_and_relationships_alike(given: dict[str, Any], reason: str) -> None:
    (of_object,) = read(object=given)
    related = of_user(given)

    for each in (of_object, related):
        assert isinstance(each, Unreadable)
        assert reason in each.reason
    assert not VALIDATOR.is_valid({"object": given})
    assert not VALIDATOR.is_valid({"user": {"id": "u1"}, "relationships": [given]})


@pytest.mark.parametrize("id", ["a\tb", "a\x00", "\ud800"])
def test_an_id_that_is_no_plain_text_is_refused(id: str) -> None:
    (answer,) = read(object={"id": id})
    assert isinstance(answer, Unreadable)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"object": "acme"}, '"object" is not an object'),
        ({"object": {"id": "x"}, "user": {"id": "u1"}}, 'unknown field "user"'),
        ({"object": {"id": "x", "relationships": [{"user": {}}]}}, "names no user"),
        ({"object": {"id": "x", "relationships": [{"usr": {}}]}}, 'is "user" meant?'),
        ({"object": {"id": "x", "relationships": ["u1"]}}, "a relationship is not an object"),
        ({"object": {"id": "x", "relationships": {}}}, "is not a list"),
        ({"user": {"id": "u1"}, "relationships": [{}] * 1001}, "at most 1000"),
    ],
)
def test_a_message_that_contradicts_the_form_is_refused(fields: dict[str, Any], reason: str) -> None:
    (answer,) = read(**fields)
    assert isinstance(answer, Unreadable)
    assert reason in answer.reason
    assert not VALIDATOR.is_valid(fields)


def test_the_schema_names_the_same_fields() -> None:
    definitions = SCHEMA["$defs"]
    assert tuple(definitions["object"]["properties"]) == native_objects.OBJECT_FIELDS
    assert tuple(definitions["relationship"]["properties"]) == native_objects.RELATIONSHIP_FIELDS
    inner = definitions["object"]["properties"]["relationships"]["items"]["properties"]
    assert tuple(inner) == native_objects.USER_FIELDS
    assert {"object", "relationships"} <= set(native.FIELDS)
