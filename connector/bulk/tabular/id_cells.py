"""Ids in the cells of a CSV file, where a program may have made numbers of them.

A cell of CSV is text and does not say what it was. If a column of ids has one gap, some programs make floats of all ids
and write 1001.0; of a long id a spreadsheet writes the first digits (1.23457E+11). The first still tells the id; the
second may stand for many people. The formula ="007" keeps a spreadsheet from changing an id: its text is the id. An
apostrophe before an id ('007) is not written to a file by the spreadsheets that show it, so it is a part of the id.
"""

import re
from collections.abc import Mapping
from typing import Any

from connector.bulk.tabular.column_names import UnnamedRowError
from connector.model import identifiers

_WAS_INTEGER = re.compile(r"(-?[0-9]+)\.0+")
_FORMULA = re.compile(r'="((?:[^"]|"")*)"')
_ROUNDED = re.compile(r"-?[0-9](\.[0-9]+)?[eE]\+[0-9]{2,}")


def unmade(row: Mapping[str, Any], names: frozenset[str]) -> Mapping[str, Any]:
    """Returns the row with the ids that its cells `names` stand for. Raises UnnamedRowError where digits are lost."""
    found = {name: _id(row[name], name) for name in names if isinstance(row.get(name), str)}
    return {**row, **found} if any(row[name] != id for name, id in found.items()) else row


def _id(cell: str, column: str) -> str:
    given = identifiers.stripped(cell)
    kept = _FORMULA.fullmatch(given)
    if kept:
        return kept[1].replace('""', '"')
    if _ROUNDED.fullmatch(given):
        raise UnnamedRowError(
            f"{given} in the column {column!r} is a number that a program has rounded, digits of the id are lost: "
            "write the column as text"
        )
    was = _WAS_INTEGER.fullmatch(given)
    return was[1] if was else cell
