"""Transformations of one value, in the order in which the settings name their steps.

Null passes through every step but `default`: it says that there is nothing, and clears the attribute. A step never
guesses: what it cannot take is a Fault, and the value is left out rather than sent as something else.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, NamedTuple, get_args

from connector.model import times

TransformName = Literal["lower", "upper", "trim", "number", "boolean", "date", "text", "join"]
NAMES: tuple[str, ...] = get_args(TransformName)
DEFAULT = "default"
TEXTUAL = frozenset({"text", "join"})
"""The steps that make text which is to stay text: a date in it is not converted."""

_CANNOT: Any = object()
_SEPARATOR = ", "
_LONGEST_NUMBER = 1000  # digits; Customer.io takes no more bytes in a value
_WHOLE = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}
_EXACT_INTEGERS = 2**53

_TAKES = {
    "lower": "text",
    "upper": "text",
    "trim": "text",
    "number": "a number, also written as text",
    "boolean": 'true, false, yes, no, 1, 0 and ""',
    "date": "an ISO date or date-time, unix seconds and milliseconds",
    "text": "text, a number, true and false",
    "join": "a list of texts, numbers, true and false",
}


class TransformStep(NamedTuple):
    """One step, ready to be applied."""

    name: str
    change: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class TransformFault:
    """The reason why a step refused a value, as the rest of a sentence that begins with the attribute."""

    reason: str


def step(name: str, argument: Any = None) -> TransformStep:
    """Returns the step called `name`: one of NAMES, or `default`. argument: the separator of `join`, or the default."""
    if name == DEFAULT:
        return TransformStep(name, lambda value: argument if value is None or value == "" else value)
    if name == "join":
        separator = _SEPARATOR if argument is None else argument
        return TransformStep(name, lambda value: _joined(value, separator))
    return TransformStep(name, _CHANGES[name])


def apply(value: Any, steps: Iterable[TransformStep]) -> Any:
    """Returns `value` after all `steps`, or the TransformFault of the first that cannot take what it is given."""
    for name, change in steps:
        if value is None and name != DEFAULT:
            continue
        changed = change(value)
        if changed is _CANNOT:
            return TransformFault(f'is {_kind(value)} that the step "{name}" cannot take (it takes {_TAKES[name]})')
        value = changed
    return value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a table"


def _of_text(change: Callable[[str], str]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, str) else _CANNOT


def _number(value: Any) -> Any:
    """Returns a number as it is, or read from text: 12, -1.5, 2e3. Thousands' signs differ by country: none is read."""
    if not isinstance(value, str):
        return _CANNOT if isinstance(value, bool) or not isinstance(value, int | float) else value
    written = value.strip()
    if len(written) > _LONGEST_NUMBER:
        return _CANNOT
    if _WHOLE.fullmatch(written):
        return int(written)
    if not _DECIMAL.fullmatch(written):
        return _CANNOT
    read = float(written)
    return read if isfinite(read) else _CANNOT


def _boolean(value: Any) -> Any:
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip().lower(), _CANNOT)
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else _CANNOT


def _date(value: Any) -> Any:
    """Returns unix seconds. Digits in text are no date by themselves: the step `number` must come before."""
    seconds = times.seconds(value.strip() if isinstance(value, str) else value)
    return _CANNOT if seconds is None else seconds


def _text(value: Any) -> Any:
    """Returns the text that JSON has for the value; 5 for 5.0, since many upstreams know only one kind of number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**_LONGEST_NUMBER else _CANNOT
    return _of_float(value) if isinstance(value, float) else _CANNOT


def _of_float(value: float) -> Any:
    if not isfinite(value):
        return _CANNOT
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT_INTEGERS else repr(value)


def _joined(value: Any, separator: str) -> Any:
    """Returns the texts of a list, joined, without nulls; a single value counts as a list of one."""
    texts = [_text(each) for each in (value if isinstance(value, list) else [value]) if each is not None]
    return _CANNOT if any(each is _CANNOT for each in texts) else separator.join(texts)


_CHANGES: Mapping[str, Callable[[Any], Any]] = {
    "lower": _of_text(str.lower),
    "upper": _of_text(str.upper),
    "trim": _of_text(str.strip),
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "text": _text,
}
