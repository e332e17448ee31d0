"""A worker that keeps its store in a SQLite file: stopped in order it leaves a file that is whole by itself."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from kombu import Connection

from tests.forkserver import CELERY
from tests.integration.test_queue import QUICK, Program, environment, message, publish
from tests.servers import eventually
from tests.simulated import Simulated


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_a_copy_of_the_file_alone_has_everything_once_the_worker_was_stopped(
    tmp_path: Path, file_url: str, broker_url: str, simulator: Simulated, pool: str
) -> None:
    environ = environment(tmp_path, simulator, store=file_url, broker={"url": broker_url}, delivery=QUICK)
    worker = Program(tmp_path, environ, *CELERY, "-A", "tasks", "worker", f"--pool={pool}", "--concurrency=1")
    worker.until_it_says("ready.")
    with Connection(broker_url) as connection, connection.channel() as channel:
        publish(channel, "segment-changes", json.dumps(message("u1", 1)))
        eventually(lambda: "u1" in simulator.people())
        publish(channel, "upkeep", json.dumps([[], {}, {}]), headers={"id": "s", "task": "tasks.upkeep.sweep"})
        eventually(lambda: channel.queue_declare("upkeep", passive=True).message_count == 0)
    assert worker.end() == 0, worker.said

    copy = shutil.copy(file_url.removeprefix("sqlite:///"), tmp_path / "copy.db")
    reading = sqlite3.connect(copy)
    assert reading.execute("SELECT count(*) FROM entity WHERE delivered IS NOT NULL").fetchone() == (1,)
    reading.close()
