"""A way to a server that can fall silent: what it carried before stays open, and nothing comes through any more.

So it is when a firewall has lost its state, or a failover took the address along: no reset, no refusal, no answer.
"""

import selectors
import socket
import threading
from contextlib import suppress
from typing import Self

_READ_BYTES = 65_536
_LOOK_SECONDS = 0.05


class Way:
    """A port on loopback that leads to another one."""

    def __init__(self, port: int) -> None:
        """Leads to `port` once the block begins."""
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._dead: list[socket.socket] = []
        self._silent = False
        self._ended = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()
        for each in (self._listening, *self._pairs, *self._dead):
            each.close()

    def fall_silent(self) -> None:
        """Nothing comes through any more, by old connections or new ones."""
        with self._lock:
            self._silent = True

    def speak_again(self) -> None:
        """New connections are carried again. Those from before stay silent for ever."""
        with self._lock:
            self._dead += self._pairs
            self._pairs.clear()
            self._silent = False

    def _carry(self) -> None:
        while not self._ended:
            with selectors.DefaultSelector() as selector:
                with self._lock:
                    for each in (self._listening, *(() if self._silent else self._pairs)):
                        selector.register(each, selectors.EVENT_READ)
                ready = [key.fileobj for key, _ in selector.select(_LOOK_SECONDS)]
            for each in ready:
                with self._lock:
                    self._one(each)

    def _one(self, ready: object) -> None:
        if ready is self._listening:
            self._accept()
        elif isinstance(ready, socket.socket) and ready in self._pairs and not self._silent:
            self._forward(ready)

    def _accept(self) -> None:
        inside, _ = self._listening.accept()
        if self._silent:
            self._dead.append(inside)
            return
        with suppress(OSError):
            outside = socket.create_connection(("127.0.0.1", self._to), 5)
            self._pairs |= {inside: outside, outside: inside}
            return
        inside.close()

    def _forward(self, each: socket.socket) -> None:
        other = self._pairs[each]
        try:
            data = each.recv(_READ_BYTES)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        for one in (each, other):
            self._pairs.pop(one, None)
            one.close()
