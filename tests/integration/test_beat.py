"""Beat and what RabbitMQ refuses: a line that says what to do, no end, no traceback, and rings once it is mended."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from amqp.exceptions import NotFound
from kombu import Connection, Queue

from connector.broker.queues import UPKEEP
from tests.forkserver import CELERY
from tests.integration.test_queue import Program, environment
from tests.integration.test_reader import control, other_user
from tests.servers import RabbitMQ, eventually, free_port
from tests.simulated import Simulated

__all__ = ["other_user"]


class Beats:
    """Starts a beat by an address of the broker's; `mended` waits until it rings."""

    def __init__(self, folder: Path, environ: dict[str, str], rabbitmq: RabbitMQ) -> None:
        self._folder = folder
        self._environ = environ
        self._rabbitmq = rabbitmq
        self.started: list[Program] = []

    def start(self, url: str) -> Program:
        environ = {**self._environ, "CONNECTOR__BROKER__URL": url}
        self.started.append(Program(self._folder, environ, *CELERY, "-A", "tasks", "beat", "--loglevel=INFO"))
        return self.started[-1]

    def mended(self) -> None:
        eventually(self._has_rung, 60, every=0.2)

    def _has_rung(self) -> bool:
        try:
            return self._rabbitmq.waiting(UPKEEP) > 0
        except NotFound:
            return False


@pytest.fixture
def beats(tmp_path: Path, rabbitmq: RabbitMQ, broker_url: str, file_url: str, simulator: Simulated) -> Iterator[Beats]:
    """Starts beats, and ends them."""
    beats = Beats(tmp_path, environment(tmp_path, simulator, store=file_url, broker={"url": broker_url}), rabbitmq)
    yield beats
    for each in beats.started:
        each.popen.kill()
        each.popen.wait()


def check(beat: Program, words: str) -> None:
    """It said so in very few lines, and ends in order."""
    assert beat.end() == 0
    assert "Traceback" not in beat.said
    assert beat.said.count(words) <= 2


def test_a_wrong_password_is_said_and_waited_for(beats: Beats, rabbitmq: RabbitMQ, other_user: str) -> None:
    control(rabbitmq, "set_permissions", other_user, ".*", ".*", ".*")
    place = f"127.0.0.1:{urlsplit(rabbitmq.url).port}"
    wrong = beats.start(f"amqp://{other_user}:wrong@{place}//")
    wrong.until_it_says("refuses the user or the password: put the right ones into [broker] url")
    control(rabbitmq, "change_password", other_user, "wrong")
    beats.mended()
    check(wrong, "refuses the user or the password")


def test_a_virtual_host_that_is_not_there_ends_no_beat(beats: Beats, rabbitmq: RabbitMQ, other_user: str) -> None:
    place = f"127.0.0.1:{urlsplit(rabbitmq.url).port}"
    nowhere = beats.start(f"amqp://{other_user}:right@{place}//nowhere")
    nowhere.until_it_says("has no such virtual host")
    check(nowhere, "has no such virtual host")


def test_a_permission_that_is_missing_is_said_and_waited_for(beats: Beats, rabbitmq: RabbitMQ, other_user: str) -> None:
    control(rabbitmq, "set_permissions", other_user, "", ".*", ".*")
    beat = beats.start(f"amqp://{other_user}:right@127.0.0.1:{urlsplit(rabbitmq.url).port}//")
    beat.until_it_says("lets this user not do what it must")
    control(rabbitmq, "set_permissions", other_user, ".*", ".*", ".*")
    beats.mended()
    check(beat, "lets this user not do what it must")


def test_a_queue_with_other_arguments_is_rung_at_as_it_is(beats: Beats, rabbitmq: RabbitMQ) -> None:
    rabbitmq.delete_queues(UPKEEP)
    with Connection(rabbitmq.url) as connection:
        Queue(UPKEEP, durable=True)(connection.channel()).declare()
    beat = beats.start(rabbitmq.url)
    beats.mended()
    rabbitmq.delete_queues(UPKEEP)
    assert "Traceback" not in beat.said


def test_a_broker_that_is_not_there_is_said_in_a_line(beats: Beats) -> None:
    beat = beats.start(f"amqp://guest:hush@127.0.0.1:{free_port()}//")
    beat.until_it_says("It is tried again by itself")
    check(beat, "It is tried again by itself")
    assert "hush" not in beat.said
