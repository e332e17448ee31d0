"""Writes activities and profiles in the form that a target wants: Hull's, or that of the Segment spec."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from connector.activity import identity
from connector.activity.profiles import ActivityProfile
from connector.activity.webhook import Activity, ReportedPerson
from connector.model import origin

Form = Literal["segment", "hull"]
_NAMES = {
    "email_clicked": "Email Link Clicked",
    "email_spammed": "Email Marked as Spam",
    "email_unsubscribed": "Unsubscribed",
    "customer_cio_subscription_preferences_changed": "Subscription Preferences Changed",
}
_TYPES = {"sms": "SMS", "in_app": "In-App", "whatsapp": "WhatsApp"}
_HULLS = {"subject": "email_subject", "delivery_id": "email_id", "recipient": "email_address"}


PROFILE = "profile"
"""What the topic of a profile ends with."""


class OutMessage(NamedTuple):
    """A message for a target. id: tells a repeat; topic: the connection and what happened, as `main.email_opened`."""

    id: str
    topic: str
    body: Mapping[str, Any]


def event_name(activity: Activity) -> str:
    """Returns the name of an activity, as Hull's connector and the Segment spec call it: Email Opened."""
    known = _NAMES.get(activity.event)
    if known is not None:
        return known
    type = _TYPES.get(activity.object_type) or _words(activity.object_type)
    return f"{type} {_words(activity.metric)}"


def _words(name: str) -> str:
    return " ".join(each.capitalize() for each in name.split("_"))


def event(form: Form, connection: str, activity: Activity) -> OutMessage:
    """Returns an activity as an event in the given form, marked with the connection that it came from."""
    properties = {**activity.data, origin.NAME: origin.mark(connection)}
    write = _segment_event if form == "segment" else _hull_event
    body = write(connection, activity, properties)
    return OutMessage(activity.event_id, f"{connection}.{activity.event}", body)


def _segment_event(connection: str, activity: Activity, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "type": "track",
        "messageId": activity.event_id,
        "event": event_name(activity),
        **_segment_person(activity.person),
        "properties": properties,
        "timestamp": _iso(activity.timestamp),
        **_surroundings(connection, activity.person.email),
    }


def _hull_event(connection: str, activity: Activity, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "event": event_name(activity),
        "event_id": activity.event_id,
        "user": _hull_person(activity.person),
        "properties": {_HULLS.get(name, name): value for name, value in properties.items()},
        "created_at": _iso(activity.timestamp),
        "event_source": origin.mark(connection),
    }


def profile(form: Form, found: ActivityProfile, id: str) -> OutMessage:
    """Returns a profile as the traits of its person in the given form. `id`: the message's, which tells a repeat."""
    person = ReportedPerson(*(found.identifiers.get(name, [""])[-1] for name in ("id", "email", "cio_id")))
    traits = {_trait(name): value for name, value in found.fields.items() if name != "email"}
    if form == "segment":
        body: Mapping[str, Any] = {
            "type": "identify",
            "messageId": id,
            **_segment_person(person),
            "traits": {**traits, **({"email": person.email} if person.email else {})},
            "timestamp": _iso(found.updated_at),
            **_surroundings(found.connection, ""),
        }
    else:
        grouped = {f"customerio/{name}": value for name, value in found.fields.items() if name != "email"}
        body = {"user": _hull_person(person), "attributes": grouped, "event_source": origin.mark(found.connection)}
    return OutMessage(id, f"{found.connection}.{PROFILE}", body)


def _trait(name: str) -> str:
    """Returns the name of a trait. Its prefix tells it apart when upstream sends it back to us."""
    return name if name.startswith(origin.TRAITS) else f"customerio_{name}"


def _segment_person(person: ReportedPerson) -> dict[str, str]:
    """Returns the userId or, for a person without an id of upstream's, the strongest known key as anonymousId."""
    return {"userId": person.id} if person.id else {"anonymousId": identity.keys(person)[0]}


def _hull_person(person: ReportedPerson) -> dict[str, str]:
    named = {"external_id": person.id, "email": person.email}
    claims = {name: value for name, value in named.items() if value}
    return claims or {"anonymous_id": identity.keys(person)[0]}


def _surroundings(connection: str, email: str) -> dict[str, Any]:
    context: dict[str, Any] = {origin.NAME: origin.mark(connection)}
    if email:
        context["traits"] = {"email": email}
    return {"context": context, "integrations": {"All": True, "Customer.io": False}}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
