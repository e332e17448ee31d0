"""Files that `connector send` takes in: notifications into SQLite for the embedded mode, a table into PostgreSQL."""

import csv
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import psycopg

from benchmarks.fleet import Figures, check
from benchmarks.notifications import Notifications
from benchmarks.stage import ROOT, Stage
from connector.errors import ConnectorError

_STALLED_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_HOW_FAR = """
SELECT coalesce((SELECT sum(count) FROM tally WHERE sync = '' AND name = 'messages'), 0),
       (SELECT count(*) FROM entity WHERE due_at IS NOT NULL)
"""
_COLUMNS = ("external_id", "email", "first_name", "last_name", "plan", "turn", "mrr", "seats", "created_at")


def embedded(stage: Stage, given: Notifications) -> Figures:
    """Measures `connector run` on SQLite beside `connector send`, from its start until everybody is confirmed."""
    stage.empty_simulators()
    path = stage.folder / "embedded.ndjson"
    path.write_bytes(b"\n".join(given.bodies()))
    database = stage.folder / "embedded.db"
    environ = {
        "CONNECTOR__STORE__URL": f"sqlite:///{database}",
        "CONNECTOR__BROKER__URL": "memory://",
        "CONNECTOR__WEB__PORT": "0",
        "CONNECTOR__WEB__TOKEN": "token-of-the-benchmark",
    }
    command = (sys.executable, "-m", "connector")
    with stage.running("embedded", *command, "run", environ=environ) as process:
        process.until_it_says("Ready: ")
        began = time.monotonic()
        send(stage, environ, str(path))
        taken_in = time.monotonic() - began
        _until_confirmed(database, given.changes)
        seconds = time.monotonic() - began
    check(stage, given)
    return {
        "changes": given.changes,
        "seconds": round(seconds, 2),
        "per_second": round(given.changes / seconds),
        "taken_in_per_second": round(given.changes / taken_in),
    }


def table(stage: Stage, rows: int) -> Figures:
    """Measures a CSV as the whole audience of a segment, into PostgreSQL; nobody delivers meanwhile."""
    path = stage.folder / "users.csv"
    _write(path, rows)
    store = stage.postgres.database(stage.database("users"))
    began = time.monotonic()
    send(stage, {"CONNECTOR__STORE__URL": store}, str(path), "--segment", "Paying", "--full", "--allow-missing")
    seconds = time.monotonic() - began
    with psycopg.connect(store.replace("+psycopg", "")) as connection:
        held = connection.execute("SELECT count(*) FROM entity WHERE entered").fetchone()
    if held != (rows,):
        raise ConnectorError(f"the store has {held} of {rows} people")
    return {"rows": rows, "seconds": round(seconds, 2), "per_second": round(rows / seconds)}


def send(stage: Stage, environ: Mapping[str, str], *arguments: str) -> None:
    """Runs `connector send` to its end. Raises ConnectorError if it fails."""
    command = [sys.executable, "-m", "connector", "send", *arguments]
    whole = {**stage.environ, **environ}
    done = subprocess.run(command, env=whole, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConnectorError(f"connector send ended with {done.returncode}:\n{done.stderr[-2000:]}")


def _write(path: Path, rows: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for number in range(rows):
            writer.writerow(_row(number))


def _row(number: int) -> tuple[object, ...]:
    name = f"row-{number * 7919 % 10_000_019}"
    return (
        name,
        f"{name}@example.com",
        f"Teal {number % 100}",
        "Thistle",
        "team",
        number,
        12.5,
        3,
        "2026-01-01T00:00:00Z",
    )


def _until_confirmed(database: Path, changes: int) -> None:
    """Returns when nobody is due. Raises ConnectorError if nothing moves any more."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        moved, before = time.monotonic(), _look(connection)
        while (now := _look(connection)) != (changes, 0):
            if now != before:
                moved, before = time.monotonic(), now
            if time.monotonic() - moved > _STALLED_SECONDS:
                raise ConnectorError(f"the embedded mode has stopped: {now} taken in and due, of {changes}")
            time.sleep(_LOOK_SECONDS)


def _look(connection: sqlite3.Connection) -> tuple[int, int]:
    messages, due = connection.execute(_HOW_FAR).fetchone()
    return int(messages), int(due)
