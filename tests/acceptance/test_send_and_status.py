"""`connector send`, `status`, `migrate` and `resume`: files into the store, and what the store then says of itself."""

import gzip
import json
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.store import connection_health, named_leases
from connector.store.connection_health import Health
from connector.store.engine import Store
from connector.store.migrate import migrate
from tasks.reader.held_queue import Hold
from tests.processes import SAMPLE, Ended, connector, environment, people, running, until

PAYING = {"id": "s-1", "name": "Paying"}
OVERVIEW = {
    "people", "due", "events_owed", "waiting_for_identifier", "deletions_held", "manual_segments", "objects",
    "objects_due", "relationships", "oldest_due_seconds", "tallies",
}  # fmt: skip
NEVER = {"failing_since": None, "last_success_at": None}
"""Of a connection that nothing was sent to yet."""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path)


def message(number: int) -> dict[str, Any]:
    user = {"id": f"u-{number}", "external_id": f"{number}", "indexed_at": "2026-09-01T10:00:00Z"}
    return {"user": user, "segments": [PAYING]}


NDJSON = b"".join(json.dumps(message(number)).encode() + b"\n" for number in (1, 2, 3)) + b"no message\n"
LIST = json.dumps([message(number) for number in (1, 2, 3)]).encode()


def status(environ: Mapping[str, str]) -> dict[str, Any]:
    (found,) = connector("status", "--json", environ=environ).rows()
    return found


def sent(ended: Ended) -> dict[str, Any]:
    assert (ended.code, ended.err) == (0, "")
    (row,) = ended.rows()
    assert row.pop("seconds") >= 0
    return row


@pytest.mark.parametrize(
    ("content", "unreadable"), [(NDJSON, 1), (gzip.compress(NDJSON), 1), (LIST, 0)], ids=["ndjson", "gzip", "list"]
)
def test_send_a_file(tmp_path: Path, environ: dict[str, str], content: bytes, unreadable: int) -> None:
    file = tmp_path / "messages"
    file.write_bytes(content)
    assert sent(connector("send", file, "--json", environ=environ)) == {"changes": 3, "unreadable": unreadable}


def test_send_standard_input_in_the_native_form(environ: dict[str, str]) -> None:
    told = b'{"user": {"id": "u-1", "external_id": "1"}, "segments": ["Paying"]}\n'
    found = sent(connector("send", "-", "--format", "native", "--json", environ=environ, stdin=told * 2))
    assert found == {"changes": 2, "unreadable": 0}


def test_whom_hull_brought_is_only_known_from_its_own_messages(tmp_path: Path, environ: dict[str, str]) -> None:
    file = tmp_path / "messages.ndjson"
    brought = {**message(1), "segments": []}
    brought["user"] |= {"traits_customerio/id": "1", "traits_customerio/created_at": 1}
    file.write_text(json.dumps(brought))
    ended = connector("send", file, "--brought-by-hull", environ=environ)
    assert (ended.code, ended.err) == (0, "1 of these users Customer.io may have from Hull: they are due\n")
    refused = connector("send", file, "--brought-by-hull", "--format", "native", environ=environ)
    assert (refused.code, refused.out) == (2, "")
    assert "give --format hull" in refused.err


def test_send_for_people_and_again(tmp_path: Path, environ: dict[str, str]) -> None:
    file = tmp_path / "messages.ndjson"
    file.write_bytes(NDJSON)
    for _ in range(2):
        ended = connector("send", file, environ=environ)
        assert ended.code == 0
        assert ended.out.startswith("3 messages taken in (")
        assert "1 could not be read" in ended.out
    found = status(environ)
    assert found["messages"] == {"messages": 8, "unreadable": 2}
    assert (found["syncs"]["main"]["due"], found["problems"]) == (3, {"unreadable": 1})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read (No such file or directory)"),
        (gzip.compress(NDJSON * 100)[:-20], "the file is not whole"),
        (LIST[:-5], "the list in the file is not JSON"),
    ],
    ids=["missing", "cut gzip", "cut list"],
)
def test_send_what_is_no_file_of_messages(
    tmp_path: Path, environ: dict[str, str], content: bytes | None, says: str
) -> None:
    file = tmp_path / "messages"
    if content is not None:
        file.write_bytes(content)
    ended = connector("send", file, environ=environ)
    assert (ended.code, ended.out) == (1, "")
    assert says in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_send_where_no_store_can_be(tmp_path: Path) -> None:
    ended = connector("send", SAMPLE, environ=environment(tmp_path / "none"))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("the store sqlite:///")
    assert "unable to open database file" in ended.err


# --- the store -------------------------------------------------------------------------------------------------------


def test_migrate_twice_and_status_between(environ: dict[str, str]) -> None:
    before = connector("status", environ=environ)
    assert (before.code, before.out) == (1, "")
    assert before.err.strip().endswith("has no tables of this version yet: run `connector migrate`")
    assert connector("migrate", environ=environ).out.strip().endswith("migrated")
    assert connector("migrate", environ=environ).out.strip().endswith("up to date")
    found = status(environ)
    assert found.keys() == {
        "state", "sentence", "needs_somebody", "store", "syncs", "messages", "connections", "queues", "problems",
        "processes", "gone", "out", "exports", "alerts", "channels", "freshness",
    }  # fmt: skip
    assert (found["state"], found["sentence"]) == ("not running", "Nothing waits, and nobody runs here")
    assert found["store"] == environ["CONNECTOR__STORE__URL"]
    assert found["syncs"]["main"].keys() == OVERVIEW
    assert found["connections"] == {"main": {"paused": False, **NEVER}}
    assert (found["messages"], found["problems"]) == ({}, {})


@pytest.fixture
def store(environ: dict[str, str]) -> Iterator[Store]:
    opened = Store(environ["CONNECTOR__STORE__URL"])
    migrate(opened)
    yield opened
    opened.close()


def test_status_says_who_reads_each_queue_and_which_is_held(environ: dict[str, str], store: Store) -> None:
    fleet = environ | {"CONNECTOR__BROKER__URL": "amqp://guest:guest@127.0.0.1:9//"}
    Hold(store, "segment-changes").begin("KeyError: everybody's", 3)
    with store.writing() as tx:
        named_leases.take(tx, f"{named_leases.QUEUE}changes", "host-1 77.1 abc/1", store.now(tx), 60.0)
    queues = status(fleet)["queues"]
    assert queues["segment-changes"]["held"] == "KeyError: everybody's"
    assert queues["changes"]["held"] is None
    shown = connector("status", environ=fleet).out
    assert "queue segment-changes: held for" in shown
    assert "nothing is lost: KeyError: everybody's" in shown
    assert "queue changes: read by host-1" in shown


def test_resume(environ: dict[str, str], store: Store) -> None:
    with store.writing() as tx:
        connection_health.pause(tx, "main", Health(float("inf"), "Customer.io answered 401", 1))
    paused = {"paused": True, "reason": "Customer.io answered 401", "seconds_left": None, "needs_resume": True}
    assert status(environ)["connections"] == {"main": {**paused, **NEVER}}
    assert "main: paused until its credentials are taken (tried once a minute), or `connector resume main`" in (
        connector("status", environ=environ).out
    )
    assert connector("resume", "main", environ=environ).out == "main: resumed\n"
    assert connector("resume", "main", environ=environ).out == "main: was not paused\n"
    unknown = connector("resume", "other", environ=environ)
    assert (unknown.code, unknown.err) == (2, "there is no connection 'other': the settings name main\n")


# --- all the way -----------------------------------------------------------------------------------------------------


def test_sent_while_running_is_delivered(tmp_path: Path, customerio: str) -> None:
    environ = environment(tmp_path, customerio)
    file = tmp_path / "messages.ndjson"
    file.write_bytes(NDJSON)
    with running("run", environ=environ, output=tmp_path / "run.log") as process:
        assert httpx.get(f"{process.url}/readyz").status_code == 200
        assert connector("send", file, environ=environ).code == 0
        until(lambda: len(people(customerio)) == 3, "three people in Customer.io")
        assert process.end(signal.SIGTERM) == 0
    found = status(environ)["syncs"]["main"]
    assert (found["people"], found["due"], found["tallies"]["created"]) == (3, 0, 3)
    shown = connector("status", environ=environ).out
    assert "created" in shown
    assert "main: open" in shown


def test_refused_credentials_pause_until_resumed(tmp_path: Path, customerio: str) -> None:
    environ = environment(tmp_path, customerio)
    httpx.post(f"{customerio}/_simulator/faults", json=[{"status": 401}]).raise_for_status()
    with running("run", environ=environ, output=tmp_path / "run.log") as process:
        assert process.url
        connector("send", "-", environ=environ, stdin=NDJSON)
        until(lambda: "connection paused" in process.text, "a pause")
        httpx.post(f"{customerio}/_simulator/faults", json=[]).raise_for_status()
        assert people(customerio) == []
        assert connector("resume", "main", environ=environ).out == "main: resumed\n"
        until(lambda: len(people(customerio)) == 3, "three people in Customer.io")
