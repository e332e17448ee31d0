"""Brings the tables of a store to this version. It is a file of its own, since Alembic takes long to import."""

from collections.abc import Iterable
from time import sleep

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from connector.errors import StoreError
from connector.store.all_tables import metadata
from connector.store.engine import MIGRATIONS, Store

_IN_THE_WAY = ("40P01", "55P03")
"""PostgreSQL's codes for a deadlock and for a lock that could not be had in time: the tables are in use."""
_TRIES = 30
_LOCK_SECONDS = 2
"""The longest wait for the tables at a time. Transactions that use them queue behind it, so it is short."""
_PAUSE_SECONDS = 0.5


def migrate(store: Store) -> bool:
    """Brings the tables to this version, also while workers run. Returns True if they were not of this version.

    Raises StoreError if the tables are newer, or are never free.
    """
    if store.is_migrated():
        return False
    for left in reversed(range(_TRIES)):
        try:
            _upgrade(store)
        except StoreError as error:
            if not _is_in_the_way(error):
                raise
            if not left:
                raise StoreError(f"{error}. Workers keep the tables busy: run it again, or stop them first") from error
            sleep(_PAUSE_SECONDS)
        else:
            break
    return True


def _upgrade(store: Store) -> None:
    with store.migrating() as connection:
        if not store.on_sqlite:
            _have_to_itself(connection, metadata.tables)
        config = alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _have_to_itself(connection: Connection, names: Iterable[str]) -> None:
    """Locks all tables before anything is changed: locking one after the other could deadlock with workers."""
    found = sorted(set(names) & set(inspect(connection).get_table_names()))
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
    if found:
        connection.execute(text(f"LOCK TABLE {', '.join(found)} IN ACCESS EXCLUSIVE MODE"))


def _is_in_the_way(error: StoreError) -> bool:
    cause = error.__cause__
    raised = cause.orig if isinstance(cause, DBAPIError) else cause
    return getattr(raised, "sqlstate", None) in _IN_THE_WAY


def alembic() -> Config:
    """Returns Alembic's own settings, which say where the migrations are."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
