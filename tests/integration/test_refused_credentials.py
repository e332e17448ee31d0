"""Credentials that Customer.io refuses: they stop one connection, and only until they are taken again."""

import time
from collections.abc import Callable

import pytest

from connector.admin.audit.audit import Audit
from connector.errors import ConnectorError
from connector.store import connection_health
from tests.build import ident
from tests.simulated import Simulated
from tests.world import World, message

REGION = "/api/v1/accounts/region"
PROBE = "connector.delivery.circuit.PROBE_SECONDS"


def asked(simulator: Simulated, path: str) -> int:
    return sum(call["endpoint"] == path for call in simulator.calls())


@pytest.mark.parametrize("status", [401, 403])
def test_a_401_that_was_a_hiccup_heals_by_itself(
    world: World, simulator: Simulated, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(PROBE, 0.3)
    simulator.go_wrong({"path": "/api", "status": status, "times": 3})
    world.take(message("u1", 1, plan="gold"), message("u2", 1, plan="gold"))
    world.cycle()
    assert world.health().for_human
    assert [(kind, subject) for kind, subject, _ in world.problems()] == [("connection", "main")]
    world.settle()

    assert len(simulator.people()) == 2
    assert asked(simulator, REGION) == 3
    assert world.health() == connection_health.Health()
    assert not world.problems()


def test_refused_credentials_are_tried_once_a_minute_by_all_workers_together(
    world: World, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PROBE, 0.4)
    simulator.go_wrong({"path": "/api", "status": 401})
    world.take(message("u1", 1, plan="gold"))
    started = time.monotonic()
    while time.monotonic() < started + 1.0:
        world.runtime.courier("main").deliver()
        world.runtime.courier("main").deliver()

    assert asked(simulator, "/api/v2/batch") == 1
    assert 1 <= asked(simulator, REGION) <= (time.monotonic() - started) / 0.4


def test_a_firewalls_page_in_place_of_the_workspace_does_not_count_as_taken(
    world: World, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PROBE, 0.0)
    simulator.go_wrong(
        {"path": "/api/v2", "status": 401, "times": 1},
        {"path": REGION, "status": 200, "body": "<html>log in</html>", "times": 1},
        {"path": REGION, "status": 200, "body": "{}", "times": 1},
    )
    world.take(message("u1", 1, plan="gold"))
    for _ in range(3):
        world.cycle()
    assert world.health().for_human
    world.settle()
    assert len(simulator.people()) == 1


TWO = {
    "syncs": {
        name: {
            "connection": connection,
            "segments": ["Paying"],
            "identifier": "external_id",
            "attributes": ["plan"],
            "segment_attribute": "",
        }
        for name, connection in (("main", "main"), ("other", "other"))
    }
}


@pytest.fixture
def two(make_world: Callable[..., World], simulator: Simulated) -> World:
    """Two connections with a sync each; Customer.io refuses the credentials of the second."""
    other = {
        "track_url": simulator.url,
        "app_url": simulator.url,
        "site_id": "site-id",
        "api_key": "revoked",
        "app_api_key": "revoked",
    }
    main = {"track_url": simulator.url, "app_url": simulator.url, "site_id": "site-id", "api_key": "api-key"}
    return make_world(connections={"main": {**main, "app_api_key": "app-api-key"}, "other": other}, **TWO)


def test_credentials_refused_at_one_connection_hold_no_other(two: World, simulator: Simulated) -> None:
    for number in range(3):
        two.take(message(f"u{number}", 1, plan="gold"))
        two.runtime.courier("other").deliver()
        two.runtime.courier("main").deliver()

    assert len(simulator.people()) == 3
    assert two.due("main") == 0
    assert two.due("other") == 3
    with two.store.reading() as tx:
        assert connection_health.health(tx, "main") == connection_health.Health()
        assert connection_health.health(tx, "other").for_human
    assert [subject for kind, subject, _ in two.problems() if kind == "connection"] == ["other"]


def test_an_app_key_refused_at_one_connection_holds_no_audit_of_another(two: World) -> None:
    two.take(message("u1", 1, plan="gold"))
    two.settle("main")
    with pytest.raises(ConnectorError, match=r"connection 'other'.*app_api_key"):
        Audit.of(two.runtime, "other", 0.0).readback.held([ident("u1")])
    found = Audit.of(two.runtime, "main", 0.0).look(10)
    assert (found.sampled, found.drifted) == (1, ())
