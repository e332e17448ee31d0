"""Settings given as a text in place of the file, as somebody pastes them."""

import pytest

from connector.errors import SettingsError
from connector.settings.schema import load_text


@pytest.mark.parametrize("text", ["a" + ".a" * 5000 + " = 1", "a = " + "[" * 5000, "a ="])
def test_what_is_nested_without_end_or_is_no_toml_is_a_mistake_in_words(text: str) -> None:
    with pytest.raises(SettingsError, match="pasted: "):
        load_text(text, "pasted", {})
