"""The demo's private PostgreSQL and RabbitMQ, for tests (connector/demo/server.py says what they are).

Where a program is not installed the test is skipped, with the package to install (with CI=true that is a failure:
tests/conftest.py).
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from connector.demo import postgres, rabbitmq
from connector.demo.server import free_port
from connector.errors import ConnectorError

_PROBE_SECONDS = 10.0
QUEUES = (
    "segment-changes",
    "segment-changes-backfill",
    "segment-changes-1",
    "segment-changes-backfill-1",
    "changes",
    "changes-backfill",
    "delivery",
    "upkeep",
    "dead-letters",
)
"""The queues of the product."""
__all__ = ["QUEUES", "Postgres", "RabbitMQ", "eventually", "free_port"]


class Postgres(postgres.Postgres):
    """A PostgreSQL of its own. `durable` makes it wait for the disk, as it must where durability is tested."""

    def __init__(self, folder: Path | None = None, **options: Any) -> None:
        try:
            super().__init__(folder, **options)
        except ConnectorError as error:
            pytest.skip(str(error))


class RabbitMQ(rabbitmq.RabbitMQ):
    """A RabbitMQ of its own, with a port mapper of its own."""

    def __init__(self, folder: Path | None = None) -> None:
        try:
            super().__init__(folder)
        except ConnectorError as error:
            pytest.skip(str(error))

    def make_sure_of_new_queues(self) -> None:
        """Makes a quorum queue and deletes it. Raises what kombu raises, OSError among it, where that does not work."""
        silence = {"read_timeout": _PROBE_SECONDS, "write_timeout": _PROBE_SECONDS}
        with Connection(self.url, transport_options=silence) as connection, connection.channel() as channel:
            channel.queue_declare("probe", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
            channel.queue_delete("probe")

    def forget_all(self) -> None:
        """Removes what it keeps on disk, while it does not run."""
        shutil.rmtree(self._folder / "mnesia", ignore_errors=True)


def eventually(
    true: Callable[[], Any], seconds: float = 60.0, every: float = 0.02, still: Callable[[], Any] = lambda: ""
) -> Any:
    """What `true` gives once that is true; fails where it takes longer than `seconds`, and says what `still` gives."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"did not come true within {seconds:g} s; still: {still()}"
        time.sleep(every)
    return found
