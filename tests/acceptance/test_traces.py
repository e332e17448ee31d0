"""Traces as a collector gets them: from `connector run`, and that one which is away or silent delays nobody."""

import signal
import time
from pathlib import Path

import httpx
import pytest

from connector.errors import SettingsError
from tests.collector import TRACE, TRACEPARENT, collecting
from tests.nursery import RUN_FIRST
from tests.processes import NOBODY_LISTENS, TOKEN, connector, environment, people, running, simulator, until
from tests.world import message

KEY = "key-of-the-collector"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
"""Spans are sent ten times a second; as OpenTelemetry has it, every five seconds."""


def telling(folder: Path, customerio: str, collector: str) -> dict[str, str]:
    """The surroundings of a program that tells this collector of traces."""
    ours = {
        "CONNECTOR__INTAKE__FORMAT": "native",
        "CONNECTOR__TELEMETRY__ENABLED": "true",
        "CONNECTOR__TELEMETRY__ENDPOINT": collector,
        "CONNECTOR__TELEMETRY__HEADERS": f"x-key={KEY}",
        "CONNECTOR__TELEMETRY__SERVICE_NAME": "connector-of-tests",
    }
    return environment(folder, customerio) | SOON | ours


def send(url: str, user: str) -> float:
    """Sends a message in upstream's trace; how many seconds the answer took."""
    began = time.monotonic()
    headers = {"Authorization": f"Bearer {TOKEN}", "traceparent": TRACEPARENT}
    answer = httpx.post(f"{url}/v1/changes", json=message(user, 1), headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return time.monotonic() - began


def test_one_trace_reaches_the_collector_from_upstreams_request_to_the_confirmed_one(tmp_path: Path) -> None:
    with simulator(tmp_path) as customerio, collecting() as collector:
        environ = telling(tmp_path, customerio, collector.url)
        with running("run", environ=environ, output=tmp_path / "run.log") as program:
            send(program.url, "u1")
            until(lambda: people(customerio), "u1 to be in Customer.io")
            assert program.end(signal.SIGTERM) == 0  # what is not sent yet is sent then
    spans = collector.of_trace(TRACE)
    [taken], [delivered], [request] = spans["take in"], spans["deliver"], spans["request"]
    assert taken.parent == TRACEPARENT.split("-")[2]
    assert (delivered.parent, request.parent) == (taken.id, delivered.id)
    assert request.attributes["connector.verdict"] == "settled"
    assert delivered.events["settled"] == {"connector.confirmed": 1}
    assert {headers["x-key"] for headers in collector.headers} == {KEY}
    assert collector.services == {"connector-of-tests"}
    assert KEY not in (tmp_path / "run.log").read_text()


@pytest.mark.parametrize("how", ["away", "silent"])
def test_a_collector_that_is_not_there_delays_no_message_and_no_end(tmp_path: Path, how: str) -> None:
    with simulator(tmp_path) as customerio, collecting(silent=True) as silent:
        environ = telling(tmp_path, customerio, NOBODY_LISTENS if how == "away" else silent.url)
        with running("run", environ=environ, output=tmp_path / "run.log") as program:
            for number in range(20):
                send(program.url, f"u{number}")
            until(lambda: len(people(customerio)) == 20, "everybody to be in Customer.io")
            assert program.end(signal.SIGTERM) == 0
            assert "Traceback" not in program.text


def test_where_the_extra_is_missing_the_program_says_what_to_install_and_does_not_start(tmp_path: Path) -> None:
    first = tmp_path / "first.py"
    first.write_text(
        "import sys\nsys.modules.pop('connector.tracing.spans', None)\nsys.modules['opentelemetry.sdk.trace'] = None\n"
    )
    environ = telling(tmp_path, NOBODY_LISTENS, NOBODY_LISTENS) | {RUN_FIRST: str(first)}
    for command in ("run", "web"):
        ended = connector(command, environ=environ)
        assert ended.code == SettingsError.exit_code
        assert "pip install 'audience-sync-connector[otel]'" in ended.err
