"""The log of calls as people look at it."""

from connector.store.by_prefix import the_only
from connector.store import calls
from connector.store.calls import Logged
from connector.store.opening import Store


def find(store: Store, id: str) -> Logged:
    """The call whose id begins with `id`, with its bodies. Raises ConnectorError where there is none, or several."""
    with store.reading() as connection:
        found = calls.beginning_with(connection, id, limit=2)
    return the_only(found, "call", id)
