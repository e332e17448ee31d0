"""Users who turned out to be one, as every format tells of them: the one who goes on, and a change for each other.

A visitor is nobody yet: their anonymous id goes with the person, and Customer.io joins what they did (reference:
customerio-api, 5).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from connector.model.change import Change
from connector.errors import UnreadableError
from connector.formats.reading import user_key, visitor, word

MOST = 100
"""How many other users a message may name."""
_NAMES = ("id", "external_id", "email", "anonymous_id", "anonymous_ids")


def with_merged(change: Change, others: Iterable[Mapping[str, Any]]) -> list[Change]:
    """`change` of the user who goes on, and that `others` (by the fields that say who a user is) were merged into them.

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
            found.append(Change(key=key, user={}, version=change.version, merged_into=change.key))
    return [change, *found]


def other(given: object) -> Mapping[str, Any]:
    """One user as a message names them: the `id` alone, or an object with the fields that say who a user is."""
    if isinstance(given, dict):
        unknown = [name for name in given if name not in _NAMES]
        if unknown:
            raise UnreadableError(f'a user in "merges" is named by {", ".join(_NAMES[:4])}, and by nothing else')
        return given
    if (own := word(given)) is None:
        raise UnreadableError('a user in "merges" is neither an id nor an object with one')
    return {"id": own}
