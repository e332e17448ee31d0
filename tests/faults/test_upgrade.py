"""An upgrade with data and messages in flight: old workers beside new ones, tables migrated under them, then new alone.

Nothing is lost, nothing doubled, nothing out of order. The old workers run the code of that time, where the
repository's history is at hand (tests/older.py).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command

from connector.broker import queue_renewal
from connector.store.engine import Store
from connector.store.migrate import alembic, migrate
from tests.build_settings import write
from tests.fleet import Fleet, Program, Servers, settings
from tests.forkserver import CELERY
from tests.lives import Message, lives, shared_out
from tests.older import BEFORE_THE_READER, FIRST, StandIn, Version, migrated
from tests.processes import bare_environment
from tests.servers import eventually

PUBLISHERS, PACE, USERS = 4, 100.0, 300
WORKERS = 2
ALL_QUEUES = ("segment-changes", "changes", "delivery", "upkeep")


class OldWorkers:
    """Two workers and a beat of an earlier version, with tables of their time."""

    def __init__(self, code: Path, version: Version, servers: Servers, folder: Path) -> None:
        given = settings(servers)
        for name in version.not_known:
            del given["syncs"]["main"][name]
        environ = bare_environment() | write(folder, given) | {"PYTHONPATH": str(code)}
        migrated(environ, folder)
        worker = (*CELERY, "-A", "tasks", "worker", "--concurrency=2", "--without-gossip", "--without-mingle")
        self._programs = [
            Program(f"old{number}", folder, environ, (*worker, "--loglevel=INFO", f"--hostname=old{number}@localhost"))
            for number in range(WORKERS)
        ]
        for program in self._programs:
            program.until_it_says("ready.")
        self._programs.append(Program("oldbeat", folder, environ, (*CELERY, "-A", "tasks", "beat", "--loglevel=INFO")))

    def until_at_work(self, fleet: Fleet) -> None:
        """Comes back when Customer.io has some of what flows, and more is on its way."""
        fleet.until_sent(300)

    def end_one(self) -> None:
        """Ends the next worker in order. The beat is killed: that of Celery may miss SIGTERM."""
        program = self._programs.pop(0)
        if self._programs:
            assert program.end() == 0, program.said
        else:
            program.clear_away()

    def clear_away(self) -> None:
        """Ends what is left of them."""
        for program in self._programs:
            program.clear_away()


class InTheirPlace:
    """What a stand-in can do for them."""

    def __init__(self, version: Version, servers: Servers) -> None:
        store = Store(servers.postgres.url)
        with store.migrating() as connection:
            config = alembic()
            config.attributes["connection"] = connection
            command.upgrade(config, version.tables)
        store.close()
        self._stand_in = StandIn(servers.rabbitmq.url, version)

    def until_at_work(self, _: Fleet) -> None:
        """Comes back when it has handed some on."""
        eventually(lambda: self._stand_in.handed_on > 2)

    def end_one(self) -> None:
        """Ends it, the first time."""
        self._stand_in.end()

    clear_away = end_one


@pytest.fixture
def fleet(servers: Servers) -> Iterator[Fleet]:
    """A fleet without a process, on empty servers: no queues, no tables."""
    servers.start_again()
    servers.rabbitmq.delete_queues(*servers.queues())
    servers.postgres.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    fleet = Fleet(servers)
    fleet.simulator.reset()
    yield fleet
    fleet.close()
    servers.rabbitmq.delete_queues(*servers.queues())
    store = Store(servers.postgres.url)
    migrate(store)
    store.close()


@pytest.fixture(params=[FIRST, BEFORE_THE_READER], ids=["the first version", "before the reader"])
def version(request: pytest.FixtureRequest) -> Version:
    found: Version = request.param
    return found


@pytest.fixture
def old(version: Version, fleet: Fleet, tmp_path: Path) -> Iterator[OldWorkers | InTheirPlace]:
    """Workers of that version; where its code is not at hand, one that does the same to the queues."""
    folder = tmp_path / "settings"
    folder.mkdir()
    code = version.code(tmp_path / "code")
    started = OldWorkers(code, version, fleet.servers, folder) if code else InTheirPlace(version, fleet.servers)
    yield started
    started.clear_away()


def test_old_workers_hand_over_to_new_ones_while_changes_flow(
    fleet: Fleet, version: Version, old: OldWorkers | InTheirPlace, prefix: str
) -> None:
    told = lives(prefix, users=USERS)
    with fleet.flowing(*shared_out(told, PUBLISHERS), pace=PACE):
        old.until_at_work(fleet)
        fleet.connector("migrate")
        fleet.start_worker()
        fleet.until_ready()
        old.end_one()
        fleet.start_worker()
        fleet.until_ready()
        old.end_one()
        old.end_one()
        fleet.start_beat()
    fleet.until_settled()
    otherwise = [] if version.arguments is None else [("queue arguments", name) for name in ALL_QUEUES]
    fleet.check(told, problems=otherwise)
    if otherwise:
        renew(fleet)
        later = lives(f"{prefix}-later", users=20)
        check_after(fleet, [*told, *later], later)


def renew(fleet: Fleet) -> None:
    """Gives the queues their arguments, while workers have ended and messages wait."""
    assert fleet.end_workers() == [0] * WORKERS
    fleet.remove(fleet.beats[0]).end()


def check_after(fleet: Fleet, told: list[Message], later: list[Message]) -> None:
    """Publishes to the old queues, moves what waits there to new ones, and checks that everybody is right."""
    with fleet.flowing(later):
        pass
    waiting = fleet.servers.rabbitmq.waiting("segment-changes")
    assert f"segment-changes: made anew, {waiting} message(s) moved" in fleet.connector("queues", "renew", "--yes")
    assert all(each.is_as_declared for each in queue_renewal.look(fleet.servers.rabbitmq.url, ALL_QUEUES))
    fleet.start_worker()
    fleet.start_beat()
    fleet.until_settled()
    eventually(lambda: not fleet.problems())
    fleet.check(told)
