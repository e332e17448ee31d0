"""A TCP proxy on loopback that can fall silent: nothing passes any more, and no connection is closed or reset.

So it goes after a failover, or behind a firewall that has dropped its state. The kernel still acknowledges what is sent
into it, so only a bound on waiting notices: no TCP keepalive does.

    with SilentProxy(5432) as proxy:
        connect(proxy.port)
        proxy.silence()   # nothing passes; new connections are accepted, and hear nothing
        proxy.heal()      # new connections pass again; those that fell silent stay silent for ever
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 65_536
_LOOK_SECONDS = 0.05


class SilentProxy:
    """Forwards connections to a port of this machine, from a free port of its own, until it is told to be silent."""

    def __init__(self, to_port: int) -> None:
        """Listens at once, on `port`."""
        self._to = ("127.0.0.1", to_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_LOOK_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._open = threading.Event()
        self._open.set()
        self._over = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def connections(self) -> int:
        """How many connections came in all."""
        return len(self._sockets)

    def silence(self) -> None:
        """Lets nothing pass any more, in neither direction, on any connection."""
        self._open.clear()

    def heal(self) -> None:
        """Lets new connections pass. Those that fell silent are not closed, and never hear anything again."""
        self._open = threading.Event()
        self._open.set()

    def resume(self) -> None:
        """Lets everything pass again that waits since the last `silence`, as if it had only been slow."""
        self._open.set()

    def close(self) -> None:
        """Closes every connection, and listens no more."""
        self._over.set()
        self._listener.close()
        for each in [*self._sockets]:
            _shut(each)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._over.is_set():
            with suppress(TimeoutError, OSError):
                incoming, _ = self._listener.accept()
                self._sockets.append(incoming)
                self._start(self._serve, incoming, self._open)

    def _serve(self, incoming: socket.socket, passing: threading.Event) -> None:
        if not self._wait(passing):
            return
        try:
            outgoing = socket.create_connection(self._to)
        except OSError:
            _shut(incoming)
            return
        self._sockets.append(outgoing)
        self._start(self._pump, incoming, outgoing, passing)
        self._pump(outgoing, incoming, passing)

    def _pump(self, source: socket.socket, sink: socket.socket, passing: threading.Event) -> None:
        """Carries what comes from one side to the other. What was read before the silence is kept back too."""
        try:
            while chunk := source.recv(_CHUNK):
                if not self._wait(passing):
                    return
                sink.sendall(chunk)
        except OSError:
            pass
        if self._wait(passing):  # an end is heard as little as anything else
            _shut(sink)

    def _wait(self, passing: threading.Event) -> bool:
        """Waits until things may pass; False where the proxy is closed before."""
        while not passing.wait(_LOOK_SECONDS):
            if self._over.is_set():
                return False
        return not self._over.is_set()

    def _start(self, run: object, *given: object) -> None:
        assert callable(run)
        thread = threading.Thread(target=run, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
