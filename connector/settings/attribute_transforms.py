"""What the `transform` of an attribute, and of events, accepts: names of steps, and two that take a value."""

from collections.abc import Collection
from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connector.model import attribute_names, transforms
from connector.settings.mistakes import listed, refuse, shown
from connector.settings.validators import Section

_ACCEPTED = f"give one of {listed(transforms.NAMES)}, {{ join = TEXT }}, {{ default = VALUE }}"


class Join(Section):
    """A list as one text."""

    join: str = Field(description="What stands between the values of a list.")


class Default(Section):
    """A value where there is none."""

    default: str | int | float | bool = Field(description="What is sent in place of null, empty text and nothing.")


def step(given: Any) -> list[str]:
    """A step that there is. A line where there is none such."""
    if isinstance(given, str):
        return [] if given in transforms.NAMES else [f"{shown(given)} is not accepted; {_ACCEPTED}"]
    if isinstance(given, Join | Default):
        return []
    if not isinstance(given, dict) or len(given) != 1:
        return [f"{shown(given)} is not accepted; {_ACCEPTED}"]
    ((key, value),) = given.items()
    if key == "join":
        return [] if isinstance(value, str) else [f"{{ join = {shown(value)} }} is not accepted; give text in quotes"]
    if key == transforms.DEFAULT:
        return _default(value)
    return [f"{{ {shown(key)[1:-1]} = ... }} is not accepted; {_ACCEPTED}"]


def _default(value: Any) -> list[str]:
    if isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)):
        return []
    return [f"{{ default = {shown(value)} }} is not accepted; give text, a number, true or false"]


def _checked(given: Any) -> Any:
    refuse(step(given))
    return given


TransformSetting = Annotated[transforms.TransformName | Join | Default, BeforeValidator(_checked)]


def of_properties(given: Any) -> list[str]:
    """A line where what is given does not say which property goes through which steps."""
    if not isinstance(given, dict):
        return [f"{shown(given)} is not accepted; give a table of properties: {{ PROPERTY = [STEP, ...] }}"]
    return [] if all(given) else ["'' is not accepted; name a property of the event"]


def _named_properties(given: Any) -> Any:
    refuse(of_properties(given))
    return given


PropertyTransforms = Annotated[dict[str, tuple[TransformSetting, ...]], BeforeValidator(_named_properties)]


def of_many_at_once(field: str, steps: Collection[TransformSetting]) -> list[str]:
    """`account` and `*` stand for many attributes, which seldom want the same steps."""
    if field not in (attribute_names.ACCOUNT, attribute_names.EVERYTHING) or not steps:
        return []
    if field == attribute_names.EVERYTHING:
        return ["is not accepted: * is every field; name those to transform one by one, beside it"]
    return ["is not accepted: account is all its attributes; name those to transform one by one: account.NAME"]


def compiled(steps: Collection[TransformSetting]) -> tuple[transforms.TransformStep, ...]:
    """The steps as functions, in their order."""
    return tuple(transforms.step(*_named(each)) for each in steps)


def _named(given: TransformSetting) -> tuple[str, Any]:
    if isinstance(given, Join):
        return "join", given.join
    if isinstance(given, Default):
        return transforms.DEFAULT, given.default
    return given, None
