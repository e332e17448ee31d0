"""Sends every call that a library has to a door, and says what the library reports: one line of JSON."""

import importlib
import json
import sys
from typing import Any

CALLS: dict[str, dict[str, Any]] = {
    "identify": {"user_id": "u1", "traits": {"plan": "pro", "email": "u1@example.com"}},
    "track": {"user_id": "u1", "event": "Signed up", "properties": {"source": "test"}},
    "page": {"user_id": "u1", "name": "Home", "properties": {"url": "https://www.example.com/"}},
    "screen": {"user_id": "u1", "name": "Main", "properties": {}},
    "group": {"user_id": "u1", "group_id": "g1", "traits": {"name": "Example Ltd"}},
    "alias": {"previous_id": "u0", "user_id": "u1"},
}


def main(module: str, url: str, key: str, gzip: str) -> None:
    failed: list[str] = []
    client = importlib.import_module(f"{module}.client").Client(
        key,
        host=url,
        gzip=gzip == "gzip",
        max_retries=0,
        timeout=10,
        on_error=lambda error, items: failed.extend(f"{item.get('type')}: {error}" for item in items),
    )
    sent = [name for name in CALLS if hasattr(client, name)]
    for name in sent:
        getattr(client, name)(**CALLS[name])
    client.shutdown()
    print(json.dumps({"sent": sent, "delivered": sent if not failed else [], "failed": failed}))


if __name__ == "__main__":
    main(*sys.argv[1:])
