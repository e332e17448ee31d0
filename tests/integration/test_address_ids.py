"""Upstreams that take an e-mail address for the id of whoever has none: by setting such a user is a lead."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from connector import formats
from connector.intake.accept import accept
from tests.simulated import Simulated
from tests.world import LATELY, World

X = "lead@example.com"
SYNC = {
    "segments": ["*"],
    "identify_by": "id_or_email",
    "address_ids": "email",
    "attributes": ["plan", "city"],
    "events": ["Signed up"],
}
Make = Callable[..., World]


def call(type: str, user: str, second: int, **rest: Any) -> dict[str, Any]:
    return {"type": type, "userId": user, "messageId": f"m-{second}", "timestamp": LATELY + second, **rest}


def run(world: World, *calls: dict[str, Any]) -> None:
    for each in calls:
        accept(world.store, world.rules, formats.parse("segment", each))
        world.settle()


def held(simulator: Simulated) -> list[tuple[Any, Any, Any]]:
    """Everybody's id, e-mail and plan."""
    people = simulator.whole_people()
    return [
        (each["identifiers"].get("id"), each["identifiers"].get("email"), each["attributes"].get("plan"))
        for each in people
    ]


def test_whose_id_is_an_address_is_known_by_it_as_email(make_world: Make, simulator: Simulated) -> None:
    world = make_world(sync=SYNC)
    run(world, call("identify", X, 1, traits={"plan": "free"}), call("track", X.upper(), 2, event="Signed up"))

    assert held(simulator) == [(None, X, "free")]
    assert len(simulator.whole_people()[0]["events"]) == 1


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_they_are_one_with_the_user_whose_email_it_is_in_any_order(
    make_world: Make, simulator: Simulated, order: tuple[int, ...]
) -> None:
    world = make_world(sync=SYNC)
    calls = [
        call("identify", X, 1, traits={"plan": "free"}),
        call("identify", "1001", 2, traits={"email": X, "plan": "pro"}),
        call("track", X, 3, event="Signed up"),
    ]
    run(world, *(calls[place] for place in order))

    assert held(simulator) == [("1001", X, "pro")]
    assert len(simulator.whole_people()[0]["events"]) == 1


def test_an_alias_from_an_address_joins_the_lead(make_world: Make, simulator: Simulated) -> None:
    world = make_world(sync=SYNC)
    run(
        world,
        call("identify", X, 1, traits={"plan": "free"}),
        call("alias", "1001", 2, previousId=X),
        call("identify", "1001", 3, traits={"email": X, "city": "Bern"}),
    )

    assert held(simulator) == [("1001", X, "free")]


def test_other_ids_and_fields_are_read_as_ever(make_world: Make, simulator: Simulated) -> None:
    world = make_world(sync=SYNC)
    run(world, call("identify", "a@b@c", 1, traits={"plan": "free"}), call("identify", "user @ home", 2, traits={}))

    assert sorted(each[0] for each in held(simulator)) == ["a@b@c", "user @ home"]


def test_a_key_of_its_own_stays_the_users_while_an_address_stands_for_the_id(
    make_world: Make, simulator: Simulated
) -> None:
    world = make_world(sync=SYNC)
    world.run({"user": {"id": "u", "external_id": X, "plan": "free"}, "version": 1})
    assert held(simulator) == [(None, X, "free")]
    world.run({"user": {"id": "u", "external_id": "1001", "email": X, "plan": "pro"}, "version": 2})
    assert held(simulator) == [("1001", X, "pro")]


def test_without_the_setting_an_address_is_an_id(make_world: Make, simulator: Simulated) -> None:
    world = make_world(sync={**SYNC, "address_ids": "id"})
    run(world, call("identify", X, 1, traits={"plan": "free"}))

    assert held(simulator) == [(X, None, "free")]
