"""A fleet of real processes on servers of its own: workers, beat, a simulated Customer.io; each can be hurt.

A test lets changes flow in, hurts something meanwhile, and then asks `check`: whether Customer.io holds what the oracle
expects, and whether nothing is left anywhere.
"""

import json
import os
import re
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from amqp.exceptions import AMQPError
from kombu.exceptions import KombuError
from sqlalchemy import text

from connector.errors import StoreError
from connector.store import claims
from connector.store.all_tables import metadata
from connector.store.engine import Store
from connector.store.migrate import migrate
from tests.build_settings import API_KEY, values, write
from tests.erlang import Erlang
from tests.forkserver import CELERY, CONNECTOR, start
from tests.lives import RULES, Message
from tests.moments import moment
from tests.oracle import differences, expected
from tests.processes import bare_environment, connector
from tests.servers import Postgres, RabbitMQ, eventually
from tests.simulated import Simulated
from tests.upstream import Upstream

BROKER_AWAY = frozenset(
    {
        "ConnectionRefusedError",
        "ConnectionResetError",
        "BrokenPipeError",
        "amqp.exceptions.RecoverableConnectionError",
        "celery.beat.SchedulingError",
        "celery.exceptions.WorkerShutdown",
        "kombu.exceptions.OperationalError",
    }
)
"""What Celery itself logs, with a traceback each time, while it cannot reach the broker."""
STARVED = "amqp.exceptions.RecoverableConnectionError"
"""What Celery logs of a connection that the broker has closed: so it may where a busy machine lets heartbeats pass. The
worker connects again by itself, and the end is compared all the same.
"""
CHILD_KILLED = frozenset({"billiard.exceptions.WorkerLostError"})
"""What a worker logs when a child of its pool was killed: by then its task is back in the queue."""
ORPHANED = frozenset({"BrokenPipeError"})
"""What a process of a pool says whose worker is killed while the two speak: it counts for no killed worker."""
GIVEN_BACK = frozenset({"celery.exceptions.Reject", "celery.exceptions.WorkerShutdown", "ConnectionResetError"})
"""What Celery logs of a batch that goes back to the queue since the worker must end and the store is away. Where its
time to end is over, it reads once more from what RabbitMQ has closed."""
DOORBELLS = ("delivery", "upkeep")
"""Queues in which something is always on its way: beat rings there."""
LEASE_SECONDS = 5.0
PUBLISHERS = 4
SLOW_PACE = 250.0
"""Messages a second of each publisher: slow enough for several faults to fall into the middle."""
_SETTLED_SECONDS = 180.0
_READY_SECONDS = 60.0
_ELECTED_SECONDS = 30.0
_END_SECONDS = 60.0
_SHOWN_OF_LOG = 3000
_RABBITMQ_FAILS = (AssertionError, KombuError, AMQPError, OSError)
_QUIET = ("--without-gossip", "--without-mingle", "--loglevel=INFO")
# What `rabbitmqctl list_queues` tells is up to five seconds old; this asks the queues themselves.
_COUNT_MESSAGES = """
[{amqqueue:get_name(Q), ra:leader_query(amqqueue:get_pid(Q), fun rabbit_fifo:query_messages_total/1)}
  || Q <- rabbit_amqqueue:list(<<"/">>), amqqueue:is_quorum(Q)].
"""
# Whoever is nobody's leader is asked to become one; says of how many queues that cannot be said yet.
_ELECT_LEADERS = """
Names = [element(1, amqqueue:get_pid(Q)) || Q <- rabbit_amqqueue:list(<<"/">>), amqqueue:is_quorum(Q)],
States = [{Name, ets:lookup(ra_state, Name)} || Name <- Names],
[ra:trigger_election({Name, node()}) || {Name, [{_, follower}]} <- States],
length([Name || {Name, State} <- States, State =/= [{Name, leader}]]).
"""
_COUNTED = re.compile(r'<<"([^"]+)">>},\{ok,\{\{\d+,\d+\},(\d+)\}')
_WRAPPED = "billiard.einfo.ExceptionWithTraceback"
"""What Celery logs around the exception of a task: that one's own traceback follows."""
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*([\w.]+)", re.MULTILINE)


def children(pid: int) -> list[int]:
    """The processes that a process has started itself."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Program:
    """A process of ours in a session of its own, and what it says."""

    def __init__(self, name: str, folder: Path, environ: Mapping[str, str], command: Sequence[str]) -> None:
        self.name = name
        self.killed = False
        self._output = folder / f"{name}.log"
        self._output.write_bytes(b"")  # the fleet of the test before may have had one of this name
        with self._output.open("ab") as output:
            self.popen = start(command, env=environ, cwd=folder, stdout=output, stderr=output)

    @property
    def said(self) -> str:
        """Everything it said."""
        return self._output.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.popen.poll() is None

    @property
    def children(self) -> list[int]:
        """The processes of its pool."""
        return children(self.popen.pid)

    def until_it_says(self, words: str) -> None:
        """Comes back when it has said that; fails where it ends before."""

        def found() -> bool:
            assert self.alive, self.said
            return words in self.said

        eventually(found, _READY_SECONDS, still=lambda: self.said[-_SHOWN_OF_LOG:])

    def send(self, number: signal.Signals, *, whole: bool = False) -> None:
        """Sends a signal to its main process, or to all of its processes."""
        if whole:
            os.killpg(self.popen.pid, number)
        else:
            self.popen.send_signal(number)

    def kill(self) -> None:
        """Ends its main process as a crash would. The children of its pool are left behind, as they are in life."""
        self.killed = True
        self.popen.kill()
        self.popen.wait()

    def end(self) -> int:
        """Asks it to end; its exit code."""
        self.send(signal.SIGTERM)
        return self.exit_code()

    def exit_code(self) -> int:
        """Waits until it has ended, as it was asked to."""
        return self.popen.wait(_END_SECONDS)

    def clear_away(self) -> None:
        """Ends whatever is left of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


class Servers:
    """What a fleet stands on: RabbitMQ, PostgreSQL, Customer.io."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rabbitmq = RabbitMQ()
        self._erlang = Erlang(self.rabbitmq)
        self.postgres = Postgres(durable=True, options={"autovacuum": "on", "autovacuum_naptime": "1s"})
        keys = ("--site-id", "site-id", "--api-key", API_KEY)
        command = (CONNECTOR, "simulator", "--port", "0", *keys)
        self.customerio = Program("simulator", folder, bare_environment(), command)

    @contextmanager
    def running(self) -> Iterator["Servers"]:
        """Starts them, and ends them with the block."""
        try:
            with self.postgres, self.rabbitmq:
                self._migrate()
                self.customerio.until_it_says("Ready: ")
                yield self
        finally:
            self._erlang.close()
            self.customerio.clear_away()

    @property
    def customerio_url(self) -> str:
        """Where the simulated Customer.io listens."""
        return self.customerio.said.partition("Ready: ")[2].split()[0]

    def start_again(self) -> None:
        """Starts what a failed test has left behind ended."""
        if self.postgres.pid is None:
            self.postgres.start()
        if self.rabbitmq.pid is None:
            self.start_rabbitmq()

    def queues(self) -> dict[str, int]:
        """How many messages each queue holds, those that somebody is working on among them."""
        return {name: int(count) for name, count in _COUNTED.findall(self._erlang.ask(_COUNT_MESSAGES))}

    def start_rabbitmq(self) -> None:
        """Starts it, and what an operator of RabbitMQ 3.10 must do after a crash (docs/reliability.md)."""
        self.rabbitmq.start()
        try:
            self._elect_leaders()
        except _RABBITMQ_FAILS:  # the page's other way: an orderly restart
            self.rabbitmq.stop()
            self.rabbitmq.start()
            self._elect_leaders()

    def _elect_leaders(self) -> None:
        eventually(lambda: self._erlang.ask(_ELECT_LEADERS).startswith("{value,0,"), _ELECTED_SECONDS)
        self.rabbitmq.make_sure_of_new_queues()

    def start_rabbitmq_empty(self) -> None:
        """Ends it, and starts it without anything that it held."""
        self.rabbitmq.kill()
        self.rabbitmq.forget_all()
        self.rabbitmq.start()

    def _migrate(self) -> None:
        store = Store(self.postgres.url)
        migrate(store)
        store.close()


class Fleet:
    """Workers and beat on `servers`, by settings under which faults take seconds and not minutes."""

    def __init__(
        self,
        servers: Servers,
        folder: Path | None = None,
        given: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] = {},
    ) -> None:
        """Starts nothing yet.

        Args:
            servers: What it stands on.
            folder: Where its settings and logs are; that of the servers for the fleet that most tests share.
            given: Other settings than `settings` makes.
            environ: More secrets for them.
        """
        self.servers = servers
        self.folder = folder or servers.folder
        self.simulator = Simulated(servers.customerio_url)
        self.store = Store(servers.postgres.url)
        self.workers: list[Program] = []
        self.beats: list[Program] = []
        self.webs: list[Program] = []
        self._environ = bare_environment() | write(self.folder, given or settings(servers)) | environ
        self._ended: list[Program] = []
        self._started = 0
        self._looked_at: dict[str, int] = {}
        self._upstream: Upstream | None = None

    # --- its processes ---

    def make_ready(self, workers: int) -> None:
        """Brings it to rest: so many workers, one beat, an empty Customer.io; what a failed test left is gone.

        So are the web doors of other tests: they have settings of their own, and would tell of alerts by these.
        """
        for web in list(self.webs):
            self.remove(web).clear_away()
        self.servers.start_again()
        self.simulator.reset()
        try:
            self._bring_to_rest(workers)
        except _RABBITMQ_FAILS:  # what a failed test left of it must not fail the next one
            self.servers.start_rabbitmq_empty()
            self._start_afresh(workers)
        self.tracebacks()

    def _bring_to_rest(self, workers: int) -> None:
        if len(self.workers) != workers or len(self.beats) != 1 or self._left():
            self._start_afresh(workers)
        self.until_ready()

    def dismiss(self) -> None:
        """Ends all workers and beats, whatever they are doing."""
        for program in (*self.workers, *self.beats, *self.webs):
            self.remove(program).clear_away()

    def _start_afresh(self, workers: int) -> None:
        self.dismiss()
        with self.store.writing() as tx:
            tx.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))
        self.servers.rabbitmq.delete_queues(*self.servers.queues())
        for _ in range(workers):
            self.start_worker()
        self.until_ready()
        self.start_beat()

    def start_worker(self, **environ: str) -> Program:
        """Starts a worker; it is not ready yet when this comes back."""
        name = f"worker{self._started}"
        command = ("worker", "--pool=prefork", "--concurrency=2", f"--hostname={name}@localhost", *_QUIET)
        self.workers.append(self._start(name, command, environ))
        return self.workers[-1]

    def start_beat(self, **environ: str) -> Program:
        """Starts a beat."""
        self.beats.append(self._start(f"beat{self._started}", ("beat", "--loglevel=INFO"), environ))
        return self.beats[-1]

    def start_web(self, **environ: str) -> Program:
        """Starts the web doors, and waits until they are open."""
        name = f"web{self._started}"
        self._started += 1
        web = Program(name, self.folder, self._environ | environ, (CONNECTOR, "web"))
        self.webs.append(web)
        web.until_it_says("Ready: ")
        return web

    def end_workers(self) -> list[int]:
        """Asks all workers at once to end; their exit codes."""
        ending = [self.remove(worker) for worker in list(self.workers)]
        for worker in ending:
            worker.send(signal.SIGTERM)
        return [worker.exit_code() for worker in ending]

    def remove(self, program: Program) -> Program:
        """Takes a program that ended off the list; its log is still looked at."""
        for programs in (self.workers, self.beats, self.webs):
            if program in programs:
                programs.remove(program)
        self._ended.append(program)
        return program

    def until_ready(self) -> None:
        """Comes back when all workers take work."""
        for worker in self.workers:
            worker.until_it_says("ready.")

    def connector(self, *arguments: str, codes: Collection[int] = (0,)) -> str:
        """What a command of an operator's prints; it must end with one of these codes."""
        done = connector(*arguments, environ=self._environ, cwd=self.folder)
        assert done.code in codes, done.out + done.err
        return done.out

    def status(self) -> dict[str, Any]:
        """What `connector status --json` says, whether somebody is needed or not."""
        found: dict[str, Any] = json.loads(self.connector("status", "--json", codes=(0, 1)))
        return found

    def close(self) -> None:
        """Ends everything, whatever state it is in."""
        for program in self._all():
            program.clear_away()
        self.simulator.close()
        self.store.close()

    def _all(self) -> list[Program]:
        return [*self.workers, *self.beats, *self.webs, *self._ended]

    def _start(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> Program:
        self._started += 1
        whole = (*CELERY, "-A", "tasks", *command)
        return Program(name, self.folder, self._environ | environ, whole)

    # --- what flows through it ---

    @contextmanager
    def flowing(self, *parts: Sequence[Message], pace: float = 500.0) -> Iterator[Upstream]:
        """Publishes the parts, each by its own publisher, while the block runs; at its end all of it is confirmed."""
        with Upstream(self.servers.rabbitmq.url, parts, pace) as upstream:
            self._upstream = upstream
            yield upstream
            eventually(lambda: upstream.confirmed == upstream.total, _SETTLED_SECONDS)
        self._upstream = None

    def until_sent(self, items: int) -> None:
        """Comes back when Customer.io was sent so many items more; tests/moments.py may say sooner.

        Also when nothing is left to be sent: the later a fleet takes changes in, the more of them are one item.
        """
        items = moment(items, most=items)
        before = self.simulator.summary()["items"]

        def come() -> bool:
            return self.simulator.summary()["items"] >= before + items or self._is_all_sent()

        eventually(come, _SETTLED_SECONDS, every=0.05)

    def _is_all_sent(self) -> bool:
        upstream = self._upstream
        return upstream is not None and upstream.confirmed == upstream.total and not self._left()

    # --- what must hold in the end ---

    def check(
        self, messages: Sequence[Message], *, errors: Collection[str] = (), problems: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Waits until nothing is left to do, and compares Customer.io with what these messages say it must hold.

        Args:
            messages: Everything that was published.
            errors: The exceptions that may be in the logs, by name. Any other traceback fails.
            problems: Kind and user of each problem that there must be, and no others.
        """
        self.until_settled()
        assert differences(expected(messages, RULES), self.simulator.whole_people()) == []
        assert self.problems() == set(problems)
        assert self.tracebacks() <= {*errors, STARVED}
        if set(errors) >= CHILD_KILLED:
            self.dismiss()  # Celery says what a killed child has left up to ten seconds later: not in another test

    def until_settled(self) -> None:
        """Waits until no queue holds a message of upstream's and the store owes nothing."""
        eventually(lambda: not self._left(), _SETTLED_SECONDS, every=0.1, still=self._left)

    def problems(self) -> set[tuple[str, str]]:
        """Kind and user of each problem."""
        with self.store.reading() as tx:
            return {(row.kind, row.subject) for row in tx.execute(text("SELECT kind, subject FROM problem"))}

    def tracebacks(self) -> set[str]:
        """The exceptions whose tracebacks were logged since the last look."""
        found: set[str] = set()
        for program in self._all():
            said = program.said
            shown = map(_shown, said[self._looked_at.get(program.name, 0) :].splitlines())
            raised = set(_TRACEBACK.findall("\n".join(shown) + "\n"))
            found |= raised - ORPHANED if program.killed else raised
            self._looked_at[program.name] = len(said)
        return found - {_WRAPPED}

    def _left(self) -> dict[str, int]:
        """What is still to be done. The store is asked twice: what left the queues meanwhile is there."""
        return self._owed() or self._queued() or self._owed()

    def _owed(self) -> dict[str, int]:
        try:
            with self.store.reading() as tx:
                due = claims.due_count(tx, "main")
        except StoreError:
            return {"stores that do not answer": 1}  # what the test did to it has cut our connection, too
        return {"people due": due} if due else {}

    def _queued(self) -> dict[str, int]:
        return {name: count for name, count in self.servers.queues().items() if count and name not in DOORBELLS}


def _shown(line: str) -> str:
    """A line of the log as text: of one of JSON, the traceback in it."""
    with suppress(ValueError):
        return str(json.loads(line).get("exception", "")) if line.startswith("{") else line
    return line


def settings(servers: Servers) -> dict[str, Any]:
    return values(
        store=servers.postgres.url,
        track_url=servers.customerio_url,
        broker={"url": servers.rabbitmq.url},
        intake={"format": "hull", "batch_seconds": 0.1},
        sync={"deletion_guard": {"share": 1.0}},
        delivery={
            "people": 200,
            "timeout_seconds": 1.0,
            "lease_seconds": LEASE_SECONDS,
            "sweep_seconds": 0.5,
            "backoff_seconds": 0.2,
            "backoff_max_seconds": 1.0,
        },
    )
