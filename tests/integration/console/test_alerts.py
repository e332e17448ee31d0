"""/alerts: what is open and who took it on, the rules in effect, the channels, what was told."""

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from connector.alerts import overview
from connector.alerts.lifecycle import advance
from connector.alerts.rules import OpenAlert
from connector.console import rendering
from connector.console.pages import alerts as page
from connector.model.alert import ALERT_KINDS, AlertState, Notice, Routed
from connector.store import alerts, operator_log
from tests.console import Browser
from tests.hostile import Server
from tests.world import World

OpenConsole = Callable[..., Browser]
MakeWorld = Callable[..., World]
SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four bytes").decode()
HELD = AlertState("deletions held: main", "deletions held", "main", "page", "The guard holds 3 deletions", 1, 1000.0)
LATE = AlertState("backlog: main", "backlog", "main", "page", "<script>alert(1)</script>", 2, 500.0, recovered_at=900.0)


@pytest.fixture
def stand_in() -> Iterator[tuple[str, list[bytes]]]:
    """A web address that takes what it is sent, and what that was."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    thread.join()
    server.server_close()


def told_world(make_world: MakeWorld, url: str = "http://127.0.0.1:9/hidden", **settings: Any) -> World:
    """One alert is open, one is over; the channel failed to tell of the first one."""
    channel = {"webhook_url": url, "webhook_secret": SECRET, "label": "the night shift"}
    world = make_world(alerts={"channels": {"ops": channel}}, **settings)
    with world.store.writing() as tx:
        alerts.keep(tx, [HELD, LATE])
        notice = Notice(HELD.key, 1, 1, "opened", HELD.kind, "main", "page", HELD.sentence, 1000.0, 1000.0)
        alerts.tell(tx, [Routed("ops", notice, 1000.0)])
        alerts.claim(tx, "ops", "me", 1001.0, 60.0)
        alerts.failed(tx, "ops", "me", "it answered 500", 1001.0, 30.0)
    return world


def form_of(browser: Browser, **fields: str) -> dict[str, str]:
    """A form of the page, with its token."""
    return {"csrf": unescape(browser.get("/alerts").split('name="csrf" value="')[1].partition('"')[0]), **fields}


def test_where_there_is_none_the_page_says_so(world: World, open_console: OpenConsole) -> None:
    shown = open_console(world).text("/alerts")
    assert "No alert is open" in shown
    assert "Nobody is told: the settings name no channel" in shown
    assert "Nothing has been told" in shown


def test_open_and_past_alerts_channels_and_what_was_told_are_shown(
    make_world: MakeWorld, open_console: OpenConsole
) -> None:
    browser = open_console(told_world(make_world))
    shown = browser.text("/alerts")
    assert "The guard holds 3 deletions Acknowledge page 1970-01-01 00:16:40 deletions held: main" in shown
    assert "ops (the night shift) page, ticket none fails since 1970-01-01 00:16:41 : it answered 500 1" in shown
    assert "opened ops not yet , due 1970-01-01 00:16:40" in shown
    assert "backlog: main" in shown
    html = browser.get("/alerts")
    assert ("<script>alert" in html, "/hidden" in html, SECRET in html) == (False, False, False)


def test_a_past_alert_says_when_it_recovered_after_how_long_and_that_its_words_are_those_last_told(
    make_world: MakeWorld, open_console: OpenConsole
) -> None:
    world = told_world(make_world)
    settings = world.settings.alerts
    known = OpenAlert("backlog", "other", "The oldest change of other waits for 20 min")
    grown = known._replace(sentence="The oldest change of other waits for 2 h")
    before: dict[str, AlertState] = {}
    for now, found in ((1000.0, [known]), (8000.0, [grown]), (8200.0, []), (8200.0 + settings.recover_seconds, [])):
        moved = advance(before, found, now, settings)
        before |= {each.key: each for each in moved.states}
    (recovered,) = moved.notices
    with world.store.writing() as tx:
        alerts.keep(tx, before.values())
    shown = open_console(world).text("/alerts").partition("Past alerts")[2]
    over = rendering.utc(8200.0 + settings.recover_seconds)
    assert f"{recovered.sentence} 1970-01-01 00:16:40 {over} , after 2 h nobody 1" in shown
    assert recovered.sentence == grown.sentence
    assert "in the words of its last telling" in shown
    assert "1970-01-01 00:08:20 1970-01-01 00:15:00 , after 7 min" in shown


def test_an_alert_that_ended_before_it_began_by_a_clock_set_back_was_open_for_no_time(
    make_world: MakeWorld, open_console: OpenConsole
) -> None:
    world = make_world()
    with world.store.writing() as tx:
        alerts.keep(tx, [replace(LATE, recovered_at=400.0)])
    assert "1970-01-01 00:06:40 , after 0.0 s" in open_console(world).text("/alerts")


def test_an_alert_is_taken_on_once_and_the_page_says_by_whom(make_world: MakeWorld, open_console: OpenConsole) -> None:
    world = told_world(make_world)
    browser = open_console(world)
    form = {"key": HELD.key}
    assert "local has taken on: deletions held: main" in browser.post("/alerts/acknowledge", form, page="/alerts")
    assert "local, " in browser.text("/alerts")
    with world.store.reading() as tx:
        assert alerts.known(tx)[HELD.key].acknowledged_by == "local"
        (act,) = operator_log.find(tx, 0.0, "alerts", 10)
    assert (act.act, act.subject, act.outcome) == ("alerts acknowledge", HELD.key, "done")
    again = browser.post("/alerts/acknowledge", form, page="/alerts", status=409)
    assert "no such alert is open, or it is taken on already" in again


def test_a_channel_is_tried_and_says_whether_it_took_it(
    make_world: MakeWorld, open_console: OpenConsole, stand_in: tuple[str, list[bytes]]
) -> None:
    url, got = stand_in
    browser = open_console(told_world(make_world, url))
    assert "The channel ops took the test message" in browser.post("/alerts/test", {"channel": "ops"}, page="/alerts")
    assert b"alerts.test" in got[0]
    said = browser.post("/alerts/test", {"channel": "none"}, page="/alerts", status=409)
    assert "there is no channel 'none': the settings name ops" in said


def test_a_channel_that_does_not_take_it_says_why_without_its_address(
    make_world: MakeWorld, open_console: OpenConsole
) -> None:
    said = open_console(told_world(make_world)).post("/alerts/test", {"channel": "ops"}, page="/alerts", status=409)
    assert "the channel ops did not take the test message: no answer: ConnectError" in said
    assert "hidden" not in said


def test_a_channel_that_does_not_answer_keeps_nobody_from_looking(
    make_world: MakeWorld, open_console: OpenConsole
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def silent(connection: socket.socket) -> None:
        connection.recv(65_536)
        asked.set()
        go_on.wait(60)

    server = Server(silent)
    browser = open_console(told_world(make_world, f"{server.url}/hook", console={"pages_at_once": 1}))
    with ThreadPoolExecutor() as threads:
        test = threads.submit(browser.client.post, "/alerts/test", data=form_of(browser, channel="ops"))
        try:
            assert asked.wait(60)
            assert "Is everything right?" in browser.text("/")
            assert not test.done()
        finally:
            go_on.set()
            server.close()
        assert test.result().status_code == 409


def test_the_rules_in_effect_are_those_of_the_settings(make_world: MakeWorld) -> None:
    world = make_world(alerts={"problems_an_hour": 7, "off": ["backlog"], "severities": {"dead letters": "page"}})
    rules = {each.kind: each for each in overview.rules_in_effect(world.settings.alerts)}
    assert list(rules) == list(ALERT_KINDS)
    assert rules["problems"].when == "more than 7 problems of a sync come within an hour"
    assert (rules["backlog"].is_on, rules["webhooks silent"].is_on, rules["fleet gone"].is_on) == (False, False, True)
    assert rules["dead letters"].severity == "page"


def test_changes_need_an_operator() -> None:
    assert {each.role for each in page.ROUTES if each.method == "POST"} == {"operator"}
