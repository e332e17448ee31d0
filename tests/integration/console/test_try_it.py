"""Trying out: what a pasted message would send, and what pasted settings would change in the store."""

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from connector.console.visitor import Visitor
from connector.runtime import Runtime
from connector.settings.schema import load
from tests.build_settings import values, write
from tests.console import Browser, console
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


def listed(browser: Browser, text: str) -> httpx.Response:
    """What is downloaded for these settings."""
    token = browser.get("/try").split('name="csrf" value="')[1].partition('"')[0]
    return browser.client.post("/try/settings/list", data={"csrf": unescape(token), "settings": text})


def test_the_settings_may_begin_as_they_are(world: World, tmp_path: Path) -> None:
    environ = write(tmp_path, values(track_url=world.simulated.url))
    runtime = Runtime(load(tmp_path / "settings.toml", environ), world.store, world.rules)
    with console(runtime) as browser:
        page = browser.get("/try?begin=settings")
        today = unescape(page.partition('<textarea id="settings"')[2].partition(">")[2].partition("</textarea>")[0])
        assert 'segments = ["Paying"]' in today
        assert "nobody would change" in changed(browser, today)
        assert "1 deleted" in changed(browser, today.replace('["Paying"]', '["Trial"]'))


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
    assert "1 more is not as the settings of today say either" in shown


def test_the_page_begins_with_a_message_that_can_be_tried_at_once(browser: Browser) -> None:
    for format in ("native", "hull", "segment"):
        page = browser.get("/try", format=format)
        text = unescape(page.split("<textarea")[1].split(">", 1)[1].partition("</textarea>")[0])
        assert "sync : in the audience" in tried(browser, text, format), format
    assert "somebody@example.com" in browser.get("/try", format="unheard of", sync="of nobody")


def test_lists_are_shown_as_words(open_console: OpenConsole) -> None:
    browser = open_console(sync={"attributes": ["tags", "more"]})
    shown = tried(browser, json.dumps(message("new", 1, tags=["a", "b", 3], more={"c": True}, external_id="9")))
    assert "sent: a, b, 3" in shown
    assert 'sent: {"c": true}' in shown


def test_new_profiles_are_said_first_since_they_are_billed(
    make_world: Callable[..., World], open_console: OpenConsole, tmp_path: Path
) -> None:
    world = make_world()
    world.run(message("ann", 1, external_id="1001"), message("ann", 2, external_id="1001", segments=["Other"]))
    shown = changed(open_console(world), toml(tmp_path, segments=["Other"]))
    assert "1 new profile, which Customer.io bills. Of 1 person: 1 created. None of them would be deleted." in shown


def test_where_nobody_is_created_nobody_more_is_billed(browser: Browser, tmp_path: Path) -> None:
    assert "No new profile: Customer.io bills nobody more. Of 2 people" in changed(browser, toml(tmp_path))


def test_from_a_part_the_new_profiles_of_everybody_are_estimated_and_said_to_be(
    make_world: Callable[..., World],
    open_console: OpenConsole,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = make_world()
    for key in ("ann", "bob", "cat", "dan"):
        world.run(message(key, 1, external_id=key), message(key, 2, external_id=key, segments=["Other"]))
    monkeypatch.setattr("connector.admin.preview.settings_change._SECONDS", 0.0)
    monkeypatch.setattr("connector.admin.preview.settings_change._AT_ONCE", 1)
    if not world.store.on_sqlite:
        with world.store.writing() as tx:
            tx.execute(text("ANALYZE entity"))
    shown = changed(open_console(world), toml(tmp_path, segments=["Other"]))
    estimated = "About 4 new profiles, which Customer.io bills: an estimate from 1 among the first 1 of about 4 people."
    assert estimated in shown


def test_objects_that_would_change_are_told_apart_from_people(
    make_world: Callable[..., World], open_console: OpenConsole, tmp_path: Path
) -> None:
    world = make_world(sync={"objects": [{"type": "1", "attributes": ["plan", "city"]}]})
    about = {"type": "1", "id": "acme", "attributes": {"plan": "pro", "city": "Oslo"}}
    world.run(message("ann", 1, external_id="1001"), {"object": about, "version": 1})
    fewer = toml(tmp_path) + '\n[[syncs.main.objects]]\ntype = "1"\nattributes = ["plan"]\n'
    shown = changed(open_console(world), fewer)
    assert "Of 1 person and 1 object: 1 object updated." in shown
    assert "updated (objects) 1" in shown
    assert "acme" in shown


def test_whom_they_would_change_is_downloaded_one_by_one(browser: Browser, world: World, tmp_path: Path) -> None:
    world.run(message("=cmd()", 1, plan="pro", external_id="1003"))
    for settings, lines in (
        ({"segments": ["Trial"]}, ["main,person,'=cmd(),deleted,,", "main,person,ann,deleted,,"]),
        ({"attributes": ["plan"]}, ["main,person,ann,updated,,city"]),
        ({}, []),
    ):
        answer = listed(browser, toml(tmp_path, **settings))
        assert answer.headers["content-disposition"] == 'attachment; filename="settings-change.csv"'
        assert answer.text.splitlines() == ["sync,kind,key,would_be,sets,clears", *lines]


def test_a_list_that_is_a_part_says_so(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.admin.preview.settings_change.MOST_LISTED", 1)
    lines = listed(browser, toml(tmp_path, segments=["None"])).text.splitlines()
    assert len(lines) == 3
    assert "This is a part" in lines[-1]


def test_mistakes_in_settings_are_said_instead_of_a_list(browser: Browser) -> None:
    answer = listed(browser, "not = [toml")
    assert (answer.status_code, "the pasted settings" in answer.text) == (400, True)


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
    assert "Of 1 person, the first in the order of their keys" in shown
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
    for path, name in (("/try/message", "message"), ("/try/settings", "settings"), ("/try/settings/list", "settings")):
        answer = browser.client.post(path, data={"csrf": token, name: hostile, "format": "native"})
        assert "<script>alert" not in answer.text
    said = capfd.readouterr()
    assert "marked" not in said.out + said.err + caplog.text
    assert "marked" not in browser.get("/operators")


@pytest.mark.parametrize("path", ["/try/message", "/try/settings", "/try/settings/list"])
def test_who_sees_nobody_may_try_nothing(browser: Browser, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    assert browser.client.post(path, data={"message": "{}"}).status_code == 403
    monkeypatch.setattr("connector.console.access.LOOPBACK", Visitor("mask", "masked_viewer", "loopback"))
    assert "needs the role viewer" in browser.post(path, {"message": "{}"}, page="/people", status=403)
