"""Doors, with short limits where a test is about these, and clients that send them bytes."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx

from connector.audience.rules import Rules
from connector.runtime import Runtime
from connector.store.engine import Store
from connector.web.app import create_app, served
from connector.web.limits import Limits
from connector.web.refusals import Refusals
from connector.web.server import serving
from tests.build_settings import TOKEN, build
from tests.world import message

MAX_BODY = 1_000_000
_AS_SHIPPED = Limits()
SHORT = Limits(
    header_seconds=0.5,
    idle_seconds=0.5,
    silence_seconds=0.5,
    body_seconds=1.5,
    wait_seconds=0.5,
    linger_seconds=0.5,
    small_bytes=50_000,
)
"""For tests of what ends when its time is over."""
BEARER = f"Authorization: Bearer {TOKEN}\r\n"
HEAD = f"POST /v1/changes HTTP/1.1\r\nHost: x\r\n{BEARER}"
ASK = f"GET /healthz HTTP/1.1\r\nHost: x\r\n{BEARER}"
TOLD = b'{"version": 1, "user": {"id": "u1"}, "segments": []}'
TELL = f"{HEAD}Content-Type: application/json\r\nContent-Length: {len(TOLD)}\r\n\r\n".encode() + TOLD
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
IN_CHUNKS = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{len(TOLD):x}\r\n{TOLD.decode()}\r\n0\r\n\r\n".encode()


class Served:
    """Doors, and what knocks at them."""

    def __init__(self, url: str, refusals: Refusals) -> None:
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)
        self.refusals = refusals
        self._address = (self.client.base_url.host, self.client.base_url.port)
        self._open: list[socket.socket] = []

    def connect(self, first: bytes = b"") -> socket.socket:
        """A connection that has sent that much."""
        connection = socket.create_connection(self._address, timeout=10)
        self._open.append(connection)
        if first:
            connection.sendall(first)
        return connection

    def works(self) -> None:
        """Somebody else is answered. Each time they connect anew: a connection that is kept may be ended meanwhile."""
        once = {"Connection": "close"}
        assert self.client.get("/healthz", headers=once).status_code == 200
        assert self.client.post("/v1/changes", json=message("u1"), headers=once).status_code == 200

    def close(self) -> None:
        for each in self._open:
            each.close()
        self.client.close()


@contextmanager
def doors_of(store: Store) -> Iterator[Callable[..., Served]]:
    """Serves doors over a store, as often as it is called, until the block ends."""
    with ExitStack() as stack:

        def start(connections: int = 0, limits: Limits = _AS_SHIPPED) -> Served:
            settings = build(web={"token": TOKEN, "segment_secret": "a-secret", "max_body_bytes": MAX_BODY})
            runtime = Runtime(settings, store, tuple(map(Rules.of, settings.syncs.values())))
            app = create_app(runtime, lambda _: None, limits)
            url = stack.enter_context(serving(served(app, connections), "127.0.0.1", 0))
            doors = Served(url, app.state.refusals)
            stack.callback(doors.close)
            return doors

        yield start


def heard(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def drip(connection: socket.socket, piece: bytes, every: float = 0.1, seconds: float = 5.0) -> None:
    """Sends a piece again and again, until the server has had enough."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            connection.sendall(piece)
            time.sleep(every)
    except OSError:
        return


def statuses(answers: bytes) -> list[int]:
    return [int(each[:3]) for each in answers.split(b"HTTP/1.1 ")[1:]]
