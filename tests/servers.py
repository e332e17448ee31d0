"""The demo's private PostgreSQL and RabbitMQ, for tests (connector/demo/server.py says what they are).

Where a program is not installed the test is skipped, with the package to install; with CI=true that is a failure.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from connector.demo import postgres, rabbitmq
from connector.demo.server import free_port
from connector.errors import ConnectorError

__all__ = ["Postgres", "RabbitMQ", "eventually", "free_port"]


class Postgres(postgres.Postgres):
    """A PostgreSQL of its own. `durable` makes it wait for the disk, as it must where durability is tested."""

    def __init__(self, folder: Path | None = None, **options: Any) -> None:
        try:
            super().__init__(folder, **options)
        except ConnectorError as error:
            _missing(error)


class RabbitMQ(rabbitmq.RabbitMQ):
    """A RabbitMQ of its own, with a port mapper of its own."""

    def __init__(self, folder: Path | None = None) -> None:
        try:
            super().__init__(folder)
        except ConnectorError as error:
            _missing(error)


def eventually(true: Callable[[], Any], seconds: float = 20.0, every: float = 0.02) -> Any:
    """What `true` gives once that is true; fails where it takes longer than `seconds`."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"did not come true within {seconds:g} s"
        time.sleep(every)
    return found


def _missing(error: ConnectorError) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(str(error))
    pytest.skip(str(error))
