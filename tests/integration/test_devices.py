"""Devices, from the native form to a simulated Customer.io."""

from collections.abc import Callable
from typing import Any

import pytest

from connector import formats
from connector.intake.accept import accept
from tests.simulated import Simulated
from tests.world import World, event, message

PHONE = {"token": "token-1", "platform": "ios"}
TABLET = {"token": "token-2", "platform": "android", "attributes": {"app_version": 2}}


def devices(simulator: Simulated) -> dict[str, list[str]]:
    """The tokens of each person's devices, by the person's id."""
    return {
        one["identifiers"]["id"]: sorted(each["token"] for each in one["devices"]) for one in simulator.whole_people()
    }


def part(**fields: Any) -> dict[str, Any]:
    return {"user": {"id": "u1"}, **fields}


def test_devices_arrive_with_their_person(world: World, simulator: Simulated) -> None:
    world.run({**message("u1", 1, event("Signed up", "e1"), plan="gold"), "devices": [PHONE, TABLET]})

    (person,) = simulator.whole_people()
    assert person["devices"] == [
        {"token": "token-1", "platform": "ios", "attributes": {}},
        {"token": "token-2", "platform": "android", "attributes": {"app_version": "2"}},
    ]
    assert simulator.event_names("u1") == ["Signed up"]
    assert not world.problems()


def test_a_part_adds_and_takes_devices_and_leaves_the_others(world: World, simulator: Simulated) -> None:
    world.run(
        {**message("u1", 1, plan="gold"), "devices": [PHONE]},
        part(devices=[TABLET], version=2),
        part(devices=[{"token": "token-1", "deleted": True}], version=3),
        message("u1", 4, plan="free"),
    )

    assert devices(simulator) == {"u1": ["token-2"]}


def test_a_whole_message_that_names_devices_names_all_of_them(world: World, simulator: Simulated) -> None:
    world.run(
        {**message("u1", 1, plan="gold"), "devices": [PHONE, TABLET]},
        {**message("u1", 2, plan="gold"), "devices": [TABLET]},
    )

    assert devices(simulator) == {"u1": ["token-2"]}


def test_an_older_word_on_a_device_changes_nothing(world: World, simulator: Simulated) -> None:
    world.run(
        message("u1", 1, plan="gold"),
        part(devices=[{"token": "token-1", "deleted": True}], version=3),
        part(devices=[PHONE], version=2),
    )

    assert devices(simulator) == {"u1": []}


def test_a_device_alone_is_one_operation(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"))
    before = simulator.summary()["items"]
    world.run(part(devices=[PHONE], version=2))

    assert simulator.summary()["items"] == before + 1


@pytest.mark.parametrize("on_exit", ["delete", "clear", "keep"])
def test_who_leaves_loses_the_devices_unless_kept(
    make_world: Callable[..., World], simulator: Simulated, on_exit: str
) -> None:
    world = make_world(sync={"on_exit": on_exit})
    world.run({**message("u1", 1, plan="gold"), "devices": [PHONE]}, message("u1", 2, segments=[]))

    assert devices(simulator) == {"delete": {}, "clear": {"u1": []}, "keep": {"u1": ["token-1"]}}[on_exit]


def test_a_lost_answer_leaves_no_device_that_is_gone_meanwhile(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, plan="gold"))
    simulator.go_wrong({"path": "/api/v2/batch", "drop": "after", "times": 1})
    world.take(part(devices=[PHONE], version=2))
    world.cycle()
    world.take(part(devices=[{"token": "token-1", "deleted": True}], version=3))
    world.settle()

    assert devices(simulator) == {"u1": []}


def test_a_refused_device_is_a_problem_and_the_person_is_there(world: World, simulator: Simulated) -> None:
    large = {**PHONE, "attributes": {f"a{number}": "x" * 900 for number in range(40)}}
    world.run({**message("u1", 1, plan="gold"), "devices": [large]})

    assert simulator.people() == {"u1": {"plan": "gold"}}
    ((kind, subject, reason),) = world.problems()
    assert (kind, subject) == ("refused", "u1")
    assert reason.startswith("add_device refused")


def test_an_application_that_is_installed_and_uninstalled_is_a_device_that_comes_and_goes(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(sync={"segments": ["*"]})
    found = []
    for number, name in enumerate(("Application Installed", "Application Opened", "Application Uninstalled"), 1):
        call = {"type": "track", "userId": "u1", "event": name, "messageId": f"m{number}"}
        told = {"timestamp": f"2026-01-31T10:00:0{number}Z", "properties": {"device_id": "token-1"}}
        accept(world.store, world.rules, formats.parse("segment", {**call, **told}))
        world.settle()
        found.append(devices(simulator))

    assert found == [{"u1": ["token-1"]}, {"u1": ["token-1"]}, {"u1": []}]
