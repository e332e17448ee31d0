"""The broker and the store of a fleet, stopped, killed, full and read-only while changes flow: it goes on by itself."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.budget import seeds
from tests.fleet import BROKER_AWAY, CHILD_KILLED, GIVEN_BACK, LEASE_SECONDS, PUBLISHERS, SLOW_PACE, Fleet, children
from tests.lives import lives, shared_out, shuffled
from tests.moments import chance
from tests.servers import RabbitMQ, eventually

OUTAGE_SECONDS = 2.0
NOW_AND_THEN: Sequence[dict[str, Any]] = (
    {"drop": "after", "probability": 0.15},
    {"drop": "before", "probability": 0.05},
    {"status": 500, "probability": 0.05},
    {"status": 429, "probability": 0.05},
    {"latency": 0.3, "probability": 0.3},
)
"""What Customer.io does wrong all the while. It goes on to the end: delivery gets through all the same."""
FULL_AT_BYTES = "17000000"
"""No file of PostgreSQL may grow beyond this; its write-ahead log's files have 16 MiB."""
BALLAST = """
    INSERT INTO event (sync, id, key, body, state, accepted_at)
    SELECT 'ballast', n::text, 'nobody', repeat(md5(n::text), 61), 1, extract(epoch from now())
    FROM generate_series(1, 10000) AS n ON CONFLICT DO NOTHING
"""
"""Events of today: the sweep would take old ones, and make room."""


# --- the broker ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [RabbitMQ.stop, RabbitMQ.kill], ids=["stopped", "killed"])
def test_a_broker_that_ends_and_starts_costs_nothing_but_time(
    fleet: Fleet, prefix: str, end: Callable[[RabbitMQ], None]
) -> None:
    told = lives(prefix)
    with fleet.flowing(*shared_out(told, PUBLISHERS), pace=SLOW_PACE) as upstream:
        upstream.until_confirmed(1000)
        end(fleet.servers.rabbitmq)
        worker = fleet.remove(fleet.workers[0])
        worker.send(signal.SIGTERM)
        assert worker.exit_code() == 0
        fleet.servers.start_rabbitmq()
        fleet.start_worker()
    fleet.check(told, errors=BROKER_AWAY)


# --- the store -------------------------------------------------------------------------------------------------------


def test_a_store_that_crashes_and_starts_costs_nothing_but_time(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    with fleet.flowing(*shared_out(told, PUBLISHERS), pace=SLOW_PACE) as upstream:
        upstream.until_confirmed(1000)
        fleet.servers.postgres.stop(immediate=True)
        time.sleep(OUTAGE_SECONDS)
        fleet.servers.postgres.start()
        fleet.until_sent(200)
        fleet.servers.postgres.stop(immediate=True)
        fleet.servers.postgres.start()
    fleet.check(told)


def test_workers_end_while_the_store_is_away_and_lose_nothing(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    with fleet.flowing(*shared_out(told, PUBLISHERS), pace=SLOW_PACE) as upstream:
        upstream.until_confirmed(1000)
        fleet.servers.postgres.stop(immediate=True)
        time.sleep(OUTAGE_SECONDS)
        assert fleet.end_workers() == [0, 0]
        fleet.servers.postgres.start()
        fleet.start_worker()
        fleet.start_worker()
    fleet.check(told, errors=GIVEN_BACK)


def test_a_read_only_store_is_said_so_and_loses_nothing(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    with fleet.flowing(*shared_out(told, PUBLISHERS), pace=SLOW_PACE) as upstream:
        upstream.until_confirmed(1000)
        _read_only(fleet, "on")
        _until_a_worker_says(fleet, "in a read-only transaction")
        time.sleep(OUTAGE_SECONDS)
        _read_only(fleet, "off")
    fleet.check(told)


def test_a_full_disk_is_said_so_and_loses_nothing(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    fleet.servers.postgres.run(BALLAST)
    with fleet.flowing(*shared_out(told, PUBLISHERS), pace=SLOW_PACE) as upstream:
        upstream.until_confirmed(1000)
        with _full_disk(fleet):
            _until_a_worker_says(fleet, "could not extend file")
            time.sleep(OUTAGE_SECONDS)
    fleet.check(told)


# --- everything ------------------------------------------------------------------------------------------------------


@pytest.mark.search
@pytest.mark.parametrize("seed", seeds(1))
def test_many_faults_at_once_lose_and_double_nothing(fleet: Fleet, prefix: str, seed: int) -> None:
    random = chance(seed)
    told = lives(prefix, seed=seed)
    again = shuffled(told, seed)[:500]
    fleet.simulator.go_wrong(*({"path": "/api/v2/batch", "seed": seed, **fault} for fault in NOW_AND_THEN))
    with fleet.flowing(*shared_out(told, PUBLISHERS), again, pace=SLOW_PACE):
        for harm in random.choices(HARMS, k=6):
            time.sleep(random.random())
            harm(fleet, random)
    fleet.check(told, errors=CHILD_KILLED | GIVEN_BACK)


def _kill_a_worker(fleet: Fleet, random: Random) -> None:
    fleet.remove(random.choice(fleet.workers)).kill()
    fleet.start_worker()


def _kill_a_child(fleet: Fleet, random: Random) -> None:
    pool = children(random.choice(fleet.workers).popen.pid)
    if pool:  # it may not have started them yet
        os.kill(random.choice(pool), signal.SIGKILL)


def _stop_a_worker(fleet: Fleet, random: Random) -> None:
    worker = random.choice(fleet.workers)
    worker.send(signal.SIGSTOP, whole=True)
    time.sleep(LEASE_SECONDS * random.random() * 1.5)
    worker.send(signal.SIGCONT, whole=True)


def _crash_the_store(fleet: Fleet, random: Random) -> None:
    fleet.servers.postgres.stop(immediate=True)
    time.sleep(OUTAGE_SECONDS * random.random())
    fleet.servers.postgres.start()


HARMS = (_kill_a_worker, _kill_a_child, _stop_a_worker, _crash_the_store)


# --- how it is done --------------------------------------------------------------------------------------------------


def _until_a_worker_says(fleet: Fleet, words: str) -> None:
    eventually(lambda: any(words in worker.said for worker in fleet.workers), every=0.1)


def _read_only(fleet: Fleet, switch: str) -> None:
    """As a PostgreSQL that was demoted, or that an operator has closed."""
    fleet.servers.postgres.run(
        f"ALTER DATABASE postgres SET default_transaction_read_only = {switch}",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'",
        database="template1",
    )


@contextmanager
def _full_disk(fleet: Fleet) -> Iterator[None]:
    """No room for another event: PostgreSQL takes the limit of a file's size for a full disk."""
    _limit_files(fleet, FULL_AT_BYTES)
    yield
    _limit_files(fleet, "unlimited")


def _limit_files(fleet: Fleet, most: str) -> None:
    """For the server first, from which new processes take it over; some of the others may end meanwhile."""
    server = fleet.servers.postgres.pid
    owner = Path(f"/proc/{server}").stat()
    for pid in (server, *children(server)):
        command = ("prlimit", f"--pid={pid}", f"--fsize={most}:")
        subprocess.run(command, user=owner.st_uid, group=owner.st_gid, check=pid == server, capture_output=True)
