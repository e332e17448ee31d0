"""The tables of settings.toml about rows: how the columns of files are named, and the warehouses rows come from."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.json_schema import SkipJsonSchema

from connector.model import schedule
from connector.model.schedule import Every, Schedule
from connector.settings import validators
from connector.settings.mistakes import listed, refuse, shown
from connector.settings.validators import Count, Names, Section, Switch, Text

_SHORTEST_SECONDS = 1.0
_KIND_OF = {"segments": "people", "event": "events", "cursor": "events", "object_type": "objects"}
"""The one kind of source that a setting is for."""


class DatabaseUrl(SecretStr):
    """A database's URL: a secret, since it may carry a password anywhere, but one that may stand in the file."""


def _url(value: Any) -> Any:
    """The URL; nothing of it is ever shown, also not where it is refused."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    if not isinstance(text, str) or "://" not in text:
        refuse(["what was given is not accepted; give a URL as SQLAlchemy writes it: postgresql+psycopg://..."])
    if validators.host_has_at(text):
        refuse([f"what was given is not accepted; {validators.ESCAPED}"])
    return DatabaseUrl(text.strip())


def _columns(columns: Mapping[str, str]) -> Mapping[str, str]:
    names = [name for name in columns.values() if name]
    twice = sorted({name for name in names if names.count(name) > 1})
    refuse([f"{shown(name)} is the name of two columns; give each one of its own" for name in twice])
    return columns


def _times(value: Any) -> Any:
    """A text that is a number is one: the environment gives texts."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        refuse([f"{shown(value)} is not accepted; give a crontab line in quotes, or seconds"])
    return value


def _schedule(value: float | str | None) -> float | str | None:
    if isinstance(value, str):
        try:
            schedule.parsed(value)
        except ValueError as error:
            refuse([f'{shown(value)} is not accepted: {error}; give a line like "0 3 * * *" (UTC), or seconds'])
    elif value is not None and not _SHORTEST_SECONDS <= value < float("inf"):
        refuse([f"{shown(value)} is not accepted; give {_SHORTEST_SECONDS:g} second or more"])
    return value


ColumnSettings = Annotated[dict[str, str], AfterValidator(_columns)]
Times = Annotated[float | str | None, BeforeValidator(_times), AfterValidator(_schedule)]
Url = Annotated[DatabaseUrl | None, BeforeValidator(_url), WithJsonSchema({"type": "string"})]


class RowsSettings(Section):
    """How the columns of tables in files are named."""

    columns: ColumnSettings = Field(
        default={},
        description='What a column of a CSV or Parquet file is to be read as; "" leaves it out. '
        "The others keep their names.",
    )
    max_file_bytes: Count = Field(
        default=10_000_000_000, description="A larger file is not fetched from a URL: it would fill the disk."
    )


class LeaveGuard(Section):
    """When nobody leaves because their row is gone."""

    share: Annotated[float, Strict()] = Field(
        default=0.1, gt=0, le=1, allow_inf_nan=False, description="The share of the rows of the last run that may go."
    )
    at_least: Annotated[int, Strict()] = Field(
        default=50, ge=0, description="So many may go, however few rows there were; but never all of them."
    )


class WarehouseSource(Section):
    """Rows of a database, read again and again; what changed since the last time is taken in."""

    name: SkipJsonSchema[str] = Field(default="", description="The key of its table; not settable.")
    label: Text = Field(default="", description="What people read in place of the name.")
    description: Text = Field(default="", description="What this source is.")
    kind: Literal["people", "events", "objects"] = Field(
        default="people", description="What a row is: a user, an event, or an object."
    )
    url: Url = Field(
        default=None,
        description="The database, as SQLAlchemy writes it. Best given as CONNECTOR__SOURCES__NAME__URL.",
    )
    query: Text = Field(min_length=1, description="The statement that gives the rows. It only reads.")
    key: Text = Field(
        min_length=1,
        description="The column that tells rows apart. Of people: who it is, id, external_id or email, or their id "
        "under another name. Of events and objects: their own id.",
    )
    schedule: Times = Field(
        default=None, description="A crontab line (UTC), or seconds from one start to the next. Left out: by hand."
    )
    columns: ColumnSettings = Field(
        default={}, description='What a column is to be read as; "" leaves it out. The others keep their names.'
    )
    segments: Names = Field(default=(), description="People: the segments that everybody in the rows is in.")
    whole: Switch = Field(
        default=True,
        description="People, objects: whether a row is all there is to know, so that what it does not have is cleared.",
    )
    event: Text = Field(default="", description="Events: the name of all of them. Left out, the column `name` has it.")
    cursor: Text = Field(
        default="",
        description="Events: a column that only grows. A run then reads from where the last one ended, in its order.",
    )
    object_type: Text = Field(
        default="", description='Objects: Customer.io\'s object_type_id of all of them. Left out, it is "1".'
    )
    backfill: Switch = Field(default=True, description="Whether what it brings is delivered behind what is live.")
    leave_guard: LeaveGuard = Field(
        default=LeaveGuard(),
        description="People, objects: where more rows than this are gone, none leaves until a human has said so.",
    )

    @field_validator("segments", "event", "cursor", "object_type")
    @classmethod
    def _fits_the_kind(cls, value: Any, info: ValidationInfo) -> Any:
        kind, of = info.data.get("kind"), _KIND_OF[info.field_name or ""]
        if value and kind not in (None, of):
            refuse([f'{info.field_name} is for kind = "{of}"; this source has kind = "{kind}"'])
        return value

    @field_validator("object_type")
    @classmethod
    def _is_a_type(cls, object_type: str) -> str:
        refuse(validators.object_type(object_type) if object_type else [])
        return object_type

    @field_validator("columns")
    @classmethod
    def _keeps_the_key(cls, columns: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if columns.get(info.data.get("key", "")) == "" and info.data.get("kind") == "people":
            refuse([f"{shown(info.data['key'])} is the key: it cannot be left out"])
        return columns

    @property
    def times(self) -> Schedule | None:
        """When it is run; None: only when somebody asks."""
        if self.schedule is None:
            return None
        return schedule.parsed(self.schedule) if isinstance(self.schedule, str) else Every(float(self.schedule))


def unknown_source(name: str, known: Mapping[str, Any]) -> str:
    """What is said of a source that the settings do not name."""
    accepted = f"the settings name {listed(list(known))}" if known else "the settings name none; add [sources.NAME]"
    return f"there is no source {name!r}: {accepted}"
