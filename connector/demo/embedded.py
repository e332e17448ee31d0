"""The stage of `make run`: the embedded mode beside the simulator; the sample comes by HTTP."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from connector.demo.cast import Cast
from connector.demo.stage import OnSent, Stage, emptied, environment, start_simulator
from connector.errors import ConnectorError

FOLDER = Path("var/demo")


@contextmanager
def staged(settings: Path, folder: Path) -> Iterator[Stage]:
    """Yields both processes, running until the block ends, with a fresh store in `folder`. Raises ConnectorError."""
    folder = emptied(folder)
    with Cast(folder) as cast:
        simulator = start_simulator(cast, os.environ).url()
        ours = environment(settings, simulator, f"sqlite:///{folder / 'connector.db'}", "memory://")
        environ = {**os.environ, **ours}
        connector = cast.connector("connector", "run", environ=environ).url()
        places = {"Customer.io, simulated": simulator, "The connector": connector}

        def send(notifications: Sequence[bytes], sent: OnSent) -> None:
            _send(connector, ours["CONNECTOR__WEB__TOKEN"], notifications, sent)

        stage = Stage(folder, simulator, connector, places, environ, [cast], send, "send")
        stage.prepare(ours)
        yield stage


def _send(connector: str, token: str, notifications: Sequence[bytes], sent: OnSent) -> None:
    """Sends notifications one by one, as Hull does. Raises ConnectorError where one was not taken in."""
    with httpx.Client(timeout=60, headers={"Authorization": f"Bearer {token}"}) as client:
        for number, notification in enumerate(notifications, 1):
            answer = client.post(f"{connector}/v1/hull", content=notification)
            if answer.status_code != httpx.codes.OK:
                raise ConnectorError(f"the connector answered {answer.status_code}: {answer.text[:200]}")
            sent(number)
