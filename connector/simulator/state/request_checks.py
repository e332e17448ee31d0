"""What is wrong with a Track v2 operation, field by field (docs/customerio.md#operations)."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from connector.simulator.base import limits
from connector.simulator.base.limits import Wrong
from connector.simulator.base.options import Options
from connector.simulator.state.events import is_ulid

_Check = Callable[[Mapping[str, Any], Options], Sequence[Wrong]]

_ANONYMOUS = frozenset({"identify", "event", "page", "screen"})
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_TYPE_ID = re.compile(r"[1-9][0-9]{0,8}")
_PLATFORMS = ("ios", "android")


def operation(item: Any, options: Options) -> Sequence[Wrong]:
    """Returns everything wrong with one operation; nothing for one that can be applied."""
    if not isinstance(item, dict):
        return (Wrong("invalid", "", "must be an object"),)
    type_, action = item.get("type"), item.get("action")
    if type_ not in ("person", "object", "delivery"):
        return (Wrong("invalid", "type", "must be one of person, object, delivery"),)
    check = _CHECKS.get((type_, action)) if isinstance(action, str) else None
    if check is None:
        return (Wrong("invalid", "action", f"is not an action of type {type_}"),)
    return check(item, options)


def _person(item: Mapping[str, Any], options: Options) -> Sequence[Wrong]:
    identifiers = item.get("identifiers")
    if not isinstance(identifiers, dict) or len(identifiers) != 1:
        return (Wrong("required", "identifiers", "must hold exactly one of id, email, phone, cio_id"),)
    for kind, value in identifiers.items():
        if kind == "phone" and not _E164.fullmatch(str(value)):
            return (Wrong("invalid", "identifiers.phone", "must be an E.164 phone number of this workspace"),)
        if kind in options.kinds or (kind == "anonymous_id" and item["action"] in _ANONYMOUS):
            return limits.identifier(value, f"identifiers.{kind}")
        return (Wrong("invalid", f"identifiers.{kind}", "is not an identifier of this workspace"),)
    return ()


def _identify(item: Mapping[str, Any], options: Options) -> Sequence[Wrong]:
    attributes = item.get("attributes")
    return (
        *_person(item, options),
        *limits.attributes(attributes),
        *_assigned(attributes, options),
        *limits.timestamp(item.get("timestamp")),
        *_relationships(item.get("cio_relationships") or (), _object_identifiers),
    )


def _assigned(attributes: Any, options: Options) -> Sequence[Wrong]:
    """Returns what is wrong with identifiers among the attributes; null and "" ask to clear one."""
    if not isinstance(attributes, dict):
        return ()
    wrong: list[Wrong] = []
    if "id" in attributes and attributes["id"] not in (None, ""):
        wrong.extend(limits.identifier(attributes["id"], "attributes.id"))
    email = attributes.get("email")
    if email is not None and "email" in options.kinds and not isinstance(email, str):
        wrong.append(Wrong("invalid", "attributes.email", "must be a string"))
    if "_timestamp" in attributes:
        wrong.extend(limits.timestamp(attributes["_timestamp"], "attributes._timestamp"))
    return wrong


def _event(item: Mapping[str, Any], options: Options) -> Sequence[Wrong]:
    # The item's own limit is below the one for event data, so the data need not be measured here.
    return (
        *_person(item, options),
        *limits.event_name(item.get("name")),
        *limits.event_data(item.get("attributes"), "attributes", may_be_large=False),
        *limits.timestamp(item.get("timestamp")),
        *event_id(item.get("id"), options),
    )


def event_id(value: Any, options: Options) -> Sequence[Wrong]:
    """Returns what is wrong with an event's id: it may be missing; what a non-ULID does is an option (2.4)."""
    if value is None or (options.non_ulid == "accept" and isinstance(value, str)) or is_ulid(value):
        return ()
    return (Wrong("invalid", "id", "must be a ULID"),)


def _add_device(item: Mapping[str, Any], options: Options) -> Sequence[Wrong]:
    device = item.get("device")
    if not isinstance(device, dict):
        return (*_person(item, options), Wrong("required", "device", "must be an object"))
    return (*_person(item, options), *limits.text(device.get("token"), "device.token"), *_device(device))


def _device(device: Mapping[str, Any]) -> Sequence[Wrong]:
    wrong: list[Wrong] = []
    if device.get("platform") not in _PLATFORMS:
        wrong.append(Wrong("invalid", "device.platform", f"must be one of {', '.join(_PLATFORMS)}"))
    last_used = device.get("last_used")
    if not (isinstance(last_used, str) and last_used):  # as text it is taken too, as some mobile libraries send it
        wrong.extend(limits.timestamp(last_used, "device.last_used"))
    wrong.extend(limits.attributes(device.get("attributes"), "device.attributes"))
    return wrong


def _delete_device(item: Mapping[str, Any], options: Options) -> Sequence[Wrong]:
    device = item.get("device")
    token = device.get("token") if isinstance(device, dict) else None
    return (*_person(item, options), *limits.text(token, "device.token"))


def _person_relationships(item: Mapping[str, Any], options: Options) -> Sequence[Wrong]:
    return (*_person(item, options), *_relationships(item.get("cio_relationships"), _object_identifiers))


def _merge(item: Mapping[str, Any], options: Options) -> Sequence[Wrong]:
    return (*merged(item.get("primary"), "primary", options), *merged(item.get("secondary"), "secondary", options))


def merged(value: Any, field: str, options: Options) -> Sequence[Wrong]:
    """Returns what is wrong with one side of a merge: it holds exactly one of id, email and cio_id."""
    if not isinstance(value, dict) or len(value) != 1:
        return (Wrong("required", field, "must hold exactly one of id, email, cio_id"),)
    for kind, name in value.items():
        if kind in options.kinds and kind != "phone":
            return limits.identifier(name, f"{field}.{kind}")
    return (Wrong("invalid", field, "must hold exactly one of id, email, cio_id"),)


def _object(item: Mapping[str, Any], _options: Options) -> Sequence[Wrong]:
    return _object_identifiers(item.get("identifiers"), "identifiers")


def _object_identifiers(identifiers: Any, field: str) -> Sequence[Wrong]:
    if not isinstance(identifiers, dict):
        return (Wrong("required", field, "must be an object"),)
    if "cio_object_id" in identifiers:
        return limits.identifier(identifiers["cio_object_id"], f"{field}.cio_object_id")
    type_id = str(identifiers.get("object_type_id"))
    if not _TYPE_ID.fullmatch(type_id):
        return (Wrong("invalid", f"{field}.object_type_id", "must be an integer from 1"),)
    return limits.identifier(identifiers.get("object_id"), f"{field}.object_id")


def _object_identify(item: Mapping[str, Any], options: Options) -> Sequence[Wrong]:
    return (
        *_object(item, options),
        *limits.attributes(item.get("attributes")),
        *_relationships(item.get("cio_relationships") or (), partial(_one_identifier, options)),
    )


def _object_relationships(item: Mapping[str, Any], options: Options) -> Sequence[Wrong]:
    return (*_object(item, options), *_relationships(item.get("cio_relationships"), partial(_one_identifier, options)))


def _one_identifier(options: Options, identifiers: Any, field: str) -> Sequence[Wrong]:
    known = [kind for kind in (*options.kinds, "anonymous_id") if kind != "phone"]
    if not isinstance(identifiers, dict) or len(identifiers) != 1 or not set(identifiers) <= set(known):
        return (Wrong("required", field, f"must hold exactly one of {', '.join(known)}"),)
    return [wrong for kind, value in identifiers.items() for wrong in limits.identifier(value, f"{field}.{kind}")]


def _relationships(value: Any, identifiers: Callable[[Any, str], Sequence[Wrong]]) -> Sequence[Wrong]:
    if not isinstance(value, list | tuple):
        return (Wrong("required", "cio_relationships", "must be an array"),)
    wrong: list[Wrong] = []
    for index, relationship in enumerate(value):
        field = f"cio_relationships.{index}"
        if not isinstance(relationship, dict):
            wrong.append(Wrong("invalid", field, "must be an object"))
            continue
        wrong.extend(identifiers(relationship.get("identifiers"), f"{field}.identifiers"))
        attributes = relationship.get("relationship_attributes")
        wrong.extend(limits.attributes(attributes, f"{field}.relationship_attributes"))
    return wrong


def _delivery(item: Mapping[str, Any], _options: Options) -> Sequence[Wrong]:
    identifiers = item.get("identifiers")
    delivery_id = identifiers.get("id") if isinstance(identifiers, dict) else None
    known = item.get("name") in ("opened", "converted", "delivered")
    name = () if known else (Wrong("invalid", "name", "must be one of opened, converted, delivered"),)
    return (*limits.text(delivery_id, "identifiers.id"), *name)


_CHECKS: dict[tuple[str, str], _Check] = {
    ("person", "identify"): _identify,
    ("person", "delete"): _person,
    ("person", "event"): _event,
    ("person", "page"): _event,
    ("person", "screen"): _event,
    ("person", "clicked_content"): _event,
    ("person", "viewed_content"): _event,
    ("person", "add_device"): _add_device,
    ("person", "delete_device"): _delete_device,
    ("person", "add_relationships"): _person_relationships,
    ("person", "delete_relationships"): _person_relationships,
    ("person", "merge"): _merge,
    ("person", "suppress"): _person,
    ("person", "unsuppress"): _person,
    ("object", "identify"): _object_identify,
    ("object", "identify_anonymous"): _object_identify,
    ("object", "delete"): _object,
    ("object", "add_relationships"): _object_relationships,
    ("object", "delete_relationships"): _object_relationships,
    ("delivery", "event"): _delivery,
}
