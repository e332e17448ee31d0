"""Whether what is published in an order ends in that order: three notifications a user, one right behind the other.

They say either nothing of when they were written, or all the same second. The last one counts then, as it came.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.fleet import Figures, Fleet
from benchmarks.notifications import SEGMENTS, WHITELISTED
from benchmarks.progress import watched
from benchmarks.stage import pause, resume

Versions = Literal["none", "equal"]
PLANS = ("first", "second", "third")
_LEAVES_ONE_IN = 4
_SECOND = "2026-09-01T10:00:00Z"


@dataclass(frozen=True, slots=True)
class Lives:
    """Three notifications about each of `users`; one user in four leaves with the last."""

    users: int
    versions: Versions = "none"
    seed: str = "order"

    @property
    def changes(self) -> int:
        """The number of notifications."""
        return self.users * len(PLANS)

    def bodies(self) -> Iterator[bytes]:
        """Yields all of them, in order."""
        for user in range(self.users):
            for plan in PLANS:
                yield json.dumps({"channel": "user:update", "messages": [self.message(user, plan)]}).encode()

    def message(self, user: int, plan: str) -> dict[str, Any]:
        """Returns what one of them says."""
        name = self.name(user)
        said = {"id": name, "external_id": name, "email": f"{name}@example.com", "traits_plan": plan}
        dated = {"updated_at": _SECOND} if self.versions == "equal" else {}
        gone = self.leaves(user) and plan == PLANS[-1]
        return {"user": {**said, **dated}, "segments": SEGMENTS[WHITELISTED:] if gone else SEGMENTS}

    def name(self, user: int) -> str:
        """Returns a user's identifier."""
        return f"{self.seed}-{user}"

    def leaves(self, user: int) -> bool:
        """Says whether the user leaves at the end."""
        return user % _LEAVES_ONE_IN == 0

    def wrong(self, plans: dict[str, Any]) -> int:
        """Returns how many users are not as last said; `plans` are those whom Customer.io holds, by identifier."""
        wanted = {self.name(user): None if self.leaves(user) else PLANS[-1] for user in range(self.users)}
        return sum(plans.get(name) != plan for name, plan in wanted.items())


def measure(fleet: Fleet, lives: Lives, *, preloaded: bool) -> Figures:
    """Publishes them, from a full queue or while the fleet works. Returns how many people are wrong after delivery."""
    stage = fleet.stage
    stage.empty_simulators()
    bodies = list(lives.bodies())
    if preloaded:
        pause(fleet.workers)
        fleet.publisher.publish(bodies)
    with watched(fleet.store) as progress:
        if preloaded:
            resume(fleet.workers)
        else:
            fleet.publisher.publish(bodies)
        progress.until_confirmed(lives.changes)
    with stage.client.stream("GET", f"{stage.simulator}/_simulator/people") as answer:
        people = [json.loads(line) for line in answer.iter_lines()]
    plans = {person["identifiers"]["id"]: person["attributes"].get("plan") for person in people}
    return {
        "users": lives.users,
        "changes": lives.changes,
        "versions": lives.versions,
        "preloaded": preloaded,
        "wrong": lives.wrong(plans),
    }


def all_of_them(fleet: Fleet, users: int) -> Figures:
    """Measures both kinds of versions, each with both ways to publish."""
    runs = []
    for versions in ("none", "equal"):
        for preloaded in (False, True):
            lives = Lives(users, versions, f"order-{versions}-{'full' if preloaded else 'live'}")
            runs.append(measure(fleet, lives, preloaded=preloaded))
    return {"workers": fleet.size.workers, "runs": runs}
