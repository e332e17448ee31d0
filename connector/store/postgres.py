"""Opens PostgreSQL for the store: every wait has a bound, and nothing is set that would outlive a transaction.

So a connection that falls silent, after a failover or behind a firewall that has dropped its state, costs seconds; and
a pooler in transaction mode (pgbouncer) may stand in between, which hands each transaction to another session.
"""

from collections.abc import Generator, Mapping
from functools import cache
from time import monotonic
from typing import Any, Generic, NamedTuple, TypeVar

import psycopg
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, select
from sqlalchemy.exc import InvalidatePoolError

from connector import resolver
from connector.settings.sections import StoreSettings as Limits
from connector.store.clock import ONLY, Clock

CLOCK = "clock_timestamp()"
"""The SQL of the time of PostgreSQL's machine."""
READ = "clock"
"""The name under which a connection keeps the time its transaction began, and what the store keeps of the time."""
PATIENT_SECONDS = 6 * 3600.0
"""The bound, in seconds, of what looks through whole tables or changes them because a human asked for it."""
_TRUSTED_SECONDS = 1.0
_GRACE_SECONDS = 5.0
_PORT = 5432
# Every statement here finds its rows by an index, few at a time. Of a table that grew a moment ago PostgreSQL has no
# statistics: it would sort all that is due for each claim, or read whole tables. Off means: where nothing else will do.
_PLANS: Mapping[str, str] = {
    "plan_cache_mode": "force_custom_plan",
    **dict.fromkeys(
        ("enable_bitmapscan", "enable_sort", "enable_seqscan", "enable_hashjoin", "enable_mergejoin"), "off"
    ),
    "jit": "off",
}
_FROM_CLOCK = f"FROM (SELECT 1) AS one LEFT JOIN clock ON clock.id = {ONLY}"
_PROBES = 3
T = TypeVar("T")


class SilentError(psycopg.OperationalError):
    """The error for a PostgreSQL that has not answered in time. The connection is closed: its state is unknown."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose every wait is bounded by `patience`, in seconds."""

    patience = PATIENT_SECONDS
    with_commit: list[tuple[str, Any]] | None = None
    """The statements that run with the commit of its transaction (`statements.committing`)."""

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Waits as psycopg does. Raises SilentError when nothing has come for `patience` seconds."""
        try:
            return super().wait(_bounded(gen, self.patience), *args, **kwargs)
        except SilentError:
            self.pgconn.finish()
            raise


def _bounded(gen: Generator[Any, Any, T], seconds: float) -> Generator[Any, Any, T]:
    """Passes on between psycopg and its waiting function, which says every 100 ms that nothing has come."""
    give_up_at = monotonic() + seconds
    wanted: Any = _next(gen)
    while not isinstance(wanted, _End):
        ready = yield wanted
        if not ready and monotonic() > give_up_at:
            raise SilentError(f"PostgreSQL has said nothing for {seconds:g} s")
        wanted = _next(gen, ready)
    value: T = wanted.value
    return value


class _End(NamedTuple, Generic[T]):
    """The end of a generator, with the value that it returned."""

    value: T


def _next(gen: Generator[Any, Any, T], ready: Any = None) -> "_End[T] | Any":
    """Returns what a generator yields next, or its end."""
    try:
        return gen.send(ready)
    except StopIteration as end:
        return _End(end.value)


def engine(url: URL, limits: Limits) -> Engine:
    """Opens PostgreSQL. Connects at the first transaction."""
    made = create_engine(url, connect_args=_parameters(url.query, limits))

    @event.listens_for(made, "do_connect")
    def _connect(_: Any, __: Any, args: Any, parameters: Any) -> Any:
        return BoundedConnection.connect(*args, **{**parameters, **addressed(parameters, limits.connect_seconds)})

    @event.listens_for(made, "connect")
    def _configure(connection: BoundedConnection, _: Any) -> None:
        connection.patience = limits.silence_seconds
        # Arrays go in binary: as text each element is escaped, 250 times as slow (docs/performance.md).
        connection.adapters.register_dumper(list, ListBinaryDumper)
        connection.commit()
        connection.autocommit = True  # we say BEGIN, below
        if _is_pooled(connection):
            connection.prepare_threshold = None  # a prepared statement stays in a session, which is not ours

    @event.listens_for(made, "begin")
    def _begin(tx: Connection) -> None:
        _start(tx, limits)

    @event.listens_for(made, "checkin")
    def _note(_: Any, record: Any) -> None:
        record.info["used_at"] = monotonic()

    @event.listens_for(made, "checkout")
    def _check(connection: BoundedConnection, record: Any, _: Any) -> None:
        # One that was used a moment ago is most likely good, and asking costs as much as a statement.
        if monotonic() - record.info.get("used_at", monotonic()) > _TRUSTED_SECONDS:
            _ping(connection, limits)

    return made


def _parameters(given: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Returns how to connect, without the parameters that the URL itself gives."""
    probe = max(int(limits.silence_seconds / _PROBES), 1)
    bounds = {
        "connect_timeout": max(int(limits.connect_seconds), 2),
        "keepalives": 1,
        "keepalives_idle": probe,
        "keepalives_interval": probe,
        "keepalives_count": _PROBES,
        "tcp_user_timeout": int(limits.silence_seconds * 1000),
    }
    return {name: value for name, value in bounds.items() if name not in given}


def addressed(given: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Returns hosts, addresses and ports, looked up here within a bound, since psycopg leaves that to the system.

    Raises psycopg.OperationalError if the name servers are silent, or know none of the hosts.
    """
    names = str(given.get("host") or "").split(",")
    if "hostaddr" in given or not all(each and not each.startswith(("/", "@")) for each in names):
        return {}  # sockets of this machine, or what the environment says
    ports = str(given.get("port") or _PORT).split(",")
    found: list[tuple[str, str, str]] = []
    fault = ""
    for name, port in zip(names, ports * len(names) if len(ports) == 1 else ports, strict=False):
        try:
            found += [(name, address, port) for address in resolver.addresses(name, int(port or _PORT), seconds)]
        except OSError as error:
            fault = f"{name}: {error}"
    if not found:
        raise psycopg.OperationalError(fault)
    hosts, addresses, each_port = (",".join(part) for part in zip(*found, strict=True))
    return {"host": hosts, "hostaddr": addresses, "port": each_port}


def _is_pooled(connection: BoundedConnection) -> bool:
    """Says whether a pooler stands in between: it has named another session than the one that answers."""
    row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return row is not None and row[0] != connection.info.backend_pid


def _start(tx: Connection, limits: Limits) -> None:
    """Begins a transaction, bounded, and reads the time, all in one round trip."""
    options = tx.get_execution_options()
    statement_seconds = PATIENT_SECONDS if options.get("patient") else limits.statement_seconds
    # Of several programs that migrate at once, those that come second wait for the first.
    lock_seconds = PATIENT_SECONDS if options.get("timeless") else limits.lock_seconds
    bounds = {
        "statement_timeout": _milliseconds(statement_seconds),
        "lock_timeout": _milliseconds(lock_seconds),
        "idle_in_transaction_session_timeout": _milliseconds(limits.idle_seconds),
    }
    if options.get("may_be_lost"):
        bounds["synchronous_commit"] = "off"
    driver: Any = tx.connection.dbapi_connection
    driver.patience = limits.silence_seconds
    try:
        machine, *kept = _first_row(
            driver, _words(_beginning(options), tuple(bounds.items()), CLOCK, timeless=bool(options.get("timeless")))
        )
    except psycopg.Error:
        tx.invalidate()
        raise
    driver.patience = statement_seconds + min(_GRACE_SECONDS, limits.silence_seconds)
    tx.info[READ] = (float(machine), Clock() if kept[0] is None else Clock(*kept))


def _beginning(options: Mapping[str, Any]) -> str:
    """Returns the SQL that begins a transaction. One that only reads sees one moment of the store and cannot write."""
    return "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;" if options.get("reads") else "BEGIN;"


def _milliseconds(seconds: float) -> str:
    return str(max(int(seconds * 1000), 1))


def allow_block_ranges(tx: Connection) -> None:
    """Lets this transaction's statements use indexes of block ranges, which PostgreSQL reads by bitmaps alone."""
    tx.execute(select(func.set_config("enable_bitmapscan", "on", True)))


@cache
def _words(beginning: str, bounds: tuple[tuple[str, str], ...], clock: str, *, timeless: bool) -> str:
    set_here = [f"set_config('{name}', '{value}', true)" for name, value in (*_PLANS.items(), *bounds)]
    kept = ["null"] if timeless else ["clock.ahead", "clock.since", "clock.seen"]
    listed = ", ".join((f"extract(epoch FROM {clock})", *kept, *set_here))
    return " ".join((beginning, "SELECT", listed, "" if timeless else _FROM_CLOCK))


def _first_row(driver: Any, statements: str) -> tuple[Any, ...]:
    """Returns the time and the clock's columns, of which the first is null where there is no row of the clock."""
    cursor = driver.execute(statements, prepare=False)
    while cursor.nextset():
        pass
    row: tuple[Any, ...] = cursor.fetchone()
    return row[:4]


def _ping(connection: BoundedConnection, limits: Limits) -> None:
    """Raises InvalidatePoolError where a connection is broken or silent; the pool then opens new ones."""
    connection.patience = limits.silence_seconds
    try:
        connection.execute("SELECT 1", prepare=False)
    except psycopg.OperationalError as error:
        raise InvalidatePoolError from error
