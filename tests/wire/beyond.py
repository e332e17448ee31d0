"""What goes beyond the source systems, in the native form, which is everybody's who has none of theirs."""

from typing import Any

from tests.wire.case import Case, Held, Json, add_device, delete, delete_device, identify, merge

_ROW = "Beyond them: "
_HOLDER = _ROW + "one holder for each identifier, merges on a change"
_SPEC = "Customer.io's own destination, Segment-style sources, MetaRouter: "
_DEVICES = _SPEC + "devices: added, updated, deleted"
_DELETED = _SPEC + "a user deleted at the source"

_WHO = {"id": "1001"}
_NEW = {"id": "2002"}
_SYNC: Json = {"segments": ["Paying"], "identifier": "external_id", "attributes": ["plan"]}
_PHONE: Json = {"token": "token-1", "platform": "ios", "attributes": {"app_version": "2.1"}}
_TABLET: Json = {"token": "token-2", "platform": "android"}
_PHONE_HELD = {"token-1": {"platform": "ios", "attributes": {"app_version": "2.1"}}}
_PHONE_ADDED = add_device(_WHO, "token-1", platform="ios", attributes={"app_version": "2.1"})
_TABLET_ADDED = add_device(_WHO, "token-2", platform="android")


def _whole(version: int, external_id: str = "1001", user: str = "user-1", **rest: Any) -> Json:
    said = {"user": {"id": user, "external_id": external_id, "plan": "pro"}, "segments": ["Paying"]}
    return {**said, "whole": True, "version": version, **rest}


def _part(version: int, **rest: Any) -> Json:
    return {"user": {"id": "user-1"}, "version": version, **rest}


_PRO = identify(_WHO, {"plan": "pro"})
_NEW_PRO = identify(_NEW, {"plan": "pro"})


def _renamed(name: str, on_change: str, sends: list[Json], holds: list[Held], **rest: Any) -> Case:
    return Case(
        name=name,
        rows=[_HOLDER],
        form="native",
        sync={**_SYNC, "on_identifier_change": on_change},
        messages=[_whole(1), _whole(2, "2002")],
        sends=sends,
        holds=holds,
        at_once=[_NEW_PRO],
        holds_at_once=[Held(_NEW, {"plan": "pro"})],
        **rest,
    )


CASES = [
    Case(
        name="devices come and go with what a message says of them",
        rows=[_DEVICES],
        form="native",
        sync=_SYNC,
        messages=[
            _whole(1, devices=[_PHONE]),
            _part(2, devices=[_TABLET]),
            _part(3, devices=[{"token": "token-2", "deleted": True}]),
        ],
        sends=[_PRO, _PHONE_ADDED, _TABLET_ADDED, delete_device(_WHO, "token-2")],
        at_once=[_PRO, delete_device(_WHO, "token-2"), _PHONE_ADDED],
        holds=[Held(_WHO, {"plan": "pro"}, devices=_PHONE_HELD)],
    ),
    Case(
        name="a user whom upstream deletes is deleted whatever on_exit says",
        rows=[_DELETED],
        form="native",
        sync={**_SYNC, "on_exit": "keep"},
        messages=[_whole(1), _part(2, deleted=True)],
        sends=[_PRO, delete(_WHO)],
        at_once=[delete(_WHO)],
    ),
    Case(
        name="segments as a difference",
        form="native",
        sync={**_SYNC, "segment_attribute": "segments"},
        messages=[
            _part(1, entered=["Paying", "Trial"], user={"id": "user-1", "external_id": "1001", "plan": "pro"}),
            _part(2, left=["Trial"]),
            _part(3, left=["Paying"]),
        ],
        sends=[
            identify(_WHO, {"plan": "pro", "segments": ["paying", "trial"]}),
            identify(_WHO, {"plan": "pro", "segments": ["paying"]}),
            delete(_WHO),
        ],
        at_once=[],
    ),
    Case(
        name="an attribute that is null is cleared",
        form="native",
        sync=_SYNC,
        messages=[_whole(1), _part(2, user={"id": "user-1", "plan": None})],
        sends=[_PRO, identify(_WHO, {"plan": None})],
        at_once=[identify(_WHO, {"plan": None})],
        holds=[Held(_WHO)],
    ),
    Case(
        name="an older message that comes late changes nothing",
        form="native",
        sync=_SYNC,
        messages=[_whole(2), _part(1, user={"id": "user-1", "plan": "trial"})],
        sends=[_PRO],
        holds=[Held(_WHO, {"plan": "pro"})],
    ),
    _renamed(
        "whose identifier changes is merged into the new one",
        "merge",
        [_PRO, _NEW_PRO, merge(_NEW, _WHO)],
        [Held(_NEW, {"plan": "pro"})],
    ),
    _renamed(
        "whose identifier changes is replaced by the new one",
        "replace",
        [_PRO, delete(_WHO), _NEW_PRO],
        [Held(_NEW, {"plan": "pro"})],
    ),
    _renamed(
        "whose identifier changes goes on under the first",
        "keep",
        [_PRO],
        [Held(_WHO, {"plan": "pro"})],
    ),
    Case(
        name="the second user who claims an identifier is not sent, and told",
        rows=[_HOLDER],
        form="native",
        sync=_SYNC,
        messages=[_whole(1), _whole(1, user="user-2")],
        sends=[_PRO],
        holds=[Held(_WHO, {"plan": "pro"})],
        problems=[("conflict", "user-2", "id:1001 is the identifier of the user 'user-1' too")],
    ),
]
