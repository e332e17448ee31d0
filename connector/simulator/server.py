"""Serving the simulator: in this thread until told to stop, or in another for as long as a test needs it."""

import gc
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from uvicorn import Config, Server

from connector.errors import ConnectorError
from connector.simulator.cutting import CuttableProtocol
from connector.simulator.options import Options
from connector.simulator.web import create_app

_START_SECONDS = 10.0

# Everything a simulator holds lives on, so looking for garbage among it every 700 objects is a third of its time.
_GARBAGE_THRESHOLDS = (50_000, 20, 50)


class _Server(Server):
    """A server that says when it listens."""

    def __init__(self, config: Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()


def serve(  # noqa: PLR0917 - the command line passes on what it was given
    host: str,
    port: int,
    site_id: str,
    api_key: str,
    app_api_key: str,
    region: str = "us",
    latency: float = 0.0,
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serves until interrupted. Port 0 takes a free one; `on_ready` is told the URL once it listens."""
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    options = Options(site_id=site_id, api_key=api_key, app_api_key=app_api_key, region=region, latency=latency)
    with _listen(host, port) as listener:
        url = _url(listener)
        _server(create_app(options), lambda: on_ready(url)).run([listener])


@contextmanager
def running(options: Options | None = None, clock: Callable[[], float] | None = None) -> Iterator[str]:
    """The URL of a simulator that runs on a free loopback port, in a thread, until the block ends."""
    app = create_app(options, clock) if clock else create_app(options)
    ready = threading.Event()
    with _listen("127.0.0.1", 0) as listener:
        server = _server(app, ready.set)
        thread = threading.Thread(target=server.run, args=([listener],), name="simulator", daemon=True)
        thread.start()
        try:
            if not ready.wait(_START_SECONDS):
                raise ConnectorError("the simulator did not start")
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()


def _server(app: object, listening: Callable[[], None]) -> _Server:
    # Clients keep their connections; a server that closes idle ones early would add errors nobody ordered.
    config = Config(
        app,  # type: ignore[arg-type]
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    return _Server(config, listening)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConnectorError(f"the simulator cannot listen on {host} port {port}: {error.strerror}") from error
    # asyncio sets this only on sockets made with an explicit protocol; without it an answer, which is two writes,
    # waits 40 ms for the client's acknowledgement. Accepted connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
