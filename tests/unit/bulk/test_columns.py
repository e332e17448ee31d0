"""Columns under other names; rows that are events; and database errors without the secrets of a URL."""

from typing import Any

import pytest
from sqlalchemy.engine import make_url

from connector import formats
from connector.bulk import download
from connector.bulk.tabular import event_from_row, user_from_row
from connector.bulk.tabular.event_from_row import EventShape
from connector.bulk.tabular.user_from_row import UserShape
from connector.bulk.warehouse.query import worded
from connector.errors import SettingsError, UnreadableError
from connector.model.change import Change, Event, Unreadable

COLUMNS = {"Customer No": "external_id", "E-Mail": "email", "Groups": "segments", "Notes": "", "Firm": "account.name"}
ROW = {"Customer No": "1001", "E-Mail": "u1@example.com", "Groups": "Paying|Trial", "Notes": "x", "Firm": "Example Ltd"}


def read(said: dict[str, Any]) -> Change:
    (answer,) = formats.parse("native", said)
    assert isinstance(answer, Change), answer
    return answer


def test_columns_are_read_under_the_names_of_the_settings() -> None:
    change = read(user_from_row.message({**ROW, "plan": "gold", "account.size": 7}, UserShape(columns=COLUMNS)))
    assert change.key == "external_id:1001"
    assert change.user == {"external_id": "1001", "email": "u1@example.com", "plan": "gold"}
    assert change.account == {"name": "Example Ltd", "size": 7}
    assert change.segments is not None
    assert [each.name for each in change.segments] == ["Paying", "Trial"]
    assert change.whole


def test_a_row_may_be_a_part_of_the_user() -> None:
    assert not read(user_from_row.message({"id": "u1"}, UserShape(entered=("A",), whole=False))).whole


def test_a_table_is_judged_by_the_names_its_columns_are_read_by() -> None:
    user_from_row.check(UserShape(columns=COLUMNS), tuple(ROW), "file")
    with pytest.raises(SettingsError, match="does not say who is in which segment"):
        user_from_row.check(UserShape(columns={**COLUMNS, "Groups": ""}), tuple(ROW), "file")
    with pytest.raises(SettingsError, match="file: its columns E-Mail, email are all read as 'email'"):
        user_from_row.check(UserShape(columns=COLUMNS), (*ROW, "email"), "file")
    user_from_row.check(UserShape("Notes", columns=COLUMNS), tuple(ROW), "file")


EVENT = {"number": 7, "who": "u1", "name": "Bought", "time": 1_769_853_660, "amount": 12.5, "kind": None}
SHAPE = EventShape("number", columns={"who": "id"})
ID = EventShape("id", columns={"who": "external_id"})


def test_a_row_is_an_event_with_its_other_columns_as_properties() -> None:
    change = read(event_from_row.message(EVENT, SHAPE))
    assert (change.key, change.user, change.whole, change.segments) == ("u1", {"id": "u1"}, False, None)
    properties = {"amount": 12.5, "kind": None}
    assert change.events == (Event("7", "Bought", occurred_at=1_769_853_660, properties=properties),)


def test_all_events_may_have_one_name_and_a_column_of_that_name_is_then_a_property() -> None:
    (found,) = read(event_from_row.message(EVENT, EventShape("number", "Order placed", SHAPE.columns))).events
    assert (found.name, found.properties["name"]) == ("Order placed", "Bought")


def test_pages_are_named_by_their_urls() -> None:
    row = {"id": "e1", "who": "u1", "type": "page", "url": "https://example.com/"}
    (found,) = read(event_from_row.message(row, ID)).events
    assert (found.id, found.kind, found.name) == ("e1", "page", "https://example.com/")


@pytest.mark.parametrize("value", [None, "", 1.5, True])
def test_an_event_without_an_id_is_refused(value: Any) -> None:
    with pytest.raises(UnreadableError, match="neither a text nor an integer in 'number'"):
        event_from_row.message({**EVENT, "number": value}, SHAPE)


def test_an_event_that_names_nobody_is_unreadable() -> None:
    (answer,) = formats.parse("native", event_from_row.message({**EVENT, "who": None}, SHAPE))
    assert isinstance(answer, Unreadable)


@pytest.mark.parametrize(
    ("shape", "columns", "says"),
    [
        (SHAPE, ("number", "name"), "does not say whose the events are"),
        (EventShape("id"), ("id", "name"), "does not say whose the events are"),
        (SHAPE, ("number", "who"), "does not name the events: give `event`, or a column 'name' or 'type'"),
        (EventShape("number", columns={"a": "id", "b": "id"}), ("number", "a", "b", "name"), "are all read as 'id'"),
    ],
)
def test_events_that_say_too_little_are_refused(shape: EventShape, columns: tuple[str, ...], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        event_from_row.check(shape, columns, "query")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://user:hush-hush@example.com/x",
        "snowflake://user:hush-hush@account/x?role=hush-role",
        "bigquery://project?credentials_base64=hush-key",
    ],
)
def test_what_a_database_says_is_shown_without_the_secrets_of_the_url(url: str) -> None:
    said = f"login failed for {url} (hush-hush, hush-role, hush-key)"
    mine = [part for part in ("hush-hush", "hush-role", "hush-key") if part in url]
    shown = worded(ValueError(f"{said}\nsecond line"), make_url(url))
    assert shown.startswith("ValueError: login failed for ")
    assert "second" not in shown
    assert [part for part in mine if part in shown] == []


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('invalid input syntax for type integer: "ann@hush"', 'invalid input syntax for type integer: "***"'),
        ('invalid input syntax for type integer: "ann"@"hush"', 'invalid input syntax for type integer: "***"'),
        ("Numeric value 'ann's hush' of column 'plan' is none", "Numeric value '***' is none"),
        ("Can't convert 'hush'", "Can't convert '***'"),
        ('relation "Users" does not exist', 'relation "Users" does not exist'),
        ('syntax error at or near "SELECT"', 'syntax error at or near "SELECT"'),
        ("server closed the connection unexpectedly", "server closed the connection unexpectedly"),
    ],
)
def test_what_a_database_says_of_rows_is_shown_without_their_values(said: str, shown: str) -> None:
    url = make_url("postgresql+psycopg://user@example.com/x")
    assert worded(ValueError(said), url, "select id, plan from users") == f"ValueError: {shown}"
    assert worded(ValueError(said), url) == f"ValueError: {said}"


def test_a_url_of_a_file_is_shown_without_its_secrets() -> None:
    assert (
        download.shown("https://user:hush@example.com:8443/a.csv?token=hush#hush") == "https://example.com:8443/a.csv"
    )
