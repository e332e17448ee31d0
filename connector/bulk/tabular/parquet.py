"""Parquet, read a thousand rows at a time. pyarrow, which reads it, is asked for only here, and only when needed.

Values become those of JSON: times and dates ISO text, decimals numbers, NaN null. A value that JSON cannot hold is
replaced by a mark that no field takes: that cell alone is left out, with a problem that names its user.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from functools import singledispatch
from importlib import import_module
from math import isfinite, isnan
from pathlib import Path
from types import NoneType
from typing import Any
from uuid import UUID

from connector.bulk.tabular.column_names import Row, is_blank
from connector.errors import ConnectorError, UnreadableError
from connector.model import bounds
from connector.model.change import Unreadable

ROWS_AT_ONCE = 1000
UNREADABLE = object()
"""What a reader gives where it cannot make anything of a value."""
_READ_AHEAD_BYTES = 1_000_000
_UNPACKED_BYTES = 32_000_000
"""How much text that stands in dictionaries is unpacked at once."""
_MISSING = "Parquet needs pyarrow, which is not installed: pip install pyarrow (the extra `parquet` of this package)"


class ParquetTable:
    """An open Parquet file. `position` and `size` count rows."""

    untyped = False

    def __init__(self, path: Path) -> None:
        """Reads the file's own description. Raises ConnectorError where it is no Parquet."""
        self._arrow = arrow_part("pyarrow")
        try:
            # By itself pyarrow would read each column of a row group as a whole.
            parquet = arrow_part("pyarrow.parquet")
            self._file = parquet.ParquetFile(
                str(path),
                pre_buffer=False,
                buffer_size=_READ_AHEAD_BYTES,
                coerce_int96_timestamp_unit="us",
                read_dictionary=_with_dictionaries(parquet.read_metadata(str(path))),
            )
        except (OSError, self._arrow.ArrowException) as error:
            raise ConnectorError(f"{path} is not a Parquet file, or not a whole one ({_first_line(error)})") from error
        schema = self._file.schema_arrow
        self.columns: tuple[str, ...] = tuple(schema.names)
        self.size: int | None = self._file.metadata.num_rows
        self.position = 0
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
        """Yields each row that is not blank, or why it is unreadable. Raises UnreadableError for a damaged file."""
        for batch in self._batches():
            if isinstance(batch, Unreadable):
                self.position += 1
                yield batch
                continue
            for row in self._decoded(batch):
                self.position += 1
                plainly = {name: plain(value) for name, value in row.items() if name}
                if not is_blank(plainly):
                    yield plainly

    def _batches(self) -> Iterator[Any]:
        try:
            for batch in self._file.iter_batches(batch_size=ROWS_AT_ONCE):
                table = self._arrow.Table.from_batches([batch])
                for start, count in self._portions(batch):
                    alone = count == 0
                    yield _too_large() if alone else table.slice(start, count).cast(self._schema, safe=False)
        except (OSError, self._arrow.ArrowException) as error:
            raise UnreadableError(f"the file is damaged: {_first_line(error)}") from error

    def _portions(self, batch: Any) -> Iterator[tuple[int, int]]:
        """Yields parts that fit the memory unpacked, as first row and number of rows; 0 for a row that does not fit.

        A text that a dictionary holds once may be the value of every row.
        """
        sizes = self._unpacked(batch)
        if sizes is None or sum(sizes) <= _UNPACKED_BYTES:
            yield 0, batch.num_rows
            return
        start = size = 0
        for place, row in enumerate(sizes):
            if size + row > _UNPACKED_BYTES and start < place:
                yield start, place - start
                start, size = place, 0
            if row > _UNPACKED_BYTES:
                yield place, 0
                start, size = place + 1, 0
            else:
                size += row
        if start < batch.num_rows:
            yield start, batch.num_rows - start

    def _unpacked(self, batch: Any) -> list[int] | None:
        """Returns for each row the bytes of its texts that are in dictionaries; None where no column has one."""
        compute, total = arrow_part("pyarrow.compute"), None
        for column in batch.columns:
            if not self._arrow.types.is_dictionary(column.type) or not _is_text(column.type.value_type, self._arrow):
                continue
            lengths = compute.cast(compute.binary_length(column.dictionary), "int64")
            sizes = compute.fill_null(compute.take(lengths, column.indices), 0)
            total = sizes if total is None else compute.add(total, sizes)
        return None if total is None else [int(each) for each in total.to_pylist()]

    def _decoded(self, batch: Any) -> Iterator[Row]:
        """Yields the rows of a batch as Python values, cell by cell if one has none (a date in the year 200,000)."""
        try:
            rows = batch.to_pylist()
        except (ValueError, OverflowError, self._arrow.ArrowException):
            rows = (self._alone(batch, place) for place in range(batch.num_rows))
        yield from rows

    def _alone(self, batch: Any, place: int) -> Row:
        return {name: self._cell(column[place]) for name, column in zip(batch.column_names, batch.columns, strict=True)}

    def _cell(self, scalar: Any) -> Any:
        try:
            return scalar.as_py()
        except (ValueError, OverflowError, self._arrow.ArrowException):
            return UNREADABLE

    def _in_microseconds(self, type: Any) -> Any:
        """Returns the type that is read: microseconds for nanoseconds, and for a dictionary the type of its values."""
        if self._arrow.types.is_dictionary(type):
            return self._in_microseconds(type.value_type)
        if self._arrow.types.is_timestamp(type) and type.unit == "ns":
            return self._arrow.timestamp("us", type.tz)
        return type


def _with_dictionaries(metadata: Any) -> list[str]:
    """Returns the columns of texts with dictionaries, which stay packed until their unpacked size is known."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    packed = [each for each in chunks if each.physical_type == "BYTE_ARRAY" and each.has_dictionary_page]
    return sorted({each.path_in_schema for each in packed if "." not in each.path_in_schema})


def _is_text(type: Any, arrow: Any) -> bool:
    of = arrow.types
    return bool(of.is_string(type) or of.is_large_string(type) or of.is_binary(type) or of.is_large_binary(type))


def _too_large() -> Unreadable:
    return Unreadable(f"the row has more than {_UNPACKED_BYTES:,} bytes", None)


@singledispatch
def plain(value: Any) -> Any:  # noqa: ARG001 - of a type that is not registered
    """Returns a value as JSON has it; a mark for a value that JSON cannot hold."""
    return bounds.marked(bounds.NO_JSON)


@plain.register(NoneType)
@plain.register(int)
@plain.register(str)
def _(value: Any) -> Any:
    return value


@plain.register(float)
def _(value: float) -> float | str | None:
    return value if isfinite(value) else _not_finite(nan=isnan(value))


@plain.register(Decimal)
def _(value: Decimal) -> int | float | str | None:
    if not value.is_finite():
        return _not_finite(nan=value.is_nan())
    return int(value) if value == value.to_integral_value() else float(value)


def _not_finite(*, nan: bool) -> str | None:
    """Returns None for NaN, which programs without null write for it, and a mark for infinity."""
    return None if nan else bounds.marked(bounds.NOT_FINITE)


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


def arrow_part(module: str) -> Any:
    """Returns a module of pyarrow. Raises ConnectorError, which says what to install, where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ConnectorError(_MISSING) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
