"""Parquet, read a thousand rows at a time. pyarrow, which reads it, is asked for only here, and only when needed.

Values as JSON has them: times and dates as ISO text, decimals as numbers, NaN and infinity as null. Bytes are refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from functools import singledispatch
from importlib import import_module
from math import isfinite
from pathlib import Path
from types import NoneType
from typing import Any
from uuid import UUID

from connector.model.change import Unreadable
from connector.errors import ConnectorError, UnreadableError

ROWS_AT_ONCE = 1000
_READ_AHEAD_BYTES = 1_000_000
_MISSING = "Parquet needs pyarrow, which is not installed: pip install pyarrow (the extra `parquet` of this package)"

Row = dict[str, Any]


class ParquetTable:
    """An open Parquet file. `position` and `size` count rows."""

    def __init__(self, path: Path) -> None:
        """Reads what the file says of itself. Raises ConnectorError where it is no Parquet, or a column holds bytes."""
        self._arrow = _pyarrow("pyarrow")
        try:
            # By itself pyarrow would read each column of a row group as a whole.
            self._file = _pyarrow("pyarrow.parquet").ParquetFile(
                str(path), pre_buffer=False, buffer_size=_READ_AHEAD_BYTES, coerce_int96_timestamp_unit="us"
            )
        except (OSError, self._arrow.ArrowException) as error:
            raise ConnectorError(f"{path} is not a Parquet file, or not a whole one ({_first_line(error)})") from error
        schema = self._file.schema_arrow
        self.columns: tuple[str, ...] = tuple(schema.names)
        self.size: int | None = self._file.metadata.num_rows
        self.position = 0
        self._refuse_bytes(schema, path)
        self._schema = self._arrow.schema([field.with_type(self._in_microseconds(field.type)) for field in schema])

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator["ParquetTable"]:
        """Opens a file. Raises ConnectorError where it cannot be read."""
        try:
            path.open("rb").close()
        except OSError as error:
            raise ConnectorError(f"{path}: cannot be read ({error.strerror})") from error
        table = cls(path)
        try:
            yield table
        finally:
            table.close()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def rows(self) -> Iterator[Row | Unreadable]:
        """The rows by column, or why one cannot be read. Raises UnreadableError where the file is damaged."""
        for batch in self._batches():
            for row in self._decoded(batch):
                self.position += 1
                yield row if isinstance(row, Unreadable) else self._plain(row)

    def _batches(self) -> Iterator[Any]:
        try:
            for batch in self._file.iter_batches(batch_size=ROWS_AT_ONCE):
                table = self._arrow.Table.from_batches([batch])
                yield table.cast(self._schema, safe=False)
        except (OSError, self._arrow.ArrowException) as error:
            raise UnreadableError(f"the file is damaged: {_first_line(error)}") from error

    def _decoded(self, batch: Any) -> Iterator[Row | Unreadable]:
        """The rows of a batch as Python has them; one by one where some cannot be (a date in the year 200,000)."""
        try:
            rows = batch.to_pylist()
        except (ValueError, OverflowError, self._arrow.ArrowException):
            rows = (self._alone(batch.slice(place, 1), self.position + 1) for place in range(batch.num_rows))
        yield from rows

    def _alone(self, batch: Any, number: int) -> Row | Unreadable:
        try:
            row: Row = batch.to_pylist()[0]
        except (ValueError, OverflowError, self._arrow.ArrowException) as error:
            return Unreadable(f"row {number} has a value that cannot be read: {_first_line(error)}", None)
        return row

    def _plain(self, row: Row) -> Row | Unreadable:
        try:
            return {name: plain(value) for name, value in row.items() if name}
        except UnreadableError as error:
            return Unreadable(f"row {self.position} {error}", None)

    def _refuse_bytes(self, schema: Any, path: Path) -> None:
        types = self._arrow.types
        kinds = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
        for field in schema:
            if any(is_kind(field.type) for is_kind in kinds):
                reason = f"the column {field.name!r} holds bytes: leave it out, or write it as text"
                raise ConnectorError(f"{path}: {reason}")

    def _in_microseconds(self, type: Any) -> Any:
        """Python's times have microseconds: nanoseconds are cut."""
        if self._arrow.types.is_timestamp(type) and type.unit == "ns":
            return self._arrow.timestamp("us", type.tz)
        return type


@singledispatch
def plain(value: Any) -> Any:
    """A value as JSON has it. Raises UnreadableError for bytes, and for what JSON has nothing for."""
    raise UnreadableError(f"has a value of the type {type(value).__name__}, which JSON cannot carry")


@plain.register(NoneType)
@plain.register(int)
@plain.register(str)
def _(value: Any) -> Any:
    return value


@plain.register(float)
def _(value: float) -> float | None:
    return value if isfinite(value) else None


@plain.register(Decimal)
def _(value: Decimal) -> int | float | None:
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)


@plain.register(date)
@plain.register(time)
def _(value: date | time) -> str:
    return value.isoformat()


@plain.register(timedelta)
def _(value: timedelta) -> float:
    return value.total_seconds()


@plain.register(UUID)
def _(value: UUID) -> str:
    return str(value)


@plain.register(dict)
def _(value: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): plain(inner) for name, inner in value.items()}


@plain.register(list)
@plain.register(tuple)
def _(value: list[Any] | tuple[Any, ...]) -> list[Any]:
    return [plain(inner) for inner in value]


def _pyarrow(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ConnectorError(_MISSING) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
