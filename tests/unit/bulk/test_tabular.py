"""What a row of a table means: the user, the key, the segments, and the values that JSON does not have."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from connector import formats, inbox
from connector.model.change import Change, Segment, Unreadable
from connector.errors import SettingsError, UnreadableError
from connector.bulk.tabular import user_rows as message
from connector.bulk.tabular.user_rows import Shape
from connector.bulk.tabular.parquet import plain
from connector.bulk.tabular.table import CSV, PARQUET, kind_of

PAYING = Shape(entered=("Paying",))


def change(row: dict[str, Any], shape: Shape = PAYING) -> Change:
    (answer,) = formats.parse("native", message.message(row, shape))
    assert isinstance(answer, Change), answer
    return answer


def test_a_row_is_the_whole_user() -> None:
    row = {"id": "u1", "plan": "gold", "age": 7, "city": None}
    assert change(row) == Change(key="u1", user=row, whole=True, entered=(Segment("Paying", "Paying"),))


@pytest.mark.parametrize(
    ("segments", "shape", "whole", "entered"),
    [
        ("Paying", Shape(), ["Paying"], []),
        (" Paying | Trial|", Shape(), ["Paying", "Trial"], []),
        ("|", Shape(), [], []),
        (["Paying", "Trial"], Shape(), ["Paying", "Trial"], []),
        ([], Shape(), [], []),
        (None, Shape(), None, []),
        (None, PAYING, None, ["Paying"]),
        (["Trial"], PAYING, ["Trial", "Paying"], []),
        ("Paying", PAYING, ["Paying"], []),
    ],
)
def test_the_segments_of_a_row(segments: Any, shape: Shape, whole: list[str] | None, entered: list[str]) -> None:
    found = change({"id": "u1", "segments": segments}, shape)
    assert (found.segments if found.segments is None else [each.name for each in found.segments]) == whole
    assert [each.name for each in found.entered] == entered
    assert "segments" not in found.user


@pytest.mark.parametrize(
    ("row", "shape", "key"),
    [
        ({"id": 7, "email": "u1@example.com"}, PAYING, "7"),
        ({"external_id": "u1"}, PAYING, "external_id:u1"),
        ({"email": "U1@example.com"}, PAYING, "email:u1@example.com"),
        ({"number": 7, "email": "u1@example.com"}, Shape("number", ("Paying",)), "7"),
        ({"id": "other", "number": "u1"}, Shape("number", ("Paying",)), "u1"),
    ],
)
def test_who_a_row_is(row: dict[str, Any], shape: Shape, key: str) -> None:
    assert change(row, shape).key == key
    assert message.key_of(message.message(row, shape)) == key


@pytest.mark.parametrize("value", [None, "", " ", 7.5, True, ["u1"]])
def test_a_row_without_its_key_is_not_known_by_another_column(value: Any) -> None:
    with pytest.raises(UnreadableError, match="neither a text nor an integer in 'number'"):
        message.message({"number": value, "email": "u1@example.com"}, Shape("number", ("Paying",)))


def test_whoever_is_named_is_known_even_if_the_rest_cannot_be_read() -> None:
    said = message.message({"id": "u1", "segments": [None]}, Shape())
    (answer,) = formats.parse("native", said)
    assert isinstance(answer, Unreadable)
    assert message.key_of(said) == "u1"
    assert message.key_of({"user": {"plan": "gold"}}) is None


@pytest.mark.parametrize(
    ("shape", "columns", "says"),
    [
        (Shape(), ("id", "plan"), "file does not say who is in which segment: give --segment NAME, or a column"),
        (Shape("number", ("A",)), ("id", "plan"), "--key: file has no column 'number': it has id, plan"),
        (Shape(entered=("A",)), ("plan",), "file has none of the columns id, external_id, email"),
        (Shape(entered=(" ",)), ("id",), "--segment: the name is empty"),
        (Shape(full=True), ("id", "segments"), "with one --segment NAME"),
        (Shape(entered=("A", "B"), full=True), ("id",), "with one --segment NAME"),
    ],
)
def test_a_table_that_says_too_little_is_refused(shape: Shape, columns: tuple[str, ...], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        message.check(shape, columns, "file")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "columns"),
    [
        (Shape(), ("email", "segments")),
        (Shape("number", ("A", "B")), ("number",)),
        (Shape(entered=("A",), full=True), ("id",)),
    ],
)
def test_a_table_that_says_enough_is_taken(shape: Shape, columns: tuple[str, ...]) -> None:
    message.check(shape, columns, "file")


def test_many_columns_are_not_all_listed() -> None:
    with pytest.raises(SettingsError, match=r"c18, c19, \.\.\.$"):
        message.check(Shape("number", ("A",)), [f"c{number}" for number in range(500)], "file")


@pytest.mark.parametrize(
    ("name", "format", "kind"),
    [
        ("users.csv", "hull", CSV),
        ("users.CSV.gz", "hull", CSV),
        ("users.parquet", "hull", PARQUET),
        ("users", "csv", CSV),
        ("users.csv", "parquet", PARQUET),
        ("users.ndjson", "hull", None),
        ("csv", "native", None),
    ],
)
def test_a_table_is_known_by_its_name_or_by_what_is_said(name: str, format: str, kind: str | None) -> None:
    assert kind_of(Path(name), format) == kind


@pytest.mark.parametrize(
    ("value", "as_json"),
    [
        (datetime(2026, 1, 31, 10, tzinfo=UTC), "2026-01-31T10:00:00+00:00"),
        (datetime(2026, 1, 31, 10), "2026-01-31T10:00:00"),  # noqa: DTZ001 - tables have such times
        (date(2026, 1, 31), "2026-01-31"),
        (time(10, 30), "10:30:00"),
        (timedelta(minutes=1), 60.0),
        (Decimal("12.50"), 12.5),
        (Decimal("7.00"), 7),
        (Decimal("NaN"), None),
        (float("nan"), None),
        (float("inf"), None),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (True, True),
        (None, None),
        ([("a", Decimal(1))], [["a", 1]]),
        ({"a": [date(2026, 1, 31)]}, {"a": ["2026-01-31"]}),
    ],
)
def test_values_become_what_json_has(value: Any, as_json: Any) -> None:
    found = plain(value)
    assert (found, type(found)) == (as_json, type(as_json))


@pytest.mark.parametrize("value", [b"bytes", [b"bytes"], {"a": b"bytes"}, 1j])
def test_what_json_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises(UnreadableError, match="which JSON cannot carry"):
        plain(value)


CELL = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.decimals() | st.dates()
ROW = st.dictionaries(
    st.sampled_from(["id", "external_id", "email", "segments", "plan"]), CELL | st.lists(CELL, max_size=3), max_size=5
)


@given(ROW)
def test_any_row_is_read_or_refused(row: dict[str, Any]) -> None:
    said = message.message(plain(row), PAYING)
    (answer,) = inbox.read("native", to_json(said), 1_000_000)
    if isinstance(answer, Change):
        assert answer.key == message.key_of(said)
    else:
        assert isinstance(answer, Unreadable)
