"""Writes notifications of about 2 kB for measuring: `python benchmarks/notifications.py FILE [COUNT] [PEOPLE]`.

Two halves: every user once, then every user again with one attribute changed; each with one allowed event.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

SEGMENTS = [
    {"id": f"s-{n:04}", "name": name} for n, name in enumerate(("Active trial", "Paying", "Newsletter readers"))
]


def message(user: int, turn: int, rng: random.Random) -> dict[str, Any]:
    """One message about `user`, about 1.6 kB."""
    at = f"2026-{1 + turn % 9:02}-11T10:{user % 60:02}:{turn % 60:02}Z"
    return {
        "message_id": f"m-{user}-{turn}",
        "user": {
            "id": f"u-{user}",
            "external_id": str(100_000 + user),
            "email": f"user-{user}@example.com",
            "first_name": f"Teal {user}",
            "last_name": "Thistle",
            "created_at": "2026-01-01T00:00:00Z",
            "last_seen_at": at,
            "indexed_at": at,
            "anonymous_ids": [f"visitor-{user}"],
            "traits_plan": ("team", "business", "free")[turn % 3],
            "traits_clearbit/employees": user % 5000,
            "traits_clearbit/description": "An obviously invented company. " * 8,
            "address_country": "Nowhere",
            "sessions_count": turn,
            "last_known_ip": "192.0.2.1",
        },
        "segments": SEGMENTS[: 1 + rng.randrange(3)],
        "account": {"id": f"a-{user % 500}", "name": f"Thistle Works {user % 500}", "domain": "example.com"},
        "account_segments": [],
        "changes": {"user": {"traits_plan": ["free", "team"]}, "segments": {"entered": [], "left": []}},
        "events": [
            {
                "event_id": f"e-{user}-{turn}",
                "event": "Plan changed" if turn % 2 else "Signed up",
                "created_at": at,
                "properties": {"plan": "team", "seats": rng.randrange(50), "source": "measure"},
                "context": {
                    "useragent": "Mozilla/5.0 (X11; Linux x86_64)",
                    "ip": "192.0.2.1",
                    "page": {"url": "https://www.example.com/"},
                },
            }
        ],
    }


def main(file: Path, count: int, people: int) -> None:
    """Writes `count` notifications over `people` users to `file`."""
    rng = random.Random(1)
    order: list[int] = []
    while len(order) < count:
        turn = list(range(people))
        rng.shuffle(turn)
        order += turn
    with file.open("w", encoding="utf-8") as out:
        for number, user in enumerate(order[:count]):
            body = {
                "notification_id": f"n-{number:07}",
                "channel": "user:update",
                "segments": SEGMENTS,
                "accounts_segments": [],
                "messages": [message(user, number // people, rng)],
            }
            out.write(json.dumps(body, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int((sys.argv[2:] or ["20000"])[0]), int((sys.argv[3:] or ["10000"])[0]))
