"""The settings in effect, line by line, with where each came from: no secret is among them, nor a URL's password."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, SecretStr

from connector.settings.mistakes import Layer, Loc, annotation_at, dotted, is_secret, starred

SET, NOT_SET = "set", "not set"
_DEFAULT = "default"
_SHOWN_NOWHERE = {("out", "url")}
"""Addresses that are as good as a secret, by their section and key, although their fields hold plain text."""
_STAND_IN = "https://***"


class EffectiveSetting(NamedTuple):
    """A key, its value as text, where that came from, and whether it is a secret: then the value says if it is set."""

    key: str
    value: str
    origin: str
    secret: bool = False

    @property
    def section(self) -> str:
        """The table that it stands in: that of the file's first level, and the name behind it where there is one."""
        first, _, rest = self.key.partition(".")
        name, dot, _ = rest.partition(".")
        return f"{first}.{name}" if dot else first


class Origins:
    """Which source gave which key, and what the file gave, without secrets. Of other sources it holds no value.

    Settings are the same wherever they came from.
    """

    def __init__(self, model: type[BaseModel] = BaseModel, layers: Sequence[Layer] = ()) -> None:
        """Keeps the keys of the sources, the strongest first, of which the file is the last; model: the settings."""
        self.file: Mapping[str, Any] = _without_secrets(model, layers[-1].values) if layers else {}
        self._layers = [Layer(each.label, _keys(each.values), each.names) for each in layers]

    def of(self, loc: Loc) -> str:
        """Returns in words where the value at `loc` came from."""
        found = next((each for each in self._layers if each.holds(loc)), None)
        return _DEFAULT if found is None else found.place(loc)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origins)

    __hash__ = None  # type: ignore[assignment]  # what is equal to everything of its kind has none


def _keys(values: Any) -> Any:
    """Returns the nested keys without their values."""
    return {key: _keys(value) for key, value in values.items()} if isinstance(values, dict) else None


def _without_secrets(model: type[BaseModel], values: Any, loc: Loc = ()) -> Any:
    """Nested values as they are accepted, without what they have of secrets."""
    if isinstance(values, dict):
        shown = {key: each for key, each in values.items() if not _is_left_out(model, (*loc, key))}
        return {key: _without_secrets(model, each, (*loc, key)) for key, each in shown.items()}
    if isinstance(values, list):
        return [_without_secrets(model, each, (*loc, place)) for place, each in enumerate(values)]
    if (loc[0], loc[-1]) in _SHOWN_NOWHERE:
        return _STAND_IN
    return _without_password(values) if isinstance(values, str) else values


def _is_left_out(model: type[BaseModel], loc: Loc) -> bool:
    """Whether this secret may be left out of the file. A required secret gets a placeholder instead."""
    return is_secret_at(model, loc) and (loc[0], loc[-1]) not in _SHOWN_NOWHERE


def effective(settings: BaseModel, origins: Origins) -> list[EffectiveSetting]:
    """Returns every key of the settings, in the order of their tables."""
    return [
        EffectiveSetting(dotted(loc), text, origins.of(loc), secret) for loc, text, secret in _lines(settings, settings)
    ]


def _lines(root: BaseModel, value: Any, loc: Loc = ()) -> Iterator[tuple[Loc, str, bool]]:
    if is_secret_at(type(root), loc) or isinstance(value, SecretStr):
        yield loc, SET if value else NOT_SET, True
    elif isinstance(value, BaseModel):
        for name, key in _names(value):
            if key != "name" or not loc:
                yield from _lines(root, getattr(value, name), (*loc, key))
    elif isinstance(value, Mapping) and any(isinstance(each, BaseModel | SecretStr) for each in value.values()):
        for key, each in value.items():
            yield from _lines(root, each, (*loc, key))
    else:
        yield loc, _text(value), False


def is_secret_at(model: type[BaseModel], loc: Loc) -> bool:
    """Whether the key holds a secret, or several, or something as good as one."""
    if not loc:
        return False
    if (loc[0], loc[-1]) in _SHOWN_NOWHERE:
        return True
    annotation = annotation_at(model, loc)
    return is_secret(annotation) or _any_secret(annotation)


def _any_secret(annotation: Any) -> bool:
    """Whether a type is a kind of secret, or one of those that it may be is."""
    found = [annotation, *getattr(annotation, "__args__", ())]
    return any(isinstance(each, type) and issubclass(each, SecretStr) for each in found)


def _text(value: Any) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) and plain else json.dumps(plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Returns a value as JSON, with secrets left out."""
    if isinstance(value, SecretStr):
        return SET
    if isinstance(value, BaseModel):
        given = {key: getattr(value, name) for name, key in _names(value)}
        return {key: _plain(each) for key, each in given.items()}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return _without_password(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _names(value: BaseModel) -> list[tuple[str, str]]:
    return [(name, str(info.validation_alias or name)) for name, info in type(value).model_fields.items()]


def _without_password(text: str) -> str:
    """A text without the user, the password and the parameters that a URL in it carries."""
    address, mark, _ = starred(text).partition("?")
    return f"{address}?***" if mark and "://" in text else starred(text)
