"""settings.toml, the environment and the secrets directory as frozen values.

`load` is the way in for a running program. Sources, strongest first: environment variables `CONNECTOR__SECTION__KEY`,
files of the same names in a secrets directory, the file, the defaults below. The settings.toml of the repository is the
manual; docs/settings.schema.json is `schema()`, written down for editors.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    Field,
    Strict,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connector.settings.schema import validators as settings_rules
from connector.errors import SettingsError
from connector.settings.sync_actions import Action
from connector.settings.sync_options import Attribute, DeletionGuard, ObjectType, Suppression
from connector.settings.mistakes import Layer, line, lines, misplaced, refuse, variable
from connector.settings.manual_segments import ManualSegments
from connector.settings.warehouse import Rows, WarehouseSource
from connector.settings.validators import (
    Address,
    Identifier,
    Name,
    Names,
    Secret,
    Section,
    Switch,
    Text,
)
from connector.settings.sections import Broker, Delivery, Intake, Log, Retention, Store, Web, Worker
from connector.settings.layers import layers, total


class Connection(Section):
    """One Customer.io workspace."""

    name: SkipJsonSchema[str] = Field(default="", description="The key of its table; not settable.")
    label: Text = Field(default="", description="What people read in place of the name.")
    description: Text = Field(default="", description="What this workspace is for.")
    region: Literal["us", "eu"] = Field(default="us", description="Where Customer.io keeps the account.")
    requests_per_second: Annotated[float, Strict()] = Field(
        default=100.0,
        ge=1,
        le=1000,
        allow_inf_nan=False,
        description="How fast to call, all workers together. Customer.io asks for at most 1000.",
    )
    app_requests_per_second: Annotated[float, Strict()] = Field(
        default=10.0,
        ge=0.1,
        le=10,
        allow_inf_nan=False,
        description="How fast to call the App API, which audits read from. Customer.io allows 10.",
    )
    track_url: Address = Field(
        default=None, description="Another address for the Track API: a proxy or the simulator. Left out, the region's."
    )
    app_url: Address = Field(
        default=None, description="Another address for the App API: a proxy or the simulator. Left out, the region's."
    )
    site_id: Secret = Field(
        default=None,
        description="The Track API's site id. Not in the file: give CONNECTOR__CONNECTIONS__NAME__SITE_ID.",
    )
    api_key: Secret = Field(
        default=None, description="The Track API's key. Not in the file: give CONNECTOR__CONNECTIONS__NAME__API_KEY."
    )
    app_api_key: Secret = Field(
        default=None, description="The App API's key. Not in the file: give CONNECTOR__CONNECTIONS__NAME__APP_API_KEY."
    )

    @property
    def track_base(self) -> str:
        """The Track API's address, without a slash at its end."""
        return self.track_url or f"https://track{self._suffix}.customer.io"

    @property
    def app_base(self) -> str:
        """The App API's address, without a slash at its end."""
        return self.app_url or f"https://api{self._suffix}.customer.io"

    @property
    def _suffix(self) -> str:
        return "-eu" if self.region == "eu" else ""


class Sync(Section):
    """One job: which people, which attributes and events, to which connection, and what becomes of those who leave."""

    name: SkipJsonSchema[str] = Field(default="", description="The key of its table; not settable.")
    label: Text = Field(default="", description="What people read in place of the name.")
    description: Text = Field(default="", description="What this sync is for.")
    connection: str = Field(description="The connection it delivers to: a name under [connections].")
    segments: Names = Field(
        default=(), description='The audience: upstream segments by name or id. ["*"] is everybody, [] is nobody.'
    )
    identifier: Identifier = Field(
        default="external_id", description="The upstream field whose value addresses the person."
    )
    identify_by: Literal["id", "email", "cio_id", "id_or_email"] = Field(
        default="id",
        description="Which of Customer.io's identifiers that value is. id_or_email: it is the id, and who has none is "
        "addressed by e-mail.",
    )
    segment_attribute: str = Field(
        default="hull_segment",
        description='The attribute that lists all segments of the person, in lower case. "" sends none.',
    )
    manual_segments: ManualSegments = Field(
        default={},
        description='Upstream segments mirrored into manual segments: a name, "" for the same name, or an id.',
    )
    attributes: tuple[Attribute, ...] = Field(
        default=(),
        description="The attributes to send, and no others. One taken off the list is cleared in Customer.io.",
    )
    events: Names = Field(
        default=(),
        description='The events to send, by name. "page" and "screen" stand for all of their kind. [] sends none.',
    )
    actions: tuple[Action, ...] = Field(
        default=(), description="Which calls of the Segment spec do what, before the defaults; docs/actions.md."
    )
    default_actions: Switch = Field(
        default=True, description="Whether calls also do what they do by default. false leaves `actions` alone."
    )
    anonymous_events: Switch = Field(
        default=False,
        description="Whether to send events of people who cannot be identified yet. They are merged later.",
    )
    require_email: Switch = Field(default=False, description="Whether to leave out people who have no e-mail address.")
    mode: Literal["upsert", "update"] = Field(
        default="upsert", description="upsert creates and updates people. update creates nobody, and deletes nobody."
    )
    on_exit: Literal["keep", "clear", "delete"] = Field(
        default="keep",
        description="What becomes of people who left every segment: keep stops updating them, clear empties the "
        "attributes sent, delete deletes them.",
    )
    deletion_guard: DeletionGuard = Field(
        default=DeletionGuard(),
        description="Deletions beyond this are held until `connector approve`; share = 1 holds none.",
    )
    suppress_when: Suppression = Field(
        default=Suppression(), description="Who is deleted and blocked in Customer.io, by what upstream says of them."
    )
    on_identifier_change: Literal["merge", "replace", "keep"] = Field(
        default="merge",
        description="When a person's identifier changes: merge the old profile into the new, replace it by the new, "
        "or keep the person under the first.",
    )
    convert_dates: Switch = Field(
        default=True, description="Whether to send dates as unix seconds, as Customer.io reads them."
    )
    objects: tuple[ObjectType, ...] = Field(
        default=(), description="The objects that people are related to, one table for each type. None are synced."
    )
    deliver: Switch = Field(default=True, description="false decides and stores, and sends nothing to Customer.io.")

    @field_validator("segment_attribute")
    @classmethod
    def _storable(cls, name: str, info: ValidationInfo) -> str:
        if name:
            refuse(settings_rules.target(name) + settings_rules.not_the_id(name, info.data.get("identify_by")))
        return name

    @field_validator("attributes")
    @classmethod
    def _side_by_side(cls, attributes: tuple[Attribute, ...], info: ValidationInfo) -> tuple[Attribute, ...]:
        renames = [(attribute.source, attribute.target) for attribute in attributes]
        refuse(settings_rules.attributes(renames, info.data.get("segment_attribute"), info.data.get("identify_by")))
        return attributes

    @field_validator("suppress_when")
    @classmethod
    def _may_delete(cls, rule: Suppression, info: ValidationInfo) -> Suppression:
        refuse(settings_rules.suppress_when(rule.attribute, info.data.get("mode")))
        return rule

    @field_validator("objects")
    @classmethod
    def _each_type_once(cls, objects: tuple[ObjectType, ...]) -> tuple[ObjectType, ...]:
        refuse(settings_rules.names([each.type for each in objects]))
        return objects

    @field_validator("on_exit")
    @classmethod
    def _fits_the_mode(cls, on_exit: str, info: ValidationInfo) -> str:
        refuse(settings_rules.on_exit(on_exit, info.data.get("mode")))
        return on_exit


Entry = TypeVar("Entry", Connection, Sync, WarehouseSource)
CLOSED: dict[str, Any] = {"additionalProperties": False}


class Settings(BaseSettings):
    """All settings. The class itself looks nowhere: `load` reads the sources and hands it what they come to."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    store: Store = Field(default=Store(), description="Where the connector keeps its state.")
    broker: Broker = Field(default=Broker(), description="What carries messages and doorbells.")
    intake: Intake = Field(default=Intake(), description="How messages from the queue are read.")
    web: Web = Field(default=Web(), description="The HTTP door.")
    delivery: Delivery = Field(default=Delivery(), description="How people who are due are brought to Customer.io.")
    worker: Worker = Field(default=Worker(), description="How a worker of a fleet ends.")
    retention: Retention = Field(default=Retention(), description="How long things are kept.")
    log: Log = Field(default=Log(), description="What the program says while it works.")
    rows: Rows = Field(default=Rows(), description="How tables of users in files are read.")
    connections: dict[Name, Connection] = Field(
        default={}, description="Customer.io workspaces, each under a name you choose.", json_schema_extra=CLOSED
    )
    syncs: dict[Name, Sync] = Field(
        default={}, description="The jobs, each under a name you choose.", json_schema_extra=CLOSED
    )
    sources: dict[Name, WarehouseSource] = Field(
        default={}, description="Warehouses to read, each under a name you choose.", json_schema_extra=CLOSED
    )

    @field_validator("connections", "syncs", "sources")
    @classmethod
    def _named(cls, entries: dict[str, Entry]) -> dict[str, Entry]:
        return {key: entry.model_copy(update={"name": key}) for key, entry in entries.items()}

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the caller gives, and nothing from the surroundings."""
        return (init_settings,)


def load(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """What the file at `path`, the secrets directory and the environment come to.

    Raises SettingsError, with a line for each mistake.
    """
    given = layers(Settings, path, os.environ if environ is None else environ)
    values = total(given)
    mistakes = [*misplaced(Settings, given[-1]), *_named_twice(values, given), *_unconnected(values, given)]
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError("\n".join([*_worded(error, given), *mistakes])) from None
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return settings


def _worded(error: ValidationError, given: tuple[Layer, ...]) -> Iterator[str]:
    for one in error.errors():
        if (one["type"], one["loc"][-1]) != ("missing", "connection"):  # _unconnected has the names to choose from
            yield from lines(one, Settings, given)


def _named_twice(values: Mapping[str, Any], given: tuple[Layer, ...]) -> Iterator[str]:
    """Names inside of tables whose keys are the names."""
    for kind in ("connections", "syncs", "sources"):
        for key, table in _tables(values.get(kind)):
            if "name" in table:
                yield line(given, (kind, key, "name"), f"unknown key; the name is {key}, the key of the table")


def _unconnected(values: Mapping[str, Any], given: tuple[Layer, ...]) -> Iterator[str]:
    """Syncs that lead nowhere, and settings without any."""
    for kind in ("connections", "syncs"):
        if not values.get(kind):
            yield f"{given[-1].label}: {kind}: there is none; add a table [{kind}.main]"
    connections = values.get("connections")
    known = list(connections) if isinstance(connections, dict) else []
    for key, sync in _tables(values.get("syncs")):
        for text in settings_rules.connection(sync.get("connection"), known):
            yield line(given, ("syncs", key, "connection"), text)


def _tables(entries: Any) -> list[tuple[str, dict[str, Any]]]:
    """The tables among the entries, of what may not be a table of tables."""
    return [one for one in entries.items() if isinstance(one[1], dict)] if isinstance(entries, dict) else []


def missing_credentials(settings: Settings) -> list[str]:
    """The environment variables that delivery needs and that are not set. Planning needs none of them."""
    used = sorted({sync.connection for sync in settings.syncs.values() if sync.deliver})
    keys = [(settings.connections[name], key) for name in used for key in ("site_id", "api_key")]
    return [variable(("connections", one.name, key)) for one, key in keys if getattr(one, key) is None]


def schema() -> dict[str, Any]:
    """The JSON Schema of the file: what docs/settings.schema.json holds."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "settings.toml of the Audience Sync Connector",
        "description": "Every key, what it is for, and its default.",
    }
    lean: dict[str, Any] = _lean(Settings.model_json_schema())
    return {**head, **lean, "description": head["description"]}


def _lean(node: Any) -> Any:
    """A schema without the titles that only repeat keys, and with defaults for keys only: not for tables, not null."""
    if isinstance(node, list):
        return [_lean(one) for one in node]
    if not isinstance(node, dict):
        return node
    idle = {"title"} | ({"default"} if isinstance(node.get("default"), dict | None) else set())
    return {key: _lean_below(key, value) for key, value in node.items() if key not in idle}


def _lean_below(key: str, value: Any) -> Any:
    """What stands under a schema's key; under `properties` stand the names of keys, and one may be called default."""
    return {name: _lean(each) for name, each in value.items()} if key == "properties" else _lean(value)
