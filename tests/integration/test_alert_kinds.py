"""Alerts from what really happens, not from facts that a test makes up: each begins and ends with its cause."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connector.activity import unsigned
from connector.activity.receive import Posted, receive
from connector.admin import pauses
from connector.admin import problems as remedies
from connector.admin.audit.audit import Audit
from connector.alerts.freshness import promises
from connector.alerts.measure import measure
from connector.alerts.turn import AlertTurn
from connector.bulk.export import turn
from connector.bulk.lease import leased
from connector.model.export_state import ExportState
from connector.store import alerts, connection_health, exports, named_leases
from connector.store.engine import Store
from tests.simulated import Simulated
from tests.webhooks import reported
from tests.world import World, message

MINUTE, HOUR = 60.0, 3600.0
BOUNDS = {
    "recover_seconds": 0.0,
    "nothing_from_upstream_seconds": HOUR,
    "webhooks_silent_seconds": 3 * HOUR,
    "problems_an_hour": 2,
    "off": ["fleet gone"],
}


class Watched:
    """A world with a clock of its own, of which it is asked which alerts are open."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.store = world.store
        self._ahead = 0.0
        there = self.store.now
        monkeypatch.setattr(self.store, "now", lambda tx: there(tx) + self._ahead)

    def later(self, seconds: float) -> None:
        self._ahead += seconds

    def open(self) -> list[str]:
        turn = AlertTurn(self.world.settings, self.store)
        turn.look()
        turn.look()
        with self.store.reading() as tx:
            return sorted(key for key, each in alerts.known(tx).items() if each.is_open)

    def fresh_until(self) -> float:
        with self.store.reading() as tx:
            return promises(self.world.settings, tx, self.store.now(tx))[0].until

    def report(self, number: int) -> None:
        receive(self.store, [Posted("main", json.dumps(reported(number)).encode(), fits="other keys")])


@contextmanager
def watching(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    yield Watched(world, monkeypatch)
    world.close()


@pytest.fixture
def watched(
    file_url: str, open_store: Callable[[str], Store], simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    sync = {"freshness": {"within_seconds": 900.0}, "deletion_guard": {"share": 0.1, "at_least": 2}}
    given: dict[str, Any] = {"sync": sync, "connection": {"webhook_keys": ["a-signing-key"]}, "alerts": BOUNDS}
    with watching(World(open_store(file_url), simulator, **given), monkeypatch) as watched:
        yield watched


@pytest.fixture
def counting(
    file_url: str, open_store: Callable[[str], Store], simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    """Compares with means, and reads people back; it begins a minute after a full hour."""
    bounds = {"recover_seconds": 0.0, "count_off_mean": 0.5, "segment_off_mean": 0.5, "off": ["fleet gone"]}
    connection = {"app_api_key": "app-api-key"}
    world = World(open_store(file_url), simulator, connection=connection, alerts=bounds)
    with watching(world, monkeypatch) as watched:
        with watched.store.reading() as tx:
            watched.later(HOUR - watched.store.now(tx) % HOUR + MINUTE)
        yield watched
        world.runtime.app_api("main").close()


@pytest.fixture
def exporting(
    file_url: str, open_store: Callable[[str], Store], simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    """Exports into a folder."""
    bounds = {"recover_seconds": 0.0, "off": ["fleet gone"]}
    export = {"log": {"what": "changes", "directory": str(Path(file_url.removeprefix("sqlite:///")).parent / "log")}}
    with watching(World(open_store(file_url), simulator, alerts=bounds, export=export), monkeypatch) as watched:
        yield watched


def test_refused_credentials_are_one_alert_until_they_are_taken(watched: Watched, simulator: Simulated) -> None:
    simulator.go_wrong({"path": "/api/v2", "status": 401, "body": '{"errors": [{"reason": "no", "message": "no"}]}'})
    watched.world.take(message("u1", 1))
    watched.world.cycle()
    assert watched.open() == ["credentials refused: main"]
    watched.later(10 * MINUTE)
    assert watched.open() == ["credentials refused: main"]
    simulator.go_wrong()
    with watched.store.writing() as tx:
        connection_health.resume(tx, "main")
    assert watched.open() == []
    watched.world.settle()
    assert watched.open() == []


def test_an_outage_is_one_alert_until_it_is_over(watched: Watched, simulator: Simulated) -> None:
    simulator.go_wrong({"path": "/api/v2", "status": 500})
    watched.world.take(message("u1", 1))
    watched.world.cycle()
    assert watched.open() == []
    watched.later(HOUR)
    watched.world.cycle()
    assert watched.open() == ["connection paused: main"]
    simulator.go_wrong()
    watched.later(HOUR)
    watched.world.settle()
    assert watched.open() == ["nothing from upstream"]


@pytest.mark.parametrize("status", [401, 500])
def test_a_human_who_resumes_for_nothing_makes_nothing_look_fresher_and_no_other_alert(
    watched: Watched, simulator: Simulated, status: int
) -> None:
    simulator.go_wrong({"path": "/api/v2", "status": status, "body": '{"errors": [{"reason": "no", "message": "no"}]}'})
    told = ["credentials refused: main" if status == 401 else "connection paused: main"]
    watched.world.take(message("u1", 1))
    watched.world.cycle()
    failing_since = watched.world.health().since
    assert failing_since is not None
    for _ in range(2):
        watched.later(10 * MINUTE)
        assert watched.open() == told
        assert pauses.end(watched.store, watched.world.settings, "main")
        assert not pauses.end(watched.store, watched.world.settings, "main"), "once is enough"
        assert watched.fresh_until() <= failing_since
        assert watched.open() == []
        watched.world.cycle()
        assert watched.fresh_until() <= failing_since
    assert watched.open() == told
    simulator.go_wrong()
    assert pauses.end(watched.store, watched.world.settings, "main")
    watched.world.settle()
    assert watched.fresh_until() > failing_since
    assert watched.world.health().since is None


def test_deletions_that_are_held_are_an_alert_until_they_are_let_go(watched: Watched) -> None:
    watched.world.run(*(message(f"u{n}", 1) for n in range(9)))
    watched.world.take(*(message(f"u{n}", 2, segments=[]) for n in range(9)))
    watched.world.cycle()
    assert watched.open() == ["deletions held: main"]
    remedies.approve(watched.world.runtime, "main")
    watched.world.settle()
    assert watched.open() == []


def test_silence_of_upstream_and_of_customerio_lasts_until_somebody_speaks(watched: Watched) -> None:
    watched.world.take(message("u1", 1))
    watched.world.settle()
    watched.report(1)
    assert watched.open() == []
    watched.later(4 * HOUR)
    silent = ["nothing from upstream", "webhooks silent: main"]
    assert watched.open() == silent
    with watched.store.writing() as tx:  # what was counted by the minute goes, and so do old webhooks
        tx.execute(text("DELETE FROM minute"))
        tx.execute(text("DELETE FROM webhook"))
    assert watched.open() == silent
    watched.report(2)
    watched.world.take(message("u1", 2))
    watched.world.settle()
    assert watched.open() == []


def test_a_workspace_that_has_never_reported_anything_is_silent(watched: Watched) -> None:
    """The address in Customer.io was wrong from the beginning: that is when nobody would notice."""
    watched.later(4 * HOUR)
    assert watched.open() == []  # nothing was ever counted: the connector is as new as the workspace
    for version in range(1, 5):
        watched.world.run(message("u1", version))
        watched.later(0.9 * HOUR)
    assert watched.open() == ["webhooks silent: main"]
    watched.report(1)
    assert watched.open() == []


def test_a_bad_signature_is_an_alert_until_one_fits(watched: Watched) -> None:
    unsigned.refused(watched.store, "main", "they are forged", 1)
    assert watched.open() == ["webhooks badly signed: main"]
    watched.report(1)
    assert watched.open() == []


def test_problems_of_messages_above_the_rate_are_an_alert_for_an_hour(watched: Watched) -> None:
    for n in range(4):
        receive(watched.store, [Posted("main", b'{"data": %d}' % n + b"x" * n)])
    assert watched.open() == ["problems"]
    watched.later(2 * HOUR)
    assert watched.open() == []


def test_who_waits_for_too_long_is_an_alert_until_they_are_delivered(watched: Watched) -> None:
    watched.world.take(message("u1", 1))
    watched.later(1000)
    assert watched.open() == ["backlog: main", "freshness broken: main"]
    watched.world.settle()
    assert watched.open() == []


def everybody(version: int, names: range, **given: Any) -> list[dict[str, Any]]:
    return [message(f"u{n}", version, plan=str(version), **given) for n in names]


def test_far_fewer_changes_than_at_this_hour_of_other_days_are_an_alert(counting: Watched) -> None:
    for day, people in enumerate((40, 40, 40, 4, 40), 1):
        counting.world.take(*everybody(day, range(people)))
        counting.world.settle()
        counting.later(HOUR)
        measure(counting.world.settings, counting.store)
        assert counting.open() == (["count off its mean: main"] if people == 4 else []), day
        counting.later(23 * HOUR)


def test_a_segment_that_loses_most_of_its_people_is_an_alert_until_they_are_back(counting: Watched) -> None:
    settings = counting.world.settings.model_copy(
        update={"alerts": counting.world.settings.alerts.model_copy(update={"count_off_mean": 0.0})}
    )
    counting.world.settings = settings

    def hour_later() -> list[str]:
        counting.world.settle()
        counting.later(HOUR)
        measure(settings, counting.store)
        return counting.open()

    counting.world.take(*everybody(1, range(40)))
    assert [hour_later() for _ in range(25)] == [[]] * 25
    counting.world.take(*everybody(2, range(30), segments=[]))
    assert hour_later() == ["segment off its mean: main: Paying"]
    counting.world.take(*everybody(3, range(30)))
    assert hour_later() == []


def test_what_an_audit_finds_is_an_alert_until_one_finds_nothing(counting: Watched) -> None:
    world = counting.world
    world.run(message("u1", 1, plan="gold"))

    def audit(plan: str) -> None:
        given = {"type": "person", "identifiers": {"id": "u1"}, "action": "identify", "attributes": {"plan": plan}}
        world.simulated.take(given)
        one = Audit.of(world.runtime, "main", 0.0)
        one.record(one.look(10), 0)

    audit("silver")
    assert counting.open() == ["drift found: main"]
    counting.later(MINUTE)
    audit("gold")
    assert counting.open() == []


def export(world: World) -> None:
    turn.ask(world.runtime, "log")
    turn.take_turn(world.runtime, "log")


def test_an_export_that_fails_for_long_is_an_alert_until_it_succeeds(exporting: Watched) -> None:
    world = exporting.world
    world.run(message("u1", 1))
    folder = Path(world.settings.export["log"].directory or "")
    folder.write_text("no folder")

    export(world)
    assert exporting.open() == []
    exporting.later(2 * HOUR)
    export(world)
    assert exporting.open() == ["export failing: log"]
    folder.unlink()
    export(world)
    assert exporting.open() == []


def test_an_export_that_nobody_runs_is_an_alert_until_somebody_does(exporting: Watched) -> None:
    """Also where nobody has ever looked whether it is due, as in a fleet that was not started anew."""
    assert exporting.open() == []
    exporting.later(HOUR + MINUTE)
    assert exporting.open() == ["export failing: log"]
    with leased(exporting.store, turn.lease_name("log")):
        assert exporting.open() == [], "somebody is at it"
    export(exporting.world)
    exporting.later(HOUR)
    assert exporting.open() == [], "it is due since 55 minutes"
    exporting.later(10 * MINUTE)
    assert exporting.open() == ["export failing: log"]
    export(exporting.world)
    assert exporting.open() == []


def test_an_export_is_no_alert_the_moment_somebody_has_died_over_a_long_run_of_it(exporting: Watched) -> None:
    with exporting.store.writing() as tx:
        now = exporting.store.now(tx)
        exports.see(tx, ["log"], now)
        exports.save(tx, ExportState("log", now, started_at=now))
    exporting.later(5 * HOUR)
    with exporting.store.writing() as tx:
        named_leases.take(tx, turn.lease_name("log"), "who dies", exporting.store.now(tx), MINUTE)
    exporting.later(2 * MINUTE)
    assert exporting.open() == []
    exporting.later(HOUR)
    assert exporting.open() == ["export failing: log"]
