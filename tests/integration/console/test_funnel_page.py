"""The page of the funnel: a step leads to its reasons, a reason to samples, a sample to the person."""

from collections.abc import Callable

import pytest

from connector.console.visitor import Visitor
from tests.console import Browser
from tests.simulated import Simulated
from tests.world import World, message

OpenConsole = Callable[..., Browser]
HOSTILE = "<script>alert('{{ 7*7 }}')</script>&sync=other\u202e"


@pytest.fixture
def lived(world: World, simulator: Simulated) -> World:
    world.run(message("u1", 1), message("u1", 1), message("in vain", 1, segments=["News"]))
    simulator.go_wrong({"path": "/api/v2", "items": "bad-one"})
    world.run(message("bad-one", 1))
    world.take({"user": 7}, message(HOSTILE, 1))
    return world


def test_the_steps_stand_beside_what_was_received(lived: World, open_console: OpenConsole) -> None:
    read = open_console(lived).text("/funnel")
    assert "received for main 6 - not known" in read
    assert "not in the audience 1 - not known" in read
    assert "refused by Customer.io for good 1 - not known" in read
    assert "Nothing was counted before" in read


def test_a_step_leads_to_its_reasons_and_a_reason_to_the_person(lived: World, open_console: OpenConsole) -> None:
    browser = open_console(lived)
    assert "not in a whitelisted segment 1" in browser.text("/funnel", step="not in the audience")
    page = browser.get("/funnel", step="not in the audience", reason="not in a whitelisted segment", period="10m")
    assert 'href="/people?q=in%20vain&amp;sync=main"' in page
    assert "/people?q=u1" not in page


def test_who_was_refused_is_a_sample_with_the_reason(lived: World, open_console: OpenConsole) -> None:
    page = open_console(lived).get("/funnel", step="refused")
    assert '<a href="/people?q=bad-one&amp;sync=main">bad-one</a>:' in page
    assert 'href="/problems?kind=refused"' in page


@pytest.mark.parametrize(
    ("step", "key"),
    [("repeated", "u1"), ("due", "u1"), ("delivered", "u1"), ("not in the audience", "in vain")],
)
def test_each_step_that_leaves_a_trace_has_samples(
    lived: World, open_console: OpenConsole, step: str, key: str
) -> None:
    assert f">{key}</a>" in open_console(lived).get("/funnel", step=step)


def test_a_hostile_key_is_text_and_leads_to_itself(lived: World, open_console: OpenConsole) -> None:
    page = open_console(lived).get("/funnel", step="due")
    assert "<script>alert" not in page
    assert "q=%3Cscript%3Ealert%28%27%7B%7B%207%2A7%20%7D%7D%27%29%3C/script%3E%26sync%3Dother%E2%80%AE&amp;" in page


def test_who_may_not_see_people_finds_none_of_their_keys(
    lived: World, open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.console.access.LOOPBACK", Visitor("ada", "masked_viewer", "loopback"))
    browser = open_console(lived)
    for step in ("refused", "due", "repeated", "unreadable", "not in the audience"):
        page = browser.get("/funnel", step=step)
        assert "bad-one" not in page
        assert "in vain" not in page
        assert "/people?q=" not in page


def test_a_period_or_a_sync_that_is_not_there_is_said(lived: World, open_console: OpenConsole) -> None:
    browser = open_console(lived)
    assert "give one of 10m, 1h" in browser.text("/funnel", status=404, period="3y")
    assert "the settings name main" in browser.text("/funnel", status=404, sync="another")
    assert "What became of every message" in browser.text("/funnel", step="no such step")
