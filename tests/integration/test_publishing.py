"""Publishing to a real RabbitMQ: each message confirmed, through restarts, refusals and lost queues."""

import gzip
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from kombu import Connection

from connector.broker import publisher as publishing
from connector.broker import queues
from connector.broker.publisher import ConfirmWindow, Publisher
from connector.errors import ConnectorError, SettingsError
from tests.build_settings import values, write
from tests.processes import Ended, bare_environment, connector
from tests.servers import RabbitMQ, eventually, free_port

NAME = "test-publishing"
BACKFILL = "test-publishing-backfill"


@pytest.fixture
def url(rabbitmq: RabbitMQ) -> str:
    """The URL of a RabbitMQ that does not hold our queues yet."""
    rabbitmq.delete_queues(NAME, BACKFILL)
    return rabbitmq.url


def bodies(count: int) -> list[bytes]:
    return [json.dumps({"user": {"id": f"u{number}"}, "version": number}).encode() for number in range(count)]


def publish(url: str, count: int, **options: Any) -> ConfirmWindow:
    publisher = Publisher(url, NAME)
    try:
        return publisher.publish(bodies(count), **options)
    finally:
        publisher.close()


def messages(url: str, queue: str = NAME) -> Iterator[Any]:
    """Takes everything out of a queue."""
    with Connection(url) as connection, connection.channel() as channel:
        while message := channel.basic_get(queue, no_ack=True):
            yield message


def held(url: str, queue: str = NAME) -> list[bytes]:
    found = [message.body for message in messages(url, queue)]
    return [body.encode() if isinstance(body, str) else body for body in found]


# ---- The broker ------------------------------------------------------------------------------------------------------


def test_every_message_is_confirmed_and_there_once_in_its_order(url: str) -> None:
    told: list[int] = []
    done = publish(url, 2345, on_confirmed=told.append)
    assert (done.confirmed, done.repeated, done.flying) == (2345, 0, 0)
    assert told == sorted(told)
    assert told[-1] == 2345
    assert held(url) == bodies(2345)


def test_a_message_is_plain_json_that_outlives_the_broker(url: str) -> None:
    publish(url, 1)
    (message,) = messages(url)
    wanted = {"content_type": "application/json", "content_encoding": "utf-8", "delivery_mode": 2}
    assert {name: message.properties.get(name) for name in wanted} == wanted
    assert "task" not in message.headers


def test_nothing_to_publish_is_no_failure_and_makes_the_queue(url: str, rabbitmq: RabbitMQ) -> None:
    assert publish(url, 0).confirmed == 0
    assert rabbitmq.waiting(NAME) == 0


def test_workers_find_the_queue_as_they_would_have_made_it(url: str) -> None:
    publish(url, 1)
    with Connection(url) as connection, connection.channel() as channel:
        queues.queue(NAME, url).bind(channel).declare()
    assert held(url) == bodies(1)


def test_a_broker_that_stops_and_starts_in_the_middle_costs_no_message(url: str, rabbitmq: RabbitMQ) -> None:
    """What was not confirmed is published again, so some may be there twice; none is missing."""
    starting = threading.Thread(target=rabbitmq.start)

    def interrupt(confirmed: int) -> None:
        if confirmed > 5000 and starting.ident is None:
            rabbitmq.stop()
            starting.start()

    done = publish(url, 12_000, on_confirmed=interrupt)
    starting.join()

    assert done.confirmed == 12_000
    assert 0 < done.repeated <= 500
    found = held(url)
    assert set(found) == set(bodies(12_000))
    assert len(found) <= 12_000 + done.repeated


def test_what_a_full_queue_refuses_is_published_again(
    url: str, rabbitmq: RabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = threading.Event()

    def pause(_: float) -> None:
        refused.set()
        sleep(0.05)

    monkeypatch.setattr(publishing, "sleep", pause)
    publish(url, 30)
    full = json.dumps({"max-length": 20, "overflow": "reject-publish"})
    control(rabbitmq, "set_policy", "--apply-to", "queues", "full", f"^{NAME}$", full)
    try:
        # One at a time: a queue refuses what comes after the first message that was too many.
        one_by_one, done = Publisher(url, NAME, window=1), list[ConfirmWindow]()
        thread = threading.Thread(target=lambda: done.append(one_by_one.publish(bodies(90)[30:])))
        thread.start()
        assert refused.wait(60)
        found: list[bytes] = []
        eventually(lambda: found.extend(held(url)) or len(set(found)) == 90, 60)
        thread.join()
        one_by_one.close()
    finally:
        control(rabbitmq, "clear_policy", "full")
    assert (done[0].confirmed, done[0].repeated > 0) == (60, True)
    assert sorted(found) == sorted(bodies(90))


def control(rabbitmq: RabbitMQ, *arguments: str) -> None:
    subprocess.run(["rabbitmqctl", "--quiet", *arguments], env=rabbitmq.environ(), check=True, capture_output=True)


def test_a_queue_that_is_deleted_in_the_middle_is_made_again(url: str, rabbitmq: RabbitMQ) -> None:
    """Without it, the broker would confirm messages that it has nowhere to put."""
    deleted: list[int] = []

    def delete(confirmed: int) -> None:
        if not deleted:
            deleted.append(confirmed)
            rabbitmq.delete_queues(NAME)

    done = publish(url, 3000, on_confirmed=delete)
    assert done.repeated > 0
    assert set(bodies(3000)[1000:]) <= set(held(url))


# ---- What cannot be published to -------------------------------------------------------------------------------------


def test_the_in_process_broker_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"broker.url: is memory://, .*; give amqp://"):
        Publisher("memory://", NAME)


def test_a_broker_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(ConnectorError, match=r"cannot be used: .*refused") as failed:
        publish(f"amqp://guest:secret@127.0.0.1:{free_port()}//", 1)
    assert "127.0.0.1" in str(failed.value)
    assert "secret" not in str(failed.value)


def test_a_wrong_password_is_an_error_at_once(url: str) -> None:
    with pytest.raises(ConnectorError, match="ACCESS_REFUSED") as failed:
        publish(url.replace(":guest@", ":secret@"), 1)
    assert "secret" not in str(failed.value)


def test_a_queue_with_other_arguments_is_published_to_as_it_is(url: str, rabbitmq: RabbitMQ) -> None:
    with Connection(url) as connection, connection.channel() as channel:
        channel.queue_declare(NAME, durable=True, auto_delete=False)
    assert publish(url, 1).confirmed == 1
    assert rabbitmq.waiting(NAME) == 1


# ---- The command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def environ(tmp_path: Path, url: str) -> dict[str, str]:
    """Settings with queues of this file's own."""
    intake = {"queue": NAME, "backfill_queue": BACKFILL, "format": "native"}
    return bare_environment() | write(tmp_path, values(broker={"url": url}, intake=intake))


def command(*arguments: object, environ: dict[str, str], stdin: bytes = b"") -> Ended:
    return connector("publish", *arguments, environ=environ, stdin=stdin)


def test_the_command_publishes_a_file(tmp_path: Path, environ: dict[str, str], url: str) -> None:
    file = tmp_path / "messages.ndjson.gz"
    file.write_bytes(gzip.compress(b"\n".join(bodies(3)) + b"\n{broken\n"))
    ended = command(file, "--json", environ=environ)
    assert ended.code == 1
    assert "line 4: it is not JSON: " in ended.err
    assert "What is no message is not published, the rest is" in ended.err
    (row,) = ended.rows()
    assert row.pop("seconds") > 0
    assert row == {"queue": NAME, "messages": 3, "repeated": 0}
    assert held(url) == bodies(3)


def test_tables_are_not_published_under_any_name(tmp_path: Path, environ: dict[str, str], url: str) -> None:
    Publisher(url, NAME).close()
    table = b"external_id,plan\n" + b"1,gold\n2,free\n" * 3000
    for name, says in (("back.csv", "is a table of users"), ("back.txt", "line 1: it is not JSON: ")):
        (tmp_path / name).write_bytes(table)
        ended = command(tmp_path / name, environ=environ)
        assert (ended.code != 0, says in ended.err) == (True, True)
    assert held(url) == []


def test_the_command_tells_people_what_it_did(environ: dict[str, str], url: str) -> None:
    ended = command("-", environ=environ, stdin=b"\n".join(bodies(2)))
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"2 messages published to {NAME} (")
    assert held(url) == bodies(2)


def test_a_list_is_published_item_by_item(tmp_path: Path, environ: dict[str, str], url: str) -> None:
    file = tmp_path / "messages.json"
    file.write_text(json.dumps([{"user": {"id": "u1"}}, {"user": {"id": "ü2"}}]))
    assert command(file, "--queue", NAME, environ=environ).code == 0
    assert [json.loads(body) for body in held(url)] == [{"user": {"id": "u1"}}, {"user": {"id": "ü2"}}]


def test_a_backfill_goes_to_a_queue_of_its_own(environ: dict[str, str], url: str, rabbitmq: RabbitMQ) -> None:
    assert command("-", "--backfill", environ=environ, stdin=bodies(1)[0]).code == 0
    assert held(url, BACKFILL) == bodies(1)


def test_a_file_that_breaks_off_is_published_up_to_there(tmp_path: Path, environ: dict[str, str], url: str) -> None:
    file = tmp_path / "messages.json"
    file.write_text('[{"user": {"id": "u1"}}, {"user"')
    ended = command(file, environ=environ)
    assert ended.code == 1
    assert "what stands before that place is published" in ended.err
    assert held(url) == [b'{"user": {"id": "u1"}}']


@pytest.mark.parametrize(
    ("arguments", "broker", "words"),
    [
        (["-"], "memory://", "broker.url: is memory://"),
        (["-", "--queue", "q", "--backfill"], None, "--queue and --backfill: give one of them"),
        (["no-such-file"], None, "no-such-file: cannot be read"),
    ],
)
def test_a_mistake_is_one_line(environ: dict[str, str], arguments: list[str], broker: str | None, words: str) -> None:
    changed = environ | ({"CONNECTOR__BROKER__URL": broker} if broker else {})
    ended = command(*arguments, environ=changed)
    assert ended.code == (1 if "file" in words else 2)
    assert ended.out == ""
    assert words in ended.err
    assert ended.err.count("\n") == 1


def test_a_broker_that_is_away_is_one_line(environ: dict[str, str]) -> None:
    away = environ | {"CONNECTOR__BROKER__URL": f"amqp://guest:guest@127.0.0.1:{free_port()}//"}
    ended = command("-", environ=away, stdin=bodies(1)[0])
    assert (ended.code, ended.out) == (1, "")
    assert "Does it run, and is [broker] url right?" in ended.err
    assert ended.err.count("\n") == 1
