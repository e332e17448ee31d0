"""Requests of the Track API held against what is documented, and nothing more lenient: `track.schema.json`.

The simulator takes what the real API was seen to take. In strict mode it refuses whatever the documentation does not
name, so that nobody comes to rely on it. It needs the library jsonschema, which the product does without.
"""

import re
from bisect import bisect_left
from collections.abc import Hashable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic_core import from_json

_SCHEMA = from_json((Path(__file__).parent.parent / "track.schema.json").read_bytes())
_BODIES = (
    ("POST", re.compile(r"/api/v1/events"), "v1 anonymous event"),
    ("POST", re.compile(r"/api/v1/metrics"), "v1 metric"),
    ("POST", re.compile(r"/api/v1/segments/[1-9][0-9]*/(?:add|remove)_customers"), "v1 members"),
    ("PUT", re.compile(r"/api/v1/customers/[^/]+"), "v1 identify"),
    ("POST", re.compile(r"/api/v1/customers/[^/]+/events"), "v1 event"),
    ("PUT", re.compile(r"/api/v1/customers/[^/]+/devices"), "v1 device"),
    ("POST", re.compile(r"/api/v1/merge_customers"), "v1 merge"),
)
_MOST_IDS = 1000
_MEMBERS_QUERY = re.compile(rb"(?:id_type=(?:id|email|cio_id))?")


def violations(method: str, path: str, query: bytes, body: bytes) -> list[str]:
    """Says what of a request is not documented.

    Args:
        method: The verb: GET, POST, PUT, DELETE.
        path: The path without the query.
        query: What stands behind the path, as it came.
        body: The body, as it came.

    Returns:
        A line for each; nothing for calls without a body, and for those of the App API.
    """
    if not path.startswith("/api/"):
        return []
    try:
        return [f"{method} {path}: {line}" for line in _lines(method, path, query, body)]
    except ValueError:
        return [f"{method} {path}: the body is not JSON"]


def _lines(method: str, path: str, query: bytes, body: bytes) -> Iterator[str]:
    name = next((name for verb, pattern, name in _BODIES if verb == method and pattern.fullmatch(path)), None)
    if "/segments/" in path and not _MEMBERS_QUERY.fullmatch(query):
        yield f"?{query.decode(errors='replace')}: id_type is one of id, email, cio_id"
    elif path == "/api/v2/batch":
        yield from _batch(from_json(body))
    elif path == "/api/v2/entity":
        yield from _operation(from_json(body), "")
    elif name is not None:
        yield from _wrong(name, from_json(body), "")
    elif path.startswith("/api/v2/"):
        yield "is no call of the Track API"


def _batch(body: Any) -> Iterator[str]:
    wrong = list(_wrong("batch", body, ""))
    yield from wrong
    for index, item in enumerate([] if wrong else body["batch"]):
        yield from _operation(item, f"batch.{index}: ")


def _operation(item: Any, place: str) -> Iterator[str]:
    name = f"{item.get('type')} {item.get('action')}" if isinstance(item, dict) else "nothing"
    if name in _SCHEMA["$defs"]:
        yield from _wrong(name, item, place)
    else:
        yield f"{place}{name} is no operation"


def _wrong(name: str, value: Any, place: str) -> Iterator[str]:
    shape = (name, _shape(value))
    if shape in _SOUND:
        return
    if error := best_match(_validator(name).iter_errors(value)):
        yield f"{place}{error.json_path} {error.message[:200]}"
    elif len(_SOUND) < _MOST_SHAPES:
        _SOUND.add(shape)


_SOUND: set[Hashable] = set()
_MOST_SHAPES = 100_000
_TELLING = frozenset({"type", "action", "platform", "object_type_id", "name", "phone"})
"""Keys whose text decides; of others only its length does, or whether it is a ULID."""
_LENGTHS = (0, 100, 150, 1000)
_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")


def _shape(value: Any, key: str = "") -> Hashable:
    """Returns all of a value that the schema asks for: a thousand people who are said alike are looked at once."""
    match value:
        case dict():
            return tuple([(name, _shape(below, name)) for name, below in value.items()])
        case list():
            return ("list", *dict.fromkeys(_shape(below, key) for below in value), len(value) > _MOST_IDS)
        case str() if key not in _TELLING:
            return bisect_left(_LENGTHS, len(value)), key == "id" and _ULID.fullmatch(value) is not None
        case int() if not isinstance(value, bool):
            return "int", value < 0
        case float():
            return "float"
        case _:
            return value


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(_inlined({"$ref": f"#/$defs/{name}"}))


def _inlined(node: Any) -> Any:
    """Returns a part of the schema with all it refers to in its place: following references takes most of the time."""
    if isinstance(node, list):
        return [_inlined(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(_SCHEMA["$defs"][node["$ref"].removeprefix("#/$defs/")])
    return {key: _inlined(each) for key, each in node.items()}
