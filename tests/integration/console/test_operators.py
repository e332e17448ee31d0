"""The log of operators as a page: of which period, by which act, and a page at a time."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from connector.store import operator_log
from connector.store.operator_log import OperatorAct
from tests.console import Browser
from tests.world import World

OpenConsole = Callable[..., Browser]
NEW_YEAR = 1_767_225_600.0
"""The beginning of 2026, UTC, in unix seconds."""
DAY = 86_400.0
SUBJECT = re.compile(r"<td>(act-\d+)</td>")


@pytest.fixture
def world(world: World) -> World:
    """One act on each of the first five days of 2026, at noon, and two at the same moment just now."""
    with world.store.writing() as tx:
        now = world.store.now(tx)
        for number, at in enumerate([*(NEW_YEAR + (day + 0.5) * DAY for day in range(5)), now, now]):
            act = "resync" if number % 2 else "problems replay"
            operator_log.begin(tx, OperatorAct(at, "mira", "console", act, f"act-{number}", "done"))
    return world


def shown(browser: Browser, **query: Any) -> list[int]:
    return [int(each.removeprefix("act-")) for each in SUBJECT.findall(browser.get("/operators", **query))]


@pytest.mark.parametrize(
    ("query", "acts"),
    [
        ({}, [6, 5, 4, 3, 2, 1, 0]),
        ({"last": "hour"}, [6, 5]),
        ({"from": "2026-01-02T00:00", "to": "2026-01-03T00:00"}, [1]),
        ({"to": "2026-01-03"}, [1, 0]),
        ({"from": "2026-01-04T12:00"}, [6, 5, 4, 3]),
        ({"from": "2026-01-01T00:00", "to": "2026-01-04T12:00"}, [2, 1, 0]),
        ({"from": "2026-01-01", "last": "day", "act": "resync"}, [5]),
        ({"from": "2099-01-01"}, []),
    ],
)
def test_acts_are_those_of_the_period(
    world: World, open_console: OpenConsole, query: dict[str, str], acts: list[int]
) -> None:
    assert shown(open_console(world), **query) == acts


@pytest.mark.parametrize("query", [{}, {"to": "2026-01-05"}, {"act": "problems"}, {"last": "hour"}])
def test_pages_follow_one_another_without_a_gap_within_the_period(
    world: World, open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    browser = open_console(world)
    everything = shown(browser, **query)
    monkeypatch.setattr("connector.console.pages.operators._SHOWN", 1)
    seen: list[int] = []
    address = f"/operators?{urlencode(query)}"
    while address:
        html = browser.get(address)
        seen += [int(each.removeprefix("act-")) for each in SUBJECT.findall(html)]
        older = re.search(r'href="(/operators\?[^"]*after=[^"]*)">Older', html)
        address = unescape(older[1]) if older else ""
    assert seen == everything
    assert len(seen) > 1


@pytest.mark.parametrize(
    "query",
    [{"from": "now"}, {"to": "2026-13-01"}, {"last": "year"}, {"after": "x~1"}, {"after": "1.0~x"}, {"after": "1~²"}],
)
def test_what_is_no_period_or_place_is_said_in_words_beside_the_filters(
    world: World, open_console: OpenConsole, query: dict[str, str]
) -> None:
    html = open_console(world).get("/operators", 400, act="resync", **query)
    assert ('role="alert"' in html, 'value="resync"' in html) == (True, True)


def test_where_no_act_is_so_the_page_does_not_say_that_nobody_ever_acted(
    world: World, open_console: OpenConsole
) -> None:
    read = open_console(world).text("/operators", act="forget")
    assert "Nothing that is kept of what was done by hand is so." in read
