"""`connector simulator`: a Customer.io to stage against."""

from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from typer import Option

from connector.cli.options import err
from connector.errors import SettingsError
from connector.simulator.server import certificate
from connector.simulator.server.gate import Inspect
from connector.simulator.server.server import serve


def simulator(
    port: Annotated[int, Option("--port", "-p", min=0, max=65535, help="The port; 0 takes a free one.")] = 8090,
    host: Annotated[str, Option(help="The address to listen on.")] = "127.0.0.1",
    site_id: Annotated[str, Option(help="The Track API's site id.")] = "simulated-site",
    api_key: Annotated[str, Option(help="The Track API's key.")] = "simulated-key",
    app_api_key: Annotated[str, Option(help="The App API's key.")] = "simulated-app-key",
    region: Annotated[str, Option(help="The workspace's region: us or eu.")] = "us",
    latency: Annotated[float, Option(help="Seconds by which every answer is late.")] = 0.0,
    strict: Annotated[
        bool, Option("--strict", help="Refuse what the Track API's documentation does not name.")
    ] = False,
    tls: Annotated[bool, Option("--tls", help="Speak https, with a certificate of its own; its file is told.")] = False,
) -> None:
    """Run a faithful Customer.io: Track API and App API on one port, and a read side under /_simulator/."""

    def on_ready(url: str) -> None:
        err.print(f"Ready: {url}", highlight=False)

    inspect = _inspector() if strict else None
    with TemporaryDirectory(prefix="simulator-") as folder:
        made = certificate.make(Path(folder), host) if tls else None
        if made:
            err.print(f"Certificate: {made.file} (for this connector: SSL_CERT_FILE)", highlight=False, soft_wrap=True)
        serve(host, port, site_id, api_key, app_api_key, region, latency, on_ready, inspect, made)


def _inspector() -> Inspect:
    try:
        found: Inspect = import_module("connector.simulator.server.strict").violations
    except ModuleNotFoundError as error:
        raise SettingsError(f"--strict needs the library {error.name}: pip install {error.name}") from error
    return found
