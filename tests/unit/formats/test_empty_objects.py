"""PHP writes an empty object as `[]`: every form reads it as `{}`, wherever an object is expected."""

from typing import Any

import pytest

from connector import formats
from connector.model.change import Unreadable

PHONE = {"token": "t1", "platform": "ios"}
USER = {"user": {"id": "u1"}}
CALL = {"userId": "u1"}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("native", {**USER, "account": [], "topics": []}),
    ("native", {**USER, "events": [{"name": "Did", "properties": []}]}),
    ("native", {**USER, "devices": [{**PHONE, "attributes": []}]}),
    ("native", {**USER, "relationships": [{"id": "o1", "attributes": []}]}),
    ("native", {"object": {"id": "o1", "attributes": [], "relationships": [{**USER, "attributes": []}]}}),
    ("hull", {**USER, "segments": [], "account": [], "events": [{"event": "Did", "properties": [], "context": []}]}),
    ("lytics", {"data": {"user_id": "u1"}, "meta": []}),
    ("lytics", {"data": [], "meta": {"event": "enter", "audience_slug": "a", "user": {"user_id": "u1"}}}),
    *(
        ("segment", {**CALL, **call, "traits": [], "properties": [], "integrations": [], "context": context})
        for call in (
            {"type": "identify"},
            {"type": "track", "event": "Application Opened"},
            {"type": "page"},
            {"type": "screen"},
            {"type": "group", "groupId": "g1"},
            {"type": "alias", "previousId": "u0"},
            {"type": "delete"},
        )
        for context in ([], {name: [] for name in ("traits", "page", "device", "os", "app", "externalIds")})
    ),
    ("segment", {**CALL, "type": "group", "groupId": "g1", "traits": {"relationshipAttributes": []}}),
    (
        "segment",
        {
            **CALL,
            "type": "identify",
            "traits": {"cio_relationships": [{"identifiers": {"object_id": "o1"}, "relationship_attributes": []}]},
        },
    ),
]


@pytest.mark.parametrize(("form", "message"), CASES)
def test_an_empty_list_is_an_empty_object(form: str, message: dict[str, Any]) -> None:
    found = formats.parse(form, message)
    assert found
    assert not any(isinstance(each, Unreadable) for each in found)
    assert [why for each in found for why in getattr(each, "left_out", ())] == []


@pytest.mark.parametrize("type", ["identify", "track", "page", "screen", "group", "alias", "delete"])
@pytest.mark.parametrize("context", [["a"], {"traits": ["a"]}, {"traits": "a"}])
def test_a_context_that_is_none_harms_only_itself(type: str, context: Any) -> None:
    call = {**CALL, "type": type, "event": "Did", "groupId": "g1", "previousId": "u0", "context": context}
    found = formats.parse("segment", call)
    assert not any(isinstance(each, Unreadable) for each in found)
    [why] = [why for each in found for why in getattr(each, "left_out", ())]
    assert why.endswith("is not an object: it is left out")
