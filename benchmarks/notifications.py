"""The notifications that every benchmark sends: Hull's, about 2.2 kB each, as the world sends them.

One message a notification: a user of 28 fields, the 12 segments of the organisation as far as the user is in them, up
to two events. One in five comes twice, one in seven says that the user left the audience, one in seven is about
somebody who changed within the last 40 notifications. The same numbers give the same notifications.
"""

import json
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import md5
from typing import Any, NamedTuple

REPEATED, LEAVING, SOON_AGAIN = 0.20, 0.15, 0.15
_SOON, _REPEATED_WITHIN = 40, 1000
_EVENTS_AT_MOST = 2
_NAMES = (
    "Active trial", "Paying", "Newsletter readers", "Webinar guests", "Large teams", "Annual plans", "Europe",
    "Opened last month", "Asked for a demo", "Partners", "Owners", "Needs attention",
)  # fmt: skip
SEGMENTS = [{"id": f"segment-{n:04}", "name": name, "type": "users_segment"} for n, name in enumerate(_NAMES, 1)]
WHITELISTED = 2
"""The first ones are the audience of benchmarks/settings.toml."""
_PLANS = ("free", "team", "business")
_SINCE = datetime(2026, 9, 1, tzinfo=UTC)
_APART = timedelta(milliseconds=7)


class Step(NamedTuple):
    """One thing that happened to a user. `turn` counts the user's own, `number` everybody's; `inside`: the audience."""

    number: int
    person: int
    turn: int
    inside: bool
    events: int


@dataclass(frozen=True)
class Notifications:
    """`changes` notifications over `people` (0: half as many), who are named after `seed`."""

    changes: int
    people: int = 0
    seed: str = "benchmark"

    @cached_property
    def steps(self) -> list[Step]:
        """The steps that are sent, in order; a repeat is the same step again."""
        rng = random.Random(self.seed)
        people = self.people or max(1, self.changes // 2)
        turns = [0] * people
        recent: deque[Step] = deque(maxlen=_REPEATED_WITHIN)
        found: list[Step] = []
        while len(found) < self.changes:
            step = _next(rng, recent, people, turns, len(found))
            recent.append(step)
            found.append(step)
        return found

    def bodies(self) -> Iterator[bytes]:
        """Returns the notifications as they go into the queue."""
        return (self.body(step) for step in self.steps)

    def body(self, step: Step) -> bytes:
        """Returns one of them."""
        return json.dumps(notification(self.name(step.person), step), separators=(",", ":")).encode()

    def name(self, person: int) -> str:
        """Returns a user's id: spread as real ones are, so that no index is written at its end only."""
        return f"u{md5(f'{self.seed} {person}'.encode(), usedforsecurity=False).hexdigest()[:12]}"


def _next(rng: random.Random, recent: deque[Step], people: int, turns: list[int], number: int) -> Step:
    chance = rng.random()
    if chance < REPEATED and recent:
        return recent[rng.randrange(len(recent))]
    if chance < REPEATED + SOON_AGAIN and recent:
        person = recent[-rng.randint(1, min(_SOON, len(recent)))].person
    else:
        person = rng.randrange(people)
    turns[person] += 1
    return Step(number, person, turns[person], rng.random() >= LEAVING, rng.randint(0, _EVENTS_AT_MOST))


def written_at(step: Step) -> str:
    """Returns when upstream wrote it, as ISO time: no two have the same."""
    return (_SINCE + step.number * _APART).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def notification(name: str, step: Step) -> dict[str, Any]:
    """Returns a notification as Hull's smart notifier sends it."""
    return {
        "notification_id": f"n-{step.number:07}",
        "channel": "user:update",
        "segments": [],
        "accounts_segments": [],
        "messages": [message(name, step)],
    }


def message(name: str, step: Step) -> dict[str, Any]:
    """Returns what it says about its one user."""
    account = f"{step.person % 500}"
    return {
        "message_id": f"m-{name}-{step.turn}",
        "user": user(name, step),
        "segments": segments(step),
        "account": {
            "id": f"a-{account:04}",
            "name": f"Thistle Works {account}",
            "domain": f"works-{account}.example.com",
        },
        "account_segments": [],
        "events": [event(name, step, place) for place in range(step.events)],
        "changes": {"is_new": step.turn == 1, "user": {"traits_plan": ["free", "team"]}, "segments": {}},
    }


def segments(step: Step) -> list[dict[str, str]]:
    """Returns those the user is in: one of the whitelisted ones or both where they are inside, and all others."""
    return SEGMENTS[step.turn % WHITELISTED if step.inside else WHITELISTED :]


def user(name: str, step: Step) -> dict[str, Any]:
    """Returns the user's 28 fields."""
    person, turn, now = step.person, step.turn, written_at(step)
    return {
        "id": name,
        "external_id": f"x{name[1:]}",
        "email": f"{name}@example.com",
        "first_name": f"Teal {person % 100}",
        "last_name": "Thistle",
        "created_at": f"2026-01-{1 + person % 28:02}T00:00:{person % 60:02}Z",
        "last_seen_at": f"2026-08-{1 + turn % 28:02}T10:{person % 60:02}:00Z",
        "updated_at": now,
        "indexed_at": now,
        "anonymous_ids": [f"visitor-{name}"],
        "domain": "example.com",
        "is_approved": False,
        "has_password": True,
        "sessions_count": turn,
        "last_known_ip": "192.0.2.1",
        "first_session_initial_url": "https://www.example.com/pricing",
        "first_session_initial_referrer": "https://search.example.org/",
        "address_country": "Nowhere",
        "address_city": "Elsewhere",
        "traits_plan": _PLANS[(person + turn) % 3],
        "traits_mrr": 12.5 * (person % 40),
        "traits_seats": person % 50,
        "traits_owner": f"Umber {person % 20}",
        "traits_newsletter": person % 2 == 0,
        "traits_turn": turn,
        "traits_clearbit/employees": person % 5000,
        "traits_clearbit/industry": "Thistles and other plants",
        "traits_clearbit/description": "An obviously invented company, which sells thistles.",
    }


def event(name: str, step: Step, place: int) -> dict[str, Any]:
    """Returns one of a step's events. Its property `number` tells it from all others."""
    return {
        "event_id": f"e-{name}-{step.turn}-{place}",
        "event": "Plan changed",
        "created_at": written_at(step),
        "properties": {"number": f"{step.turn}-{place}", "plan": _PLANS[step.person % 3], "seats": step.person % 50},
        "context": {"ip": "192.0.2.1", "useragent": "Browser/1.0"},
    }
