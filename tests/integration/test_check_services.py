"""What `connector check` finds at the services around it: RabbitMQ, the store, the doors, the clocks."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from kombu import Connection, Queue

from connector.broker.examine import examine
from connector.cli import check_services as services
from connector.cli.finding import Finding
from connector.customerio.responses import Reply
from connector.errors import StoreError
from connector.runtime import Runtime
from connector.settings.sections import BrokerSettings, IntakeSettings
from connector.store import permissions
from connector.store.engine import Store
from tests.build_settings import build
from tests.integration.test_reader import control, other_user
from tests.servers import Postgres, RabbitMQ

__all__ = ["other_user"]

QUEUE = "segment-changes"


def found(url: str) -> list[tuple[str, ...]]:
    return [tuple(each) for each in examine(BrokerSettings(url=url), IntakeSettings())]


def wrong(url: str) -> list[str]:
    return [wrong for _, wrong, _ in found(url) if wrong]


def test_a_broker_in_order_is_told_so_and_left_as_it_was(broker_url: str) -> None:
    with Connection(broker_url) as connection, connection.channel() as channel:
        assert found(broker_url) == [
            ("0 queue(s) are there, 7 will be made by the first worker", "", ""),
            ("a queue can be made, written and read", "", ""),
        ]
        with pytest.raises(connection.channel_errors):
            channel.queue_declare(QUEUE, passive=True)


def test_a_queue_with_other_arguments_is_named(broker_url: str, rabbitmq: RabbitMQ) -> None:
    with Connection(broker_url) as connection, connection.channel() as channel:
        Queue(QUEUE, durable=True)(channel).declare()
        (words,) = [each for _, _, each in found(broker_url) if each]
        assert channel.queue_declare(QUEUE, passive=True).message_count == 0
    rabbitmq.delete_queues(QUEUE)
    assert words.startswith(f"the queue {QUEUE} is there with other arguments")
    assert "its messages are on one machine alone" in words


@pytest.mark.parametrize("may", [("", ".*", ".*"), (".*", "", ".*"), (".*", ".*", "")], ids=["make", "write", "read"])
def test_a_permission_that_is_missing_is_told(
    rabbitmq: RabbitMQ, broker_url: str, other_user: str, may: tuple[str, ...]
) -> None:
    control(rabbitmq, "set_permissions", other_user, *may)
    url = f"amqp://{other_user}:right@127.0.0.1:{urlsplit(broker_url).port}//"
    (words,) = wrong(url)
    assert "lets this user not do what it must" in words
    assert "right" not in words.partition("(")[0]


def test_a_broker_that_is_not_there_is_a_line_without_its_password() -> None:
    (words,) = wrong("amqp://guest:hush@127.0.0.1:1//")
    assert words.startswith("RabbitMQ at amqp://guest:**@127.0.0.1:1// cannot be used: ")
    assert "hush" not in words


def test_writing_is_tried_and_nothing_is_changed(store: Store) -> None:
    permissions.try_writing(store)


@pytest.fixture
def reader(database: str, postgres: Postgres) -> Iterator[str]:
    """The URL of a database for somebody who may only read it."""
    name = urlsplit(database).path.strip("/").partition("?")[0]
    grants = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"
    user, password = urlsplit(database).username, urlsplit(database).password
    postgres.run(f"CREATE ROLE reader LOGIN PASSWORD '{password}'", grants, database=name)
    yield database.replace(f"//{user}", "//reader", 1)
    postgres.run("DROP OWNED BY reader", "DROP ROLE reader", database=name)


def test_who_may_only_read_is_told_so(reader: str) -> None:
    store = Store(reader)
    with pytest.raises(StoreError, match="permission denied"):
        permissions.try_writing(store)
    store.close()


def runtime(store: Store, **settings: Any) -> Runtime:
    return Runtime(build(track_url="http://127.0.0.1:9", **settings), store, ())


def test_the_clocks_agree_or_the_difference_is_told(store: Store) -> None:
    clock = list(services.of_store_clock(runtime(store)))
    assert clock == ([] if store.on_sqlite else [Finding("ok", "store", "its clock and this machine's agree")])

    assert [each.level for each in services.of_workspace_clock("c", Reply(200, date=time.time()))] == ["ok"]
    (behind,) = services.of_workspace_clock("c", Reply(200, date=time.time() - 3600))
    assert (behind.level, behind.text) == (
        "warning",
        "its clock is 3,600 s behind this machine's: set the wrong one by NTP",
    )
    assert not list(services.of_workspace_clock("c", Reply(0)))


def test_doors_without_a_token_are_a_warning() -> None:
    (closed,) = services.of_doors(build(track_url="http://127.0.0.1:9"))
    (open_,) = services.of_doors(build(track_url="http://127.0.0.1:9", web={"token": "t", "tokens": {"cdp": "u"}}))
    assert (closed.level, open_.level) == ("warning", "ok")
    assert "CONNECTOR__WEB__TOKEN" in closed.text
    assert open_.text.startswith("2 token(s)")
