"""A table of users as its readers give it, and how one is opened by its name or by what the caller says it is."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from connector.bulk.files import STANDARD_INPUT
from connector.bulk.tabular.column_names import Row
from connector.bulk.tabular.csv import CsvTable
from connector.bulk.tabular.parquet import ParquetTable
from connector.errors import ConnectorError
from connector.model.change import Unreadable

CSV, PARQUET = KINDS = ("csv", "parquet")
_ENDINGS: Mapping[str, str] = {".csv": CSV, ".csv.gz": CSV, ".parquet": PARQUET}


class Table(Protocol):
    """An open table. `position` and `size` (None where nobody knows) count whatever the reader counts, for a bar.

    untyped: whether every cell is text, whatever it was.
    """

    columns: tuple[str, ...]
    size: int | None
    untyped: bool

    @property
    def position(self) -> int:
        """Returns how far the table has been read, in the units of `size`."""
        ...

    def rows(self) -> Iterator[Row | Unreadable]:
        """Yields each row by column, or why it cannot be read. Raises UnreadableError where the table breaks off."""
        ...


def kind_of(path: Path, format: str) -> str | None:
    """Returns the kind of table that a file is, by `format`, else by the file's name; None where it is no table."""
    if format in KINDS:
        return format
    name = path.name.lower()
    return next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), None)


@contextmanager
def opened(path: Path, kind: str) -> Iterator[Table]:
    """Opens a table, or standard input for `-` (CSV only). Raises ConnectorError where it is none."""
    if kind == PARQUET and path == STANDARD_INPUT:
        raise ConnectorError("Parquet is read from its end, which standard input does not have: give the file's name")
    reader = ParquetTable if kind == PARQUET else CsvTable
    with reader.opened(path) as table:
        check_columns(table.columns, str(path))
        yield table


def check_columns(columns: tuple[str, ...], name: str) -> None:
    """Raises ConnectorError where two columns have one name: nobody could tell which is meant."""
    twice = sorted(name for name, count in Counter(columns).items() if name and count > 1)
    if twice:
        raise ConnectorError(f"{name}: more than one column is named {twice[0]!r}: give each a name of its own")
