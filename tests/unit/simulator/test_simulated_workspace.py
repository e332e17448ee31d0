"""Visibility, disorder and options (docs/customerio.md#the-simulator, point 8)."""

import pytest

from connector.errors import SettingsError, UnreadableError
from connector.simulator.base.options import Options


def people(state):
    return [person.identifiers["id"] for person in state.people]


def batch(count):
    return [
        {"type": "person", "action": "identify", "identifiers": {"id": str(n)}, "attributes": {"n": n}}
        for n in range(count)
    ]


def test_reads_see_writes_at_once_by_default(world):
    world.identify({"id": "1"})

    assert world.workspace.visible(world.now) is world.live


def test_reads_lag_by_the_seconds_of_the_option(world_with):
    world = world_with(visibility_seconds=10)
    world.identify({"id": "1"}, plan="free")
    world.now += 5
    world.identify({"id": "2"})

    assert people(world.live) == ["1", "2"]
    assert people(world.workspace.visible(world.now)) == []
    assert people(world.workspace.visible(world.now + 5)) == ["1"]
    assert people(world.workspace.visible(world.now + 10)) == ["1", "2"]


def test_the_lagging_view_becomes_what_the_live_one_was(world_with):
    world = world_with(visibility_seconds=10)
    world.identify({"id": "1"}, plan="free")
    world.do("event", {"id": "1"}, name="x")
    world.do("delete", {"id": "1"})
    world.identify({"id": "1"}, plan="paid")

    seen = world.workspace.visible(world.now + 10).people.find("id", "1")
    assert seen is not world.person(id="1")
    assert (seen.identifiers, seen.attributes) == (world.person(id="1").identifiers, {"plan": "paid"})


def test_a_batch_is_applied_in_order_by_default(world):
    world.workspace.apply(batch(50), world.now)

    assert people(world.live) == [str(n) for n in range(50)]


def test_a_shuffled_batch_is_complete_in_another_order_and_the_same_one_each_time(world_with):
    orders = []
    for _ in range(2):
        world = world_with(shuffle=7)
        world.workspace.apply(batch(50), world.now)
        orders.append(people(world.live))

    assert orders[0] == orders[1] != [str(n) for n in range(50)]
    assert sorted(orders[0]) == sorted(str(n) for n in range(50))


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "email"},
        {"oversize": 200},
        {"non_ulid": "reject"},
        {"visibility_seconds": -1},
        {"auto_merge": "yes"},
        {"shuffle": 1.5},
        {"dynamic_segments": "one"},
        {"api_key": "another"},
        {"unknown": 1},
    ],
)
def test_an_unknown_option_or_value_is_refused_by_name(changes):
    with pytest.raises(UnreadableError, match=repr(next(iter(changes)))):
        Options().changed(changes)


def test_the_region_is_us_or_eu():
    with pytest.raises(SettingsError, match="asia"):
        Options(region="asia")


def test_the_log_keeps_failures_when_millions_arrive(world, monkeypatch):
    monkeypatch.setattr("connector.simulator.state.activity.KEPT_OF_A_TYPE", 3)
    world.identify({"id": "first"}, _update=True)
    world.workspace.apply(batch(10), world.now)

    entries = list(world.live.log)
    assert [entry.type for entry in entries] == ["failed_attribute_change"] + ["profile_create"] * 3
    assert world.live.log.counts["profile_create"] == 10
