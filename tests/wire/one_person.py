"""Calls of the Segment spec that say who somebody is, what they chose, or what a sync's own actions make of them."""

from typing import Any

from tests.wire.case import Case, Happened, Held, Json, delete, happens, identify, merge, unix

_ROW = "Customer.io's own destination, Segment-style sources, MetaRouter: "
_ALIAS = _ROW + "alias"
_CHOICES = _ROW + "subscription preferences, `timezone`, `created_at`"
_ACTIONS = _ROW + "actions: which call triggers what, with which mapping"

_WHO = {"id": "user-1"}
_OLD = {"id": "user-0"}
_SYNC: Json = {"attributes": ["plan", "city"], "events": ["*"]}


def _call(type: str, second: int, user: str = "user-1", **rest: Any) -> Json:
    said = {"messageId": f"message-{second}", "timestamp": f"2026-01-31T10:00:{second:02}Z", "userId": user}
    return {"type": type, **said, **rest}


def _at(second: int) -> int:
    return unix("2026-01-31T10:00:00Z") + second


# Who they are.


def _now(type: str, number: int, user: str = "user-1", **rest: Any) -> Json:
    """A call without a time: what happened long ago, Customer.io does not merge."""
    return {"type": type, "messageId": f"message-{number}", "userId": user, **rest}


_BEFORE = _now("identify", 1, "user-0", traits={"plan": "trial", "city": "Bergen"})
_SIGNED = _now("track", 2, "user-0", event="Signed up")
_AFTER = _now("identify", 3, traits={"plan": "pro"})
_SAME = _now("alias", 4, previousId="user-0")
_EVENT = Happened("Signed up")
_ONE = Held(_WHO, {"plan": "pro", "city": "Bergen"}, [_EVENT])
_PRO = identify(_WHO, {"plan": "pro"})
_WHOLE = identify(_WHO, {"plan": "pro", "city": "Bergen"})

ALIASES = [
    Case(
        name="alias: the user of before is merged, with their history",
        rows=[_ALIAS],
        form="segment",
        sync=_SYNC,
        messages=[_BEFORE, _SIGNED, _AFTER, _SAME],
        sends=[
            identify(_OLD, {"plan": "trial", "city": "Bergen"}),
            happens(_OLD, _EVENT),
            _PRO,
            _WHOLE,
            merge(_WHO, _OLD),
        ],
        at_once=[_WHOLE, merge(_WHO, _OLD), happens(_WHO, _EVENT)],
        holds=[_ONE],
        neighbours=False,
    ),
    Case(
        name="alias: what comes late of the user of before is the survivor's",
        rows=[_ALIAS],
        form="segment",
        sync=_SYNC,
        messages=[_AFTER, _SAME, _SIGNED],
        # Customer.io may hold the user of before, whoever brought them there: they are merged though unknown here.
        sends=[_PRO, _PRO, merge(_WHO, _OLD), happens(_WHO, _EVENT)],
        at_once=[_PRO, merge(_WHO, _OLD), happens(_WHO, _EVENT)],
        holds=[Held(_WHO, {"plan": "pro"}, [_EVENT])],
        neighbours=False,
    ),
]

# What they chose.

_TOPICS = "cio_subscription_preferences"
_ONE_TOPIC, _OTHER_TOPIC = f"{_TOPICS}.topics.topic_1", f"{_TOPICS}.topics.topic_2"
_CHOSEN = {_TOPICS: {"topics": {"topic_1": True, "topic_2": False}}}
_THERE = identify(_WHO, {_TOPICS: {"topics": {"topic_1": True, "topic_9": True}}})


def _topics(version: int, **topics: bool) -> Json:
    return {"user": _WHO, "segments": [], "topics": topics, "version": version}


CHOICES = [
    Case(
        name="a topic by itself leaves the other topics alone",
        rows=[_CHOICES],
        form="native",
        sync={"attributes": [_ONE_TOPIC, _OTHER_TOPIC]},
        there=[_THERE],
        messages=[_topics(1, topic_1=False, topic_2=True)],
        sends=[identify(_WHO, {_ONE_TOPIC: False, _OTHER_TOPIC: True})],
        holds=[Held(_WHO, {_TOPICS: {"topics": {"topic_1": False, "topic_9": True, "topic_2": True}}})],
    ),
    Case(
        name="a topic that subscribes is told once, one that unsubscribes is told again",
        rows=[_CHOICES, "Beyond them: whoever unsubscribed in Customer.io is not subscribed again by a resend"],
        form="native",
        sync={"attributes": ["plan", _ONE_TOPIC, _OTHER_TOPIC]},
        messages=[
            _topics(1, topic_1=True, topic_2=False),
            {"user": {**_WHO, "plan": "pro"}, "version": 2},
        ],
        sends=[
            identify(_WHO, {_ONE_TOPIC: True, _OTHER_TOPIC: False}),
            identify(_WHO, {"plan": "pro", _OTHER_TOPIC: False}),
        ],
        at_once=[identify(_WHO, {"plan": "pro", _ONE_TOPIC: True, _OTHER_TOPIC: False})],
        holds=[Held(_WHO, {"plan": "pro", **_CHOSEN})],
    ),
    Case(
        name="all topics as one object, which replaces them",
        rows=[_CHOICES],
        form="segment",
        sync={"attributes": [_TOPICS]},
        there=[_THERE],
        messages=[_call("identify", 1, traits=_CHOSEN)],
        sends=[identify(_WHO, _CHOSEN)],
        holds=[Held(_WHO, _CHOSEN)],
    ),
    Case(
        name="timezone and created_at",
        rows=[_CHOICES],
        form="segment",
        sync={"attributes": ["timezone", "created_at"]},
        messages=[_call("identify", 1, traits={"timezone": "Europe/Oslo", "createdAt": "2026-01-31T10:00:00Z"})],
        sends=[identify(_WHO, {"timezone": "Europe/Oslo", "created_at": _at(0)})],
        holds=[Held(_WHO, {"timezone": "Europe/Oslo", "created_at": _at(0)})],
    ),
]

# What the sync makes of them.

_BUYS = [
    {"when": {"event": "Heartbeat"}, "do": "ignore"},
    {
        "when": {"event": "Bought"},
        "do": "track",
        "map": {"name": {"value": "Purchase"}, "properties": {"total": "properties.revenue"}},
    },
    {"when": {"event": "Bought"}, "do": "identify", "map": {"attributes": {"last_total": "properties.revenue"}}},
    {"when": {"event": "Account Closed"}, "do": "delete_person"},
]
_PURCHASE = Happened("Purchase", _at(2), {"total": 5})
_BOUGHT = _call("track", 2, event="Bought", properties={"revenue": 5, "card": "x"})
_BUYER = identify(_WHO, {"last_total": 5})

ACTIONS = [
    Case(
        name="a sync's own actions: another event, an attribute, and a call that is ignored",
        rows=[_ACTIONS],
        form="segment",
        sync={"attributes": ["last_total"], "events": ["*"], "actions": _BUYS},
        messages=[_call("track", 1, event="Heartbeat"), _BOUGHT],
        sends=[_BUYER, happens(_WHO, _PURCHASE)],
        holds=[Held(_WHO, {"last_total": 5}, [_PURCHASE])],
    ),
    Case(
        name="a sync's own action deletes the person",
        rows=[_ACTIONS],
        form="segment",
        sync={"attributes": ["last_total"], "actions": _BUYS},
        messages=[_BOUGHT, _call("track", 3, event="Account Closed")],
        sends=[_BUYER, delete(_WHO)],
        at_once=[delete(_WHO)],
    ),
]

CASES = [*ALIASES, *CHOICES, *ACTIONS]
