"""Reads a reporting webhook: the current shape and the one from before 2020 become one `Activity`.

Whatever the documents differ in is taken in both ways (docs/customerio.md#webhooks). A type or a metric that is not
documented is read as well: Customer.io adds some.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

from connector.model import bounds, times

_MESSAGE = ("drafted", "attempted", "sent", "clicked", "converted", "failed", "undeliverable")
_DELIVERED = ("delivered", "bounced")
PREFERENCES_CHANGED = "cio_subscription_preferences_changed"
METRICS: Mapping[str, frozenset[str]] = {
    "customer": frozenset({"subscribed", "unsubscribed", PREFERENCES_CHANGED}),
    "email": frozenset(
        {*_MESSAGE, *_DELIVERED, "opened", "subscribed", "unsubscribed", "dropped", "spammed", "deferred"}
    ),
    "push": frozenset({*_MESSAGE, *_DELIVERED, "opened", "dropped"}),
    "sms": frozenset({*_MESSAGE, *_DELIVERED, "replied"}),
    "whatsapp": frozenset({*_MESSAGE, *_DELIVERED, "opened", "dropped", "replied"}),
    "in_app": frozenset({*_MESSAGE, "opened"}),
    "slack": frozenset(_MESSAGE),
    "webhook": frozenset(_MESSAGE),
}
"""What Customer.io reports, by object type."""

_OTHER_METRICS = {
    "customer_subscription_preferences_changed": PREFERENCES_CHANGED,
    "subscription_preferences_changed": PREFERENCES_CHANGED,
}
_OTHER_TYPES = {"in-app": "in_app", "inapp": "in_app", "whatasapp": "whatsapp"}
_BY_MACHINES = ("machine", "proxied", "prefetched")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_ADDRESS = re.compile(r"[^\s<>,;:\"'()][^\s<>,;:\"()]*@[^\s<>,;:\"'()]+")
_BRACKETED = re.compile(r"<([^<>]*@[^<>]*)>")
_LONGEST_ID = 100
_LONGEST_IDENTIFIER = 1000
"""In bytes of UTF-8: PostgreSQL's indexes hold 2704 bytes, and one of ours has two identifiers in it."""
_OLD_TYPES = sorted(METRICS, key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class ReportedPerson:
    """The person of an activity, as Customer.io identifies them; "" for what it leaves out. email: in lower case."""

    id: str = ""
    email: str = ""
    cio_id: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened to one person, or what they did.

    event_id: the webhook's own, by which a repeat is known. timestamp: unix seconds. address: the e-mail address that
    the webhook speaks of, which need not be the person's own. data: as it came, without what no store can keep;
    left_out: that, each as a sentence.
    """

    event_id: str
    object_type: str
    metric: str
    timestamp: int
    person: ReportedPerson
    address: str
    data: Mapping[str, Any]
    left_out: tuple[str, ...] = ()

    @property
    def event(self) -> str:
        """Returns the object type and the metric as one word, such as `email_opened`."""
        return f"{self.object_type}_{self.metric}"

    @property
    def by_machine(self) -> bool:
        """Says whether a machine may have opened or clicked: a scanner, a proxy, a mail program that prefetches."""
        return self.metric in ("opened", "clicked") and any(self.data.get(name) is True for name in _BY_MACHINES)


@dataclass(frozen=True, slots=True)
class Unusable:
    """The reason why a webhook is not an activity: a sentence that contains no personal value."""

    reason: str


def parse(body: object, latest: float = float("inf")) -> Activity | Unusable:
    """Reads a decoded webhook. Returns Unusable, with the reason, where it is not an activity.

    `latest`: the latest timestamp that is accepted, in unix seconds.
    """
    if not isinstance(body, dict):
        return Unusable("a webhook is an object, and this is none")
    data = body.get("data")
    if not isinstance(data, dict):
        return Unusable("it has no `data`, which says what happened")
    kind = _kind(body)
    if kind is None:
        return Unusable("it has neither `object_type` and `metric` nor `event_type`, or they are no names")
    timestamp = _seconds(body.get("timestamp"))
    if timestamp is None or timestamp > latest:
        return Unusable("it has no `timestamp` in unix seconds" if timestamp is None else "its `timestamp` is to come")
    data, faults = bounds.fitting(data)
    person = _person(data)
    if person == ReportedPerson():
        return Unusable("it names nobody: neither customer_id nor identifiers nor an e-mail address")
    left_out = tuple(f"`{bounds.whole_characters(name)}` {why}: it is left out" for name, why in faults.items())
    return Activity(event_id(body), *kind, timestamp, person, _address(data), data, left_out)


def event_id(body: Mapping[str, Any]) -> str:
    """Returns the webhook's own id or, where it has none, a digest of its content."""
    given = body.get("event_id")
    if isinstance(given, str) and 0 < len(given) <= _LONGEST_ID and bounds.storable(given):
        return given
    return sha256(bounds.readable(body).encode()).hexdigest()


def _kind(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """Returns the object type and the metric, spelled as Customer.io documents them."""
    if isinstance(old := body.get("event_type"), str):
        given: tuple[Any, Any] = _old_kind(old.strip().lower())
    else:
        given = body.get("object_type") or body.get("object_type_type"), body.get("metric")
    if not all(isinstance(each, str) for each in given):
        return None
    kind = type_name(given[0]), metric_name(given[1])
    return kind if all(map(_NAME.fullmatch, kind)) else None


def type_name(given: str) -> str:
    """Returns a type of objects as it is kept, whichever way it is spelled: `in_app` for `in-app`."""
    name = given.strip().lower()
    return _OTHER_TYPES.get(name, name)


def metric_name(given: str) -> str:
    """Returns a metric as it is kept, whichever way it is spelled."""
    name = given.strip().lower()
    return _OTHER_METRICS.get(name, name)


def _old_kind(event_type: str) -> tuple[str, str]:
    """Splits `email_opened` into its type and metric. A type may have two words, and a metric several."""
    known = next((each for each in _OLD_TYPES if event_type.startswith(f"{each}_")), event_type.partition("_")[0])
    return known, event_type[len(known) + 1 :]


def _seconds(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    return times.seconds(value)


def _person(data: Mapping[str, Any]) -> ReportedPerson:
    """Returns the person. The recipient's address identifies them only where the webhook has no other identifier."""
    given = data.get("identifiers")
    named: Mapping[str, Any] = given if isinstance(given, dict) else {}
    id = _text(named.get("id")) or _text(data.get("customer_id"))
    email = _mail(named.get("email"))
    cio_id = _text(named.get("cio_id"))
    if not (id or email or cio_id):
        email = _address(data)
    return ReportedPerson(id, email, cio_id)


def _address(data: Mapping[str, Any]) -> str:
    """Returns the first e-mail address among the identifiers, `email_address` and `recipient`; "" if there is none."""
    given = data.get("identifiers")
    own = given.get("email") if isinstance(given, dict) else None
    found = (_mail(each) for each in (own, data.get("email_address"), data.get("recipient")))
    return next(filter(None, found), "")


def _mail(value: Any) -> str:
    """Returns the address in a text such as `Ada <ada@example.com>`, in lower case; "" where there is none.

    The last address in angle brackets counts first, since the name before it may hold an address too.
    """
    if not isinstance(value, str) or not bounds.storable(value):
        return ""
    text = value[:_LONGEST_IDENTIFIER]
    bracketed = _BRACKETED.findall(text)
    found = _ADDRESS.search(bracketed[-1] if bracketed else text)
    return _bounded(found[0].lower()) if found else ""


def _text(value: Any) -> str:
    """Returns an identifier as text; "" if the value is not an identifier."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()
    return _bounded(text) if bounds.storable(text) else ""


def _bounded(identifier: str) -> str:
    """Returns the identifier; "" if it is longer than Customer.io allows, which no index of the store could hold."""
    return identifier if len(identifier.encode()) <= _LONGEST_IDENTIFIER else ""


def as_text(activity: Activity) -> str:
    """Returns the activity as JSON in the current shape of webhooks: the text that is stored."""
    kind = {"event_id": activity.event_id, "object_type": activity.object_type, "metric": activity.metric}
    return to_json({**kind, "timestamp": activity.timestamp, "data": activity.data}).decode()
