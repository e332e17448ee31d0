"""The tables of settings.toml that say how the programs run: one of each."""

from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator

from connector.settings.schema import validators as settings_rules
from connector.settings.mistakes import refuse
from connector.settings.validators import (
    Addressed,
    BrokerUrl,
    Count,
    Days,
    Seconds,
    Secret,
    Section,
    StoreUrl,
    Text,
)


class Store(Addressed):
    """Where the connector keeps what Customer.io should hold, and holds."""

    url: StoreUrl = Field(
        default="sqlite:///connector.db",
        description="The database. sqlite:///FILE is enough for one machine; postgresql+psycopg://... serves a fleet.",
    )


class Broker(Addressed):
    """What carries upstream's messages and the workers' doorbells."""

    url: BrokerUrl = Field(
        default="memory://",
        description="memory:// runs everything in one process; amqp:// or amqps:// (RabbitMQ) serves a fleet.",
    )


class Intake(Section):
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
    batch_messages: Count = Field(default=500, description="A batch is handed on when it holds this many messages.")
    batch_bytes: Count = Field(default=256_000, description="A batch is handed on when it holds this many bytes.")
    batch_seconds: Seconds = Field(
        default=0.05,
        description="A batch is handed on when its first message has waited this long, however small it is.",
    )
    max_message_bytes: Count = Field(
        default=5_000_000,
        description="A longer message is kept as a problem and not read, so that one cannot fill the memory.",
    )


class Web(Section):
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
    segment_secret: Secret = Field(
        default=None,
        description="What Segment's webhooks are signed with. Not in the file: give CONNECTOR__WEB__SEGMENT_SECRET.",
    )
    max_body_bytes: Count = Field(default=10_000_000, description="A longer request is refused before it is read.")


class Delivery(Section):
    """How people who are due are brought to Customer.io."""

    people: Count = Field(default=1000, description="How many people one delivery claims at once.")
    timeout_seconds: Seconds = Field(default=30.0, description="How long to wait for one answer of Customer.io.")
    lease_seconds: Seconds = Field(
        default=300.0,
        validate_default=True,
        description="After this long, people a dead worker claimed are free again. At least 4 times timeout_seconds.",
    )
    sweep_seconds: Seconds = Field(default=1.0, description="How often to look for due people when no doorbell rang.")
    backoff_seconds: Seconds = Field(default=1.0, description="The first pause after a failure; each next one doubles.")
    backoff_max_seconds: Seconds = Field(default=300.0, description="The longest pause between two tries.")

    @field_validator("lease_seconds")
    @classmethod
    def _outlasts_a_request(cls, lease: float, info: ValidationInfo) -> float:
        refuse(settings_rules.lease(lease, info.data.get("timeout_seconds", 0.0)))
        return lease


class Worker(Section):
    """How a worker of a fleet ends."""

    stop_seconds: Seconds = Field(
        default=20.0,
        description="After SIGTERM, how long a worker may finish what it has begun; the rest goes back to the queue.",
    )


class Retention(Section):
    """How long is kept what is not needed any more to keep Customer.io right."""

    events_days: Days = Field(
        default=90.0, description="A sent event's id, by which a repeat is known. A later repeat is sent again."
    )
    calls_days: Days = Field(default=7.0, description="The log of requests to Customer.io.")
    call_bodies: Literal["failed", "all", "none"] = Field(
        default="failed", description="Which requests are logged with their bodies: those that failed, all, or none."
    )
    problems_days: Days = Field(default=90.0, description="A problem that did not come again.")


class Log(Section):
    """What the program says while it works."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="info is a line for each batch. debug adds the reason for every skipped message."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto is console in a terminal and json elsewhere."
    )
