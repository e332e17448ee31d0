"""The steps of the funnel add up to what was received, whatever came, and hours to what their minutes were."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, text

from connector import formats
from connector.admin import funnel, retention
from connector.intake import funnel_steps
from connector.intake.accept import accept
from connector.settings.retention import RetentionSettings
from connector.store import tallies, tally_hours
from connector.store.all_tables import metadata
from connector.store.engine import Store
from tests.budget import searching
from tests.simulated import Simulated
from tests.world import World, event, message

HOUR = 3600.0
SYNC: dict[str, Any] = {"identify_by": "id_or_email", "identifier": "id", "attributes": ["plan"]}
OBJECTS = {"objects": [{"type": "1", "attributes": ["name"]}]}

users = st.builds(
    lambda user, version, plan, segments, events: message(
        user, version, *(event("Signed up", f"e{each}") for each in events), id=user, plan=plan, segments=segments
    ),
    st.sampled_from(["u", "v", "w"]),
    st.none() | st.integers(1, 5),
    st.sampled_from(["gold", "tin", None]),
    st.sampled_from([["Paying"], [], ["News"], ["Paying", "News"]]),
    st.lists(st.integers(1, 3), max_size=2),
)
leads = st.builds(
    lambda email, inside: {"user": {"email": email}, "segments": ["Paying"] if inside else []},
    st.sampled_from(["a@example.com", "b@example.com"]),
    st.booleans(),
)
gone = st.builds(lambda user, version: {"user": {"id": user}, "deleted": True, "version": version},
                 st.sampled_from(["u", "v"]), st.integers(1, 6))  # fmt: skip
things = st.builds(
    lambda key, name: {"object": {"type": "1", "id": key, "attributes": {"name": name}}},
    st.sampled_from(["c1", "c2"]),
    st.sampled_from(["A", "B"]),
)
odd = st.sampled_from([{"user": 7}, {}, {"user": {"id": "undefined"}, "segments": []}])
batches = st.lists(st.lists(users | leads | gone | things | odd, max_size=7), min_size=1, max_size=5)


def empty(store: Store) -> None:
    with store.writing() as tx:
        for table in metadata.sorted_tables:
            tx.execute(delete(table))


@pytest.mark.parametrize("sync", [{}, SYNC, {"on_exit": "keep"}, {"segments": ["*"]}, OBJECTS])
def test_the_steps_add_up_to_what_was_received(
    make_world: Callable[..., World], simulator: Simulated, sync: dict[str, Any]
) -> None:
    world = make_world(sync=sync)

    @searching(15)
    @given(batches, st.booleans())
    def adds_up(given_: list[list[dict[str, Any]]], deliver: bool) -> None:
        empty(world.store)
        simulator.reset()
        received = 0
        for batch in given_:
            messages = [each for said in batch for each in formats.parse("native", [said])]
            received += len(messages)
            accept(world.store, world.rules, messages)
            if deliver:
                world.cycle()
        found = funnel.of_sync(world.store, "main", funnel.PERIODS["1h"])
        assert found.received.number == received
        assert sum(each.number for each in found.messages) == received, found.messages
        for each in found.messages:
            assert not each.reasons or sum(reason.number for reason in each.reasons) == each.number

    adds_up()


def test_each_message_is_counted_where_it_belongs(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.run(message("u1", 1, plan="gold"), message("u1", 1, plan="gold"), message("u1", 2, plan="gold"))
    world.take(message("u2", 1), message("u2", 2, plan="tin"), message("u3", 1, segments=["News"]), {"user": 7})
    world.take({"object": {"type": "1", "id": "c1"}})
    with world.store.reading() as tx:
        found = tallies.tallies(tx, tallies.funnel("main"))
    assert found == {
        funnel_steps.RECEIVED: 8,
        "due: entered": 2,
        funnel_steps.REPEATED: 1,
        funnel_steps.NO_CHANGE: 1,
        funnel_steps.TOGETHER: 1,
        "not in the audience: not in a whitelisted segment": 1,
        funnel_steps.UNREADABLE_MESSAGE: 1,
        funnel_steps.NO_OBJECTS: 1,
    }


def test_what_became_of_people_is_counted_by_which_way_they_go(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world()
    world.run(message("u1", 1), message("u1", 2, plan="gold"), message("u1", 3, segments=[]))
    simulator.go_wrong({"path": "/api/v2", "items": "u2"})
    world.run(message("u2", 1))
    with world.store.reading() as tx:
        way = tallies.tallies(tx, tallies.way("main"))
    assert {name: count for name, count in way.items() if ": " in name} == {
        "delivered: entered": 1, "delivered: changed": 1, "delivered: left": 1, "refused: entered": 1,
    }  # fmt: skip


def test_a_deletion_that_the_guard_holds_is_counted_once(make_world: Callable[..., World]) -> None:
    world = make_world(sync={"deletion_guard": {"share": 0.01, "at_least": 0}})
    world.run(message("u1", 1))
    world.take(message("u1", 2, segments=[]))
    for _ in range(3):
        world.cycle()
    assert funnel.of_sync(world.store, "main", 60).step("held") == (
        "held", "held by the deletion guard", 1, None, (),
    )  # fmt: skip


def test_who_enters_and_leaves_a_segment_of_the_settings_is_counted(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.run(message("u1", 1), message("u2", 1, segments=["Paying", "News"]), message("u2", 2, segments=["News"]))
    with world.store.reading() as tx:
        assert tallies.tallies(tx, tallies.segments("main")) == {"entered: Paying": 2, "left: Paying": 1}


# --- periods ---------------------------------------------------------------------------------------------------------


def count(store: Store, seconds_ago: float, **names: int) -> None:
    with store.writing() as tx:
        counts = {tallies.funnel("main"): {name.replace("_", " "): number for name, number in names.items()}}
        tallies.tally(tx, counts, store.now(tx) - seconds_ago)


def keep(store: Store) -> None:
    assert retention.retain(store, RetentionSettings(), ())


def test_hours_that_were_added_up_come_to_what_their_minutes_did(store: Store) -> None:
    for ago in range(40):
        count(store, ago * 1900, received=ago + 1, repeated=ago + 1)
    periods = [*funnel.PERIODS.values(), 61, 119, 121, 1234]
    before = [funnel.of_sync(store, "main", minutes)[3:5] for minutes in periods]
    keep(store)
    with store.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM tally_hour WHERE scope = 'added up'")).scalar_one() > 10
    assert [funnel.of_sync(store, "main", minutes)[3:5] for minutes in periods] == before


def test_a_month_is_known_when_its_minutes_are_gone(store: Store) -> None:
    for day in reversed(range(29)):
        count(store, day * 24 * HOUR, received=1, repeated=1)
        if day % 7 == 6:
            keep(store)
    keep(store)
    with store.reading() as tx:
        oldest = tx.execute(text("SELECT min(minute) FROM minute")).scalar_one()
        assert store.now(tx) / 60 - oldest < 15 * 1440, "the minutes of a fortnight are kept"
    assert funnel.of_sync(store, "main", funnel.PERIODS["30d"]).received.number == 29


def test_a_step_is_compared_with_the_period_before_as_far_as_that_is_known(store: Store) -> None:
    count(store, 5 * HOUR, received=3, repeated=3)
    count(store, 1.5 * HOUR, received=2, repeated=2)
    count(store, 60, received=7, repeated=7)
    found = funnel.of_sync(store, "main", 60)
    assert (found.received.number, found.received.before, found.since) == (7, 2, None)
    longer = funnel.of_sync(store, "main", 1440)
    assert (longer.received.number, longer.received.before) == (12, None)
    assert longer.since is not None, "nothing is known of the day before"


def test_days_are_summed_by_the_day(store: Store) -> None:
    count(store, 10, received=1)
    count(store, 49 * HOUR, received=2)
    keep(store)
    with store.reading() as tx:
        end = int(store.now(tx) // 60) + 1
        found = tally_hours.series(tx, [tallies.funnel("main")], end - 7 * 1440, end, 24)
    assert sorted(each.number for each in found) == [1, 2]
    assert {each.first % 24 for each in found} == {0}
    assert Counter(each.name for each in found) == {"received": 2}
