"""Whom Hull's connector had brought to Customer.io: by its notes they are known here, and leave as others do."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connector import formats
from connector.bulk import hull_people
from connector.intake.accept import accept
from tests.simulated import Simulated
from tests.world import World

Make = Callable[..., World]
PAYING = [{"id": "seg-7", "name": "Paying"}]


def notification(user: str, *, paying: bool, **notes: Any) -> Any:
    told = {"id": user, "external_id": f"x-{user}", "plan": "pro"}
    told |= {f"traits_customerio/{name}": value for name, value in notes.items()}
    return formats.parse("hull", {"messages": [{"user": told, "segments": PAYING if paying else []}]})


def bring(simulator: Simulated, *ids: str) -> None:
    """What Hull's connector did."""
    for id in ids:
        attributes = {"plan": "old", "hull_segments": json.dumps([])}
        put = httpx.put(
            f"{simulator.url}/api/v1/customers/{id}", json=attributes, auth=("site-id", "api-key"), timeout=10
        )
        assert put.status_code == 200


def taken(world: World, *messages: Any) -> int:
    every = [message for each in messages for message in each]
    accept(world.store, world.rules, every)
    count = hull_people.note(world.store, world.rules, every)
    world.settle()
    return count


@pytest.mark.parametrize(
    ("on_exit", "held"), [("delete", None), ("clear", {}), ("keep", {"plan": "old"})], ids=["delete", "clear", "keep"]
)
def test_who_left_before_the_change_over_is_treated_as_who_leaves_after(
    make_world: Make, simulator: Simulated, on_exit: str, held: Any
) -> None:
    bring(simulator, "x-u1", "x-u2")
    world = make_world(sync={"on_exit": on_exit, "attributes": ["plan"]})
    count = taken(world, notification("u1", paying=False, id="x-u1", created_at=1), notification("u2", paying=False))

    left = {name: {"plan": found["plan"]} if "plan" in found else {} for name, found in simulator.people().items()}
    assert left == {"x-u2": {"plan": "old"}} | ({} if held is None else {"x-u1": held})
    assert count == 1
    assert not world.problems()


def test_whom_hull_had_deleted_again_is_not_there(make_world: Make, simulator: Simulated) -> None:
    world = make_world(sync={"on_exit": "delete"})
    gone = notification("u1", paying=False, id="x-u1", created_at=1, deleted_at=2)
    assert taken(world, gone, notification("u2", paying=False, id=None, created_at=1)) == 0
    assert not [call for call in simulator.calls() if call["endpoint"].startswith("/api/")]


def test_who_was_brought_under_another_id_becomes_one_with_the_new_one(make_world: Make, simulator: Simulated) -> None:
    bring(simulator, "old-id")
    world = make_world(sync={"attributes": ["plan"]})
    taken(world, notification("u1", paying=True, id="old-id", created_at=1))

    assert set(simulator.people()) == {"x-u1"}
    assert simulator.people()["x-u1"]["plan"] == "pro"


def test_who_is_delivered_already_is_left_alone_and_once_is_enough(make_world: Make, simulator: Simulated) -> None:
    bring(simulator, "x-u1")
    world = make_world(sync={"on_exit": "delete"})
    message = notification("u1", paying=True, id="x-u1", created_at=1)
    assert [taken(world, message), taken(world, message)] == [1, 0]
    assert set(simulator.people()) == {"x-u1"}


def test_the_deletion_guard_sees_them(make_world: Make, simulator: Simulated) -> None:
    bring(simulator, *(f"x-u{number}" for number in range(30)))
    guard = {"share": 0.01, "at_least": 5}
    world = make_world(sync={"on_exit": "delete", "deletion_guard": guard})
    taken(world, *(notification(f"u{n}", paying=False, id=f"x-u{n}", created_at=1) for n in range(30)))

    assert len(simulator.people()) == 30
    assert [kind for kind, *_ in world.problems()] == ["held"]
