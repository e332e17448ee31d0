"""Consumes one queue, on a connection that publishes nothing, so that no alarm of the broker ever blocks it.

The socket is read 256 kB at a time, and never waited for longer than a few seconds. All calls come from one thread.
"""

from collections.abc import Sequence
from contextlib import suppress
from select import select
from socket import socket
from time import monotonic
from typing import Any

from amqp import Connection
from amqp.exceptions import ConnectionForced
from amqp.method_framing import frame_handler
from amqp.transport import SSLTransport, TCPTransport

from connector.broker import connecting, copying, declaring, frames
from connector.broker.connecting import BrokerAddress
from connector.broker.declaring import ArgumentDifference
from connector.broker.frames import Assembler, Delivery, Frame

_READ_BYTES = 262_144
HEARTBEAT_SECONDS = 6
"""RabbitMQ drops a consumer that is silent for two heartbeats, and the consumer drops a RabbitMQ that is."""
_ANSWER_SECONDS = 10.0
_USER_TIMEOUT: Any = {18: 10_000}  # TCP_USER_TIMEOUT, in milliseconds: py-amqp's own is one second
_CHANNEL = 1


class _Buffered:
    """Mixin for py-amqp's transports: reads all that has arrived, not frame by frame."""

    sock: Any
    connected: bool

    def _setup_transport(self) -> None:
        super()._setup_transport()  # type: ignore[misc]  # of the transport beside it
        self.pending = bytearray()
        self.sock.settimeout(_ANSWER_SECONDS)

    def fill(self) -> None:
        """Reads once, waiting at most ten seconds. Raises OSError if the connection is gone."""
        try:
            found = self.sock.recv(_READ_BYTES)
        except TimeoutError:
            raise
        except OSError:
            self.connected = False
            raise
        if not found:
            self.connected = False
            raise ConnectionResetError("RabbitMQ has closed the connection")
        self.pending += found

    def read_frame(self, *_: Any) -> Frame:
        while (frame := frames.first(self.pending)) is None:
            self.fill()
        return frame


class _Plain(_Buffered, TCPTransport):
    pass


class _Encrypted(_Buffered, SSLTransport):
    pass


class _Connection(Connection):
    """Hands the frames of messages to the assembler, and everything else to py-amqp."""

    def __init__(self, **options: Any) -> None:
        self.assembler = Assembler()
        super().__init__(frame_handler=self._frame_handler, **options)

    def Transport(self, host: str, connect_timeout: float | None, ssl: Any = False, *_: Any, **__: Any) -> Any:  # noqa: N802 - py-amqp's
        """Makes the transport; py-amqp calls this when it connects."""
        kind = _Encrypted if ssl else _Plain
        return kind(host, connect_timeout=connect_timeout, ssl=ssl, socket_settings=_USER_TIMEOUT)

    def _frame_handler(self, connection: Any, callback: Any) -> Any:
        by_amqp = frame_handler(connection, callback)
        take = self.assembler.take

        def on_frame(frame: Frame) -> bool:
            if frame[1] == _CHANNEL and take(frame):
                connection.bytes_recv += 1
                return False
            return bool(by_amqp(frame))

        return on_frame


class Consumer:
    """A channel on a queue. Every method may raise what `connecting.UNREACHABLE` names."""

    def __init__(self, broker: BrokerAddress, names: Sequence[str], attempt: int = 0) -> None:
        """Connects, and declares the queues; the first is the one it consumes.

        A queue that is there with other arguments is used as it is: `differences` says in what it differs.
        """
        parameters = connecting.parameters(broker, attempt)
        self._connection = _Connection(heartbeat=HEARTBEAT_SECONDS, **parameters)
        self._connection.connect()
        self._broker = broker
        self._queue = names[0]
        self.differences: dict[str, tuple[ArgumentDifference, ...]] = {}
        self._sent = self._received = (0, monotonic())
        try:
            self._channel = self._connection.channel(_CHANNEL)
            for name in names:
                self.differences[name] = declaring.declare(self._connection, name, connecting.url(broker))
        except BaseException:
            self.drop()
            raise

    def consumers(self) -> int:
        """Returns how many consumers the queue has; call before `consume`."""
        return int(self._declared(self._queue).consumer_count)

    def waiting(self, queue: str) -> int:
        """Returns how many messages wait in a queue, which must exist."""
        return int(self._declared(queue).message_count)

    def is_drained(self, queue: str) -> bool:
        """Says whether a queue, which must exist, has no message, and nobody who may still hold some of it."""
        found = self._declared(queue)
        return not (found.message_count or found.consumer_count)

    def _declared(self, queue: str) -> Any:
        return self._channel.queue_declare(queue, passive=True)

    def consume(self, prefetch: int) -> None:
        """Begins to consume; at most `prefetch` messages are unacknowledged at a time."""
        self._channel.basic_qos(0, prefetch, False)
        self._channel.basic_consume(self._queue, callback=lambda _: None)

    def wait(self, wake: socket, seconds: float, *, reading: bool) -> bool:
        """Waits for the broker or for another thread. Returns whether the broker has sent something.

        Args:
            wake: the socket to which another thread writes to end the wait.
            seconds: how long to wait at most.
            reading: False if there is no room for more messages now; then only `wake` ends the wait.

        Raises:
            ConnectionResetError: the connection to RabbitMQ is closed.
        """
        if reading and self._has_more():
            return True
        sock: Any = self._connection.sock
        if sock is None or sock.fileno() < 0:
            raise ConnectionResetError("the connection to RabbitMQ is closed")
        ready, _, _ = select([sock, wake] if reading else [wake], [], [], seconds)
        if wake in ready:
            with suppress(BlockingIOError):
                wake.recv(4096)
        return sock in ready

    def _has_more(self) -> bool:
        """Says whether bytes wait that `select` cannot see: in our buffer, or already decrypted by TLS."""
        decrypted = getattr(self._connection.sock, "pending", None)
        return self._buffered() or (decrypted is not None and decrypted() > 0)

    def _buffered(self) -> bool:
        """Says whether our buffer already begins with a whole frame."""
        return frames.begins_whole(self._connection.transport.pending)

    def receive(self) -> list[Delivery]:
        """Reads once and returns the messages that are whole by then. Call it after `wait` has returned True."""
        transport = self._connection.transport
        if not self._buffered():
            with suppress(TimeoutError):
                transport.fill()
        for frame in frames.split(transport.pending):
            self._connection.on_inbound_frame(frame)
        return self.delivered()

    def delivered(self) -> list[Delivery]:
        """Hands over the messages assembled so far, and forgets them."""
        found, self._connection.assembler.delivered = self._connection.assembler.delivered, []
        return found

    def acknowledge(self, tag: int, *, alone: bool = False) -> None:
        """Acknowledges all messages up to this one, or this one alone."""
        self._channel.basic_ack(tag, multiple=not alone)

    def dead_letter(self, delivery: Delivery) -> None:
        """Makes one message, whole, a dead letter. Where RabbitMQ would drop it if it were rejected, a copy is one."""
        if declaring.keeps_dead_letters(self.differences[self._queue]):
            self._channel.basic_reject(delivery.tag, requeue=False)
            return
        with copying.Copier(self._broker) as copier:
            copier.bury(self._queue, delivery)
        self.acknowledge(delivery.tag, alone=True)

    def keep_alive(self, *, reading: bool) -> None:
        """Sends a heartbeat if one is due; call it once a second. Raises ConnectionForced if RabbitMQ is silent.

        reading: whether the socket was read since the last call. It is not while there is no room for more messages.
        """
        now, connection = monotonic(), self._connection
        if connection.bytes_sent != self._sent[0]:
            self._sent = (connection.bytes_sent, now)
        elif now - self._sent[1] > HEARTBEAT_SECONDS / 2:
            connection.send_heartbeat()
        if connection.bytes_recv != self._received[0] or not reading:
            self._received = (connection.bytes_recv, now)
        elif now - self._received[1] > 2 * HEARTBEAT_SECONDS:
            raise ConnectionForced(f"RabbitMQ was silent for {2 * HEARTBEAT_SECONDS} seconds")

    def close(self) -> None:
        """Ends the connection, and waits until RabbitMQ confirms this.

        From then on RabbitMQ gives its unacknowledged messages to the next consumer.
        """
        try:
            self._connection.close()
        except connecting.UNREACHABLE:
            self.drop()

    def drop(self) -> None:
        """Ends the connection without telling RabbitMQ."""
        with suppress(*connecting.UNREACHABLE, AttributeError):
            connecting.drop(self._connection)
