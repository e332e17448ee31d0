"""The console's pages beside a large store: how long the server takes for each, and what they cost delivery.

The store holds a million people and ten million events, and what a busy week leaves behind: history, requests,
problems, counts of minutes. Nearly all of it is copied from rows that the product itself has written (`million`).
"""

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from statistics import median
from urllib.parse import quote

import httpx
import psycopg

from benchmarks import million
from benchmarks.fleet import Figures, Fleet, measure, working
from benchmarks.notifications import Notifications
from benchmarks.progress import watched
from benchmarks.publisher import Publisher
from benchmarks.stage import BACKFILL_QUEUE, Size, Stage, staged
from connector.console.pages import routes

DATABASE = "pages"
EVENTS_A_PERSON, HISTORY_A_PERSON = 10, 3
CALLS, PROBLEMS, MINUTES = 200_000, 50_000, 14 * 1440
TIMES, OPEN_PAGES, REFRESH_SECONDS = 20, 10, 5.0
BACKFILL_TIMES = 4
_MILLISECONDS = 1000.0
_NEW_ID = "left(id, 10) || upper(substr(md5(number || id), 1, 16))"
_MORE = {
    "event": f"""
INSERT INTO event (sync, id, key, body, occurred_at, state, accepted_at)
SELECT sync, {_NEW_ID}, key, body, occurred_at, state, accepted_at FROM event
CROSS JOIN generate_series(1, {{times}}) AS number ON CONFLICT DO NOTHING
""",
    "history": """
INSERT INTO history (sync, key, at, what, came_to, detail, count, events, item, call)
SELECT person.sync, person.key, one.at - number * 3600, what, came_to, detail, count, events, item, call
FROM entity AS person CROSS JOIN generate_series(1, {times}) AS number
CROSS JOIN (SELECT * FROM history WHERE what = 1 ORDER BY id LIMIT 1) AS one
""",
    "call": f"""
INSERT INTO call (id, at, connection, sync, endpoint, items, body_bytes, status, milliseconds, verdict, reason, reply)
SELECT {_NEW_ID}, at - number, connection, sync, endpoint,
items, body_bytes, status, milliseconds, verdict, reason, reply
FROM (SELECT * FROM call ORDER BY at LIMIT 20) AS one CROSS JOIN generate_series(1, {{times}}) AS number
""",
    "problem": """
INSERT INTO problem (id, sync, kind, subject, reason, count, first_at, last_at)
SELECT upper(substr(md5(number::text), 1, 26)), 'main', 'refused', 'user-' || number,
'Customer.io refuses the attribute number ' || number % 50, 1, now.at - number, now.at - number
FROM generate_series(1, {times}) AS number CROSS JOIN (SELECT extract(epoch FROM now()) AS at) AS now
""",
    "minute": """
INSERT INTO minute (minute, scope, name, slot, count)
SELECT minute - number, scope, name, 0, count
FROM (SELECT DISTINCT ON (scope, name) * FROM minute ORDER BY scope, name, minute) AS one
CROSS JOIN generate_series(1, {times}) AS number ON CONFLICT DO NOTHING
""",
}
"""How the rows of a table are copied, or made where a run leaves none."""


def run(changes: int, people: int, size: Size) -> Figures:
    """Fills a store, then measures each page beside a backfill, and the fleet with ten pages open and with none."""
    with staged() as stage:
        database = stage.database(DATABASE)
        with working(stage, database, size) as fleet:
            measure(fleet, Notifications(changes, seed="before"))
        store = stage.postgres.database(database)
        million.fill(stage, store, people)
        filled = _more(store, people)
        with working(stage, database, size) as fleet, _console(stage, store) as client:
            pages = _beside_a_backfill(fleet, client, BACKFILL_TIMES * changes)
            rates = _in_turn(fleet, client, changes)
    return {"rows": filled, "milliseconds": pages, **rates}


def _more(store: str, people: int) -> dict[str, int]:
    """Copies what else a busy week leaves; how many rows there are of what."""
    with psycopg.connect(store.replace("+psycopg", ""), autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM event").fetchone() or (1,)
        times = {
            "event": max(1, people * EVENTS_A_PERSON // max(1, row[0]) - 1),
            "history": HISTORY_A_PERSON,
            "call": max(1, CALLS // 20),
            "problem": PROBLEMS,
            "minute": MINUTES,
        }
        for table, statement in _MORE.items():
            connection.execute(statement.format(times=times[table]).encode())
            connection.execute(f"VACUUM ANALYZE {table}".encode())
        tables = ("entity", "identity", *_MORE)
        counted = {each: connection.execute(f"SELECT count(*) FROM {each}".encode()).fetchone() for each in tables}
        connection.execute("CHECKPOINT")
    return {name: row[0] for name, row in counted.items() if row}


@contextmanager
def _console(stage: Stage, store: str) -> Iterator[httpx.Client]:
    """The web process of the fleet."""
    environ = {
        "CONNECTOR__STORE__URL": store,
        "CONNECTOR__WEB__PORT": "0",
        "CONNECTOR__WEB__TOKEN": "token-of-benchmark",
    }
    command = (sys.executable, "-m", "connector", "web")
    with stage.running("web", *command, environ=environ) as process:
        url = process.until_it_says("Ready: ")
        with httpx.Client(base_url=url, timeout=30) as client:
            yield client


def paths(store: str) -> list[str]:
    """The addresses of the pages, with somebody, a request and a problem that are there."""
    with psycopg.connect(store.replace("+psycopg", ""), autocommit=True) as connection:
        key = (connection.execute("SELECT key FROM entity WHERE delivered IS NOT NULL LIMIT 1").fetchone() or ("",))[0]
        call = (connection.execute("SELECT id FROM call ORDER BY at DESC LIMIT 1").fetchone() or ("",))[0]
    plain = [each.path for each in routes() if each.method == "GET" and "{" not in each.path]
    searches = [f"/people?q={quote(key, safe='')}", f"/people?q={quote(key, safe='')}%40example.com", f"/calls/{call}"]
    return [*plain, "/syncs/main", *searches]


def _beside_a_backfill(fleet: Fleet, client: httpx.Client, backfill: int) -> dict[str, Mapping[str, float]]:
    """Milliseconds of each page while a bulk load is delivered; of pages asked for after its end that is said."""
    given = Notifications(backfill, seed="backfill")
    publisher = Publisher(fleet.stage.rabbitmq.url, BACKFILL_QUEUE)
    found: dict[str, Mapping[str, float]] = {}
    with watched(fleet.store) as progress:
        publisher.publish(list(given.bodies()))
        for path in paths(fleet.store):
            found[path] = {**_times(client, path), "waiting": backfill - progress.samples[-1].confirmed}
        progress.until_confirmed(given.changes)
    publisher.close()
    return found


def _times(client: httpx.Client, path: str) -> Mapping[str, float]:
    answers = [client.get(path, follow_redirects=True) for _ in range(TIMES)]
    times = sorted(_server_ms(each) for each in answers)
    statuses = {each.status_code for each in answers}
    return {"median": round(median(times), 1), "most": round(times[-1], 1), "status": max(statuses)}


def _server_ms(answer: httpx.Response) -> float:
    """What the server says that it took; where it does not, what the answer took."""
    said = answer.headers.get("server-timing", "").partition("dur=")[2]
    return float(said) if said else _MILLISECONDS * answer.elapsed.total_seconds()


def _in_turn(fleet: Fleet, client: httpx.Client, changes: int) -> dict[str, object]:
    """Notifications a second without pages and with ten that refresh, in turn, so that other work falls on both."""
    rates: dict[bool, list[int]] = {False: [], True: []}
    for number, opened in zip(range(6), cycle((False, True)), strict=False):
        given = Notifications(changes, seed=f"pages-{number}")
        if opened:
            with _open_pages(client):
                rates[opened].append(measure(fleet, given)["per_second"])
        else:
            rates[opened].append(measure(fleet, given)["per_second"])
    share = median(rates[True]) / median(rates[False])
    return {"per_second_without": rates[False], "per_second_with_ten_pages": rates[True], "share": round(share, 3)}


@contextmanager
def _open_pages(client: httpx.Client) -> Iterator[None]:
    """Ten pages that are asked for again every few seconds, as browsers do."""
    over = threading.Event()
    pages = ("/", "/calls", "/funnel", "/problems", "/jobs") * (OPEN_PAGES // 5)

    def look(path: str) -> None:
        while not over.is_set():
            client.get(path)
            over.wait(REFRESH_SECONDS)

    threads = [threading.Thread(target=look, args=(path,), daemon=True) for path in pages]
    for each in threads:
        each.start()
        time.sleep(REFRESH_SECONDS / OPEN_PAGES / 5)
    try:
        yield
    finally:
        over.set()
        for each in threads:
            each.join()
