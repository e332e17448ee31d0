"""Serving the simulator: in this thread until told to stop, or in another for as long as a test needs it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from time import time

from uvicorn import Config

from connector.simulator.base.options import Options
from connector.simulator.server.certificate import Certificate
from connector.simulator.server.cutting import CuttableProtocol
from connector.simulator.server.gate import Inspect
from connector.simulator.server.web import create_app
from connector.web import server


def serve(
    host: str,
    port: int,
    site_id: str,
    api_key: str,
    app_api_key: str,
    region: str = "us",
    latency: float = 0.0,
    on_ready: Callable[[str], None] = lambda _: None,
    inspect: Inspect | None = None,
    certificate: Certificate | None = None,
) -> None:
    """Serves until interrupted.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        site_id: The Track API takes requests with this user name ...
        api_key: ... and this password.
        app_api_key: The App API takes requests with this bearer key.
        region: What the account's region is said to be: us or eu.
        latency: How many seconds each answer takes at least.
        on_ready: Is told the URL once it listens.
        inspect: Says of each request what is not documented; None looks at none.
        certificate: Serves over TLS with it; None serves plain HTTP.
    """
    options = Options(site_id=site_id, api_key=api_key, app_api_key=app_api_key, region=region, latency=latency)
    server.serve(_config(create_app(options, inspect=inspect), certificate), host, port, on_ready)


def running(
    options: Options | None = None, clock: Callable[[], float] = time, inspect: Inspect | None = None
) -> AbstractContextManager[str]:
    """Yields the URL of a simulator that runs on a free loopback port, in a thread, until the block ends."""
    return server.serving(_config(create_app(options, clock, inspect)), "127.0.0.1", 0)


def _config(app: object, certificate: Certificate | None = None) -> Config:
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
        ssl_certfile=certificate and certificate.file,
        ssl_keyfile=certificate and certificate.key,
    )
