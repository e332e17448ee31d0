"""The page of a person: found by any name, with the reason first, and what can be done for them."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import delete, text

from connector.admin.operator_acts import digest
from connector.admin.person import search
from connector.admin.person.answer import answers
from connector.admin.person.gather import PROBLEMS, gather
from connector.console import addresses
from connector.console.page import Route
from connector.console.pages.people import ROUTES
from connector.console.visitor import Visitor
from connector.model.problem import EVERY_SYNC, Problem, ProblemKind
from connector.store import problems
from tests.console import Browser, signing_in
from tests.simulated import Simulated
from tests.world import World, event, message

OpenConsole = Callable[..., Browser]
MakeWorld = Callable[..., World]
EMAIL = "Ann@Example.com"


@pytest.fixture
def world(make_world: MakeWorld, simulator: Simulated) -> World:
    """Ann is in Customer.io, Bob never was."""
    simulator.reset(app_rate_limit=0)
    made = make_world(sync={"attributes": ["plan", "city", "email"]}, connection={"app_api_key": "app-api-key"})
    made.run(
        message("ann", 1, event("Signed up", "a"), plan="pro", email=EMAIL, external_id="1001"),
        message("bob", 1, plan="free", email="bob@example.com", external_id="1002", segments=["Trial"]),
    )
    return made


@pytest.fixture
def browser(world: World, open_console: OpenConsole) -> Browser:
    return open_console(world)


@pytest.mark.parametrize("name", ["ann", "1001", "ann@example.com", EMAIL])
def test_a_person_is_found_by_key_id_and_address_in_any_case(browser: Browser, name: str) -> None:
    shown = browser.text("/people", q=name)
    assert "They are in Customer.io as they should be" in shown
    assert "segments names Paying" in shown


def test_the_first_words_say_why_somebody_is_not_there(browser: Browser, world: World) -> None:
    world.run(message("ann", 2, segments=[], email=EMAIL, external_id="1001"))
    shown = browser.text("/people", q="ann")
    assert "They have left the audience, and are deleted in Customer.io." in shown
    assert shown.index("have left the audience") < shown.index("Wanted beside held")


def test_who_was_never_in_the_audience_is_said_to_be_outside_of_it(browser: Browser) -> None:
    assert "They are not in the audience of this sync" in browser.text("/people/bob")


def test_what_is_not_confirmed_yet_is_said_first_and_marked(browser: Browser, world: World) -> None:
    world.take(message("ann", 2, plan="gold", email=EMAIL, external_id="1001"))
    html = browser.get("/people/ann")
    assert "latest changes are not confirmed yet" in html
    row = html[html.index('<tr class="differs">') :].partition("</tr>")[0]
    assert ("plan" in row, "gold" in row, "pro" in row, "differs" in row) == (True, True, True, True)


def test_of_a_problem_the_first_words_give_the_reason(browser: Browser, world: World) -> None:
    with world.store.writing() as tx:
        problems.add(tx, "main", [Problem("failed later", "ann", "the address is invalid")], world.store.now(tx))
    shown = browser.text("/people/ann")
    assert shown.index("The address is invalid.") < shown.index("Wanted beside held")


def _dropped(world: World, data: dict[str, object]) -> None:
    with world.store.writing() as tx:
        now = world.store.now(tx)
        said = {"activity": "a1", "at": now, "data": data}
        problems.add(tx, "main", [Problem("failed later", "ann", "it was dropped", said)], now)


@pytest.mark.parametrize("data", [{"attribute": "plan"}, {"changes": [{"plan": {"from": "pro"}}]}])
def test_an_attribute_that_customerio_dropped_later_is_not_shown_as_held(
    browser: Browser, world: World, data: dict[str, object]
) -> None:
    _dropped(world, data)
    html = browser.get("/people/ann")
    row = html[html.index('<tr class="differs">') :].partition("</tr>")[0]
    assert "<td>plan</td>" in row
    assert "confirmed, then dropped" in row
    assert 'href="/problems/' in row


def test_what_was_dropped_without_a_name_marks_no_attribute(browser: Browser, world: World) -> None:
    _dropped(world, {"reason": "it is too large"})
    html = browser.get("/people/ann")
    assert "confirmed, then dropped" not in html
    assert "They are in Customer.io as they should be" not in html


@pytest.mark.parametrize(("kind", "tone"), [("failed later", "bad"), ("refused", "bad"), ("attribute", "warn")])
def test_whose_problem_is_open_is_not_said_to_be_as_they_should_be(
    browser: Browser, world: World, kind: ProblemKind, tone: str
) -> None:
    with world.store.writing() as tx:
        problems.add(tx, "main", [Problem(kind, "ann", "something of theirs is not there")], world.store.now(tx))
    html = browser.get("/people/ann")
    assert "They are in Customer.io as they should be" not in html
    assert f'<p class="sentence {tone}">' in html
    assert "They are in Customer.io, but not with all that was said of them." in html


@pytest.mark.parametrize("sync", ["main", EVERY_SYNC])
def test_no_kind_of_problem_of_theirs_lets_the_first_words_say_that_all_is_well(world: World, sync: str) -> None:
    for kind in problems.OF_USERS:
        with world.store.writing() as tx:
            tx.execute(delete(problems.TABLE))
            problems.add(tx, sync, [Problem(kind, "ann", "something of theirs is not there")], world.store.now(tx))
        (answer,) = answers(gather(world.runtime, "ann"))
        assert answer.sentences[0].tone != "good", kind


def test_the_problems_of_one_sync_hide_none_of_another(world: World) -> None:
    with world.store.writing() as tx:
        now = world.store.now(tx)
        problems.add(tx, "main", [Problem("refused", "ann", "the address is invalid")], now - 60)
        problems.add(tx, EVERY_SYNC, [Problem("unreadable", "ann", f"no such time: {n}") for n in range(PROBLEMS)], now)
    (answer,) = answers(gather(world.runtime, "ann"))
    assert "The address is invalid." in [each.detail for each in answer.sentences]


def test_the_timeline_tells_what_was_said_sent_and_done_by_hand(browser: Browser) -> None:
    browser.post("/person/resync", {"key": "ann", "sync": "main"}, page="/people/ann")
    shown = browser.text("/people/ann")
    for each in ("1 message with 1 new event: due", "identify", "taken", "resync by local: done"):
        assert each in shown


def test_nobody_is_said_in_words_and_everybody_can_be_looked_through(browser: Browser, world: World) -> None:
    assert "Nobody has this as their key" in browser.text("/people", q="former@example.com")
    world.run(message("cleo", 1, email="cleo@example.com", external_id=..., segments=["Paying"]))
    found = browser.text("/people", q="cleo@example.com", everybody="yes")
    assert "what upstream calls them" in found
    assert "nobody is known by this name" in browser.text("/people", q="nobody@example.com", everybody="yes")


def test_of_several_by_one_name_one_is_chosen(browser: Browser, world: World, make_world: MakeWorld) -> None:
    with world.store.writing() as tx:
        tx.execute(text("INSERT INTO identity (sync, identifier, key) VALUES ('main', 'cio_id:1001', 'bob')"))
    shown = browser.get("/people", q="1001")
    assert "2 people go by that name" in shown
    assert 'href="/people/bob"' in shown


def test_customerio_is_asked_what_it_holds_at_this_moment(browser: Browser, simulator: Simulated) -> None:
    shown = browser.post("/person/ask", {"key": "ann"}, page="/people/ann")
    assert "Customer.io says there" in shown, shown
    assert "held now" in shown


def test_a_resync_of_one_person_sends_all_of_them_again(browser: Browser, world: World) -> None:
    assert "All of this person is sent" in browser.text("/person/resync", key="ann", sync="main")
    assert world.due() == 0
    browser.post("/person/resync", {"key": "ann", "sync": "main"}, page="/people/ann")
    assert world.due() == 1
    world.settle()
    assert "They are in Customer.io as they should be" in browser.text("/people/ann")


def test_a_resync_says_who_cannot_be_sent(browser: Browser) -> None:
    said = browser.post("/person/resync", {"key": "nobody", "sync": "main"}, page="/people/ann", status=409)
    assert "left alone" in said


def test_forgetting_says_what_will_happen_and_then_erases(browser: Browser, world: World, simulator: Simulated) -> None:
    asked = browser.text("/person/forget", key="ann")
    assert "Customer.io is asked to delete id 1001, email Ann@Example.com" in asked
    said = browser.post("/person/forget", {"key": "ann"}, page="/person/forget?key=ann")
    assert "Forgotten" in said
    assert "erased here 1 person" in said
    assert simulator.people() == {}
    assert "nobody is known as 'ann'" in browser.text("/people/ann", status=404)


def test_suppressing_has_customerio_refuse_them_until_they_are_freed(
    browser: Browser, world: World, simulator: Simulated
) -> None:
    asked = browser.text("/person/suppress", key="ann", sync="main")
    assert "Customer.io deletes 1001" in asked
    form = {"key": "ann", "sync": "main", "identifier": "1001"}
    assert "suppressed" in browser.post("/person/suppress", form, page="/people/ann")
    assert simulator.people() == {}
    assert "free again" in browser.post("/person/unsuppress", {"key": "ann", "sync": "main"}, page="/people/ann")


def test_another_identifier_than_the_page_said_is_not_suppressed(browser: Browser, simulator: Simulated) -> None:
    form = {"key": "ann", "sync": "main", "identifier": "1002"}
    assert "another identifier now" in browser.post("/person/suppress", form, page="/people/ann", status=409)
    assert len(simulator.people()) == 1


HOSTILE = ["a/b/../c", "..", "<script>alert(1)</script>", "q?x=1&y#z", "{{ 7 * 7 }}", "\u202eltr", "%2F", "é" * 100]


@pytest.mark.parametrize("key", HOSTILE)
def test_whatever_a_key_holds_its_page_is_found_and_nothing_of_it_is_markup(
    browser: Browser, world: World, key: str
) -> None:
    hostile = "</td><img src=x onerror=alert(1)>{{ 7 * 7 }}" + "x" * 100_000
    world.run(message(key, 1, plan=hostile, external_id="7", email='"<b>"@example.com'))
    html = browser.get(addresses.person(key))
    assert "They are in Customer.io, but not with all that was said of them." in html, "the plan is too long"
    for each in ("<script>alert", "<img src=x", "<b>", ">49<"):
        assert each not in html
    asked = browser.get(f"/person/forget?key={quote(key, safe='')}")
    assert "<script>alert" not in asked


MARKER = "marker"


def test_a_masked_viewer_finds_nothing_personal_of_anybody(
    world: World, open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(message(f"{MARKER}-key", 1, plan=f"{MARKER}-plan", email=f"{MARKER}@example.com", external_id="77"))
    with world.store.writing() as tx:
        told = [Problem("conflict", f"{MARKER}-key", f"another user holds {MARKER}")]
        problems.add(tx, "main", told, world.store.now(tx))
    browser = open_console(world)
    monkeypatch.setattr("connector.console.access.LOOPBACK", Visitor("mask", "masked_viewer", "loopback"))
    html = browser.get("/people", q="77")
    assert "They are in Customer.io, but not with all that was said of them" in html
    assert MARKER not in html
    assert MARKER not in browser.get("/people", q=MARKER, everybody="yes")


def test_who_has_asked_to_see_somebody_sees_them_at_every_page_about_them_and_not_before(
    make_world: Callable[..., World], open_console: OpenConsole
) -> None:
    world = make_world(console={"masked": True, **signing_in(ada="approver")})
    world.run(message("zora", 1, external_id="Zeta77"))
    browser = open_console(world)
    browser.sign_in("ada")
    asking = ("/person/forget?key=zora", "/person/suppress?key=zora&sync=main", "/person/resync?key=zora&sync=main")
    for page in asking:
        assert "Zeta77" not in browser.get(page, 404)
    subject = re.findall(r'name="subject" value="([^"]*)"', browser.get("/people/zora"))
    browser.post("/reveal", {"subject": subject[0], "to": "/people/zora"})
    assert subject == [digest("zora")]
    assert all("zora" in browser.get(page) for page in asking)
    assert "Zeta77" in browser.post("/person/ask", {"key": "zora"})


def test_a_search_shows_whom_it_finds_after_asking_and_nobody_else(
    make_world: Callable[..., World], open_console: OpenConsole
) -> None:
    world = make_world(console={"masked": True})
    world.run(message("zora", 1, external_id="Zeta77"), message("yann", 1, external_id="Ypsilon7"))
    browser = open_console(world)
    subject = re.findall(r'name="subject" value="([^"]*)"', browser.get("/people", q="zora"))
    browser.post("/reveal", {"subject": subject[0], "to": "/people?q=zora"}, page="/people?q=zora")
    assert subject == [digest("zora")]
    assert "Zeta77" in browser.get("/people", q="zora")
    assert "Ypsilon7" not in browser.get("/people", q="yann")


def test_of_an_attribute_a_masked_viewer_reads_not_even_how_it_begins(
    make_world: Callable[..., World], open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(sync={"attributes": ["vip", "sex", "age"]})
    world.run(message("marker-key", 1, vip=True, sex="female", age=7, external_id="77"))
    browser = open_console(world)
    monkeypatch.setattr("connector.console.access.LOOPBACK", Visitor("mask", "masked_viewer", "loopback"))
    shown = browser.text("/people/marker-key")
    assert [f"{name} ••• •••" in shown for name in ("vip", "sex", "age")] == [True] * 3


POSTS = [each for each in ROUTES if each.method == "POST"]


@pytest.mark.parametrize("route", POSTS, ids=[each.path for each in POSTS])
def test_who_may_not_is_refused_and_nothing_is_done(
    browser: Browser, world: World, simulator: Simulated, monkeypatch: pytest.MonkeyPatch, route: Route
) -> None:
    form = {"key": "ann", "sync": "main", "identifier": "1001"}
    assert browser.client.post(route.path, data=form).status_code == 403
    below: Any = {"viewer": "masked_viewer", "operator": "viewer", "approver": "operator"}[route.role]
    monkeypatch.setattr("connector.console.access.LOOPBACK", Visitor("low", below, "loopback"))
    assert f"needs the role {route.role}" in browser.post(route.path, form, page="/people/ann", status=403)
    assert (len(simulator.people()), world.due()) == (1, 0)


def test_a_problem_of_a_person_is_one_click_away(browser: Browser, world: World) -> None:
    with world.store.writing() as tx:
        problems.add(tx, "main", [Problem("refused", "ann", "400")], world.store.now(tx))
        [kept] = problems.kept(tx, limit=9)
    assert f'href="/problems/{kept.id}"' in browser.get("/people/ann")


def test_a_sync_that_is_gone_from_the_settings_offers_no_repair(browser: Browser, world: World) -> None:
    with world.store.writing() as tx:
        tx.execute(text("UPDATE entity SET sync = 'gone' WHERE key = 'ann'"))
    html = browser.get("/people/ann")
    assert "The settings have no such sync any more" in html
    for act in ("resync", "suppress", "unsuppress"):
        assert f'action="/person/{act}"' not in html


def test_a_search_among_everybody_goes_on_behind_the_last_who_was_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SHOWN", 3)
    names = [f"{first}{number}" for first in ("a", "B", "_") for number in range(3)]
    world.take(*(message(name, 1, email="shared@example.com") for name in names))
    found, after = list[str](), ""
    for _ in range(len(names)):
        looked = search.among_everybody(world.runtime, "shared@example.com", after=after)
        found += [each.key for each in looked.found]
        after = looked.after
        if not after:
            break
    assert sorted(found) == sorted(names)


@pytest.mark.parametrize("keeps", [True, False])
def test_an_anonymous_id_is_looked_for_only_where_it_is_kept(
    make_world: MakeWorld, open_console: OpenConsole, keeps: bool
) -> None:
    browser = open_console(make_world(sync={"anonymous_events": keeps}))
    assert ("for an anonymous id" in browser.text("/people", q="visitor-1")) is keeps
    found = browser.text("/people", q="visitor-1", everybody="yes")
    assert ("Anonymous ids are kept by no sync" in found) is not keeps
