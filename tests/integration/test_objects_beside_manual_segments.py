"""Objects and manual segments in one sync: an object that is sent again, whole, is put into no segment."""

from collections.abc import Callable
from typing import Any

import pytest

from connector.bulk import resync
from tests import resyncs
from tests.simulated import Simulated
from tests.world import World, message

COMPANY = {"type": "1", "from": ["object"], "attributes": ["name"]}
ACME = {"object": {"type": "1", "id": "acme", "attributes": {"name": "Acme"}}, "version": 1}


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    sync = {"segments": ["Paying"], "objects": [COMPANY], "manual_segments": {"Paying": "Paying (synced)"}}
    return make_world(sync=sync, connection={"app_api_key": "app-api-key"})


def members(simulator: Simulated) -> list[Any]:
    """Who is in a manual segment."""
    return [person["identifiers"]["id"] for person in simulator.whole_people() if person["segments"]]


def test_after_a_500_on_an_object_its_sync_s_manual_segment_goes_on(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"path": "/api/v2/batch", "containing": "acme", "status": 500, "times": 3})
    world.run(ACME, message("u1", 1))

    assert simulator.objects() == {"1/acme": {"name": "Acme"}}
    assert members(simulator) == ["u1"]
    assert not world.problems()


def test_a_resync_of_objects_leaves_manual_segments_as_they_are(world: World, simulator: Simulated) -> None:
    world.run(ACME, message("u1", 1))
    resync.start(world.runtime, "main", resyncs.AT_ONCE)
    assert resyncs.run(world).state == "done"

    asked = [call["endpoint"] for call in simulator.calls()]
    assert not [path for path in asked if "remove_customers" in path]
    assert members(simulator) == ["u1"]
    assert not world.problems()
