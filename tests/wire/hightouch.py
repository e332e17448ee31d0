"""Hightouch: rows of a warehouse, as CSV or in the native form that a job writes."""

from typing import Any

from tests.wire.case import Case, Happened, Held, Json, delete, happens, identify, invite, unix, visits

_ROW = "Hightouch: "
_MODE = _ROW + "customers: upsert, update only, or create only"
_MATCH = _ROW + "matched by external id, cio_id or e-mail"
_MAPPING = _ROW + "field mapping with names"
_TRANSFORMS = _ROW + "transforms of fields, and of events' properties"
_LEAVING = _ROW + "rows that leave: nothing, clear, delete"
_TABLES = _ROW + "rows as a source"
_EVENTS = _ROW + "events: track, page, screen; an id against doubles; times of any kind"
_VISITORS = _ROW + "events of a visitor"
_REGIONS = _ROW + "both regions"

_EMAIL = "user-1@example.com"
_WHO = {"id": "1001"}
_FIRST_CIO_ID = "a3000001"
_CIO: Json = {"identifier": "cio_id", "identify_by": "cio_id"}
_MODEL: Json = {
    "segments": ["Paying"],
    "identifier": "external_id",
    "attributes": ["email", "plan", {"from": "city_name", "to": "city"}],
}
_PRO = {"email": _EMAIL, "plan": "pro", "city": "Bergen"}
_PERSON = Held({**_WHO, "email": _EMAIL}, {"plan": "pro", "city": "Bergen"})
_CLEARED = {"city": None, "email": None, "plan": None}


def _row(number: int = 1001, plan: str = "pro", **rest: Any) -> Json:
    return {"external_id": str(number), "email": _EMAIL, "plan": plan, "city_name": "Bergen", **rest}


def _said(*events: Json, version: int | None = None, segments: Any = ("Paying",), **user: Any) -> Json:
    """A row as a message of ours: everything there is to know of a user."""
    known = {"id": "user-1", "external_id": "1001", **user}
    said = {"user": {name: value for name, value in known.items() if value is not ...}, "segments": list(segments)}
    return {**said, "whole": True, "version": version, "events": list(events)}


def _full(version: int, **rest: Any) -> Json:
    return _said(version=version, email=_EMAIL, plan="pro", city_name="Bergen", **rest)


def _leaving(name: str, mode: str, on_exit: str, sends: list[Json], holds: list[Held], **rest: Any) -> Case:
    return Case(
        name=name,
        rows=[_LEAVING, _MODE],
        form="native",
        sync={**_MODEL, "mode": mode, "on_exit": on_exit},
        messages=[_full(1), _full(2, segments=())],
        sends=sends,
        holds=holds,
        **rest,
    )


_THERE = identify(_WHO, {"tier": "gold"})
_UPDATE = identify(_WHO, {**_PRO, "_update": True})
_AFTER_UPDATE = Held({**_WHO, "email": _EMAIL}, {"plan": "pro", "city": "Bergen", "tier": "gold"})

CUSTOMERS = [
    Case(
        name="upsert: a row makes a person, a changed row updates them, columns have other names there",
        rows=[_MODE, _MATCH, _MAPPING, _REGIONS],
        form="native",
        sync=_MODEL,
        messages=[_said(version=1, email=_EMAIL, plan="trial", city_name="Oslo"), _full(2)],
        sends=[identify(_WHO, {"email": _EMAIL, "plan": "trial", "city": "Oslo"}), identify(_WHO, _PRO)],
        at_once=[identify(_WHO, _PRO)],
        holds=[_PERSON],
    ),
    Case(
        name="update: who is there is updated",
        rows=[_MODE],
        form="native",
        sync={**_MODEL, "mode": "update", "on_exit": "keep"},
        there=[_THERE],
        messages=[_full(1)],
        sends=[_UPDATE],
        holds=[_AFTER_UPDATE],
    ),
    Case(
        name="update: who is not there is not made",
        rows=[_MODE],
        form="native",
        sync={**_MODEL, "mode": "update", "on_exit": "keep"},
        messages=[_full(1)],
        sends=[_UPDATE],
    ),
    Case(
        name="matched by cio_id",
        rows=[_MATCH],
        form="native",
        sync={**_MODEL, **_CIO, "attributes": ["plan"]},
        there=[_THERE],
        messages=[_said(version=1, external_id=..., cio_id=_FIRST_CIO_ID, plan="pro")],
        sends=[identify({"cio_id": _FIRST_CIO_ID}, {"plan": "pro"})],
        holds=[Held(_WHO, {"tier": "gold", "plan": "pro"})],
    ),
    Case(
        name="matched by e-mail",
        rows=[_MATCH],
        form="native",
        sync={**_MODEL, "identifier": "email", "identify_by": "email", "attributes": ["plan"]},
        there=[identify({"email": _EMAIL}, {"tier": "gold"})],
        messages=[_said(version=1, external_id=..., email=_EMAIL, plan="pro")],
        sends=[identify({"email": _EMAIL}, {"plan": "pro"})],
        holds=[Held({"email": _EMAIL}, {"tier": "gold", "plan": "pro"})],
    ),
    Case(
        name="an attribute that Customer.io does not have yet, as deep as it is",
        rows=[_MAPPING],
        form="native",
        sync={**_MODEL, "attributes": ["address", "timezone"]},
        messages=[_said(version=1, address={"city": "Bergen", "lines": ["1 Example Street"]}, timezone="Europe/Oslo")],
        sends=[
            identify(_WHO, {"address": {"city": "Bergen", "lines": ["1 Example Street"]}, "timezone": "Europe/Oslo"})
        ],
        holds=[Held(_WHO, {"address": {"city": "Bergen", "lines": ["1 Example Street"]}, "timezone": "Europe/Oslo"})],
    ),
    Case(
        name="fields go through steps",
        rows=[_TRANSFORMS],
        form="native",
        sync={
            **_MODEL,
            "attributes": [
                {"from": "plan", "transform": ["trim", "lower", {"default": "free"}]},
                {"from": "code", "transform": ["upper"]},
                {"from": "seats", "transform": ["number"]},
                {"from": "vip", "transform": ["boolean"]},
                {"from": "joined", "transform": ["date"]},
                {"from": "score", "transform": ["text"]},
                {"from": "tags", "transform": [{"join": "; "}]},
            ],
        },
        messages=[
            _said(
                version=1,
                plan="  ",
                code="no-5",
                seats="12",
                vip="yes",
                joined="2026-01-31",
                score=12.5,
                tags=["a", "b"],
            )
        ],
        sends=[
            identify(
                _WHO,
                {
                    "plan": "free",
                    "code": "NO-5",
                    "seats": 12,
                    "vip": True,
                    "joined": unix("2026-01-31T00:00:00Z"),
                    "score": "12.5",
                    "tags": "a; b",
                },
            )
        ],
        holds=[
            Held(
                _WHO,
                {
                    "plan": "free",
                    "code": "NO-5",
                    "seats": 12,
                    "vip": True,
                    "joined": unix("2026-01-31T00:00:00Z"),
                    "score": "12.5",
                    "tags": "a; b",
                },
            )
        ],
    ),
]

LEAVING = [
    _leaving(
        "upsert, a row that leaves: nothing",
        "upsert",
        "keep",
        [identify(_WHO, _PRO)],
        [_PERSON],
        at_once=[identify(_WHO, _PRO)],
    ),
    _leaving(
        "upsert, a row that leaves: the mapped fields are cleared; the address, which names them there, stays",
        "upsert",
        "clear",
        [identify(_WHO, _PRO), identify(_WHO, _CLEARED)],
        [Held({**_WHO, "email": _EMAIL})],
        at_once=[],
        holds_at_once=[],
    ),
    _leaving(
        "upsert, a row that leaves: the person is deleted",
        "upsert",
        "delete",
        [identify(_WHO, _PRO), delete(_WHO)],
        [],
        at_once=[],
    ),
    _leaving(
        "update, a row that leaves: nothing",
        "update",
        "keep",
        [_UPDATE],
        [_AFTER_UPDATE],
        there=[_THERE],
        at_once=[_UPDATE],
    ),
    _leaving(
        "update, a row that leaves: the mapped fields are cleared, the others stay",
        "update",
        "clear",
        [_UPDATE, identify(_WHO, {**_CLEARED, "_update": True})],
        [Held({**_WHO, "email": _EMAIL}, {"tier": "gold"})],
        there=[_THERE],
        at_once=[],
        holds_at_once=[Held(_WHO, {"tier": "gold"})],
    ),
]

_TIMES = {
    "2026-01-31": unix("2026-01-31T00:00:00Z"),
    "2026-01-31T10:00:00Z": unix("2026-01-31T10:00:00Z"),
    "2026-01-31T12:00:01.750+02:00": unix("2026-01-31T10:00:01Z"),
    "2026-01-31 10:00:02 UTC": unix("2026-01-31T10:00:02Z"),
    1769853660: 1769853660,
    1769853661123: 1769853661,
}
_TRACK = Happened("Signed up", 1769853660, {"plan": "pro"})
_PAGE = Happened("https://www.example.com/", 1769853661, {"url": "https://www.example.com/"}, "page")
_SCREEN = Happened("Checkout", 1769853662, {"name": "Checkout"}, "screen")
_DID: list[Json] = [
    {"name": "Signed up", "id": "event-1", "time": 1769853660, "properties": {"plan": "pro"}},
    {"type": "page", "id": "event-2", "time": 1769853661, "properties": {"url": "https://www.example.com/"}},
    {"type": "screen", "id": "event-3", "time": 1769853662, "properties": {"name": "Checkout"}},
]
_DAY = unix("2026-01-31T00:00:00Z")
_BOUGHT = {"total": "12.5", "tags": ["a", "b"], "items": [{"due": "2026-01-31"}], "day": "2026-01-31"}
_STEPPED = [
    Happened(
        "Order Completed",
        1769853660,
        {"total": 12.5, "tags": "a, b", "items": [{"due": _DAY}], "day": _DAY, "currency": "EUR"},
    ),
    Happened("Refunded", 1769853661, {"currency": "NOK"}),
]
_CONTRACT = {"contract": {"since": _DAY, "renewals": [{"day": _DAY}]}}
_GUEST = {"recipient": "guest@example.com"}
_TIMED = [Happened(f"at {number}", at) for number, at in enumerate(_TIMES.values())]


def _by(name: str, sync: Json, by: Json, **user: Any) -> Case:
    there = [identify(_WHO, {"email": _EMAIL})]
    return Case(
        name=name,
        rows=[_EVENTS, _MATCH],
        form="native",
        sync={**_MODEL, "attributes": [], "events": ["*"], **sync},
        there=there,
        messages=[_said(_DID[0], version=1, **{"external_id": ..., **user})],
        sends=[identify(by), happens(by, _TRACK)],
        holds=[Held({**_WHO, "email": _EMAIL}, events=[_TRACK])],
    )


EVENTS = [
    Case(
        name="track events, page views and screen views",
        rows=[_EVENTS],
        form="native",
        sync={**_MODEL, "attributes": [], "events": ["Signed up", "page", "screen"]},
        messages=[_said(*_DID, version=1)],
        sends=[identify(_WHO), *(happens(_WHO, each) for each in (_TRACK, _PAGE, _SCREEN))],
        holds=[Held(_WHO, events=[_TRACK, _PAGE, _SCREEN])],
    ),
    Case(
        name="an event with an id that was there before is sent once",
        rows=[_EVENTS],
        form="native",
        sync={**_MODEL, "attributes": [], "events": ["*"]},
        messages=[_said(_DID[0], version=1), _said(_DID[0], version=1), _said(_DID[0], _DID[1], version=2)],
        sends=[identify(_WHO), happens(_WHO, _TRACK), happens(_WHO, _PAGE)],
        holds=[Held(_WHO, events=[_TRACK, _PAGE])],
    ),
    Case(
        name="properties go through steps, and their dates are unix seconds at any depth",
        rows=[_TRANSFORMS],
        form="native",
        sync={
            **_MODEL,
            "attributes": ["contract"],
            "events": [
                {"name": "Order Completed", "transform": {"total": ["number"], "tags": ["join"]}},
                {"name": "*", "transform": {"currency": ["trim", "upper", {"default": "EUR"}]}},
            ],
        },
        messages=[
            _said(
                {"name": "Order Completed", "id": "event-1", "time": 1769853660, "properties": _BOUGHT},
                {"name": "Refunded", "id": "event-2", "time": 1769853661, "properties": {"currency": " nok "}},
                version=1,
                contract={"since": "2026-01-31", "renewals": [{"day": "2026-01-31"}]},
            )
        ],
        sends=[identify(_WHO, _CONTRACT), *(happens(_WHO, each) for each in _STEPPED)],
        holds=[Held(_WHO, _CONTRACT, events=_STEPPED)],
    ),
    Case(
        name="times of any kind are unix seconds there",
        rows=[_EVENTS],
        form="native",
        sync={**_MODEL, "attributes": [], "events": ["*"]},
        messages=[_said(*({"name": f"at {number}", "time": time} for number, time in enumerate(_TIMES)), version=1)],
        sends=[identify(_WHO), *(happens(_WHO, each) for each in _TIMED)],
        holds=[Held(_WHO, events=_TIMED)],
    ),
    Case(
        name="without a time, the time it arrives counts",
        rows=[_EVENTS],
        form="native",
        sync={**_MODEL, "attributes": [], "events": ["*"]},
        messages=[_said({"name": "Signed up", "id": "event-1"}, version=1)],
        sends=[identify(_WHO), happens(_WHO, Happened("Signed up"))],
        holds=[Held(_WHO, events=[Happened("Signed up")])],
    ),
    _by("an event of somebody by id", {}, _WHO, external_id="1001"),
    _by(
        "an event of somebody by e-mail",
        {"identifier": "email", "identify_by": "email"},
        {"email": _EMAIL},
        email=_EMAIL,
    ),
    _by("an event of somebody by cio_id", _CIO, {"cio_id": _FIRST_CIO_ID}, cio_id=_FIRST_CIO_ID),
    Case(
        name="an event of a visitor",
        rows=[_VISITORS],
        form="native",
        sync={"attributes": [], "events": ["*"], "anonymous_events": True},
        messages=[{"user": {"anonymous_id": "visitor-1"}, "events": [_DID[0]]}],
        sends=[visits("visitor-1", _TRACK)],
        anonymous=[("visitor-1", "Signed up")],
    ),
    Case(
        name="an invitation: an event with the address it goes to, and no visitor",
        rows=[_VISITORS],
        form="native",
        sync={"segments": ["Paying"], "identifier": "external_id", "events": ["*"], "anonymous_events": True},
        messages=[
            _said({"name": "Invited", "id": "event-1", "time": 1769853660, "properties": _GUEST}, external_id=...)
        ],
        sends=[invite(Happened("Invited", 1769853660, _GUEST))],
        anonymous=[(None, "Invited")],
    ),
]

_OTHER = {"id": "1002"}

TABLES = [
    Case(
        name="a CSV file of users",
        rows=[_TABLES, _MAPPING],
        form="csv",
        sync={**_MODEL, "attributes": ["plan", {"from": "city_name", "to": "city"}]},
        table={"entered": ("Paying",)},
        messages=[[_row(), _row(1002, "trial")]],
        sends=[
            identify(_WHO, {"plan": "pro", "city": "Bergen"}),
            identify(_OTHER, {"plan": "trial", "city": "Bergen"}),
        ],
        holds=[Held(_WHO, {"plan": "pro", "city": "Bergen"}), Held(_OTHER, {"plan": "trial", "city": "Bergen"})],
    ),
    Case(
        name="a CSV file that says who is in which segment",
        rows=[_TABLES],
        form="csv",
        sync={**_MODEL, "attributes": ["plan"]},
        messages=[[_row(segments="Paying|Staff"), _row(1002, segments="Staff")], [_row(segments="Staff")]],
        sends=[identify(_WHO, {"plan": "pro"}), delete(_WHO)],
        at_once=[],
    ),
    Case(
        name="a CSV file that is the whole audience: who is not in it any more has left",
        rows=[_TABLES, _LEAVING],
        form="csv",
        sync={**_MODEL, "attributes": ["plan"]},
        table={"entered": ("Paying",), "full": True},
        messages=[[_row(), _row(1002)], [_row(plan="team")]],
        sends=[
            identify(_WHO, {"plan": "pro"}),
            identify(_OTHER, {"plan": "pro"}),
            identify(_WHO, {"plan": "team"}),
            delete(_OTHER),
        ],
        at_once=[identify(_WHO, {"plan": "team"})],
        holds=[Held(_WHO, {"plan": "team"})],
    ),
]

CASES = [*CUSTOMERS, *LEAVING, *EVENTS, *TABLES]
