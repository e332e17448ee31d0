"""Audits over HTTP: what somebody changed behind our back is found, exactly that, and mended."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from connector.admin.audit.audit import Audit, Findings
from connector.customerio.app_api import AppApi
from connector.delivery.app_reader import TRIES
from connector.errors import ConnectorError, SettingsError
from connector.settings.connection import Connection
from connector.store import deletion_guard, jobs
from connector.store.engine import Store
from tests.build_settings import API_KEY, SITE_ID
from tests.servers import eventually
from tests.simulated import Simulated
from tests.stores import in_turn
from tests.world import World, message

PEOPLE = "/v1/customers/attributes"
MakeWorld = Callable[..., World]


@pytest.fixture
def make_audited(make_world: MakeWorld) -> Iterator[MakeWorld]:
    """Makes worlds that may read people back, as fast as they can."""
    made: list[World] = []

    def make(**settings: Any) -> World:
        connection = {"app_api_key": "app-api-key", **settings.pop("connection", {})}
        made.append(make_world(connection=connection, **settings))
        return made[-1]

    yield make
    for world in made:
        world.runtime.app_api("main").close()


@pytest.fixture
def world(make_audited: MakeWorld) -> World:
    return make_audited()


@pytest.fixture
def behind(simulator: Simulated) -> Iterator[Callable[..., None]]:
    """Changes a person through the Track API, as somebody else would: without attributes they are deleted."""
    with httpx.Client(base_url=simulator.url, auth=(SITE_ID, API_KEY)) as client:

        def change(name: str, **attributes: Any) -> None:
            path = f"/api/v1/customers/{quote(name, safe='')}"
            answer = client.put(path, json=attributes) if attributes else client.delete(path)
            answer.raise_for_status()

        yield change


def audit(world: World, sync: str = "main", wait_seconds: float = 0.0) -> Audit:
    """The audit of a sync, which sleeps in no time."""
    one = Audit.of(world.runtime, sync, wait_seconds)
    return replace(one, readback=replace(one.readback, sleep=in_no_time), sleep=in_no_time)


def in_no_time(_seconds: float) -> None:
    """Sleeps, as far as a test is concerned."""


def look(world: World, sample: int = 1000, **given: Any) -> Findings:
    return audit(world, **given).look(sample)


def drift(findings: Findings) -> list[tuple[str, str, str, Any, Any]]:
    """User, kind, attribute, delivered and held of each difference, in order."""
    return sorted(
        (one.expected.key, each.kind, each.name, each.delivered, each.held)
        for one in findings.drifted
        for each in one.differences
    )


def repair(world: World, findings: Findings, *, delete: bool = False) -> int:
    return audit(world).repair(findings.drifted, delete=delete)


def asked(simulator: Simulated) -> list[int]:
    """The status of each question after people."""
    return [call["status"] for call in simulator.calls() if call["endpoint"].startswith(PEOPLE)]


# --- what is found ---------------------------------------------------------------------------------------------------


def test_who_is_as_delivered_has_not_drifted(world: World, simulator: Simulated) -> None:
    simulator.reset(app_rate_limit=0)
    world.take(message("u1", 1, plan=30, city=None), message("u2", 1, plan=True, city=["Bergen", {"a": 1.0}]))
    world.take(message("u3", 1, plan="gold", external_id="ä+ö/3@x"), message("u4", 1, plan="", city="2026-01-31"))
    world.settle()

    findings = look(world)
    assert (drift(findings), findings.sampled, findings.compared) == ([], 4, 4)


def test_an_audit_finds_exactly_what_was_changed_behind_our_back(
    world: World, simulator: Simulated, behind: Callable[..., None]
) -> None:
    names = [f"u{number}" for number in range(9)]
    world.take(*(message(name, 1, plan="gold", city=None) for name in names))
    world.settle()
    world.run(message("u8", 2, plan="gold", segments=[]))
    behind("u1", plan="silver")
    behind("u2")
    behind("u3", plan=None)
    behind("u4", city="Bergen")
    behind("u5", shoe_size=38, plan="gold")
    behind("u8", plan="gold")
    behind("stranger", plan="gold")

    findings = look(world)
    assert drift(findings) == [
        ("u1", "attribute other", "plan", "gold", "silver"),
        ("u2", "missing", "", None, None),
        ("u3", "attribute absent", "plan", "gold", None),
        ("u4", "attribute surplus", "city", None, "Bergen"),
        ("u8", "should be absent", "", None, None),
    ]
    assert (findings.sampled, findings.compared) == (9, 9)
    assert findings.kinds() == {kind: 1 for _, kind, *_ in drift(findings)}


def test_people_known_by_email_are_found_whatever_their_case(
    make_audited: MakeWorld, simulator: Simulated, behind: Callable[..., None]
) -> None:
    world = make_audited(sync={"identify_by": "email", "identifier": "email"})
    world.take(message("u1", 1, email="User-1@Example.com", plan="gold"))
    world.take(message("u2", 1, email="user+2@example.com", plan="gold"))
    world.settle()
    behind("USER+2@example.com", plan="silver")

    assert drift(look(world)) == [("u2", "attribute other", "plan", "gold", "silver")]


def test_people_known_by_cio_id_are_found(make_audited: MakeWorld, behind: Callable[..., None]) -> None:
    behind("user-1@example.com", plan="free")
    world = make_audited(sync={"identify_by": "cio_id"})
    world.run(message("a3000001", 1, plan="gold"), message("a3000002", 1, plan="gold"))

    assert drift(look(world)) == [("a3000002", "missing", "", None, None)]


def test_an_address_that_customer_io_did_not_take_is_found(make_audited: MakeWorld, simulator: Simulated) -> None:
    world = make_audited(sync={"attributes": ["email"]})
    world.run(message("u1", 1, email="user-1@example.com"), message("u1", 2, email="user-2@example.com"))

    assert drift(look(world)) == [("u1", "attribute other", "email", "user-2@example.com", "user-1@example.com")]


def test_who_is_only_updated_need_not_be_there(make_audited: MakeWorld) -> None:
    world = make_audited(sync={"mode": "update", "on_exit": "keep"})
    world.run(message("u1", 1, plan="gold"))
    findings = look(world)
    assert (drift(findings), findings.compared) == ([], 1)


def test_who_left_is_not_missed_and_who_took_over_their_identifier_is_right_to_be_there(world: World) -> None:
    world.run(message("u1", 1, plan="gold", external_id="1"), message("u1", 2, external_id="1", segments=[]))
    world.run(message("u2", 1, plan="free", external_id="1"))
    findings = look(world)
    assert (drift(findings), findings.sampled, findings.compared) == ([], 2, 1)


def test_who_is_there_through_another_sync_is_right_to_be_there(make_audited: MakeWorld) -> None:
    both = {"connection": "main", "identifier": "external_id", "attributes": ["plan"], "segment_attribute": ""}
    syncs = {"main": {**both, "segments": ["Paying"], "on_exit": "delete"}, "all": {**both, "segments": ["*"]}}
    world = make_audited(syncs=syncs)
    world.take(message("u1", 1, plan="gold"))
    world.settle("main")
    world.settle("all")
    world.take(message("u1", 2, plan="gold", segments=[]))
    world.settle("main")
    world.take(message("u1", 3, plan="free", segments=[]))
    world.settle("all")

    assert drift(look(world)) == drift(look(world, sync="all")) == []


def test_who_is_due_or_moves_meanwhile_is_not_compared(
    world: World, simulator: Simulated, behind: Callable[..., None]
) -> None:
    world.take(*(message(name, 1, plan="gold") for name in ("u1", "u2", "u3")))
    world.settle()
    for name in ("u1", "u2", "u3"):
        behind(name, plan="silver")
    world.take(message("u1", 2, plan="free"))

    one = audit(world)
    findings = replace(one, sleep=lambda _: world.run(message("u2", 2, plan="free"))).look(1000)
    assert drift(findings) == [("u3", "attribute other", "plan", "gold", "silver")]
    assert (findings.sampled, findings.compared) == (2, 1)


def test_what_customer_io_shows_late_is_no_drift(world: World, simulator: Simulated) -> None:
    simulator.reset(visibility_seconds=1.0)
    world.run(message("u1", 1, plan="gold"))
    one = Audit.of(world.runtime, "main", 1.0)
    findings = one.look(10)
    assert (drift(findings), findings.compared) == ([], 1)
    assert len(asked(simulator)) == 2


# --- how it is mended ------------------------------------------------------------------------------------------------


def test_repair_and_delivery_heal_whom_the_audit_found(
    world: World, simulator: Simulated, behind: Callable[..., None]
) -> None:
    names = [f"u{number}" for number in range(6)]
    world.take(*(message(name, 1, plan="gold", city=None) for name in names))
    world.settle()
    behind("u1", plan="silver")
    behind("u2")
    behind("u3", plan=None)
    behind("u4", city="Bergen")
    sent = len(simulator.calls())
    assert repair(world, look(world)) == 4
    assert world.due() == 4
    world.settle()

    assert simulator.people() == {name: {"plan": "gold"} for name in names}
    batches = [call["items"] for call in simulator.calls()[sent:] if call["endpoint"] == "/api/v2/batch"]
    assert batches == [4]
    assert drift(look(world)) == []


def test_without_repair_nobody_is_due(world: World, behind: Callable[..., None]) -> None:
    world.run(message("u1", 1, plan="gold"))
    behind("u1", plan="silver")
    look(world)
    assert world.due() == 0


def test_who_moved_since_they_were_found_is_left_to_their_change(
    world: World, simulator: Simulated, behind: Callable[..., None]
) -> None:
    world.run(message("u1", 1, plan="gold"))
    behind("u1", plan="silver")
    findings = look(world)
    world.run(message("u1", 2, plan="free"))
    assert repair(world, findings) == 0
    assert world.due() == 0


def test_who_should_be_absent_is_deleted_only_where_that_was_asked_for(
    world: World, simulator: Simulated, behind: Callable[..., None]
) -> None:
    world.run(message("u1", 1, plan="gold"), message("u1", 2, segments=[]))
    behind("u1", plan="gold")
    findings = look(world)
    assert repair(world, findings) == 0
    assert world.due() == 0

    assert repair(world, findings, delete=True) == 1
    world.settle()
    assert simulator.people() == {}
    assert drift(look(world)) == []


def test_the_deletion_guard_holds_who_should_be_absent(
    make_audited: MakeWorld, simulator: Simulated, behind: Callable[..., None]
) -> None:
    names = [f"u{number}" for number in range(6)]
    world = make_audited(sync={"deletion_guard": {"share": 1.0}})
    world.take(*(message(name, 1, plan="gold") for name in names))
    world.settle()
    world.take(*(message(name, 2, segments=[]) for name in names))
    world.settle()
    for name in names:
        behind(name, plan="gold")
    guarded = make_audited(sync={"deletion_guard": {"share": 0.1, "at_least": 2}})
    assert repair(guarded, look(guarded), delete=True) == 6
    guarded.settle()

    assert sorted(simulator.people()) == names
    with world.store.reading() as tx:
        assert deletion_guard.held(tx, "main") == 6
    assert look(guarded).sampled == 0


# --- through what goes wrong -----------------------------------------------------------------------------------------

FAULTS: dict[str, dict[str, Any]] = {
    "429 with Retry-After": {"status": 429, "retry_after": 0},
    "429": {"status": 429},
    "503": {"status": 503, "body": ""},
    "502 from a proxy": {"status": 502, "body": "<html>bad gateway</html>"},
    "200 with a page of a proxy": {"status": 200, "body": "<html>please log in</html>"},
    "200 with nothing": {"status": 200, "body": ""},
    "the request is lost": {"drop": "before"},
    "the answer is lost": {"drop": "after"},
}


@in_turn(["fault"], [[each] for each in FAULTS.values()], ids=FAULTS)
def test_failures_of_the_app_api_are_ridden_out(
    world: World, simulator: Simulated, behind: Callable[..., None], fault: dict[str, Any]
) -> None:
    world.run(message("u1", 1, plan="gold"))
    behind("u1", plan="silver")
    simulator.go_wrong({"path": PEOPLE, "times": 3, **fault})

    assert drift(look(world)) == [("u1", "attribute other", "plan", "gold", "silver")]
    assert len(asked(simulator)) == 3 + 2


def test_a_slow_answer_is_asked_for_again(make_audited: MakeWorld, simulator: Simulated) -> None:
    world = make_audited(delivery={"timeout_seconds": 0.3})
    world.run(message("u1", 1, plan="gold"))
    simulator.go_wrong({"path": PEOPLE, "latency": 1.0, "times": 1})
    assert look(world).compared == 1
    # The simulator counts a call when it is over, even if nobody waits for it any more: not in the next test.
    eventually(lambda: len(asked(simulator)) >= 2)


def test_the_wait_is_as_long_as_the_app_api_asks_for(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"))
    simulator.go_wrong({"path": PEOPLE, "status": 429, "retry_after": 7, "times": 1})
    waits: list[float] = []
    one = audit(world)
    replace(one, readback=replace(one.readback, sleep=waits.append)).look(10)
    assert 7.0 in waits


def test_who_is_asked_to_wait_for_an_hour_is_told_so_at_once(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"))
    simulator.go_wrong({"path": PEOPLE, "status": 429, "retry_after": 999_999})
    with pytest.raises(ConnectorError, match=r"'main'.*429.*left alone for 3600 s; run it again then"):
        look(world)
    assert asked(simulator) == [429]


def test_an_app_api_that_stays_away_ends_the_audit_with_what_to_do(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"))
    simulator.go_wrong({"path": PEOPLE, "status": 503})
    with pytest.raises(ConnectorError, match=f"'main'.*{TRIES} tries.*Customer.io answered 503; audit again later"):
        look(world)
    assert asked(simulator) == [503] * TRIES


@pytest.mark.parametrize(
    ("status", "says"), [(401, "app_api_key is not"), (403, "may not read people"), (404, "app_url"), (400, "by id")]
)
def test_what_only_a_human_can_mend_ends_the_audit_at_once(
    world: World, simulator: Simulated, status: int, says: str
) -> None:
    world.run(message("u1", 1, plan="gold"))
    simulator.go_wrong({"path": PEOPLE, "status": status})
    with pytest.raises(ConnectorError, match=says):
        look(world)
    assert asked(simulator) == [status]


def test_a_wrong_key_is_told_without_showing_it(make_audited: MakeWorld) -> None:
    world = make_audited(connection={"app_api_key": "a-wrong-key"})
    world.run(message("u1", 1, plan="gold"))
    with pytest.raises(ConnectorError) as caught:
        look(world)
    assert "app_api_key is not an App API key of this workspace" in str(caught.value)
    assert "a-wrong-key" not in str(caught.value)


def test_a_missing_key_is_named_as_the_variable_to_set() -> None:
    with pytest.raises(SettingsError, match="CONNECTOR__CONNECTIONS__EAST__APP_API_KEY is not set"):
        AppApi(Connection.model_validate({"name": "east"}), 5.0)


def test_an_unknown_sync_is_told_with_those_there_are(world: World) -> None:
    with pytest.raises(SettingsError, match="there is no sync 'other': the settings name main"):
        Audit.of(world.runtime, "other")


@pytest.mark.parametrize(
    ("region", "address"), [("us", "https://api.customer.io"), ("eu", "https://api-eu.customer.io")]
)
def test_each_region_has_its_address(region: str, address: str) -> None:
    connection = Connection.model_validate({"name": "main", "region": region, "app_api_key": "app-api-key"})
    with AppApi(connection, 5.0) as api:
        assert str(api._client.base_url).rstrip("/") == address


# --- pace and record -------------------------------------------------------------------------------------------------


def test_a_hundred_people_are_one_request(world: World, simulator: Simulated) -> None:
    simulator.reset(app_rate_limit=0)
    world.take(*(message(f"u{number}", 1, plan="gold") for number in range(350)))
    world.settle()
    assert look(world, 300).compared == 300
    assert asked(simulator) == [200] * 3
    assert look(world, 1000).compared == 350
    assert asked(simulator) == [200] * 7


def test_all_who_audit_share_one_pace_apart_from_delivery_s(world: World, simulator: Simulated) -> None:
    simulator.reset(app_rate_limit=0)
    world.take(*(message(f"u{number}", 1, plan="gold") for number in range(400)))
    world.settle()
    waits: list[float] = []
    one = audit(world)
    paced = replace(one, readback=replace(one.readback, requests_per_second=0.001, sleep=waits.append))
    paced.look(200)
    replace(paced).look(200)

    # Nobody slept, so each place in the line is a thousand seconds behind the one before, less the time it took.
    assert [round(wait, -3) for wait in waits] == [1000, 2000, 3000]
    world.run(message("u1", 2, plan="free"))
    assert simulator.people()["u1"] == {"plan": "free"}


def test_an_audit_is_kept_as_a_job_that_is_done(world: World, behind: Callable[..., None]) -> None:
    world.take(message("u1", 1, plan="gold"), message("u2", 1, plan="gold"))
    world.settle()
    behind("u1", plan="silver")
    findings = look(world)
    audit(world).record(findings, repair(world, findings))

    [job] = _jobs(world.store)
    assert (job.kind, job.sync, job.state, job.total, job.done) == ("audit", "main", "done", 2, 2)
    assert job.counts == {"compared": 2, "drifted": 1, "repaired": 1, "attribute other": 1}
    assert job.created_at == findings.started_at <= job.updated_at


def _jobs(store: Store) -> list[Any]:
    with store.reading() as tx:
        return list(jobs.find(tx, sync="main", kind="audit"))


def test_progress_is_told_up_to_the_end(world: World, simulator: Simulated, behind: Callable[..., None]) -> None:
    simulator.reset(app_rate_limit=0)
    world.take(*(message(f"u{number}", 1, plan="gold") for number in range(150)))
    world.settle()
    behind("u1", plan="silver")
    told: list[tuple[int, int]] = []
    audit(world).look(1000, lambda done, total: told.append((done, total)))
    assert told == [(0, 150), (100, 150), (150, 150), (151, 151)]
