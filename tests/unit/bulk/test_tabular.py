"""What a row of a table means: the user, the key, the segments, and the values that JSON does not have."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import formats
from connector.audience import mapping
from connector.bulk.tabular import reader, row_messages, user_from_row
from connector.bulk.tabular.parquet import UNREADABLE, plain
from connector.bulk.tabular.table import CSV, PARQUET, kind_of
from connector.bulk.tabular.user_from_row import UserShape
from connector.errors import SettingsError, UnreadableError
from connector.model import bounds
from connector.model.change import Change, Segment, Unreadable
from tests.build_settings import rules

PAYING = UserShape(entered=("Paying",))


def change(row: dict[str, Any], shape: UserShape = PAYING) -> Change:
    (answer,) = formats.parse("native", user_from_row.message(row, shape))
    assert isinstance(answer, Change), answer
    return answer


def test_a_row_is_the_whole_user() -> None:
    row = {"id": "u1", "plan": "gold", "age": 7, "city": None}
    assert change(row) == Change(key="u1", user=row, whole=True, entered=(Segment("Paying", "Paying"),))


@pytest.mark.parametrize(
    ("segments", "shape", "whole", "entered"),
    [
        ("Paying", UserShape(), ["Paying"], []),
        (" Paying | Trial|", UserShape(), ["Paying", "Trial"], []),
        ("|", UserShape(), [], []),
        ('["Paying", "Trial"]', UserShape(), ["Paying", "Trial"], []),
        (" []", UserShape(), [], []),
        ("Paying, large|", UserShape(), ["Paying, large"], []),
        (["Paying", "Trial"], UserShape(), ["Paying", "Trial"], []),
        ([], UserShape(), [], []),
        (None, UserShape(), None, []),
        (None, PAYING, None, ["Paying"]),
        (["Trial"], PAYING, ["Trial", "Paying"], []),
        ("Paying", PAYING, ["Paying"], []),
    ],
)
def test_the_segments_of_a_row(segments: Any, shape: UserShape, whole: list[str] | None, entered: list[str]) -> None:
    found = change({"id": "u1", "segments": segments}, shape)
    assert (found.segments if found.segments is None else [each.name for each in found.segments]) == whole
    assert [each.name for each in found.entered] == entered
    assert "segments" not in found.user


@pytest.mark.parametrize("text", ["Paying,Trial", "Paying;Trial", "{Paying}", '["Paying"', "('Paying',)", "['Paying']"])
def test_a_list_written_in_another_way_is_refused_and_takes_nobody_out(text: str) -> None:
    said = row_messages.one(
        {"id": "u1", "segments": text}, lambda row: user_from_row.message(row, PAYING), user_from_row.key_of
    )
    assert isinstance(said.body, Unreadable)
    assert said.body.reason.startswith("the segments are written in a way that is not known: give A|B, or")
    assert said.key == "u1"


@pytest.mark.parametrize(
    ("row", "shape", "key"),
    [
        ({"id": 7, "email": "u1@example.com"}, PAYING, "7"),
        ({"external_id": "u1"}, PAYING, "external_id:u1"),
        ({"email": "U1@example.com"}, PAYING, "email:u1@example.com"),
        ({"number": 7, "email": "u1@example.com"}, UserShape("number", ("Paying",)), "7"),
        ({"id": "other", "number": "u1"}, UserShape("number", ("Paying",)), "u1"),
    ],
)
def test_who_a_row_is(row: dict[str, Any], shape: UserShape, key: str) -> None:
    assert change(row, shape).key == key
    assert user_from_row.key_of(user_from_row.message(row, shape)) == key


@pytest.mark.parametrize("value", [None, "", " ", 7.5, True, ["u1"]])
def test_a_row_without_its_key_is_not_known_by_another_column(value: Any) -> None:
    with pytest.raises(UnreadableError, match="neither a text nor an integer in 'number'"):
        user_from_row.message({"number": value, "email": "u1@example.com"}, UserShape("number", ("Paying",)))


CELLS = {"id": "1001.0", "Customer": "7.00", "number": "-3.0", "plan": "1.0", "account.id": "5.0", "email": "2.0"}


def test_the_account_of_a_row_counts_beside_a_key_of_its_own() -> None:
    found = change({"number": 7, "account.name": "Example Ltd"}, UserShape("number", ("Paying",)))
    assert found.account == {"name": "Example Ltd"}


def test_ids_in_cells_of_text_are_read_as_the_integers_that_they_were() -> None:
    shape = user_from_row.of_texts(UserShape("number", ("Paying",), columns={"Customer": "external_id", "id": "other"}))
    assert user_from_row.message(CELLS, shape) == {
        "user": {"other": "1001.0", "external_id": "7", "plan": "1.0", "email": "2.0", "number": "-3", "id": "-3"},
        "account": {"id": "5"},
        "whole": True,
        "entered": ["Paying"],
    }
    assert user_from_row.message(CELLS, UserShape("number", ("Paying",)))["user"]["id"] == "-3.0"


@pytest.mark.parametrize("cell", ["1.23457E+11", "1.2345678901234568e+18", " 1E+10"])
def test_an_id_that_a_program_has_rounded_is_refused(cell: str) -> None:
    said = row_messages.one(
        {"id": cell}, lambda row: user_from_row.message(row, user_from_row.of_texts(PAYING)), user_from_row.key_of
    )
    assert isinstance(said.body, Unreadable)
    assert "in the column 'id' is a number that a program has rounded" in said.body.reason
    assert (said.key, said.unnamed) == (None, True)


@pytest.mark.parametrize(
    ("cell", "id"),
    [
        ('="1"', "1"),
        (' ="007" ', "007"),
        ('="1001.0"', "1001.0"),
        ('="1.23457E+11"', "1.23457E+11"),
        ('="say ""1"""', 'say "1"'),
    ],
)
def test_an_id_that_a_formula_keeps_as_text_is_that_text(cell: str, id: str) -> None:
    row = {"id": cell, "plan": '="1"'}
    assert user_from_row.message(row, user_from_row.of_texts(PAYING))["user"] == {"id": id, "plan": '="1"'}


@pytest.mark.parametrize("line", ['="007",free', '"=""007""",free'])
def test_the_formula_is_read_however_the_file_quotes_it(tmp_path: Path, line: str) -> None:
    file = tmp_path / "users.csv"
    file.write_text(f"id,plan\n{line}\n")
    with reader.opened(file, "csv", "native", PAYING, 10_000, "users.csv") as rows:
        [found] = rows.batch(10).messages
    assert isinstance(found, Change)
    assert found.key == change({"id": "007"}).key


@pytest.mark.parametrize("cell", ['=""', '=" "'])
def test_a_formula_that_keeps_no_text_names_nobody(cell: str) -> None:
    said = row_messages.one(
        {"id": cell}, lambda row: user_from_row.message(row, user_from_row.of_texts(PAYING)), user_from_row.key_of
    )
    assert said.key is None


PLAIN_IDS = ["1e3", "12e5", "1.5", "v1.0", "1.0.0", "0x1E+10", "E+10", "'2", "=1", '="1', '=A1&"2"']


@pytest.mark.parametrize("cell", PLAIN_IDS)
def test_other_texts_are_ids_as_they_stand(cell: str) -> None:
    assert user_from_row.message({"id": cell}, user_from_row.of_texts(PAYING))["user"]["id"] == cell


def test_whoever_is_named_is_known_even_if_the_rest_cannot_be_read() -> None:
    said = user_from_row.message({"id": "u1", "segments": [None]}, UserShape())
    (answer,) = formats.parse("native", said)
    assert isinstance(answer, Unreadable)
    assert user_from_row.key_of(said) == "u1"
    assert user_from_row.key_of({"user": {"plan": "gold"}}) is None


@pytest.mark.parametrize(
    ("shape", "columns", "says"),
    [
        (UserShape(), ("id", "plan"), "file does not say who is in which segment: give --segment NAME, or a column"),
        (UserShape("number", ("A",)), ("id", "plan"), "--key: file has no column 'number': it has id, plan"),
        (UserShape(entered=("A",)), ("plan",), "file has none of the columns id, external_id, email"),
        (UserShape(entered=(" ",)), ("id",), "--segment: the name is empty"),
        (UserShape(full=True), ("id", "segments"), "with one --segment NAME"),
        (UserShape(entered=("A", "B"), full=True), ("id",), "with one --segment NAME"),
    ],
)
def test_a_table_that_says_too_little_is_refused(shape: UserShape, columns: tuple[str, ...], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        user_from_row.check(shape, columns, "file")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "columns"),
    [
        (UserShape(), ("email", "segments")),
        (UserShape("number", ("A", "B")), ("number",)),
        (UserShape(entered=("A",), full=True), ("id",)),
    ],
)
def test_a_table_that_says_enough_is_taken(shape: UserShape, columns: tuple[str, ...]) -> None:
    user_from_row.check(shape, columns, "file")


def test_many_columns_are_not_all_listed() -> None:
    with pytest.raises(SettingsError, match=r"c18, c19, \.\.\.$"):
        user_from_row.check(UserShape("number", ("A",)), [f"c{number}" for number in range(500)], "file")


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
        (float("inf"), bounds.marked(bounds.NOT_FINITE)),
        (Decimal("-Infinity"), bounds.marked(bounds.NOT_FINITE)),
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


@pytest.mark.parametrize(
    "value", [b"bytes", [b"bytes"], {"a": b"bytes"}, 1j, {1}, IPv4Address("192.0.2.1"), UNREADABLE]
)
def test_what_json_has_nothing_for_costs_its_own_cell_alone(value: Any) -> None:
    said = row_messages.one(
        {"id": "u1", "plan": "gold", "city": plain(value)},
        lambda row: user_from_row.message(row, PAYING),
        user_from_row.key_of,
    )
    (found,) = row_messages.read(said.body, 10_000)
    assert isinstance(found, Change)
    read = mapping.read(found, rules())
    assert (said.key, read.attributes) == ("u1", {"plan": "gold"})
    (problem,) = read.problems
    assert (problem.subject, problem.reason.startswith("attribute 'city' is of a type that JSON")) == ("u1", True)


CELL = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.decimals() | st.dates()
ROW = st.dictionaries(
    st.sampled_from(["id", "external_id", "email", "segments", "plan"]), CELL | st.lists(CELL, max_size=3), max_size=5
)


@given(ROW)
def test_any_row_is_read_or_refused(row: dict[str, Any]) -> None:
    said = row_messages.one(plain(row), lambda given: user_from_row.message(given, PAYING), user_from_row.key_of)
    (answer,) = row_messages.read(said.body, 1_000_000)
    if isinstance(answer, Change):
        assert answer.key == said.key
    else:
        assert isinstance(answer, Unreadable)
