"""Users who turned out to be one, as every format tells of them: the one who goes on, and a change for each other.

A visitor is nobody yet: their anonymous id goes with the person, and Customer.io joins what they did
(docs/customerio.md#anonymous-events).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from connector.errors import UnreadableError
from connector.formats.user_key import user_key, visitor
from connector.model import identifiers
from connector.model.change import Change

MOST = 100
"""The most other users that a message may name."""
_NAMES = ("id", "external_id", "email", "anonymous_id", "anonymous_ids")


def with_merged(change: Change, others: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Returns the `change` of the user who goes on, and a change for each of `others` (their fields) merged into them.

    Raises UnreadableError where one of them names nobody.
    """
    found: list[Change] = []
    for other in others:
        anonymous_id = visitor(other)
        if all(other.get(name) is None for name in ("id", "external_id", "email")) and anonymous_id is not None:
            change = replace(change, anonymous_id=change.anonymous_id or anonymous_id)
            continue
        key = user_key(other, None)
        if key != change.key:
            merged = Change(key=key, user=dict(other), version=change.version, merged_into=change.key)
            found.append(replace(merged, original=change.original))
    return [change, *found]


def other(given: object) -> Mapping[str, Any]:
    """Returns one user as a message names them: the `id` alone, or an object with the fields that say who a user is."""
    if isinstance(given, dict):
        unknown = [name for name in given if name not in _NAMES]
        if unknown:
            raise UnreadableError(f'a user in "merges" is named by {", ".join(_NAMES[:4])}, and by nothing else')
        return given
    if (own := identifiers.text(given)) is None:
        raise UnreadableError('a user in "merges" is neither an id nor an object with one')
    return {"id": own}
