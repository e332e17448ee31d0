"""What Customer.io answered with 200 and dropped later, until somebody mends it: these fields may not be held."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from connector.admin.late_failures import KIND
from connector.store.problems import Kept


class LateDrop(NamedTuple):
    """One of them. problem: the id of its problem; names: all texts in what Customer.io says of it."""

    problem: str
    sync: str
    reason: str
    names: frozenset[str]


def late_drops(problems: Iterable[Kept]) -> list[LateDrop]:
    """Returns what was dropped later, of the open problems of a person."""
    return [
        LateDrop(each.id, each.sync, each.problem.reason, frozenset(_texts(_data(each.problem.payload))))
        for each in problems
        if each.problem.kind == KIND
    ]


def _data(payload: Any) -> Any:
    return payload.get("data") if isinstance(payload, dict) else None


def _texts(said: Any) -> Iterator[str]:
    """Yields the names and texts in it: no page of Customer.io says under which name it names the attribute."""
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
