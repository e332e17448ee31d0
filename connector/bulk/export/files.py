"""Exports as Parquet files, each of which gets its name once it is whole and on the disk."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import to_json

from connector.bulk.export.columns import FORMS, ColumnType, ExportColumn, LogRow
from connector.bulk.tabular.parquet import arrow_part
from connector.bulk.whole_file import clear_left, written_whole
from connector.errors import ConnectorError
from connector.model.export_state import ExportKind


@dataclass(frozen=True, slots=True)
class ParquetFiles:
    """The files `EXPORT-KIND-NAME.parquet` of one export in a directory.

    what: the kind. keep: how many snapshots stay there; older ones are deleted.
    """

    directory: Path
    export: str
    what: ExportKind
    keep: int

    def add(self, name: str, rows: Sequence[LogRow]) -> None:
        """Writes the rows to a file. It replaces a file of that name, which a run that died has left.

        Raises ConnectorError where the directory cannot be written, or pyarrow is missing.
        """
        self._write(name, [rows])

    def replace(self, pages: Iterable[Sequence[LogRow]], syncs: Sequence[str], taken_at: float) -> int:
        """Writes a snapshot to a file, deletes all but the last `keep` files, and returns how many rows it has.

        taken_at: the time of the snapshot, in unix seconds, for the file's name. Raises ConnectorError as `add` does.
        """
        del syncs  # each row names its sync
        count = self._write(file_name(taken_at), pages)
        with self._explained():
            for old in sorted(self.directory.glob(f"{self._beginning}-*.parquet"))[: -self.keep]:
                old.unlink(missing_ok=True)
        return count

    def close(self) -> None:
        """Does nothing: no file is left open."""

    @property
    def _beginning(self) -> str:
        return f"{self.export}-{self.what}"

    def _write(self, name: str, pages: Iterable[Sequence[LogRow]]) -> int:
        final = self.directory / f"{self._beginning}-{name}.parquet"
        with self._explained():
            self.directory.mkdir(parents=True, exist_ok=True)
            clear_left(self.directory, rf"{re.escape(self._beginning)}-.+\.parquet")
            with written_whole(final) as file:
                return self._filled(file, pages)

    def _filled(self, file: BinaryIO, pages: Iterable[Sequence[LogRow]]) -> int:
        arrow, columns = arrow_part("pyarrow"), FORMS[self.what].columns
        schema = _schema(arrow, columns)
        count = 0
        with arrow_part("pyarrow.parquet").ParquetWriter(file, schema) as writer:
            for page in pages:
                arrays = [
                    arrow.array(
                        [_cell(each.type, row.get(each.name)) for row in page], type=schema.field(each.name).type
                    )
                    for each in columns
                ]
                writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
                count += len(page)
        return count

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConnectorError(f"export.{self.export}: {self.directory} cannot be written ({reason})") from error


def file_name(at: float, id: str = "") -> str:
    """Returns a name for a file from a time in unix seconds and an id. Names sort in the order of their times."""
    moment = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return f"{moment}-{id}" if id else moment


def _schema(arrow: Any, columns: Sequence[ExportColumn]) -> Any:
    types: Mapping[ColumnType, Any] = {
        "text": arrow.string(),
        "integer": arrow.int64(),
        "time": arrow.timestamp("us", tz="UTC"),
        "json": arrow.string(),
    }
    return arrow.schema([(each.name, types[each.type]) for each in columns])


def _cell(type: ColumnType, value: Any) -> Any:
    if value is None:
        return None
    match type:
        case "time":
            return round(value * 1_000_000)
        case "json":
            return to_json(value).decode()
    return value
