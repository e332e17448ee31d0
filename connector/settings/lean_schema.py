"""A JSON Schema as people read it: without what pydantic writes for itself."""

from typing import Any


def lean(node: Any) -> Any:
    """A schema without the titles that only repeat keys, and with defaults for keys only: not for tables, not null."""
    if isinstance(node, list):
        return [lean(one) for one in node]
    if not isinstance(node, dict):
        return node
    idle = {"title"} | ({"default"} if isinstance(node.get("default"), dict | None) else set())
    return {key: _lean_below(key, value) for key, value in node.items() if key not in idle}


def _lean_below(key: str, value: Any) -> Any:
    """What stands under a schema's key; under `properties` stand the names of keys, and one may be called default."""
    return {name: lean(each) for name, each in value.items()} if key == "properties" else lean(value)
