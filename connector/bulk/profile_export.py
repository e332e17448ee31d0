"""Writes all profiles into a file: NDJSON with a line for each profile, or Parquet with a column for each field."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

from pydantic_core import to_json

from connector.activity import profiles
from connector.activity.fields import ProfileField
from connector.activity.profiles import ActivityProfile
from connector.bulk.tabular.parquet import arrow_part
from connector.store.engine import Store

_TYPES = ("id", "email", "cio_id")
_ALWAYS = ("connection", *(f"{type}s" for type in _TYPES), "updated_at")


def pages(store: Store, connections: Iterable[str], fields: Sequence[ProfileField]) -> Iterator[list[ActivityProfile]]:
    """Yields the profiles of these connections in lists of at most 500. Raises StoreError."""
    for connection in connections:
        yield from profiles.every(store, connection, fields)


def write_lines(file: BinaryIO, found: Iterable[list[ActivityProfile]]) -> int:
    """Writes a line of JSON for each profile, and returns how many profiles there were."""
    count = 0
    for page in found:
        file.write(b"".join(to_json(each.as_json()) + b"\n" for each in page))
        count += len(page)
    return count


def write_parquet(file: BinaryIO, found: Iterable[list[ActivityProfile]], fields: Sequence[ProfileField]) -> int:
    """Writes a Parquet file with a row for each profile, and returns how many. Raises ConnectorError without pyarrow.

    A person may have several ids and addresses, so these columns are lists: ids, emails, cio_ids. A field with one of
    these names, or called connection or updated_at, is in the column field_NAME.
    """
    arrow = arrow_part("pyarrow")
    named = _columns(fields)
    schema = _schema(arrow, fields, named)
    count = 0
    with arrow_part("pyarrow.parquet").ParquetWriter(file, schema) as writer:
        for page in found:
            rows = [_row(each, fields, named) for each in page]
            writer.write_table(arrow.Table.from_pylist(rows, schema))
            count += len(rows)
    return count


def _schema(arrow: Any, fields: Sequence[ProfileField], named: Mapping[str, str]) -> Any:
    texts, moment = arrow.list_(arrow.string()), arrow.timestamp("s", tz="UTC")
    types: Mapping[str, Any] = {
        "date": moment,
        "text": arrow.string(),
        "number": arrow.float64(),
        "list": texts,
        "counts": arrow.map_(arrow.string(), arrow.int64()),
    }
    columns = dict(zip(_ALWAYS, (arrow.string(), *(texts for _ in _TYPES), moment), strict=True))
    return arrow.schema([*columns.items(), *((named[field.target], types[field.type]) for field in fields)])


def _columns(fields: Sequence[ProfileField]) -> dict[str, str]:
    """Returns the name of each field's column, by the field's name: another one where a fixed column has that name."""
    names = {field.target for field in fields}
    return {each: _free(f"field_{each}", names) if each in _ALWAYS else each for each in names}


def _free(name: str, taken: Collection[str]) -> str:
    return _free(f"field_{name}", taken) if name in taken else name


def _row(profile: ActivityProfile, fields: Sequence[ProfileField], named: Mapping[str, str]) -> dict[str, Any]:
    known = {f"{type}s": profile.identifiers.get(type, []) for type in _TYPES}
    values = {named[field.target]: _cell(field.type, profile.fields.get(field.target)) for field in fields}
    return {"connection": profile.connection, **known, "updated_at": _moment(profile.updated_at), **values}


def _cell(type: str, value: Any) -> Any:
    if value is None:
        return None
    match type:
        case "date":
            return _moment(value)
        case "text":
            return str(value)
        case "number":
            return float(value)
        case "counts":
            return list(value.items())
    return value


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), UTC)
