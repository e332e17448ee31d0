"""Two people let held deletions go: the request of the first one waits, for a time, until another one confirms it."""

from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import Connection

from connector.admin import held
from connector.errors import ConnectorError
from connector.model.approval import ApprovalRequest, HeldName
from connector.runtime import Runtime
from connector.store import approvals, held_deletions

MOST_WAITING = 20
"""The most requests that may wait."""
_SHOWN = 50


def needs_two(runtime: Runtime) -> bool:
    """Says whether two people have to agree before held deletions go."""
    return runtime.settings.console.two_person_approval


def refuse_alone(runtime: Runtime) -> None:
    """Raises ConnectorError where held deletions go only once two people have said so at the console."""
    if needs_two(runtime):
        raise ConnectorError(
            "two people have to let held deletions go ([console] two_person_approval), each signed in at the console: "
            "a command cannot tell who gives it. Dropping them needs nobody else"
        )


def latest(runtime: Runtime) -> tuple[list[ApprovalRequest], float]:
    """Returns the latest requests, the last one first, and the store's time in unix seconds."""
    with runtime.store.reading() as tx:
        return approvals.find(tx, limit=_SHOWN), runtime.store.now(tx)


def find(runtime: Runtime, id: str) -> ApprovalRequest:
    """Returns a request. Raises ConnectorError where there is none."""
    with runtime.store.reading() as tx:
        found = approvals.find(tx, id)
    if not found:
        raise ConnectorError(f"there is no request {id!r}")
    return found[0]


def ask(runtime: Runtime, sync: str, names: Sequence[HeldName] | None, by: str, at_most: int) -> ApprovalRequest:
    """Keeps a request to let deletions go.

    Args:
        runtime: What this process has open.
        sync: The sync, by its name.
        names: Whose deletions are meant, None for all that are held now.
        by: Who asks.
        at_most: How many deletions they have seen.

    Raises:
        ConnectorError: None of them, or more than `at_most`, are held by now, or too many requests wait.
    """
    seconds = runtime.settings.console.approval_seconds
    with runtime.store.writing() as tx:
        now = runtime.store.now(tx)
        count = held_deletions.count(tx, sync, names)
        if not count or count > at_most:
            raise ConnectorError(f"{sync}: {count:,} of these deletions are held by now: look at them and ask again")
        if approvals.count_waiting(tx, now) >= MOST_WAITING:
            raise ConnectorError(f"{MOST_WAITING} requests wait already: confirm or withdraw some first")
        meant = None if names is None else tuple(names)
        request = ApprovalRequest(uuid4().hex[:8], sync, meant, count, by, now, now + seconds)
        approvals.add(tx, request)
    return request


def confirm(runtime: Runtime, id: str, by: str) -> int:
    """Lets go the deletions that a request asks for, and returns how many.

    Raises ConnectorError, and does nothing, if `by` has asked for it, if the request no longer waits, or if none or
    more deletions are held by now than when it was asked.
    """
    with runtime.store.writing() as tx:
        now = runtime.store.now(tx)
        request = _waiting(tx, id, now)
        if request.asked_by.casefold() == by.casefold():
            raise ConnectorError(f"{by} has asked for this: somebody else has to confirm it")
        count = held.settled(tx, now, request.sync, request.names, delete_them=True, at_most=request.count)
        approvals.settle(tx, id, "confirmed", by, now)
    return count


def withdraw(runtime: Runtime, id: str, by: str) -> None:
    """Ends a request without letting anything go. Raises ConnectorError for one that waits no more."""
    with runtime.store.writing() as tx:
        now = runtime.store.now(tx)
        _waiting(tx, id, now)
        approvals.settle(tx, id, "withdrawn", by, now)


def _waiting(tx: Connection, id: str, now: float) -> ApprovalRequest:
    request = approvals.take(tx, id)
    if request is None or not request.waits(now):
        state = "gone" if request is None else request.came_to(now)
        raise ConnectorError(f"the request {id} is {state}: nothing is done")
    return request
