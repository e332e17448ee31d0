"""Lytics: an export of audiences, with the triggers as its webhook jobs post them."""

from typing import Any

from tests.wire.case import Case, Held, Json, delete, identify

_ROW = "Lytics: "
_TRIGGERS = _ROW + "audience triggers: enter, exit, update"
_FIELDS = _ROW + "unique identifier field, e-mail field, extra attributes"
_EXISTING = _ROW + "existing users, with progress, pause, resume and a pace"
_JOBS = [_ROW + "authorisations with label and description", _ROW + "jobs with label and description"]

_EMAIL = "user-1@example.com"
_WHO = {"id": "1001"}
_BOTH = {**_WHO, "email": _EMAIL}

# The job of the page: an audience, the field that identifies, the field with the address, extra attributes.
_JOB: Json = {
    "label": "Paying users",
    "description": "Export of the audience Paying",
    "segments": ["paying"],
    "identifier": "user_id",
    "attributes": [{"from": "work_email", "to": "email"}, "plan", "cio_channels"],
    "on_exit": "keep",
}


def _trigger(second: int, event: str, *audiences: str, **fields: Any) -> Json:
    at = f"2026-01-31T10:00:{second:02}.000Z"
    listed = [{"id": f"id-{slug}", "event": event, "slug": slug, event: at} for slug in audiences]
    given = {"user_id": "1001", "work_email": _EMAIL, "plan": "pro", **fields}
    data = {name: value for name, value in given.items() if value is not ...}
    return {
        "id": f"70760000000000000{second:02}",
        "data": {**data, "_modified": at, "segment_events": listed},
        "meta": {"object": "user"},
    }


def _in_meta(second: int, event: str, audience: str, **fields: Any) -> Json:
    meta = {"event": event, "audience_slug": audience, "timestamp": f"2026-01-31T10:00:{second:02}Z"}
    return {"data": {"user_id": "1001", "work_email": _EMAIL, **fields}, "meta": meta}


_PRO = identify(_WHO, {"email": _EMAIL, "plan": "pro"})
_FREE = identify(_WHO, {"email": _EMAIL, "plan": "free"})

CASES = [
    Case(
        name="who enters the audience comes, with the address and the extra attributes",
        rows=[*_JOBS, _TRIGGERS, _FIELDS],
        form="lytics",
        sync=_JOB,
        messages=[_trigger(1, "enter", "paying", cio_channels=["email", "push"], secret="not chosen")],
        sends=[identify(_WHO, {"email": _EMAIL, "plan": "pro", "cio_channels": ["email", "push"]})],
        holds=[Held(_BOTH, {"plan": "pro", "cio_channels": ["email", "push"]})],
    ),
    Case(
        name="who is there already is updated",
        rows=[_TRIGGERS],
        form="lytics",
        sync=_JOB,
        there=[identify(_WHO, {"email": _EMAIL, "plan": "free", "city": "Bergen"})],
        messages=[_trigger(1, "enter", "paying")],
        sends=[_PRO],
        holds=[Held(_BOTH, {"plan": "pro", "city": "Bergen"})],
    ),
    Case(
        name="an update brings the new fields, and clears what is gone",
        rows=[_TRIGGERS],
        form="lytics",
        sync=_JOB,
        messages=[_trigger(1, "enter", "paying", cio_channels=["sms"]), _trigger(2, "update", "paying", plan="free")],
        sends=[
            identify(_WHO, {"email": _EMAIL, "plan": "pro", "cio_channels": ["sms"]}),
            identify(_WHO, {"email": _EMAIL, "plan": "free", "cio_channels": None}),
        ],
        at_once=[_FREE],
        holds=[Held(_BOTH, {"plan": "free"})],
    ),
    Case(
        name="another audience does not let anybody in",
        rows=[_TRIGGERS],
        form="lytics",
        sync=_JOB,
        messages=[_trigger(1, "enter", "newsletter")],
        sends=[],
    ),
    Case(
        name="who exits stays, where the job only creates and updates",
        rows=[_TRIGGERS],
        form="lytics",
        sync=_JOB,
        messages=[_trigger(1, "enter", "paying"), _trigger(2, "exit", "paying", plan="free")],
        sends=[_PRO],
        at_once=[_PRO],
        holds=[Held(_BOTH, {"plan": "pro"})],
    ),
    Case(
        name="who exits is deleted, where that is asked for",
        rows=[_TRIGGERS],
        form="lytics",
        sync={**_JOB, "on_exit": "delete"},
        messages=[_trigger(1, "enter", "paying"), _trigger(2, "exit", "paying")],
        sends=[_PRO, delete(_WHO)],
        at_once=[],
    ),
    Case(
        name="the event and the audience beside the fields",
        rows=[_TRIGGERS],
        form="lytics",
        sync={**_JOB, "on_exit": "delete"},
        messages=[_in_meta(1, "enter", "paying", plan="free"), _in_meta(2, "update", "paying", plan="pro")],
        sends=[_FREE, _PRO],
        at_once=[_PRO],
        holds=[Held(_BOTH, {"plan": "pro"})],
    ),
    Case(
        name="the address as the field that identifies",
        rows=[_FIELDS],
        form="lytics",
        sync={**_JOB, "identifier": "work_email", "identify_by": "email", "attributes": ["plan"]},
        messages=[_trigger(1, "enter", "paying")],
        sends=[identify({"email": _EMAIL}, {"plan": "pro"})],
        holds=[Held({"email": _EMAIL}, {"plan": "pro"})],
    ),
    Case(
        name="who has no value in the field that identifies does not come",
        rows=[_FIELDS],
        form="lytics",
        sync=_JOB,
        messages=[_trigger(1, "enter", "paying", user_id=..., email=_EMAIL)],
        sends=[],
    ),
    Case(
        name="existing users, as a bulk load",
        rows=[_EXISTING],
        form="lytics",
        sync=_JOB,
        backfill=True,
        messages=[
            {"data": {"user_id": f"100{number}", "plan": "pro", "segments_all": ["paying"]}, "meta": {}}
            for number in (1, 2, 3)
        ],
        sends=[identify({"id": f"100{number}"}, {"plan": "pro"}) for number in (1, 2, 3)],
        holds=[Held({"id": f"100{number}"}, {"plan": "pro"}) for number in (1, 2, 3)],
    ),
]
