"""Tables of users are read: every shape in which CSV and Parquet come, and memory that does not grow with them."""

import gzip
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from connector.bulk.tabular import parquet as parquet_table
from connector.bulk.tabular import table
from connector.bulk.tabular.seen_keys import kept
from connector.errors import ConnectorError, UnreadableError
from connector.model import bounds
from connector.model.change import Unreadable

Write = Callable[[bytes | str], Path]
HEADER = "external_id,plan"
NO_JSON, DAWN = bounds.marked(bounds.NO_JSON), "1970-01-01T00:00:00"
LONG = "".join(map(str, range(900_000)))
"""A text that does not shrink as a bomb's would."""


@pytest.fixture(params=["plain", "gzip"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Write:
    """Writes a CSV file, plain or packed."""

    def written(content: bytes | str) -> Path:
        body = content.encode() if isinstance(content, str) else content
        path = tmp_path / "users.csv"
        path.write_bytes(gzip.compress(body) if request.param == "gzip" else body)
        return path

    return written


def lines(*rows: str, header: str = HEADER) -> str:
    return "".join(f"{row}\n" for row in (header, *rows))


def rows(path: Path, kind: str = table.CSV) -> list[Any]:
    """The rows; of one that cannot be read, why."""
    with table.opened(path, kind) as opened:
        return [each.reason if isinstance(each, Unreadable) else each for each in opened.rows()]


# ---- CSV ------------------------------------------------------------------------------------------------------------

TWO = [{"external_id": "u1", "plan": "gold"}, {"external_id": "u2", "plan": "free"}]
PLAIN = lines("u1,gold", "u2,free")


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.rstrip("\n"),
        PLAIN.replace("\n", "\r\n"),
        "\ufeff" + PLAIN,
        "\n\n" + PLAIN.replace("\n", "\n\n"),
        lines('"u1","gold"', '"u2","free"', header='"external_id","plan"'),
        lines("u1,gold", "u2,free", header=" external_id , plan"),
    ],
    ids=["plain", "no end of line", "Windows", "byte order mark", "blank lines", "quotes", "blanks in the header"],
)
def test_rows_are_read(write: Write, content: str) -> None:
    assert rows(write(content)) == TWO


def test_cells_stay_text_and_empty_ones_are_not_given(write: Write) -> None:
    content = lines("007,,true,1.50", header="external_id,plan,active,price")
    assert rows(write(content)) == [{"external_id": "007", "active": "true", "price": "1.50"}]


def test_quoted_cells_may_hold_commas_quotes_and_lines(write: Write) -> None:
    (row,) = rows(write(lines('u1,"a, ""b""\nc"')))
    assert row["plan"] == 'a, "b"\nc'


def test_columns_without_a_name_are_left_out(write: Write) -> None:
    assert rows(write(lines("0,u1,gold", header=",external_id,plan"))) == TWO[:1]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("u9", "line 3 has 1 cells, the header has 2"),
        ("u9,gold,more", "line 3 has 3 cells, the header has 2"),
        ('u9,"gold"x', "line 3 is not CSV (',' expected after '\"')"),
    ],
)
def test_a_bad_line_harms_only_itself(write: Write, bad: str, reason: str) -> None:
    assert rows(write(lines("u1,gold", bad, "u2,free"))) == [TWO[0], reason, TWO[1]]


def test_lines_of_blank_cells_are_passed_over(write: Write) -> None:
    assert rows(write(lines("u1,gold", ",", "  ,\t", '"\u00a0", ', "u2,free", ","))) == TWO


def test_cells_may_be_long_and_columns_many(write: Write) -> None:
    long, names = LONG[:1_000_000], [f"c{number}" for number in range(100_000)]
    assert rows(write(lines(f"u1,{long}"))) == [{"external_id": "u1", "plan": long}]
    (row,) = rows(write(lines(",".join("v" for _ in names), header=",".join(names))))
    assert row == dict.fromkeys(names, "v")


def test_a_line_that_is_not_utf8_harms_only_itself(write: Write) -> None:
    content = lines("u1,gold", "u9,\xfcber", "u2,free").encode("latin-1")
    assert rows(write(content)) == [TWO[0], "line 3 is not UTF-8", TWO[1]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lines("u1,gold", "u2"), "the file breaks off: line 3 has 1 cells"),
        (lines("u1,gold", 'u2,"free'), "a quote in line 3 is not closed"),
        (lines("u1,gold", 'u2,"free', 'u3,"gold"', "u4,free"), "a quote in line 3 is not closed"),
        (lines("u1,gold", "u2," + LONG[:5_000_001]), "a line has more than 5,000,000 characters"),
    ],
)
def test_a_file_that_breaks_off_says_so(write: Write, content: str, says: str) -> None:
    with table.opened(write(content), table.CSV) as opened:
        found = opened.rows()
        assert next(found) == TWO[0]
        with pytest.raises(UnreadableError) as caught:
            list(found)
    assert says in str(caught.value)


def test_a_packed_file_cut_short_says_so(tmp_path: Path) -> None:
    path = tmp_path / "users.csv.gz"
    path.write_bytes(gzip.compress(lines(*(f"u{number},gold" for number in range(9999))).encode())[:-200])
    with pytest.raises(UnreadableError, match="the file is not whole"):
        rows(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty: the first line must name the columns"),
        ("\n\n", "is empty: the first line must name the columns"),
        ("id;plan\nu1;gold\n", "its columns are separated by semicolons: save it with commas"),
        ("id\tplan\nu1\tgold\n", "its columns are separated by tabs: save it with commas"),
        ("id,plan,id\nu1,gold,u1\n", "more than one column is named 'id'"),
        ("id,\xfcber\n".encode("latin-1"), "is not UTF-8: save it as CSV in UTF-8"),
        ("id,plan\n".encode("utf-16"), "is not UTF-8: save it as CSV in UTF-8"),
        ('id,"plan"x\n', "the header line 1 is not CSV"),
    ],
)
def test_a_header_that_is_none_is_refused(write: Write, content: bytes | str, says: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        rows(write(content))
    assert says in str(caught.value)


@pytest.mark.parametrize("kind", table.KINDS)
def test_a_file_that_is_not_there_says_so(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConnectorError, match=r"cannot be read \(No such file or directory\)"):
        rows(tmp_path / "users", kind)


def test_the_position_comes_to_the_end(write: Write) -> None:
    path = write(lines(*(f"u{number},gold" for number in range(50_000))))
    with table.opened(path, table.CSV) as opened:
        positions = [opened.position for _ in opened.rows()]
        assert opened.size == path.stat().st_size == opened.position
    assert positions == sorted(positions)
    assert len(set(positions)) > 2


# ---- Parquet --------------------------------------------------------------------------------------------------------


def written(path: Path, columns: Mapping[str, Any], **options: Any) -> Path:
    parquet.write_table(pa.table(dict(columns)), path, **options)
    return path


@pytest.fixture
def parquet_path(tmp_path: Path) -> Path:
    return tmp_path / "users.parquet"


def test_values_of_parquet_keep_their_types(parquet_path: Path) -> None:
    at = datetime(2026, 1, 31, 10, tzinfo=UTC)
    columns = {
        "id": ["u1"],
        "age": [7],
        "price": pa.array([Decimal("12.50")], pa.decimal128(10, 2)),
        "active": [True],
        "nothing": pa.array([None], pa.string()),
        "at": [at],
        "to_the_nanosecond": pa.array([1_769_853_600_000_000_001], pa.timestamp("ns")),
        "day": [date(2026, 1, 31)],
        "segments": [["Paying", "Trial"]],
        "address": [{"city": "Here"}],
        "kind": pa.array(["a"]).dictionary_encode(),
    }
    assert rows(written(parquet_path, columns), table.PARQUET) == [
        {
            "id": "u1",
            "age": 7,
            "price": 12.5,
            "active": True,
            "nothing": None,
            "at": "2026-01-31T10:00:00+00:00",
            "to_the_nanosecond": "2026-01-31T10:00:00",
            "day": "2026-01-31",
            "segments": ["Paying", "Trial"],
            "address": {"city": "Here"},
            "kind": "a",
        }
    ]


@pytest.mark.parametrize("type", [pa.binary(), pa.large_binary(), pa.binary(5)])
def test_cells_of_bytes_are_left_out_one_by_one(parquet_path: Path, type: Any) -> None:
    written(parquet_path, {"id": ["u1", "u2"], "photo": pa.array([b"bytes", None], type)})
    assert rows(parquet_path, table.PARQUET) == [{"id": "u1", "photo": NO_JSON}, {"id": "u2", "photo": None}]


@pytest.mark.parametrize("type", [pa.string(), pa.large_string()])
def test_a_text_that_stands_once_in_a_file_and_in_every_row_is_unpacked_a_little_at_a_time(
    parquet_path: Path, type: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_table, "_UNPACKED_BYTES", 2500)
    texts = pa.array(["x" * 1000, "y" * 3000], type)
    notes = pa.DictionaryArray.from_arrays(pa.array([0] * 4 + [1] + [0] * 2 + [None], pa.int32()), texts)
    written(parquet_path, {"id": [f"u{number}" for number in range(8)], "note": notes})

    found = rows(parquet_path, table.PARQUET)
    assert [len(each["note"] or "") if isinstance(each, dict) else each for each in found] == [
        *[1000] * 4,
        "the row has more than 2,500 bytes",
        *[1000] * 2,
        0,
    ]
    with parquet_table.ParquetTable.opened(parquet_path) as opened:
        sizes = [each.nbytes for each in opened._batches() if not isinstance(each, Unreadable)]
    assert max(sizes) < 2 * 2500


def test_rows_of_nothing_are_passed_over(parquet_path: Path) -> None:
    written(parquet_path, {"id": ["u1", None, " "], "plan": ["gold", None, ""]})
    assert rows(parquet_path, table.PARQUET) == [{"id": "u1", "plan": "gold"}]


def test_a_value_beyond_our_calendar_harms_only_its_cell(parquet_path: Path) -> None:
    far = pa.array([0, 2**60, 0], pa.timestamp("ms"))
    found = rows(written(parquet_path, {"id": ["u1", "u2", "u3"], "at": far}), table.PARQUET)
    assert [(each["id"], each["at"]) for each in found] == [("u1", DAWN), ("u2", NO_JSON), ("u3", DAWN)]


def test_bytes_deep_inside_harm_only_their_cell(parquet_path: Path) -> None:
    written(parquet_path, {"id": ["u1", "u2"], "files": [[b"bytes"], []]})
    assert rows(parquet_path, table.PARQUET) == [{"id": "u1", "files": [NO_JSON]}, {"id": "u2", "files": []}]


@pytest.mark.parametrize("content", [b"", b"no table", b"PAR1" + b"x" * 100 + b"PAR1"])
def test_what_is_no_parquet_says_so(parquet_path: Path, content: bytes) -> None:
    parquet_path.write_bytes(content)
    with pytest.raises(ConnectorError, match="is not a Parquet file, or not a whole one"):
        rows(parquet_path, table.PARQUET)


def test_a_damaged_parquet_file_breaks_off(parquet_path: Path) -> None:
    written(parquet_path, {"id": [f"u{number}" for number in range(5000)]}, compression="zstd")
    content = bytearray(parquet_path.read_bytes())
    content[100:600] = b"\xff" * 500
    parquet_path.write_bytes(bytes(content))
    with pytest.raises(UnreadableError, match="the file is damaged"):
        rows(parquet_path, table.PARQUET)


def test_a_large_parquet_file_is_read_in_parts(parquet_path: Path) -> None:
    written(parquet_path, {"id": [f"u{number}" for number in range(5000)]}, row_group_size=1700)
    with table.opened(parquet_path, table.PARQUET) as opened:
        found = [(row["id"], opened.position) for row in opened.rows() if isinstance(row, dict)]
        assert opened.size == 5000
    assert found == [(f"u{number}", number + 1) for number in range(5000)]


def test_parquet_has_no_standard_input() -> None:
    with pytest.raises(ConnectorError, match="give the file's name"):
        rows(Path("-"), table.PARQUET)


# ---- memory ---------------------------------------------------------------------------------------------------------


def peak(read: Callable[[], Iterable[Any]]) -> int:
    """The most memory that reading takes."""
    tracemalloc.start()
    for _ in read():
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def read_csv(path: Path, count: int) -> Iterator[Any]:
    with path.open("w") as file:
        file.write(f"{HEADER}\n")
        file.writelines(f"u{number},plan {number % 7}\n" for number in range(count))
    with table.opened(path, table.CSV) as opened:
        yield from opened.rows()


def test_memory_does_not_grow_with_a_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    small, large = (peak(lambda count=count: read_csv(path, count)) for count in (10_000, 100_000))
    assert large < 2 * small + 200_000


def test_memory_does_not_grow_with_a_parquet_file(parquet_path: Path) -> None:
    """What Arrow itself holds at the end of each row, and Python's objects."""

    def read(count: int) -> Iterator[int]:
        columns = {"id": [f"u{number:0100}" for number in range(count)]}
        written(parquet_path, columns, row_group_size=count, use_dictionary=False, compression="none")
        del columns
        with table.opened(parquet_path, table.PARQUET) as opened:
            for _ in opened.rows():
                yield pa.total_allocated_bytes()

    small, large = max(read(10_000)), max(read(100_000))
    assert large < 2 * small + 2_000_000


def test_memory_does_not_grow_with_who_was_seen() -> None:
    def note(count: int) -> Iterator[None]:
        with kept() as seen:
            for first in range(0, count, 1000):
                yield seen.add(f"u{number}" for number in range(first, first + 1000))
            assert seen.others(["u0", "nobody", f"u{count - 1}"]) == ["nobody"]

    small, large = peak(lambda: note(10_000)), peak(lambda: note(100_000))
    assert large < 2 * small + 200_000
