"""A person's history as it is kept: small rows of codes, which become words where somebody reads them.

The numbers stand in the store, so none of them changes its meaning: what is new gets a new one.
"""

from collections.abc import Mapping
from enum import IntEnum, IntFlag
from typing import NamedTuple


class What(IntEnum):
    """The kinds of entry: upstream said something, a request about them went out, a deletion was held back."""

    SAID = 1
    SENT = 2
    HELD = 3


class CameTo(IntEnum):
    """The outcome of a message."""

    DUE = 1
    NOTHING_NEW = 2
    NOTHING_TO_SEND = 3
    WAITS = 4


class Answer(IntEnum):
    """The answer of Customer.io to the person's part of a request.

    SPLIT: the request was refused as a whole and sent again in halves. UNKNOWN: no answer is known, it is tried again.
    """

    TAKEN = 1
    REFUSED = 2
    SPLIT = 3
    UNKNOWN = 4


class Sort(IntFlag):
    """The operations in a person's part of a request, as flags. ENTERED: an identify of somebody who was not held."""

    IDENTIFY = 1
    EVENT = 2
    DELETE = 4
    SUPPRESS = 8
    UNSUPPRESS = 16
    MERGE = 32
    DEVICE = 64
    RELATIONSHIP = 128
    SEGMENT = 256
    OTHER = 512
    ENTERED = 1024


_SORTS: Mapping[str, Sort] = {
    "identify": Sort.IDENTIFY,
    "delete": Sort.DELETE,
    "suppress": Sort.SUPPRESS,
    "unsuppress": Sort.UNSUPPRESS,
    "merge": Sort.MERGE,
    "add_device": Sort.DEVICE,
    "delete_device": Sort.DEVICE,
    "add_relationships": Sort.RELATIONSHIP,
    "delete_relationships": Sort.RELATIONSHIP,
    "add_customers": Sort.SEGMENT,
    "remove_customers": Sort.SEGMENT,
}


def sort_of(action: str | None) -> int:
    """Returns the sort of an operation's action, as a number: this runs for each operation that is sent."""
    return _NUMBERS.get(action, _OTHER)


_NUMBERS: Mapping[str | None, int] = {action: int(sort) for action, sort in _SORTS.items()}
_OTHER = int(Sort.OTHER)


class SaidOf(NamedTuple):
    """A summary of what a batch of messages said of a person.

    standing: the place of the `AudienceStatus` that they came to, None where it was not looked at; messages, events:
    how many of them there were, of events the new ones.
    """

    key: str
    decision: int
    standing: int | None
    messages: int
    events: int


class SentFor(NamedTuple):
    """A person's part of a request.

    call: the request's id, None for a deletion that was held back; first, items: the place of their first item in the
    request, and how many follow one another; sorts: what these did, `Sort` as a number.
    """

    key: str
    what: int
    answer: int | None
    sorts: int | None
    items: int | None
    first: int | None
    call: str | None
