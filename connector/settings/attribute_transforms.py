"""What an attribute's `transform` accepts: names of steps, and the two that take a value of their own."""

from collections.abc import Collection
from math import isfinite
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connector import naming, transform
from connector.settings.mistakes import listed, refuse, shown
from connector.settings.validators import Section

_ACCEPTED = f"give one of {listed(transform.NAMES)}, {{ join = TEXT }}, {{ default = VALUE }}"


class Join(Section):
    """A list as one text."""

    join: str = Field(description="What stands between the values of a list.")


class Default(Section):
    """A value where there is none."""

    default: str | int | float | bool = Field(description="What is sent in place of null, empty text and nothing.")


def step(given: Any) -> list[str]:
    """A step that there is. A line where there is none such."""
    if isinstance(given, str):
        return [] if given in transform.NAMES else [f"{shown(given)} is not accepted; {_ACCEPTED}"]
    if isinstance(given, Join | Default):
        return []
    if not isinstance(given, dict) or len(given) != 1:
        return [f"{shown(given)} is not accepted; {_ACCEPTED}"]
    ((key, value),) = given.items()
    if key == "join":
        return [] if isinstance(value, str) else [f"{{ join = {shown(value)} }} is not accepted; give text in quotes"]
    if key == transform.DEFAULT:
        return _default(value)
    return [f"{{ {shown(key)[1:-1]} = ... }} is not accepted; {_ACCEPTED}"]


def _default(value: Any) -> list[str]:
    if isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)):
        return []
    return [f"{{ default = {shown(value)} }} is not accepted; give text, a number, true or false"]


def _checked(given: Any) -> Any:
    refuse(step(given))
    return given


Step = Annotated[transform.Name | Join | Default, BeforeValidator(_checked)]


def of_whole_account(field: str, steps: Collection[Step]) -> list[str]:
    """`account` stands for many attributes, which seldom want the same steps."""
    if field != naming.ACCOUNT or not steps:
        return []
    return ["is not accepted: account is all its attributes; name those to transform one by one: account.NAME"]


def compiled(steps: Collection[Step]) -> tuple[transform.Step, ...]:
    """The steps as functions, in their order."""
    return tuple(transform.step(*_named(each)) for each in steps)


def _named(given: Step) -> tuple[str, Any]:
    if isinstance(given, Join):
        return "join", given.join
    if isinstance(given, Default):
        return transform.DEFAULT, given.default
    return given, None
