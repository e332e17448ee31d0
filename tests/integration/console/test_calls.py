"""The requests to Customer.io: listed by filters that stand in the address, and one of them item by item."""

import json
import re
import shlex
from collections.abc import Callable
from html import unescape
from urllib.parse import urlencode

import pytest

from connector.console.visitor import Visitor
from connector.model.problem import Problem
from connector.store import problems
from tests.build_settings import API_KEY, SITE_ID
from tests.console import Browser, text_of
from tests.simulated import Simulated
from tests.world import World, event, message

OpenConsole = Callable[..., Browser]
CALL = re.compile(r'href="(/calls/[0-9A-Z]{26})"')


@pytest.fixture
def world(make_world: Callable[..., World], simulator: Simulated) -> World:
    """Three people in one request; of Bob one item is refused."""
    made = make_world(sync={"attributes": ["plan"]}, retention={"call_bodies": "all"})
    simulator.go_wrong({"path": "/api/v2/batch", "items": "1002", "times": 1})
    made.take(
        message("ann", 1, plan="pro", external_id="1001"),
        message("bob", 1, plan="bob's plan", external_id="1002"),
        message("o'neil <b>", 1, plan="</pre><script>alert(1)</script>", external_id="1003"),
    )
    made.settle()
    return made


@pytest.fixture
def browser(world: World, open_console: OpenConsole) -> Browser:
    return open_console(world)


def addresses(html: str) -> list[str]:
    return list(dict.fromkeys(CALL.findall(html)))


def test_requests_are_listed_the_latest_first(browser: Browser, world: World) -> None:
    world.run(message("cleo", 1, external_id="1004"))
    found = addresses(browser.get("/calls"))
    assert len(found) >= 2
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"verdict": "refused"}, 1),
        ({"verdict": "failed"}, 1),
        ({"status": "207"}, 1),
        ({"status": "500"}, 0),
        ({"person": "bob"}, 1),
        ({"person": "1004"}, 1),
        ({"person": "bob", "status": "500"}, 0),
        ({"last": "hour"}, 2),
        ({"from": "2099-01-01T00:00"}, 0),
        ({"to": "2001-01-01T00:00"}, 0),
        ({"from": "2001-01-01T00:00", "to": "2099-01-01T00:00"}, 2),
        ({"sync": "main"}, 2),
        ({"sync": "other"}, 0),
        ({"connection": "main"}, 2),
    ],
)
def test_filters_stand_in_the_address(browser: Browser, world: World, query: dict[str, str], count: int) -> None:
    world.run(message("cleo", 1, external_id="1004"))
    assert len(addresses(browser.get(f"/calls?{urlencode(query)}"))) == count


@pytest.mark.parametrize(
    "query",
    [{"status": "many"}, {"verdict": "odd"}, {"from": "now"}, {"last": "year"}, {"person": "nobody"}],
)
def test_a_filter_that_cannot_be_is_said_in_words(browser: Browser, query: dict[str, str]) -> None:
    assert 'role="alert"' in browser.get(f"/calls?{urlencode(query)}", 400)


def test_pages_follow_one_another_without_a_gap(
    browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        world.run(message(f"user-{number}", 1, external_id=f"2{number}"))
    everything = addresses(browser.get("/calls"))
    monkeypatch.setattr("connector.console.pages.calls._SHOWN", 2)
    for query in ({}, {"sync": "main"}):
        seen: list[str] = []
        html = browser.get("/calls", **query)
        while True:
            seen += addresses(html)
            older = re.search(r'href="(/calls\?[^"]*after=[^"]*)">Older', html)
            if older is None:
                break
            html = browser.get(older[1].replace("&amp;", "&"))
        assert seen == everything


def test_what_is_far_back_is_found_by_going_on(browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        world.run(message(f"user-{number}", 1, external_id=f"2{number}"))
    monkeypatch.setattr("connector.admin.call_list._LOOKED_AT", 1)
    monkeypatch.setattr("connector.admin.call_list._LOOK_SECONDS", 0.0)
    html = browser.get("/calls", verdict="refused")
    assert "None of the latest is so" in html
    seen = addresses(html)
    while further := re.search(r'href="(/calls\?[^"]*)">Look further back', html):
        html = browser.get(further[1].replace("&amp;", "&"))
        seen += addresses(html)
    assert len(seen) == 1


def the_refused(browser: Browser) -> str:
    [found] = addresses(browser.get("/calls", verdict="refused"))
    return found


def test_one_request_says_which_items_were_refused_and_whose_they_are(browser: Browser) -> None:
    html = browser.get(the_refused(browser))
    row = html[html.index('<tr class="differs">') :].partition("</tr>")[0]
    assert ('href="/people/bob"' in row, "refused" in row, "identify" in row) == (True, True, True)
    assert 'href="/people/ann"' in html
    assert 'href="/people/o%27neil%20%3Cb%3E"' in html
    assert "<script>alert" not in html
    assert re.search(r"<td><time[^>]*>[^<]*</time></td><td>identify", row), "when upstream spoke last"


def test_it_is_copied_as_a_command_without_credentials(browser: Browser, world: World) -> None:
    html = browser.get(the_refused(browser))
    for secret in (SITE_ID, API_KEY):
        assert secret not in html
    text = re.search(r'<pre id="curl">(.*?)</pre>', html, re.DOTALL)
    assert text
    command = shlex.split(unescape(text[1]))
    assert "$CUSTOMERIO_SITE_ID:$CUSTOMERIO_API_KEY" in command
    assert len(json.loads(command[command.index("--data-binary") + 1])["batch"]) == 3


def test_the_body_is_given_as_it_went_on_the_wire(browser: Browser) -> None:
    answer = browser.client.get(f"{the_refused(browser)}/body")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert len(answer.json()["batch"]) == 3


def test_a_request_that_is_gone_is_said_to_be(browser: Browser) -> None:
    for id in ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "..", "%", "x" * 500):
        assert "kept for 7 days" in browser.text(f"/calls/{id.replace('..', '%2e.x').replace('%', '%25')}", 404)


def test_without_bodies_it_says_so(make_world: Callable[..., World], open_console: OpenConsole) -> None:
    made = make_world()
    made.run(message("ann", 1, external_id="1001"))
    browser = open_console(made)
    [found] = addresses(browser.get("/calls"))
    shown = browser.text(found)
    assert "The body is not kept" in shown
    assert "ann" in shown


def test_a_masked_viewer_finds_nothing_personal_in_requests(
    world: World, open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(message("marker-key", 1, plan="marker-plan", external_id="marker-id"))
    browser = open_console(world)
    monkeypatch.setattr("connector.console.access.LOOPBACK", Visitor("mask", "masked_viewer", "loopback"))
    html = browser.get("/calls", person="marker-key")
    [found] = addresses(html)
    assert "marker" not in html
    assert "marker" not in browser.get(found)
    assert browser.client.get(f"{found}/body").status_code == 403


def test_numbers_of_bodies_keep_all_their_digits(browser: Browser, world: World) -> None:
    world.run(message("cleo", 1, plan=1234567890123456789, external_id="1004"))
    html = browser.get(addresses(browser.get("/calls", person="cleo"))[0])
    assert "1234567890123456789" in html


@pytest.mark.parametrize(("seconds", "is_said"), [(5.0, True), (86_400.0, False)])
def test_a_request_says_of_whom_something_was_dropped_right_after_it(
    browser: Browser, world: World, seconds: float, is_said: bool
) -> None:
    address = addresses(browser.get("/calls"))[0]
    with world.store.writing() as tx:
        now = world.store.now(tx)
        said = {"activity": "a1", "at": now + seconds, "data": {"attribute": "plan"}}
        problems.add(tx, "main", [Problem("failed later", "ann", "it was dropped", said)], now)
    shown = browser.get(address)
    assert ("dropped later" in shown, "or a part of them, later" in shown) == (is_said, is_said)


def test_from_a_person_the_items_and_the_command_are_theirs_alone(browser: Browser, world: World) -> None:
    link = re.search(r'href="(/calls/[0-9A-Z]{26}[?]person=bob)"', browser.get("/people/bob"))
    assert link
    html = browser.get(link[1])
    text = re.search(r'<pre id="curl">(.*?)</pre>', html, re.DOTALL)
    assert text
    command = shlex.split(unescape(text[1]))
    sent = json.loads(command[command.index("--data-binary") + 1])
    assert [each["identifiers"]["id"] for each in sent["batch"]] == ["1002"]
    assert ('href="/people/ann"' in html, "with 2 items of others" in text_of(html)) == (False, True)


def test_of_somebody_who_was_not_in_it_the_whole_request_is_shown(browser: Browser) -> None:
    shown = browser.get(the_refused(browser), person="nobody")
    assert ('href="/people/ann"' in shown, "of others" in shown) == (True, False)


def test_an_item_is_called_by_its_own_action(browser: Browser, world: World) -> None:
    world.run(message("dan", 1, plan="free", external_id="1009"))
    world.run(message("dan", 2, event("Signed up", "e1"), plan="pro", external_id="1009"))
    html = browser.get(addresses(browser.get("/calls", person="dan"))[0])
    assert re.findall(r"</td><td>(identify|event|identify, event)<details>", html) == ["identify", "event"]


@pytest.mark.parametrize("path", ["/calls", "/problems"])
def test_a_filter_offers_also_the_sync_that_is_gone_from_the_settings(browser: Browser, path: str) -> None:
    assert "<option selected>gone</option>" in browser.get(path, sync="gone")


def test_a_body_stays_masked_until_somebody_asks_at_its_request(
    make_world: Callable[..., World], open_console: OpenConsole
) -> None:
    made = make_world(console={"masked": True}, sync={"attributes": ["plan"]}, retention={"call_bodies": "all"})
    made.run(message("ann", 1, plan="marker", external_id="1001"))
    browser = open_console(made)
    [found] = addresses(browser.get("/calls"))
    assert "first show what is personal" in browser.text(f"{found}/body", 404)
    subject = re.findall(r'name="subject" value="([^"]*)"', browser.get(found))
    browser.post("/reveal", {"subject": subject[0], "to": found}, page=found)
    assert "marker" in browser.get(found)
    assert "marker" in browser.get(f"{found}/body")
