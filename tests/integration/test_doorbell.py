"""The doorbell on a real RabbitMQ: it rings, nobody waits for it, and it comes back whatever the broker did."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from amqp.exceptions import NotFound
from celery import Celery

from connector.audience.rules import Rules
from connector.broker.doorbell import Doorbell
from connector.broker.queues import queue
from connector.runtime import Runtime
from connector.store.engine import Store
from connector.web.app import create_app, served
from connector.web.server import serving
from tests.build_settings import TOKEN, build
from tests.servers import RabbitMQ, eventually, free_port
from tests.silent_proxy import SilentProxy
from tests.world import message

ANSWER_SECONDS = 2.0
"""What docs/reliability.md promises of an answer once a message is committed."""
MakeBell = Callable[[str], Doorbell]


@pytest.fixture
def make_bell() -> Iterator[MakeBell]:
    """Makes doorbells that wait a second for the broker, and closes them."""
    with ExitStack() as stack:

        def make(url: str) -> Doorbell:
            app = stack.enter_context(Celery("rings", broker=url, set_as_current=False))
            app.conf.broker_transport_options = {"confirm_publish": True}
            app.conf.task_queues = [queue("delivery", url)]
            app.conf.task_default_queue = "delivery"
            bell = Doorbell(app, 1.0)
            stack.callback(bell.close)
            return bell

        yield make


@pytest.fixture
def proxy(rabbitmq: RabbitMQ, broker_url: str) -> Iterator[SilentProxy]:
    with SilentProxy(rabbitmq.port) as proxy:
        yield proxy


def rung(rabbitmq: RabbitMQ) -> int:
    """How many rings wait for a worker."""
    try:
        return rabbitmq.waiting("delivery")
    except NotFound:
        return 0


def through(proxy: SilentProxy) -> str:
    return f"amqp://guest:guest@127.0.0.1:{proxy.port}//"


def rings_until(bell: Doorbell, done: Callable[[], bool]) -> None:
    """Rings now and then until that is true."""

    def ring() -> bool:
        bell(["main"])
        return done()

    eventually(ring, every=0.2)


@pytest.mark.usefixtures("broker_url")
def test_a_ring_for_each_sync_reaches_the_broker(make_bell: MakeBell, rabbitmq: RabbitMQ) -> None:
    make_bell(rabbitmq.url)(["one", "two"])
    eventually(lambda: rung(rabbitmq) == 2)


@pytest.mark.usefixtures("broker_url")
def test_rings_while_one_is_under_way_become_one(make_bell: MakeBell, rabbitmq: RabbitMQ) -> None:
    bell = make_bell(rabbitmq.url)
    for _ in range(1000):
        bell(["main"])
    bell(["last"])
    eventually(lambda: rung(rabbitmq) >= 2)
    bell.close()
    assert rung(rabbitmq) < 1000


def test_rings_come_through_again_once_the_broker_speaks_again(
    make_bell: MakeBell, rabbitmq: RabbitMQ, proxy: SilentProxy
) -> None:
    bell = make_bell(through(proxy))
    rings_until(bell, lambda: rung(rabbitmq) > 0)
    proxy.silence()
    bell(["main"])
    time.sleep(1.5)
    proxy.heal()
    before = rung(rabbitmq)
    rings_until(bell, lambda: rung(rabbitmq) > before)


def test_a_connection_that_the_broker_closed_costs_no_ring(
    make_bell: MakeBell, rabbitmq: RabbitMQ, broker_url: str
) -> None:
    bell = make_bell(broker_url)
    bell(["main"])
    eventually(lambda: rung(rabbitmq) == 1)
    rabbitmq.stop()
    rabbitmq.start()
    bell(["main"])
    eventually(lambda: rung(rabbitmq) == 2)


def test_a_doorbell_rings_in_a_process_that_was_forked_from_one_that_rang(
    make_bell: MakeBell, rabbitmq: RabbitMQ, broker_url: str
) -> None:
    bell = make_bell(broker_url)
    bell(["main"])
    eventually(lambda: rung(rabbitmq) == 1)
    child = os.fork()
    if child == 0:
        bell(["child"])
        time.sleep(5)
        os._exit(0)
    eventually(lambda: rung(rabbitmq) == 2)
    bell(["main"])
    eventually(lambda: rung(rabbitmq) == 3)
    os.waitpid(child, 0)


def test_closing_a_doorbell_of_a_silent_broker_takes_no_longer_than_a_moment(
    make_bell: MakeBell, proxy: SilentProxy
) -> None:
    proxy.silence()
    bell = make_bell(through(proxy))
    bell(["main"])
    started = time.monotonic()
    bell.close()
    assert time.monotonic() - started < ANSWER_SECONDS


# ---- The doors beside it ---------------------------------------------------------------------------------------------


class Doors:
    """Doors over a file, whose doorbell hangs on some broker."""

    def __init__(self, url: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.client = httpx.Client(base_url=url, headers=headers, timeout=30)
        self._number = 0

    def check(self) -> None:
        """Both doors answer as they must, the one while the other is at it."""
        self._number += 1
        alive: list[int] = []
        thread = threading.Thread(target=lambda: alive.append(self._timed("GET", "/healthz")))
        thread.start()
        assert self._timed("POST", "/v1/changes", json=message(f"u{self._number}", self._number)) == 200
        thread.join()
        assert alive == [200]

    def _timed(self, method: str, path: str, **body: object) -> int:
        started = time.monotonic()
        answer = self.client.request(method, path, **body)  # type: ignore[arg-type]
        assert time.monotonic() - started < ANSWER_SECONDS
        return answer.status_code


@pytest.fixture
def serve(make_bell: MakeBell, file_url: str, open_store: Callable[[str], Store]) -> Iterator[Callable[[str], Doors]]:
    with ExitStack() as stack:

        def start(broker: str) -> Doors:
            settings = build(web={"token": TOKEN})
            runtime = Runtime(settings, open_store(file_url), tuple(map(Rules.of, settings.syncs.values())))
            config = served(create_app(runtime, make_bell(broker)))
            doors = Doors(stack.enter_context(serving(config, "127.0.0.1", 0)))
            stack.callback(doors.client.close)
            return doors

        yield start


def test_the_doors_answer_while_nobody_listens_at_the_brokers_port(serve: Callable[[str], Doors]) -> None:
    doors = serve(f"amqp://guest:guest@127.0.0.1:{free_port()}//")
    for _ in range(5):
        doors.check()


def test_the_doors_answer_while_the_broker_is_silent_from_the_beginning(
    serve: Callable[[str], Doors], proxy: SilentProxy
) -> None:
    proxy.silence()
    doors = serve(through(proxy))
    for _ in range(5):
        doors.check()


def test_the_doors_answer_while_a_broker_falls_silent(
    serve: Callable[[str], Doors], proxy: SilentProxy, rabbitmq: RabbitMQ
) -> None:
    doors = serve(through(proxy))
    doors.check()
    eventually(lambda: rung(rabbitmq) > 0)
    proxy.silence()
    for _ in range(5):
        doors.check()


def test_the_doors_answer_while_the_broker_is_stopped_and_started(
    serve: Callable[[str], Doors], rabbitmq: RabbitMQ, broker_url: str
) -> None:
    doors = serve(broker_url)
    doors.check()
    eventually(lambda: rung(rabbitmq) > 0)
    before = rung(rabbitmq)
    rabbitmq.stop()
    try:
        for _ in range(5):
            doors.check()
    finally:
        rabbitmq.start()

    def again() -> bool:
        doors.check()
        return rung(rabbitmq) > before

    eventually(again, every=0.3)
