"""The console's pages beside a large store: how long the server takes for each, and what they cost delivery.

The store holds a million people and ten million events, and what a busy week leaves behind: history, requests,
problems, counts of minutes. Nearly all of it is copied from rows that the product itself has written (`million`).
"""

import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from statistics import median
from urllib.parse import quote

import httpx
import psycopg

from benchmarks import million
from benchmarks.fleet import Figures, Fleet, measure, working
from benchmarks.notifications import Notifications
from benchmarks.progress import Progress, watched
from benchmarks.publisher import Publisher
from benchmarks.stage import BACKFILL_QUEUE, Size, Stage, pause, resume, staged
from connector.admin import retention
from connector.console.pages import routes
from connector.settings.retention import RetentionSettings
from connector.store.engine import Store

DATABASE = "pages"
EVENTS_A_PERSON, HISTORY_A_PERSON = 10, 3
CALLS, PROBLEMS, MINUTES = 200_000, 50_000, 14 * 1440
TIMES, OPEN_PAGES, REFRESH_SECONDS = 20, 10, 5.0
BACKFILL_TIMES, LONG_TIMES = 4, 15
TURN_SECONDS, OF_CHANGES = 10.0, 20_000
"""Pages are open for so long, and closed for as long, where so many changes are a round; less where there are fewer."""
_MILLISECONDS = 1000.0
_BESIDE = ("benchmark", "others")
"""Whose CPU is none of the product's."""
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
        _add_up(store)
        with working(stage, database, size) as fleet:
            with _console(stage, store, "web without sharing", {"CONNECTOR__CONSOLE__SHARED_SECONDS": "0"}) as client:
                pages = _beside_a_backfill(fleet, client, BACKFILL_TIMES * changes)
            with _console(stage, store, "web") as client:
                rates = _in_turn(fleet, client, changes)
    return {"rows": filled, "milliseconds": pages, **rates}


def _more(store: str, people: int) -> dict[str, int]:
    """Copies what else a busy week leaves. Returns how many rows there are of what."""
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


def _add_up(store: str) -> None:
    """Adds up the hours, as the worker does every few minutes: it has not lived through the weeks that were copied."""
    with closing(Store(store)) as opened:
        retention.retain(opened, RetentionSettings(), ())


@contextmanager
def _console(stage: Stage, store: str, name: str, settings: Mapping[str, str] = {}) -> Iterator[httpx.Client]:
    """Yields a client of a web process, which shares what a page found for a while unless settings say otherwise."""
    environ = {
        "CONNECTOR__STORE__URL": store,
        "CONNECTOR__WEB__PORT": "0",
        "CONNECTOR__WEB__TOKEN": "token-of-benchmark",
        **settings,
    }
    command = (sys.executable, "-m", "connector", "web")
    with stage.running(name, *command, environ=environ) as process:
        url = process.until_it_says("Ready: ")
        stage.processes["web"] = [process.popen.pid]
        with httpx.Client(base_url=url, timeout=30) as client:
            yield client
        stage.processes["web"] = []


def paths(store: str) -> list[str]:
    """Returns the addresses of the pages, with somebody, a request and a problem that are there."""
    with psycopg.connect(store.replace("+psycopg", ""), autocommit=True) as connection:
        key = (connection.execute("SELECT key FROM entity WHERE delivered IS NOT NULL LIMIT 1").fetchone() or ("",))[0]
        call = (connection.execute("SELECT id FROM call ORDER BY at DESC LIMIT 1").fetchone() or ("",))[0]
        problem = (connection.execute("SELECT id FROM problem LIMIT 1").fetchone() or ("",))[0]
    plain = [each.path for each in routes() if each.method == "GET" and "{" not in each.path]
    somebody = quote(key, safe="")
    confirmations = [f"{each}?sync=main&key={somebody}" for each in plain if each.startswith("/person/")]
    searches = [f"/people?q={somebody}", f"/people?q={somebody}%40example.com"]
    others = [each for each in plain if not each.startswith("/person/")]
    return [*others, *confirmations, "/syncs/main", f"/calls/{call}", f"/problems/{problem}", *searches]


def _beside_a_backfill(fleet: Fleet, client: httpx.Client, backfill: int) -> dict[str, Mapping[str, float]]:
    """Returns each page's milliseconds while a bulk load is delivered; it says so of pages asked for after its end."""
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
    """Returns the times of a page that is read anew each time: the first in its process, and those after that."""
    first, *answers = [client.get(path, follow_redirects=True) for _ in range(TIMES + 1)]
    times = sorted(_server_ms(each) for each in answers)
    return {
        "first": round(_server_ms(first), 1),
        "median": round(median(times), 1),
        "most": round(times[-1], 1),
        "status": max(each.status_code for each in (first, *answers)),
    }


def _server_ms(answer: httpx.Response) -> float:
    """Returns what the server says that it took; where it does not, what the answer took."""
    said = answer.headers.get("server-timing", "").partition("dur=")[2]
    return float(said) if said else _MILLISECONDS * answer.elapsed.total_seconds()


def _in_turn(fleet: Fleet, client: httpx.Client, changes: int) -> dict[str, object]:
    """Returns how fast one long load is delivered with no page open and with ten that refresh, in turn."""
    given = Notifications(LONG_TIMES * changes, seed="in turn")
    seconds = max(1.0, TURN_SECONDS * min(1.0, changes / OF_CHANGES))
    pause(fleet.workers)
    fleet.publisher.publish(list(given.bodies()))
    with watched(fleet.store) as progress:
        resume(fleet.workers)
        turns = _turns(fleet.stage, client, progress, given.changes, seconds)
        progress.until_confirmed(given.changes)
    shares = sorted(_shares([turn["per_second"] for turn in turns]))
    opened = turns[1::2]
    return {
        "seconds_a_turn": seconds,
        "per_second": [round(turn["per_second"]) for turn in turns],
        "time_with_ten_pages": [round(each, 3) for each in shares],
        "median_time_with_ten_pages": round(median(shares), 3) if shares else None,
        "cpu_of_pages": round(sum(turn["pages"] for turn in opened) / max(1.0, sum(turn["all"] for turn in opened)), 4),
    }


def _turns(
    stage: Stage, client: httpx.Client, progress: Progress, changes: int, seconds: float
) -> list[dict[str, float]]:
    """Returns what was done a second and which CPU was used, in turn without and with pages; it ends without."""
    found: list[dict[str, float]] = []
    while progress.samples[-1].taken_in < changes:
        with _open_pages(client) if len(found) % 2 else nullcontext():
            found.append(_turn(stage, progress, seconds))
    # The last one ran out of work, and each with pages needs one behind it.
    return found[: (len(found) - 2) // 2 * 2 + 1]


def _turn(stage: Stage, progress: Progress, seconds: float) -> dict[str, float]:
    before, cpu = progress.samples[-1], stage.cpu()
    time.sleep(seconds)
    after, used = progress.samples[-1], stage.cpu()
    done = (after.taken_in - before.taken_in + after.confirmed - before.confirmed) / 2
    spent = {group: used[group] - cpu.get(group, 0.0) for group in used}
    return {
        "per_second": done / (after.at - before.at),
        "pages": spent["web"],
        "all": sum(spent[each] for each in spent if each not in _BESIDE),
    }


def _shares(per_second: Sequence[float]) -> list[float]:
    """Returns the time with pages by the time without: each turn with them between the two without them beside it."""
    around = zip(per_second[:-2:2], per_second[1::2], per_second[2::2], strict=True)
    return [(before + after) / 2 / opened for before, opened, after in around]


@contextmanager
def _open_pages(client: httpx.Client) -> Iterator[None]:
    """Yields ten pages that are asked for again every few seconds, as browsers do."""
    over = threading.Event()
    pages = ("/", "/calls", "/funnel", "/problems", "/jobs") * (OPEN_PAGES // 5)

    def look(path: str) -> None:
        while not over.is_set():
            client.get(path).raise_for_status()
            over.wait(REFRESH_SECONDS)

    with ThreadPoolExecutor(OPEN_PAGES) as threads:
        looking = [threads.submit(look, path) for path in pages]
        try:
            yield
        finally:
            over.set()
    for each in looking:
        each.result()
