"""Tells which person was in which request, with which items, and what was answered to these. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from connector.customerio.operations.operation import Operation
from connector.customerio.responses import Rejected, ResponseAction, Settle, Split
from connector.delivery.sender import CallContent
from connector.model.entity import Entity
from connector.model.history import Answer, SentFor, Sort, What, sort_of
from connector.planning.attempt import Attempt

_SENT, _HELD = int(What.SENT), int(What.HELD)
_TAKEN, _REFUSED, _SPLIT, _UNKNOWN = map(int, (Answer.TAKEN, Answer.REFUSED, Answer.SPLIT, Answer.UNKNOWN))
_EVENT, _IDENTIFY, _ENTERED = int(Sort.EVENT), int(Sort.IDENTIFY), int(Sort.ENTERED)


def of_requests(ids: Sequence[str], contents: Sequence[CallContent]) -> list[SentFor]:
    """Returns each person's part of each request; items that stand beside one another are one part.

    Args:
        ids: The requests' ids.
        contents: What was in each of them; the owners of its items are pairs of an attempt and a place.
    """
    return [each for id, content in zip(ids, contents, strict=True) for each in _of_request(id, content)]


def held_back(attempts: Iterable[Attempt]) -> list[SentFor]:
    """Returns those whose deletion was held back: nothing was sent for them."""
    return [
        SentFor(attempt.claim.entity.key, _HELD, None, None, None, None, None)
        for attempt in attempts
        if attempt.held_back
    ]


def _of_request(id: str, content: CallContent) -> Iterator[SentFor]:
    refused, otherwise = _answers(content.action)
    first = 0
    for key, part in groupby(content.items, _whose):
        owned = list(part)
        sorts, items = _sorts(operation for _, operation in owned), len(owned)
        if sorts & _IDENTIFY and not _was_held(owned[0][0][0].claim.entity):
            sorts |= _ENTERED
        answer = otherwise
        if refused and not refused.isdisjoint(range(first, first + items)):
            answer = _REFUSED
        yield SentFor(key, _SENT, answer, sorts, items, first, id)
        first += items


def _was_held(entity: Entity) -> bool:
    """Returns whether Customer.io was known to hold this person when they were claimed."""
    return entity.delivered is not None and not entity.delivered.suppressed


def _answers(action: ResponseAction) -> tuple[frozenset[int], int]:
    """Returns the places of the items that were refused, and the answer to all others."""
    if isinstance(action, Settle):
        results = enumerate(action.results)
        return frozenset(place for place, result in results if isinstance(result, Rejected)), _TAKEN
    return frozenset(), _SPLIT if isinstance(action, Split) else _UNKNOWN


def _whose(item: tuple[Any, Operation]) -> str:
    key: str = item[0][0].claim.entity.key
    return key


def _sorts(operations: Iterable[Operation]) -> int:
    """Returns the sorts of these operations, as flags of one number."""
    sorts = 0
    for operation in operations:
        sorts |= _EVENT if operation.event is not None else sort_of(operation.item.get("action"))
    return sorts
