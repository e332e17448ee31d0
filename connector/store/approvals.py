"""Keeps requests to let held deletions go, until a second person has confirmed them."""

from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, func, insert, select, update

from connector.model.approval import ApprovalRequest, ApprovalState, HeldName
from connector.store.log_tables import ApprovalRow

TABLE = ApprovalRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def add(tx: Connection, request: ApprovalRequest) -> None:
    """Keeps a request."""
    names = ("id", "sync", "state", "count", "asked_by", "asked_at", "expires_at")
    tx.execute(insert(TABLE).values(names=_text(request.names), **{name: getattr(request, name) for name in names}))


def find(tx: Connection, id: str = "", limit: int = 50) -> list[ApprovalRequest]:
    """Returns the latest `limit` requests, the latest first; with an id, the one that has it."""
    found = select(TABLE).order_by(TABLE.c.asked_at.desc(), TABLE.c.id).limit(limit)
    return [_request(row) for row in tx.execute(found.where(TABLE.c.id == id) if id else found)]


def count_waiting(tx: Connection, now: float) -> int:
    """Returns how many requests somebody may still confirm at `now`, in unix seconds."""
    waiting = (TABLE.c.state == "waiting") & (TABLE.c.expires_at > now)
    return int(tx.execute(select(func.count()).select_from(TABLE).where(waiting)).scalar_one())


def take(tx: Connection, id: str) -> ApprovalRequest | None:
    """Returns a request, locked until the transaction ends; None where there is none."""
    row = tx.execute(select(TABLE).where(TABLE.c.id == id).with_for_update()).one_or_none()
    return None if row is None else _request(row)


def settle(tx: Connection, id: str, state: ApprovalState, by: str, now: float) -> None:
    """Notes what has become of a request, and forgets whom it meant.

    Args:
        tx: A transaction that writes.
        id: The request's id.
        state: What it has become.
        by: Who decided so.
        now: The store's time, in unix seconds.
    """
    tx.execute(update(TABLE).where(TABLE.c.id == id).values(state=state, names=None, settled_by=by, settled_at=now))


def forget(tx: Connection, sync: str, key: str) -> None:
    """Takes a user who is erased out of the requests that name them."""
    named = select(TABLE).where(TABLE.c.sync == sync, TABLE.c.names.is_not(None)).with_for_update()
    for request in [_request(row) for row in tx.execute(named)]:
        names = request.names or ()
        left = tuple(each for each in names if each[1] != key)
        if left != names:
            tx.execute(update(TABLE).where(TABLE.c.id == request.id).values(names=_text(left), count=len(left)))


def _text(names: tuple[HeldName, ...] | None) -> str | None:
    return None if names is None else to_json(names).decode()


def _request(row: Any) -> ApprovalRequest:
    names = None if row.names is None else tuple((kind, key) for kind, key in from_json(row.names))
    return ApprovalRequest(
        row.id, row.sync, names, row.count, row.asked_by, row.asked_at, row.expires_at, row.state, row.settled_by,
        row.settled_at,
    )  # fmt: skip
