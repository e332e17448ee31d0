"""Dead letters, on a private RabbitMQ: seen, played again one by one, dropped."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection

from connector.broker import dead_letters, queues
from connector.errors import ConnectorError
from tests.servers import RabbitMQ, eventually, free_port

APPLY = "tasks.changes.apply"


@pytest.fixture
def channel(broker_url: str) -> Iterator[Any]:
    """A channel to a broker that has the queues of a fleet, empty."""
    with Connection(broker_url) as connection:
        opened = connection.channel()
        for name in (queues.DEAD_LETTERS, queues.CHANGES, "segment-changes"):
            queues.queue(name, broker_url)(opened).declare()
        yield opened


def die(channel: Any, queue: str, body: str, **headers: Any) -> None:
    """Publishes a message, and gives it up as a worker's end would at the last."""
    made = channel.prepare_message(body, content_type="application/json", content_encoding="utf-8", headers=headers)
    channel.basic_publish(made, exchange="", routing_key=queue)
    taken = eventually(lambda: channel.basic_get(queue))
    channel.basic_reject(taken.delivery_tag, requeue=False)


def batch(*messages: str) -> str:
    return json.dumps([["native", list(messages)], {}, {"callbacks": None}])


def test_a_dead_batch_is_seen_and_stays(channel: Any, broker_url: str, rabbitmq: RabbitMQ) -> None:
    die(channel, queues.CHANGES, batch("one", "two"), task=APPLY)
    eventually(lambda: dead_letters.count(broker_url) == 1)
    for _ in range(2):
        (found,) = dead_letters.look(broker_url, 10)
        assert (found.queue, found.reason, found.messages) == (queues.CHANGES, "rejected", 2)
        assert "one" in found.text
    eventually(lambda: rabbitmq.waiting(queues.DEAD_LETTERS) == 1)


def test_a_dead_batch_is_played_again_message_by_message(channel: Any, broker_url: str, rabbitmq: RabbitMQ) -> None:
    die(channel, queues.CHANGES, batch("one", "two"), task=APPLY)
    eventually(lambda: dead_letters.count(broker_url) == 1)
    assert dead_letters.replay(broker_url) == 1
    again = [channel.basic_get(queues.CHANGES) for _ in range(2)]
    assert [json.loads(each.body)[0] for each in again] == [["native", ["one"]], ["native", ["two"]]]
    assert [each.headers["task"] for each in again] == [APPLY, APPLY]
    assert rabbitmq.waiting(queues.DEAD_LETTERS) == 0


def test_a_dead_message_goes_back_to_the_queue_it_came_from(channel: Any, broker_url: str) -> None:
    die(channel, "segment-changes", '{"user": {}}')
    eventually(lambda: dead_letters.count(broker_url) == 1)
    assert dead_letters.replay(broker_url) == 1
    assert channel.basic_get("segment-changes").body == '{"user": {}}'


def test_dead_letters_can_be_dropped(channel: Any, broker_url: str) -> None:
    die(channel, queues.CHANGES, batch("one"), task=APPLY)
    eventually(lambda: dead_letters.count(broker_url) == 1)
    assert dead_letters.discard(broker_url) == 1
    assert dead_letters.look(broker_url, 10) == []


def test_a_broker_that_never_had_any_has_none(broker_url: str) -> None:
    assert (dead_letters.count(broker_url), dead_letters.look(broker_url, 10), dead_letters.replay(broker_url)) == (
        0,
        [],
        0,
    )


def test_a_broker_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(ConnectorError, match=r"the broker amqp://guest:\*\*@127.0.0.1:\d+// does not answer"):
        dead_letters.count(f"amqp://guest:secret@127.0.0.1:{free_port()}//")


def test_a_message_that_is_given_back_too_often_is_a_dead_letter(channel: Any, broker_url: str) -> None:
    channel.basic_publish(
        channel.prepare_message("{}", content_encoding="utf-8"), exchange="", routing_key=queues.CHANGES
    )
    for _ in range(queues.DELIVERY_LIMIT + 1):
        taken = eventually(lambda: channel.basic_get(queues.CHANGES), every=0.002)
        channel.basic_reject(taken.delivery_tag, requeue=True)
    eventually(lambda: dead_letters.count(broker_url) == 1)
    assert [each.reason for each in dead_letters.look(broker_url, 10)] == ["delivery_limit"]


ANYTHING = [
    ("{", {}),
    ("[[]]", {"task": APPLY}),
    ('{"a": 1}', {"task": APPLY}),
    (json.dumps([["native", {"not": "a list"}], {}, {}]), {"task": APPLY}),
    ("packed", {"compression": "application/x-nothing"}),
    ("task", {"task": "tasks.other", "eta": "2099-01-01T00:00:00", "timelimit": "x"}),
]


def test_whatever_lies_there_is_shown_and_played_again(channel: Any, broker_url: str) -> None:
    """What cannot be decoded, and what another program has laid there without saying where it came from, too."""
    for body, headers in ANYTHING:
        die(channel, queues.CHANGES, body, **headers)
    foreign = channel.prepare_message(b"\x80\x04pickle", content_type="application/x-python-serialize", headers={},
                                      properties={"timestamp": 1_700_000_000_000})  # fmt: skip
    channel.basic_publish(foreign, exchange="", routing_key=queues.DEAD_LETTERS)
    eventually(lambda: dead_letters.count(broker_url) == len(ANYTHING) + 1)

    assert len(dead_letters.look(broker_url, 100)) == len(ANYTHING) + 1
    assert dead_letters.replay(broker_url) == len(ANYTHING) + 1
    assert dead_letters.count(broker_url) == 0


def test_one_whose_queue_is_gone_stays_and_the_others_go_on(channel: Any, broker_url: str) -> None:
    for queue in ("segment-changes-77", "segment-changes"):
        queues.queue(queue, broker_url)(channel).declare()
        die(channel, queue, queue)
    channel.queue_delete("segment-changes-77")
    eventually(lambda: dead_letters.count(broker_url) == 2)

    assert dead_letters.replay(broker_url) == 1
    assert [each.queue for each in dead_letters.look(broker_url, 10)] == ["segment-changes-77"]
    assert eventually(lambda: channel.basic_get("segment-changes")).body == "segment-changes"
