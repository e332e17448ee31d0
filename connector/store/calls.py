"""The log of requests to Customer.io. Its ids sort by time."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from secrets import token_bytes
from typing import Any

from sqlalchemy import Connection, insert, null, select

from connector.model import event_id as ulid
from connector.customerio.request_log import Call
from connector.store.tables import CallRow

TABLE = CallRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
_ADDITION = insert(TABLE)
_SUMMARY = tuple(column for column in TABLE.c if column.name not in ("request", "reply"))


@dataclass(frozen=True, slots=True)
class Logged:
    """A call as it is kept."""

    id: str
    call: Call


def add(connection: Connection, calls: Sequence[Call]) -> None:
    """Adds calls to the log."""
    rows = [{"id": ulid.encode(int(call.at * 1000), token_bytes(10)), **asdict(call)} for call in calls]
    if rows:
        connection.execute(_ADDITION, rows)


def find(
    connection: Connection, *, workspace: str = "", sync: str = "", failed: bool = False, limit: int = 100
) -> list[Logged]:
    """Calls, the latest first, without their bodies: all, those of one connection or sync, or those that failed."""
    found = select(*_SUMMARY, null().label("request"), null().label("reply")).order_by(TABLE.c.at.desc(), TABLE.c.id)
    if workspace:
        found = found.where(TABLE.c.connection == workspace)
    if sync:
        found = found.where(TABLE.c.sync == sync)
    if failed:
        found = found.where(TABLE.c.verdict != "settled")
    return [_logged(row) for row in connection.execute(found.limit(limit))]


def beginning_with(connection: Connection, id: str, limit: int) -> list[Logged]:
    """Calls whose id begins with `id`, with their bodies where those are kept."""
    mine = TABLE.c.id.startswith(id.upper(), autoescape=True)
    return [_logged(row) for row in connection.execute(select(TABLE).where(mine).order_by(TABLE.c.id).limit(limit))]


def _logged(row: Any) -> Logged:
    columns = row._asdict()
    return Logged(columns.pop("id"), Call(**columns))
