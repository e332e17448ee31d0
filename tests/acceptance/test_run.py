"""`connector run`: what it refuses to start with, and that there is only one of it on a store."""

import signal
from pathlib import Path

import httpx
import pytest

from tests.processes import TOKEN, check_text, connector, environment, running

SITE_ID = "CONNECTOR__CONNECTIONS__MAIN__SITE_ID"
API_KEY = "CONNECTOR__CONNECTIONS__MAIN__API_KEY"


def test_missing_credentials_are_named(tmp_path: Path) -> None:
    ended = connector("run", environ=environment(tmp_path) | {SITE_ID: "", API_KEY: ""})
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [f"{name} is not set: Customer.io asks for it" for name in (SITE_ID, API_KEY)]


def test_wrong_broker(tmp_path: Path) -> None:
    environ = environment(tmp_path) | {"CONNECTOR__BROKER__URL": "amqp://guest:secret@127.0.0.1"}
    ended = connector("run", environ=environ)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("broker.url: `connector run` is the embedded mode, with memory://")
    assert "secret" not in ended.err


def test_second_on_the_same_store_is_told_so(tmp_path: Path, customerio: str) -> None:
    environ = environment(tmp_path, customerio)
    with running("run", environ=environ, output=tmp_path / "run.log") as first:
        door = f"{first.url}/v1/hull"
        second = connector("run", environ=environ)
        assert (second.code, second.out) == (1, "")
        assert second.err.startswith("another `connector run` works on sqlite:///")
        assert len(second.err.splitlines()) == 1
        assert httpx.post(door, json={"messages": []}).status_code == 401
        answer = httpx.post(door, json={"messages": []}, headers={"Authorization": f"Bearer {TOKEN}"})
        assert (answer.status_code, answer.json()["flow_control"]["type"]) == (200, "next")
        assert first.end(signal.SIGINT) == 0
        check_text(first.text)
    with running("run", environ=environ, output=tmp_path / "again.log") as again:
        assert httpx.get(f"{again.url}/healthz").json() == {"status": "ok"}


def test_taken_port_is_a_line(tmp_path: Path, customerio: str) -> None:
    port = customerio.rpartition(":")[2]
    ended = connector("run", environ=environment(tmp_path, customerio) | {"CONNECTOR__WEB__PORT": port})
    assert (ended.code, ended.out) == (1, "")
    line = ended.err.splitlines()[-1]
    assert f":{port}" in line or f"port {port}" in line


@pytest.mark.parametrize("variable", ["CONNECTOR__LOG__LEVEL"])
def test_log_is_json_without_a_terminal(tmp_path: Path, customerio: str, variable: str) -> None:
    environ = environment(tmp_path, customerio) | {variable: "debug"}
    with running("run", environ=environ, output=tmp_path / "run.log") as process:
        assert process.url
        assert process.end(signal.SIGTERM) == 0
        lines = [line for line in process.text.splitlines() if not line.startswith("Ready: ")]
        assert lines
        assert [line for line in lines if not line.startswith("{")] == []
