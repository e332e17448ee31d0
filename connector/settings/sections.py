"""The tables of settings.toml that say how the programs run: one of each."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, Strict

from connector.model.identifiers import PLACEHOLDERS
from connector.settings.validators import (
    Addressed,
    BrokerUrl,
    Count,
    Names,
    Origin,
    Seconds,
    Secret,
    Section,
    StoreUrl,
    TableName,
    Text,
)


class StoreSettings(Addressed):
    """Where the connector keeps what Customer.io should hold, and holds."""

    url: StoreUrl = Field(
        default="sqlite:///connector.db",
        description="The database. sqlite:///FILE is enough for one machine; postgresql+psycopg://... serves a fleet.",
    )
    connect_seconds: Seconds = Field(default=5.0, description="PostgreSQL: how long to wait for a connection to open.")
    silence_seconds: Seconds = Field(
        default=10.0,
        description="PostgreSQL: how long a connection may be silent that should answer at once. Then it is given up.",
    )
    statement_seconds: Seconds = Field(default=60.0, description="PostgreSQL: how long one statement may take.")
    lock_seconds: Seconds = Field(
        default=15.0, description="PostgreSQL: how long to wait for a row that somebody else has locked."
    )
    idle_seconds: Seconds = Field(
        default=30.0,
        description="PostgreSQL: how long a transaction may stand idle. Then its locks end: its program may be dead.",
    )


class BrokerSettings(Addressed):
    """What carries upstream's messages and the workers' doorbells."""

    url: BrokerUrl = Field(
        default="memory://",
        description="memory:// runs everything in one process; amqp:// or amqps:// (RabbitMQ) serves a fleet.",
    )
    ca_file: Text = Field(
        default="",
        description="With amqps://: the file of the authorities that sign RabbitMQ's certificate; '' is the system's.",
    )
    certificate_file: Text = Field(
        default="", description="With amqps://: the file of our own certificate, where RabbitMQ asks for one."
    )
    key_file: Text = Field(default="", description="The file of the key to certificate_file, if it is not in there.")

    @property
    def durable(self) -> bool:
        """Whether the broker keeps what it holds: RabbitMQ does, the in-process one does not."""
        return self.url.startswith("amqp")


class IntakeSettings(Section):
    """How messages from the queue are read and gathered into batches."""

    queue: Text = Field(
        default="segment-changes",
        min_length=1,
        description="The queue upstream publishes to: plain JSON messages, no Celery headers needed.",
    )
    backfill_queue: Text = Field(
        default="segment-changes-backfill",
        min_length=1,
        description="A second queue, for bulk loads: what comes by it waits behind what comes by the first.",
    )
    format: Literal["hull", "native", "lytics", "segment"] = Field(
        default="hull",
        description="The form of the messages on the queue: one of those in docs/messages.md.",
    )
    shards: Count = Field(
        default=1,
        le=64,
        description="So many queues carry what upstream publishes, each read in order by one reader at a time.",
    )
    former_queues: Names = Field(
        default=(),
        description="Queues that upstream published to before: one that was renamed, shards that were taken away. What "
        "is left in them is read before what comes now.",
    )
    former_backfill_queues: Names = Field(default=(), description="The same of bulk loads.")
    batch_messages: Count = Field(default=1000, description="So many messages are taken in at once at the most.")
    batch_bytes: Count = Field(default=4_000_000, description="So many bytes are taken in at once at the most.")
    batch_seconds: Seconds = Field(
        default=0.05,
        description="Embedded mode: how long a message waits for others. A fleet takes in whatever has arrived.",
    )
    max_message_bytes: Count = Field(
        default=5_000_000,
        description="A longer message is kept as a problem and not read, so that one cannot fill the memory.",
    )
    max_future_seconds: Seconds = Field(
        default=86_400.0,
        description="How far in the future a message's time may lie. Beyond it the time of arrival counts, and a "
        "problem says so: a wrong clock upstream must not make all that comes later stale.",
    )
    placeholders: Names = Field(
        default=PLACEHOLDERS,
        description="What programs write for an id that they do not have, in any case. As the id of a user or an "
        'object it is refused, as a problem: it would make everybody one person. "0" is every id of zeros.',
    )


class WebSettings(Section):
    """The HTTP door."""

    host: Text = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address to listen on. 127.0.0.1 is reached from this machine only, 0.0.0.0 from everywhere.",
    )
    port: Annotated[int, Strict()] = Field(
        default=8080, ge=0, le=65535, description="The port to listen on. 0 takes any free one."
    )
    token: Secret = Field(
        default=None,
        description="The bearer token that senders must show. Not in the file: give CONNECTOR__WEB__TOKEN.",
    )
    tokens: dict[TableName, SecretStr] = Field(
        default={},
        description="More tokens, each under a name of its own. Not in the file: give CONNECTOR__WEB__TOKENS__NAME.",
        json_schema_extra={"additionalProperties": False, "patternProperties": {}},
    )
    metrics_token: Secret = Field(
        default=None,
        description="The bearer token that opens /metrics, and nothing else. Not in the file: give "
        "CONNECTOR__WEB__METRICS_TOKEN. Without it that door is closed.",
    )
    segment_secret: Secret = Field(
        default=None,
        description="What Segment's webhooks are signed with. Not in the file: give CONNECTOR__WEB__SEGMENT_SECRET.",
    )
    max_body_bytes: Count = Field(default=10_000_000, description="A longer request is refused before it is read.")
    cors_origins: tuple[Origin, ...] = Field(
        default=(),
        description="The web sites (https://www.example.com) whose pages may send from a browser; [] is none.",
    )


class DeliverySettings(Section):
    """How people who are due are brought to Customer.io."""

    people: Count = Field(default=1000, description="How many people one delivery claims at once.")
    timeout_seconds: Seconds = Field(
        default=30.0, description="How long one request to Customer.io and its whole answer may take."
    )
    lease_seconds: Seconds = Field(
        default=30.0,
        description="After this long, people a dead worker claimed are free again. A living one renews its leases.",
    )
    sweep_seconds: Seconds = Field(default=1.0, description="How often to look for due people when no doorbell rang.")
    backoff_seconds: Seconds = Field(default=1.0, description="The first pause after a failure; each next one doubles.")
    backoff_max_seconds: Seconds = Field(default=300.0, description="The longest pause between two tries.")


class WorkerSettings(Section):
    """How a worker of a fleet ends."""

    stop_seconds: Seconds = Field(
        default=20.0,
        description="After SIGTERM, how long a worker may finish what it has begun; the rest goes back to the queue.",
    )


class LogSettings(Section):
    """What the program says while it works."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="info is a line for each batch. debug adds the reason for every skipped message."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto is console in a terminal and json elsewhere."
    )
