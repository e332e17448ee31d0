"""Turns rows of the store into rows of an export. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import from_json

from connector.bulk.export.columns import LogRow
from connector.model.history import Answer, Sort, What
from connector.store.export_feed import HeldPerson, SentRow

_VERDICTS: Mapping[int | None, str] = {Answer.TAKEN: "taken", Answer.REFUSED: "refused"}
_DONE = tuple((each, str(each.name).lower()) for each in Sort if each is not Sort.ENTERED)


def changes(history: Iterable[SentRow], syncs: frozenset[str]) -> Iterator[LogRow]:
    """Yields a row for each person's part of a request of these syncs that Customer.io has taken or refused.

    A part that is tried again has no row before it has such an answer.
    """
    for each in history:
        verdict = _VERDICTS.get(each.came_to)
        if each.what == What.SENT and verdict is not None and each.sync in syncs:
            yield {
                "call": each.call,
                "item": each.item,
                "items": each.how_many,
                "at": each.at,
                "sync": each.sync,
                "person": each.key,
                "change": _change(each.detail or 0),
                "did": " ".join(name for sort, name in _DONE if (each.detail or 0) & sort),
                "verdict": verdict,
            }


def _change(sorts: int) -> str:
    if sorts & (Sort.DELETE | Sort.SUPPRESS):
        return "left"
    return "entered" if sorts & Sort.ENTERED else "changed"


def held(sync: str, people: Iterable[HeldPerson], taken_at: float) -> list[LogRow]:
    """Returns a row for each of these people of a sync. taken_at: the time of the snapshot, in unix seconds."""
    return [
        {
            "sync": sync,
            "person": each.key,
            "identifier_type": each.profile.identifier.type,
            "identifier": each.profile.identifier.value,
            "attributes": each.profile.attributes,
            "updated_at": each.updated_at,
            "taken_at": taken_at,
        }
        for each in people
    ]


def request(row: Any) -> LogRow:
    """Returns the row of the export of runs for a request to Customer.io."""
    counts = {"items": row.items, "milliseconds": row.milliseconds, "endpoint": row.endpoint}
    ended_at = row.at + row.milliseconds / 1000
    said = {"connection": row.connection, "outcome": row.verdict, "reason": row.reason, "counts": counts}
    sizes = {"rows": row.items, "bytes": row.body_bytes, "status": row.status}
    return (
        {"kind": "request", "id": row.id, "name": row.sync, "started_at": row.at, "ended_at": ended_at} | said | sizes
    )


def job(row: Any) -> LogRow:
    """Returns the row of the export of runs for a job that is done or cancelled."""
    counts = {"kind": row.kind, "total": row.total, **from_json(row.counts)}
    said = {"outcome": row.state, "reason": "", "rows": row.done, "counts": counts}
    return {"kind": "job", "id": row.id, "name": row.sync, **_when(row.created_at, row.updated_at), **said}


def source_run(row: Any) -> LogRow:
    """Returns the row of the export of runs for a run of a source.

    Such a run has no lasting id of its own, so its id here is the source's name and the time when it began.
    """
    names = ("rows", "changed", "left_count", "unreadable", "repeated")
    counts = {name.removesuffix("_count"): getattr(row, name) for name in names}
    said = {"outcome": "failed" if row.error else "done", "reason": row.error, "rows": row.rows, "counts": counts}
    id = f"{row.source} {row.started_at:.6f}"
    return {"kind": "source", "id": id, "name": row.source, **_when(row.started_at, row.ended_at), **said}


def _when(started_at: float, ended_at: float) -> dict[str, float]:
    return {"started_at": started_at, "ended_at": ended_at}
