"""The interface of a target that exports are written to."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from connector.bulk.export.columns import LogRow


class ExportDestination(Protocol):
    """A target of an export: Parquet files, or a table. Its methods raise ConnectorError where it cannot be written."""

    def add(self, name: str, rows: Sequence[LogRow]) -> None:
        """Adds rows, for good. A later call with the same name repeats them, maybe with more, and adds none twice."""

    def replace(self, pages: Iterable[Sequence[LogRow]], syncs: Sequence[str], taken_at: float) -> int:
        """Writes a snapshot of these syncs as the newest one, and returns how many rows it has.

        taken_at: the time of the snapshot, in unix seconds. A table keeps the newest one only, files the last few.
        """

    def close(self) -> None:
        """Closes what is open."""
