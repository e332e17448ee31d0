"""Trying out: what a pasted message would send, and what pasted settings would change in the store."""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from connector.console.visitor import Visitor
from tests.build_settings import values, write
from tests.console import Browser
from tests.simulated import Simulated
from tests.world import World, event, message

OpenConsole = Callable[..., Browser]


@pytest.fixture
def world(world: World) -> World:
    """Ann and Bob are in Customer.io."""
    world.run(
        message("ann", 1, plan="pro", city="Bergen", external_id="1001"),
        message("bob", 1, plan="free", external_id="1002", segments=["Paying", "Trial"]),
    )
    return world


@pytest.fixture
def browser(world: World, open_console: OpenConsole) -> Browser:
    return open_console(world)


def toml(folder: Path, **sync: Any) -> str:
    """A settings.toml of these settings, without secrets."""
    write(folder, values(sync=sync))
    return (folder / "settings.toml").read_text()


def tried(browser: Browser, text: str, format: str = "native", status: int = 200) -> str:
    return browser.post("/try/message", {"message": text, "format": format}, page="/try", status=status)


def changed(browser: Browser, text: str, status: int = 200) -> str:
    return browser.post("/try/settings", {"settings": text}, page="/try", status=status)


def test_a_pasted_message_shows_decision_operations_and_reasons(
    browser: Browser, world: World, simulator: Simulated
) -> None:
    shown = tried(browser, json.dumps(message("new", 1, event("Signed up", "a"), plan="pro", external_id="9")))
    for each in ("new in main", "sync : in the audience", '"action": "identify"', '"plan": "pro"', "because"):
        assert each in shown
    assert len(simulator.people()) == 2
    assert world.due() == 0


def test_somebody_outside_is_said_to_be(browser: Browser) -> None:
    assert "skip : not in a whitelisted segment" in tried(browser, json.dumps(message("new", 1, segments=["Other"])))


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("{broken", "native"),
        ("", "native"),
        ("[]x", "segment"),
        ("{}", "unheard of"),
        ("\n".join(['{"a":1}'] * 51), "native"),
    ],
)
def test_what_cannot_be_tried_is_said_and_stays_where_it_was_pasted(browser: Browser, text: str, format: str) -> None:
    token = browser.get("/try").split('name="csrf" value="')[1].partition('"')[0]
    form = {"csrf": token, "message": text, "format": format}
    answer = browser.client.post("/try/message", data=form)
    assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
    assert text in unescape(answer.text)


def test_an_unreadable_message_gets_its_reason(browser: Browser) -> None:
    assert "unreadable:" in tried(browser, '{"nothing": 1}')


def test_pasted_settings_show_who_would_be_deleted(browser: Browser, world: World, tmp_path: Path) -> None:
    shown = changed(browser, toml(tmp_path, segments=["Trial"]))
    assert "Of 2 people: 1 deleted." in shown
    assert "ann" in shown
    assert world.due() == 0


def test_pasted_settings_show_what_would_be_updated_and_which_attributes(browser: Browser, tmp_path: Path) -> None:
    shown = changed(browser, toml(tmp_path, attributes=["plan"]))
    assert "1 updated" in shown
    assert "clear city: 1" in shown


def test_the_same_settings_would_change_nobody(browser: Browser, tmp_path: Path) -> None:
    assert "nobody would change" in changed(browser, toml(tmp_path))


def test_what_the_settings_of_today_owe_as_well_is_told_apart(
    make_world: Callable[..., World], open_console: OpenConsole, tmp_path: Path
) -> None:
    make_world().run(message("ann", 1, plan="pro", city="Bergen", external_id="1001"))
    browser = open_console(make_world(sync={"attributes": ["plan"]}))
    shown = changed(browser, toml(tmp_path, attributes=["plan"]))
    assert "1 more are not as the settings of today say either" in shown


def test_a_sync_that_is_new_and_one_that_is_gone_are_said(browser: Browser, tmp_path: Path) -> None:
    shown = changed(browser, toml(tmp_path).replace("[syncs.main", "[syncs.second"))
    assert "This sync is new" in shown
    assert "The pasted settings have no such sync" in shown


def test_where_time_is_short_it_says_that_it_is_a_part(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.admin.preview.settings_change._SECONDS", 0.0)
    monkeypatch.setattr("connector.admin.preview.settings_change._AT_ONCE", 1)
    shown = changed(browser, toml(tmp_path, segments=["Trial"]))
    assert "Of 1 people , the first in the order of their keys" in shown.replace("people,", "people ,")
    assert "This is a part" in shown


@pytest.mark.parametrize("text", ["not = [toml", "", "[syncs.main]\nunknown_key = 1", "[web]\ntoken = 'a-secret-text'"])
def test_settings_with_mistakes_are_said_line_by_line_and_no_secret_is_shown_as_a_mistake(
    browser: Browser, text: str
) -> None:
    shown = changed(browser, text, 400)
    assert "the pasted settings" in shown or "Nothing was pasted" in shown
    assert "a-secret-text" not in shown.partition("secrets are taken from this process")[0]


def test_what_is_pasted_is_no_markup_and_never_logged(
    browser: Browser, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    hostile = "</textarea><script>alert('marked')</script>"
    token = browser.get("/try").split('name="csrf" value="')[1].partition('"')[0]
    for path, name in (("/try/message", "message"), ("/try/settings", "settings")):
        answer = browser.client.post(path, data={"csrf": token, name: hostile, "format": "native"})
        assert "<script>alert" not in answer.text
    said = capfd.readouterr()
    assert "marked" not in said.out + said.err + caplog.text
    assert "marked" not in browser.get("/operators")


@pytest.mark.parametrize("path", ["/try/message", "/try/settings"])
def test_who_sees_nobody_may_try_nothing(browser: Browser, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert browser.client.post(path, data={"message": "{}"}).status_code == 403
    monkeypatch.setattr("connector.console.entry.LOOPBACK", Visitor("mask", "masked_viewer", "loopback"))
    assert "needs the role viewer" in browser.post(path, {"message": "{}"}, page="/people", status=403)
