"""`resync`, `jobs` and `calls` as people use them."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from connector.customerio.request_log import Exchange, call_of
from connector.customerio.responses import Accepted, Pause, Reply, Settle
from connector.store import request_log
from connector.store.engine import Store
from connector.store.migrate import migrate
from tests.processes import connector, environment, people, running, until

JOB = {
    "id", "sync", "kind", "state", "position", "total", "done", "per_second", "counts", "created_at", "updated_at",
    "started_by", "asked",
}  # fmt: skip


@pytest.fixture
def environ(tmp_path: Path, customerio: str) -> dict[str, str]:
    return environment(tmp_path, customerio)


@pytest.fixture
def store(environ: dict[str, str]) -> Iterator[Store]:
    opened = Store(environ["CONNECTOR__STORE__URL"])
    migrate(opened)
    yield opened
    opened.close()


def messages(count: int) -> bytes:
    told = [
        {"user": {"id": f"u{number}", "external_id": f"u{number}"}, "segments": ["Paying"]} for number in range(count)
    ]
    return b"".join(json.dumps(each).encode() + b"\n" for each in told)


def test_resync_puts_everybody_back_into_customerio(tmp_path: Path, environ: dict[str, str], customerio: str) -> None:
    with running("run", environ=environ, output=tmp_path / "run.log") as process:
        assert process.url
        assert connector("send", "-", "--format", "native", environ=environ, stdin=messages(30)).code == 0
        until(lambda: len(people(customerio)) == 30, "thirty people in Customer.io")
        httpx.post(f"{customerio}/_simulator/reset").raise_for_status()

        done = connector("resync", "main", "--per-second", 1000, "--json", environ=environ)
        assert (done.code, done.err) == (0, "")
        [job] = done.rows()
        assert job.keys() == JOB
        assert (job["state"], job["total"], job["done"], job["counts"]) == ("done", 30, 30, {})
        assert len(people(customerio)) == 30
        shown = connector("resync", "main", environ=environ)
        assert (shown.code, shown.err) == (0, "")
        assert re.fullmatch(r"resync \w{8} of main: done, 30 of 30 people\n", shown.out)
    assert [each["state"] for each in connector("jobs", "--json", environ=environ).rows()] == ["done", "done"]


def test_a_resync_that_nobody_takes_further_says_so_and_goes_on_without_its_terminal(
    tmp_path: Path, environ: dict[str, str], store: Store
) -> None:
    with running("resync", "main", environ=environ, output=tmp_path / "resync.log") as process:
        until(lambda: _jobs(store), "a job")
        with store.writing() as tx:
            tx.execute(text("UPDATE job SET updated_at = updated_at - 60"))
        until(lambda: "Nobody has taken it further for 10 s: it needs a worker" in process.text, "a word about it")
        assert process.end(signal.SIGINT) == 130
    [id] = _jobs(store)
    assert f"The resync goes on. `connector jobs follow {id}` shows it again" in process.text
    assert f"`connector jobs pause {id}` or `connector jobs cancel {id}`" in process.text

    again = connector("resync", "main", environ=environ)
    assert (again.code, again.out) == (1, "")
    assert again.err.startswith(f"the resync {id} of main is running, one at a time is enough")


def _jobs(store: Store) -> list[str]:
    with store.reading() as tx:
        return list(tx.execute(text("SELECT id FROM job")).scalars())


@pytest.mark.usefixtures("store")
def test_jobs_are_listed_paused_resumed_followed_and_cancelled(environ: dict[str, str]) -> None:
    assert connector("jobs", environ=environ).out == "No jobs.\n"
    started = connector("resync", "main", "--detach", environ=environ).out
    found = re.fullmatch(r"resync (\w{8}) of main: running, 0 of 0 people\n", started)
    assert found
    id = found[1]

    assert connector("jobs", "pause", id[:5], environ=environ).out.startswith(f"resync {id} of main: paused")
    twice = connector("jobs", "pause", id, environ=environ)
    assert (twice.code, twice.err) == (1, f"the job {id} is paused: only one that is running can be paused\n")
    followed = connector("jobs", "follow", id, environ=environ)
    assert (followed.code, followed.out) == (1, f"resync {id} of main: paused, 0 of 0 people\n")
    assert connector("jobs", "resume", id, "--json", environ=environ).rows()[0]["state"] == "running"
    assert connector("jobs", "cancel", id, environ=environ).out == f"resync {id} of main: cancelled, 0 of 0 people\n"
    listed = connector("jobs", environ=environ | {"COLUMNS": "200"}).out
    assert re.search(rf"{id} .*resync main: 0 people, 500 a second .*cancelled", listed)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("resync", "nope"), 2, "there is no sync 'nope': the settings name main\n"),
        (("resync", "main", "--per-second", "0"), 2, "Invalid value for '--per-second'"),
        (("jobs", "cancel", "x"), 1, "no job has an id that begins with 'x': `connector jobs` lists them\n"),
        (("calls", "show", "x"), 1, "no call has an id that begins with 'x': `connector calls` lists them\n"),
    ],
)
def test_what_is_not_there_is_named(environ: dict[str, str], arguments: tuple[str, ...], code: int, says: str) -> None:
    ended = connector(*arguments, environ=environ)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err


# --- calls -----------------------------------------------------------------------------------------------------------


def test_calls_are_listed_and_shown(environ: dict[str, str], store: Store) -> None:
    assert connector("calls", environ=environ).out == "No calls.\n"
    body = b'{"batch":[{"type":"person","action":"identify","identifiers":{"id":"u1"}}]}'
    pause = Pause("Customer.io answered 503", "backoff", doubt=True)
    with store.writing() as tx:
        at = 4_000_000_000.0
        settled = Exchange("batch", 1, body, Reply(200, b"{}"), Settle((Accepted(),)), at, 12)
        paused = Exchange("batch", 1, body, Reply(503, b"<html>busy"), pause, at + 1, 34)
        calls = [call_of("main", "main", exchange, "failed") for exchange in (settled, paused)]
        request_log.add(tx, calls)

    rows = connector("calls", "--json", environ=environ).rows()
    assert [(each["status"], each["verdict"], each["items"]) for each in rows] == [
        (503, "paused", 1),
        (200, "settled", 1),
    ]
    assert connector("calls", "--failed", "--json", environ=environ).rows() == rows[:1]
    assert connector("calls", "--connection", "main", "--json", environ=environ).rows() == rows
    mistyped = connector("calls", "--connection", "nosuch", environ=environ)
    assert (mistyped.code, mistyped.err) == (2, "--connection: there is no 'nosuch'; the settings name main\n")
    assert connector("calls", "--limit", "1", "--json", environ=environ).rows() == rows[:1]
    assert "paused: Customer.io answered 503" in connector("calls", environ=environ | {"COLUMNS": "200"}).out

    shown: dict[str, Any] = json.loads(connector("calls", "show", rows[0]["id"], environ=environ).out)
    assert shown == rows[0] | {"request": json.loads(body), "reply": "<html>busy"}
    other: dict[str, Any] = json.loads(connector("calls", "show", rows[1]["id"], environ=environ).out)
    assert other == rows[1] | {"request": None, "reply": None}


def test_calls_are_followed_as_they_come_by_the_same_filters_until_ctrl_c(
    tmp_path: Path, environ: dict[str, str], store: Store
) -> None:
    def log(*at: float, status: int = 200) -> list[str]:
        answer = Settle((Accepted(),)) if status == 200 else Pause("Customer.io is busy", "backoff", doubt=True)
        made = (Exchange("batch", 1, b"{}", Reply(status, b"{}"), answer, each, 12) for each in at)
        with store.writing() as tx:
            return request_log.add(tx, [call_of("main", "main", each, "failed") for each in made])

    def shown() -> list[str]:
        return [json.loads(line)["id"] for line in process.text.splitlines()]

    before = log(1000.0, 1001.0, 1002.0)
    followed = ("calls", "--follow", "--json", "--status", "200", "--limit", "2")
    with running(*followed, environ=environ, output=tmp_path / "calls.log") as process:
        until(lambda: shown() == before[1:], "the latest two")
        log(1003.0, status=503)
        wanted = [*before[1:], *log(1004.0)]
        until(lambda: shown() == wanted, "the next one")
        wanted += log(1003.5)
        until(lambda: shown() == wanted, "one that was logged late")
        assert process.end(signal.SIGINT) == 130
    assert shown() == wanted
    assert connector("calls", "--follow", "--sync", "nosuch", environ=environ).code == 2
