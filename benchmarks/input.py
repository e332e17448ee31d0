"""The changes that every benchmark sends: native messages of about 550 bytes, the same for the same numbers.

Every person's first version comes before anybody's second, and each further round goes through all people in a new
order: so hardly a change is about somebody who changed a moment ago, and the fleet saves no requests by waiting.
One change in ten brings an event.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5
from typing import Any

SEGMENTS = [{"id": "seg-1", "name": "Active trial"}, {"id": "seg-2", "name": "Paying"}, {"id": "seg-3", "name": "Beta"}]
_PLANS = ("free", "team", "business")
_ONE_EVENT_IN = 10
EVENTS_SINCE = 1_790_000_000
"""When the first event happened, in unix seconds: fixed, so that the input is the same each time."""


@dataclass(frozen=True, slots=True)
class Input:
    """`changes` over `people`, who are named after `seed`: another seed is about other people."""

    changes: int
    people: int
    seed: str = "benchmark"

    @property
    def last_turns(self) -> dict[str, int]:
        """The last version of every person, by name."""
        return {self.name(person): turn for person, turn in self.order()}

    @property
    def events(self) -> int:
        """How many events there are in all."""
        return sum(_has_event(person, turn) for person, turn in self.order())

    def order(self) -> Iterator[tuple[int, int]]:
        """Every change as person and version, in the order in which they are sent."""
        rng = random.Random(self.seed)
        turn, people = 1, list(range(self.people))
        for sent in range(self.changes):
            place = sent % self.people
            if place == 0:
                rng.shuffle(people)
                turn = 1 + sent // self.people
            yield people[place], turn

    def messages(self) -> Iterator[dict[str, Any]]:
        """The changes as native messages (docs/messages.md)."""
        return (message(self.name(person), person, turn) for person, turn in self.order())

    def bodies(self) -> Iterator[bytes]:
        """The same as they go into the queue."""
        return (json.dumps(each, separators=(",", ":")).encode() for each in self.messages())

    def name(self, person: int) -> str:
        """A person's id: spread as real ones are, so that no index is written at its end only."""
        return f"u{md5(f'{self.seed} {person}'.encode(), usedforsecurity=False).hexdigest()[:12]}"


def message(name: str, person: int, turn: int) -> dict[str, Any]:
    """Everything about a person at one version. `turn` is an attribute too: by it the end is checked."""
    day = 1 + turn % 28
    user = {
        "id": name,
        "email": f"{name}@example.com",
        "first_name": f"Teal {person % 100}",
        "last_name": "Thistle",
        "plan": _PLANS[(person + turn) % 3],
        "city": "Nowhere",
        "employees": person % 5000,
        "turn": turn,
        "created_at": f"2026-01-01T00:00:{person % 60:02}Z",
        "last_seen_at": f"2026-02-{day:02}T10:{person % 60:02}:00Z",
        "last_known_ip": "192.0.2.1",
        "note": "an obviously invented person, who buys thistles",
    }
    return {
        "user": user,
        "account": {"name": f"Thistle Works {person % 500}", "domain": "example.com"},
        "segments": SEGMENTS[: 1 + (person + turn) % 3],
        **({"events": [_event(name, person, turn)]} if _has_event(person, turn) else {}),
        "whole": True,
        "version": turn,
        "message_id": f"m-{name}-{turn}",
    }


def _has_event(person: int, turn: int) -> bool:
    return (person + turn) % _ONE_EVENT_IN == 0


def _event(name: str, person: int, turn: int) -> dict[str, Any]:
    return {
        "name": "Plan changed",
        "id": f"e-{name}-{turn}",
        "time": EVENTS_SINCE + person % 86_400,
        "properties": {"plan": _PLANS[(person + turn) % 3], "seats": person % 50},
    }
