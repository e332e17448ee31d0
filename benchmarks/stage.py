"""What the benchmarks run on: a private RabbitMQ and PostgreSQL, the simulator, and a fleet, each a process of its own.

Everything listens on the loopback only and is gone when the block ends.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from kombu import Connection

from benchmarks import usage
from connector.demo.postgres import Postgres
from connector.demo.rabbitmq import RabbitMQ
from connector.errors import ConnectorError

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = Path(__file__).with_name("settings.toml")
QUEUE, BACKFILL_QUEUE = "segment-changes", "segment-changes-backfill"
SITE_ID, API_KEY = "site-id", "api-key"
_START_SECONDS, _END_SECONDS = 60.0, 40.0
_SHOWN_LINES = 8
POSTGRES_OPTIONS = {"shared_buffers": "1GB", "max_wal_size": "4GB", "max_connections": "100", "autovacuum": "on"}
"""Where PostgreSQL is not left as it comes. Durability is: fsync, synchronous_commit and full_page_writes are on."""
_STATEMENTS = r"""
SELECT round(total_exec_time), calls, rows, left(regexp_replace(query, '\s+', ' ', 'g'), 150)
FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 25
"""


class OwnPostgres(Postgres):
    """A PostgreSQL that can be started anew with other settings."""

    def restart(self, options: Mapping[str, str]) -> None:
        """Ends it in order, and starts it with `options` over those it was made with."""
        usual = self._options
        self.stop()
        self._options = {**usual, **options}
        self.start()
        self._options = usual


@dataclass(frozen=True, slots=True)
class Size:
    """A fleet: how many workers, each with how many pool processes."""

    workers: int = 2
    concurrency: int = 2


@dataclass(frozen=True, slots=True)
class Process:
    """One of our own programs, and the file it writes its output to."""

    popen: "subprocess.Popen[bytes]"
    output: Path

    @property
    def said(self) -> str:
        """What it has written to its output so far."""
        return self.output.read_text(errors="replace")

    def until_it_says(self, words: str) -> str:
        """Returns what stands behind these words on their line. Raises ConnectorError if it never says them."""
        end = time.monotonic() + _START_SECONDS
        while not (found := [line.partition(words)[2] for line in self.said.splitlines() if words in line]):
            if self.popen.poll() is not None or time.monotonic() > end:
                raise ConnectorError(f"{self.output.name} does not say {words!r}:\n{self.said[-2000:]}")
            time.sleep(0.05)
        return found[0].strip()


@dataclass
class Stage:
    """The servers, and how to reach them."""

    folder: Path
    postgres: OwnPostgres
    rabbitmq: RabbitMQ
    environ: Mapping[str, str]
    client: httpx.Client
    simulators: list[str] = field(default_factory=list)
    processes: dict[str, list[int]] = field(default_factory=dict)
    """Process ids by the group under which their CPU seconds are counted."""

    @property
    def simulator(self) -> str:
        """The URL at which the Customer.io of the connection `main` listens."""
        return self.simulators[0]

    @contextmanager
    def running(self, name: str, *command: str, environ: Mapping[str, str] = {}) -> Iterator[Process]:
        """Yields one of our own programs, in a session of its own, until the block ends."""
        output = self.folder / f"{name}.log"
        with output.open("ab") as file:
            popen = subprocess.Popen(
                command,
                env={**self.environ, **environ},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        try:
            yield Process(popen, output)
        finally:
            _end(popen)

    @contextmanager
    def fleet(self, database: str, size: Size, environ: Mapping[str, str] = {}) -> Iterator[list[Process]]:
        """Yields workers and a beat on a migrated database, as docker-compose.yml starts them, once they are ready."""
        environ = {**environ, "CONNECTOR__STORE__URL": self.postgres.database(database)}
        celery = (sys.executable, "-m", "celery", "-A", "tasks")
        quiet = ("--without-gossip", "--without-mingle", "--loglevel", "INFO", "--concurrency", str(size.concurrency))
        with ExitStack() as stack:
            started = [
                stack.enter_context(
                    self.running(f"worker-{n}", *celery, "worker", *quiet, "-n", f"worker{n}@%h", environ=environ)
                )
                for n in range(1, size.workers + 1)
            ]
            beat = stack.enter_context(self.running("beat", *celery, "beat", environ=environ))
            for worker in started:
                worker.until_it_says("ready.")
            self.processes |= {"workers": [each.popen.pid for each in started], "beat": [beat.popen.pid]}
            yield started
        del self.processes["workers"], self.processes["beat"]

    def complaints(self) -> str:
        """Returns the last lines of every log, as what to look at when something did not happen."""
        logs = {path.stem: path.read_text(errors="replace").splitlines() for path in sorted(self.folder.glob("*.log"))}
        return "\n".join(f"{name}: {line[:300]}" for name, lines in logs.items() for line in lines[-_SHOWN_LINES:])

    def database(self, name: str, environ: Mapping[str, str] = {}) -> str:
        """Makes a database with the tables of this version, by the settings of `environ`. Returns its name."""
        self.postgres.run(f"CREATE DATABASE {name}")
        environ = {**self.environ, **environ, "CONNECTOR__STORE__URL": self.postgres.database(name)}
        migrate = [sys.executable, "-m", "connector", "migrate"]
        done = subprocess.run(migrate, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ConnectorError(f"connector migrate ended with {done.returncode}: {done.stderr[-500:]}")
        return name

    def statements(self, database: str) -> list[tuple[Any, ...]]:
        """Returns PostgreSQL's costliest statements: milliseconds in all, calls, rows, and how they begin."""
        url = self.postgres.database(database).replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            return connection.execute(_STATEMENTS).fetchall()

    def versions(self) -> str:
        """Returns the versions of the servers."""
        with psycopg.connect(self.postgres.url.replace("+psycopg", "")) as connection:
            version = connection.info.parameter_status("server_version") or "?"
        with Connection(self.rabbitmq.url) as broker:
            rabbitmq = broker.connection.server_properties["version"]
        return f"PostgreSQL {version.split()[0]}, RabbitMQ {rabbitmq}"

    def empty_simulators(self, **options: Any) -> None:
        """Makes the simulators forget everything; `options` are their own."""
        for url in self.simulators:
            self.client.post(f"{url}/_simulator/reset", json={"latency": 0.0, **options}).raise_for_status()

    def restart_postgres(self, options: Mapping[str, str]) -> None:
        """Starts PostgreSQL anew, in order, with these settings over those it was made with."""
        self.postgres.restart(options)
        self.processes["postgres"] = [self.postgres.pid or 0]

    @contextmanager
    def customerio(self, connection: str) -> Iterator[None]:
        """Yields a simulated Customer.io for a connection of the settings; its credentials go into `environ`."""
        keys = ("--site-id", SITE_ID, "--api-key", API_KEY)
        command = (sys.executable, "-m", "connector", "simulator", "--port", "0", *keys)
        with self.running(f"simulator-{connection}", *command) as process:
            url = process.until_it_says("Ready: ")
            self.simulators.append(url)
            self.processes.setdefault("simulator", []).append(process.popen.pid)
            own = {"SITE_ID": SITE_ID, "API_KEY": API_KEY, "TRACK_URL": url, "APP_URL": url}
            name = connection.upper()
            self.environ = {**self.environ, **{f"CONNECTOR__CONNECTIONS__{name}__{k}": v for k, v in own.items()}}
            yield

    def summary(self) -> dict[str, Any]:
        """Returns the simulator's own counts."""
        found: dict[str, Any] = self.client.get(f"{self.simulator}/_simulator/summary").json()
        return found

    def cpu(self) -> dict[str, float]:
        """Returns CPU seconds so far, by group; of the workers, the main processes and their pools by themselves.

        others: whatever else has worked on this machine, and what its host kept from it.
        """
        trees = usage.trees(pid for pids in self.processes.values() for pid in pids)
        seconds = {
            group: usage.cpu(process for pid in pids for process in trees[pid])
            for group, pids in self.processes.items()
        }
        seconds |= {"benchmark": sum(os.times()[:2])}
        seconds |= {"others": usage.machine() - sum(seconds.values())}
        if "workers" in seconds:
            seconds |= _by_role([tree for pid, tree in trees.items() if pid in self.processes["workers"]])
            del seconds["workers"]
        return seconds


@contextmanager
def staged(*, postgres: Mapping[str, str] = {}, connections: Sequence[str] = ("main",)) -> Iterator[Stage]:
    """Yields the servers, running until the block ends.

    Args:
        postgres: Settings of PostgreSQL beside, or instead of, the usual ones.
        connections: Each gets a simulated Customer.io.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        server = stack.enter_context(OwnPostgres(durable=True, options={**POSTGRES_OPTIONS, **postgres}))
        rabbitmq = stack.enter_context(RabbitMQ())
        client = stack.enter_context(httpx.Client(timeout=60))
        stage = Stage(folder, server, rabbitmq, _environ(rabbitmq.url), client)
        stage.processes |= {"postgres": [server.pid or 0], "rabbitmq": [rabbitmq.pid or 0]}
        for connection in connections:
            stack.enter_context(stage.customerio(connection))
        yield stage


def _by_role(workers: Iterable[Sequence[usage.Process]]) -> dict[str, float]:
    """Returns the CPU seconds of workers by what each of their processes does; whoever has ended counts as the pool."""
    found = {"workers main": 0.0, "workers pool": 0.0}
    for main, *others in workers:
        found["workers main"] += main.cpu
        found["workers pool"] += main.ended
        for each in others:
            role = f"workers {usage.role(each)}"
            found[role] = found.get(role, 0.0) + each.cpu + each.ended
    return found


def pause(processes: list[Process]) -> None:
    """Stops processes, with those they started, where they stand."""
    _signal(processes, signal.SIGSTOP)


def resume(processes: list[Process]) -> None:
    """Lets them go on."""
    _signal(processes, signal.SIGCONT)


def _signal(processes: list[Process], number: signal.Signals) -> None:
    for each in processes:
        os.killpg(each.popen.pid, number)


def _end(popen: "subprocess.Popen[bytes]") -> None:
    """Ends a program and what it started: politely, and by force where that takes too long."""
    with suppress(ProcessLookupError):
        os.killpg(popen.pid, signal.SIGCONT)  # an error may have come while it was paused
    popen.terminate()
    with suppress(subprocess.TimeoutExpired):
        popen.wait(_END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()


def _environ(broker: str) -> dict[str, str]:
    """Returns this process's environment without our settings, and with those of the benchmarks."""
    foreign = {name: value for name, value in os.environ.items() if not name.upper().startswith("CONNECTOR")}
    return foreign | {
        "CONNECTOR_SETTINGS": str(SETTINGS),
        "CONNECTOR__BROKER__URL": broker,
    }
