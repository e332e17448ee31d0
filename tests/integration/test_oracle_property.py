"""Whatever comes, in whatever order, through whatever faults: the simulator ends up holding what the oracle expects."""

import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given, note
from sqlalchemy import delete

from connector.audience.rules import Rules
from connector.customerio.operations.operation import Endpoint
from connector.customerio.responses import Reply
from connector.customerio.track import Track
from connector.delivery.courier import Courier
from connector.delivery.sender import Sender
from connector.intake import bodies as inbox
from connector.planning.leasing import Leased, Leasing
from connector.settings.connection import Connection
from connector.settings.schema import Sync
from connector.settings.sections import DeliverySettings
from connector.settings.sync_options import Attribute, DeletionGuard
from connector.simulator import Options, running
from connector.simulator.server.strict import violations
from connector.store import claims, connection_health, named_leases
from connector.store.engine import Store
from connector.store.migrate import migrate
from connector.store.tables import metadata
from tests.budget import searching
from tests.oracle import (
    SyncRules,
    allowed_events,
    anonymous_in,
    differences,
    expected,
    identifiable,
    in_audience,
    unix_seconds,
)
from tests.stories import PAYING, Json, Scenario, Step, scenarios

TIMEOUT_SECONDS = 0.4  # shorter than the slowest answer that a scenario orders
NAME = "main"
ENOUGH_IDLE_CYCLES = 4  # more than there are users, who may be claimed one by one


class DeathError(Exception):
    """The delivering process ends here."""


class Wire(Track):
    """A Track API on which things happen while a request is out."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        super().__init__(_connection(url), TIMEOUT_SECONDS)
        self.simulator = client
        self.step: Step = Step(())
        self.meanwhile: list[Sequence[Sequence[Json]]] = []
        self.take: Any = None

    def send(self, endpoint: Endpoint, body: bytes, seconds: float | None = None) -> Reply:
        if self.step.dies == "before":
            raise DeathError
        calls = self.calls()
        reply = super().send(endpoint, body, seconds)
        while self.calls() == calls:  # an answer that took too long is still to come, and must not come into the next
            time.sleep(0.01)
        for batch in self.meanwhile:
            self.take(batch)
        self.meanwhile = []
        if self.step.dies == "after":
            raise DeathError
        return reply

    def calls(self) -> int:
        return int(self.simulator.get("/_simulator/summary").json()["calls"])


def _connection(url: str) -> Connection:
    return Connection(name=NAME, track_url=url, site_id="site-id", api_key="api-key", requests_per_second=1000.0)


@dataclass
class World:
    """A simulator and a store, used again for each example."""

    client: httpx.Client
    store: Store
    track: Wire
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    leasing: Leasing | None = None
    leased: list[Leased] = field(default_factory=list)

    def fresh(self, workspace: Json) -> None:
        with self.store.writing() as tx:
            for table in metadata.sorted_tables:
                tx.execute(delete(table))
        self.client.post("/_simulator/reset", json=workspace).raise_for_status()
        self.order([])

    def order(self, faults: Sequence[Json]) -> None:
        self.client.post("/_simulator/faults", json=list(faults)).raise_for_status()

    def take(self, rules: Rules, notifications: Sequence[Sequence[Json]]) -> None:
        numbered: dict[int, int] = {}  # the same notification again has the same id
        bodies = [
            {"notification_id": f"n-{numbered.setdefault(id(each), next(self.numbers))}", "messages": list(each)}
            for each in notifications
        ]
        values = [json.dumps(body) for body in bodies]
        self.leased += inbox.take(self.store, [rules], "hull", values, 1_000_000, leasing=self.leasing).leased

    def resume(self) -> None:
        """What an operator, the time and a new start do: pauses end, what a dead process held is free."""
        with self.store.writing() as tx:
            connection_health.resume(tx, NAME)
            claims.release_all(tx)
            named_leases.release_all(tx)

    def lines(self, path: str) -> list[Json]:
        return [json.loads(line) for line in self.client.get(f"/_simulator/{path}").text.splitlines()]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path: Path = tmp_path_factory.mktemp("store") / "connector.db"
    store = Store(f"sqlite:///{path}")
    migrate(store)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with (
        running(Options(), inspect=violations) as url,
        httpx.Client(base_url=url) as client,
        Wire(url, client) as track,
    ):
        yield World(client, store, track)
        assert client.get("/_simulator/violations").json() == []
    structlog.reset_defaults()
    store.close()


def rules_of(sync: SyncRules, on_identifier_change: str) -> Rules:
    return Rules.of(
        Sync(
            name=NAME,
            connection=NAME,
            segments=tuple(sync.segments),
            identifier=sync.identifier,
            identify_by=sync.identify_by,
            attributes=tuple(Attribute(source=source, target=target) for source, target in sync.attributes),
            segment_attribute=sync.segment_attribute or "",
            events=tuple(sync.events),
            anonymous_events=sync.anonymous_events,
            require_email=sync.require_email,
            on_exit=sync.on_exit,
            on_identifier_change=on_identifier_change,
            deletion_guard=DeletionGuard(share=1.0),
        )
    )


def courier_of(world: World, rules: Rules, people_at_once: int) -> Courier:
    limits = DeliverySettings(people=people_at_once, backoff_seconds=1e-6, backoff_max_seconds=1e-6)
    line = Sender(NAME, world.store, world.track, limits, 1000.0, sleep=lambda seconds: None)
    return Courier(world.store, rules, line)


def deliver_leased(world: World, courier: Courier) -> None:
    """Sends for those who were leased while they were taken in: now, or when others have had their turn."""
    while world.leased:
        leased = world.leased.pop(0)
        courier.deliver_claimed(leased.lease, leased.claims, 0.0, time.monotonic() + 60.0)


def play(world: World, scenario: Scenario, rules: Rules, *, leasing: bool = False) -> None:
    """Everything that happens, until nothing is left to deliver.

    leasing: who is free is leased while they are taken in; what dies with them is left to their leases.
    """
    courier = courier_of(world, rules, scenario.people_at_once)
    world.fresh(scenario.workspace)
    world.leasing, world.leased = (Leasing(60.0, {NAME: courier.line}) if leasing else None), []
    world.track.take = lambda batch: world.take(rules, batch)
    for step in scenario.steps:
        world.take(rules, step.notifications)
        world.track.step, world.track.meanwhile = step, [step.meanwhile]
        world.order(step.faults)
        try:
            deliver_leased(world, courier)
            for _ in range(step.cycles):
                courier.cycle()
        except DeathError:
            world.resume()
        world.track.step = Step(())
        for batch in world.track.meanwhile:
            world.take(rules, batch)
        world.resume()
    world.track.meanwhile = []
    world.order([])
    deliver_leased(world, courier)
    settle(world, courier)


def settle(world: World, courier: Courier) -> None:
    """Delivers until several cycles in a row send nothing."""
    idle = 0
    for _ in range(300):
        calls = world.track.calls()
        world.resume()  # whoever failed alone is tried again at once
        courier.deliver()
        idle = idle + 1 if world.track.calls() == calls else 0
        if idle == ENOUGH_IDLE_CYCLES:
            return
    raise AssertionError("delivery does not come to an end")


def anonymous_differences(scenario: Scenario, held: list[Json]) -> list[str]:
    """What the events that belong to nobody yet are not, but must be. The time tells these events apart."""
    messages, sync = scenario.messages, scenario.sync
    nameless = [message for message in messages if not identifiable(message, sync)]
    somebody = {message["user"]["id"] for message in messages if identifiable(message, sync)}
    outside = {message["user"]["id"] for message in messages if not in_audience(message, sync)}
    sure = [message for message in nameless if message["user"]["id"] not in somebody | outside]
    may = {event["created_at"] for message in messages for event in allowed_events(message, sync)}
    must = {event["created_at"] for message in sure for event in anonymous_in(message, sync)}
    found = {row["timestamp"] for row in held}
    lines = [f"{at}: is anonymous" for at in found - set(map(unix_seconds, may if sync.anonymous_events else ()))]
    return lines + [f"{at}: is not there" for at in set(map(unix_seconds, must)) - found]


def repeated(rows: Iterable[Json]) -> list[str]:
    """The ids of events that are there more than once."""
    return [event_id for event_id, times in Counter(row["id"] for row in rows).items() if times > 1]


@pytest.mark.parametrize("leasing", [False, True])
@pytest.mark.parametrize("on_exit", ["delete", "clear", "keep"])
def test_customerio_ends_up_right(world: World, on_exit: str, leasing: bool) -> None:
    @searching(10)
    @given(scenarios(on_exit))
    def ends_up_right(scenario: Scenario) -> None:
        rules = rules_of(scenario.sync, scenario.on_identifier_change)
        play(world, scenario, rules, leasing=leasing)
        people, anonymous = world.lines("people"), world.lines("anonymous")
        note(f"people: {people}\nanonymous: {anonymous}")
        note(f"calls: {world.lines('calls')}\nactivity: {world.lines('activity')}")
        assert differences(expected(scenario.messages, scenario.sync), people) == []
        assert anonymous_differences(scenario, anonymous) == []
        assert repeated([*anonymous, *(event for person in people for event in person["events"])]) == []

    ends_up_right()


def test_events_that_nobody_can_be_sent_leave_delivery_at_rest(world: World) -> None:
    sync = SyncRules(segments=["Paying"], events=["Signed up"])
    lost = {"id": "u-1", "external_id": None, "indexed_at": "2026-09-20T01:00:00Z"}
    known = {**lost, "external_id": "1001", "indexed_at": "2026-09-20T00:00:00Z"}
    signed_up = {"event_id": "e-1", "event": "Signed up", "created_at": "2026-09-01T10:00:00Z"}
    told = [
        {"user": known, "segments": [PAYING], "events": [signed_up]},
        {"user": lost, "segments": [PAYING], "events": []},
    ]
    rules = rules_of(sync, "merge")
    play(world, Scenario(sync, {}, 1000, "merge", [Step([told])]), rules)
    assert courier_of(world, rules, 1000).cycle().people == 0
