"""Embedded mode under kill -9, SIGTERM and a full disk, at random moments of the sample: nothing is lost or doubled."""

import gzip
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Self

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from connector.demo.expected import differences, load
from connector.errors import StoreError
from connector.model.problem import EVERY_SYNC
from connector.store import overview, tallies
from connector.store.engine import Store
from tests.budget import seeds
from tests.moments import chance
from tests.processes import (
    SAMPLE,
    TOKEN,
    Running,
    check_text,
    connector,
    environment,
    people,
    running,
    simulator,
    until,
)

NOTIFICATIONS = gzip.decompress(SAMPLE.read_bytes()).splitlines()
SENDERS = 4


@pytest.fixture(scope="module")
def customerio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with simulator(tmp_path_factory.mktemp("simulator"), "--latency", 0.005) as url:
        yield url


@pytest.fixture
def empty_customerio(customerio: str) -> str:
    httpx.post(f"{customerio}/_simulator/reset").raise_for_status()
    return customerio


class Upstream:
    """Sends the notifications, several at a time, each again and again until it is answered 200."""

    def __init__(self, notifications: list[bytes]) -> None:
        self.waiting: SimpleQueue[bytes] = SimpleQueue()
        for notification in notifications:
            self.waiting.put(notification)
        self.total = len(notifications)
        self.answers: Counter[int] = Counter()
        self.url: str | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._send_all, daemon=True) for _ in range(SENDERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    @property
    def taken(self) -> int:
        return self.answers[200]

    def _send_all(self) -> None:
        with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as client:
            while not self._stopped.is_set():
                try:
                    notification = self.waiting.get_nowait()
                except Empty:
                    time.sleep(0.01)
                    continue
                answered = self._send(client, notification)
                if answered != 200:
                    self.waiting.put(notification)
                    time.sleep(0.02)
                with self._lock:
                    self.answers[answered] += 1

    def _send(self, client: httpx.Client, notification: bytes) -> int:
        """The status of the answer, 0 where there was none."""
        try:
            return client.post(f"{self.url}/v1/hull", content=notification).status_code if self.url else 0
        except httpx.TransportError:
            return 0


class Embedded:
    """`connector run` on one store, started again and again."""

    def __init__(self, folder: Path, customerio: str) -> None:
        self.environ = environment(folder, customerio)
        self.store = Store(self.environ["CONNECTOR__STORE__URL"])
        self.output = folder / "connector.log"
        self._folder = folder
        self._starts = 0

    def start(self, stack: ExitStack, limit: int | None = None) -> Running:
        self._starts += 1
        output = self._folder / f"connector-{self._starts}.log"
        return stack.enter_context(running("run", environ=self.environ, output=output, limit=limit))

    def due(self) -> int:
        with self.store.reading() as tx:
            found = overview.of(tx, "main")
            return found.due + found.events_owed

    def messages(self) -> int:
        try:
            with self.store.reading() as tx:
                return tallies.tallies(tx, EVERY_SYNC).get("messages", 0)
        except (StoreError, OperationalError):  # there are no tables yet
            return 0


@pytest.fixture
def embedded(tmp_path: Path, empty_customerio: str) -> Iterator[Embedded]:
    connector = Embedded(tmp_path, empty_customerio)
    yield connector
    connector.store.close()


def assert_holds_what_it_must(customerio: str) -> None:
    held = people(customerio)
    assert differences(load(), held) == []
    ids = Counter(event["id"] for person in held for event in person["events"])
    assert [event_id for event_id, times in ids.items() if times > 1] == []


def settled(embedded: Embedded) -> None:
    until(lambda: embedded.due() == 0, "everything to be delivered")


@pytest.mark.search
@pytest.mark.parametrize("seed", seeds(1))
@pytest.mark.parametrize(("number", "times", "exit_code"), [(signal.SIGKILL, 3, -9), (signal.SIGTERM, 2, 0)])
def test_ended_in_the_middle_and_started_again(
    embedded: Embedded, empty_customerio: str, seed: int, number: signal.Signals, times: int, exit_code: int
) -> None:
    random = chance(seed)
    moments = sorted(random.sample(range(10, len(NOTIFICATIONS) - 10), times))
    with ExitStack() as stack, Upstream(NOTIFICATIONS) as upstream:
        for moment in moments:
            process = embedded.start(stack)
            upstream.url = process.url
            until(lambda moment=moment: upstream.taken >= moment, f"{moment} notifications to be taken")
            time.sleep(random.uniform(0, 0.03))
            assert process.end(number) == exit_code
            check_text(process.text)
        upstream.url = embedded.start(stack).url
        until(lambda: upstream.taken == upstream.total, "all notifications to be taken")
        settled(embedded)
    assert upstream.answers[0] >= 1
    assert_holds_what_it_must(empty_customerio)


def test_send_killed_half_way_and_done_again(embedded: Embedded, empty_customerio: str, tmp_path: Path) -> None:
    file = tmp_path / "several-times.ndjson"
    file.write_bytes(b"\n".join(NOTIFICATIONS * 6))
    output = tmp_path / "send.log"
    with running("send", file, environ=embedded.environ, output=output) as sending:
        until(embedded.messages, "the first batch to be in the store")
        assert sending.end(signal.SIGKILL) == -9
    half_way = embedded.messages()
    assert 0 < half_way < 6 * len(NOTIFICATIONS)
    assert connector("send", file, environ=embedded.environ).code == 0
    assert embedded.messages() > half_way
    with ExitStack() as stack:
        embedded.start(stack)
        settled(embedded)
    assert_holds_what_it_must(empty_customerio)


# --- a full disk -----------------------------------------------------------------------------------------------------

LIMIT = 2200  # blocks of 512 bytes: enough for the tables and some notifications


def test_full_disk_acknowledges_nothing_and_loses_nothing(embedded: Embedded, empty_customerio: str) -> None:
    with ExitStack() as stack, Upstream(NOTIFICATIONS) as upstream:
        full = embedded.start(stack, LIMIT)
        upstream.url = full.url
        until(lambda: upstream.answers[503] >= 20, "the disk to be full")
        answer = httpx.post(
            f"{full.url}/v1/hull", content=NOTIFICATIONS[0], headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
        )
        assert (answer.status_code, answer.json()["flow_control"]["type"]) == (503, "retry")
        assert answer.headers["retry-after"]
        assert upstream.taken < upstream.total
        assert set(upstream.answers) <= {0, 200, 503}
        assert httpx.get(f"{full.url}/healthz").status_code == 200
        assert full.end(signal.SIGTERM) == 0
        check_text(full.text)
        upstream.url = embedded.start(stack).url  # there is room again
        until(lambda: upstream.taken == upstream.total, "all notifications to be taken")
        settled(embedded)
    assert_holds_what_it_must(empty_customerio)


def test_send_on_a_full_disk_says_so_in_a_line(embedded: Embedded, tmp_path: Path) -> None:
    output = tmp_path / "send.log"
    with running("send", SAMPLE, environ=embedded.environ, output=output, limit=300) as sending:
        assert sending.popen.wait(60) == 1
    check_text(sending.text)
    assert [line for line in sending.text.splitlines() if "the store" in line and "failed" in line]
