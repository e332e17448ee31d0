"""Who is suppressed, by an event, a message or a rule, and free again."""

from typing import Any

from tests.wire.case import Case, Held, Json, identify, suppress, unsuppress

_EVENTS = 'Customer.io\'s own destination, Segment-style sources, MetaRouter: "User Suppressed", "User Unsuppressed"'
_RULE = "Beyond them: suppression by what upstream says of people"

_WHO = {"id": "user-1"}
_PRO = identify(_WHO, {"plan": "pro"})
_SYNC: Json = {"attributes": ["plan"], "events": ["*"]}
_ERASED: Json = {**_SYNC, "suppress_when": {"attribute": "gdpr_erased", "equals": True}}


def _call(type: str, second: int, **rest: Any) -> Json:
    said = {"messageId": f"message-{second}", "timestamp": f"2026-01-31T10:00:{second:02}Z", "userId": "user-1"}
    return {"type": type, **said, **rest}


def _user(version: int, **rest: Any) -> Json:
    return {"user": {"id": "user-1", "plan": "pro", **rest}, "segments": [], "version": version}


_KNOWN = _call("identify", 1, traits={"plan": "pro"})
_SUPPRESSED = _call("track", 2, event="User Suppressed")

CASES = [
    Case(
        name="User Suppressed: the person is deleted and blocked, and what they do then is not told",
        rows=[_EVENTS],
        form="segment",
        sync=_SYNC,
        messages=[
            _KNOWN,
            _SUPPRESSED,
            _call("track", 3, event="Signed up"),
            _call("identify", 4, traits={"plan": "trial"}),
        ],
        sends=[_PRO, suppress(_WHO)],
        at_once=[suppress(_WHO)],
    ),
    Case(
        name="User Unsuppressed: the person is sent whole",
        rows=[_EVENTS],
        form="segment",
        sync=_SYNC,
        messages=[_KNOWN, _SUPPRESSED, _call("track", 3, event="User Unsuppressed")],
        sends=[_PRO, suppress(_WHO), unsuppress(_WHO), _PRO],
        at_once=[unsuppress(_WHO), _PRO],
        holds=[Held(_WHO, {"plan": "pro"})],
    ),
    Case(
        name="suppressed and free again in the native form",
        rows=[_EVENTS],
        form="native",
        sync=_SYNC,
        messages=[_user(1), *({"user": _WHO, "suppressed": at == 2, "version": at} for at in (2, 3))],
        sends=[_PRO, suppress(_WHO), unsuppress(_WHO), _PRO],
        at_once=[unsuppress(_WHO), _PRO],
        holds=[Held(_WHO, {"plan": "pro"})],
    ),
    Case(
        name="suppress_when: an attribute suppresses and frees",
        rows=[_RULE],
        form="native",
        sync=_ERASED,
        messages=[_user(1), _user(2, gdpr_erased=True), _user(3, gdpr_erased=False)],
        sends=[_PRO, suppress(_WHO), unsuppress(_WHO), _PRO],
        at_once=[_PRO],
        holds=[Held(_WHO, {"plan": "pro"})],
    ),
    Case(
        name="suppress_when: who is erased stays away",
        rows=[_RULE],
        form="native",
        sync=_ERASED,
        messages=[_user(1), _user(2, gdpr_erased=True), _user(3, gdpr_erased=True)],
        sends=[_PRO, suppress(_WHO)],
        at_once=[suppress(_WHO)],
    ),
]
