"""Finds what people choose by the beginning of its id."""

from collections.abc import Sequence
from typing import TypeVar

from connector.errors import ConnectorError

Candidate = TypeVar("Candidate")


def the_only(found: Sequence[Candidate], what: str, id: str) -> Candidate:
    """Returns the only one found. Raises ConnectorError, naming the command that lists them, for none or several.

    what: the word for one of them, in the plural the command; id: the beginning that was asked for.
    """
    if len(found) != 1:
        count = "more than one" if found else "no"
        raise ConnectorError(f"{count} {what} has an id that begins with {id!r}: `connector {what}s` lists them")
    return found[0]
