"""`connector demo --fleet`: what `make fleet` shows."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import SHIPPED_SETTINGS, Running, bare_environment, check_text, connector, running, until
from tests.servers import Postgres, RabbitMQ

SETTINGS = ("--settings", SHIPPED_SETTINGS)
LOGS = {"web.log", "worker-1.log", "worker-2.log", "beat.log", "simulator.log", "migration.log"}


@pytest.fixture(autouse=True)
def _installed() -> None:
    """The demo's servers can run here; else the test is skipped, and with CI=true fails."""
    for server in (Postgres(), RabbitMQ()):
        server.close()


def test_fleet_demo_once(tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    options = ("--once", *SETTINGS, "--folder", folder)
    with running("demo", "--fleet", *options, environ=bare_environment(), output=tmp_path / "demo.log") as demo:
        code = demo.popen.wait(180)
    assert code == 0, demo.text
    assert "Customer.io holds exactly what it must." in demo.text
    check_text(demo.text)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in demo.text.splitlines() if line.count("│") == 4]
    shown = {what: int(count.replace(",", "")) for what, count, _ in rows if count}
    assert shown["people in Customer.io (main)"] == 189
    assert shown["messages"] >= 1124
    # Whoever came and left before their turn was never created.
    assert shown.get("deleted", 0) == shown["created"] - 189
    assert shown["events sent"] + shown.get("events dropped", 0) == shown["events accepted"]
    assert {path.name for path in folder.glob("*.log")} == LOGS
    for log in folder.glob("*.log"):
        check_text(log.read_text())
    assert processes_under(tmp_path) == []
    assert listening(demo) == []


def test_fleet_demo_ended_in_the_middle_ends_everything_it_started(tmp_path: Path) -> None:
    with in_the_middle(tmp_path) as demo:
        code = demo.end(signal.SIGTERM)
        left = processes_under(tmp_path)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert (left, listening(demo), code) == ([], [], 143)
        check_text(demo.text)


def test_a_process_that_dies_ends_the_demo_with_the_end_of_its_log(tmp_path: Path) -> None:
    with in_the_middle(tmp_path) as demo:
        os.kill(writer_of(tmp_path / "fleet" / "beat.log"), signal.SIGKILL)
        assert demo.popen.wait(120) == 1
        assert "the beat ended with -9:" in demo.text
        assert (processes_under(tmp_path), listening(demo)) == ([], [])
        check_text(demo.text)


def test_where_the_servers_are_not_installed_one_line_says_what_to_install(tmp_path: Path) -> None:
    environ = bare_environment() | {"PATH": str(tmp_path)}
    ended = connector("demo", "--fleet", *SETTINGS, "--folder", tmp_path / "fleet", environ=environ)
    assert ended.code == 1
    assert ended.err == "RabbitMQ is not on this machine: apt install postgresql rabbitmq-server\n"
    assert ended.out == ""


def test_a_folder_of_somebody_else_is_not_emptied(tmp_path: Path) -> None:
    theirs = tmp_path / "letter.txt"
    theirs.write_text("dear all")
    ended = connector("demo", "--fleet", *SETTINGS, "--folder", tmp_path, environ=bare_environment())
    assert ended.code == 1
    assert "give another --folder" in ended.err
    assert theirs.read_text() == "dear all"


@contextmanager
def in_the_middle(tmp_path: Path) -> Iterator[Running]:
    """The demo, all of it started, and nothing delivered yet or not much."""
    arguments = ("demo", "--fleet", *SETTINGS, "--folder", tmp_path / "fleet")
    with running(*arguments, environ=bare_environment(), output=tmp_path / "demo.log") as demo:
        until(lambda: "The connector:" in demo.text, "the demo's processes", 120)
        assert len(processes_under(tmp_path)) > len(LOGS)
        yield demo


def processes_under(folder: Path) -> list[int]:
    """The processes that write their logs into this folder, or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            error_output = (process / "fd" / "2").readlink()
        except OSError:  # it has ended, or is somebody else's
            continue
        if error_output.is_relative_to(folder):
            found.append(int(process.name))
    return found


def listening(demo: Running) -> list[str]:
    """The servers, of those that the demo said it has started, that somebody answers for."""
    places = re.findall(r"^(PostgreSQL|RabbitMQ): +127\.0\.0\.1:(\d+)$", demo.text, re.MULTILINE)
    assert len(places) == 2
    return [name for name, port in places if _answers(int(port))]


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def writer_of(log: Path) -> int:
    """The process that writes this log."""
    (pid,) = processes_under(log)
    return pid
