"""How mistakes in the settings are told: a line each, with the place, the key, what was given, what is accepted.

Nothing here echoes a secret: values of secret fields and of whole tables are left out, user names and passwords in
URLs are starred.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

PREFIX = "CONNECTOR__"
LONGEST_SHOWN = 60

Loc = tuple[int | str, ...]

EXPECTED = {
    "string_type": "give text in quotes",
    "bool_type": "give true or false",
    "int_type": "give a whole number",
    "int_from_float": "give a whole number",
    "float_type": "give a number",
    "finite_number": "give a finite number",
    "tuple_type": 'give a list such as ["first", "second"]',
    "dict_type": "give a table",
    "model_type": "give a table",
    "literal_error": "give one of {expected}",
    "greater_than": "give more than {gt:g}",
    "greater_than_equal": "give {ge:g} or more",
    "less_than": "give less than {lt:g}",
    "less_than_equal": "give {le:g} or less",
    "too_long": "give at most {max_length}",
    "string_too_short": "give at least {min_length} character",
    "string_pattern_mismatch": "begin with a lower case letter, go on with those, digits and single underscores",
}
"""What is accepted, by pydantic's type of error."""

SILENT = {"default_factory_not_called"}
"""Errors that only follow from another one, which has its own line."""


def variable(loc: Sequence[int | str]) -> str:
    """The environment variable that sets the key at `loc`."""
    return PREFIX + "__".join(str(key) for key in loc).upper()


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source gave: nested values, and for variables their names as given, by the names in lower case."""

    label: str
    values: dict[str, Any] = field(repr=False)
    names: Mapping[str, str] | None = None

    def holds(self, loc: Loc) -> bool:
        """Whether this source gave the key at `loc`."""
        return found(self.values, loc) is not ABSENT

    def place(self, loc: Loc) -> str:
        """Where a human finds the value at `loc`."""
        if self.names is None:
            return self.label
        return f"{self.label}: {_variable_given([key for key in loc if isinstance(key, str)], self.names)}"


def _variable_given(keys: list[str], names: Mapping[str, str]) -> str:
    """The variable that sets a key: its own, one of a table around it, one below it; else the one to give."""
    for size in range(len(keys), 0, -1):
        name = variable(keys[:size]).lower()
        if name in names:
            return names[name]
    below = variable([*keys, ""]).lower()
    return next((given for name, given in names.items() if name.startswith(below)), variable(keys))


ABSENT: Any = object()


def found(values: Any, loc: Loc) -> Any:
    """The value at `loc` in nested values, or ABSENT."""
    for key in loc:
        if isinstance(values, list):
            values = dict(enumerate(values))
        if not isinstance(values, dict) or key not in values:
            return ABSENT
        values = values[key]
    return values


def place(layers: Sequence[Layer], loc: Loc) -> str:
    """Where the value at `loc` came from; for one that is not given, where its nearest table stands."""
    for layer in layers:
        if layer.holds(loc):
            return layer.place(loc)
    for size in range(len(loc) - 1, 0, -1):
        holder = next((layer for layer in reversed(layers) if layer.holds(loc[:size])), None)
        if holder is not None:
            return holder.place(loc)
    return layers[-1].place(loc)


_URL = re.compile(r"\s*[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def starred(text: str) -> str:
    """A URL, or any text, without the user names and passwords that URLs carry, and what is said to be a password."""
    # A URL is one to its end, whatever its password has in it; in other texts it ends with its line, or with a quote.
    user, value = ("(?s:.*)", "[^&]*") if _URL.match(text) else (r"(?:\S*|[^'\"\n]*)", r"[^\s&;'\"]*")
    without_users = re.sub(rf"://{user}@", "://***@", text)
    return re.sub(rf"(?i)((?:password|pwd)\s*=\s*){value}", r"\1***", without_users)


def shown(value: Any) -> str:
    """A value as a line shows it: starred, shortened, the way TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return "a table" if isinstance(value, dict) else "a list"
    text = starred(str(value))
    text = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
    return repr(text) if isinstance(value, str) else text


def listed(names: Collection[str]) -> str:
    """Names in a row, for a sentence."""
    return ", ".join(names)


def refuse(lines: Collection[str]) -> None:
    """Raises, inside a validator, one error that carries a line for each mistake; nothing where there are none."""
    if lines:
        raise PydanticCustomError("mistakes", "{text}", {"text": "; ".join(lines), "lines": list(lines)})


def annotation_at(annotation: Any, loc: Loc) -> Any:
    """The type the settings expect at `loc` below a type, or None where they know no such key."""
    for key in loc:
        if get_origin(annotation) in (dict, tuple):
            arguments = get_args(annotation)
            annotation = arguments[1] if get_origin(annotation) is dict else arguments[0]
            continue
        known = fields_of(annotation).get(str(key))
        if known is None:
            return None
        annotation = known.annotation
    return annotation


def fields_of(annotation: Any) -> dict[str, FieldInfo]:
    """The keys a table of this type takes in the file."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return {}
    return {str(info.validation_alias or name): info for name, info in annotation.model_fields.items()}


def is_secret(annotation: Any) -> bool:
    """Whether a field of this type holds a secret."""
    return annotation is SecretStr or SecretStr in get_args(annotation)


def misplaced(model: type[BaseModel], file: Layer) -> Iterator[str]:
    """A line for each secret that stands in the file."""
    for loc in _secrets_in(model, file.values):
        instead = f"give it as {variable(loc)}, in the environment or the secrets directory"
        yield f"{file.label}: {dotted(loc)}: a secret does not belong in this file; {instead}"


def _secrets_in(model: type[BaseModel], values: Any, loc: Loc = ()) -> Iterator[Loc]:
    """Every key in nested values that is a secret of the model."""
    if is_secret(annotation_at(model, loc)):
        yield loc
    elif isinstance(values, dict):
        for key, value in values.items():
            yield from _secrets_in(model, value, (*loc, key))


def dotted(loc: Loc) -> str:
    """A key as the file's reader knows it: `syncs.main.attributes[2].to`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in loc).lstrip(".")


def line(layers: Sequence[Layer], loc: Loc, text: str) -> str:
    """One mistake: where, which key, what about it."""
    return f"{place(layers, loc)}: {dotted(loc)}: {text}"


def lines(error: ErrorDetails, model: type[BaseModel], layers: Sequence[Layer]) -> list[str]:
    """The lines that one of pydantic's errors comes to."""
    if error["type"] in SILENT:
        return []
    loc = _told(error["loc"], layers)
    if error["type"] == "mistakes":
        return [line(layers, loc, text) for text in error["ctx"]["lines"]]
    return [line(layers, loc, _text(error, model))]


def _told(loc: Loc, layers: Sequence[Layer]) -> Loc:
    """The key as it was written: without pydantic's mark for keys, without the parts of an attribute given as text."""
    if loc and loc[-1] == "[key]":
        return loc[:-1]
    written = next((layer.values for layer in layers if layer.holds(loc[:-1])), {})
    return loc[:-1] if isinstance(found(written, loc[:-1]), str) else loc


def _text(error: ErrorDetails, model: type[BaseModel]) -> str:
    loc = error["loc"]
    if error["type"] == "extra_forbidden":
        return _unknown(str(loc[-1]), _settable(annotation_at(model, loc[:-1])))
    if error["type"] == "missing":
        return "is missing"
    return f"{_given(error, model)} is not accepted; {_accepted(error, model)}"


def _settable(annotation: Any) -> list[str]:
    """The keys that a table takes: a `name` that it can do without is the key of the table itself."""
    return [key for key, info in fields_of(annotation).items() if key != "name" or info.is_required()]


def _unknown(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"unknown key; did you mean {nearest[0]}?" if nearest else f"unknown key; known are {listed(known)}"


def _given(error: ErrorDetails, model: type[BaseModel]) -> str:
    expected = annotation_at(model, error["loc"])
    if is_secret(expected):
        return "what was given"
    if fields_of(expected) or get_origin(expected) is dict:
        return "what was given" if isinstance(error["input"], str) else shown(error["input"])
    return shown(error["input"])


def _accepted(error: ErrorDetails, model: type[BaseModel]) -> str:
    accepted = EXPECTED.get(error["type"])
    if accepted is None:
        return error["msg"]
    choices = listed([str(choice) for choice in get_args(annotation_at(model, error["loc"]))])
    return accepted.format(**{**error.get("ctx", {}), "expected": choices})
