"""The store as commands find and leave it: not migrated yet, not there, a wrong URL, and whole once they have ended."""

import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url

from connector.store import sqlite
from tests.processes import NOBODY_LISTENS, TOKEN, connector, environment, running, until

URL = "CONNECTOR__STORE__URL"
MESSAGE = {"user": {"id": "u1", "external_id": "1"}, "segments": [{"id": "Paying", "name": "Paying"}]}


def test_web_waits_for_the_tables_and_says_so(tmp_path: Path) -> None:
    environ = environment(tmp_path, NOBODY_LISTENS)
    with running("web", environ=environ, output=tmp_path / "web.log") as web:
        until(lambda: "waiting for `connector migrate`" in web.text, "it to say that it waits")
        url = web.text.partition("Listening: ")[2].partition(",")[0]
        post = {
            "url": f"{url}/v1/hull",
            "json": {"messages": [MESSAGE]},
            "headers": {"Authorization": f"Bearer {TOKEN}"},
        }
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/readyz").status_code == 503
        assert httpx.post(**post).status_code == 503

        assert connector("migrate", environ=environ).code == 0
        assert web.url == url
        assert httpx.post(**post).status_code == 200
        assert web.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["run", "web"])
def test_a_copy_of_the_file_alone_has_everything_once_it_was_stopped(
    tmp_path: Path, command: str, number: signal.Signals
) -> None:
    environ = environment(tmp_path, NOBODY_LISTENS)
    assert connector("migrate", environ=environ).code == 0
    with running(command, environ=environ, output=tmp_path / "run.log") as process:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert httpx.post(f"{process.url}/v1/hull", json={"messages": [MESSAGE]}, headers=headers).status_code == 200
        assert process.end(number) == 0
    assert people_in_a_copy(tmp_path, environ) == 1


def test_a_copy_of_the_file_alone_has_everything_that_was_sent(tmp_path: Path) -> None:
    environ = environment(tmp_path, NOBODY_LISTENS)
    sent = connector("send", "-", environ=environ, stdin=json.dumps(MESSAGE).encode())
    assert sent.code == 0, sent.err
    assert people_in_a_copy(tmp_path, environ) == 1


def people_in_a_copy(folder: Path, environ: dict[str, str]) -> int:
    store = Path(environ[URL].removeprefix("sqlite:///"))
    copy = shutil.copy(store, folder / "copy.db")
    reading = sqlite3.connect(copy)
    try:
        return int(reading.execute("SELECT count(*) FROM entity").fetchone()[0])
    finally:
        reading.close()


WRONG = {
    "postgresql+psycopg://u:hushpw@127.0.0.1:notaport/x": (2, "HOST:PORT"),
    "postgresql+psycopg://u:hushpw@127.0.0.1:99999/x": (2, "HOST:PORT"),
    "postgresql+psycopg://u:hushpw@[::1/x": (2, "IPv6"),
    "postgresql+psycopg://u@127.0.0.1:1/x?password=hushpw": (1, "failed"),
    "postgresql+psycopg://u@127.0.0.1:1/x?sslmode=require&sslpassword=hushpw": (1, "failed"),
    "postgresql+psycopg://u:hushpw@127.0.0.1:1/x?sslmode=bogus": (1, "sslmode"),
    "sqlite:////nonexistent/folder/x.db": (1, "the folder /nonexistent/folder is not there: make it"),
    "sqlite:///x.db?mode=ro": (2, "leave out what stands behind the ?"),
}


@pytest.mark.parametrize("command", ["migrate", "web", "run", "status", "diff"])
@pytest.mark.parametrize("url", WRONG)
def test_a_url_that_does_not_do_is_one_line_without_a_secret(tmp_path: Path, url: str, command: str) -> None:
    code, words = WRONG[url]
    ended = connector(command, environ=environment(tmp_path, NOBODY_LISTENS) | {URL: url})
    assert (ended.code, ended.out) == (code, "")
    assert len(ended.err.splitlines()) == 1
    assert words in ended.err
    assert "hushpw" not in ended.err


WRONG_BROKERS = {
    "amqp://u:hushpw@127.0.0.1:bad/": "HOST:PORT",
    "amqp://u@127.0.0.1:1/?password=hushpw": "no password behind the ?",
    "amqp://u:hushpw@127.0.0.1:1/;amqp://v@127.0.0.1:2/?userid=x&password=hushpw": "no password, userid behind the ?",
}


@pytest.mark.parametrize("url", WRONG_BROKERS)
def test_a_broker_s_url_that_does_not_do_is_one_line_without_a_secret(tmp_path: Path, url: str) -> None:
    environ = environment(tmp_path, NOBODY_LISTENS) | {"CONNECTOR__BROKER__URL": url}
    ended = connector("dead-letters", environ=environ)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert WRONG_BROKERS[url] in ended.err
    assert "hushpw" not in ended.err


def test_a_folder_that_may_not_be_written_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write everywhere, so this asks what is told where a program may not.
    monkeypatch.setattr(os, "access", lambda *_: False)
    told = sqlite.hint(make_url(f"sqlite:///{Path.cwd()}/x.db"))
    assert told == f" (this program may not write in the folder {Path.cwd()}: allow it, or name another one)"
