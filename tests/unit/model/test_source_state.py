"""When a source is due, when so many rows are gone that nobody leaves, and places in rows as text."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.bulk.backfill_input import BackfillInput, Position
from connector.bulk.warehouse import cursor
from connector.errors import ConnectorError
from connector.model.schedule import Every, Schedule, parsed
from connector.model.source_state import SourceState, due_at, due_since, retry_seconds, too_many_gone

DAY = 86_400.0
NEW = SourceState("users", first_seen_at=DAY)
RAN = replace(NEW, started_at=2 * DAY, ended_at=2 * DAY + 60)
NIGHTLY = parsed("0 3 * * *")


@pytest.mark.parametrize(
    ("state", "schedule", "due"),
    [
        (NEW, None, None),
        (NEW, Every(60), 0.0),
        (NEW, NIGHTLY, DAY + 3 * 3600),
        (replace(NEW, asked=True), None, 0.0),
        (RAN, None, None),
        (RAN, Every(600), 2 * DAY + 600),
        (RAN, NIGHTLY, 2 * DAY + 3 * 3600),
        (replace(RAN, asked=True), NIGHTLY, 0.0),
        (replace(RAN, ended_at=None), NIGHTLY, 0.0),
        (replace(RAN, ended_at=None), None, 0.0),
        (replace(RAN, failures=1), NIGHTLY, 2 * DAY + 60 + 300),
        (replace(RAN, failures=3), NIGHTLY, 2 * DAY + 60 + 1200),
        (replace(RAN, failures=99), NIGHTLY, 2 * DAY + 60 + 3600),
        (replace(RAN, failures=1), Every(100), 2 * DAY + 100),
        (replace(RAN, failures=1), None, None),
        (replace(RAN, error="held"), NIGHTLY, 2 * DAY + 3 * 3600),
    ],
)
def test_when_a_source_is_due(state: SourceState, schedule: Schedule | None, due: float | None) -> None:
    assert due_at(state, schedule) == due


def test_pauses_after_failures_grow_up_to_an_hour() -> None:
    assert [retry_seconds(failures) for failures in (1, 2, 3, 4, 5, 1000)] == [300, 600, 1200, 2400, 3600, 3600]


@pytest.mark.parametrize(
    ("known", "gone", "too_many"),
    [
        (0, 0, False),
        (1000, 0, False),
        (1000, 100, False),
        (1000, 101, True),
        (100, 50, False),
        (100, 51, True),
        (60, 50, False),
        (1, 1, True),
        (40, 40, True),
    ],
)
def test_how_many_rows_may_go(known: int, gone: int, too_many: bool) -> None:
    assert too_many_gone(known, gone, share=0.1, at_least=50) is too_many


@given(st.integers(1, 10**9), st.floats(0.001, 1.0), st.integers(0, 10**9))
def test_a_query_that_gives_nothing_is_never_believed(known: int, share: float, at_least: int) -> None:
    assert too_many_gone(known, known, share, at_least)


@pytest.mark.parametrize(
    "value",
    [
        7,
        -(10**30),
        0.1,
        "",
        "naïve \N{SNOWMAN}",
        Decimal("12.3400"),
        datetime(2026, 1, 31, 10, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 1, 31, 10),  # noqa: DTZ001 - tables have such times
        date(2026, 1, 31),
        UUID(int=7),
    ],
)
def test_a_place_in_rows_is_read_as_it_was_written(value: Any) -> None:
    found = cursor.read(cursor.written(value, "id"))
    assert (found, type(found)) == (value, type(value))
    assert cursor.read(None) is None


@pytest.mark.parametrize("value", [None, True, b"x", [1]])
def test_a_value_that_rows_cannot_be_ordered_by_is_refused(value: Any) -> None:
    with pytest.raises(ConnectorError, match="the column 'id' has a value of the type"):
        cursor.written(value, "id")


def test_what_a_backfill_reads_and_where_it_is_are_read_as_they_were_written() -> None:
    for origin in (
        BackfillInput(("a.csv", "https://example.com/b"), "", "csv", "number", ("A", "B")),
        BackfillInput(source="users"),
    ):
        assert BackfillInput.of(origin.text()) == origin
    for position in (Position(), Position(2, 7), Position(after='["int","7"]')):
        assert Position.of(position.text()) == position
    assert Position.of("") == Position()


@pytest.mark.parametrize(
    ("state", "since"),
    [
        (NEW, DAY),
        (replace(NEW, started_at=2 * DAY), 2 * DAY),
        (RAN, 2 * DAY + 300),
        (replace(RAN, ended_at=3 * DAY), 3 * DAY),
        (replace(RAN, asked=True), 2 * DAY + 300),
    ],
    ids=["never run", "interrupted", "by the schedule", "after a run longer than the schedule", "asked for"],
)
def test_a_run_is_due_since_a_time_that_is_known(state: SourceState, since: float) -> None:
    assert due_since(state, Every(300.0)) == since


def test_a_run_that_only_a_human_asks_for_is_due_by_itself_once_it_was_interrupted() -> None:
    assert due_since(replace(NEW, asked=True), None) is None
    assert due_since(replace(NEW, started_at=2 * DAY), None) == 2 * DAY
