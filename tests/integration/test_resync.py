"""Everybody is sent whole again, whatever happens meanwhile."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from pydantic_core import to_json

from connector.audience.rules import Rules
from connector.bulk import jobs, resync
from connector.errors import ConnectorError, SettingsError
from connector.model.job import BURST_SECONDS, Job
from connector.runtime import Runtime
from connector.store import claims, deletion_guard
from connector.store import jobs as stored
from connector.store.engine import Store
from connector.store.tables import BACKFILL
from tests.build_settings import build
from tests.resyncs import AT_ONCE, find, run
from tests.world import World, event, message


def save(store: Store, job: Job) -> None:
    with store.writing() as tx:
        stored.save(tx, job)


def people(count: int, **rest: Any) -> list[dict[str, Any]]:
    return [message(f"u{number:03}", 1, plan="gold", city="Bergen", **rest) for number in range(count)]


def change_by_hand(world: World, user: str, **attributes: Any) -> None:
    """Somebody changes a person in Customer.io, and we are not told."""
    item = {"type": "person", "action": "identify", "identifiers": {"id": user}, "attributes": attributes}
    assert world.runtime.track("main").send("batch", to_json({"batch": [item]})).status == 200


# ---- What it does ----------------------------------------------------------------------------------------------------


def test_what_was_changed_behind_our_back_is_put_right(world: World) -> None:
    world.run(message("u1", 1, plan="gold", city="Bergen"), message("u2", 1, plan="free"))
    change_by_hand(world, "u1", plan="by hand", city=None)
    resync.start(world.runtime, "main", AT_ONCE)
    run(world)

    assert world.simulated.people()["u1"].items() >= {"plan": "gold", "city": "Bergen"}.items()


def test_whoever_was_lost_in_customerio_is_there_again(world: World) -> None:
    world.take(*people(30))
    world.settle()
    world.simulated.reset()
    resync.start(world.runtime, "main", AT_ONCE)
    job = run(world)

    assert len(world.simulated.people()) == 30
    assert (job.state, job.total, job.done, job.counts) == ("done", 30, 30, {})


def test_who_was_deleted_stays_away_and_who_never_came_is_not_counted(world: World) -> None:
    world.take(message("u1", 1), message("u2", 1), message("outsider", 1, segments=[]))
    world.settle()
    world.run(message("u1", 2, segments=[]))
    job = resync.start(world.runtime, "main", AT_ONCE)
    run(world)

    assert job.total == 2
    assert list(world.simulated.people()) == ["u2"]


def test_events_are_not_sent_again(world: World) -> None:
    world.run(message("u1", 1, event("Signed up", "e1")))
    resync.start(world.runtime, "main", AT_ONCE)
    run(world)

    assert world.simulated.event_names("u1") == ["Signed up"]


def test_a_second_resync_does_it_all_again(world: World) -> None:
    world.take(*people(5))
    world.settle()
    for _ in range(2):
        world.simulated.reset()
        resync.start(world.runtime, "main", AT_ONCE)
        run(world)
        assert len(world.simulated.people()) == 5


def test_a_sync_without_anybody_is_done_at_once(world: World) -> None:
    resync.start(world.runtime, "main", AT_ONCE)
    assert resync.advance(world.runtime) == []
    assert find(world.store).state == "done"


def test_who_waits_for_an_identifier_and_whose_deletion_is_held_are_left_alone_and_counted(
    make_world: Callable[..., World],
) -> None:
    world = make_world(sync={"deletion_guard": {"share": 0.01, "at_least": 0}})
    world.take(*people(3), message("twin", 1, external_id="u000"))
    world.settle()
    world.take(message("u002", 2, segments=[]))
    world.settle()
    resync.start(world.runtime, "main", AT_ONCE)

    assert run(world).counts == {resync.LEFT_ALONE: 2}
    assert set(world.simulated.people()) == {"u000", "u001", "u002"}
    with world.store.reading() as tx:
        assert deletion_guard.held(tx, "main") == 1


# ---- At a pace, behind what is live ----------------------------------------------------------------------------------


def test_live_changes_go_before_the_people_of_a_resync(world: World) -> None:
    world.take(*people(5))
    world.settle()
    resync.start(world.runtime, "main", AT_ONCE)
    resync.advance(world.runtime)
    world.take(message("u003", 2, plan="free"), message("new", 1))
    with world.store.writing() as tx:
        claimed = claims.claim(tx, "main", "mine", 2, world.store.now(tx) + 1, seconds=60)

    assert sorted(each.entity.key for each in claimed) == ["new", "u003"]


def test_nobody_is_due_before_the_pace_allows_it(world: World) -> None:
    world.take(*people(5))
    world.settle()
    job = resync.start(world.runtime, "main", 1)
    save(world.store, replace(job, updated_at=job.updated_at + 3600))

    assert resync.advance(world.runtime) == []
    assert (find(world.store).done, world.due()) == (0, 0)


def test_a_resync_that_was_left_alone_for_an_hour_makes_up_for_some_seconds_only(world: World) -> None:
    world.take(*people(30))
    world.settle()
    job = resync.start(world.runtime, "main", 4)
    save(world.store, replace(job, updated_at=job.updated_at - 3600))

    assert resync.advance(world.runtime) == ["main"]
    assert (find(world.store).done, world.due()) == (BURST_SECONDS * 4 + 1, BURST_SECONDS * 4 + 1)


def test_nobody_waits_for_the_pace_to_allow_more(world: World) -> None:
    world.take(*people(30))
    world.settle()
    job = resync.start(world.runtime, "main", 1000)
    save(world.store, replace(job, updated_at=job.updated_at - 0.001))
    looks: list[int] = []
    resync.advance(world.runtime, until=lambda: bool(looks.append(1)))

    assert len(looks) == 1


def test_no_more_people_are_made_due_than_a_few_claims_of_delivery(make_world: Callable[..., World]) -> None:
    world = make_world(delivery={"people": 2})
    most = 2 * resync.CLAIMS_AHEAD
    world.take(*people(3 * most))
    world.settle()
    resync.start(world.runtime, "main", AT_ONCE)
    for _ in range(3):
        resync.advance(world.runtime, people_at_once=3)
    assert (find(world.store).done, world.due()) == (most, most)
    world.cycle()
    resync.advance(world.runtime)

    assert (find(world.store).done, world.due()) == (most + 2, most)


def test_what_is_due_for_another_reason_does_not_hold_a_resync_up(make_world: Callable[..., World]) -> None:
    world = make_world(delivery={"people": 1})
    world.take(*people(20))
    resync.start(world.runtime, "main", AT_ONCE)
    while find(world.store).state == "running" and resync.advance(world.runtime):
        pass

    assert find(world.store).done == 20


def test_progress_says_what_is_still_due_and_why_nothing_goes_out(world: World) -> None:
    world.take(*people(3))
    world.settle()
    job = resync.start(world.runtime, "main", AT_ONCE)
    resync.advance(world.runtime)
    seen = resync.progress(world.runtime, job.id)
    assert (seen.job.state, seen.due, seen.pause) == ("done", 3, "")
    world.simulated.go_wrong({"status": 401})
    world.cycle()

    assert resync.progress(world.runtime, job.id).pause.startswith("main: Customer.io")


def test_people_of_a_resync_stand_in_the_lane_behind(world: World) -> None:
    world.take(*people(3))
    world.settle()
    resync.start(world.runtime, "main", AT_ONCE)
    resync.advance(world.runtime)
    with world.store.reading() as tx:
        lanes = tx.exec_driver_sql("SELECT lane FROM entity WHERE due_at IS NOT NULL").scalars().all()

    assert lanes == [BACKFILL] * 3


# ---- Jobs ------------------------------------------------------------------------------------------------------------


def test_one_resync_of_a_sync_at_a_time(world: World) -> None:
    job = resync.start(world.runtime, "main", AT_ONCE)
    with pytest.raises(ConnectorError, match=f"the resync {job.id} of main is running"):
        resync.start(world.runtime, "main", AT_ONCE)
    jobs.pause(world.store, job.id)
    with pytest.raises(ConnectorError, match=f"the resync {job.id} of main is paused"):
        resync.start(world.runtime, "main", AT_ONCE)
    jobs.cancel(world.store, job.id)

    assert resync.start(world.runtime, "main", AT_ONCE).id != job.id


def test_of_many_who_start_one_at_once_one_does(database: str, open_store: Callable[[str], Store]) -> None:
    settings = build()
    runtimes = [
        Runtime(settings, open_store(database), tuple(map(Rules.of, settings.syncs.values()))) for _ in range(4)
    ]

    def start(runtime: Runtime) -> bool:
        try:
            resync.start(runtime, "main", AT_ONCE)
        except ConnectorError:
            return False
        return True

    with ThreadPoolExecutor(len(runtimes)) as pool:
        assert sorted(pool.map(start, runtimes)) == [False, False, False, True]


def test_an_unknown_sync_is_named(world: World) -> None:
    with pytest.raises(SettingsError, match="there is no sync 'nope': the settings name main"):
        resync.start(world.runtime, "nope", AT_ONCE)


def test_a_sync_that_delivers_nothing_cannot_be_sent_again(make_world: Callable[..., World]) -> None:
    with pytest.raises(SettingsError, match=r"syncs\.main: deliver = false"):
        resync.start(make_world(sync={"deliver": False}).runtime, "main", AT_ONCE)


def test_a_resync_of_a_sync_that_is_gone_or_delivers_no_more_rests(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.take(*people(3))
    world.settle()
    resync.start(world.runtime, "main", AT_ONCE)

    assert resync.advance(make_world(sync={"deliver": False}).runtime) == []
    assert find(world.store).done == 0


def test_paused_it_stands_and_resumed_it_goes_on_from_there(world: World) -> None:
    world.take(*people(9))
    world.settle()
    job = resync.start(world.runtime, "main", AT_ONCE)
    looks = iter([False, True])
    resync.advance(world.runtime, until=lambda: next(looks), people_at_once=4)
    assert jobs.pause(world.store, job.id).state == "paused"
    assert resync.advance(world.runtime) == []
    assert jobs.resume(world.store, job.id[:4]).done == 4
    world.settle()
    world.simulated.reset()

    assert run(world).done == 9
    assert sorted(world.simulated.people()) == [f"u{number:03}" for number in range(4, 9)]


def test_cancelled_it_stays_where_it_is(world: World) -> None:
    world.take(*people(9))
    world.settle()
    job = resync.start(world.runtime, "main", AT_ONCE)
    assert jobs.cancel(world.store, job.id).state == "cancelled"
    assert resync.advance(world.runtime) == []
    with pytest.raises(ConnectorError, match=f"{job.id} is cancelled: only one that is paused can be resumed"):
        jobs.resume(world.store, job.id)
