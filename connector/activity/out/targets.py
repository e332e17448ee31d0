"""Hands messages to a target: an HTTP address, or an exchange. Tells whether it has taken them, and if not, why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import time
from typing import NamedTuple, Protocol

from connector import standard_webhooks
from connector.broker.exchange import ExchangeMessage, TopicExchange
from connector.customerio.http import Client
from connector.model import origin
from connector.settings.out import OutTarget
from connector.settings.sections import BrokerSettings
from connector.store.outgoing import Waiting

_MOST_ANSWER_BYTES = 10_000
_REFUSALS = frozenset({400, 413, 422})
"""The HTTP statuses by which a target refuses the content of a message, now and later."""
_GONE = 410


class NotTaken(NamedTuple):
    """Why messages were not taken, and for how many seconds the target asks to be left alone.

    refused: the target has read the messages and refuses their content, so that it would refuse them again.
    taken: how many of them it has taken, counted from the first.
    """

    reason: str
    seconds: float = 0.0
    refused: bool = False
    taken: int = 0


class Receiver(Protocol):
    """The interface of a target that messages are sent to."""

    def send(self, messages: Sequence[Waiting]) -> NotTaken | None:
        """Sends messages in their order. Returns None if all were taken."""

    def close(self) -> None:
        """Closes the connections."""


@dataclass(slots=True)
class HttpTarget:
    """An HTTP address that gets `{"batch": [...]}`, signed by Standard Webhooks; an answer of 2xx means taken."""

    settings: OutTarget
    now: Callable[[], float] = time
    _client: Client = field(init=False)

    def __post_init__(self) -> None:
        """Makes the HTTP client, which opens no connection yet."""
        self._client = Client("", timeout=self.settings.timeout_seconds, most_bytes=_MOST_ANSWER_BYTES)

    def send(self, messages: Sequence[Waiting]) -> NotTaken | None:
        """Posts messages in one request. Returns None if it was answered with 2xx."""
        body = f'{{"batch":[{",".join(each.body for each in messages)}]}}'.encode()
        secrets = [each.get_secret_value() for each in self.settings.signing_secrets]
        id = f"{self.settings.name}_{messages[0].id}_{messages[-1].id}"
        headers = standard_webhooks.headers(secrets, id, int(self.now()), body)
        reply = self._client.ask("POST", self.settings.url or "", body, headers=headers)
        if 200 <= reply.status < 300:
            return None
        said = f"it answers {reply.status}{_hint(reply.status)}" if reply.status else reply.fault
        return NotTaken(said, reply.retry_after or 0.0, reply.status in _REFUSALS)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _hint(status: int) -> str:
    """Returns what an operator should do about a status that retrying does not cure."""
    if status == _GONE:
        return ", so it wants no more: give another address, or take the target out of the settings"
    return ", and leads elsewhere: nothing follows, give the address that it leads to" if 300 <= status < 400 else ""


@dataclass(slots=True)
class ExchangeTarget:
    """A topic exchange of RabbitMQ; the broker confirms each message."""

    exchange: TopicExchange

    def send(self, messages: Sequence[Waiting]) -> NotTaken | None:
        """Publishes messages, and waits for the broker's confirmations. Returns None if it took all of them."""
        found = self.exchange.publish([_message(each) for each in messages])
        return NotTaken(found.refusal, taken=found.taken) if found.refusal else None

    def close(self) -> None:
        """Closes the connection."""
        self.exchange.close()


def _message(each: Waiting) -> ExchangeMessage:
    connection = each.topic.partition(".")[0]
    return ExchangeMessage(each.topic, each.body.encode(), each.message_id, {origin.NAME: origin.mark(connection)})


def of(settings: OutTarget, broker: BrokerSettings) -> Receiver:
    """Returns the target that the settings name. Opens nothing yet."""
    if settings.url is not None:
        return HttpTarget(settings)
    return ExchangeTarget(TopicExchange(broker, settings.exchange, settings.timeout_seconds))
