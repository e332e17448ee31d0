"""The user's id where a call has no `userId` of its own: libraries and platforms write it into the context too.

`context.traits.userId` is what mobile libraries keep of an earlier identify; `context.externalId` and
`context.externalIds` are lists of ids of several systems, each with its type (docs/segment.md#who-it-is).
"""

from collections.abc import Iterator
from typing import Any

from connector.model import identifiers
from connector.model.change import Fields

_TYPES = frozenset({"userid", "externalid", "id", "customerioid", "customerio"})
"""The types of ids by which people are known in Customer.io, written in small letters and without signs."""


def with_user_id(call: Fields) -> Fields:
    """Returns the call with the id of its user as `userId`, wherever it stands."""
    if identifiers.text(call.get("userId")) is not None:
        return call
    found = next(_in_context(call.get("context")), None)
    return call if found is None else {**call, "userId": found}


def _in_context(context: object) -> Iterator[str]:
    if not isinstance(context, dict):
        return
    traits = context.get("traits")
    if isinstance(traits, dict) and (own := identifiers.text(traits.get("userId"))) is not None:
        yield own
    for field in ("externalId", "externalIds"):
        given = context.get(field)
        yield from _listed(given) if isinstance(given, list) else _alone(given)


def _listed(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, dict) and _plain(entry.get("type")) in _TYPES:
            yield from _alone(entry.get("id"))


def _alone(value: object) -> Iterator[str]:
    found = identifiers.text(value)
    if found is not None:
        yield found


def _plain(type: object) -> str:
    return "".join(filter(str.isalnum, type)).lower() if isinstance(type, str) else ""
