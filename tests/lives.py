"""Many invented users and what Hull would tell of them: 5,000 changes and more, the same ones in each run.

Most users stay in the audience, some leave it for good, some leave and come back. Each change has a later version
than the user's change before it, and every other one brings an event with an id of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.oracle import SyncRules

Message = Mapping[str, Any]

USERS, CHANGES = 500, 10
RULES = SyncRules(
    segments=["Paying"], attributes=[("plan", "plan"), ("city", "city")], segment_attribute=None,
    events=["Signed up", "page"], on_exit="delete",
)  # fmt: skip
"""The sync of these tests, as tests/oracle.py takes it."""

_PAYING, _NEWS = {"id": "s-1", "name": "Paying"}, {"id": "s-2", "name": "News"}
_CITIES = ("Oslo", "Lima", "Pune", None)
_START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
_LEAVES, _COMES_BACK = 8, 9
"""Of ten users, which one leaves for good, and which one comes back."""


def lives(prefix: str, users: int = USERS, changes: int = CHANGES, seed: int = 1) -> list[Message]:
    """Every change of these users, whose ids begin with `prefix`. Changes of one user come in their order."""
    random = Random(seed)
    return [
        _change(f"{prefix}-{user}", number, _segments(user, number, changes), random)
        for number in range(changes)
        for user in random.sample(range(users), users)
    ]


def one_life(user: str, changes: int) -> list[Message]:
    """Many changes of one user, who stays in the audience, each with an event."""
    random = Random(1)
    return [_change(user, number, [_PAYING], random, always=True) for number in range(changes)]


def shared_out(messages: Sequence[Message], publishers: int) -> list[list[Message]]:
    """The messages in as many parts: each user's changes are spread over all of them."""
    return [list(messages[first::publishers]) for first in range(publishers)]


def shuffled(messages: Iterable[Message], seed: int = 1) -> list[Message]:
    """The messages in another order, the same in each run."""
    found = list(messages)
    Random(seed).shuffle(found)
    return found


def _segments(user: int, number: int, changes: int) -> list[Mapping[str, str]]:
    away = range(0)
    if user % 10 == _LEAVES:
        away = range(changes - 2, changes)
    if user % 10 == _COMES_BACK:
        away = range(changes // 3, changes // 2)
    return [_NEWS] if number in away else [_PAYING, _NEWS]


def _change(
    user: str, number: int, segments: Sequence[Mapping[str, str]], random: Random, *, always: bool = False
) -> Message:
    at = _START + timedelta(minutes=number)
    said = {"id": user, "external_id": user, "indexed_at": at.isoformat(), "plan": f"plan {number}"}
    city = random.choice(_CITIES)
    with_event = always or random.random() < 0.5
    return {
        "user": said if city is None else {**said, "city": city},
        "segments": list(segments),
        "events": list(_events(user, number, at)) if with_event else [],
    }


def _events(user: str, number: int, at: datetime) -> Iterator[Mapping[str, Any]]:
    yield {
        "event": "Signed up",
        "event_id": f"e-{user}-{number}",
        "created_at": at.isoformat(),
        "properties": {"number": number},
    }
