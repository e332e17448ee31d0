"""GET /metrics, over HTTP: who may read it, and that it tells what the whole fleet has counted."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from connector.store import connection_health, heartbeats
from connector.store.connection_health import Health
from connector.store.engine import Store
from connector.web.app import create_app, served
from connector.web.server import serving
from tests.build_settings import TOKEN
from tests.simulated import Simulated
from tests.world import World, message

METRICS_TOKEN = "a-token-of-prometheus"
Open = Callable[..., httpx.Client]


@pytest.fixture
def open_door(store: Store, simulator: Simulated) -> Iterator[Open]:
    with ExitStack() as stack:

        def start(shown: str = METRICS_TOKEN, **settings: Any) -> httpx.Client:
            web = {"token": TOKEN, "metrics_token": METRICS_TOKEN, **settings.pop("web", {})}
            world = World(store, simulator, web=web, **settings)
            stack.callback(world.close)
            url = stack.enter_context(serving(served(create_app(world.runtime, lambda _: None)), "127.0.0.1", 0))
            headers = {"Authorization": f"Bearer {shown}"} if shown else {}
            return stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=30))

        yield start


def samples(client: httpx.Client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_it_tells_what_any_process_of_the_fleet_has_counted(
    open_door: Open, store: Store, simulator: Simulated
) -> None:
    other = World(store, simulator)
    other.run(message("u1", 1, plan="gold"), message("u2", 1, plan="gold"))
    other.take(message("u3", 1, plan="gold"), {**message("u4", 1), "segments": []})
    other.close()
    with store.writing() as tx:
        heartbeats.beat(tx, "worker", "worker host-1 1", store.now(tx))
    found = samples(open_door())
    assert found['connector_messages_total{result="read"}'] == 4
    assert found['connector_people_due{sync="main"}'] == 1
    assert found['connector_delivered_total{sync="main"}'] == 2
    assert found['connector_delivery_seconds_count{sync="main"}'] == 2
    assert found['connector_requests_total{connection="main",verdict="settled"}'] == 2
    assert found['connector_processes{role="worker"}'] == 1
    assert found['connector_connection_paused{connection="main"}'] == 0
    assert [value for name, value in found.items() if name.startswith("connector_skipped_total")] == [1]


def test_a_connection_that_waits_for_a_human_is_told(open_door: Open, store: Store) -> None:
    with store.writing() as tx:
        connection_health.pause(tx, "main", Health(float("inf"), "401", 1, since=store.now(tx) - 60))
    found = samples(open_door())
    assert found['connector_connection_needs_human{connection="main"}'] == 1
    assert found['connector_connection_failing_seconds{connection="main"}'] >= 60


@pytest.mark.parametrize("shown", ["", "wrong", TOKEN, f"{METRICS_TOKEN}x", "töken"])
def test_without_its_token_nothing_is_told(open_door: Open, shown: str) -> None:
    client = open_door(shown="")
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {shown}".encode("latin-1")} if shown else {})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "connector_" not in answer.text


def test_its_token_opens_no_other_door(open_door: Open) -> None:
    assert open_door().post("/v1/changes", json=message("u1")).status_code == 401


def test_without_a_token_in_the_settings_it_is_closed(open_door: Open) -> None:
    answer = open_door(web={"metrics_token": None}).get("/metrics")
    assert answer.status_code == 503
    assert "CONNECTOR__WEB__METRICS_TOKEN" in answer.json()["detail"]


def test_a_broker_that_is_away_is_told_and_hides_nothing_else(open_door: Open) -> None:
    found = samples(open_door(broker={"url": "amqp://guest:guest@127.0.0.1:9//"}))
    assert found["connector_broker_up"] == 0
    assert found['connector_people_due{sync="main"}'] == 0
