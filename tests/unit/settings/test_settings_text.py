"""Settings given as a text in place of the file, as somebody pastes them; and the file as such a text."""

from pathlib import Path
from typing import Any

import pytest

from connector.admin.preview import settings_change
from connector.errors import SettingsError
from connector.settings.schema import load, load_text
from tests.build_settings import values, write

ROOT = Path(__file__).parents[3]
MARK = "hush-hush-marker"
SECRETS = {
    "CONNECTOR__CONNECTIONS__MAIN__SITE_ID": "site-id",
    "CONNECTOR__CONNECTIONS__MAIN__API_KEY": "api-key",
    "CONNECTOR__WEB__TOKEN": MARK,
}


def source(**given: str) -> dict[str, Any]:
    """A source, as the file has it."""
    return {"crm": {"query": "select 1", "key": "id", **given}}


@pytest.mark.parametrize("text", ["a" + ".a" * 5000 + " = 1", "a = " + "[" * 5000, "a ="])
def test_what_is_nested_without_end_or_is_no_toml_is_a_mistake_in_words(text: str) -> None:
    with pytest.raises(SettingsError, match="pasted: "):
        load_text(text, "pasted", {})


def test_the_file_as_a_text_comes_to_the_same_settings() -> None:
    settings = load(ROOT / "settings.toml", SECRETS)
    told = settings_change.of_today(settings)
    assert load_text(told, "pasted", SECRETS) == settings
    assert MARK not in told


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"store": f"postgresql+psycopg://u:{MARK}@127.0.0.1/x"}, "postgresql+psycopg://***@127.0.0.1/x"),
        ({"store": f"postgresql+psycopg://u:a {MARK}@127.0.0.1/x"}, "postgresql+psycopg://***@127.0.0.1/x"),
        ({"store": f"postgresql+psycopg://u:a '\n{MARK}@127.0.0.1/x"}, "postgresql+psycopg://***@127.0.0.1/x"),
        ({"store": f"postgresql+psycopg://127.0.0.1/x?password=a {MARK}"}, "postgresql+psycopg://127.0.0.1/x?***"),
        ({"broker": {"url": f"amqp://u:{MARK}@127.0.0.1//"}}, "amqp://***@127.0.0.1//"),
        ({"broker": {"url": f"amqp://a:b@127.0.0.1;amqp://u:a {MARK}@127.0.0.2"}}, "amqp://***@127.0.0.2"),
        ({"out": {"crm": {"url": f"https://hooks.example.com/{MARK}"}}}, 'url = "https://***"'),
        ({"sources": source(url=f"mssql+pymssql://127.0.0.1/x;PWD={MARK}")}, 'key = "id"'),
        ({"sources": source(url=f"postgresql+psycopg://u:a {MARK}@127.0.0.1/x")}, 'key = "id"'),
        ({"sources": source(query=f"select * from dblink('host=x password={MARK} port=1')")}, "password=*** port=1"),
        ({"sources": source(query=f"select * from dblink('postgresql://u:a {MARK}@x/y')")}, "postgresql://***@x/y"),
        ({"sources": source(query=f"select 'https://x.example.com/?token={MARK}'")}, "https://x.example.com/?***"),
        ({"export": {"runs": {"what": "runs", "table": "t", "url": f"sqlite:///{MARK}"}}}, 'table = "t"'),
        ({"intake": {"format": "native", "placeholders": [f"amqp://u:{MARK}@x"]}}, "amqp://***@x"),
    ],
)
def test_the_file_as_a_text_holds_no_secret_and_can_be_tried_as_it_is(
    given: dict[str, Any], shown: str, tmp_path: Path
) -> None:
    environ = write(tmp_path, values(**given))
    settings = load(tmp_path / "settings.toml", environ)
    told = settings_change.of_today(settings)
    assert MARK not in told
    assert shown in told
    assert MARK not in repr(settings.effective())
    assert load_text(told, "pasted", environ).syncs == settings.syncs
