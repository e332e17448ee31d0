"""Lets the batches that speak of one visitor wait for one another."""

from collections.abc import Iterable
from zlib import crc32

from sqlalchemy import Connection, text

_KIND = 1_986_622_324
"""Tells these locks from all others of the database."""
_BUCKETS = 64
"""A batch may speak of thousands of visitors, and PostgreSQL has room for some thousand locks in all."""
_WAIT = text("SELECT pg_advisory_xact_lock(:kind, bucket) FROM unnest(CAST(:buckets AS integer[])) AS bucket")


def wait_for_others(tx: Connection, visitors: Iterable[str]) -> None:
    """On PostgreSQL, waits until no other transaction speaks of these visitors; on SQLite that is so anyway.

    It must come before any row is locked. All take the locks in one order, so that nobody waits in a circle.

    Args:
        tx: A transaction that writes; the locks end with it.
        visitors: The visitors, by their anonymous ids.
    """
    if tx.dialect.name == "sqlite":
        return
    buckets = sorted({crc32(each.encode(errors="surrogatepass")) % _BUCKETS for each in visitors})
    if buckets:
        tx.execute(_WAIT, {"kind": _KIND, "buckets": buckets})
