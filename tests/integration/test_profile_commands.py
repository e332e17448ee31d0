"""`connector profiles` and `connector webhooks`, in this process: what they print, write, and have Customer.io do."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from connector.activity import fields, profiles
from connector.activity.fields import ProfileField
from connector.activity.fold import Folding
from connector.activity.profiles import ActivityProfile
from connector.activity.receive import Posted, receive
from connector.bulk import profile_export
from connector.cli import commands
from connector.errors import StoreError
from connector.settings.profiles import ProfilesSettings
from connector.store.engine import Store
from tests.build_settings import values, write
from tests.simulated import Simulated
from tests.webhooks import LATELY, reported

FIELDS = fields.of(ProfilesSettings())
APP_KEY = "CONNECTOR__CONNECTIONS__MAIN__APP_API_KEY"


def fill(store: Store) -> None:
    """Three people, of whom one is known by three names."""
    ada = {"id": "user-1", "email": "ada@example.com", "cio_id": "a1"}
    bodies = [
        reported(1, "email_opened", identifiers=ada, campaign_id=7),
        reported(2, "email_sent", user="", identifiers={"cio_id": "a1"}),
        reported(3, "email_sent", user="", identifiers={"email": "ada@example.com"}, subject="Hello"),
        reported(4, "sms_sent", user="user-2"),
        reported(5, "push_sent", user="", identifiers={"email": "bob@example.com"}),
    ]
    receive(store, [Posted("main", json.dumps(body).encode()) for body in bodies])
    Folding(FIELDS).fold(store, ["main"])


@pytest.mark.parametrize("at_once", [1, 2, 500])
def test_everybody_is_read_once_with_all_that_is_theirs(store: Store, at_once: int) -> None:
    fill(store)
    found = [each for page in profiles.every(store, "main", FIELDS, at_once) for each in page]
    assert {each.key: each.fields["cio_events"] for each in found} == {
        "email:bob@example.com": {"push_sent": 1},
        "id:user-1": {"email_opened": 1, "email_sent": 2},
        "id:user-2": {"sms_sent": 1},
    }
    assert len(found) == 3
    assert profiles.find(store, "user-1", ["main"], FIELDS) == [each for each in found if each.key == "id:user-1"]


@pytest.fixture
def file_store(file_url: str, open_store: Callable[[str], Store]) -> Store:
    """A store of which it does not matter in what database it is."""
    return open_store(file_url)


def test_parquet_has_a_column_for_each_field_of_its_type(file_store: Store, tmp_path: Path) -> None:
    fill(file_store)
    path = tmp_path / "profiles.parquet"
    with path.open("wb") as file:
        assert profile_export.write_parquet(file, profile_export.pages(file_store, ["main"], FIELDS), FIELDS) == 3

    rows = {tuple(row["ids"]): row for row in pyarrow.parquet.read_table(path).to_pylist()}
    ada = rows[("user-1",)]
    assert (ada["connection"], ada["emails"], ada["cio_ids"]) == ("main", ["ada@example.com"], ["a1"])
    assert ada["cio_email_last_open_ts"] == datetime.fromtimestamp(LATELY + 1, UTC)
    assert (ada["cio_campaign_ids"], ada["cio_subjects"]) == (["7"], ["Hello"])
    assert (dict(ada["cio_events"]), ada["cio_sms_last_send_ts"]) == ({"email_opened": 1, "email_sent": 2}, None)
    assert set(ada) >= {field.target for field in FIELDS}


def test_a_field_called_as_a_column_that_is_always_there_has_a_column_of_its_own(
    file_store: Store, tmp_path: Path
) -> None:
    targets = ("ids", "connection", "updated_at", "field_ids", "emails", "cio_ids")
    own = [ProfileField("subject", each) for each in targets]
    receive(file_store, [Posted("main", json.dumps(reported(1, subject="Hello")).encode())])
    Folding(own).fold(file_store, ["main"])
    path = tmp_path / "profiles.parquet"
    with path.open("wb") as file:
        assert profile_export.write_parquet(file, profile_export.pages(file_store, ["main"], own), own) == 1

    [row] = pyarrow.parquet.read_table(path).to_pylist()
    assert (row["connection"], row["ids"], row["emails"], row["cio_ids"]) == ("main", ["user-1"], [], [])
    names = ("field_connection", "field_updated_at", "field_ids", "field_field_ids", "field_emails", "field_cio_ids")
    assert [row[each] for each in names] == ["Hello"] * 6


class Command:
    """Runs commands over a settings file of the test."""

    def __init__(self, folder: Path, store: str, customerio: str, **given: Any) -> None:
        self._environ = write(folder, values(store=store, track_url=customerio, **given)) | {APP_KEY: "app-api-key"}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        ended = CliRunner().invoke(commands.app, arguments, env=self._environ, catch_exceptions=True)
        said = f"{ended.output}{ended.exception or ''}"
        assert (ended.exit_code or 0) == code, said
        return said


@pytest.fixture
def command(file_url: str, tmp_path: Path, simulator: Simulated) -> Command:
    return Command(tmp_path, file_url, simulator.url)


def test_profiles_are_shown_and_exported(command: Command, file_store: Store, tmp_path: Path) -> None:
    fill(file_store)
    shown = json.loads(command("profiles", "show", "ADA@example.com"))
    assert shown["identifiers"] == {"id": ["user-1"], "email": ["ada@example.com"], "cio_id": ["a1"]}
    assert "nothing was reported of 'nobody'" in command("profiles", "show", "nobody", code=1)
    assert "the settings name main" in command("profiles", "show", "user-1", "--connection", "other", code=1)

    path = tmp_path / "profiles.ndjson"
    assert "3 profiles" in command("profiles", "export", str(path))
    lines: Sequence[Any] = [json.loads(line) for line in path.read_text().splitlines()]
    assert shown in lines
    assert "cannot be written" in command("profiles", "export", str(tmp_path / "none" / "x"), code=1)
    assert len(command("profiles", "export", "-").splitlines()) == 4


@pytest.mark.parametrize("name", ["profiles.ndjson", "profiles.parquet"])
def test_an_export_that_fails_in_the_middle_leaves_the_file_before_it_and_nothing_beside(
    command: Command, file_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fill(file_store)
    folder = tmp_path / "exported"
    folder.mkdir()
    path = folder / name
    command("profiles", "export", str(path))
    before = path.read_bytes()

    whole = profile_export.pages

    def cut(*arguments: Any) -> Iterator[list[ActivityProfile]]:
        yield next(whole(*arguments))
        raise StoreError("the store went away")

    monkeypatch.setattr(profile_export, "pages", cut)
    assert "the store went away" in command("profiles", "export", str(path), code=1)
    assert path.read_bytes() == before
    assert "the store went away" in command("profiles", "export", str(folder / f"new-{name}"), code=1)
    assert [each.name for each in folder.iterdir()] == [name]


def test_the_webhook_is_missed_made_and_then_right(command: Command) -> None:
    check = ("webhooks", "check", "main")
    assert "no reporting webhook calls an address that ends with /webhooks/customerio/main" in command(*check, code=1)
    assert "give --url" in command(*check, "--apply", code=1)
    assert "the webhook is made" in command(*check, "--apply", "--url", "https://connector.example.com")
    said = command(*check)
    assert "all is reported that the profiles and the syncs want" in said
    assert "CONNECTOR__CONNECTIONS__MAIN__WEBHOOK_KEYS is not set" in said
    assert "another address" in command(*check, "--url", "https://new.example.com", code=1)
    assert "the webhook is mended" in command(*check, "--apply", "--url", "https://new.example.com")
    assert "all is reported" in command(*check, "--url", "https://new.example.com")


@pytest.mark.parametrize("setting", ["no_events_for", "not_recreated"])
def test_what_the_feedback_of_a_sync_needs_is_missed_and_added(
    file_url: str, tmp_path: Path, simulator: Simulated, setting: str
) -> None:
    """Also where no field of a profile wants anything."""

    def command(*marks: str) -> Command:
        sync = {"feedback": {setting: list(marks)}}
        return Command(tmp_path, file_url, simulator.url, profiles={"default_fields": False}, sync=sync)

    check = ("webhooks", "check", "main")
    command("spammed")(*check, "--apply", "--url", "https://connector.example.com")
    assert "all is reported" in command("spammed")(*check)

    more = command("bounced", "unsubscribed")
    needed = "customer_unsubscribed, email_bounced, email_unsubscribed"
    assert f"it does not report {needed}\n" in more(*check, code=1)
    more(*check, "--apply")
    assert "all is reported" in more(*check)
