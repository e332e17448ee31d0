"""`connector send` with tables of users: CSV and Parquet, whole audiences, and what it says to who calls it wrongly."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from connector.store.engine import Store
from tests.processes import Ended, connector, environment

CSV = b"external_id,email,plan\nu1,u1@example.com,gold\nu2,u2@example.com,free\n"
SEGMENT = ("--segment", "Paying", "--allow-missing")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "users.csv"
    path.write_bytes(CSV)
    return path


def counted(ended: Ended) -> dict[str, Any]:
    assert (ended.code, ended.err) == (0, "")
    (row,) = ended.rows()
    assert row.pop("seconds") >= 0
    return row


def test_a_csv_file_and_then_a_shorter_one_in_full(csv: Path, environ: dict[str, str]) -> None:
    assert counted(connector("send", csv, *SEGMENT, "--json", environ=environ)) == {"changes": 2, "unreadable": 0}
    csv.write_bytes(b"".join(CSV.splitlines(keepends=True)[:2]))
    ended = connector("send", csv, *SEGMENT, "--full", environ=environ)
    assert (ended.code, ended.err) == (0, "")
    first, second = ended.out.splitlines()
    assert first.startswith("1 messages taken in (")
    assert second == "1 left Paying: they are not in the file"
    found = counted(connector("send", csv, *SEGMENT, "--full", "--json", environ=environ))
    assert found == {"changes": 1, "unreadable": 0, "left": 0}


def test_the_settings_say_what_columns_are_read_as(csv: Path, environ: dict[str, str]) -> None:
    csv.write_bytes(
        CSV.replace(b"external_id", b"Customer No").replace(b"plan", b"Groups").replace(b"gold", b"Paying|A")
    )
    refused = connector("send", csv, environ=environ)
    assert (refused.code, "does not say who is in which segment" in refused.err) == (2, True)
    names = json.dumps({"Customer No": "external_id", "Groups": "segments"})
    named = environ | {"CONNECTOR__ROWS__COLUMNS": names}
    assert counted(connector("send", csv, "--allow-missing", "--json", environ=named)) == {
        "changes": 2,
        "unreadable": 0,
    }
    (found,) = connector("status", "--json", environ=named).rows()
    assert found["syncs"]["main"]["due"] == 1


def test_a_parquet_file(tmp_path: Path, environ: dict[str, str]) -> None:
    path = tmp_path / "users.parquet"
    parquet.write_table(pa.table({"number": [1, 2], "segments": [["Paying"], []]}), path)
    assert counted(connector("send", path, "--key", "number", "--allow-missing", "--json", environ=environ)) == {
        "changes": 2,
        "unreadable": 0,
    }


def test_standard_input_and_what_cannot_be_read(environ: dict[str, str]) -> None:
    ended = connector("send", "-", "--format", "csv", *SEGMENT, environ=environ, stdin=CSV + b"u3\nu4,,\n")
    assert ended.code == 0
    assert "3 messages taken in (" in ended.out
    assert "1 could not be read" in ended.out
    assert "`connector problems` lists them" in ended.err
    (problem,) = connector("problems", "--json", environ=environ).rows()
    assert problem["reason"] == "line 4 has 1 cells, the header has 3"


def no_people(environ: Mapping[str, str]) -> bool:
    (found,) = connector("status", "--json", environ=environ).rows()
    return bool(found["syncs"]["main"]["people"] == 0)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "does not say who is in which segment: give --segment NAME, or a column 'segments'"),
        ((*SEGMENT, "--key", "number"), 2, "has no column 'number': it has external_id, email, plan"),
        (("--full",), 2, "--full: say of which segment the file is the whole audience, with one --segment NAME"),
        ((*SEGMENT, "--segment", "Trial", "--full"), 2, "with one --segment NAME"),
        ((*SEGMENT, "--format", "parquet"), 1, "is not a Parquet file, or not a whole one"),
        (("--format", "xml"), 2, "--format: 'xml' is not accepted; give one of hull, native"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_read(
    csv: Path, environ: dict[str, str], arguments: tuple[str, ...], code: int, says: str
) -> None:
    connector("migrate", environ=environ)
    ended = connector("send", csv, *arguments, environ=environ)
    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert no_people(environ)


def test_the_options_of_tables_are_refused_for_messages(tmp_path: Path, environ: dict[str, str]) -> None:
    path = tmp_path / "messages.ndjson"
    path.write_text(json.dumps({"user": {"id": "u1"}}))
    ended = connector("send", path, "--format", "native", *SEGMENT, environ=environ)
    assert (ended.code, ended.out) == (2, "")
    assert "--key, --segment and --full are for tables of users" in ended.err


def test_without_pyarrow_parquet_says_what_to_install(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ImportError('as if it were not there')\n")
    path = tmp_path / "users.parquet"
    parquet.write_table(pa.table({"id": ["u1"]}), path)
    ended = connector("send", path, *SEGMENT, environ={**environ, "PYTHONPATH": str(tmp_path)})
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Parquet needs pyarrow, which is not installed: pip install pyarrow")


def test_where_the_file_breaks_off_nobody_leaves(csv: Path, environ: dict[str, str]) -> None:
    connector("send", csv, *SEGMENT, environ=environ)
    csv.write_bytes(CSV[: CSV.index(b",free")])
    ended = connector("send", csv, *SEGMENT, "--full", environ=environ)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.strip().endswith("what stands before that place is taken in, and nobody has left 'Paying'")
    store = Store(environ["CONNECTOR__STORE__URL"])
    with store.reading() as tx:
        rows = tx.exec_driver_sql("SELECT key, standing FROM entity ORDER BY key").all()
    store.close()
    assert [tuple(row) for row in rows] == [
        ("external_id:u1", "in the audience"),
        ("external_id:u2", "in the audience"),
    ]


def test_a_file_that_would_clear_what_nobody_meant_to_clear_is_refused(csv: Path, environ: dict[str, str]) -> None:
    refused = connector("send", csv, "--segment", "Paying", environ=environ)
    assert (refused.code, "has no column for account.name, clearbit/employees" in refused.err) == (2, True)
    csv.write_bytes(CSV.replace(b"plan", b"Plan"))
    for command in (("send",), ("plan",), ("backfill", "all")):
        refused = connector(*command, csv, *SEGMENT, environ=environ)
        assert (refused.code, "the column 'Plan' is nearly 'plan'" in refused.err) == (2, True)
    assert no_people(environ)


def test_a_segment_that_nobody_has_heard_of_is_asked_about(csv: Path, environ: dict[str, str]) -> None:
    connector("migrate", environ=environ)
    arguments = (csv, "--segment", "Payng", "--allow-missing")
    says = (
        'No sync names the segment "Payng" (is "Paying" meant?), and nobody is in it. Take the table in all the same?'
    )
    for command in (("send",), ("backfill", "all", "--detach")):
        asked = connector(*command, *arguments, environ=environ)
        assert (asked.code, asked.err.startswith(says), "give --yes" in asked.err) == (2, True, True)
    assert connector("send", *arguments, "--yes", environ=environ).code == 0
    assert connector("send", *arguments, environ=environ).code == 0
