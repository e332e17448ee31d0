"""Customer.io's own destination: every example of its page, as a source sends it."""

from tests.wire.case import (
    Case,
    Happened,
    Held,
    Json,
    add_device,
    delete_device,
    happens,
    identify,
    identify_object,
    relate,
    unix,
)

_ROW = "Customer.io's own destination, Segment-style sources, MetaRouter: "
_CALLS = _ROW + "identify, track, page, screen, batch"
_BY = _ROW + "people by id or by e-mail"
_DEVICES = _ROW + "devices: added, updated, deleted"
_NAMES = _ROW + "page and screen names: the name, else the URL"

# Its identify has a comma too many for JSON; it is left out here.

WHO = {"id": "97980cfea0067"}
EMAIL = "cool.person@example.com"
BOTH = {**WHO, "email": EMAIL}
TOKEN = (
    "cEFolG5uRDGPizsaUh4X4m:APA91bFsKwjW9zUaiuJMCGqa3fLRiJ8fv1riQ6U-1iI72aSFZx5wxiqGnqbL-S2g3kZ5RrRUUo3AAVh_"
    "LhpFbjDlSqEoC4rqHmH8Z1BGgqaD9jStahy63cGXueW-vOr6mTOekmXgWSww"
)
IDENTIFY: Json = {
    "type": "identify",
    "traits": {"first_name": "cool", "last_name": "person", "email": EMAIL, "plan": "premium"},
    "userId": WHO["id"],
    "created_at": "1679407797",
}
GROUP: Json = {
    "messageId": "4vl6zh",
    "timestamp": "2022-11-24T22:56:14.144Z",
    "type": "group",
    "projectId": "sqsv42VjV1e2d8ha2SHxM6",
    "traits": {"name": "Example Co, Inc.", "industry": "edtech", "plan": "enterprise"},
    "groupId": "example-company",
    "userId": WHO["id"],
}
INSTALLED: Json = {
    "messageId": "i6yatl",
    "timestamp": "2022-11-24T22:48:17.593Z",
    "type": "track",
    "email": EMAIL,
    "projectId": "sqsv42VjV1e2d8ha2SHxM6",
    "properties": {"device_id": TOKEN},
    "userId": WHO["id"],
    "event": "Application Installed",
}
UNINSTALLED: Json = {**INSTALLED, "event": "Application Uninstalled"}
TRACK: Json = {
    **INSTALLED,
    "properties": {"class_name": "Customer.io Basics", "class_code": "cio101", "start_date": 1679410730},
    "event": "enrolled",
}
PAGE: Json = {
    "messageId": "efxqsi",
    "timestamp": "2022-11-24T22:55:59.498Z",
    "type": "page",
    "email": EMAIL,
    "projectId": "sqsv42VjV1e2d8ha2SHxM6",
    "properties": {"session_started": 1679410730, "url": "http://www.example.com"},
    "userId": WHO["id"],
    "name": "home",
}
SCREEN: Json = {
    "messageId": "9zk6c",
    "timestamp": "2023-03-20T22:56:06.259Z",
    "type": "screen",
    "email": EMAIL,
    "projectId": "sqsv42VjV1e2d8ha2SHxM6",
    "properties": {"session_started": 1679410730},
    "userId": WHO["id"],
    "name": "home",
}
_PERSON = {"first_name": "cool", "last_name": "person", "plan": "premium", "created_at": 1679407797}
_MET = identify(WHO, {"email": EMAIL})
_INSTALLED_AT = unix("2022-11-24T22:48:17Z")
_ENROLLED = Happened("enrolled", _INSTALLED_AT, TRACK["properties"])
_HOME = Happened("home", unix("2022-11-24T22:55:59Z"), PAGE["properties"], "page")
_SCREEN = Happened("home", unix("2023-03-20T22:56:06Z"), SCREEN["properties"], "screen")
_HELD_DEVICE = {TOKEN: {"platform": "android", "last_used": _INSTALLED_AT, "attributes": {}}}
_ADDED = add_device(WHO, TOKEN, platform="android", last_used=_INSTALLED_AT)

# Text of digits is a date to Customer.io only once it is a number.
_TRAITS: Json = {
    "attributes": ["email", "first_name", "last_name", "plan", {"from": "created_at", "transform": ["number"]}]
}
_EVERYTHING: Json = {**_TRAITS, "events": ["*"]}

_KEY = "1/example-company"
_OBJECTS = [{"type": "1", "attributes": ["name", "industry", "plan"]}]
_ACCOUNT = {"account_name": "Example Co, Inc.", "account_plan": "enterprise"}

CASES = [
    Case(
        name="identify",
        rows=[_CALLS, _BY],
        form="segment",
        sync=_TRAITS,
        messages=[IDENTIFY],
        sends=[identify(WHO, {"email": EMAIL, **_PERSON})],
        holds=[Held(BOTH, _PERSON)],
    ),
    Case(
        name="group: an object, and the person is related to it",
        rows=[_ROW + "group: an object, and the person's relationship to it"],
        form="segment",
        sync={"objects": _OBJECTS},
        messages=[GROUP],
        sends=[identify_object(_KEY, GROUP["traits"]), identify(WHO), relate(WHO, _KEY)],
        holds=[Held(WHO, relationships={_KEY: {}})],
        objects={_KEY: GROUP["traits"]},
    ),
    Case(
        name="group: attributes of the person",
        rows=[_ROW + "group"],
        form="segment",
        sync={"attributes": ["account.name", "account.plan"]},
        messages=[GROUP],
        sends=[identify(WHO, _ACCOUNT)],
        holds=[Held(WHO, _ACCOUNT)],
    ),
    Case(
        name="a device when the application is installed",
        rows=[_DEVICES],
        form="segment",
        sync=_TRAITS,
        messages=[INSTALLED],
        sends=[_MET, _ADDED],
        holds=[Held(BOTH, devices=_HELD_DEVICE)],
    ),
    Case(
        name="the device is gone when the application is uninstalled",
        rows=[_DEVICES],
        form="segment",
        sync=_TRAITS,
        # The page gives both examples one messageId and one time: the later of two words counts.
        messages=[INSTALLED, UNINSTALLED],
        sends=[_MET, _ADDED, delete_device(WHO, TOKEN)],
        at_once=[_MET, delete_device(WHO, TOKEN)],
        holds=[Held(BOTH)],
    ),
    Case(
        name="uninstalling is an event too, where events are chosen",
        form="segment",
        sync=_EVERYTHING,
        messages=[UNINSTALLED],
        sends=[
            _MET,
            delete_device(WHO, TOKEN),
            happens(WHO, Happened("Application Uninstalled", _INSTALLED_AT, {"device_id": TOKEN})),
        ],
        holds=[Held(BOTH, events=[Happened("Application Uninstalled", _INSTALLED_AT, {"device_id": TOKEN})])],
    ),
    Case(
        name="track, of a person who is not there yet",
        rows=[_CALLS],
        form="segment",
        sync=_EVERYTHING,
        messages=[TRACK],
        sends=[_MET, happens(WHO, _ENROLLED)],
        holds=[Held(BOTH, events=[_ENROLLED])],
    ),
    Case(
        name="page",
        rows=[_CALLS, _NAMES],
        form="segment",
        sync=_EVERYTHING,
        messages=[PAGE],
        sends=[_MET, happens(WHO, _HOME)],
        holds=[Held(BOTH, events=[_HOME])],
    ),
    Case(
        name="screen",
        rows=[_CALLS, _NAMES],
        form="segment",
        sync=_EVERYTHING,
        messages=[SCREEN],
        sends=[_MET, happens(WHO, _SCREEN)],
        holds=[Held(BOTH, events=[_SCREEN])],
    ),
    Case(
        name="all examples, one after the other",
        rows=[_CALLS],
        form="segment",
        sync={**_EVERYTHING, "events": ["enrolled", "page", "screen"]},
        messages=[IDENTIFY, INSTALLED, {**TRACK, "messageId": "i6yatm"}, PAGE, SCREEN],
        sends=[
            identify(WHO, {"email": EMAIL, **_PERSON}),
            _ADDED,
            happens(WHO, _ENROLLED),
            happens(WHO, _HOME),
            happens(WHO, _SCREEN),
        ],
        holds=[Held(BOTH, _PERSON, [_ENROLLED, _HOME, _SCREEN], _HELD_DEVICE)],
    ),
]
