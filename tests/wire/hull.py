"""Hull: what its page says of each switch, with notifications as its platform sends them."""

from typing import Any

from tests.wire.case import Case, Happened, Held, Json, delete, happens, identify, unix, visits

_ROW = "Hull: "
_FILTER = _ROW + "user filter: synchronised segments"
_IDENTIFIER = _ROW + "the main identifier"
_ATTRIBUTES = _ROW + "attributes to send, with another name"
_SEGMENTS = _ROW + "`hull_segment`, the segments in lower case"
_EVENTS = _ROW + "events filter"
_DELETION = _ROW + "enable user deletion"
_ANONYMOUS = _ROW + "events of users without e-mail"
_NOTIFICATIONS = _ROW + "`user:update` notifications, with flow control"

_PAYING = {"id": "segment-1", "name": "Paying Customers", "type": "users_segment"}
_TRIAL = {"id": "segment-2", "name": "Active Trial", "type": "users_segment"}
_STAFF = {"id": "segment-3", "name": "Staff", "type": "users_segment"}
_WHO = {"id": "1001"}
_EMAIL = "user-1@example.com"
_AT = unix("2026-01-31T10:00:00Z")

# What Hull did without being asked: the main identifier is external_id, hull_segment is sent, no event is.
_AS_IN_HULL: Json = {
    "segments": ["segment-1"],
    "identifier": "external_id",
    "attributes": ["email"],
    "segment_attribute": "hull_segment",
    "events": [],
    "on_exit": "keep",
}


def _message(second: int, *segments: Json, events: list[Json] | None = None, **user: Any) -> Json:
    """One message of a notification: everything that is known of a user now."""
    known = {"id": "user-1", "external_id": "1001", "email": _EMAIL, "indexed_at": f"2026-01-31T10:00:{second:02}Z"}
    return {
        "message_id": f"message-{second}",
        "user": {name: value for name, value in {**known, **user}.items() if value is not ...},
        "account": {},
        "segments": list(segments),
        "events": events or [],
        "changes": {"is_new": False},
    }


def _event(name: str, **rest: Any) -> Json:
    given = {"event": name, "event_id": f"event-{name}", "created_at": "2026-01-31 10:00:00 UTC", "properties": {}}
    return {**given, "context": {}, **rest}


def _held(segments: list[str], **attributes: Any) -> Json:
    return {"hull_segment": segments, **attributes}


_SIGNED_UP = Happened("Signed up", _AT, {"plan": "trial"})
_VIEWED = Happened("https://www.example.com/pricing", _AT + 1, {"referrer": "https://search.example.com/"}, "page")
_DID = [
    _event("Signed up", properties={"plan": "trial"}),
    _event(
        "page",
        created_at="2026-01-31 10:00:01 UTC",
        context={
            "page": {"url": "https://www.example.com/pricing"},
            "referrer": {"url": "https://search.example.com/"},
        },
    ),
    _event("Email opened"),
]

CASES = [
    Case(
        name="who is in a chosen segment comes, with hull_segment in lower case; no event is sent by itself",
        rows=[_ROW + "site id, API key", _FILTER, _IDENTIFIER, _SEGMENTS, _NOTIFICATIONS],
        form="hull",
        sync=_AS_IN_HULL,
        messages=[_message(1, _PAYING, _STAFF, events=_DID)],
        sends=[identify(_WHO, {"email": _EMAIL, "hull_segment": ["paying customers", "staff"]})],
        holds=[Held({**_WHO, "email": _EMAIL}, _held(["paying customers", "staff"]))],
    ),
    Case(
        name="who is in none of the chosen segments does not come",
        rows=[_FILTER],
        form="hull",
        sync={**_AS_IN_HULL, "events": ["*"]},
        messages=[_message(1, _TRIAL, _STAFF, events=_DID), _message(2)],
        sends=[],
    ),
    Case(
        name="segments are chosen by name too",
        rows=[_FILTER],
        form="hull",
        sync={**_AS_IN_HULL, "segments": ["Paying Customers", "Active Trial"], "segment_attribute": ""},
        messages=[
            _message(1, _TRIAL),
            _message(2, _PAYING, id="user-2", external_id="1002", email="user-2@example.com"),
        ],
        sends=[identify(_WHO, {"email": _EMAIL}), identify({"id": "1002"}, {"email": "user-2@example.com"})],
        holds=[Held({**_WHO, "email": _EMAIL}), Held({"id": "1002", "email": "user-2@example.com"})],
    ),
    Case(
        name="the e-mail as main identifier",
        rows=[_IDENTIFIER],
        form="hull",
        sync={**_AS_IN_HULL, "identifier": "email", "identify_by": "email", "attributes": ["plan"]},
        messages=[_message(1, _PAYING, external_id=..., plan="pro")],
        sends=[identify({"email": _EMAIL}, {"plan": "pro", "hull_segment": ["paying customers"]})],
        holds=[Held({"email": _EMAIL}, _held(["paying customers"], plan="pro"))],
    ),
    Case(
        name="any attribute as main identifier, and who has none does not come",
        rows=[_IDENTIFIER],
        form="hull",
        sync={**_AS_IN_HULL, "identifier": "crm/contact_id", "attributes": [], "segment_attribute": ""},
        messages=[
            _message(1, _PAYING, **{"traits_crm/contact_id": "c-7"}),
            _message(2, _PAYING, id="user-2", external_id="1002", email="user-2@example.com"),
        ],
        sends=[identify({"id": "c-7"})],
        holds=[Held({"id": "c-7"})],
    ),
    Case(
        name="the chosen attributes in every form that Hull gives them, groups and new names",
        rows=[_ATTRIBUTES],
        form="hull",
        sync={
            **_AS_IN_HULL,
            "segment_attribute": "",
            "attributes": [
                "plan",
                "traits_city",
                "clearbit/employees",
                {"from": "traits_salesforce/owner", "to": "owner"},
                "created_at",
                "account.domain",
            ],
        },
        messages=[
            {
                **_message(
                    1,
                    _PAYING,
                    plan="pro",
                    traits_city="Bergen",
                    salesforce={"owner": "owner-7"},
                    secret="not chosen",
                    created_at="2026-01-01T00:00:00Z",
                    **{"traits_clearbit/employees": 12},
                ),
                "account": {"domain": "example.com", "name": "not chosen"},
            }
        ],
        sends=[
            identify(
                _WHO,
                {
                    "plan": "pro",
                    "city": "Bergen",
                    "clearbit-employees": 12,
                    "owner": "owner-7",
                    "created_at": unix("2026-01-01T00:00:00Z"),
                    "account_domain": "example.com",
                },
            )
        ],
        holds=[
            Held(
                _WHO,
                {
                    "plan": "pro",
                    "city": "Bergen",
                    "clearbit-employees": 12,
                    "owner": "owner-7",
                    "created_at": unix("2026-01-01T00:00:00Z"),
                    "account_domain": "example.com",
                },
            )
        ],
    ),
    Case(
        name="hull_segment follows the segments",
        rows=[_SEGMENTS],
        form="hull",
        sync={**_AS_IN_HULL, "attributes": []},
        messages=[_message(1, _PAYING, _TRIAL), _message(2, _PAYING)],
        sends=[
            identify(_WHO, {"hull_segment": ["active trial", "paying customers"]}),
            identify(_WHO, {"hull_segment": ["paying customers"]}),
        ],
        at_once=[identify(_WHO, {"hull_segment": ["paying customers"]})],
        holds=[Held(_WHO, {"hull_segment": ["paying customers"]})],
    ),
    Case(
        name="the chosen events are sent, a page by its URL; the others are not",
        rows=[_EVENTS],
        form="hull",
        sync={**_AS_IN_HULL, "attributes": [], "segment_attribute": "", "events": ["Signed up", "page"]},
        messages=[_message(1, _PAYING, events=_DID)],
        sends=[identify(_WHO), happens(_WHO, _SIGNED_UP), happens(_WHO, _VIEWED)],
        holds=[Held(_WHO, events=[_SIGNED_UP, _VIEWED])],
    ),
    Case(
        name="with user deletion, who leaves the segments is deleted, and who comes back is there again",
        rows=[_DELETION],
        form="hull",
        sync={**_AS_IN_HULL, "segment_attribute": "", "on_exit": "delete"},
        messages=[_message(1, _PAYING), _message(2, _STAFF), _message(3, _PAYING)],
        sends=[identify(_WHO, {"email": _EMAIL}), delete(_WHO), identify(_WHO, {"email": _EMAIL})],
        at_once=[identify(_WHO, {"email": _EMAIL})],
        holds=[Held({**_WHO, "email": _EMAIL})],
    ),
    Case(
        name="without user deletion, who leaves the segments stays as they were",
        rows=[_DELETION],
        form="hull",
        sync=_AS_IN_HULL,
        messages=[_message(1, _PAYING), _message(2, _STAFF, email="new@example.com")],
        sends=[identify(_WHO, {"email": _EMAIL, "hull_segment": ["paying customers"]})],
        holds=[Held({**_WHO, "email": _EMAIL}, _held(["paying customers"]))],
    ),
    Case(
        name="events of users without an e-mail are sent as a visitor's, where that is switched on",
        rows=[_ANONYMOUS],
        form="hull",
        sync={**_AS_IN_HULL, "events": ["Signed up"], "anonymous_events": True, "require_email": True},
        messages=[_message(1, _PAYING, email=..., events=[{**_DID[0], "anonymous_id": "visitor-1"}])],
        sends=[visits("visitor-1", _SIGNED_UP)],
        anonymous=[("visitor-1", "Signed up")],
    ),
    Case(
        name="events of users without an e-mail are not sent, where that is switched off",
        rows=[_ANONYMOUS],
        form="hull",
        sync={**_AS_IN_HULL, "events": ["Signed up"], "require_email": True},
        messages=[_message(1, _PAYING, email=..., events=[{**_DID[0], "anonymous_id": "visitor-1"}])],
        sends=[],
    ),
    Case(
        name="a visitor's events join the person once they are known",
        rows=[_ANONYMOUS],
        form="hull",
        sync={
            **_AS_IN_HULL,
            "attributes": [],
            "segment_attribute": "",
            "events": ["Signed up"],
            "anonymous_events": True,
        },
        messages=[
            _message(1, _PAYING, external_id=..., events=[{**_DID[0], "anonymous_id": "visitor-1"}]),
            _message(2, _PAYING),
        ],
        sends=[
            visits("visitor-1", _SIGNED_UP),
            identify(_WHO, {"anonymous_id": "visitor-1"}),
        ],
        # Known by the time it is sent, they did it themselves.
        at_once=[identify(_WHO, {"anonymous_id": "visitor-1"}), happens(_WHO, _SIGNED_UP)],
        holds=[Held(_WHO, {"anonymous_id": "visitor-1"}, [_SIGNED_UP])],
    ),
]
