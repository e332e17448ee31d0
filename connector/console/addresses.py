"""Builds the addresses of pages that other pages link to."""

from urllib.parse import quote, urlencode

_DOTS = (".", "..")


def person(key: str, **query: object) -> str:
    """Returns the address of a person's page, whatever characters their key has.

    Browsers drop "." and ".." from a path, so the address of a person with such a key searches for it instead.

    Args:
        key: The person's key.
        query: The parameters of the address.
    """
    if key in _DOTS:
        return f"/people?{urlencode({'q': key, **query})}"
    return f"/people/{quote(key, safe='')}{'?' if query else ''}{urlencode(query)}"
