"""MetaRouter: the calls of its page, as its analytics library sends them."""

from tests.wire.case import Case, Happened, Held, Json, happens, identify, unix

_ROW = "Customer.io's own destination, Segment-style sources, MetaRouter: "
_UNSUBSCRIBED = _ROW + "a person without e-mail; `unsubscribed` and back"
_WHO = {"id": "userId123"}
_EMAIL = "john.doe@example.com"
_BOTH = {**_WHO, "email": _EMAIL}
_URL = "https://www.example.com/pricing"
_SYNC: Json = {"attributes": ["email", "unsubscribed"], "events": ["*"]}


def _call(type: str, second: int, **rest: object) -> Json:
    """What the library adds by itself: a visitor's id, a message's id, the time, and where the page is."""
    return {
        "type": type,
        "anonymousId": "visitor-1",
        "messageId": f"ajs-{second}",
        "timestamp": f"2026-01-31T10:00:{second:02}.000Z",
        "context": {"page": {"url": _URL, "path": "/pricing", "title": "Pricing"}, "library": {"name": "analytics.js"}},
        **rest,
    }


def _identify(second: int, **traits: object) -> Json:
    return _call("identify", second, userId=_WHO["id"], traits=traits)


_AT = unix("2026-01-31T10:00:00Z")
_VIEW = Happened(_URL, _AT + 1, {"url": _URL}, "page")
_CLICKED = Happened("Clicked Button", _AT + 1)
_TRAITS = {f"trait_{number:02}": number for number in range(40)}

CASES = [
    Case(
        name="analytics.page(): a page view that is named by its URL",
        rows=[_ROW + "identify, track, page, screen, batch", _ROW + "page and screen names: the name, else the URL"],
        form="segment",
        sync=_SYNC,
        messages=[_call("page", 1, userId=_WHO["id"], properties={"url": _URL})],
        sends=[identify(_WHO), happens(_WHO, _VIEW)],
        holds=[Held(_WHO, events=[_VIEW])],
    ),
    Case(
        name="analytics.identify(): a new person, who is subscribed",
        rows=[_ROW + "people by id or by e-mail"],
        form="segment",
        sync=_SYNC,
        messages=[_identify(1, email=_EMAIL)],
        sends=[identify(_WHO, {"email": _EMAIL})],
        holds=[Held(_BOTH, unsubscribed=False)],
    ),
    Case(
        name="analytics.identify() without an e-mail",
        rows=[_UNSUBSCRIBED],
        form="segment",
        sync=_SYNC,
        messages=[_identify(1)],
        sends=[identify(_WHO)],
        holds=[Held(_WHO)],
    ),
    Case(
        name="analytics.identify() with unsubscribed",
        rows=[_UNSUBSCRIBED],
        form="segment",
        sync=_SYNC,
        messages=[_identify(1, email=_EMAIL, unsubscribed=True)],
        sends=[identify(_WHO, {"email": _EMAIL, "unsubscribed": True})],
        holds=[Held(_BOTH, {"unsubscribed": True}, unsubscribed=True)],
    ),
    Case(
        name="unsubscribed, and back",
        rows=[_UNSUBSCRIBED],
        form="segment",
        sync=_SYNC,
        messages=[_identify(1, email=_EMAIL, unsubscribed=True), _identify(2, email=_EMAIL, unsubscribed=False)],
        sends=[
            identify(_WHO, {"email": _EMAIL, "unsubscribed": True}),
            identify(_WHO, {"email": _EMAIL, "unsubscribed": False}),
        ],
        at_once=[identify(_WHO, {"email": _EMAIL, "unsubscribed": False})],
        holds=[Held(_BOTH, {"unsubscribed": False}, unsubscribed=False)],
    ),
    Case(
        name="analytics.track()",
        rows=[_ROW + "identify, track, page, screen, batch"],
        form="segment",
        sync=_SYNC,
        messages=[_call("track", 1, userId=_WHO["id"], event="Clicked Button")],
        sends=[identify(_WHO), happens(_WHO, _CLICKED)],
        holds=[Held(_WHO, events=[_CLICKED])],
    ),
    Case(
        name="more than thirty traits all arrive",
        rows=[_ROW + "what exceeds Customer.io's limits"],
        form="segment",
        sync={"attributes": list(_TRAITS)},
        messages=[_identify(1, **_TRAITS)],
        sends=[identify(_WHO, _TRAITS)],
        holds=[Held(_WHO, _TRAITS)],
    ),
    Case(
        name="the address as userId, where it is the id on record",
        rows=[_ROW + "people by id or by e-mail"],
        form="segment",
        sync=_SYNC,
        there=[identify({"id": _EMAIL}, {"city": "Bergen"})],
        messages=[_call("track", 1, userId=_EMAIL, event="Clicked Button")],
        sends=[identify({"id": _EMAIL}), happens({"id": _EMAIL}, _CLICKED)],
        holds=[Held({"id": _EMAIL}, {"city": "Bergen"}, [_CLICKED])],
    ),
    Case(
        name="what somebody did before they were identified is not theirs",
        form="segment",
        sync=_SYNC,
        messages=[_call("page", 1, properties={"url": _URL}), _identify(2, email=_EMAIL)],
        sends=[identify(_WHO, {"email": _EMAIL})],
        holds=[Held(_BOTH)],
    ),
]
