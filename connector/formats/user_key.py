"""The key of a user: what upstream knows them by, the same in every form."""

import re
from collections.abc import Mapping
from typing import Any

from connector.errors import UnreadableError
from connector.model import identifiers
from connector.model.bounds import storable

KEY_LENGTH = 500
_NOT_IN_KEYS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def user_key(user: Mapping[str, Any], anonymous_id: str | None) -> str:
    """Returns the key of a user. Raises UnreadableError for users without one, so that they never become one person."""
    key = _identifier(user, anonymous_id)
    if key is None:
        raise UnreadableError("the message names no user")
    if len(key) > KEY_LENGTH:
        raise UnreadableError(f"the user's identifier is longer than {KEY_LENGTH} characters")
    if _NOT_IN_KEYS.search(key):
        raise UnreadableError("the user's identifier has control characters or broken Unicode")
    return key


def _identifier(user: Mapping[str, Any], anonymous_id: str | None) -> str | None:
    """Returns the identifier that becomes the key; an e-mail without "@" ("n/a") names nobody."""
    if (own := identifiers.text(user.get("id"))) is not None:
        return own
    if (external := identifiers.text(user.get("external_id"))) is not None:
        return f"external_id:{external}"
    email = user.get("email")
    if isinstance(email, str) and "@" in email:
        return f"email:{identifiers.stripped(email).lower()}"
    return None if anonymous_id is None else identifiers.VISITOR + anonymous_id


def visitor(user: Mapping[str, Any]) -> str | None:
    """Returns the first usable anonymous id of a user."""
    many = user.get("anonymous_ids")
    for value in (*(many if isinstance(many, list) else ()), user.get("anonymous_id")):
        if isinstance(value, str) and (own := identifiers.text(value)) is not None and storable(own):
            return own
    return None
