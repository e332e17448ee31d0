"""Earlier versions of the program, as they were: for tests of an upgrade while messages are in flight.

Their code comes from the repository's history. Where that does not reach back to them (a shallow clone, an archive) a
stand-in does to the queues what their workers did: it declares them in their way, and passes messages on between them.
"""

import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from amqp import Connection, Message

from connector.broker import connecting, queues
from tests.forkserver import ROOT

_IJSON = {
    "__init__.py": "",
    "common.py": "class JSONError(Exception): ...\nclass IncompleteJSONError(JSONError): ...\n",
}
"""A library by which they read files, and which is not installed any more. No test sends them a file."""
_BARE = {"x-queue-type": "quorum"}
_QUEUE, _CHANGES = "segment-changes", "changes"


@dataclass(frozen=True)
class Version:
    """An earlier version.

    commit: where it is in the repository's history.
    tables: the version of its tables.
    arguments: what it declares the queues of messages with, None where as today.
    not_known: settings of a sync that it does not know.
    """

    commit: str
    tables: str
    arguments: Mapping[str, Any] | None = None
    not_known: tuple[str, ...] = ()

    def code(self, folder: Path) -> Path | None:
        """Puts its code into the folder. None where the history does not reach back to it."""
        command = ("git", "archive", self.commit, "connector", "tasks")
        try:
            found = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        except FileNotFoundError:
            return None
        if found.returncode:
            return None
        with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
            archive.extractall(folder, filter="data")
        (folder / "ijson").mkdir()
        for name, text in _IJSON.items():
            (folder / "ijson" / name).write_text(text)
        return folder


FIRST = Version("edcad920879aa35273aeee693fe7bca9d4be8d85", "0001", _BARE, ("deletion_guard",))
"""The first one: its queues have other arguments, and its workers cannot work on tables of today."""
BEFORE_THE_READER = Version("136eadef598b036e9f40f68d16bd2737c72d34f7", "0006")
"""The last one whose workers compete for messages, and hand them on as tasks. They work on tables of today."""


def migrated(environ: Mapping[str, str], folder: Path) -> None:
    """Makes the tables of the version that PYTHONPATH says."""
    command = (sys.executable, "-m", "connector", "migrate")
    done = subprocess.run(command, env=dict(environ), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class StandIn:
    """Takes messages off the intake queue a hundred at a time, and hands them on as a task, as those workers did.

    At its end it has some in its hands that it has not handed on, and leaves some tasks behind.
    """

    def __init__(self, broker: str, version: Version) -> None:
        """Declares the queues, and begins to take messages."""
        self._connection = Connection(**connecting.parameters(broker), confirm_publish=True)
        self._connection.connect()
        self._channel: Any = self._connection.channel()
        for name in (_QUEUE, _CHANGES, "delivery", "upkeep"):
            arguments = version.arguments
            if arguments is None:
                arguments = queues.queue(name, broker).queue_arguments
            self._channel.queue_declare(name, durable=True, auto_delete=False, arguments=dict(arguments))
        self._taken: list[Any] = []
        self.handed_on = 0
        self._stop = threading.Event()
        self._channel.basic_qos(0, 400, False)
        self._channel.basic_consume(_QUEUE, callback=self._taken.append)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ends as one that dies: RabbitMQ gives back what it has in its hands."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            connecting.drop(self._connection)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._connection.drain_events(timeout=0.1)
            except TimeoutError:
                continue
            if len(self._taken) >= 100:
                self._hand_on(self._taken[:100])
                del self._taken[:100]

    def _hand_on(self, messages: list[Any]) -> None:
        body = json.dumps([["hull", [each.body for each in messages]], {}, {}])
        task = Message(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=2,
            application_headers={"lang": "py", "task": "tasks.changes.apply", "id": "one of an older version"},
        )
        self._channel.basic_publish_confirm(task, exchange="", routing_key=_CHANGES, confirm_timeout=10)
        self._channel.basic_ack(messages[-1].delivery_tag, multiple=True)
        self.handed_on += 1
