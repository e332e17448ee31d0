"""Hightouch: a segment mirrored into a manual segment that is there, by its id: the App API is not asked."""

from typing import Any

from tests.wire.case import Case, Held, Json, delete, identify, member

_ROW = "Hightouch: a segment mirrored into a manual segment, new or existing"

_WHO = {"id": "1001"}
_MAIL = {"email": "user-1@example.com"}
_SEGMENT = "Paying (synced)"
_SYNC: Json = {"segments": ["Paying", "Trial"], "identifier": "external_id", "manual_segments": {"Paying": 1}}


def _user(version: int, *segments: str, **rest: Any) -> Json:
    user = {"id": "user-1", "external_id": "1001", **_MAIL}
    return {"user": user, "segments": list(segments), "version": version, **rest}


def _mirrored(name: str, messages: list[Json], sends: list[Json], sync: Json | None = None, **rest: Any) -> Case:
    return Case(
        name=name,
        rows=[_ROW],
        form="native",
        manual=[_SEGMENT],
        sync={**_SYNC, **(sync or {})},
        messages=messages,
        sends=sends,
        **rest,
    )


_IN = member(_WHO, "add_customers", 1)
_OUT = member(_WHO, "remove_customers", 1)
_MET = identify(_WHO)

CASES = [
    _mirrored(
        "who is in the segment is put in, once they are there",
        [_user(1, "Paying")],
        [_MET, _IN],
        holds=[Held(_WHO, segments=[_SEGMENT])],
    ),
    _mirrored(
        "by e-mail, where the sync says so",
        [_user(1, "Paying")],
        [identify(_MAIL), member(_MAIL, "add_customers", 1)],
        sync={"identifier": "email", "identify_by": "email"},
        holds=[Held(_MAIL, segments=[_SEGMENT])],
    ),
    _mirrored(
        "who leaves the segment is taken out, and stays in the audience",
        [_user(1, "Paying"), _user(2, "Trial")],
        [_MET, _IN, _OUT],
        at_once=[_MET],
        holds=[Held(_WHO)],
    ),
    _mirrored(
        "who leaves the audience is taken out, where they are kept",
        [_user(1, "Paying"), _user(2)],
        [_MET, _IN, _OUT],
        sync={"on_exit": "keep"},
        at_once=[_MET],
        holds=[Held(_WHO)],
    ),
    _mirrored(
        "who leaves the audience and is deleted needs no taking out",
        [_user(1, "Paying"), _user(2)],
        [_MET, _IN, delete(_WHO)],
        at_once=[],
    ),
]
