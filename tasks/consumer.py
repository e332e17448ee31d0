"""Celery's consumer as a worker of the fleet has it: it reads doorbells, and no message can end it."""

from collections.abc import Callable
from typing import Any

import structlog
from amqp.exceptions import AMQPError
from amqp.serialization import GenericContent
from celery import bootsteps
from celery.worker.consumer import Consumer
from celery.worker.consumer.tasks import Tasks

from connector.broker import connecting, declaring, queues, refusals
from connector.broker.declaring import ArgumentDifference
from connector.broker.queues import durable
from tasks.base import settings
from tasks.broker_refusals import RefusedByBroker

log = structlog.get_logger(__name__)
_DOORBELLS = (queues.DELIVERY, queues.UPKEEP)
_said: dict[str, tuple[ArgumentDifference, ...]] = {}
_NOT_OURS = ("eta", "expires", "timelimit", "retries", "compression")
"""Headers that doorbells never have. A time in the future would hold a place in the pool until then."""


def _tolerant(load: Callable[[Any, int, bytes, int], int]) -> Callable[[Any, int, bytes, int], int]:
    """Keeps a message whose properties cannot be decoded from ending the worker: py-amqp decodes them as they come."""

    def load_what_can_be(self: Any, class_id: int, buf: bytes, offset: int) -> int:
        try:
            return load(self, class_id, buf, offset)
        except Exception as error:  # noqa: BLE001 - whatever somebody has written there
            log.warning("the properties of a message cannot be read", reason=f"{type(error).__name__}: {error}")
            self.properties = {}
            return len(buf)

    return load_what_can_be


_Content: Any = GenericContent
_Content._load_properties = _tolerant(_Content._load_properties)  # noqa: SLF001 - there is no other place for it


class Declaring(bootsteps.StartStopStep):
    """Declares every queue before the worker is ready, since others may publish from then on."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def include_if(self, _parent: Any) -> bool:
        """Says whether there is anything to declare: not on the in-process broker."""
        return durable(settings().broker.url)

    def start(self, c: Any) -> None:
        """Is called at each (re)connect."""
        refused = RefusedByBroker()
        for name in queues.names(settings().intake):
            while not _declared(c, name, refused):
                pass


def _declared(c: Any, name: str, refused: RefusedByBroker) -> bool:
    try:
        found = declaring.declare(c.connection.connection, name, settings().broker.url)
    except AMQPError as error:
        if not refusals.is_refusal(error):
            raise
        refused.wait(error, name, c.connection.heartbeat_check)
        return False
    if found and _said.get(name) != found and name in _DOORBELLS:  # the reader says it of its own queues
        log.warning(declaring.told(name, found))
    _said[name] = found
    return True


class Doorbells(Tasks):
    """Consumes the queues of doorbells."""

    requires = (Declaring,)


_Steps: Any = Consumer.Blueprint


class FleetConsumer(Consumer):
    """Celery's consumer without the parts that publish in its main loop.

    A broker that is silent or full would hold the loop there. So there are no events and no gossip. There is no delayed
    delivery either: due times are in the store, and Celery would declare 28 queues for it.
    """

    event_dispatcher: Any = None
    connection_errors: Any

    class Blueprint(_Steps):  # type: ignore[misc]  # Celery's types take it for a variable
        """The steps of the consumer."""

        default_steps = (
            "celery.worker.consumer.connection:Connection",
            Declaring,
            Doorbells,
            "celery.worker.consumer.consumer:Evloop",
        )

    def connect(self) -> Any:
        """Connects, however long it takes. A refusal is logged in a line, and tried again with pauses."""
        refused = RefusedByBroker()
        while True:
            try:
                return super().connect()
            except AMQPError as error:
                if not refusals.is_refusal(error):
                    raise
                refused.wait(error)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Celery calls this for a message that cannot be decoded, which may still be py-amqp's."""
        log.warning("a message that is no doorbell is dropped", reason=f"{type(exc).__name__}: {exc}")
        message.channel.basic_reject(message.delivery_tag, requeue=False)

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ARG002 - Celery's
        """Celery calls this for a message that has not the form of a task."""
        log.warning("a message that is no doorbell is dropped", reason="it is no task")
        message.reject()

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's
        """Celery calls this for a task that is not ours."""
        log.warning("a message that is no doorbell is dropped", reason=f"it is a task of another name: {exc}")
        message.reject()

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - Celery's
        """Celery calls this for a task whose arguments make no sense."""
        log.warning("a message that is no doorbell is dropped", reason=f"{type(exc).__name__}: {exc}")
        message.reject()

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], Any]:
        """Returns the function that handles each message that comes."""
        receive = super().create_task_handler(*args, **options)

        def guarded(message: Any) -> None:
            if isinstance(message.headers, dict):
                for name in _NOT_OURS:
                    message.headers.pop(name, None)
            try:
                receive(message)
            except connecting.UNREACHABLE:
                raise
            except Exception as error:  # noqa: BLE001 - whatever lies there: a doorbell says nothing that is lost with it
                self.on_decode_error(message, error)

        return guarded
