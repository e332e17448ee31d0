"""What an action can do: each a function that adds to the draft, with the fields it takes.

A new one is a function here and its line in `EFFECTS`; settings, checks, documents and explanations follow from that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from connector.actions.draft import Draft
from connector.actions.template import (
    ABSENT,
    ANYTHING,
    OBJECT,
    SOMETHING,
    TEXT,
    TIME,
    WORD,
    TemplateObject,
    TemplateSource,
    ValueKind,
    filled,
    first,
    source,
    table,
)
from connector.formats import devices
from connector.formats.events import id_of, name_of
from connector.formats.reading import segment_of
from connector.formats.relationships import object_id, relationship, type_id
from connector.formats.segment import audiences, reports
from connector.formats.segment import devices as segment_devices
from connector.model.change import EventKind, ObjectChange

IGNORE = "ignore"

Values = Mapping[str, Any]
"""The values of the fields that the call has something for."""


class Field(NamedTuple):
    """A field of an effect. entries: what the single entries take where it is an object."""

    name: str
    kind: ValueKind
    default: TemplateSource | TemplateObject = ()
    required: bool = False
    entries: ValueKind = ANYTHING

    def value(self, call: Mapping[str, Any], template: TemplateSource | TemplateObject) -> Any:
        """Returns what it takes from a call, or ABSENT."""
        if isinstance(template, TemplateObject):
            return filled(call, template, self.entries) or ABSENT
        return first(call, template, self.kind)

    def template(self, given: object) -> TemplateSource | TemplateObject:
        """Returns where the settings say its value comes from. Raises UnreadableError with what is accepted."""
        return table(given) if self.kind is OBJECT else source(given)


@dataclass(frozen=True, slots=True)
class ActionEffect:
    """One thing that can be done. Its function raises UnreadableError where the values do not do."""

    name: str
    about: str
    fields: tuple[Field, ...]
    do: Callable[[Draft, Values], None]

    def field(self, name: str) -> Field | None:
        """Returns the field of this name."""
        return next((each for each in self.fields if each.name == name), None)


def _identify(draft: Draft, values: Values) -> None:
    if "created_at" in values:
        draft.beneath["created_at"] = values["created_at"]
    draft.traits.update(values.get("attributes", {}))


def _event(kind: EventKind) -> Callable[[Draft, Values], None]:
    def add(draft: Draft, values: Values) -> None:
        properties = values.get("properties", {})
        if "category" in values and "category" not in properties:
            properties = {**properties, "category": values["category"]}
        told = kind, values["name"], properties
        if kind == "event":
            told = reports.read(name_of(values["name"]), properties)
        draft.event(*told, id_of(values.get("id")), values.get("time"))

    return add


def _account(draft: Draft, values: Values) -> None:
    draft.account |= {**values.get("attributes", {}), "id": values["id"]}


def _add_device(draft: Draft, values: Values) -> None:
    token = values["token"]
    attributes = values.get("attributes")
    if attributes is None:
        attributes = segment_devices.attributes_of(draft.context)
    platform = segment_devices.platform_of(token, values.get("platform"))
    device = devices.device(token, platform, values.get("last_used", draft.at), attributes)
    draft.devices[device.token] = device


def _delete_device(draft: Draft, values: Values) -> None:
    device = devices.gone(values["token"])
    draft.devices[device.token] = device


def _delete_person(draft: Draft, _: Values) -> None:
    draft.deleted = True


def _object(draft: Draft, values: Values) -> None:
    type, id = type_id(values.get("type")), object_id(values["id"])
    told = values.get("attributes", {})
    draft.objects.append(ObjectChange(type, id, told, "group", version=draft.change.version))


def _delete_object(draft: Draft, values: Values) -> None:
    type, id = type_id(values.get("type")), object_id(values["id"])
    draft.delete_object(ObjectChange(type, id, {}, "group", version=draft.change.version, deleted=True))


def _relate(*, gone: bool) -> Callable[[Draft, Values], None]:
    def relate(draft: Draft, values: Values) -> None:
        told = relationship(values.get("type"), values["id"], values.get("attributes"), gone=gone, origin="group")
        draft.relationships.append(told)

    return relate


def _suppress(*, suppressed: bool) -> Callable[[Draft, Values], None]:
    def suppress(draft: Draft, _: Values) -> None:
        draft.suppressed = suppressed

    return suppress


def _move(*, inside: bool) -> Callable[[Draft, Values], None]:
    def move(draft: Draft, values: Values) -> None:
        draft.move(segment_of(values["segment"], str), inside=inside)

    return move


def _audience_traits(draft: Draft, values: Values) -> None:
    entered, left = audiences.by_trait(draft.context, values["traits"])
    for inside, segments in ((True, entered), (False, left)):
        for each in segments:
            draft.move(each, inside=inside)


def _ignore(_draft: Draft, _: Values) -> None:
    """Does nothing: `action` stops there."""


_ID = Field("id", WORD)
_TIME = Field("time", TIME)
_PROPERTIES = Field("properties", OBJECT, table("properties"))
_CATEGORY = Field("category", TEXT, source("category"))
_TOKENS = source(["context.device.token", "properties.device_token", "properties.device_id", "properties.token"])
_TOKEN = Field("token", TEXT, _TOKENS, required=True)
_PLATFORM = Field("platform", TEXT, source(["properties.platform", "context.device.type", "context.os.name"]))
_PAGE_NAMES = source(["name", "properties.url", "context.page.url", {"value": "page"}])
_SCREEN_NAMES = source(["name", {"value": "screen"}])
_SEGMENT = Field("segment", WORD, required=True)
_TYPE = Field("type", WORD, source(["traits.object_type_id", "traits.objectTypeId", {"value": "1"}]))
_OBJECT = Field("id", WORD, source("groupId"), required=True)

_ALL = (
    ActionEffect(
        "identify",
        "the person gets these attributes",
        (Field("attributes", OBJECT, table("traits")), Field("created_at", SOMETHING, source("created_at"))),
        _identify,
    ),
    ActionEffect(
        "track",
        "an event of the person",
        (Field("name", TEXT, source("event"), required=True), _PROPERTIES, _ID, _TIME),
        _event("event"),
    ),
    ActionEffect(
        "page",
        "a page view of the person",
        (Field("name", TEXT, _PAGE_NAMES, required=True), _PROPERTIES, _CATEGORY, _ID, _TIME),
        _event("page"),
    ),
    ActionEffect(
        "screen",
        "a screen view of the person",
        (Field("name", TEXT, _SCREEN_NAMES, required=True), _PROPERTIES, _CATEGORY, _ID, _TIME),
        _event("screen"),
    ),
    ActionEffect(
        "account",
        "the person's account gets these attributes",
        (Field("id", WORD, source("groupId"), required=True), Field("attributes", OBJECT, table("traits"))),
        _account,
    ),
    ActionEffect(
        "object",
        "an object gets these attributes",
        (_OBJECT, _TYPE, Field("attributes", OBJECT, required=True)),
        _object,
    ),
    ActionEffect(
        "delete_object", "the object is deleted, and nobody is related to it", (_OBJECT, _TYPE), _delete_object
    ),
    ActionEffect(
        "relate",
        "the person is related to this object",
        (_OBJECT, _TYPE, Field("attributes", OBJECT)),
        _relate(gone=False),
    ),
    ActionEffect("unrelate", "the person is related to this object no more", (_OBJECT, _TYPE), _relate(gone=True)),
    ActionEffect(
        "add_device",
        "the person has this device; what is known of it is updated",
        (_TOKEN, _PLATFORM, Field("last_used", TIME), Field("attributes", OBJECT, entries=SOMETHING)),
        _add_device,
    ),
    ActionEffect("delete_device", "the person has this device no more", (_TOKEN,), _delete_device),
    ActionEffect("delete_person", "the person is deleted; nothing else of the call counts", (), _delete_person),
    ActionEffect(
        "suppress", "the person is deleted and blocked; nothing else of the call counts", (), _suppress(suppressed=True)
    ),
    ActionEffect(
        "unsuppress", "the person is free again; nothing else of the call counts", (), _suppress(suppressed=False)
    ),
    ActionEffect("enter_segment", "the person enters this segment", (_SEGMENT,), _move(inside=True)),
    ActionEffect("leave_segment", "the person leaves this segment", (_SEGMENT,), _move(inside=False)),
    ActionEffect(
        "audience_traits",
        "the person enters or leaves each audience that the context names, as the trait of that name is true or false",
        (Field("traits", OBJECT, table("traits"), required=True),),
        _audience_traits,
    ),
    ActionEffect(IGNORE, "nothing more: no action behind this one takes the call", (), _ignore),
)
EFFECTS: Mapping[str, ActionEffect] = {each.name: each for each in _ALL}
