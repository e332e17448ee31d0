"""An exchange of RabbitMQ that refuses, or falls silent: what it has is known, and nobody waits for it for ever."""

from threading import Thread
from urllib.parse import urlsplit

from kombu import Connection

from connector.broker.exchange import ExchangeMessage, Published, TopicExchange
from connector.settings.sections import BrokerSettings
from tests.servers import RabbitMQ, eventually
from tests.silent_proxy import SilentProxy


def test_a_queue_that_is_full_is_said_and_what_it_took_is_not_sent_again(rabbitmq: RabbitMQ) -> None:
    sent = [ExchangeMessage("a.b", b"{}", f"m{number}", {}) for number in range(4)]
    exchange = TopicExchange(BrokerSettings(url=rabbitmq.url), "full", 10.0)
    with Connection(rabbitmq.url) as connection, connection.channel() as channel:
        channel.exchange_declare("full", "topic", durable=True, auto_delete=False)
        bounds = {"x-max-length": 2, "x-overflow": "reject-publish"}
        queue = channel.queue_declare("full-out", exclusive=True, auto_delete=True, arguments=bounds).queue
        channel.queue_bind(queue, "full", "#")
        taken, refusal = exchange.publish(sent)
        exchange.close()
    assert (taken, "may be full" in refusal) == (2, True)


def test_a_broker_that_falls_silent_holds_nobody_for_ever(rabbitmq: RabbitMQ) -> None:
    at = urlsplit(rabbitmq.url)
    with SilentProxy(at.port or 5672) as proxy:
        broker = BrokerSettings(url=rabbitmq.url.replace(f":{at.port}", f":{proxy.port}"))
        exchange = TopicExchange(broker, "silent", 0.5)
        exchange._connection.ensure_connection()
        proxy.silence()
        said: list[Published] = []

        def tried() -> None:
            said.append(exchange.publish([ExchangeMessage("a.b", b"{}", "m", {})]))
            exchange.close()

        trying = Thread(target=tried, daemon=True)
        trying.start()
        eventually(lambda: not trying.is_alive())
    assert said[0].taken == 0
    assert "RabbitMQ does not take it" in said[0].refusal
