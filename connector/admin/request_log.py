"""Looks for calls in the log: one by the beginning of its id, or those about a user."""

from dataclasses import replace

from connector.admin.person.calls import CallAbout, about
from connector.admin.person.gather import the_key
from connector.runtime import Runtime
from connector.store import person_rows, request_log
from connector.store.by_prefix import the_only
from connector.store.engine import Store
from connector.store.request_log import CallFilter, Logged


def find(store: Store, id: str) -> Logged:
    """Returns the call whose id begins with `id`, with its bodies where they are kept.

    Raises ConnectorError where there is none, or more than one.
    """
    with store.reading() as tx:
        found = request_log.beginning_with(tx, id, limit=2)
    return the_only(found, "call", id)


def find_about(runtime: Runtime, user: str, which: CallFilter, lately: float, limit: int) -> list[CallAbout]:
    """Returns the calls about a user, the latest first, with the user's part of each.

    Args:
        runtime: What this program has open.
        user: Any name that they go by; "" for all calls.

        which: Which calls are meant.
        lately: Only those of the last so many seconds; 0 for all.
        limit: How many to return at most.

    Raises:
        ConnectorError: Several users have that name.
    """
    with runtime.store.reading(patient=bool(user)) as tx:
        if lately:
            which = replace(which, since=runtime.store.now(tx) - lately)
        if not user:
            return [CallAbout(each) for each in request_log.find(tx, which, limit)]
        return about(tx, the_key(person_rows.keys(tx, user, which.sync), user), which, limit)
