"""Serving the simulator: in this thread until told to stop, or in another for as long as a test needs it."""

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import time

from uvicorn import Config

from connector.web import server as serving
from connector.simulator.server.cutting import CuttableProtocol
from connector.simulator.base.options import Options
from connector.simulator.server.web import create_app

# Everything a simulator holds lives on, so looking for garbage among it every 700 objects is a third of its time.
_GARBAGE_THRESHOLDS = (50_000, 20, 50)


def serve(
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
    serving.serve(_config(create_app(options)), host, port, on_ready)


def running(options: Options | None = None, clock: Callable[[], float] = time) -> AbstractContextManager[str]:
    """The URL of a simulator that runs on a free loopback port, in a thread, until the block ends."""
    return serving.serving(_config(create_app(options, clock)), "127.0.0.1", 0)


def _config(app: object) -> Config:
    # Clients keep their connections; a server that closes idle ones early would add errors nobody ordered.
    return Config(
        app,  # type: ignore[arg-type]
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
