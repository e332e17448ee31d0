"""Every error the connector raises on purpose.

    ConnectorError            exit code 1: something failed
    ├── SettingsError         exit code 2: settings.toml, the environment or the command line is wrong
    ├── UnreadableError       a body is not what its format says (the whole body, not one message of it)
    ├── NothingLeftError      somebody else has done it a moment ago
    └── StoreError            the store cannot be reached, written, or is of another version
        └── StoreFileError    the file of SQLite was deleted or replaced while it was open

A message that cannot be read, an attribute that is too large, an operation that Customer.io refuses are not errors
but answers: they travel as values (`Unreadable`, `Problem`, `Refused`) so that their neighbours go on.
"""


class ConnectorError(Exception):
    """Something failed. The text says what happened, where, and what to do next; it never carries a secret."""

    exit_code = 1


class SettingsError(ConnectorError):
    """The settings, or how a command was called, are wrong. One line each: where, what was given, what is accepted."""

    exit_code = 2


class UnreadableError(ConnectorError):
    """A whole body cannot be read in its format: not JSON, or not the envelope the format asks for."""


class NothingLeftError(ConnectorError):
    """What was asked is done already: somebody else came first, or it has solved itself."""


class StoreError(ConnectorError):
    """The store cannot be reached, cannot be written, or holds tables of another version."""


class StoreFileError(StoreError):
    """The file of SQLite was deleted, moved or replaced while it was open: what is written would not be kept."""
