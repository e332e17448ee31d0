"""The state of the whole: processes say that they live, and one sentence says what is wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from connector.admin import liveness
from connector.admin.heartbeat import HeartbeatThread, Pulse
from connector.admin.status import gathered
from connector.broker import depth, queues
from connector.cli import status as cli_status
from connector.errors import ConnectorError
from connector.model.export_state import ExportState
from connector.settings.sections import BrokerSettings, IntakeSettings
from connector.store import connection_health, exports, heartbeats
from connector.store.connection_health import Health
from connector.store.engine import Store
from tests.build_settings import build
from tests.servers import eventually, free_port
from tests.simulated import Simulated
from tests.world import World, message

FLEET = {"broker": {"url": "amqp://guest:guest@127.0.0.1:9//"}}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(liveness.FOLDER_VARIABLE, str(tmp_path))


def status(store: Store, queued: Mapping[str, int] | None = None, **settings: Any) -> dict[str, Any]:
    depths = None if queued is None else lambda: queued
    return gathered(build(**settings), store, depths, 300.0)


def seen(store: Store, role: str, seconds_ago: float) -> None:
    with store.writing() as tx:
        heartbeats.beat(tx, role, f"{role} host-1 77", store.now(tx) - seconds_ago)


def test_a_dead_fleet_with_a_full_queue_says_so(store: Store) -> None:
    seen(store, "worker", 60)
    found = status(store, {"segment-changes": 3000}, **FLEET)
    assert (found["state"], found["needs_somebody"]) == ("gone", True)
    assert found["sentence"].startswith("No worker lives (last seen at ")
    assert found["sentence"].endswith("beat is gone; 3,000 messages wait in segment-changes")
    assert found["queues"]["segment-changes"]["messages"] == 3000


def test_a_fleet_that_works_is_up_to_date(store: Store) -> None:
    for role in ("worker", "beat", "web", "sweep"):
        seen(store, role, 1)
    found = status(store, {"segment-changes": 0}, **FLEET)
    assert (found["state"], found["sentence"]) == ("up to date", "Customer.io is up to date; nobody waits")
    assert {each["role"]: each["lives"] for each in found["processes"]} == {
        "worker": True, "beat": True, "web": True, "sweep": True,
    }  # fmt: skip


def test_one_worker_of_two_that_died_is_listed_and_needs_nobody(store: Store) -> None:
    seen(store, "beat", 1)
    with store.writing() as tx:
        heartbeats.beat(tx, "worker", "worker host-1 1", store.now(tx) - 90)
        heartbeats.beat(tx, "worker", "worker host-1 2", store.now(tx))
    found = status(store, {}, **FLEET)
    assert not found["needs_somebody"]
    assert [each["name"] for each in found["processes"] if not each["lives"]] == ["worker host-1 1"]


def test_workers_that_do_not_do_what_beat_rings_for_are_told_of(store: Store) -> None:
    seen(store, "worker", 1)
    seen(store, "beat", 1)
    seen(store, "sweep", 200)
    assert status(store, {}, **FLEET)["sentence"].startswith("The workers do not do what beat rings for (last seen at ")


def test_a_connector_run_that_was_killed_is_gone_and_one_that_ended_is_not(store: Store) -> None:
    seen(store, "run", 60)
    assert status(store)["sentence"].startswith("`connector run` is gone (last seen at ")
    with store.writing() as tx:
        heartbeats.end(tx, "run host-1 77")
    assert status(store)["sentence"] == "Nothing waits, and nobody runs here"


def test_a_broker_that_cannot_be_asked_needs_somebody(store: Store) -> None:
    seen(store, "worker", 1)
    seen(store, "beat", 1)
    nobody = BrokerSettings(url=f"amqp://guest:guest@127.0.0.1:{free_port()}//")
    with pytest.raises(ConnectorError, match="cannot be asked"):
        depth.of_messages(nobody, IntakeSettings())
    found = gathered(build(**FLEET), store, lambda: depth.of_messages(nobody, IntakeSettings()), 300.0)
    assert (found["state"], found["needs_somebody"]) == ("broker away", True)


def test_rabbitmq_says_how_many_messages_wait(broker_url: str) -> None:
    broker = BrokerSettings(url=broker_url)
    with Connection(broker_url, transport_options={"confirm_publish": True}) as connection:
        channel: Any = connection.channel()
        queues.queue("segment-changes", broker_url)(channel).declare()
        for _ in range(3):
            channel.basic_publish(
                channel.prepare_message("{}", content_type="application/json", content_encoding="utf-8"),
                exchange="",
                routing_key="segment-changes",
            )
    eventually(lambda: depth.of_messages(broker, IntakeSettings()) == {"segment-changes": 3})


def test_refused_credentials_say_since_when_and_who_waits(store: Store, simulator: Simulated) -> None:
    world = World(store, simulator)
    simulator.go_wrong({"path": "/api", "status": 401})
    world.take(message("u1", 1, plan="gold"))
    world.cycle()
    world.close()
    found = status(store, connection={})
    assert found["connections"]["main"]["failing_since"] is not None
    assert found["state"] == "gone", "nobody runs here"
    seen(store, "run", 1)
    found = status(store)
    assert found["sentence"].startswith("Paused: main: ")
    assert " UTC; 1 person waits" in found["sentence"]


def test_a_pause_that_goes_on_keeps_the_time_of_the_first_failure(store: Store) -> None:
    with store.writing() as tx:
        connection_health.pause(tx, "main", Health(5.0, "503", 1, since=1.0))
        assert connection_health.health(tx, "main").since == 1.0
        connection_health.resume(tx, "main")
        assert connection_health.health(tx, "main").since is None


# --- saying so -------------------------------------------------------------------------------------------------------


def test_a_process_says_that_it_lives_until_it_ends(store: Store) -> None:
    heartbeat = HeartbeatThread(store, "web").start()
    eventually(lambda: [each["role"] for each in status(store)["processes"]] == ["web"])
    assert liveness.seconds_since("web") is not None
    heartbeat.close()
    assert status(store)["processes"] == []
    assert liveness.seconds_since("web") is None


def test_a_process_that_does_not_go_on_says_nothing(store: Store) -> None:
    asked: list[bool] = []

    def lives() -> bool:
        asked.append(True)
        return False

    heartbeat = HeartbeatThread(store, "worker", lives).start()
    eventually(lambda: asked)
    heartbeat.close()
    assert (status(store)["processes"], liveness.seconds_since("worker")) == ([], None)


def test_a_process_whose_store_is_away_lives_all_the_same(tmp_path: Path) -> None:
    heartbeat = HeartbeatThread(Store(f"sqlite:///{tmp_path}/no/folder.db"), "worker").start()
    eventually(lambda: liveness.seconds_since("worker") is not None)
    heartbeat.close()


def test_a_pulse_is_noted_once_in_a_while(store: Store) -> None:
    pulse = Pulse()
    pulse.note(store)
    with store.writing() as tx:
        heartbeats.end_all(tx)
    pulse.note(store)
    assert status(store)["processes"] == []


def test_each_export_says_when_it_ran_when_it_runs_next_and_why_it_fails(store: Store) -> None:
    export = {"log": {"what": "runs", "directory": "exports", "schedule": 300.0}}
    never = status(store, export=export)["exports"]["log"]
    assert (never["started_at"], never["next_at"], never["failures"]) == (None, 0.0, 0)
    with store.writing() as tx:
        exports.see(tx, ["log", "gone"], 1.0)
        exports.save(tx, ExportState("log", 1.0, started_at=1000.0, ended_at=1001.0))
    ran = status(store, export=export)["exports"]
    assert ran.keys() == {"log"}  # and none that the settings do not name
    assert (ran["log"]["started_at"], ran["log"]["next_at"]) == (1000.0, 1300.0)
    assert cli_status._runs(ran["log"]).count("1970-01-01") == 2
    assert ", due since 1970-01-01" in cli_status._runs(ran["log"])  # nobody runs it
    with store.writing() as tx:
        failed = ExportState(
            "log", 1.0, started_at=1000.0, ended_at=1001.0, failures=3, failing_since=900.0, error="disk full"
        )
        exports.save(tx, failed)
    fails = status(store, export=export)["exports"]["log"]
    assert (fails["failures"], fails["failing_since"]) == (3, 900.0)
    assert cli_status._runs(fails).endswith("; 3 runs in a row failed: disk full")
