"""What commands begin with: the settings, and what these name. By itself, since it imports most of the product."""

import os
from pathlib import Path

from connector import log
from connector.cli.loading import loaded
from connector.cli.options import SETTINGS_VARIABLE
from connector.runtime import Runtime
from connector.settings.schema import Settings
from connector.tracing import tracer


def settings_of(path: Path, *, serves: bool = False) -> Settings:
    """Loads the settings, sets up the log, and tells Celery's side where they are. Raises SettingsError.

    serves: whether the command goes on until it is stopped; its log then is what people see of it, and what it needs to
    tell of traces must be there.
    """
    found = loaded(path)
    log.configure(found.log, brief=not serves)
    os.environ[SETTINGS_VARIABLE] = str(path.resolve())
    if serves:
        tracer.require(found.telemetry)
    return found


def opened(path: Path) -> Runtime:
    """What the settings name, with tables of this version. Raises SettingsError, and StoreError for other tables."""
    runtime = Runtime.open(settings_of(path))
    runtime.store.check_version()
    return runtime
