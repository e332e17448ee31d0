"""docker-compose.yml as `docker compose` reads it: anchors merged, variables filled in."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.processes import ROOT

COMPOSE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[?-])(?P<otherwise>[^}]*))?\}")
_EXAMPLE = re.compile(r"^(?:# )?(?P<name>[A-Z][A-Z_]*)=(?P<text>.*)$", re.MULTILINE)


def whole() -> dict[str, Any]:
    """The file as it stands, with its anchors merged."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def services(variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The services, by name, with the variables filled in."""
    found: dict[str, dict[str, Any]] = _filled(whole()["services"], variables)
    return found


def environment(service: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str]:
    """A service's environment; a name without a value has what the variables give, or is left out."""
    given = service.get("environment", {})
    found = {name: variables.get(name) if value is None else str(value) for name, value in given.items()}
    return {name: value for name, value in found.items() if value is not None}


def named() -> set[str]:
    """Every variable the file asks for."""
    filled_in = {match["name"] for match in _VARIABLE.finditer(COMPOSE.read_text())}
    tables = [service.get("environment", {}) for service in whole()["services"].values()]
    return filled_in | {name for table in tables for name, value in table.items() if value is None}


def example() -> dict[str, str]:
    """What .env.example gives, its suggestions behind a # as well."""
    return {match["name"]: match["text"] for match in _EXAMPLE.finditer((ROOT / ".env.example").read_text())}


def _filled(node: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {name: _filled(value, variables) for name, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, variables) for value in node]
    return _VARIABLE.sub(lambda match: _value(match, variables), node) if isinstance(node, str) else node


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    given = variables.get(match["name"], "")
    if not given and match["how"] == "?":
        raise ValueError(f"required variable {match['name']} is missing a value")
    return given or match["otherwise"] or ""
