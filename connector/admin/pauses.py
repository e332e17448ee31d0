"""Ends the pause of a connection at the word of a human who has mended its cause."""

from connector.settings.connection import check_connection
from connector.settings.schema import Settings
from connector.store import connection_health
from connector.store.engine import Store


def end(store: Store, settings: Settings, connection: str) -> bool:
    """Lets requests go to a connection again. Returns whether it was paused.

    Raises SettingsError where the settings name no such connection.
    """
    check_connection(connection, settings.connections)
    with store.writing() as tx:
        return connection_health.let_try(tx, connection)
