"""RabbitMQ that falls silent without a word, or takes nothing for want of memory: the fleet goes on by itself."""

import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.fleet import BROKER_AWAY, PUBLISHERS, SLOW_PACE, Fleet
from tests.lives import lives, shared_out
from tests.servers import RabbitMQ, eventually
from tests.silence import Way

BACK_SECONDS = 75.0
SILENCE = {*BROKER_AWAY, "amqp.exceptions.ConnectionForced", "TimeoutError", "socket.timeout"}


@pytest.fixture
def way(fleet: Fleet) -> Iterator[Way]:
    """The way by which a fleet of two workers and a beat reach RabbitMQ; upstream has another one."""
    url = fleet.servers.rabbitmq.url
    with Way(urlsplit(url).port or 5672) as way:
        fleet.dismiss()
        through = {"CONNECTOR__BROKER__URL": url.replace(f":{urlsplit(url).port}", f":{way.port}")}
        for _ in range(2):
            fleet.start_worker(**through)
        fleet.until_ready()
        fleet.start_beat(**through)
        yield way
        fleet.dismiss()


def test_a_broker_that_falls_silent_costs_nothing_but_time(fleet: Fleet, way: Way, prefix: str) -> None:
    told = lives(prefix)
    with fleet.flowing(*shared_out(told, PUBLISHERS), pace=SLOW_PACE):
        fleet.until_sent(500)
        way.fall_silent()
        before = fleet.simulator.summary()["items"]
        eventually(lambda: not way.speak_again(), 5)
    eventually(lambda: fleet.simulator.summary()["items"] > before + 500, BACK_SECONDS, every=0.25)
    fleet.check(told, errors=SILENCE)


def test_beat_rings_again_after_a_silence(fleet: Fleet, way: Way) -> None:
    """Doorbells that are rung while nobody reads the broker's queues are counted there."""
    fleet.end_workers()
    (beat,) = fleet.beats
    way.fall_silent()
    eventually(lambda: "It is tried again by itself" in beat.said, BACK_SECONDS, every=0.25)
    way.speak_again()
    rung = fleet.servers.queues()["upkeep"]
    eventually(lambda: fleet.servers.queues()["upkeep"] > rung + 2, BACK_SECONDS, every=0.5)


def test_a_backlog_drains_under_a_memory_alarm(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    assert fleet.end_workers() == [0, 0]
    with fleet.flowing(*shared_out(told, PUBLISHERS), pace=2000.0):
        pass
    try:
        watermark(fleet.servers.rabbitmq, "0.0000001")
        for _ in range(2):
            fleet.start_worker()
        fleet.check(told, errors=SILENCE)
    finally:
        watermark(fleet.servers.rabbitmq, "0.4")


def watermark(rabbitmq: RabbitMQ, fraction: str) -> None:
    """How much memory RabbitMQ may have before it takes nothing more."""
    command = ("rabbitmqctl", "--quiet", "set_vm_memory_high_watermark", fraction)
    subprocess.run(command, env=rabbitmq.environ(), check=True, capture_output=True, timeout=60)
