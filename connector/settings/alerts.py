"""[alerts]: what somebody is told of, when, and by which channel."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, Strict, field_validator
from pydantic.json_schema import SkipJsonSchema

from connector import standard_webhooks
from connector.model.alert import AlertKind, Severity
from connector.settings.freshness import SecondsOrNone
from connector.settings.mistakes import refuse, shown
from connector.settings.validators import Count, Seconds, Secret, Section, TableName, Text

_TICKETS: frozenset[AlertKind] = frozenset(
    {"problems", "nothing from upstream", "segment off its mean", "count off its mean", "source late", "drift found",
     "webhooks silent", "dead letters", "out failing", "out refused", "export failing"}
)  # fmt: skip
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")

Share = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]


def quiet_minutes(hours: str) -> tuple[int, int] | None:
    """Returns the minutes of the day at which "22:00-07:00" begins and ends; None for "" or anything else."""
    found = _HOURS.fullmatch(hours)
    if found is None:
        return None
    hour, minute, end_hour, end_minute = map(int, found.groups())
    return hour * 60 + minute, end_hour * 60 + end_minute


def _hours(given: str) -> str:
    minutes = quiet_minutes(given)
    if given and (minutes is None or minutes[0] == minutes[1]):
        refuse([f'{shown(given)} is not accepted; give a time as "22:00-07:00", in UTC'])
    return given


class Channel(Section):
    """A channel that alerts are sent by: a URL that apprise knows, or a web address that signed webhooks go to."""

    name: SkipJsonSchema[str] = Field(default="", description="The key of its table; not settable.")
    label: Text = Field(default="", description="What people read in place of the name.")
    url: Secret = Field(
        default=None,
        description="Where to: slack://..., pagerduty://..., mailto://... as apprise has them, with the extra "
        "`alerts`. Not in the file: give CONNECTOR__ALERTS__CHANNELS__NAME__URL.",
    )
    webhook_url: Secret = Field(
        default=None,
        description="Or a web address of your own, which gets signed webhooks. Not in the file: give "
        "CONNECTOR__ALERTS__CHANNELS__NAME__WEBHOOK_URL.",
    )
    webhook_secret: Secret = Field(
        default=None,
        description="What webhooks are signed with: whsec_ and 24 to 64 bytes in base64. Not in the file: give "
        "CONNECTOR__ALERTS__CHANNELS__NAME__WEBHOOK_SECRET.",
    )
    severities: tuple[Severity, ...] = Field(
        default=("page", "ticket"), min_length=1, description="Of which alerts it tells."
    )
    quiet_hours: Annotated[Text, AfterValidator(_hours)] = Field(
        default="", description='When only pages are told, as "22:00-07:00" in UTC; the rest is told at the end.'
    )


class AlertsSettings(Section):
    """Which alerts are sent, and to whom: docs/alerts.md."""

    paused_seconds: Seconds = Field(
        default=300.0, description="So long Customer.io may fail before the pause of its connection is an alert."
    )
    backlog_seconds: SecondsOrNone = Field(
        default=900.0, description="So long a change may wait, bulk loads aside. 0: as long as it takes."
    )
    problems_an_hour: Annotated[int, Strict()] = Field(
        default=100, ge=0, description="So many problems of a sync may come within an hour. 0: any number."
    )
    nothing_from_upstream_seconds: SecondsOrNone = Field(
        default=0.0, description="So long upstream may say nothing. 0: as long as it likes."
    )
    source_late_seconds: SecondsOrNone = Field(
        default=3600.0, description="So long a source may be behind its schedule, or fail. 0: as long as it takes."
    )
    target_failing_seconds: SecondsOrNone = Field(
        default=3600.0,
        description="So long a target of [out] or of [export] may not take what it is given, and an export be due that "
        "nobody runs. 0: as long as it likes.",
    )
    webhooks_silent_seconds: SecondsOrNone = Field(
        default=0.0,
        description="So long Customer.io may report nothing of a workspace with webhook_keys. 0: as long as it likes.",
    )
    count_off_mean: Share = Field(
        default=0.0,
        description="By which share the changes of a sync within an hour may differ from the mean of that hour on the "
        "days before: 0.5 is half as many, or half as many again. 0: by any.",
    )
    segment_off_mean: Share = Field(
        default=0.0,
        description="By which share the size of a sync's segments may differ from the mean of the week. They are "
        "counted once an hour by a look through all users. 0: by any, and none is counted.",
    )
    off: tuple[AlertKind, ...] = Field(default=(), description="Kinds that nobody is to be told of.")
    severities: dict[AlertKind, Severity] = Field(
        default={}, description='How urgent a kind is, where not as usual: { "dead letters" = "page" }.'
    )
    repeat: Literal["first", "every"] = Field(
        default="first",
        description="first: told when it begins and when it is over. every: also each `repeat_seconds` in between, "
        "until it is acknowledged.",
    )
    repeat_seconds: Seconds = Field(default=14_400.0, description="How long between two tellings of the same.")
    recover_seconds: SecondsOrNone = Field(
        default=120.0, description="So long all must be well before an alert is over, so that none comes and goes."
    )
    message_alerts: Count = Field(default=20, le=100, description="So many alerts one message lists; it counts more.")
    heartbeat_url: Secret = Field(
        default=None,
        description="Is asked for (GET) once a minute while the fleet works: a dead man's switch. Not in the file: "
        "give CONNECTOR__ALERTS__HEARTBEAT_URL.",
    )
    channels: dict[TableName, Channel] = Field(
        default={},
        description="The channels, each under a name you choose.",
        json_schema_extra={"additionalProperties": False},
    )

    @field_validator("channels")
    @classmethod
    def _each_by_one_way(cls, channels: dict[str, Channel]) -> dict[str, Channel]:
        refuse([line for name, each in channels.items() for line in _ways(name, each)])
        return {name: each.model_copy(update={"name": name}) for name, each in channels.items()}

    def severity(self, kind: AlertKind) -> Severity:
        """Returns the severity of an alert of this kind."""
        return self.severities.get(kind, "ticket" if kind in _TICKETS else "page")


def _ways(name: str, channel: Channel) -> list[str]:
    """Returns what is wrong with the addresses of a channel, without repeating the addresses, which are secret."""
    if channel.url is not None and channel.webhook_url is not None:
        return [f"{name} has both url and webhook_url; give one of them"]
    if channel.webhook_url is None:
        return []
    found = [] if _is_web(channel.webhook_url) else [f"{name}: webhook_url is not accepted; give https://HOST/PATH"]
    secret = channel.webhook_secret
    if secret is None:
        return [*found, f"{name}: webhook_secret is missing; give whsec_ and a key in base64"]
    try:
        standard_webhooks.key_of(secret.get_secret_value())
    except ValueError as error:
        found.append(f"{name}: webhook_secret {error}")
    return found


def _is_web(url: SecretStr) -> bool:
    return url.get_secret_value().startswith(("http://", "https://"))
