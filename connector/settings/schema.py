"""settings.toml, the environment and the secrets directory as frozen values.

`load` is the way in for a running program. Sources, strongest first: environment variables `CONNECTOR__SECTION__KEY`,
files of the same names in a secrets directory, the file, the defaults below. The settings.toml of the repository is the
manual; docs/settings.schema.json is `schema()`, written down for editors.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import (
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connector.errors import SettingsError
from connector.settings import validators
from connector.settings.alerts import AlertsSettings
from connector.settings.connection import Connection
from connector.settings.console import ConsoleSettings
from connector.settings.effective import EffectiveSetting, Origins, effective
from connector.settings.export import Export
from connector.settings.freshness import Freshness
from connector.settings.layers import layers, layers_of_text, total
from connector.settings.lean_schema import lean
from connector.settings.manual_segments import ManualSegments
from connector.settings.mistakes import Layer, line, lines, misplaced, refuse, variable
from connector.settings.out import OutTarget
from connector.settings.profiles import ProfilesSettings
from connector.settings.retention import RetentionSettings
from connector.settings.sections import (
    BrokerSettings,
    DeliverySettings,
    IntakeSettings,
    LogSettings,
    StoreSettings,
    WebSettings,
    WorkerSettings,
)
from connector.settings.sync_actions import ActionSettings
from connector.settings.sync_options import Attribute, DeletionGuard, Feedback, ObjectType, SentEvent, Suppression
from connector.settings.telemetry import TelemetrySettings
from connector.settings.validators import IdentifierField, Names, Section, Switch, TableName, Text
from connector.settings.warehouse import RowsSettings, WarehouseSource


def _converts_dates(given: dict[str, Any]) -> bool:
    """What `convert_dates` says, which the other switches for dates follow unless they say otherwise."""
    return bool(given.get("convert_dates", True))


class Sync(Section):
    """One job: which people, which attributes and events, to which connection, and what becomes of those who leave."""

    name: SkipJsonSchema[str] = Field(default="", description="The key of its table; not settable.")
    label: Text = Field(default="", description="What people read in place of the name.")
    description: Text = Field(default="", description="What this sync is for.")
    connection: str = Field(description="The connection it delivers to: a name under [connections].")
    segments: Names = Field(
        default=(), description='The audience: upstream segments by name or id. ["*"] is everybody, [] is nobody.'
    )
    identifier: IdentifierField = Field(
        default="external_id", description="The upstream field whose value addresses the person."
    )
    identify_by: Literal["id", "email", "cio_id", "id_or_email"] = Field(
        default="id",
        description="Which of Customer.io's identifiers that value is. id_or_email: it is the id, and who has none is "
        "addressed by e-mail.",
    )
    address_ids: Literal["id", "email"] = Field(
        default="id",
        description="What a value that is an e-mail address is, with identify_by id_or_email: the id, or the e-mail.",
    )
    segment_attribute: str = Field(
        default="hull_segment",
        description='The attribute that lists all segments of the person, in lower case. "" sends none.',
    )
    segment_case: Literal["lower", "keep"] = Field(
        default="lower", description="Whether the names of segments are sent in lower case, or as upstream has them."
    )
    segment_shape: Literal["list", "booleans", "times"] = Field(
        default="list",
        description="How segments are sent: one list; or an attribute for each, `segment_attribute`_NAME, which is "
        "true, or holds the time of entry, while the person is in it.",
    )
    manual_segments: ManualSegments = Field(
        default={},
        description='Upstream segments mirrored into manual segments: a name, "" for the same name, or an id.',
    )
    attributes: tuple[Attribute, ...] = Field(
        default=(),
        description="The attributes to send, and no others. One taken off the list is cleared in Customer.io.",
    )
    events: tuple[SentEvent, ...] = Field(
        default=(),
        description='The events to send, by name. "page" and "screen" stand for all of their kind. [] sends none.',
    )
    actions: tuple[ActionSettings, ...] = Field(
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
    mode: Literal["upsert", "update", "create"] = Field(
        default="upsert",
        description="upsert creates and updates people. update creates nobody, and deletes nobody. create leaves whom "
        "it has created as they are, but for events and for those who leave.",
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
    feedback: Feedback = Field(
        default=Feedback(), description="What is kept from people of whom Customer.io has reported something."
    )
    on_identifier_change: Literal["merge", "replace", "keep", "leave"] = Field(
        default="merge",
        description="When a person's identifier changes: merge the old profile into the new, replace it by the new, "
        "keep the person under the first, or leave the old profile as it is and start a new one.",
    )
    convert_dates: Switch = Field(
        default=True, description="Whether to send dates as unix seconds, as Customer.io reads them."
    )
    convert_nested_dates: Switch = Field(
        default_factory=_converts_dates,
        description="The same for dates within lists and objects, at any depth. Left out, as convert_dates is.",
    )
    convert_event_dates: Switch = Field(
        default_factory=_converts_dates,
        description="The same for the properties of events, at any depth. Left out, as convert_dates is.",
    )
    objects: tuple[ObjectType, ...] = Field(
        default=(), description="The objects that people are related to, one table for each type. None are synced."
    )
    freshness: Freshness = Field(
        default=Freshness(), description="How soon changes are promised to be in Customer.io; docs/alerts.md."
    )
    deliver: Switch = Field(default=True, description="false decides and stores, and sends nothing to Customer.io.")

    @field_validator("address_ids")
    @classmethod
    def _of_leads(cls, choice: str, info: ValidationInfo) -> str:
        refuse(validators.address_ids(choice, info.data.get("identify_by")))
        return choice

    @field_validator("segment_attribute")
    @classmethod
    def _storable(cls, name: str, info: ValidationInfo) -> str:
        if name:
            refuse(validators.target(name) + validators.not_the_id(name, info.data.get("identify_by")))
        return name

    @field_validator("attributes")
    @classmethod
    def _side_by_side(cls, attributes: tuple[Attribute, ...], info: ValidationInfo) -> tuple[Attribute, ...]:
        renames = [(attribute.source, attribute.target) for attribute in attributes]
        refuse(validators.attributes(renames, info.data.get("segment_attribute"), info.data.get("identify_by")))
        return attributes

    @field_validator("events")
    @classmethod
    def _each_event_once(cls, events: tuple[SentEvent, ...]) -> tuple[SentEvent, ...]:
        refuse(validators.names([each.name for each in events]))
        return events

    @field_validator("suppress_when")
    @classmethod
    def _may_delete(cls, rule: Suppression, info: ValidationInfo) -> Suppression:
        refuse(validators.suppress_when(rule.attribute, info.data.get("mode")))
        return rule

    @field_validator("objects")
    @classmethod
    def _each_type_once(cls, objects: tuple[ObjectType, ...]) -> tuple[ObjectType, ...]:
        refuse(validators.names([each.type for each in objects]))
        return objects

    @field_validator("on_exit")
    @classmethod
    def _fits_the_mode(cls, on_exit: str, info: ValidationInfo) -> str:
        refuse(validators.on_exit(on_exit, info.data.get("mode")))
        return on_exit


NamedTable = TypeVar("NamedTable", Connection, Sync, WarehouseSource, OutTarget, Export)
CLOSED: dict[str, Any] = {"additionalProperties": False}


class Settings(BaseSettings):
    """All settings. The class itself looks nowhere: `load` reads the sources and hands it what they come to."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    store: StoreSettings = Field(default=StoreSettings(), description="Where the connector keeps its state.")
    broker: BrokerSettings = Field(default=BrokerSettings(), description="What carries messages and doorbells.")
    intake: IntakeSettings = Field(default=IntakeSettings(), description="How messages from the queue are read.")
    web: WebSettings = Field(default=WebSettings(), description="The HTTP door.")
    delivery: DeliverySettings = Field(
        default=DeliverySettings(), description="How people who are due are brought to Customer.io."
    )
    worker: WorkerSettings = Field(default=WorkerSettings(), description="How a worker of a fleet ends.")
    retention: RetentionSettings = Field(default=RetentionSettings(), description="How long things are kept.")
    log: LogSettings = Field(default=LogSettings(), description="What the program says while it works.")
    telemetry: TelemetrySettings = Field(
        default=TelemetrySettings(), description="Traces by OpenTelemetry, with the extra `otel`."
    )
    rows: RowsSettings = Field(default=RowsSettings(), description="How tables of users in files are read.")
    profiles: ProfilesSettings = Field(
        default=ProfilesSettings(), description="What Customer.io's reporting webhooks become."
    )
    alerts: AlertsSettings = Field(default=AlertsSettings(), description="What somebody is told of, and how.")
    console: ConsoleSettings = Field(default=ConsoleSettings(), description="The operator's page.")
    connections: dict[TableName, Connection] = Field(
        default={}, description="Customer.io workspaces, each under a name you choose.", json_schema_extra=CLOSED
    )
    syncs: dict[TableName, Sync] = Field(
        default={}, description="The jobs, each under a name you choose.", json_schema_extra=CLOSED
    )
    sources: dict[TableName, WarehouseSource] = Field(
        default={}, description="Warehouses to read, each under a name you choose.", json_schema_extra=CLOSED
    )
    out: dict[TableName, OutTarget] = Field(
        default={},
        description="Where what Customer.io reports goes on to, each by name.",
        json_schema_extra=CLOSED,
    )
    export: dict[TableName, Export] = Field(
        default={}, description="Where the row-level log is written, each by name.", json_schema_extra=CLOSED
    )

    _origins: Origins = PrivateAttr(default_factory=Origins)

    def effective(self) -> list[EffectiveSetting]:
        """Returns every key with its value and where that came from, without secrets."""
        return effective(self, self._origins)

    def in_file(self) -> Mapping[str, Any]:
        """Returns what the settings file gave, as nested values, without secrets and what addresses have of them."""
        return self._origins.file

    @field_validator("connections", "syncs", "sources", "out", "export")
    @classmethod
    def _named(cls, entries: dict[str, NamedTable]) -> dict[str, NamedTable]:
        return {key: entry.model_copy(update={"name": key}) for key, entry in entries.items()}

    @field_validator("export")
    @classmethod
    def _has_a_history(cls, export: dict[str, Export], info: ValidationInfo) -> dict[str, Export]:
        retention = info.data.get("retention")
        changes = [name for name, each in export.items() if each.what == "changes"]
        if changes and retention is not None and not retention.history_days:
            refuse([f'{changes[0]} has what = "changes", which come from the history: give [retention] history_days'])
        return export

    @field_validator("syncs")
    @classmethod
    def _with_the_forms_own_id(cls, syncs: dict[str, Sync], info: ValidationInfo) -> dict[str, Sync]:
        """Hull's connector sent Hull's id as hull_id. The id of any other upstream is sent as id."""
        intake = info.data.get("intake")
        if intake is None or intake.format == "hull":
            return syncs
        refuse([line for sync in syncs.values() for line in _own_id_sent(sync)])
        return {name: _with_own_id(sync) for name, sync in syncs.items()}

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Uses what the caller gives, and reads nothing from the environment."""
        return (init_settings,)


def _own_id_sent(sync: Sync) -> list[str]:
    """A line where the id of an upstream other than Hull would be sent as the identifier."""
    wrong = sync.identify_by in ("id", "id_or_email") and any(each.is_own_id for each in sync.attributes)
    return [validators.own_id(sync.name, sync.identify_by)] if wrong else []


def _with_own_id(sync: Sync) -> Sync:
    """The sync with the name "id" for the attribute `id`, where the settings give it none."""
    attributes = tuple(each.model_copy(update={"target": "id"}) if each.is_own_id else each for each in sync.attributes)
    return sync.model_copy(update={"attributes": attributes})


def load(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """What the file at `path`, the secrets directory and the environment come to.

    Raises SettingsError, with a line for each mistake.
    """
    return _loaded(layers(Settings, path, os.environ if environ is None else environ))


def load_text(text: str, label: str, environ: Mapping[str, str] | None = None) -> Settings:
    """What a text in place of the file comes to, with the secrets directory and the environment: as `load`.

    Args:
        text: What the file would hold.
        label: What mistakes call it.
        environ: In place of the environment of this process.
    """
    try:
        return _loaded(layers_of_text(Settings, text, label, os.environ if environ is None else environ))
    except RecursionError:
        raise SettingsError(f"{label}: tables stand in tables too deep") from None


def _loaded(given: tuple[Layer, ...]) -> Settings:
    values = total(given)
    mistakes = [*misplaced(Settings, given[-1]), *_named_twice(values, given), *_unconnected(values, given)]
    mistakes += _unused(values, given)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError("\n".join([*_worded(error, given), *mistakes])) from None
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    settings._origins = Origins(Settings, given)  # noqa: SLF001 - nobody else knows them
    return settings


def _worded(error: ValidationError, given: tuple[Layer, ...]) -> Iterator[str]:
    for one in error.errors():
        if (one["type"], one["loc"][-1]) != ("missing", "connection"):  # _unconnected has the names to choose from
            yield from lines(one, Settings, given)


def _named_twice(values: Mapping[str, Any], given: tuple[Layer, ...]) -> Iterator[str]:
    """Names inside of tables whose keys are the names."""
    for kind in ("connections", "syncs", "sources", "out", "export"):
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
        for text in validators.connection(sync.get("connection"), known):
            yield line(given, ("syncs", key, "connection"), text)


def _unused(values: Mapping[str, Any], given: tuple[Layer, ...]) -> Iterator[str]:
    """Connections that only a variable speaks of, and no sync uses: its name is a mistyped one."""
    used = {str(sync.get("connection")) for _, sync in _tables(values.get("syncs"))}
    in_file = given[-1].values.get("connections")
    meant = [*in_file] if isinstance(in_file, dict) else []
    for key, _ in _tables(values.get("connections")):
        if key not in (*meant, *used):
            yield line(given, ("connections", key), validators.unused(meant or sorted(used)))


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
    found: dict[str, Any] = lean(Settings.model_json_schema())
    return {**head, **found, "description": head["description"]}
