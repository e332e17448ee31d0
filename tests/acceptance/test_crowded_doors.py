"""`connector run` with the usual thousand open files, and more clients than that."""

import re
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.processes import CONNECTOR, TOKEN, Running, check_text, connector, environment, started, until

USUAL_FILES = 1024
BODY = 9_000_000
MOST_MORE_BYTES = 200_000_000
MOST_KEPT_BYTES = 20_000_000
CHANGE = {"user": {"id": "u1", "email": "u1@example.com"}, "segments": ["Paying"], "version": 1}


@pytest.fixture
def process(tmp_path: Path, customerio: str) -> Iterator[Running]:
    """The embedded mode, that may open as many files as a shell usually allows."""
    secret = {"CONNECTOR__WEB__SEGMENT_SECRET": "a-secret"}
    command = ["sh", "-c", f'ulimit -n {USUAL_FILES}; exec "$@"', "sh", CONNECTOR, "run"]
    environ = environment(tmp_path, customerio) | secret
    with started(command, environ=environ, output=tmp_path / "run.log") as process:
        assert process.url
        yield process


@pytest.fixture
def crowd(process: Running) -> Iterator["Crowd"]:
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, max(files, 4096)), most))
    with ExitStack() as stack:
        yield Crowd(process, stack)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))


class Crowd:
    """Clients that keep their connections."""

    def __init__(self, process: Running, stack: ExitStack) -> None:
        self._process = process
        self._url = httpx.URL(process.url)
        self._stack = stack

    def connect(self, count: int, first: bytes = b"") -> None:
        for _ in range(count):
            each = self._stack.enter_context(socket.create_connection((self._url.host, self._url.port), timeout=20))
            if first:
                each.sendall(first)

    def others_are_served(self) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{self._url}/healthz", timeout=10).status_code == 200
        assert httpx.post(f"{self._url}/v1/changes", json=CHANGE, headers=headers, timeout=10).status_code == 200

    def memory(self) -> int:
        """The bytes that the process holds."""
        status = Path(f"/proc/{self._process.popen.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024


def test_eleven_hundred_idle_connections_keep_nobody_out(process: Running, crowd: Crowd) -> None:
    crowd.connect(1100)
    crowd.others_are_served()
    until(lambda: "crowded_out" in process.text, "the log to say so")
    check_text(process.text)
    assert process.text.count("turned away") <= 2


def test_a_hundred_unsigned_bodies_of_nine_megabytes_take_neither_memory_nor_time_of_others(
    process: Running, crowd: Crowd
) -> None:
    crowd.others_are_served()
    before = crowd.memory()
    head = f"POST /v1/segment/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY}\r\n\r\n".encode()
    crowd.connect(100, head + b" " * 60_000)
    for _ in range(5):
        crowd.others_are_served()
    assert crowd.memory() < before + MOST_MORE_BYTES
    check_text(process.text)


def test_nine_megabytes_of_junk_lines_leave_samples_and_a_count(
    process: Running, crowd: Crowd, tmp_path: Path, customerio: str
) -> None:
    lines = b"".join(b"junk line %08d %s\n" % (number, b"x" * 80) for number in range(90_000)) + b"{}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = httpx.post(f"{process.url}/v1/changes", content=lines, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["unreadable"]) == (200, 90_001)
    crowd.others_are_served()
    assert sum(file.stat().st_size for file in tmp_path.glob("connector.db*")) < MOST_KEPT_BYTES

    listed = connector("problems", "--limit", 5000, "--json", environ=environment(tmp_path, customerio)).rows()
    assert len(listed) < 2000
    assert sum(each["times"] for each in listed) == 90_001
