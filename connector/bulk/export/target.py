"""The interface of a target that exports are written to."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from connector.bulk.export.columns import LogRow


class ExportDestination(Protocol):
    """Parquet files, or a table. All of it raises ConnectorError where the target does not take it."""

    def add(self, name: str, rows: Sequence[LogRow]) -> None:
        """Adds rows, for good. The same name again stands for the same rows: they are not there twice."""

    def replace(self, pages: Iterable[Sequence[LogRow]], syncs: Sequence[str], taken_at: float) -> int:
        """Puts a snapshot of these syncs in the place of the last one; how many rows. taken_at: unix seconds."""

    def close(self) -> None:
        """Closes what is open."""
