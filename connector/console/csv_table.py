"""Writes tables as CSV for spreadsheets, which take no cell for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""The beginnings by which a spreadsheet takes a cell for a formula."""


def csv_table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a table as CSV, with its head as the first row. A cell that begins like a formula gets a ' before it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(map(_cell, row) for row in rows)
    return text.getvalue()


def _cell(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
