"""Settings for tests: one workspace, one sync, native messages; a test says only what matters to it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connector.audience.rules import Rules
from connector.settings.schema import Settings, Sync

SITE_ID, API_KEY, TOKEN = "site-id", "api-key", "a-token"
_SYNC = {
    "connection": "main",
    "segments": ["Paying"],
    "identifier": "external_id",
    "attributes": ["plan", "city"],
    "segment_attribute": "",
    "events": ["Signed up", "page"],
    "on_exit": "delete",
    "deletion_guard": {"share": 1.0},
}
_DELIVERY = {"backoff_seconds": 0.01, "backoff_max_seconds": 0.05, "timeout_seconds": 5.0, "sweep_seconds": 0.1}
_PATIENCE_SECONDS = 60.0
_NOWHERE = "http://127.0.0.1:9"


def values(
    *,
    store: str = "sqlite:///unused.db",
    track_url: str = _NOWHERE,
    sync: Mapping[str, Any] = {},
    connection: Mapping[str, Any] = {},
    delivery: Mapping[str, Any] = {},
    **sections: Any,
) -> dict[str, Any]:
    """Settings as a file would give them; `sections` are whole other tables."""
    keys = {"site_id": SITE_ID, "api_key": API_KEY}
    main = {"track_url": track_url, "app_url": track_url, "requests_per_second": 1000.0, **keys, **connection}
    return {
        "store": {"url": store},
        "intake": {"format": "native"},
        "delivery": {**_DELIVERY, **delivery},
        "connections": {"main": main},
        "syncs": {"main": {**_SYNC, **sync}},
        **sections,
    }


def build(**given: Any) -> Settings:
    """The same as frozen values. Pages have time for their statements, and show what is there right now."""
    found = values(**given)
    console = {"statement_seconds": _PATIENCE_SECONDS, "shared_seconds": 0.0, **found.get("console", {})}
    return Settings(**{**found, "console": console})


def rules(**sync: Any) -> Rules:
    """The rules of one sync."""
    return Rules.of(Sync.model_validate({**_SYNC, **sync, "name": "main"}))


def write(folder: Path, given: Mapping[str, Any]) -> dict[str, str]:
    """Writes settings.toml into `folder`, and gives the environment that a program needs to run by it."""
    secrets = {f"CONNECTOR__CONNECTIONS__MAIN__{key.upper()}": text for key, text in _taken_out(given)}
    path = folder / "settings.toml"
    path.write_text("\n".join(_lines(given, ())) + "\n", "utf-8")
    return {"CONNECTOR_SETTINGS": str(path), "CONNECTOR__WEB__TOKEN": TOKEN, **secrets}


def _taken_out(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    main = given["connections"]["main"]
    yield from ((key, main.pop(key)) for key in ("site_id", "api_key"))


def _lines(table: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[str]:
    """TOML: texts, numbers, switches and lists of texts are written as in JSON."""
    if place:
        yield f"[{'.'.join(place)}]"
    tables = {name: value for name, value in table.items() if isinstance(value, dict)}
    yield from (f"{name} = {json.dumps(value)}" for name, value in table.items() if name not in tables)
    for name, inner in tables.items():
        yield from _lines(inner, (*place, name))
