"""The product from the door to Customer.io, in one process, on the store and the simulator of a test."""

import time
from typing import Any

from sqlalchemy import text

from connector import formats, intake
from connector.runtime import AtHand
from connector.intake import Accepted
from connector.audience.rules import Rules
from connector.store import claims, connections, counts
from connector.store.opening import Store
from tests.build_settings import build
from tests.simulated import Simulated

_SECONDS = 20.0
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
    with store.reading() as connection:
        rows = connection.execute(text("SELECT * FROM problem ORDER BY kind, subject, reason")).mappings()
        return [dict(row) for row in rows]


class World:
    """Changes go in, requests go out; `settings` as `tests.build_settings.build` takes them."""

    def __init__(self, store: Store, simulated: Simulated, **settings: Any) -> None:
        self.store = store
        self.simulated = simulated
        self.settings = build(track_url=simulated.url, **settings)
        self.rules = tuple(Rules.of(sync) for sync in self.settings.syncs.values())
        self.at_hand = AtHand(self.settings, store, self.rules)

    def close(self) -> None:
        """Closes the connections to Customer.io."""
        for name, connection in self.settings.connections.items():
            self.at_hand.track(name).close()
            if connection.app_api_key is not None:
                self.at_hand.app_api(name).close()

    def take(self, *messages: dict[str, Any]) -> Accepted:
        """Takes in native messages as one batch."""
        return intake.accept(self.store, self.rules, formats.parse("native", list(messages)))

    def cycle(self) -> bool:
        """One delivery cycle; whether it was cut short because the connection is paused."""
        return self.at_hand.courier("main").cycle().paused

    def settle(self, sync: str = "main") -> None:
        """Delivers until nothing is due, through all pauses that end by themselves."""
        end = time.monotonic() + _SECONDS
        while self.due(sync):
            self.at_hand.courier(sync).deliver(until=lambda: time.monotonic() > end)
            assert time.monotonic() < end, f"still due after {_SECONDS:g} s: {self.health()}"
            time.sleep(0.005)

    def run(self, *messages: dict[str, Any]) -> None:
        """Takes in each message by itself, and delivers it before the next one comes."""
        for each in messages:
            self.take(each)
            self.settle()

    def due(self, sync: str = "main") -> int:
        """How many entities are due."""
        with self.store.reading() as connection:
            return claims.due_count(connection, sync)

    def health(self) -> connections.Health:
        """How the connection fares."""
        with self.store.reading() as connection:
            return connections.health(connection, "main")

    def tallies(self, sync: str = "main") -> dict[str, int]:
        """The tallies of the sync."""
        with self.store.reading() as connection:
            return counts.tallies(connection, sync)

    def problems(self) -> list[tuple[str, str, str]]:
        """Kind, subject and reason of each problem."""
        return [(one["kind"], one["subject"], one["reason"]) for one in problems(self.store)]
