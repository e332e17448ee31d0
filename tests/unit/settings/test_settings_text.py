"""Settings given as a text in place of the file, as somebody pastes them; and the file as such a text."""

from pathlib import Path

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


@pytest.mark.parametrize("text", ["a" + ".a" * 5000 + " = 1", "a = " + "[" * 5000, "a ="])
def test_what_is_nested_without_end_or_is_no_toml_is_a_mistake_in_words(text: str) -> None:
    with pytest.raises(SettingsError, match="pasted: "):
        load_text(text, "pasted", {})


def test_the_file_as_a_text_comes_to_the_same_settings() -> None:
    settings = load(ROOT / "settings.toml", SECRETS)
    told = settings_change.of_today(settings)
    assert load_text(told, "pasted", SECRETS) == settings
    assert MARK not in told


def test_the_file_as_a_text_has_no_address_that_carries_a_password(tmp_path: Path) -> None:
    secret = f"postgresql+psycopg://u:{MARK}@127.0.0.1/x"
    environ = write(tmp_path, values(store=secret, broker={"url": f"amqp://u:{MARK}@127.0.0.1//"}, web={"port": 1234}))
    told = settings_change.of_today(load(tmp_path / "settings.toml", environ))
    assert MARK not in told
    assert "port = 1234" in told
