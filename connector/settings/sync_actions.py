"""What `[[syncs.NAME.actions]]` accepts: when, do and map."""

import difflib
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from connector.actions import template
from connector.actions.action import Action as Ready
from connector.actions.action import Actions
from connector.actions.defaults import DEFAULTS
from connector.actions.effects import EFFECTS
from connector.actions.effects import Field as EffectField
from connector.actions.template import TemplateObject
from connector.actions.when import Condition as ReadyCondition
from connector.actions.when import When as ReadyWhen
from connector.errors import UnreadableError
from connector.formats.segment.calls import TYPES
from connector.settings.mistakes import listed, refuse, shown
from connector.settings.validators import Section, Switch

_TRACK = "track"
_ONLY_IN = {"event": "track", "groupId": "group"}
_CHECKS = ("is", "is_not", "exists")


def field_path(given: Any) -> list[str]:
    """A path into a call."""
    try:
        template.path(given)
    except UnreadableError as error:
        return [f"{shown(given)} is not accepted; {error}"]
    return []


def words(given: Any, known: Collection[str] | None = None) -> list[str]:
    """A text or a list of texts, of `known` ones where there is such a list."""
    several = given if isinstance(given, list | tuple) else [given]
    if not several:
        return ["an empty list is not accepted; leave it out"]
    mistakes = []
    for each in several:
        if not isinstance(each, str) or not each.strip():
            mistakes.append(f"{shown(each)} is not accepted; give text in quotes, or a list of texts")
        elif known is not None and each not in known:
            mistakes.append(f"{shown(each)} is not accepted; give one of {listed(known)}")
    return mistakes


def plain(given: Any) -> list[str]:
    """A value, or a list of values, to compare with."""
    several = given if isinstance(given, list | tuple) else [given]
    if several and all(map(template.is_plain, several)):
        return []
    return [f"{shown(given)} is not accepted; give text, a number, true, false, or a list of them"]


def mapped(do: str, given: Any) -> list[str]:
    """A table that says for fields of an effect where their values come from."""
    if not isinstance(given, Mapping):
        return [f"{shown(given)} is not accepted; give a table {{ FIELD = PATH }}"]
    return [line for name, each in given.items() for line in _field(do, str(name), each)]


def _field(do: str, name: str, given: Any) -> list[str]:
    field = EFFECTS[do].field(name)
    if field is None:
        known = [each.name for each in EFFECTS[do].fields]
        return [f"{shown(name)} is no field of do = {do!r}; {_nearest(name, known)}"]
    if field.kind is template.OBJECT and isinstance(given, dict):
        return [
            line for entry, each in given.items() for line in _refused(field, f"{name}.{entry}", {entry: each}, each)
        ]
    return _refused(field, name, given, given)


def _refused(field: EffectField, name: str, given: Any, written: Any) -> list[str]:
    try:
        field.template(given)
    except UnreadableError as error:
        return [f"{name}: {shown(written)} is not accepted; {error}"]
    return []


def missing(do: str, types: Collection[str], given: Mapping[str, Any]) -> list[str]:
    """Fields without which nothing can be done, and that calls of these types do not have by themselves."""
    return [
        f"{field.name} is missing; say where do = {do!r} takes it from"
        for field in EFFECTS[do].fields
        if field.required and field.name not in given and not _found_by_itself(field, types)
    ]


def _found_by_itself(field: EffectField, types: Collection[str]) -> bool:
    """Whether there is a default that can hold for each of the types; none given: it can."""
    if isinstance(field.default, TemplateObject):
        return True
    of = [_ONLY_IN.get(str(each)) for each in field.default]
    return bool(of) and all(any(only in (None, type) for only in of) for type in types)


def _nearest(name: str, known: Collection[str]) -> str:
    if not known:
        return "it has none"
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else f"its fields are {listed(known)}"


def _tuple(given: Any) -> Any:
    return tuple(given) if isinstance(given, list | tuple) else (given,)


def _types(given: Any) -> Any:
    refuse(words(given, TYPES))
    return _tuple(given)


def _events(given: Any) -> Any:
    refuse(words(given))
    return tuple(each.strip() for each in _tuple(given))


def _values(given: Any) -> Any:
    refuse(plain(given))
    return _tuple(given)


def _path(given: Any) -> Any:
    refuse(field_path(given))
    return given


def _several(one: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})


_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_PLAIN: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_VALUE: dict[str, Any] = {
    "type": "object", "properties": {"value": _PLAIN}, "required": ["value"], "additionalProperties": False,
}  # fmt: skip
_ONE: dict[str, Any] = {"anyOf": [_TEXT, _VALUE]}
_SOURCE: dict[str, Any] = {"anyOf": [_TEXT, _VALUE, {"type": "array", "items": _ONE, "minItems": 1}]}
_MAP: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"anyOf": [_SOURCE, {"type": "object", "additionalProperties": _SOURCE}]},
}

Types = Annotated[tuple[str, ...], BeforeValidator(_types), _several({"enum": list(TYPES)})]
EventNames = Annotated[tuple[str, ...], BeforeValidator(_events), _several(_TEXT)]
ListedValues = Annotated[tuple[str | int | float | bool, ...] | None, BeforeValidator(_values), _several(_PLAIN)]


class ConditionSettings(Section):
    """What stands in a field of the call; one of is, is_not, exists."""

    field: Annotated[str, BeforeValidator(_path)] = Field(description="A path into the call, such as properties.plan.")
    is_: ListedValues = Field(default=None, validation_alias="is", description="It is this value, or one of these.")
    is_not: ListedValues = Field(default=None, description="It is none of these values, or is not there.")
    exists: Annotated[Switch | None, WithJsonSchema({"type": "boolean"})] = Field(
        default=None, description="Whether it is there: not null."
    )

    @model_validator(mode="after")
    def _one_check(self) -> "ConditionSettings":
        if sum(each is not None for each in (self.is_, self.is_not, self.exists)) != 1:
            refuse([f"a condition has a field and one of {listed(_CHECKS)}"])
        return self

    def ready(self) -> ReadyCondition:
        """As it is applied."""
        return ReadyCondition(template.path(self.field), self.is_, self.is_not, self.exists)


class WhenSettings(Section):
    """Which calls an action is for. An empty table is every call."""

    type: Types = Field(default=(), description="The type of call, or several. Left out: any, or track beside event.")
    event: EventNames = Field(default=(), description="The name of a tracked event, or several. Left out: any.")
    where: tuple[ConditionSettings, ...] = Field(
        default=(), description="What stands in the call; all of it must hold."
    )

    @field_validator("event")
    @classmethod
    def _of_track(cls, event: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        types = info.data.get("type", ())
        if types and types != (_TRACK,):
            text = f"is for calls of the type track, and type is {listed(types)}; ask for names of others with where"
            refuse([text])
        return event

    def ready(self) -> ReadyWhen:
        """As it is applied."""
        types = frozenset(self.type) if self.type or not self.event else frozenset({_TRACK})
        return ReadyWhen(types, frozenset(self.event), tuple(each.ready() for each in self.where))


def _known(given: Any) -> Any:
    if not isinstance(given, str) or given not in EFFECTS:
        nearest = difflib.get_close_matches(str(given), EFFECTS, n=1)
        accepted = f"did you mean {nearest[0]}?" if nearest else f"give one of {listed(EFFECTS)}"
        refuse([f"{shown(given)} is not accepted; {accepted}"])
    return given


class ActionSettings(Section):
    """What a call of the Segment spec does for this sync."""

    when: WhenSettings = Field(description="Which calls it is for: type, event, where.")
    do: Annotated[str, BeforeValidator(_known), WithJsonSchema({"enum": list(EFFECTS)})] = Field(
        description="What it does; docs/actions.md has the list."
    )
    map: Annotated[Mapping[str, Any], WithJsonSchema(_MAP)] = Field(
        default={},
        validate_default=True,
        description="Where the fields of what it does take their values from: a path into the call, a list of paths of "
        "which the first that is there counts, or { value = ... }. Others take their defaults.",
    )

    @field_validator("map", mode="before")
    @classmethod
    def _fits(cls, given: Any, info: ValidationInfo) -> Any:
        if "do" in info.data:
            refuse(mapped(info.data["do"], given))
        if "do" in info.data and "when" in info.data:
            refuse(missing(info.data["do"], info.data["when"].ready().types, given))
        return given

    def ready(self, name: str) -> Ready:
        """As it is applied."""
        effect = EFFECTS[self.do]
        fields = {each.name: each.template(self.map[each.name]) for each in effect.fields if each.name in self.map}
        return Ready(name, self.when.ready(), effect, fields)


def compiled(actions: Collection[ActionSettings], *, defaults: bool) -> Actions | None:
    """The actions of a sync, ready to be applied; None where it has the defaults alone, which need no applying."""
    if not actions and defaults:
        return None
    own = tuple(each.ready(f"actions[{index}]") for index, each in enumerate(actions))
    return Actions(own, DEFAULTS if defaults else ())
