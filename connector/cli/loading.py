"""Loads the settings that a command names, once: whoever asks again within the same call gets the same."""

from pathlib import Path

from connector.cli.invocation import CURRENT
from connector.settings.schema import Settings, load


def loaded(path: Path) -> Settings:
    """Returns the settings of a file. Raises SettingsError."""
    current = CURRENT.get()
    if current is None:
        return load(path)
    found: Settings | None = current.settings.get(str(path))
    if found is None:
        found = current.settings[str(path)] = load(path)
    return found
