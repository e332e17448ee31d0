"""Finds what Customer.io answered with 200 and dropped later: it may not hold these fields, until they are mended."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from connector.admin.late_failures import KIND
from connector.store.problems import Kept


class LateDrop(NamedTuple):
    """One thing that was dropped. problem: the id of its problem; names: all texts in what Customer.io says of it."""

    problem: str
    sync: str
    reason: str
    names: frozenset[str]


def late_drops(problems: Iterable[Kept]) -> list[LateDrop]:
    """Returns what was dropped later, by the open problems of a person."""
    return [
        LateDrop(each.id, each.sync, each.problem.reason, frozenset(_texts(_data(each.problem.payload))))
        for each in problems
        if each.problem.kind == KIND
    ]


def _data(payload: Any) -> Any:
    return payload.get("data") if isinstance(payload, dict) else None


def _texts(said: Any) -> Iterator[str]:
    """Yields all names and texts in a value: Customer.io does not document which of them names the attribute."""
    waiting = [said]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            yield from each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
