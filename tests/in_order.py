"""Random lives told one message right behind the other, and where they end if each is applied as it comes.

Most messages carry no version, or one that others carry too (a time in whole seconds, as upstreams give it): then only
the order in which they were published says what counts. The oracle knows nothing but that order.
"""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

Message = Mapping[str, Any]
_PAYING = {"id": "s-1", "name": "Paying"}
_SECOND = 1_000_000
_BEGAN = 1_700_000_000 * _SECOND
_TOGETHER = 5
_VERSIONS = ("none", "seconds", "mixed")


def stories(prefix: str, users: int, changes: int, seed: int = 1) -> list[Message]:
    """The changes of a few users at a time, up to three of one user's right behind one another; then the next few."""
    random = Random(seed)
    told: list[Message] = []
    for first in range(0, users, _TOGETHER):
        few = {f"{prefix}-{user}": 0 for user in range(first, min(first + _TOGETHER, users))}
        while few:
            user = random.choice(sorted(few))
            run = min(random.randint(1, 3), changes - few[user])
            told += [_message(user, few[user] + place, random) for place in range(run)]
            few[user] += run
            if few[user] == changes:
                del few[user]
    return told


def _message(user: str, number: int, random: Random) -> Message:
    """A whole message. How versions are given is the user's own: never, in whole seconds, or now and then."""
    said: dict[str, Any] = {"id": user, "external_id": user, "plan": f"plan {number}"}
    if random.random() < 0.5:
        said["city"] = random.choice(("Oslo", "Lima"))
    message: dict[str, Any] = {
        "user": said,
        "whole": True,
        "segments": [_PAYING] if random.random() < 0.8 else [],
        "events": [{"name": "Signed up", "id": f"{user} {number}"}] if random.random() < 0.3 else [],
    }
    versions = _VERSIONS[int(user.rpartition("-")[2]) % len(_VERSIONS)]
    if versions == "seconds" or (versions == "mixed" and random.random() < 0.5):
        message["version"] = _BEGAN + number // 4 * _SECOND
    return message


def ends(told: Iterable[Message]) -> dict[str, dict[str, Any]]:
    """Who must be in Customer.io in the end, with which attributes: what the last message of each says."""
    last = {str(message["user"]["id"]): message for message in told}
    return {user: _attributes(message) for user, message in last.items() if message["segments"]}


def _attributes(message: Message) -> dict[str, Any]:
    return {name: value for name, value in message["user"].items() if name not in {"id", "external_id"}}


def wrong(told: Iterable[Message], people: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Of these users, those who are not in Customer.io as they must be: what is expected, and what is there."""
    told = list(told)
    expected = ends(told)
    users = {str(message["user"]["id"]) for message in told}
    return {user: (expected.get(user), people.get(user)) for user in users if expected.get(user) != people.get(user)}
