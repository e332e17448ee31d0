"""Calls of the Segment spec: whom they add, update and delete, and the rest of that table."""

from typing import Any

from tests.wire.case import Case, Happened, Held, Json, add_device, delete, happens, identify, unix, visits

_ROW = "Customer.io's own destination, Segment-style sources, MetaRouter: "
_BY = _ROW + "people by id or by e-mail"
_DEVICES = _ROW + "devices: added, updated, deleted"
_NAMES = _ROW + "page and screen names: the name, else the URL"
_AUDIENCES = _ROW + 'audiences: computed traits, "Audience Entered", "Audience Exited"'
_DELETED = _ROW + "a user deleted at the source"
_LIMITS = _ROW + "what exceeds Customer.io's limits"

_EMAIL = "cool.person@example.com"
_TRAITS: Json = {"attributes": ["email", "first_name", "plan"]}
_EVERYTHING: Json = {**_TRAITS, "events": ["*"]}

# The chart of the page of Customer.io's destination: whom an identify adds or updates, and whom it does not.

_BY_EMAIL: Json = {"identifier": "email", "identify_by": "email", "attributes": ["plan"]}
_MAIL = {"email": _EMAIL}
_OWN = {"id": "user-1"}
_THEIRS = {"id": "user-1", "email": "user-1@example.com"}


def _said(type: str, second: int, **rest: Any) -> Json:
    return {"type": type, "messageId": f"message-{second}", "timestamp": f"2026-01-31T10:00:{second:02}Z", **rest}


def _at(second: int) -> int:
    return unix("2026-01-31T10:00:00Z") + second


CHART = [
    Case(
        name="a userId without an e-mail, of somebody new: they are added",
        rows=[_BY, _ROW + "a person without e-mail; `unsubscribed` and back"],
        form="segment",
        sync=_TRAITS,
        messages=[_said("identify", 1, userId="user-1", traits={"plan": "pro"})],
        sends=[identify(_OWN, {"plan": "pro"})],
        holds=[Held(_OWN, {"plan": "pro"})],
    ),
    Case(
        name="an e-mail without a userId, of somebody new: they are added",
        rows=[_BY],
        form="segment",
        sync=_BY_EMAIL,
        messages=[_said("identify", 1, traits={"email": _EMAIL, "plan": "lead"})],
        sends=[identify(_MAIL, {"plan": "lead"})],
        holds=[Held(_MAIL, {"plan": "lead"})],
    ),
    Case(
        name="somebody who is there, by userId: they are updated",
        rows=[_BY],
        form="segment",
        sync=_TRAITS,
        there=[identify(_OWN, {"plan": "trial", "city": "Bergen"})],
        messages=[_said("identify", 1, userId="user-1", traits={"plan": "pro"})],
        sends=[identify(_OWN, {"plan": "pro"})],
        holds=[Held(_OWN, {"plan": "pro", "city": "Bergen"})],
    ),
    Case(
        name="somebody who is there, by e-mail: they are updated",
        rows=[_BY],
        form="segment",
        sync=_BY_EMAIL,
        there=[identify(_MAIL, {"plan": "lead", "city": "Bergen"})],
        messages=[_said("identify", 1, traits={"email": _EMAIL, "plan": "pro"})],
        sends=[identify(_MAIL, {"plan": "pro"})],
        holds=[Held(_MAIL, {"plan": "pro", "city": "Bergen"})],
    ),
    Case(
        name="both, where the person had no e-mail: it is added to them",
        rows=[_BY],
        form="segment",
        sync=_TRAITS,
        there=[identify(_OWN, {"plan": "trial"})],
        messages=[_said("identify", 1, userId="user-1", traits={"email": "user-1@example.com"})],
        sends=[identify(_OWN, {"email": "user-1@example.com"})],
        holds=[Held(_THEIRS, {"plan": "trial"})],
    ),
    Case(
        name="both, where the person had no id: it is added to them",
        rows=[_BY],
        form="segment",
        sync=_TRAITS,
        there=[identify({"email": "user-1@example.com"}, {"plan": "lead"})],
        messages=[_said("identify", 1, userId="user-1", traits={"email": "user-1@example.com", "plan": "pro"})],
        sends=[identify(_OWN, {"email": "user-1@example.com", "plan": "pro"})],
        holds=[Held(_THEIRS, {"plan": "pro"})],
    ),
    Case(
        name="neither: nobody is told of",
        rows=[_BY],
        form="segment",
        sync=_EVERYTHING,
        messages=[_said("identify", 1, anonymousId="visitor-1", traits={"plan": "pro"})],
        sends=[],
    ),
]

# The rest of the table.

_AUDIENCE: Json = {"segments": ["active_trial"], "attributes": ["plan"]}


def _moved(second: int, event: str) -> Json:
    return _said("track", second, userId="user-1", event=event, properties={"audience_key": "active_trial"})


def _computed(second: int, *, inside: bool) -> Json:
    traits = {"active_trial": inside, "plan": "trial"}
    context = {"personas": {"computation_class": "audience", "computation_key": "active_trial"}}
    return _said("identify", second, userId="user-1", traits=traits, context=context)


_CATEGORY = Happened("Docs", _at(1), {"category": "help"}, "page")
_URL = Happened("https://www.example.com/", _at(2), {"url": "https://www.example.com/"}, "page")
_CONTEXT_URL = Happened("https://www.example.com/p", _at(3), {}, "page")
_NAMELESS = Happened("page", _at(4), {}, "page")
_BARE_SCREEN = Happened("screen", _at(5), {}, "screen")
_PAGES = [_CATEGORY, _URL, _CONTEXT_URL, _NAMELESS, _BARE_SCREEN]
_LONG = "x" * 1001
_CUT = Happened("x" * 100, _at(1), {})

ROWS = [
    Case(
        name="a page is named by its name, else by its URL; a screen by its name",
        rows=[_NAMES],
        form="segment",
        sync={"events": ["page", "screen"]},
        messages=[
            _said("page", 1, userId="user-1", name="Docs", category="help"),
            _said("page", 2, userId="user-1", properties={"url": "https://www.example.com/"}),
            _said("page", 3, userId="user-1", context={"page": {"url": "https://www.example.com/p"}}),
            _said("page", 4, userId="user-1"),
            _said("screen", 5, userId="user-1"),
        ],
        sends=[identify(_OWN), *(happens(_OWN, each) for each in _PAGES)],
        holds=[Held(_OWN, events=_PAGES)],
    ),
    Case(
        name="who enters an audience comes, who exits it goes: events",
        rows=[_AUDIENCES],
        form="segment",
        sync=_AUDIENCE,
        messages=[
            _said("identify", 1, userId="user-1", traits={"plan": "trial"}),
            _moved(2, "Audience Entered"),
            _moved(3, "Audience Exited"),
        ],
        sends=[identify(_OWN, {"plan": "trial"}), delete(_OWN)],
        at_once=[],
    ),
    Case(
        name="who enters an audience comes, who exits it goes: computed traits",
        rows=[_AUDIENCES],
        form="segment",
        sync=_AUDIENCE,
        messages=[_computed(1, inside=True), _computed(2, inside=False)],
        sends=[identify(_OWN, {"plan": "trial"}), delete(_OWN)],
        at_once=[],
    ),
    Case(
        name="a device that is opened again is updated",
        rows=[_DEVICES],
        form="segment",
        messages=[
            _said(
                "track",
                second,
                userId="user-1",
                event=event,
                context={"device": {"token": "token-1", "type": "ios"}, "app": {"version": version}},
            )
            for second, event, version in ((1, "Application Installed", "1.0"), (2, "Application Opened", "1.1"))
        ],
        sends=[
            identify(_OWN),
            add_device(_OWN, "token-1", platform="ios", last_used=_at(1), attributes={"app_version": "1.0"}),
            add_device(_OWN, "token-1", platform="ios", last_used=_at(2), attributes={"app_version": "1.1"}),
        ],
        at_once=[
            identify(_OWN),
            add_device(_OWN, "token-1", platform="ios", last_used=_at(2), attributes={"app_version": "1.1"}),
        ],
        holds=[
            Held(
                _OWN,
                devices={"token-1": {"platform": "ios", "last_used": _at(2), "attributes": {"app_version": "1.1"}}},
            )
        ],
    ),
    Case(
        name="a call that deletes the user",
        rows=[_DELETED],
        form="segment",
        sync=_TRAITS,
        messages=[
            _said("identify", 1, userId="user-1", traits={"plan": "pro"}),
            _said("delete", 2, userId="user-1"),
        ],
        sends=[identify(_OWN, {"plan": "pro"}), delete(_OWN)],
        at_once=[delete(_OWN)],
    ),
    Case(
        name="an event that says the user is deleted",
        rows=[_DELETED],
        form="segment",
        sync={**_EVERYTHING, "on_exit": "keep"},
        messages=[
            _said("identify", 1, userId="user-1", traits={"plan": "pro"}),
            _said("track", 2, userId="user-1", event="User Deleted"),
        ],
        sends=[identify(_OWN, {"plan": "pro"}), delete(_OWN)],
        at_once=[delete(_OWN)],
    ),
    Case(
        name="a value too long is left out and told, and the rest of the person goes",
        rows=[_LIMITS],
        form="segment",
        sync=_TRAITS,
        messages=[_said("identify", 1, userId="user-1", traits={"plan": "pro", "first_name": _LONG})],
        sends=[identify(_OWN, {"plan": "pro"})],
        holds=[Held(_OWN, {"plan": "pro"})],
        problems=[("attribute", "user-1", "attribute 'first_name' exceeds 1000 bytes: it is left out")],
    ),
    Case(
        name="an event whose name is too long is cut and told",
        rows=[_LIMITS],
        form="segment",
        sync=_EVERYTHING,
        messages=[_said("track", 1, userId="user-1", event="x" * 101)],
        sends=[identify(_OWN), happens(_OWN, _CUT)],
        holds=[Held(_OWN, {}, [_CUT])],
        problems=[("event", "user-1", "the name of the event exceeds 100 bytes: it is sent as")],
    ),
    Case(
        name="what a visitor did joins the person they identify as",
        rows=["Hightouch: events of a visitor"],
        form="segment",
        sync={**_EVERYTHING, "anonymous_events": True},
        messages=[
            _said("page", 1, anonymousId="visitor-1", name="home"),
            _said("identify", 2, anonymousId="visitor-1", userId="user-1", traits={"plan": "pro"}),
        ],
        sends=[
            visits("visitor-1", Happened("home", _at(1), {}, "page")),
            identify(_OWN, {"plan": "pro", "anonymous_id": "visitor-1"}),
        ],
        holds=[
            Held(_OWN, {"plan": "pro", "anonymous_id": "visitor-1"}, [Happened("home", _at(1), {}, "page")]),
        ],
    ),
]

CASES = [*CHART, *ROWS]
