"""The page of a sync: what was wanted, confirmed and refused, how long it took, and who came and went."""

import re
from collections.abc import Callable

import pytest

from connector.admin import sync_figures
from connector.delivery import outcomes
from connector.store import hourly, tallies
from tests.console import Browser
from tests.simulated import Simulated
from tests.world import World, message

OpenConsole = Callable[..., Browser]


def test_it_says_who_was_wanted_confirmed_and_refused(
    world: World, simulator: Simulated, open_console: OpenConsole
) -> None:
    world.run(message("u1", 1), message("u2", 1), message("u1", 2, segments=[]))
    simulator.go_wrong({"path": "/api/v2", "items": "u3"})
    world.run(message("u3", 1))
    read = open_console(world).text("/syncs/main")
    assert "entered 3 wanted, 2 confirmed, 1 refused changed 0 wanted, 0 confirmed, 0 refused left 1 wanted" in read
    figures = sync_figures.of_sync(world.store, "main", world.settings.syncs["main"])
    assert (figures.hours[-1].confirmed["left"], len(figures.hours)) == (1, 24)
    assert (figures.days[-1].wanted["entered"], len(figures.days)) == (3, 14)
    assert all(each is not None for each in figures.hours[-1].seconds)


def test_segments_have_their_people_as_counted_and_who_came_and_went(world: World, open_console: OpenConsole) -> None:
    world.run(message("u1", 1), message("u2", 1), message("u1", 2, segments=[]))
    with world.store.writing() as tx:
        hour = int(world.store.now(tx) // 3600) - 1
        hourly.keep(tx, {"people: main: Paying": 1234}, hour)
    read = open_console(world).text("/syncs/main")
    assert re.search(r"Paying 1,234 in the hour from [^+]* 2 1 [+]1 ", read)
    assert "Paying 1,234 in the hour from " in read
    figures = sync_figures.of_sync(world.store, "main", world.settings.syncs["main"])
    assert [(each.name, each.entered, each.left) for each in figures.segments] == [("Paying", 2, 1)]


def test_what_was_counted_hours_ago_stands_at_its_hour(world: World, open_console: OpenConsole) -> None:
    with world.store.writing() as tx:
        now = world.store.now(tx)
        tallies.tally(tx, {tallies.way("main"): {"delivered: changed": 7, "<= 0.25 s": 7}}, now - 3 * 3600)
    figures = sync_figures.of_sync(world.store, "main", world.settings.syncs["main"])
    assert [each.confirmed.total() for each in figures.hours][-4:] == [7, 0, 0, 0]
    assert "7 confirmed" in open_console(world).text("/syncs/main")


def test_a_sync_that_is_not_there_is_said_with_those_that_are(world: World, open_console: OpenConsole) -> None:
    assert "the settings name main" in open_console(world).text("/syncs/another", status=404)


@pytest.mark.parametrize(
    ("counts", "share", "seconds"),
    [
        ({}, 0.5, None),
        ({"<= 0.1 s": 10}, 0.5, 0.05),
        ({"<= 0.1 s": 50, "<= 0.25 s": 50}, 0.5, 0.1),
        ({"<= 0.1 s": 90, "<= 5 s": 10}, 0.95, 3.75),
        ({"<= 0.1 s": 1, outcomes.LONGER: 9}, 0.99, 3600.0),
    ],
)
def test_how_long_a_share_took_is_read_from_the_buckets(
    counts: dict[str, int], share: float, seconds: float | None
) -> None:
    assert outcomes.at_most(counts, share) == (None if seconds is None else pytest.approx(seconds))
