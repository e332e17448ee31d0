"""Every wait for PostgreSQL has a bound: silence, locks, statements, dead sessions; a pooler may stand in between."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from connector.errors import StoreError
from connector.settings.sections import StoreSettings as Limits
from connector.store import postgres
from connector.store.engine import Store
from connector.store.migrate import migrate
from tests.pgbouncer import PgBouncer
from tests.servers import eventually
from tests.silent_proxy import SilentProxy
from tests.simulated import Simulated
from tests.world import World, event, message

BRIEF = Limits(connect_seconds=2.0, silence_seconds=1.0, statement_seconds=2.0, lock_seconds=1.0, idle_seconds=1.5)
LONG_ENOUGH = 30.0
"""Seconds after which a test takes a wait to have no bound. All bounds together are a third of it."""
Open = Callable[..., Store]


@pytest.fixture
def open_briefly() -> Iterator[Open]:
    """Opens stores whose bounds are short."""
    opened: list[Store] = []

    def open_(url: str, limits: Limits = BRIEF) -> Store:
        opened.append(Store(url, limits))
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def proxy(database: str) -> Iterator[SilentProxy]:
    """A proxy before PostgreSQL that can fall silent."""
    with SilentProxy(make_url(database).port or 0) as proxy:
        yield proxy


@pytest.fixture
def through(database: str, proxy: SilentProxy) -> str:
    """The URL of the database by way of the proxy."""
    return make_url(database).set(port=proxy.port).render_as_string(hide_password=False)


def count(store: Store) -> int:
    with store.writing() as tx:
        tx.execute(text("INSERT INTO tally (sync, name, count) VALUES ('main', 'x', 1) ON CONFLICT DO NOTHING"))
        return int(tx.execute(text("SELECT count(*) FROM entity")).scalar_one())


def within(run: Callable[[], Any]) -> Any:
    """What `run` gives, or raises; a failure where it is still at it after a long while."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run)
        try:
            return done.result(LONG_ENOUGH)
        except TimeoutError:
            pytest.fail("this waits without a bound")


# ---- silence ---------------------------------------------------------------------------------------------------------


def test_a_silence_in_the_middle_of_a_transaction_is_a_store_error(
    open_briefly: Open, proxy: SilentProxy, through: str
) -> None:
    store = open_briefly(through)

    def fall_silent() -> None:
        with store.writing() as tx:
            proxy.silence()
            tx.execute(text("SELECT 1"))

    count(store)
    with pytest.raises(StoreError, match="has said nothing for"):
        within(fall_silent)
    proxy.heal()
    assert within(lambda: count(store)) == 0


def test_a_silence_before_a_commit_is_a_store_error(open_briefly: Open, proxy: SilentProxy, through: str) -> None:
    store = open_briefly(through)

    def commit() -> None:
        with store.writing() as tx:
            tx.execute(text("SELECT 1"))
            proxy.silence()

    with pytest.raises(StoreError, match="has said nothing for"):
        within(commit)


def test_connections_that_fell_silent_while_idle_cost_one_look_and_no_error(
    open_briefly: Open, proxy: SilentProxy, through: str
) -> None:
    store = open_briefly(through)
    together = threading.Barrier(4)

    def hold() -> None:
        with store.reading():
            together.wait(LONG_ENOUGH)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: hold(), range(4)))
    opened = proxy.connections
    proxy.silence()
    proxy.heal()
    time.sleep(1.2)  # longer than one that was used is trusted
    assert within(lambda: count(store)) == 0
    assert proxy.connections <= opened + 4  # two transactions, each a new connection, in and out


def test_a_server_that_is_silent_from_the_beginning_is_a_store_error(
    open_briefly: Open, proxy: SilentProxy, through: str
) -> None:
    proxy.silence()
    store = open_briefly(through)
    with pytest.raises(StoreError):
        within(lambda: count(store))
    proxy.heal()
    assert within(lambda: count(store)) == 0


def test_rows_that_a_silent_program_has_locked_are_free_again_by_themselves(
    open_briefly: Open, proxy: SilentProxy, through: str, database: str
) -> None:
    lost, other = open_briefly(through), open_briefly(database)
    count(other)

    def lock_and_fall_silent() -> None:
        with lost.writing() as tx:
            tx.execute(text("SELECT * FROM tally FOR UPDATE"))
            proxy.silence()
            with pytest.raises(StoreError, match="lock timeout"):
                lock(other)
            eventually(lambda: locks(other), LONG_ENOUGH)

    with pytest.raises(StoreError, match="has said nothing for"):
        lock_and_fall_silent()


def lock(store: Store) -> None:
    with store.writing() as tx:
        tx.execute(text("SELECT * FROM tally FOR UPDATE"))


def locks(store: Store) -> bool:
    try:
        lock(store)
    except StoreError:
        return False
    return True


@pytest.mark.parametrize("statement", ["SELECT pg_sleep(60)", "SELECT count(*) FROM generate_series(1, 10000000000)"])
def test_a_statement_that_takes_too_long_ends(open_briefly: Open, database: str, statement: str) -> None:
    def run() -> None:
        with open_briefly(database).reading() as tx:
            tx.execute(text(statement))

    with pytest.raises(StoreError, match="statement timeout"):
        within(run)


def test_what_a_human_asks_for_may_take_long(open_briefly: Open, database: str) -> None:
    with open_briefly(database).reading(patient=True) as tx:
        tx.execute(text("SELECT pg_sleep(2.5)"))


def test_people_go_on_once_the_store_answers_again(
    open_briefly: Open, proxy: SilentProxy, through: str, simulator: Simulated
) -> None:
    world = World(open_briefly(through), simulator)
    world.run(message("u1", 1, plan="gold"))
    proxy.silence()
    with pytest.raises(StoreError):
        within(lambda: world.take(message("u1", 2, plan="free")))
    with pytest.raises(StoreError):
        within(world.cycle)
    proxy.heal()
    within(lambda: world.take(message("u1", 2, plan="free"), message("u2", 1)))
    within(world.settle)
    world.close()

    assert simulator.people()["u1"]["plan"] == "free"
    assert simulator.people().keys() == {"u1", "u2"}


# ---- how it connects -------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """With which parameters psycopg was asked to connect."""
    asked: dict[str, Any] = {}

    def connect(*_: Any, **parameters: Any) -> None:
        asked.update(parameters)
        raise psycopg.OperationalError("no")

    monkeypatch.setattr(postgres.BoundedConnection, "connect", connect)
    return asked


def refused(store: Store) -> None:
    with pytest.raises(StoreError), store.reading():
        pass


def test_connections_are_looked_after_by_tcp(open_briefly: Open, asked: dict[str, Any]) -> None:
    refused(open_briefly("postgresql+psycopg://u1:hush@127.0.0.1/x", Limits(silence_seconds=9.0, connect_seconds=4.0)))
    bounds = {"keepalives": 1, "keepalives_idle": 3, "keepalives_interval": 3, "keepalives_count": 3}
    assert asked.items() >= {**bounds, "tcp_user_timeout": 9000, "connect_timeout": 4}.items()


def test_what_the_url_says_of_tls_and_of_time_reaches_the_driver(open_briefly: Open, asked: dict[str, Any]) -> None:
    tls = {"sslmode": "verify-full", "sslrootcert": "/etc/ssl/ca.pem", "sslcert": "/c.pem", "sslkey": "/k.pem"}
    query = "&".join(f"{name}={value}" for name, value in {**tls, "connect_timeout": "7"}.items())
    refused(open_briefly(f"postgresql+psycopg://u1:hush@127.0.0.1/x?{query}"))
    assert asked.items() >= {**tls, "connect_timeout": "7"}.items()


def test_a_server_without_tls_is_refused_where_tls_is_asked_for(open_briefly: Open, database: str) -> None:
    with pytest.raises(StoreError, match="SSL") as caught, open_briefly(f"{database}?sslmode=require").reading():
        pass
    assert "\n" not in str(caught.value)
    assert (make_url(database).password or "?") not in str(caught.value)


# ---- a pooler --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pooled(database: str) -> Iterator[PgBouncer]:
    """A pgbouncer in transaction mode before the database."""
    with PgBouncer(database) as pooler:
        yield pooler


def test_by_way_of_a_pooler_everything_arrives_and_nothing_leaks(
    open_briefly: Open, pooled: PgBouncer, simulator: Simulated
) -> None:
    world = World(open_briefly(pooled.url, Limits()), simulator, sync={"identify_by": "id_or_email", "events": ["*"]})
    with ThreadPoolExecutor(4) as pool:
        for round_ in range(8):
            told = [message(f"u{number}", round_, event("Did", f"e{round_}"), plan=str(round_)) for number in range(8)]
            list(pool.map(world.take, told))
            world.settle()
    world.close()

    assert {each["plan"] for each in simulator.people().values()} == {"7"}
    assert {len(simulator.event_names(f"u{number}")) for number in range(8)} == {8}
    with pooled.plain() as other:
        for name, untouched in (("enable_seqscan", "on"), ("statement_timeout", "0"), ("lock_timeout", "0")):
            assert {other.execute(f"SHOW {name}").fetchone()[0] for _ in range(10)} == {untouched}
        assert other.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def test_migrating_and_asking_for_the_version_go_by_way_of_a_pooler(open_briefly: Open, empty_database: str) -> None:
    with PgBouncer(empty_database) as pooler:
        store = open_briefly(pooler.url)
        assert migrate(store)
        store.check_version()


def test_without_a_pooler_statements_are_prepared(open_briefly: Open, database: str) -> None:
    with open_briefly(database).reading() as tx:
        driver: Any = tx.connection.dbapi_connection
        assert driver.prepare_threshold is not None
