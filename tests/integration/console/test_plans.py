"""How PostgreSQL goes about what pages ask: none looks through a whole table, however much there is in it.

PostgreSQL itself reports the plan of each statement and what it looked at (auto_explain), whoever sent it.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import Pool

from connector.admin import call_list, problem_list, samples_of_step, status
from connector.console.pages import routes
from connector.store import overview, tally_hours
from connector.store.engine import Store
from tests.console import console
from tests.simulated import Simulated
from tests.world import World, event, message

PEOPLE, PROBLEMS, CALLS, DAYS, HISTORY, ACTS = 3000, 3000, 3000, 5, 60_000, 20_000
SMALL = 100
"""In place of the bounds up to which pages count and look, so that a table of some thousands is a large one."""
LOOKED_AT = {"history": 20_000, "minute": 30_000, "tally_hour": 10_000}
"""So many rows a statement may look at: of history two ranges of blocks, of minutes a day, of hours a fortnight."""
OF_OTHERS = 1000
"""Less than any of the other large tables has here, and more than a page shows."""
EXACT = "/problems/confirm"
"""Says of how many problems something would be done, and has to know: it looks at those alone."""
_EXPLAINED = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
}
_FILLED = (
    "INSERT INTO problem (id, sync, kind, subject, reason, count, first_at, last_at) "
    "SELECT upper(substr(md5(n::text), 1, 26)), 'main', 'refused', 'user-' || n, 'reason ' || n % 50, 1, "
    f"extract(epoch FROM now()) - n, extract(epoch FROM now()) - n FROM generate_series(1, {PROBLEMS}) AS n",
    "INSERT INTO call (id, at, connection, sync, endpoint, items, body_bytes, status, milliseconds, verdict, reason, "
    "reply) SELECT left(id, 10) || upper(substr(md5(n || id), 1, 16)), at - n, connection, sync, endpoint, items, "
    "body_bytes, status, milliseconds, verdict, reason, reply FROM (SELECT * FROM call ORDER BY at LIMIT 1) AS one "
    f"CROSS JOIN generate_series(1, {CALLS}) AS n",
    "INSERT INTO minute (minute, scope, name, slot, count) SELECT minute - n, scope, name, 0, count FROM "
    "(SELECT DISTINCT ON (scope, name) * FROM minute ORDER BY scope, name, minute) AS one "
    f"CROSS JOIN generate_series(1, {DAYS} * 1440) AS n ON CONFLICT DO NOTHING",
    "INSERT INTO history (sync, key, at, what, came_to, detail, count, events, item, call) "
    "SELECT sync, key || n % 1000, at - 100000 + n, what, came_to, detail, count, events, item, call FROM "
    f"(SELECT * FROM history WHERE what = 1 ORDER BY id LIMIT 1) AS one CROSS JOIN generate_series(1, {HISTORY}) AS n",
    "INSERT INTO operator_log (at, operator, door, act, subject, outcome) SELECT extract(epoch FROM now()) - n, "
    f"'mira', 'command', 'problems replay', 'problem-' || n, 'done' FROM generate_series(1, {ACTS}) AS n",
)


_LEFT_OUT = ("Rows Removed by Filter", "Rows Removed by Index Recheck")


class Look(NamedTuple):
    """What a statement looked at in one table, and how."""

    table: str
    rows: int
    how: str
    statement: str


@pytest.fixture
def filled(database: str, open_store: Callable[[str], Store], simulator: Simulated) -> Iterator[World]:
    """A world with so much in it that nobody looks through all of it for a page."""
    options = " ".join(f"-c {name}={value}" for name, value in _EXPLAINED.items())
    url = make_url(database).update_query_dict({"options": options})
    world = World(open_store(database), simulator)
    for first in range(0, PEOPLE, 1000):
        many = (message(f"u{n}", 1, event("Signed up", f"e{n}"), plan="a") for n in range(first, first + 1000))
        world.take(*many)
    world.settle()
    with world.store.writing() as tx:
        for statement in _FILLED:
            tx.execute(text(statement))
        while tally_hours.add_up(tx, world.store.now(tx)):
            pass
    world.run(message("u7", 2, plan="b"))
    with world.store.writing() as tx:
        tx.execute(text("SELECT brin_summarize_new_values('history_at')"))  # as autovacuum does, which is off here
        tx.execute(text("ANALYZE"))
    explained = World(open_store(url.render_as_string(hide_password=False)), simulator)
    yield explained
    explained.close()
    world.close()


@contextmanager
def looks() -> Iterator[list[Look]]:
    """Collects what each statement looks at, of connections that are opened in the block."""
    found: list[Look] = []

    def heard(notice: Any) -> None:
        _, plan, said = (notice.message_primary or "").partition("plan:")
        if plan:  # an EXPLAIN of our own has one, and has looked at nothing
            whole = json.loads(said)
            found.extend(_looks(whole["Plan"], whole["Query Text"]))

    def listen(connection: Any, _: object) -> None:
        connection.add_notice_handler(heard)

    sqlalchemy_event.listen(Pool, "connect", listen)
    try:
        yield found
    finally:
        sqlalchemy_event.remove(Pool, "connect", listen)


def _looks(node: dict[str, Any], statement: str) -> Iterator[Look]:
    if "Relation Name" in node:
        rows = sum(node.get(each, 0) for each in ("Actual Rows", *_LEFT_OUT))
        how = f"{node['Node Type']} {node.get('Index Name', '')} {node.get('Index Cond', '')}"
        yield Look(node["Relation Name"], round(rows * node.get("Actual Loops", 0)), how, statement)
    for each in node.get("Plans", ()):
        yield from _looks(each, statement)


def addresses(world: World) -> list[str]:
    with world.store.reading() as tx:
        call = tx.execute(text("SELECT id FROM call ORDER BY at DESC LIMIT 1")).scalar_one()
        problem = tx.execute(text("SELECT id FROM problem LIMIT 1")).scalar_one()
    plain = [each.path for each in routes() if each.method == "GET" and "{" not in each.path]
    return [
        *plain, "/syncs/main", "/people/u7", "/people?q=u7", "/people?q=nobody", "/people?q=NOBODY%40example.com",
        f"/calls/{call}", "/calls?status=500", "/calls?verdict=settled", "/calls?person=u7", f"/problems/{problem}",
        "/problems/list?kind=refused", f"/problems/list?reason={quote('reason 7')}", "/problems?q=user-7", "/held/main",
        "/held/main/download", "/funnel?period=30d", "/funnel?step=due&reason=", "/operators?act=problems",
        "/operators?last=day", "/operators?to=2099-01-01&after=4070908800.0~1",
    ]  # fmt: skip


def test_no_page_looks_through_a_whole_table(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (overview, "COUNTED_TO"),
        (status, "COUNTED_TO"),
        (problem_list, "LOOKED_AT_BY_PAGES"),
        (samples_of_step, "LOOKED_AT"),
        (call_list, "_LOOKED_AT"),
    ):
        monkeypatch.setattr(module, name, SMALL)
    seen = 0
    with looks() as found, console(filled.runtime) as browser:
        for address in addresses(filled):
            found.clear()
            answer = browser.client.get(address, follow_redirects=True)
            assert answer.status_code in (200, 404), address
            far = [each for each in found if each.rows > LOOKED_AT.get(each.table, OF_OTHERS)]
            assert not far or address == EXACT, f"{address} looks far: {far}"
            seen += len(found)
    assert seen > 100, "PostgreSQL has said what it did"
