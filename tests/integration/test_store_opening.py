"""Opening and migrating the store, on SQLite and on PostgreSQL."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from connector.errors import StoreError
from connector.store.all_tables import metadata
from connector.store.engine import VERSIONS, Store
from connector.store.migrate import alembic, migrate
from tests.servers import Postgres, eventually

OpenStore = Callable[[str], Store]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, open_store: OpenStore) -> Store:
    """A store without tables."""
    if request.param == "sqlite":
        return open_store(f"sqlite:///{tmp_path / 'empty.db'}")
    return open_store(request.getfixturevalue("empty_database"))


UNREFLECTED = pytest.mark.filterwarnings("ignore:.*expression-based index .?(event_known_by|problem_subject)")
OF_EXPRESSIONS = {("event", "event_known_by"), ("problem", "problem_subject")}
"""SQLite does not tell what an index of an expression is made of."""


@UNREFLECTED
def test_migrating_makes_exactly_the_tables_of_the_models(empty: Store) -> None:
    assert empty.version() is None
    assert migrate(empty)
    with empty.reading() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


@UNREFLECTED
def test_migrating_makes_the_indexes_partial_as_the_models_say(empty: Store) -> None:
    migrate(empty)
    with empty.reading() as tx:
        made = {
            (table, index["name"]): str(index["dialect_options"].get(f"{tx.dialect.name}_where"))
            for table in metadata.tables
            for index in inspect(tx).get_indexes(table)
        }
    known = {(table.name, index.name) for table in metadata.tables.values() for index in table.indexes}
    assert known - set(made) == (OF_EXPRESSIONS if empty.on_sqlite else set())
    made |= dict.fromkeys(OF_EXPRESSIONS, "None")
    assert {name: "None" not in where for (_, name), where in made.items()} == {
        "entity_due": True,
        "entity_waiting": True,
        "entity_outsider": True,
        "entity_held": True,
        "entity_alone": True,
        "event_accepted": False,
        "event_known_by": False,
        "call_at": False,
        "event_pending": True,
        "relation_object": False,
        "problem_recent": False,
        "problem_cause": False,
        "problem_latest": False,
        "problem_subject": False,
        "approval_asked": False,
        "tally_hour_at": False,
        "source_run_ended": False,
        "webhook_received": False,
        "profile_link_owner": False,
        "webhook_waiting": True,
        "outgoing_target": False,
        "outgoing_person": False,
        "history_person": False,
        "history_at": False,
        "trace_context_at": False,
        "operator_log_at": False,
        "alert_notice_waiting": True,
    }


def test_migrating_again_changes_nothing(empty: Store) -> None:
    assert migrate(empty)
    assert not migrate(empty)
    empty.check_version()


def test_a_migrated_store_is_seen_by_who_opened_it_before(empty: Store, open_store: OpenStore) -> None:
    other = open_store(empty.url.render_as_string(hide_password=False))
    with pytest.raises(StoreError, match="run `connector migrate`"):
        other.check_version()
    migrate(empty)
    other.check_version()


def test_a_store_without_tables_says_what_to_run(empty: Store) -> None:
    with pytest.raises(StoreError, match=r"has no tables of this version yet: run `connector migrate`$"):
        empty.check_version()


def test_tables_or_columns_that_are_not_there_say_what_to_run(empty: Store, store: Store) -> None:
    for opened, statement in ((empty, "SELECT * FROM entity"), (store, "SELECT of_another_version FROM entity")):
        with pytest.raises(StoreError, match=r"run `connector migrate`$"), opened.reading(timeless=True) as tx:
            tx.execute(text(statement))


@pytest.mark.parametrize("ask", [migrate, Store.version, Store.check_version])
def test_tables_of_a_newer_version_are_refused(store: Store, ask: Callable[[Store], object]) -> None:
    with store.writing() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer version \(9999\): install that version"):
        ask(store)


_MIGRATE = """
import sys
from connector.store.engine import VERSIONS, Store
from connector.store.migrate import alembic, migrate
migrate(Store(sys.argv[1]))
"""


def test_programs_that_migrate_at_once_all_succeed(empty_database: str, open_store: OpenStore) -> None:
    store = open_store(empty_database)
    command = [sys.executable, "-c", _MIGRATE, empty_database]
    with store.reading(timeless=True) as tx:
        # Whoever makes a table waits for this, so that both are on their way when it ends.
        tx.execute(text("LOCK TABLE pg_catalog.pg_type IN SHARE MODE"))
        programs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        eventually(lambda: waiting(store) == len(programs))
    said = [program.communicate(timeout=30)[1] for program in programs]
    assert [program.returncode for program in programs] == [0, 0], said
    store.check_version()


def waiting(store: Store) -> int:
    """How many wait for a lock."""
    with store.reading(timeless=True) as tx:
        return int(tx.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.writing() as tx:
            tx.execute(text("INSERT INTO tally (sync, name, count) VALUES ('main', 'x', 1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM tally")).scalar_one() == 0


def test_what_the_database_says_becomes_a_store_error_of_one_line(store: Store) -> None:
    with pytest.raises(StoreError) as caught, store.reading() as tx:
        tx.execute(text("SELECT no_such_column FROM tally"))
    assert "no_such_column" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_password_is_never_shown(open_store: OpenStore) -> None:
    store = open_store("postgresql+psycopg://u1b:hushhush@127.0.0.1:9/nowhere")
    with pytest.raises(StoreError) as caught:
        store.check_version()
    assert "hushhush" not in str(caught.value)
    assert "hushhush" not in store.place


def test_a_file_that_cannot_be_opened_is_a_store_error(open_store: OpenStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        open_store(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}").check_version()


def test_a_file_that_is_no_database_is_a_store_error(open_store: OpenStore, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_bytes(b"Dear diary, today I wrote no database at all.\n" * 40)
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{tmp_path / 'notes.db'}").check_version()


def test_sqlite_keeps_what_it_confirmed(file_url: str, open_store: OpenStore) -> None:
    with open_store(file_url).reading() as tx:
        pragmas = [tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


def test_readers_of_sqlite_wait_for_no_writer(file_url: str, open_store: OpenStore) -> None:
    store, other = open_store(file_url), open_store(file_url)
    with store.writing() as writing:
        writing.execute(text("INSERT INTO tally (sync, name, count) VALUES ('main', 'x', 1)"))
        for each in (store, other):
            with each.reading() as tx:
                assert tx.execute(text("SELECT count(*) FROM tally")).scalar_one() == 0


def test_writers_of_sqlite_take_turns(file_url: str, open_store: OpenStore) -> None:
    """Several threads of several programs: nobody is told that the database is locked, and no count is lost."""
    stores = [open_store(file_url), open_store(file_url)]

    def write(number: int) -> None:
        with stores[number % 2].writing() as tx:
            found = tx.execute(text("SELECT coalesce(max(count), 0) FROM tally")).scalar_one()
            put = text(
                "INSERT INTO tally (sync, name, count) VALUES ('main', 'x', 1) ON CONFLICT DO UPDATE SET count=:n"
            )
            tx.execute(put, {"n": found + 1})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(100)))
    with stores[0].reading() as tx:
        assert tx.execute(text("SELECT count FROM tally")).scalar_one() == 100


def test_a_postgresql_that_comes_back_is_used_again(open_store: OpenStore) -> None:
    with Postgres(durable=True) as server:
        store = open_store(server.url)
        migrate(store)
        with store.writing() as tx:
            tx.execute(text("INSERT INTO tally (sync, name, count) VALUES ('main', 'x', 7)"))
        server.stop(immediate=True)
        with pytest.raises(StoreError), store.reading() as tx:
            tx.execute(text("SELECT 1"))
        server.start()
        with store.reading() as tx:
            assert tx.execute(text("SELECT count FROM tally")).scalar_one() == 7


def test_a_transaction_cut_by_a_crash_leaves_nothing(open_store: OpenStore) -> None:
    with Postgres(durable=True) as server:
        store = open_store(server.url)
        migrate(store)

        def write() -> None:
            with store.writing() as tx:
                tx.execute(text("INSERT INTO tally (sync, name, count) VALUES ('main', 'x', 7)"))
                server.kill()

        with pytest.raises(StoreError):
            write()
        server.start()
        with store.reading() as tx:
            assert tx.execute(text("SELECT count(*) FROM tally")).scalar_one() == 0


def test_the_versions_are_those_of_the_migrations() -> None:
    known = [each.revision for each in ScriptDirectory.from_config(alembic()).walk_revisions()]
    assert list(reversed(known)) == list(VERSIONS)
