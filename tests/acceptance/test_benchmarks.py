"""The benchmarks run from end to end on a few notifications; how fast it is, is not for a test to say.

They share servers and a fleet, which each of them otherwise starts for itself: that takes longer than measuring. It is
the fleet of the first command, `fleet`, which starts one, fills its store, and measures another one on that.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from importlib.util import find_spec
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import parts, race
from benchmarks.fleet import Fleet, working
from benchmarks.stage import Stage, staged
from connector.errors import ConnectorError
from tests.processes import ROOT

_SECONDS = 300.0
_NOT_INSTALLED = ("is not on this machine", "is not installed")
_BEFORE = ("--changes", "500", "--before", "2000", "--workers", "1", "--concurrency", "1")
CLIENTS = pytest.mark.skipif(not find_spec("customerio"), reason="`make bench` installs the clients to compare with")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with ExitStack() as servers:
        try:
            stage = servers.enter_context(staged())
        except ConnectorError as error:
            _skip_where_not_installed(str(error))
            raise
        yield stage


@pytest.fixture(scope="module")
def measured(stage: Stage) -> Iterator[tuple[dict[str, Any], Fleet]]:
    """What `fleet` finds on a store that has people already; the fleet that it was found with works on."""
    fleets: list[Fleet] = []
    with ExitStack() as kept, pytest.MonkeyPatch.context() as patch:

        def works_on(*given: Any) -> AbstractContextManager[Fleet]:
            fleets.append(kept.enter_context(working(*given)))
            return nullcontext(fleets[-1])

        def fills_the_store(*given: Any) -> AbstractContextManager[Fleet]:
            patch.setattr(command, "working", works_on)
            return working(*given)

        patch.setattr(command, "staged", lambda **_: nullcontext(stage))
        patch.setattr(command, "working", fills_the_store)
        yield found("fleet", *_BEFORE), fleets[0]


@pytest.fixture
def _shared(stage: Stage, measured: tuple[dict[str, Any], Fleet], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Benchmarks take the servers and the fleet that are there; whose CPU is counted is as before afterwards."""
    monkeypatch.setattr(parts, "staged", lambda: nullcontext(stage))
    monkeypatch.setattr(parts, "_fleet", lambda: nullcontext(measured[1]))
    monkeypatch.setattr(race, "working", lambda *_: nullcontext(measured[1]))
    counted = dict(stage.processes)
    yield
    stage.processes.clear()
    stage.processes.update(counted)


def found(*arguments: str) -> dict[str, Any]:
    """What a benchmark prints, by name; it must succeed."""
    done = CliRunner().invoke(command.app, arguments)
    assert done.exit_code == 0, done.exception
    return figures(done.output)


def figures(output: str) -> dict[str, Any]:
    pairs = [line.strip().split(": ", 1) for line in output.splitlines() if ": " in line]
    return {name: json.loads(value) for name, value in pairs}


def _skip_where_not_installed(error: str) -> None:
    if any(words in error for words in _NOT_INSTALLED):
        pytest.skip(error.strip())


def test_the_fleet_is_measured_on_a_store_that_has_people_already(measured: tuple[dict[str, Any], Fleet]) -> None:
    figures, _ = measured

    assert figures["changes"] == 500
    assert figures["operations"] >= 150
    assert figures["storage"]["people"] >= 2000
    assert figures["postgres"]["wal_bytes"] > 0


@pytest.mark.usefixtures("_shared")
def test_order_is_measured_as_people_who_are_wrong_at_the_end() -> None:
    figures = found("run", "order", "--scale", "0.01")

    assert [run["users"] for run in figures["runs"]] == [60] * 4
    assert all(0 <= run["wrong"] <= 60 for run in figures["runs"])


@pytest.mark.usefixtures("_shared")
def test_latency_is_measured_beside_a_backfill() -> None:
    figures = found("run", "latency beside a backfill", "--scale", "0.01")

    assert figures["backfill"] == 1000
    assert figures["measured"] > 100
    waits = figures["milliseconds"]
    assert 0 < waits["median"] <= waits["p99"] <= waits["most"]


@pytest.mark.usefixtures("_shared")
def test_files_are_measured_from_the_command_to_the_end() -> None:
    figures = found("run", "embedded", "table", "--scale", "0.01")

    assert figures["changes"] == 400
    assert figures["rows"] == 2000


@CLIENTS
@pytest.mark.usefixtures("_shared")
def test_the_fleet_and_the_script_take_turns() -> None:
    figures = found("run", "race", "--scale", "0.01")

    assert len(figures["rounds"]) == len(figures["script"]["rounds"]) == 3
    assert figures["celery"]["requests"] == 20


def test_the_command_as_people_start_it_lists_them() -> None:
    done = typed("list")

    assert done.returncode == 0, done.stderr
    assert [line[:26].strip() for line in done.stdout.splitlines()] == list(parts.PARTS)


def test_a_benchmark_that_there_is_not_is_named_with_those_that_there_are() -> None:
    done = typed("run", "speed")

    assert done.returncode != 0
    assert "there is no benchmark 'speed': there are race, " in done.stderr
    assert "Traceback" not in done.stderr


def typed(*arguments: str) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False)
