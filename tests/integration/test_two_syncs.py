"""Two syncs into one workspace, on SQLite and on PostgreSQL: each sends its own, and none takes away what is wanted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, text

from connector import formats
from connector.admin.person.gather import gather
from connector.admin.privacy import find_user
from connector.admin.privacy.forget import Forgetting
from connector.delivery import other_syncs
from connector.delivery.sweep import overdue
from connector.intake.accept import accept
from connector.store import resend, workspace_holders
from connector.store.engine import Store
from tests.simulated import Simulated
from tests.world import World, message

_SYNC: dict[str, Any] = {
    "connection": "main",
    "identifier": "external_id",
    "segment_attribute": "",
    "on_exit": "delete",
    "deletion_guard": {"share": 1.0},
}
MAIN = {**_SYNC, "segments": ["Paying"], "attributes": ["plan"]}
SECOND = {**_SYNC, "segments": ["Trial"], "attributes": ["city"]}

Make = Callable[..., World]


def two(make: Make, main: Mapping[str, Any] = {}, second: Mapping[str, Any] = {}, **sections: Any) -> World:
    return make(syncs={"main": {**MAIN, **main}, "second": {**SECOND, **second}}, **sections)


def settle(world: World) -> None:
    """Delivers both syncs until nothing is due in either, as doorbells and the sweep do."""
    while syncs := overdue(world.store, world.rules):
        for sync in syncs:
            world.settle(sync)


def run(world: World, *messages: dict[str, Any]) -> None:
    for each in messages:
        world.take(each)
        settle(world)


def test_each_sync_sends_its_own_attributes_of_a_person_in_both(make_world: Make, simulator: Simulated) -> None:
    run(two(make_world), message("u1", 1, plan="pro", city="Bern", segments=["Paying", "Trial"]))

    assert simulator.people() == {"u1": {"plan": "pro", "city": "Bern"}}


@pytest.mark.parametrize(("left", "stays"), [("Paying", {"city": "Bern"}), ("Trial", {"plan": "pro"})])
def test_who_leaves_one_sync_stays_with_what_the_other_sends(
    make_world: Make, simulator: Simulated, left: str, stays: dict[str, Any]
) -> None:
    world = two(make_world)
    other = {"Paying": "Trial", "Trial": "Paying"}[left]
    both = {"plan": "pro", "city": "Bern"}
    run(world, message("u1", 1, segments=["Paying", "Trial"], **both), message("u1", 2, segments=[other], **both))

    assert simulator.people() == {"u1": stays}
    assert world.problems() == []


def test_who_leaves_the_last_sync_is_deleted(make_world: Make, simulator: Simulated) -> None:
    world = two(make_world)
    run(
        world,
        *(message("u1", version, segments=each) for version, each in enumerate((["Paying", "Trial"], ["Trial"], []))),
    )

    assert simulator.people() == {}


def test_who_leaves_both_at_once_is_deleted(make_world: Make, simulator: Simulated) -> None:
    run(two(make_world), message("u1", 1, segments=["Paying", "Trial"]), message("u1", 2, segments=[]))

    assert simulator.people() == {}


def test_who_is_cleared_keeps_what_another_sync_sends(make_world: Make, simulator: Simulated) -> None:
    world = two(make_world, {"on_exit": "clear", "attributes": ["plan", "city"]})
    both = {"plan": "pro", "city": "Bern"}
    run(world, message("u1", 1, segments=["Paying", "Trial"], **both), message("u1", 2, segments=["Trial"], **both))

    assert simulator.people() == {"u1": {"city": "Bern"}}


def test_two_users_in_two_syncs_are_not_one_person(make_world: Make, simulator: Simulated) -> None:
    world = two(make_world)
    run(world, message("u1", 1, external_id="x", plan="pro"), message("u2", 1, external_id="x", segments=["Trial"]))

    [(kind, subject, reason)] = world.problems()
    assert (kind, subject) == ("conflict", "u2")
    assert "id:x is the identifier of the user 'u1' in the sync 'main', which" in reason.replace(" too", "")
    assert simulator.people() == {"x": {"plan": "pro"}}


def test_who_waits_for_a_user_of_another_sync_gets_the_identifier_when_that_one_leaves(
    make_world: Make, simulator: Simulated
) -> None:
    world = two(make_world)
    run(
        world,
        message("u1", 1, external_id="x", plan="pro"),
        message("u2", 1, external_id="x", city="Bern", segments=["Trial"]),
        message("u1", 2, external_id="x", segments=[]),
    )

    assert simulator.people() == {"x": {"city": "Bern"}}
    assert world.problems() == []


def test_show_says_in_which_syncs_a_person_is_wanted_too(make_world: Make) -> None:
    world = two(make_world)
    run(world, message("u1", 1, segments=["Paying", "Trial"]), message("u2", 1))

    found = {each.row.sync: each.also_in for each in gather(world.runtime, "u1").syncs}
    assert found == {"main": ("second",), "second": ("main",)}
    assert {each.also_in for each in gather(world.runtime, "u2").syncs} == {()}


def test_show_names_the_user_of_another_sync_who_has_the_identifier(make_world: Make) -> None:
    world = two(make_world)
    run(world, message("u1", 1, external_id="x"), message("u2", 1, external_id="x", segments=["Trial"]))

    [waits] = [each.waits for each in gather(world.runtime, "u2").syncs if each.row.sync == "second"]
    assert waits == (
        "they wait for the identifier id:x, which the user 'u1' of the sync 'main', in the same workspace, holds",
    )


def test_two_users_who_hold_one_identifier_already_are_a_problem_and_the_second_is_sent_in_the_end(
    make_world: Make, simulator: Simulated
) -> None:
    world = two(make_world, second={"identify_by": "id", "attributes": ["city"]})
    run(world, message("u1", 1, external_id="x", plan="pro"))
    as_versions_before(world, message("u2", 1, external_id="x", city="Bern", segments=["Trial"]))
    assert world.problems() == []

    assert other_syncs.part(world.store, world.rules) == 1
    assert other_syncs.part(world.store, world.rules) == 0  # once an hour
    settle(world)
    [(kind, subject, reason)] = world.problems()
    assert (kind, subject) == ("conflict", "u2")
    assert "the user 'u1' too in the sync 'main'" in reason

    run(world, message("u1", 2, external_id="x", segments=[]))
    assert simulator.people() == {"x": {"city": "Bern"}}
    assert world.problems() == []


def as_versions_before(world: World, said: dict[str, Any]) -> None:
    """Takes a message in, and delivers it, by the second sync alone, which knows of no other."""
    alone = replace(world.runtime.rules("second"), beside=())
    accept(world.store, [alone], formats.parse("native", [said]))
    replace(world.runtime.courier("second"), rules=alone, others=()).deliver()


def test_many_who_take_in_at_once_give_each_identifier_to_one_user(
    database: str, open_store: Callable[[str], Store], simulator: Simulated
) -> None:
    """On PostgreSQL, where transactions run beside one another: nobody waits for ever, and nobody is given twice."""
    worlds = [World(open_store(database), simulator, syncs={"main": MAIN, "second": SECOND}) for _ in range(4)]
    random = Random(1)
    said = [
        message(f"u{number % 30}", number, external_id=f"x{random.randrange(12)}", segments=random.choice(_SOMEWHERE))
        for number in range(240)
    ]

    def take(world: World, mine: list[dict[str, Any]]) -> None:
        for first in range(0, len(mine), 8):
            world.take(*mine[first : first + 8])
            for sync in ("second", "main"):
                world.runtime.courier(sync).cycle()

    with ThreadPoolExecutor(len(worlds)) as pool:
        for done in [pool.submit(take, world, said[place::4]) for place, world in enumerate(worlds)]:
            done.result()
    settle(worlds[0])
    with worlds[0].store.reading() as tx:
        held = {tuple(row) for row in tx.execute(text("SELECT identifier, key FROM identity"))}
    for world in worlds:
        world.close()
    assert len(held) == len({identifier for identifier, _ in held})


_SOMEWHERE = (["Paying"], ["Trial"], ["Paying", "Trial"], [])


def test_a_workspace_of_one_sync_is_asked_nothing_more_and_one_of_two_once_a_batch(
    emptied_store: Store, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    others = workspace_holders._beside

    def noted(tx: Connection, syncs: Sequence[str], identifiers: Iterable[str]) -> Any:
        asked.append(len(list(identifiers)))
        return others(tx, syncs, identifiers)

    monkeypatch.setattr(workspace_holders, "_beside", noted)
    people = [message(f"u{number}", 1, segments=["Paying", "Trial"]) for number in range(50)]
    World(emptied_store, simulator, syncs={"main": MAIN}).take(*people)
    assert asked == []
    World(emptied_store, simulator, syncs={"second": SECOND, "third": {**SECOND, "segments": ["Paying"]}}).take(*people)
    assert asked == [50, 50]


def test_who_is_forgotten_in_one_sync_alone_is_sent_again_by_the_other(make_world: Make, simulator: Simulated) -> None:
    world = two(make_world)
    run(world, message("u1", 1, plan="pro", city="Bern", segments=["Paying", "Trial"]))

    receipt = Forgetting(world.runtime, find_user.find(world.runtime, "u1", "main"), gone_seconds=0).run()
    assert receipt.parts[0].others == (("second", "u1"),)
    settle(world)
    assert simulator.people() == {"u1": {"city": "Bern"}}


def test_a_resync_of_one_sync_takes_nothing_from_the_other(make_world: Make, simulator: Simulated) -> None:
    world = two(make_world, {"on_exit": "clear", "attributes": ["plan", "city"]})
    both = {"plan": "pro", "city": "Bern"}
    run(world, message("u1", 1, segments=["Paying", "Trial"], **both), message("u1", 2, segments=["Trial"], **both))
    with world.store.writing() as tx:
        resend.send_whole(tx, "main", ["u1"], world.store.now(tx))
    settle(world)

    assert simulator.people() == {"u1": {"city": "Bern"}}


def test_who_comes_to_be_wanted_while_a_delete_is_out_is_sent_again(make_world: Make, simulator: Simulated) -> None:
    world = two(make_world)
    run(world, message("u1", 1, plan="pro"))
    world.take(message("u1", 2, segments=[]))
    courier = world.runtime.courier("main")
    claimed, out = courier._claim("lease", "person", 10)
    attempts = courier._begun("lease", claimed, courier._served("person"))
    run_second = message("u1", 3, city="Bern", segments=["Trial"])
    world.take(run_second)
    world.settle("second")
    courier._send_all(attempts, out)
    assert simulator.people() == {}
    courier._settle("lease", attempts, out, courier._served("person"), None)
    settle(world)

    assert simulator.people() == {"u1": {"city": "Bern"}}


def test_deletions_that_the_guard_holds_in_one_sync_keep_people_whom_the_other_would_delete(
    make_world: Make, simulator: Simulated
) -> None:
    world = two(make_world, second={"deletion_guard": {"share": 0.01, "at_least": 0}})
    run(world, message("u1", 1, plan="pro", city="Bern", segments=["Paying", "Trial"]))
    world.take(message("u1", 2, segments=[]))
    world.settle("second")
    settle(world)

    assert simulator.people() == {"u1": {"city": "Bern"}}


def test_who_is_freed_by_one_sync_stays_blocked_while_another_suppresses_them(
    make_world: Make, simulator: Simulated
) -> None:
    blocking = {"suppress_when": {"attribute": "blocked", "equals": "yes"}}
    strict = {"suppress_when": {"attribute": "strict", "equals": "yes"}}
    world = two(make_world, blocking, strict)
    person = {"segments": ["Paying", "Trial"], "plan": "pro", "city": "Bern"}
    run(world, message("u1", 1, blocked="yes", strict="yes", **person))
    run(world, message("u1", 2, blocked="no", strict="yes", **person))
    assert simulator.people() == {}

    run(world, message("u1", 3, blocked="no", strict="no", **person))
    assert simulator.people() == {"u1": {"plan": "pro", "city": "Bern"}}


@pytest.mark.parametrize("before", [{}, {"suppressed": True}, {"deleted": True}])
@pytest.mark.parametrize("stays", ["Paying", "Trial"])
def test_who_is_freed_while_one_sync_wants_them_and_the_other_does_not_is_freed_once(
    make_world: Make, simulator: Simulated, before: dict[str, bool], stays: str
) -> None:
    world = two(make_world, retention={"call_bodies": "all"})
    both = {"plan": "pro", "city": "Bern"}
    run(world, message("u1", 1, segments=["Paying", "Trial"], **both), {"user": {"id": "u1"}, **before, "version": 2})
    run(world, {**message("u1", 3, segments=[stays], **both), "suppressed": False})

    assert simulator.people() == {"u1": {"plan": "pro"} if stays == "Paying" else {"city": "Bern"}}
    assert len(world.sent("unsuppress")) <= 2
