"""Manual segments, from native messages to a simulated Customer.io: who is in them, through which requests."""

import time
from collections.abc import Callable, Mapping
from random import Random
from threading import Event, Thread
from typing import Any

import pytest

from connector.bulk import resync
from connector.cli import check as checks
from connector.customerio.operations.operation import Endpoint
from connector.customerio.responses import Reply
from connector.customerio.track import Track
from connector.delivery.courier import Courier
from connector.delivery.manual_segments import Mirrors
from connector.store import manual_segments
from tests import resyncs
from tests.budget import seeds
from tests.simulated import Simulated
from tests.world import World, event, message

pytestmark = pytest.mark.in_turn

APP_KEY = {"app_api_key": "app-api-key"}
MIRROR = {"Paying": "Paying (synced)"}
Make = Callable[..., World]


def members(simulator: Simulated) -> dict[str, list[str]]:
    """The people in each manual segment that has any, by its name."""
    found: dict[str, list[str]] = {}
    for person in simulator.whole_people():
        for segment in person["segments"]:
            found.setdefault(segment["name"], []).append(
                person["identifiers"].get("id") or person["identifiers"]["email"]
            )
    return {name: sorted(people) for name, people in found.items()}


def paths(simulator: Simulated) -> list[str]:
    """Which endpoints were called, in order, without those of the App API."""
    return [
        call["endpoint"].removeprefix("/api/") for call in simulator.calls() if call["endpoint"].startswith("/api/")
    ]


def whole_again(world: World) -> None:
    resync.start(world.runtime, "main", resyncs.AT_ONCE)
    assert resyncs.run(world).state == "done"


def mirroring(make_world: Make, mirror: Mapping[str, Any] = MIRROR, **given: Any) -> World:
    sync = {"segments": ["Paying", "Trial"], "manual_segments": dict(mirror), **given.pop("sync", {})}
    return make_world(sync=sync, connection={**APP_KEY, **given.pop("connection", {})}, **given)


def test_a_segment_is_mirrored_into_a_manual_segment_made_by_its_name(make_world: Make, simulator: Simulated) -> None:
    world = mirroring(make_world)
    world.take(message("u1", 1), message("u2", 1, segments=["Trial"]), message("u3", 1))
    world.settle()

    assert members(simulator) == {"Paying (synced)": ["u1", "u3"]}
    assert not world.problems()


def test_the_person_is_known_before_they_are_put_in(make_world: Make, simulator: Simulated) -> None:
    mirroring(make_world).run(message("u1", 1, event("Signed up", "e1"), plan="pro"))

    assert paths(simulator) == ["v2/batch", "v2/batch", "v1/segments/1/add_customers"]
    assert simulator.event_names("u1") == ["Signed up"]
    assert members(simulator) == {"Paying (synced)": ["u1"]}


def test_who_leaves_the_segment_is_taken_out(make_world: Make, simulator: Simulated) -> None:
    world = mirroring(make_world)
    world.run(message("u1", 1), message("u1", 2, segments=["Trial"]))

    assert members(simulator) == {}
    assert set(simulator.people()) == {"u1"}


@pytest.mark.parametrize("on_exit", ["delete", "clear", "keep"])
def test_who_leaves_the_audience_is_taken_out(make_world: Make, simulator: Simulated, on_exit: str) -> None:
    world = mirroring(make_world, sync={"on_exit": on_exit})
    world.run(message("u1", 1, plan="pro"), message("u2", 1), message("u1", 2, segments=[]))

    assert members(simulator) == {"Paying (synced)": ["u2"]}


def test_who_comes_back_is_put_in_again(make_world: Make, simulator: Simulated) -> None:
    world = mirroring(make_world)
    world.run(message("u1", 1), message("u1", 2, segments=[]), message("u1", 3))

    assert members(simulator) == {"Paying (synced)": ["u1"]}


def test_nothing_is_sent_where_nothing_changed(make_world: Make, simulator: Simulated) -> None:
    world = mirroring(make_world)
    world.run(message("u1", 1))
    before = len(simulator.calls())
    world.run(message("u1", 2))

    assert len(simulator.calls()) == before


def test_an_existing_segment_is_found_by_its_name_and_another_program_makes_no_second_one(
    make_world: Make, simulator: Simulated
) -> None:
    mirroring(make_world).run(message("u1", 1))
    with make_world().store.writing() as tx:
        tx.execute(manual_segments.TABLE.delete())
    mirroring(make_world).run(message("u2", 1))

    assert members(simulator) == {"Paying (synced)": ["u1", "u2"]}
    assert simulator.summary()["segments"] == 1


def test_an_existing_segment_is_filled_by_its_id_without_the_app_api(make_world: Make, simulator: Simulated) -> None:
    mirroring(make_world).run(message("u1", 1))
    world = mirroring(make_world, {"Paying": 1}, connection={"app_api_key": None})
    world.run(message("u2", 1))

    assert members(simulator) == {"Paying (synced)": ["u1", "u2"]}


def test_without_a_name_the_manual_segment_has_the_upstream_name(make_world: Make, simulator: Simulated) -> None:
    mirroring(make_world, {"Trial": ""}).run(message("u1", 1, segments=["Trial"]))

    assert members(simulator) == {"Trial": ["u1"]}


@pytest.mark.parametrize("identify_by", ["email", "id"])
def test_people_are_named_by_the_kind_of_identifier_that_the_sync_sends(
    make_world: Make, simulator: Simulated, identify_by: str
) -> None:
    world = mirroring(make_world, sync={"identify_by": identify_by, "identifier": "email"})
    world.run(message("u1", 1, email="u1@example.com"), message("u1", 2, email="u1@example.com", plan="pro"))

    assert members(simulator) == {"Paying (synced)": ["u1@example.com"]}


def test_people_by_cio_id(make_world: Make, simulator: Simulated) -> None:
    mirroring(make_world, {"Trial": "Other"}).run(message("u1", 1, segments=["Trial"]))
    (known,) = simulator.whole_people()
    sync = {"identify_by": "cio_id", "identifier": "cio_id", "mode": "update", "on_exit": "keep"}
    mirroring(make_world, sync=sync).run(message("u2", 1, cio_id=known["identifiers"]["cio_id"]))

    assert members(simulator) == {"Other": ["u1"], "Paying (synced)": ["u1"]}


@pytest.mark.parametrize("change", ["merge", "replace", "keep"])
def test_a_new_identifier_takes_the_membership_along(make_world: Make, simulator: Simulated, change: str) -> None:
    world = mirroring(make_world, sync={"on_identifier_change": change})
    world.run(message("u1", 1, external_id="old"), message("u1", 2, external_id="new"))

    assert members(simulator) == {"Paying (synced)": ["old" if change == "keep" else "new"]}


@pytest.mark.parametrize("change", ["merge", "replace", "keep"])
def test_who_leaves_under_a_new_identifier_is_out(make_world: Make, simulator: Simulated, change: str) -> None:
    world = mirroring(make_world, sync={"on_identifier_change": change})
    world.run(message("u1", 1, external_id="old"), message("u1", 2, external_id="new", segments=["Trial"]))

    assert members(simulator) == {}


def test_with_leave_the_new_person_is_a_member_too(make_world: Make, simulator: Simulated) -> None:
    world = mirroring(make_world, sync={"on_identifier_change": "leave"})
    world.run(message("u1", 1, external_id="old"), message("u1", 2, external_id="new"))

    assert {name: sorted(each) for name, each in members(simulator).items()} == {"Paying (synced)": ["new", "old"]}


def test_who_has_no_identifier_any_more_is_taken_out_under_the_former_one(
    make_world: Make, simulator: Simulated
) -> None:
    world = mirroring(make_world)
    world.run(message("u1", 1), message("u1", 2, external_id=None, segments=["Trial"]))

    assert members(simulator) == {}


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_is_made_up_for(make_world: Make, simulator: Simulated, drop: str) -> None:
    world = mirroring(make_world)
    simulator.go_wrong({"path": "/api/v1/segments", "drop": drop, "times": 1})
    world.take(message("u1", 1))
    world.cycle()
    world.take(message("u1", 2, segments=["Trial"]))
    world.settle()
    simulator.go_wrong({"path": "/api/v1/segments", "drop": drop, "times": 1})
    world.take(message("u2", 1))
    world.settle()

    assert members(simulator) == {"Paying (synced)": ["u2"]}


def test_changes_by_hand_are_healed_by_a_resync(make_world: Make, simulator: Simulated) -> None:
    world = mirroring(make_world)
    world.run(message("u1", 1), message("u2", 1, segments=["Trial"]))
    client = simulator._client
    auth = ("site-id", "api-key")
    for action, user in (("remove", "u1"), ("add", "u2")):
        client.post(f"/api/v1/segments/1/{action}_customers", json={"ids": [user]}, auth=auth).raise_for_status()
    assert members(simulator) == {"Paying (synced)": ["u2"]}
    whole_again(world)

    assert members(simulator) == {"Paying (synced)": ["u1"]}


def test_a_mirror_added_later_is_filled_by_a_resync(make_world: Make, simulator: Simulated) -> None:
    make_world(sync={"segments": ["Paying", "Trial"]}).run(message("u1", 1), message("u2", 1, segments=["Trial"]))
    world = mirroring(make_world)
    whole_again(world)

    assert members(simulator) == {"Paying (synced)": ["u1"]}


def test_a_mirror_taken_off_leaves_the_manual_segment_as_it_is(make_world: Make, simulator: Simulated) -> None:
    mirroring(make_world).run(message("u1", 1))
    make_world(sync={"segments": ["Paying", "Trial"]}).run(message("u1", 2, segments=["Trial"]))

    assert members(simulator) == {"Paying (synced)": ["u1"]}


def test_without_the_app_api_s_key_a_name_is_a_problem_and_everything_else_flows(
    make_world: Make, simulator: Simulated
) -> None:
    keyless = mirroring(make_world, {"Paying": "Paying (synced)", "Trial": ""}, connection={"app_api_key": None})
    keyless.run(message("u1", 1, event("Signed up", "e1"), plan="pro"))
    keyless.run(message("u2", 1))

    assert set(simulator.people()) == {"u1", "u2"}
    assert simulator.event_names("u1") == ["Signed up"]
    found = keyless.problems()
    assert [(kind, subject) for kind, subject, _ in found] == [("segment", "Paying (synced)"), ("segment", "Trial")]
    assert "CONNECTOR__CONNECTIONS__MAIN__APP_API_KEY is not set" in found[0][2]

    world = mirroring(make_world)
    whole_again(world)
    assert members(simulator) == {"Paying (synced)": ["u1", "u2"]}
    assert not world.problems()


def test_a_segment_deleted_meanwhile_is_one_problem_and_no_loop(make_world: Make, simulator: Simulated) -> None:
    world = mirroring(make_world)
    world.run(message("u0", 1))
    bearer = {"Authorization": "Bearer app-api-key"}
    assert simulator._client.delete("/v1/segments/1", headers=bearer).status_code == 204
    before = len(simulator.calls())
    world.take(*(message(f"u{number}", 1, plan="pro") for number in range(1, 60)))
    world.settle()

    ((kind, subject, reason),) = world.problems()
    assert (kind, subject) == ("segment", "Paying (synced)")
    assert "Customer.io refuses everybody" in reason
    assert len(simulator.people()) == 60
    assert len(simulator.calls()) == before + 3  # the people, the members, nobody to see whether the segment is there
    world.run(message("u99", 1))
    assert len(simulator.calls()) == before + 4

    whole_again(world)
    assert len(members(simulator)["Paying (synced)"]) == 61
    assert not world.problems()


def test_a_segment_that_customer_io_fills_itself_is_a_problem(make_world: Make, simulator: Simulated) -> None:
    simulator.reset(dynamic_segments=["Paying (synced)"])
    world = mirroring(make_world)
    world.run(message("u1", 1))

    ((kind, _, reason),) = world.problems()
    assert kind == "segment"
    assert "give a manual segment" in reason
    assert set(simulator.people()) == {"u1"}


def test_one_id_that_is_refused_stands_alone(make_world: Make, simulator: Simulated) -> None:
    world = mirroring(make_world)
    refused = {"path": "/api/v1/segments", "containing": '"u3"', "status": 400, "body": '{"meta":{"errors":["no"]}}'}
    simulator.go_wrong(refused)
    world.take(*(message(f"u{number}", 1) for number in range(8)))
    world.settle()

    assert members(simulator) == {"Paying (synced)": [f"u{number}" for number in range(8) if number != 3]}
    ((kind, subject, reason),) = world.problems()
    assert (kind, subject) == ("refused", "u3")
    assert reason == "add_customers refused: Customer.io answered 400: no"


def test_while_the_app_api_is_down_people_go_and_are_put_in_when_it_is_back(
    make_world: Make, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.delivery.manual_segments.LOOK_AGAIN_SECONDS", 0.3)
    world = mirroring(make_world)
    simulator.go_wrong({"path": "/v1/segments", "status": 503, "times": 1})
    world.take(message("u1", 1))
    world.cycle()

    assert set(simulator.people()) == {"u1"}
    assert members(simulator) == {}
    ((_, _, reason),) = world.problems()
    assert reason.endswith("503. It is tried again within a minute, and those who should be in it wait")
    world.settle()
    assert members(simulator) == {"Paying (synced)": ["u1"]}
    assert not world.problems()


def test_looking_segments_up_waits_its_turn_beside_whatever_else_asks_the_app_api(
    make_world: Make, simulator: Simulated
) -> None:
    slept: list[float] = []
    mirror = dict.fromkeys(("Paying", "Trial"), "")
    world = mirroring(make_world, mirror)
    mirrors = Mirrors("main", world.store, world.runtime.app_api("main"), 30.0, 0.001, slept.append)
    assert mirrors.served(world.rules[0]).rules.served == {"Paying": 1, "Trial": 2}
    # Of four requests the first goes at once. Nobody slept, so each is a thousand seconds behind the one before.
    assert [round(each, -3) for each in slept] == [1000, 2000, 3000]


def test_status_counts_who_is_in(make_world: Make, simulator: Simulated) -> None:
    world = mirroring(make_world, {**MIRROR, "Trial": "", "Staff": ""})
    world.take(message("u1", 1, segments=["Paying", "Trial"]), message("u2", 1), message("u3", 1, segments=["Trial"]))
    world.settle()
    world.run(message("u3", 2, segments=[]))
    with world.store.reading() as tx:
        assert manual_segments.members(tx, "main") == {"Paying": 2, "Trial": 1}


class Wire(Track):
    """A Track API on which upstream says something more while a request about a manual segment is out."""

    meanwhile: Callable[[], object] | None = None

    def send(self, endpoint: Endpoint, body: bytes, seconds: float | None = None) -> Reply:
        say, self.meanwhile = (self.meanwhile, None) if endpoint.startswith("segments/") else (None, self.meanwhile)
        if say:
            say()
        return super().send(endpoint, body, seconds)


def test_who_leaves_while_they_are_put_in_ends_outside(make_world: Make, simulator: Simulated) -> None:
    world = mirroring(make_world)
    wire = Wire(world.settings.connections["main"], 5.0)
    world.runtime._tracks["main"] = wire
    wire.meanwhile = lambda: world.take(message("u1", 2, segments=["Trial"]))
    world.take(message("u1", 1))
    world.settle()

    assert members(simulator) == {}


FAULTS: list[dict[str, Any]] = [
    {"path": "/api/v1/segments", "drop": "after", "probability": 0.3},
    {"path": "/api/v1/segments", "drop": "before", "probability": 0.3},
    {"path": "/api/v2/batch", "drop": "after", "probability": 0.2},
    {"path": "/api/v1/segments", "status": 429, "retry_after": 0.01, "probability": 0.2},
    {"path": "/api/v1/segments", "status": 503, "probability": 0.2},
]
CHOICES: list[list[str]] = [["Paying"], ["Trial"], ["Paying", "Trial"], []]


@pytest.mark.search
@pytest.mark.parametrize("seed", seeds(2))
def test_two_couriers_whatever_comes_and_is_lost_end_with_who_belongs_in(
    make_world: Make, simulator: Simulated, seed: int
) -> None:
    chance = Random(seed)
    on_exit = ("delete", "clear", "keep")[seed]
    mirror = {"Paying": "Paying (synced)", "Trial": ""}
    world = mirroring(make_world, mirror, sync={"on_exit": on_exit}, delivery={"people": 7})
    simulator.go_wrong(*({**fault, "seed": seed} for fault in FAULTS))
    users = [f"u{number}" for number in range(20)]
    told = [(user, version, chance.choice(CHOICES)) for user in users for version in range(1, 6)]
    last = {user: segments for user, version, segments in told if version == 5}
    chance.shuffle(told)  # late messages come late

    ended = Event()
    both = [world.runtime.courier("main") for _ in range(2)]
    couriers = [Thread(target=deliver_until, args=(courier, ended)) for courier in both]
    for courier in couriers:
        courier.start()
    for start in range(0, len(told), 5):
        world.take(*(message(user, version, segments=list(s)) for user, version, s in told[start : start + 5]))
    simulator.go_wrong()
    ended.set()
    for courier in couriers:
        courier.join(20)
    world.settle()

    expected = {
        name: sorted(user for user in users if segment in last[user])
        for segment, name in (("Paying", "Paying (synced)"), ("Trial", "Trial"))
    }
    assert members(simulator) == {name: people for name, people in expected.items() if people}
    with world.store.reading() as tx:
        found = manual_segments.members(tx, "main")
    assert found == {"Paying": len(expected["Paying (synced)"]), "Trial": len(expected["Trial"])}
    assert simulator.summary()["segments"] == 2
    assert not world.problems()


def deliver_until(courier: Courier, ended: Event) -> None:
    while not ended.is_set():
        courier.deliver(until=ended.is_set)
        time.sleep(0.002)


def test_check_says_what_it_finds_of_each_manual_segment(make_world: Make, simulator: Simulated) -> None:
    mirroring(make_world).run(message("u1", 1))
    mirror = {"Paying": "Paying (synced)", "Trial": "", "Staff": 99}
    world = mirroring(make_world, mirror)
    found = [(each.level, each.text) for each in checks._of_mirrors(world.rules[0], world.runtime)]
    assert found == [
        ("ok", "'Paying' into \"Paying (synced)\": the manual segment 1"),
        ("ok", "'Trial' into \"Trial\": not there yet, it will be made"),
        ("failed", "'Staff' into 99: Customer.io has no segment of this id"),
    ]

    keyless = mirroring(make_world, mirror, connection={"app_api_key": None})
    levels = [each.level for each in checks._of_mirrors(keyless.rules[0], keyless.runtime)]
    assert levels == ["failed", "failed", "ok"]


@pytest.mark.parametrize("target", ["Paying (synced)", 1])
def test_a_segment_whose_calls_fail_is_set_aside_and_holds_up_nobody(
    make_world: Make, simulator: Simulated, target: str | int
) -> None:
    world = mirroring(make_world, delivery={"backoff_seconds": 0.05, "backoff_max_seconds": 1.0})
    world.run(message("u0", 1))
    world = mirroring(make_world, {"Paying": target}, delivery={"backoff_seconds": 0.05, "backoff_max_seconds": 1.0})
    simulator.go_wrong({"path": "/api/v1/segments", "status": 404, "body": "<html>not found</html>"})
    world.take(*(message(f"u{number}", 1) for number in range(1, 6)))
    world.cycle()
    world.take(message("u6", 1))
    world.cycle()

    assert len(simulator.people()) == 7
    assert world.health().paused_until is None
    assert [kind for kind, _, _ in world.problems()] == ["segment"]
    simulator.go_wrong()
    world.settle()
    assert members(simulator) == {"Paying (synced)": [f"u{number}" for number in range(7)]}
    assert not world.problems()
