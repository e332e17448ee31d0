"""Plays a case: its messages come through the door of their form, and what Customer.io was asked and holds is seen.

In each region, one by one and together. One by one, each message is a request of its own at our door, and is delivered
before the next one comes. Together, all messages are one body, and a neighbour who is none of their business shares
Customer.io's batch with them.
"""

import asyncio
import csv
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import httpx
from sqlalchemy import text

from connector import formats
from connector.audience.rules import EVERYTHING, Rules
from connector.bulk.tabular import table
from connector.bulk.tabular.load import Load
from connector.bulk.tabular.user_from_row import UserShape
from connector.customerio.app_api import AppApi
from connector.customerio.operations.objects import key_of
from connector.customerio.track import Track
from connector.intake.accept import accept
from connector.model.change import EventKind
from connector.runtime import Runtime
from connector.settings.schema import Settings
from connector.store.engine import Store
from connector.store.tables import metadata
from connector.web.app import create_app
from tests.build_settings import TOKEN, build
from tests.simulated import Simulated
from tests.wire.case import Case, Happened, Held, Json
from tests.wire.regions import Asked, Regions, credentials
from tests.world import World

NEIGHBOUR = "neighbour@example.com"
_SYNC = {"segments": ["*"], "identifier": "id", "attributes": [], "events": []}
_WEB = {"token": TOKEN}
_BEARER = {"Authorization": f"Bearer {TOKEN}"}
_NOW_SECONDS = 60
_MOST_ROUNDS = 20


@dataclass(frozen=True)
class Played:
    """What came of a case, without the neighbour."""

    requests: Sequence[Asked]
    operations: Sequence[Json]
    event_ids: Sequence[str]
    holds: Sequence[Held]
    objects: Mapping[str, Json]
    anonymous: Sequence[tuple[str | None, str]]
    problems: Sequence[tuple[str, str, str]]


class Stage:
    """The product with a store, set up anew for each case."""

    def __init__(self, store: Store, regions: Regions, folder: Path) -> None:
        self._regions = regions
        self._folder = folder
        self._tracks: dict[str, Track] = {}
        self._world = World(store, regions.simulated["us"], web=_WEB)
        self._world.runtime = Runtime(self._world.settings, store, self._world.rules, self._tracks)
        self._app = create_app(self._world.runtime, lambda _: None)
        self._loop = asyncio.Runner()

    def close(self) -> None:
        """Gives everything back but the store."""
        self._loop.close()
        self._world.close()

    def play(self, case: Case, region: str, *, together: bool) -> Played:
        """Plays a case from an empty store and an empty Customer.io."""
        simulated = self._regions.simulated[region]
        self._set_up(case, region, simulated)
        if together:
            if _has_neighbours(case):
                self._world.take(_neighbour(case))
            self._take_in(case, case.messages)
            self._deliver()
        else:
            for message in case.messages:
                self._take_in(case, [message])
                self._deliver()
        return self._played(case, simulated, together=together)

    def _set_up(self, case: Case, region: str, simulated: Simulated) -> None:
        simulated.reset()
        _empty(self._world.store)
        connection = {"region": region, "track_url": None, "app_url": None, **credentials(region)}
        settings = build(web=_WEB, sync={**_SYNC, **case.sync}, connection=connection)
        self._use(settings)
        if case.there:
            body = json.dumps({"batch": list(case.there)}).encode()
            assert self._tracks["main"].send("batch", body).status == 200
        if case.manual:
            with AppApi(settings.connections["main"], 5.0, self._regions) as app_api:
                assert [app_api.make_segment(name, "").status for name in case.manual] == [200] * len(case.manual)
        self._regions.asked.clear()

    def _use(self, settings: Settings) -> None:
        world = self._world
        world.settings = world.runtime.settings = settings
        world.rules = world.runtime.syncs = Rules.all_of(settings)
        self._tracks["main"] = Track(settings.connections["main"], 5.0, self._regions)

    def _deliver(self) -> None:
        courier = self._world.runtime.courier("main")
        for _ in range(_MOST_ROUNDS):
            if not self._world.due():
                return
            courier.deliver()
        raise AssertionError(f"still due: {self._world.health()}")

    def _take_in(self, case: Case, messages: Sequence[Any]) -> None:
        if case.form == "csv":
            self._load(case, messages)
        elif case.backfill:
            told = formats.parse(case.form, list(messages))
            accept(self._world.store, self._world.rules, told, backfill=True)
        else:
            answer = self._loop.run(self._posted(*_DOORS[case.form](messages)))
            assert answer.status_code == 200, answer.text

    async def _posted(self, path: str, body: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://connector.example.com") as client:
            return await client.post(path, json=body, headers=_BEARER)

    def _load(self, case: Case, tables: Sequence[Sequence[Mapping[str, Any]]]) -> None:
        """Each table is a file that `connector send` would read."""
        for rows in tables:
            path = self._folder / "users.csv"
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
            with table.opened(path, table.CSV) as opened:
                load = Load(self._world.store, self._world.rules, UserShape(**case.table), 1_000_000, case.backfill)
                load.run(opened, lambda: None)

    def _played(self, case: Case, simulated: Simulated, *, together: bool) -> Played:
        requests = list(self._regions.asked)
        operations = [item for each in requests for item in each.items if not _is_neighbours(item)]
        batched = any(item.get("type") == "person" for item in case.must_send(together=True))
        if together and batched and _has_neighbours(case):
            _check_the_neighbour(requests, beside_others=case.neighbours)
        return Played(
            requests=requests,
            operations=[_without_id(each) if _is_event(each) else each for each in operations],
            event_ids=[each["id"] for each in operations if _is_event(each) and "id" in each],
            holds=in_order(_held(one) for one in simulated.whole_people() if not _is_neighbours(one)),
            objects=simulated.objects(),
            anonymous=[(one["anonymous_id"], one["name"]) for one in simulated.anonymous()],
            problems=self._world.problems(),
        )


def in_order(people: Iterable[Held]) -> list[Held]:
    """People by their identifiers."""
    alike = (replace(one, events=tuple(one.events), segments=tuple(one.segments)) for one in people)
    return sorted(alike, key=lambda one: json.dumps(one.identifiers, sort_keys=True))


def _held(person: Mapping[str, Any]) -> Held:
    known = {kind: value for kind, value in person["identifiers"].items() if value is not None and kind != "cio_id"}
    devices = {one["token"]: {name: one[name] for name in one if name != "token"} for one in person["devices"]}
    return Held(
        known,
        person["attributes"],
        tuple(map(_happened, person["events"])),
        devices,
        person["unsubscribed"],
        {key_of(one["identifiers"]): one["relationship_attributes"] for one in person["relationships"]},
        tuple(one["name"] for one in person["segments"]),
    )


def _happened(event: Mapping[str, Any]) -> Happened:
    """One event as it is held; of which nobody said when it happened, Customer.io says that it was now."""
    at = event["timestamp"]
    return Happened(event["name"], None if time.time() - at < _NOW_SECONDS else at, event["attributes"], event["type"])


def _is_event(item: Mapping[str, Any]) -> bool:
    """An event without an action is the body of a request of its own."""
    return item.get("action") in (None, *get_args(EventKind))


def _without_id(item: Mapping[str, Any]) -> Json:
    return {name: item[name] for name in item if name != "id"}


def _has_neighbours(case: Case) -> bool:
    """A table that is a whole audience has room for nobody else."""
    return not case.table.get("full")


def _neighbour(case: Case) -> Json:
    """Somebody in the audience of the sync, of whom nothing is known but who they are."""
    sync = {**_SYNC, **case.sync}
    segments = [name for name in sync["segments"][:1] if name != EVERYTHING]
    user = {"id": "neighbour", "email": NEIGHBOUR, sync["identifier"]: NEIGHBOUR}
    return {"user": user, "segments": segments}


def _is_neighbours(value: Mapping[str, Any]) -> bool:
    return NEIGHBOUR in json.dumps(value)


def _check_the_neighbour(requests: Sequence[Asked], *, beside_others: bool) -> None:
    """The batches tell of the neighbour once, beside others where these go in the first request too."""
    batches = [one.items for one in requests if "batch" in one.body]
    shared = [items for items in batches if any(map(_is_neighbours, items))]
    assert len(shared) == 1
    assert (len(shared[0]) > 1) is beside_others


def _empty(store: Store) -> None:
    with store.writing() as tx:
        for name in metadata.tables:
            tx.execute(text(f'DELETE FROM "{name}"'))


def _one_or_list(path: str, messages: Sequence[Any]) -> tuple[str, Any]:
    return path, messages[0] if len(messages) == 1 else list(messages)


def _notification(messages: Sequence[Any]) -> tuple[str, Any]:
    return "/v1/hull", {"channel": "user:update", "messages": list(messages)}


def _calls(messages: Sequence[Any]) -> tuple[str, Any]:
    """A call goes to the path of its type, several go as a batch, as analytics libraries send them."""
    if len(messages) == 1:
        return f"/v1/segment/v1/{messages[0]['type']}", messages[0]
    return "/v1/segment/v1/batch", {"batch": list(messages)}


_DOORS = {
    "native": partial(_one_or_list, "/v1/changes"),
    "lytics": partial(_one_or_list, "/v1/lytics"),
    "hull": _notification,
    "segment": _calls,
}
