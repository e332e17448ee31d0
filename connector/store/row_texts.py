"""Reads and writes the texts of rows, for a batch of several syncs: equal texts are read once, values written once."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeVar

from connector.model.entity import Facts, PendingEvent, Profile
from connector.store import encoding

T = TypeVar("T")


class RowTexts(NamedTuple):
    """The functions that read values from the texts of rows and write them, each time or once (`remembering`)."""

    facts_of: Callable[[str, bool], Facts] = encoding.facts_of
    delivered_of: Callable[[str | None, str | None], Profile | None] = encoding.delivered_of
    facts_text: Callable[[Facts], str] = encoding.facts_text
    event_text: Callable[[PendingEvent], str] = encoding.event_text

    @classmethod
    def remembering(cls) -> "RowTexts":
        """Returns functions that cache for as long as they are kept. From equal texts they give the same object."""
        return cls(
            cache(encoding.facts_of),
            cache(encoding.delivered_of),
            once(encoding.facts_text),
            once(encoding.event_text),
        )


def once(function: Callable[..., T], told_apart_by: int = 1) -> Callable[..., T]:
    """Returns a function that caches its results by the identity of its arguments, which need not be hashable.

    Args:
        function: gives the same for the same objects.
        told_apart_by: how many of its first arguments decide; the others are the same each time.
    """
    known: dict[tuple[int, ...], tuple[Any, T]] = {}

    def remembered(*given: Any) -> T:
        deciding = given[:told_apart_by]
        key = tuple(map(id, deciding))
        found = known.get(key)
        if found is None:
            found = known[key] = deciding, function(*given)  # with the objects: no other one gets their ids
        return found[1]

    return remembered


PLAIN = RowTexts()
