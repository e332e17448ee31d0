"""The product from the door to Customer.io, in one process, on the store and the simulator of a test."""

import gzip
import json
import time
from typing import Any

from sqlalchemy import text

from connector import formats
from connector.audience.rules import Rules
from connector.intake.accept import TakenIn, accept
from connector.runtime import Runtime
from connector.store import claims, connection_health
from connector.store import tallies as counts
from connector.store.engine import Store
from tests.build_settings import build
from tests.simulated import Simulated

_SECONDS = 120.0
LATELY = int(time.time()) - 3600
"""When the events of the tests happened: Customer.io treats events of long ago otherwise."""


def message(user: str, version: int | None = None, *events: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """A native message that says everything about a user, who is in the audience unless `segments` says otherwise."""
    segments = rest.pop("segments", ["Paying"])
    attributes = {"id": user, "external_id": rest.pop("external_id", user), **rest}
    said = {"user": {name: value for name, value in attributes.items() if value is not ...}, "segments": segments}
    return {**said, "whole": True, "version": version, "events": list(events)}


def event(name: str, id: str, **rest: Any) -> dict[str, Any]:
    """An event of a native message."""
    return {"name": name, "id": id, "time": LATELY, **rest}


def problems(store: Store) -> list[dict[str, Any]]:
    """Every problem there is."""
    with store.reading() as tx:
        rows = tx.execute(text("SELECT * FROM problem ORDER BY kind, subject, reason")).mappings()
        return [dict(row) for row in rows]


class World:
    """Changes go in, requests go out; `settings` as `tests.build_settings.build` takes them."""

    def __init__(self, store: Store, simulated: Simulated, **settings: Any) -> None:
        self.store = store
        self.simulated = simulated
        self.settings = build(track_url=simulated.url, **settings)
        self.rules = Rules.all_of(self.settings)
        self.runtime = Runtime(self.settings, store, self.rules)

    def close(self) -> None:
        """Closes the store, and the connections to Customer.io that were opened."""
        self.runtime.close()

    def take(self, *messages: dict[str, Any]) -> TakenIn:
        """Takes in native messages as one batch."""
        return accept(self.store, self.rules, formats.parse("native", list(messages)))

    def cycle(self) -> bool:
        """One delivery cycle; whether it was cut short because the connection is paused."""
        return self.runtime.courier("main").cycle().paused

    def settle(self, sync: str = "main") -> None:
        """Delivers until nothing is due, through all pauses that end by themselves."""
        end = time.monotonic() + _SECONDS
        while self.due(sync):
            self.runtime.courier(sync).deliver(until=lambda: time.monotonic() > end)
            assert time.monotonic() < end, f"still due after {_SECONDS:g} s: {self.health()}"
            time.sleep(0.005)

    def run(self, *messages: dict[str, Any]) -> None:
        """Takes in each message by itself, and delivers it before the next one comes."""
        for each in messages:
            self.take(each)
            self.settle()

    def due(self, sync: str = "main") -> int:
        """How many entities are due."""
        with self.store.reading() as tx:
            return claims.due_count(tx, sync)

    def health(self) -> connection_health.Health:
        """How the connection fares."""
        with self.store.reading() as tx:
            return connection_health.health(tx, "main")

    def sent(self, *actions: str) -> list[dict[str, Any]]:
        """The operations of these actions that went out in batches, in their order; with `call_bodies = "all"`."""
        with self.store.reading() as tx:
            bodies = tx.execute(text("SELECT request FROM call WHERE endpoint = 'batch' ORDER BY at, id")).scalars()
            items = [each for body in bodies for each in json.loads(gzip.decompress(body))["batch"]]
        return [each for each in items if each["action"] in actions]

    def tallies(self, sync: str = "main") -> dict[str, int]:
        """The tallies of the sync."""
        with self.store.reading() as tx:
            return counts.tallies(tx, sync)

    def problems(self) -> list[tuple[str, str, str]]:
        """Kind, subject and reason of each problem."""
        return [(one["kind"], one["subject"], one["reason"]) for one in problems(self.store)]
