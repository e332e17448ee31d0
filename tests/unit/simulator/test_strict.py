"""What strict mode takes: the forms of the documentation and no other."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic_core import to_json

from connector.simulator.server import strict

WHO = {"id": "u1"}
ULID = "01M8B6JRTSRVJQYGJP5MNTZZ3R"
RELATED = [{"identifiers": {"object_type_id": "1", "object_id": "acme"}, "relationship_attributes": {"role": "x"}}]
DEVICE = {"token": "t1", "platform": "ios", "last_used": 1, "attributes": {"push_enabled": "true"}}
MANY = "01" * 80


def person(action: str, identifiers: Any = None, **rest: Any) -> dict[str, Any]:
    return {"type": "person", "action": action, "identifiers": identifiers or WHO, **rest}


def found(*items: Any) -> list[str]:
    return strict.violations("POST", "/api/v2/batch", b"", to_json({"batch": items}))


def test_the_schema_is_one() -> None:
    for name in strict._SCHEMA["$defs"]:
        Draft202012Validator.check_schema(strict._inlined({"$ref": f"#/$defs/{name}"}))


@pytest.mark.parametrize(
    "item",
    [
        person("identify", attributes={"plan": None, "email": "ada@example.com", "_update": True}),
        person("identify", {"id": 7}, attributes={}, timestamp=1, cio_relationships=RELATED),
        person("identify", {"phone": "+15550100"}),
        person("event", name="Signed up", id=ULID, timestamp=1, attributes={"a": {"b": [1]}}),
        person("add_device", device=DEVICE),
        person("delete_device", device={"token": "t1"}),
        person("delete_relationships", cio_relationships=RELATED),
        {"type": "person", "action": "merge", "primary": {"id": "a"}, "secondary": {"cio_id": "b"}},
        {"type": "object", "action": "delete", "identifiers": {"object_type_id": "1", "object_id": "acme"}},
    ],
)
def test_what_is_documented_is_taken_twice_too(item: dict[str, Any]) -> None:
    assert found(item) == found(item) == []


@pytest.mark.parametrize(
    "item",
    [
        person("identify", {"anonymous_id": "v1"}),
        person("event", {"anonymous_id": "v1"}, name="Signed up"),
        person("identify", {"id": "a", "email": "ada@example.com"}),
        person("identify", {"id": ""}),
        person("identify", {"id": MANY}),
        person("identify", attributes={"cio_id": "x"}),
        person("identify", attributes={MANY: 1}),
        person("identify", attributes={"plan": "x" * 1001}),
        person("identify", attributes={f"a{number}": 1 for number in range(301)}),
        person("identify", timestamp="2026-01-31T10:00:00Z"),
        person("identify", extra=1),
        person("event", name=" "),
        person("event", name="Signed up", id="not-a-ulid"),
        person("event"),
        person("add_device", device={**DEVICE, "platform": "web"}),
        person("add_device", device={**DEVICE, "last_used": "1"}),
        person("forgot_content", name="x"),
        {"type": "object", "action": "event", "identifiers": {"object_type_id": "1", "object_id": "acme"}},
        {"type": "object", "action": "identify", "identifiers": {"object_type_id": 1, "object_id": "acme"}},
        {"type": "person", "action": "merge", "primary": WHO, "secondary": WHO, "identifiers": WHO},
        "nothing",
    ],
)
def test_what_is_not_documented_is_named_by_its_place(item: Any) -> None:
    (line,) = found(person("delete"), item)
    assert line.startswith("POST /api/v2/batch: ")
    assert "batch.1: " in line or "$.batch[1]" in line


@pytest.mark.parametrize(
    ("path", "query", "body", "fine"),
    [
        ("/api/v1/segments/7/add_customers", b"id_type=email", {"ids": ["ada@example.com"]}, True),
        ("/api/v1/segments/7/remove_customers", b"id_type=object_id", {"ids": ["1/acme"]}, False),
        ("/api/v1/segments/7/remove_customers", b"", {"ids": []}, False),
        ("/api/v1/segments/7/remove_customers", b"", {"ids": ["a"] * 1001}, False),
        ("/api/v1/events", b"", {"name": "Signed up", "anonymous_id": "v1", "id": ULID, "data": {}}, True),
        ("/api/v1/events", b"", {"name": "Signed up", "attributes": {}}, False),
        ("/api/v2/objects", b"", {}, False),
        ("/v1/customers", b"", {"filter": {}}, True),
    ],
)
def test_calls_beside_the_batch(path: str, query: bytes, body: Any, *, fine: bool) -> None:
    assert (strict.violations("POST", path, query, to_json(body)) == []) is fine


def test_what_is_no_json_is_said() -> None:
    assert strict.violations("POST", "/api/v2/batch", b"", b"{") == ["POST /api/v2/batch: the body is not JSON"]
