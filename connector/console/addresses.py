"""Builds the addresses of pages that other pages link to."""

from urllib.parse import quote, urlencode

_DOTS = (".", "..")


def person(key: str, **query: object) -> str:
    """Returns the address of a person's page, whatever their key: but browsers drop a path of dots.

    Args:
        key: Their key.
        query: What is to stand behind the ?.
    """
    if key in _DOTS:
        return f"/people?{urlencode({'q': key, **query})}"
    return f"/people/{quote(key, safe='')}{'?' if query else ''}{urlencode(query)}"
