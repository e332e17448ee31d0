"""The fields of a profile: which activities count for each, and what is read of one.

The usual ones are those that Lytics' import of Customer.io's activity has, by the same names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from connector.activity.webhook import Activity, metric_name, type_name
from connector.model import times
from connector.settings.profiles import Aggregate, ProfileFieldSettings, ProfilesSettings, ReadAs

_HASH_DIGITS = 16
_LONGEST_VALUE = 1000


@dataclass(frozen=True, slots=True)
class ProfileField:
    """A field of a profile. An empty set of object types, or of metrics, stands for all of them."""

    source: str
    target: str
    aggregate: Aggregate = "latest"
    object_types: frozenset[str] = frozenset()
    metrics: frozenset[str] = frozenset()
    read_as: ReadAs = ""

    def looks_at(self, object_type: str, metric: str) -> bool:
        """Says whether activities of this object type and metric count for the field."""
        of_type = not self.object_types or object_type in self.object_types
        return of_type and (not self.metrics or metric in self.metrics)

    def counts(self, activity: Activity) -> bool:
        """Says whether the activity is of an object type and a metric that this field looks at."""
        return self.looks_at(activity.object_type, activity.metric)

    @property
    def type(self) -> str:
        """Returns the type of its value: `date` (unix seconds), `text`, `number`, `list` of texts, `counts` by key."""
        if self.aggregate == "set":
            return "list"
        if self.aggregate == "count_by_key":
            return "counts"
        if self.aggregate == "count" or (self.aggregate == "max" and self.source != "timestamp"):
            return "number"
        return "date" if self.source == "timestamp" and not self.read_as else "text"


def _last(channel: str, type: str, *events: tuple[str, str]) -> Iterable[ProfileField]:
    """Yields the fields that hold when something happened last, each with the metric that it looks at."""
    for name, metric in events:
        target = f"cio_{channel}_last_{name}_ts"
        yield ProfileField("timestamp", target, "latest", frozenset({type}), frozenset({metric}))


_BOUNCED, _CLICKED, _OPENED, _SENT = (
    ("bounced", "bounced"),
    ("clicked", "clicked"),
    ("open", "opened"),
    ("send", "sent"),
)
USUAL: tuple[ProfileField, ...] = (
    ProfileField("customer_id", "cio_customer_id"),
    ProfileField("email", "email"),
    *_last("email", "email", _BOUNCED, _CLICKED, _OPENED, _SENT),
    *_last("inapp", "in_app", _BOUNCED, _CLICKED, _OPENED, _SENT),
    *_last("push", "push", _BOUNCED, _CLICKED, _OPENED, _SENT),
    *_last("slack", "slack", ("bounced", "failed"), _CLICKED, _SENT),
    *_last("sms", "sms", _BOUNCED, _CLICKED, _SENT),
    ProfileField("timestamp", "last_active_ts", "max", metrics=frozenset({"opened", "clicked"})),
    ProfileField("campaign_id", "cio_campaign_ids", "set"),
    ProfileField("campaign_name", "cio_campaign_names", "set"),
    ProfileField("journey_id", "cio_journey_ids", "set"),
    ProfileField("object_type", "cio_channels", "set"),
    ProfileField("subject", "cio_subjects", "set"),
    ProfileField("event", "cio_events", "count_by_key"),
    ProfileField("href", "hashedurls", "count_by_key", read_as="hashed_url"),
    ProfileField(
        "timestamp",
        "cio_email_hourlyopens",
        "count_by_key",
        frozenset({"email"}),
        frozenset({"opened"}),
        "hour_of_day",
    ),
)
"""The fields that every profile has, as far as something was reported for them."""


def of(settings: ProfilesSettings) -> tuple[ProfileField, ...]:
    """Returns the fields of the settings: the usual ones, and those beside them or in their place."""
    given = [_of(each) for each in settings.fields]
    taken = {each.target for each in given}
    usual = USUAL if settings.default_fields else ()
    return (*(each for each in usual if each.target not in taken), *given)


def _of(given: ProfileFieldSettings) -> ProfileField:
    types, metrics = frozenset(map(type_name, given.object_types)), frozenset(map(metric_name, given.metrics))
    return ProfileField(given.source, given.target, given.aggregate, types, metrics, given.read_as)


def value(field: ProfileField, activity: Activity) -> Any:
    """Returns what a field reads of an activity; None where the activity has no such value, or one of no use."""
    found = _said(field.source, activity)
    match field.read_as:
        case "hashed_url":
            return _hashed_url(found)
        case "hour_of_day":
            return _hour(found)
    return found if _is_one(found) else None


def text(found: Any) -> str:
    """Returns a value as the text that stands for it in a set or as a key, cut after 1,000 characters."""
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found)[:_LONGEST_VALUE]


def _said(source: str, activity: Activity) -> Any:
    match source:
        case "timestamp" | "event" | "object_type" | "metric":
            return getattr(activity, source)
        case "customer_id":
            return activity.person.id or None
        case "email":
            return activity.address or None
    return _found(source.split("."), activity)


def _found(path: list[str], activity: Activity) -> Any:
    found: Any = activity.data
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _is_one(found: Any) -> bool:
    """Says whether this is a single value: a boolean, a number (0 too), or a text that is not blank."""
    return isinstance(found, bool | int | float) or (isinstance(found, str) and bool(found.strip()))


def _hashed_url(found: Any) -> str | None:
    """Returns a digest of a URL's host and path. The query is left out: it may identify the person who clicked."""
    if not isinstance(found, str):
        return None
    try:
        parts = urlsplit(found.strip())
    except ValueError:
        return None
    main = f"{(parts.hostname or '').lower()}{parts.path.rstrip('/')}"
    return sha256(main.encode()).hexdigest()[:_HASH_DIGITS] if main else None


def _hour(found: Any) -> str | None:
    at = times.seconds(found)
    return None if at is None else str(datetime.fromtimestamp(at, UTC).hour)
