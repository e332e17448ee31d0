"""[rows] and [sources]: what they accept, what they refuse, and that the database's URL is never shown."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from connector.errors import SettingsError
from connector.model.schedule import Crontab, Every
from connector.settings import schema
from connector.settings.schema import Settings
from connector.settings.warehouse import WarehouseSource

MANUAL = Path(__file__).parents[3] / "settings.toml"
LEAST = '[connections.main]\n[syncs.main]\nconnection = "main"\n'
SOURCE = LEAST + '[sources.users]\nquery = "SELECT 1"\nkey = "id"\n'
URL = "postgresql+psycopg://reader:hush@example.com/warehouse"

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    path = tmp_path / "settings.toml"

    def loaded(text: str, **environ: str) -> Settings:
        path.write_text(text, "utf-8")
        return schema.load(path, environ)

    return loaded


def manual() -> dict[str, Any]:
    """The example of a source in the manual."""
    lines = re.findall(r"^#     ?(.*)$", MANUAL.read_text("utf-8"), re.MULTILINE)
    start = lines.index("[sources.customers]")
    table: dict[str, Any] = tomllib.loads("\n".join(lines[start:]))["sources"]["customers"]
    return table


def test_the_manual_shows_every_key_of_a_source_and_its_default() -> None:
    shown = manual()
    assert shown.keys() == WarehouseSource.model_fields.keys() - {"name"}
    usual = WarehouseSource(query="SELECT 1", key="id").model_dump()
    example = {"url", "query", "key", "schedule", "columns", "segments"}
    assert {key: value for key, value in shown.items() if key not in example} == {
        key: value for key, value in usual.items() if key not in {*example, "name"}
    }


def test_the_example_of_the_manual_is_accepted() -> None:
    WarehouseSource.model_validate(manual())
    jsonschema.validate({"sources": {"customers": manual()}}, {**schema.schema(), "required": []})


def test_the_url_may_stand_in_the_file_or_the_environment_and_is_shown_nowhere(load: Load) -> None:
    in_file = load(f'{SOURCE}url = "{URL}"')
    in_environment = load(SOURCE, CONNECTOR__SOURCES__USERS__URL=f" {URL}\n")
    for loaded in (in_file, in_environment):
        url = loaded.sources["users"].url
        assert url is not None
        assert url.get_secret_value() == URL
        assert "hush" not in repr(loaded) + str(loaded.model_dump()) + loaded.model_dump_json()
    assert load(SOURCE, CONNECTOR__SOURCES__USERS__URL="").sources["users"].url is None


@pytest.mark.parametrize(
    ("written", "times"),
    [
        ("", None),
        ("schedule = 60", Every(60)),
        ("schedule = 1.5", Every(1.5)),
        ('schedule = "90"', Every(90)),
    ],
)
def test_a_schedule_in_seconds(load: Load, written: str, times: Every | None) -> None:
    assert load(SOURCE + written).sources["users"].times == times


def test_a_schedule_by_crontab_also_from_the_environment(load: Load) -> None:
    loaded = load(SOURCE, CONNECTOR__SOURCES__USERS__SCHEDULE="0 3 * * mon")
    times = loaded.sources["users"].times
    assert isinstance(times, Crontab)
    assert (times.hours, times.weekdays) == ((3,), {1})


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("url = 'hush'", "sources.users.url: what was given is not accepted; give a URL as SQLAlchemy writes it"),
        ("url = 'db://u1:hu@sh@db/x'", "sources.users.url: what was given is not accepted; write an @ in a user name"),
        ("url = ['hush']", "sources.users.url: what was given is not accepted"),
        ("schedule = '0 3 * *'", "sources.users.schedule: '0 3 * *' is not accepted: 4 fields are not five"),
        ("schedule = 0", "sources.users.schedule: 0.0 is not accepted; give 1 second or more"),
        ("schedule = inf", "give 1 second or more"),
        ("schedule = true", "sources.users.schedule: true is not accepted; give a crontab line in quotes, or seconds"),
        ("columns = { a = 'x', b = 'x' }", "sources.users.columns: 'x' is the name of two columns"),
        ("columns = { id = '' }", "sources.users.columns: 'id' is the key: it cannot be left out"),
        ("columns = 3", "sources.users.columns: 3 is not accepted; give a table"),
        ("event = 'Bought'", 'sources.users.event: event is for kind = "events"; this source has kind = "people"'),
        ("kind = 'events'\nsegments = ['A']", 'segments is for kind = "people"; this source has kind = "events"'),
        ("kind = 'things'", "sources.users.kind: 'things' is not accepted; give one of people, events, objects"),
        ("object_type = '2'", 'object_type is for kind = "objects"; this source has kind = "people"'),
        ("kind = 'objects'\nobject_type = '0'", "sources.users.object_type: '0' is not accepted; give Customer.io's"),
        ("kind = 'objects'\ncursor = 'at'", 'cursor is for kind = "events"; this source has kind = "objects"'),
        ("kind = 'objects'\nsegments = ['A']", 'segments is for kind = "people"; this source has kind = "objects"'),
        ("name = 'x'", "sources.users.name: unknown key; the name is users, the key of the table"),
        ("leave_guard = { share = 0 }", "sources.users.leave_guard.share: 0 is not accepted; give more than 0"),
        ("sql = 'x'", "sources.users.sql: unknown key"),
    ],
)
def test_what_is_refused_says_the_key_and_what_is_accepted(load: Load, written: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(f"{SOURCE}{written}\n")
    assert says in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_source_without_query_and_key_is_refused(load: Load) -> None:
    with pytest.raises(SettingsError) as caught:
        load(LEAST + "[sources.users]\n[rows]\ncolumns = { a = 'x', b = 'x' }")
    mistakes = str(caught.value).splitlines()
    assert [line.partition(": ")[2] for line in mistakes] == [
        "rows.columns: 'x' is the name of two columns; give each one of its own",
        "sources.users.query: is missing",
        "sources.users.key: is missing",
    ]
