"""The schema of settings.toml as something to ask: made once, since that takes a hundred times as long as to ask it."""

import tomllib
from functools import cache

import jsonschema

from connector.settings import schema


def check(text: str) -> None:
    """Raises jsonschema.ValidationError where an editor would mark a mistake in this settings.toml."""
    _validator().validate(tomllib.loads(text))


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema.schema())
