"""Makes the batches that name one visitor wait for one another."""

from collections.abc import Iterable
from zlib import crc32

from sqlalchemy import Connection, text

_KIND = 1_986_622_324
"""The number that tells these locks from all others of the database."""
_BUCKETS = 64
"""The number of locks for all visitors: a batch may name thousands, and PostgreSQL has some thousand locks in all."""
_WAIT = text("SELECT pg_advisory_xact_lock(:kind, bucket) FROM unnest(CAST(:buckets AS integer[])) AS bucket")


def wait_for_others(tx: Connection, visitors: Iterable[str]) -> None:
    """Waits until no other transaction names these visitors; SQLite has one writer at a time anyway.

    It must come before any row is locked. All take the locks in one order, so that there is no deadlock.

    Args:
        tx: A transaction that writes; the locks end with it.
        visitors: The visitors, by their anonymous ids.
    """
    if tx.dialect.name == "sqlite":
        return
    buckets = sorted({crc32(each.encode(errors="surrogatepass")) % _BUCKETS for each in visitors})
    if buckets:
        tx.execute(_WAIT, {"kind": _KIND, "buckets": buckets})
