"""The log of calls as people look at it."""

from connector.store import request_log
from connector.store.by_prefix import the_only
from connector.store.engine import Store
from connector.store.request_log import Logged


def find(store: Store, id: str) -> Logged:
    """The call whose id begins with `id`, with its bodies. Raises ConnectorError where there is none, or several."""
    with store.reading() as tx:
        found = request_log.beginning_with(tx, id, limit=2)
    return the_only(found, "call", id)
