"""[export.NAME]: where the row-level log is written, for people to query."""

import re

from pydantic import Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from connector.model import schedule
from connector.model.export_state import ExportKind
from connector.model.schedule import Every, Schedule
from connector.settings.mistakes import refuse, shown
from connector.settings.validators import Count, Names, Section, Text
from connector.settings.warehouse import DatabaseUrl, Times, Url

_TABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*")
_DATABASES = ("postgresql+psycopg://", "sqlite:///")


class Export(Section):
    """An export: what, how often, and to Parquet files or to a table."""

    name: SkipJsonSchema[str] = Field(default="", description="The key of its table; not settable.")
    label: Text = Field(default="", description="What people read in place of the name.")
    description: Text = Field(default="", description="What this export is for.")
    what: ExportKind = Field(
        description="changes: what Customer.io has answered of each person. snapshot: who is held now, with their "
        "attributes. runs: requests, jobs, and runs of sources."
    )
    directory: Text = Field(default="", description="Where Parquet files are written; with the extra `parquet`.")
    url: Url = Field(
        default=None,
        description="In place of directory: the database, postgresql+psycopg://... Best given as "
        "CONNECTOR__EXPORT__NAME__URL.",
    )
    table: Text = Field(
        default="", description="With url: the table, NAME or SCHEMA.NAME. It is made where it is not there."
    )
    schedule: Times = Field(
        default=300.0,
        description="A crontab line (UTC), or seconds from one start to the next.",
    )
    syncs: Names = Field(default=(), description="changes, snapshot: of which syncs; [] is all.")
    keep: Count = Field(default=7, description="snapshot into files: how many of them are kept.")

    @field_validator("url")
    @classmethod
    def _writable(cls, url: DatabaseUrl | None) -> DatabaseUrl | None:
        if url is not None and not url.get_secret_value().startswith(_DATABASES):
            refuse(["what was given is not accepted; give postgresql+psycopg://..., or sqlite:///FILE"])
        return url

    @field_validator("table")
    @classmethod
    def _named(cls, table: str) -> str:
        if table and not _TABLE.fullmatch(table):
            refuse([f"{shown(table)} is not accepted; give NAME or SCHEMA.NAME, of letters, digits and underscores"])
        return table

    @model_validator(mode="after")
    def _one_place(self) -> "Export":
        if bool(self.directory) == bool(self.table):
            refuse(["give either directory, or table and url"])
        if self.directory and self.url is not None:
            refuse(["url is for a table: give table, or take url away"])
        return self

    @property
    def times(self) -> Schedule | None:
        """Returns the schedule of its runs; None: it runs only when an operator asks."""
        if self.schedule is None:
            return None
        return schedule.parsed(self.schedule) if isinstance(self.schedule, str) else Every(float(self.schedule))
