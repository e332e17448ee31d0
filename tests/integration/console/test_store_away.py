"""Pages beside a store that is away, silent or slow: each says so within a bound, and no door waits for them."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from connector.console import pages, thread_limit
from connector.console.page import Desk, Page, Route, Visit
from connector.console.pages import operators
from connector.store.engine import Store
from tests.build_settings import TOKEN
from tests.console import Browser, console, text_of
from tests.servers import Postgres, eventually
from tests.silent_proxy import SilentProxy
from tests.simulated import Simulated
from tests.world import World, message

OpenConsole = Callable[..., Browser]
LOOKED_AT = ("/", "/calls", "/people?q=u1", "/problems")
AWAY = "The store did not answer in time, or not at all"
LONG_ENOUGH = 60.0
"""Seconds after which a test takes a wait to have no bound. All bounds together are a fourth of it."""
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


class _Some(NamedTuple):
    ROUTES: tuple[Route, ...]


@pytest.fixture
def browser(database: str, open_store: Callable[[str], Store], simulator: Simulated) -> Iterator[Browser]:
    """The console over PostgreSQL, with somebody in it, and no long patience."""
    world = World(open_store(database), simulator, console={"statement_seconds": 0.5, "pages_at_once": len(LOOKED_AT)})
    world.run(message("u1", 1))
    with console(world.runtime) as browser:
        yield browser
    world.close()


def answers(browser: Browser, paths: Sequence[str] = LOOKED_AT) -> list[tuple[int, str]]:
    """What pages say that are asked for at the same time; fails where one waits without a bound."""
    with ThreadPoolExecutor(len(paths)) as threads:
        asked = [threads.submit(browser.client.get, each, timeout=LONG_ENOUGH) for each in paths]
        found = [each.result(LONG_ENOUGH) for each in asked]
    return [(each.status_code, text_of(each.text)) for each in found]


def check_all_away(browser: Browser) -> None:
    found = answers(browser)
    assert [status for status, _ in found] == [503] * len(LOOKED_AT), found
    assert all(AWAY in words for _, words in found), found


def check_all_there(browser: Browser) -> None:
    eventually(lambda: {status for status, _ in answers(browser)} == {200}, LONG_ENOUGH)


@contextmanager
def stopped(server: Postgres) -> Iterator[None]:
    """Every process of a PostgreSQL stands still: no connection is refused or cut, and none is answered."""
    process = server._popen
    assert process is not None
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    pids = [process.pid, *map(int, children)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_pages_say_that_postgresql_is_down_and_are_there_again_once_it_is(browser: Browser, postgres: Postgres) -> None:
    check_all_there(browser)
    postgres.stop()
    try:
        check_all_away(browser)
    finally:
        postgres.start()
    check_all_there(browser)


def test_pages_say_within_a_bound_that_postgresql_stands_still(browser: Browser, postgres: Postgres) -> None:
    check_all_there(browser)
    with stopped(postgres):
        check_all_away(browser)
        check_all_away(browser)  # now there is no connection that was open before
    check_all_there(browser)


def reads(statement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the page /reads send a statement."""

    def handler(desk: Desk, _: Visit) -> Page:
        with desk.reads.store.reading(patient=True) as tx:
            found = tx.execute(text(statement)).scalar()
        return Page("refused.html", {"reason": f"It says {found}."})

    monkeypatch.setattr(pages, "_PAGES", (_Some((Route("/reads", handler),)), operators))


def test_no_statement_of_a_page_runs_longer_than_it_may(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads(ENDLESS, monkeypatch)
    browser = open_console(console={"statement_seconds": 0.3})
    ((status, words),) = answers(browser, ["/reads"])
    assert (status, AWAY in words) == (503, True)
    assert "a statement has taken too long" in words or "statement timeout" in words
    assert "Nobody has done anything" in browser.text("/operators"), "the next statement has all its time"


def test_a_page_can_write_nothing_by_what_it_reads_with(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads("DELETE FROM entity", monkeypatch)
    words = open_console().text("/reads", 503)
    assert "readonly" in words or "read-only" in words


def test_the_doors_answer_while_as_many_pages_wait_as_may(
    make_world: Callable[..., World], open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = Event(), Event()

    def waits(*_: object) -> Page:
        begun.set()
        assert go_on.wait(LONG_ENOUGH)
        return Page("refused.html", {"reason": "Here it is."})

    monkeypatch.setattr(pages, "_PAGES", (_Some((Route("/waits", waits),)),))
    world = make_world(web={"token": TOKEN})
    browser = open_console(world)
    with ThreadPoolExecutor(50) as threads:
        waiting = [threads.submit(browser.client.get, "/waits", timeout=LONG_ENOUGH) for _ in range(50)]
        try:
            assert begun.wait(LONG_ENOUGH)
            headers = {"Authorization": f"Bearer {TOKEN}"}
            taken = browser.client.post("/v1/changes", json=message("u9", 1), headers=headers)
        finally:
            go_on.set()
        assert {each.result().status_code for each in waiting} <= {200, 503}
    assert taken.status_code == 200, taken.text
    assert world.due() == 1


def test_who_waits_too_long_for_their_turn_is_told(open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = Event(), Event()

    def waits(*_: object) -> Page:
        begun.set()
        assert go_on.wait(LONG_ENOUGH)
        return Page("refused.html", {"reason": "Here it is."})

    monkeypatch.setattr(thread_limit, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(pages, "_PAGES", (_Some((Route("/waits", waits),)), operators))
    browser = open_console(console={"pages_at_once": 1})
    with ThreadPoolExecutor() as threads:
        first = threads.submit(browser.text, "/waits")
        try:
            assert begun.wait(LONG_ENOUGH)
            assert "1 at once are worked on here" in browser.text("/operators", 503)
        finally:
            go_on.set()
        assert "Here it is." in first.result()
    assert "Nobody has done anything" in browser.text("/operators"), "a turn that was waited for in vain is free"


# ---- a read replica --------------------------------------------------------------------------------------------------


@pytest.fixture
def proxy(database: str) -> Iterator[SilentProxy]:
    """A way to PostgreSQL that can fall silent, as a replica may."""
    with SilentProxy(make_url(database).port or 0) as proxy:
        yield proxy


@pytest.fixture
def with_replica(
    database: str, proxy: SilentProxy, open_store: Callable[[str], Store], simulator: Simulated
) -> Iterator[Browser]:
    """The console that reads by the proxy."""
    url = make_url(database).set(port=proxy.port).render_as_string(hide_password=False)
    settings: dict[str, Any] = {"read_url": url, "statement_seconds": 0.5}
    world = World(open_store(database), simulator, console=settings)
    world.run(message("u1", 1))
    with console(world.runtime) as browser:
        yield browser
    world.close()


def test_pages_read_from_the_replica_that_the_settings_name(with_replica: Browser, proxy: SilentProxy) -> None:
    before = proxy.connections
    assert "u1" in with_replica.client.get("/people?q=u1", follow_redirects=True).text
    assert proxy.connections > before


def test_pages_read_the_store_itself_while_the_replica_is_silent(with_replica: Browser, proxy: SilentProxy) -> None:
    assert with_replica.get("/")
    proxy.silence()
    assert [status for status, _ in answers(with_replica, ["/"])] == [200]
    asked = proxy.connections
    assert with_replica.get("/calls")
    assert proxy.connections == asked, "a replica that is away is not asked for each page"


def test_pages_read_the_store_itself_where_the_replica_refuses(with_replica: Browser, proxy: SilentProxy) -> None:
    proxy.close()
    assert with_replica.get("/")
