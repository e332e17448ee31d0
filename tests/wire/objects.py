"""Objects and who is related to them: calls of the Segment spec, Hightouch's rows, Hull's account."""

from typing import Any

from tests.wire.case import Case, Held, Json, delete_object, identify, identify_object, relate, unrelate

_SPEC = "Customer.io's own destination, Segment-style sources, MetaRouter: "
_GROUP = _SPEC + "group: an object, and the person's relationship to it"
_IN_IDENTIFY = _SPEC + "relationships in identify"
_DELETED = _SPEC + "objects and relationships deleted"
_HIGHTOUCH = "Hightouch: "
_UPSERT = _HIGHTOUCH + "objects: upsert, with attributes"
_RELATED = _HIGHTOUCH + "relationships of an object"
_LEFT = _HIGHTOUCH + "objects that leave: nothing, delete"

_WHO = {"id": "user-1"}
_OTHER = {"id": "user-2"}
_KEY = "1/company-1"
_TYPE: Json = {"type": "1", "attributes": ["name", "plan"], "relationship_attributes": ["role"]}
_SYNC: Json = {"objects": [_TYPE]}
_NAMED = {"name": "Example Ltd"}
_ADMIN = {"role": "admin"}
_MADE = identify_object(_KEY, _NAMED)
_MET = identify(_WHO)

# Calls of the Segment spec.


def _call(type: str, second: int, **rest: Any) -> Json:
    return {"type": type, "messageId": f"message-{second}", "timestamp": f"2026-01-31T10:00:{second:02}Z", **rest}


def _group(second: int, **traits: Any) -> Json:
    return _call("group", second, userId="user-1", groupId="company-1", traits=traits)


_GROUPED = _group(1, **_NAMED, relationshipAttributes=_ADMIN)
_LISTED = {"identifiers": {"object_type_id": "1", "object_id": "company-1"}, "relationship_attributes": _ADMIN}

CALLS = [
    Case(
        name="group of another type of object, and how the person is related to it",
        rows=[_GROUP],
        form="segment",
        sync={"objects": [{**_TYPE, "type": "2"}]},
        messages=[_group(1, **_NAMED, object_type_id="2", relationshipAttributes=_ADMIN)],
        sends=[identify_object("2/company-1", _NAMED), _MET, relate(_WHO, "2/company-1", _ADMIN)],
        holds=[Held(_WHO, relationships={"2/company-1": _ADMIN})],
        objects={"2/company-1": _NAMED},
    ),
    Case(
        name="relationships in identify: the object is there before its person is related to it",
        rows=[_IN_IDENTIFY],
        form="segment",
        sync=_SYNC,
        messages=[_call("identify", 1, userId="user-1", traits={"cio_relationships": [_LISTED]})],
        sends=[identify_object(_KEY), _MET, relate(_WHO, _KEY, _ADMIN)],
        holds=[Held(_WHO, relationships={_KEY: _ADMIN})],
        objects={_KEY: {}},
    ),
    Case(
        name="Relationship Deleted",
        rows=[_DELETED],
        form="segment",
        sync=_SYNC,
        messages=[
            _GROUPED,
            _call("track", 2, userId="user-1", event="Relationship Deleted", properties={"objectId": "company-1"}),
        ],
        sends=[_MADE, _MET, relate(_WHO, _KEY, _ADMIN), unrelate(_WHO, _KEY)],
        at_once=[_MADE, _MET, unrelate(_WHO, _KEY)],
        holds=[Held(_WHO)],
        objects={_KEY: _NAMED},
    ),
    Case(
        name="Object Deleted: nobody is related to it any more",
        rows=[_DELETED],
        form="segment",
        sync=_SYNC,
        messages=[
            _GROUPED,
            _call("track", 2, userId="user-1", event="Object Deleted", properties={"objectId": "company-1"}),
        ],
        # Customer.io ends the relationship by itself; the person is sent whole, should the object come back soon.
        sends=[_MADE, _MET, relate(_WHO, _KEY, _ADMIN), delete_object(_KEY), _MET],
        at_once=[_MET, delete_object(_KEY)],
        holds=[Held(_WHO)],
    ),
]

# Messages about objects, as a job writes them.


def _told(version: int, **rest: Any) -> Json:
    return {"object": {"type": "1", "id": "company-1", **rest}, "version": version}


def _user(id: str, **rest: Any) -> Json:
    return {"user": {"id": id}, "segments": [], "version": 1, **rest}


def _left(name: str, on_exit: str, **rest: Any) -> Case:
    return Case(
        name=name,
        rows=[_LEFT],
        form="native",
        sync={"objects": [{**_TYPE, "on_exit": on_exit}]},
        messages=[_told(1, attributes=_NAMED), _told(2, left=True)],
        **rest,
    )


_BOTH = [{"user": _WHO, "attributes": _ADMIN}, {"user": _OTHER}]
_PLAN = {**_NAMED, "plan": "team"}

ROWS = [
    Case(
        name="an object is made and updated",
        rows=[_UPSERT],
        form="native",
        sync=_SYNC,
        messages=[_told(1, attributes={**_NAMED, "secret": "x"}), _told(2, attributes=_PLAN)],
        sends=[_MADE, identify_object(_KEY, _PLAN)],
        at_once=[identify_object(_KEY, _PLAN)],
        objects={_KEY: _PLAN},
    ),
    Case(
        name="an attribute of an object is cleared",
        rows=[_UPSERT],
        form="native",
        sync=_SYNC,
        messages=[_told(1, attributes=_PLAN), _told(2, attributes={"plan": None})],
        sends=[identify_object(_KEY, _PLAN), identify_object(_KEY, {**_NAMED, "plan": None})],
        at_once=[identify_object(_KEY, {**_NAMED, "plan": None})],
        objects={_KEY: _NAMED},
    ),
    Case(
        name="an object says who is related to it, and who is not any more",
        rows=[_RELATED],
        form="native",
        sync=_SYNC,
        messages=[
            _user("user-1"),
            _user("user-2"),
            _told(2, attributes=_NAMED, relationships=_BOTH),
            _told(3, relationships=[{"user": _OTHER, "deleted": True}]),
        ],
        sends=[
            _MET,
            identify(_OTHER),
            _MADE,
            relate(_WHO, _KEY, _ADMIN),
            relate(_OTHER, _KEY),
            unrelate(_OTHER, _KEY),
        ],
        at_once=[_MET, identify(_OTHER), _MADE, relate(_WHO, _KEY, _ADMIN), unrelate(_OTHER, _KEY)],
        holds=[Held(_WHO, relationships={_KEY: _ADMIN}), Held(_OTHER)],
        objects={_KEY: _NAMED},
    ),
    Case(
        name="a user says to what they are related, and how",
        rows=[_RELATED],
        form="native",
        sync=_SYNC,
        messages=[
            _user("user-1", relationships=[{"type": "1", "id": "company-1", "attributes": {"role": "guest"}}]),
            _user("user-1", relationships=[{"type": "1", "id": "company-1", "attributes": _ADMIN}], version=2),
        ],
        sends=[identify_object(_KEY), _MET, relate(_WHO, _KEY, {"role": "guest"}), relate(_WHO, _KEY, _ADMIN)],
        at_once=[identify_object(_KEY), _MET, relate(_WHO, _KEY, _ADMIN)],
        holds=[Held(_WHO, relationships={_KEY: _ADMIN})],
        objects={_KEY: {}},
    ),
    _left(
        # Who comes and leaves at once was never there to be kept.
        "an object that leaves: nothing",
        "keep",
        sends=[_MADE],
        at_once=[],
        objects={_KEY: _NAMED},
        objects_at_once={},
    ),
    _left("an object that leaves: it is deleted", "delete", sends=[_MADE, delete_object(_KEY)], at_once=[]),
]

# Hull's account: the user is related to one at a time.


def _hull(second: int, account: str) -> Json:
    return {
        "message_id": f"message-{second}",
        "user": {"id": "user-1", "indexed_at": f"2026-01-31T10:00:{second:02}Z"},
        "account": {"id": account, "name": f"Name of {account}"},
        "segments": [],
    }


_ACCOUNTS: Json = {"objects": [{"type": "1", "from": ["account"], "attributes": ["name"]}]}
_FIRST = identify_object("1/account-1", {"name": "Name of account-1"})
_SECOND = identify_object("1/account-2", {"name": "Name of account-2"})

HULL = [
    Case(
        name="the account is an object, and who moves to another leaves the first",
        rows=["Hull: the account as an object"],
        form="hull",
        sync=_ACCOUNTS,
        messages=[_hull(1, "account-1"), _hull(2, "account-2")],
        sends=[
            _FIRST,
            _MET,
            relate(_WHO, "1/account-1"),
            _SECOND,
            unrelate(_WHO, "1/account-1"),
            relate(_WHO, "1/account-2"),
        ],
        at_once=[_FIRST, _SECOND, _MET, relate(_WHO, "1/account-2")],
        holds=[Held(_WHO, relationships={"1/account-2": {}})],
        objects={key: {"name": f"Name of {key[2:]}"} for key in ("1/account-1", "1/account-2")},
    ),
]

CASES = [*CALLS, *ROWS, *HULL]
