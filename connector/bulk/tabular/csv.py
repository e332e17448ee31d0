"""CSV: a header line, then one user a line; UTF-8 with or without a byte order mark, plain or gzip.

A cell is text, whatever it looks like; an empty cell is not given. Quoting is taken strictly: a quote that is never
closed would otherwise swallow the users behind it in silence.
"""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path

from connector.bulk import unzipped
from connector.bulk.files import STANDARD_INPUT, opened_raw
from connector.bulk.tabular.column_names import Row
from connector.errors import ConnectorError, UnreadableError
from connector.model.change import Unreadable

LONGEST_LINE = 5_000_000
"""Characters; so that a file without line ends cannot fill the memory."""
csv.field_size_limit(LONGEST_LINE)  # by itself Python's reader takes 131,072 characters in a cell
_SHOWN = 10_000
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}


class CsvTable:
    """An open CSV file. `position` and `size` are bytes of the file as it lies on disk."""

    untyped = True

    def __init__(self, raw: BufferedReader, size: int | None, name: str) -> None:
        """Reads the header line. Raises ConnectorError where there is none that can be used."""
        self.size = size
        self._raw = raw
        self._ended = False
        self._text = TextIOWrapper(unzipped.plain(raw), "utf-8-sig", "surrogateescape", newline="")
        self._reader = csv.reader(self._lines(), strict=True)
        self.columns = self._header(name)

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator["CsvTable"]:
        """Opens a file, or standard input for `-`. Raises ConnectorError where it cannot be read."""
        with opened_raw(path) as (raw, size):
            yield cls(raw, size, "standard input" if path == STANDARD_INPUT else str(path))

    @property
    def position(self) -> int:
        """Returns how many bytes have been read; 0 for standard input."""
        return self._raw.tell() if self.size is not None else 0

    def rows(self) -> Iterator[Row | Unreadable]:
        """Yields each row by column, or why it cannot be read. Raises UnreadableError where the file breaks off."""
        short: Unreadable | None = None
        for cells in self._records():
            if short is not None:
                yield short
                short = None
            if isinstance(cells, Unreadable):
                yield cells
            elif len(cells) < len(self.columns):
                short = self._misfit(cells)  # the last line of a file that was cut off looks like this, too
            else:
                yield self._row(cells)
        if short is not None:
            raise UnreadableError(f"the file breaks off: {short.reason}")

    def _row(self, cells: list[str]) -> Row | Unreadable:
        if len(cells) > len(self.columns):
            return self._misfit(cells)
        if not _is_utf8(cells):
            return self._unreadable("is not UTF-8", cells)
        return {name: cell for name, cell in zip(self.columns, cells, strict=True) if name and cell}

    def _misfit(self, cells: list[str]) -> Unreadable:
        return self._unreadable(f"has {len(cells)} cells, the header has {len(self.columns)}", cells)

    def _unreadable(self, what: str, cells: list[str]) -> Unreadable:
        text = ",".join(cells)[:_SHOWN].encode(errors="replace").decode()
        return Unreadable(f"line {self._reader.line_num} {what}", text)

    def _records(self) -> Iterator[list[str] | Unreadable]:
        """Yields the cells of each line that is not blank, or why the line is not CSV; the next lines are read on."""
        while True:
            before = self._reader.line_num
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                if self._ended or self._reader.line_num > before + 1:
                    raise UnreadableError(f"a quote in line {before + 1} is not closed ({error})") from error
                yield self._unreadable(f"is not CSV ({error})", [])
                continue
            if cells is None:
                return
            if any(cell and not cell.isspace() for cell in cells):
                yield cells

    def _lines(self) -> Iterator[str]:
        while line := self._text.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                raise UnreadableError(f"a line has more than {LONGEST_LINE:,} characters")
            yield line
        self._ended = True

    def _header(self, name: str) -> tuple[str, ...]:
        found = next(self._records(), None)
        if found is None:
            raise ConnectorError(f"{name} is empty: the first line must name the columns")
        if isinstance(found, Unreadable):
            raise ConnectorError(f"{name}: the header {found.reason}")
        if not _is_utf8(found):
            raise ConnectorError(f"{name} is not UTF-8: save it as CSV in UTF-8")
        for separator, words in _OTHER_SEPARATORS.items():
            if len(found) == 1 and separator in found[0]:
                raise ConnectorError(f"{name}: its columns are separated by {words}: save it with commas")
        return tuple(column.strip() for column in found)


def _is_utf8(cells: list[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True
