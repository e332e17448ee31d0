"""One message that fails stands alone; what fails for all alike holds the queue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connector.errors import StoreError
from tasks.reader.batch_isolation import MOST_IN_A_ROW, BatchIsolation, HeldError
from tasks.reader.queue_leases import LostLeaseError

MESSAGES = some.lists(some.booleans(), max_size=40)


@dataclass
class Told:
    """What an isolation was asked to do, with messages of which the negative ones fail."""

    taken: list[int] = field(default_factory=list)
    aside: list[int] = field(default_factory=list)
    done: int = 0
    probe: Callable[[], None] = lambda: None

    def isolation(self) -> BatchIsolation[int]:
        return BatchIsolation(self.take, self.probe, lambda item, _: self.aside.append(item))

    def take(self, items: Sequence[int]) -> None:
        if any(item < 0 for item in items):
            raise KeyError("one of these")
        self.taken += items

    def count(self, number: int) -> None:
        self.done += number


def numbered(good: Sequence[bool]) -> list[int]:
    return [number if each else -number for number, each in enumerate(good, 1)]


@given(MESSAGES)
def test_neighbours_of_what_fails_are_taken_in_in_their_order(good: list[bool]) -> None:
    told, items = Told(), numbered(good)
    told.isolation().take(items, told.count)

    assert told.taken == [item for item in items if item > 0]
    assert told.aside == [item for item in items if item < 0]
    assert told.done == len(items)


def test_what_fails_for_a_known_good_message_too_holds_the_queue() -> None:
    def fails() -> None:
        raise RuntimeError("a secret is missing")

    told = Told(probe=fails)
    with pytest.raises(HeldError, match="RuntimeError: a secret is missing"):
        told.isolation().take([1, 2, 3, -4], told.count)
    assert (told.taken, told.aside, told.done) == ([1, 2, 3], [], 3)


def test_a_store_that_is_away_holds_the_queue_at_once() -> None:
    def fails(_: Sequence[int]) -> None:
        raise StoreError("the store is away")

    told = Told()
    told.take = fails  # type: ignore[method-assign]
    with pytest.raises(HeldError, match="the store is away"):
        told.isolation().take([1, 2], told.count)
    assert (told.aside, told.done) == ([], 0)


def test_a_lease_that_is_lost_is_nobodys_fault() -> None:
    def fails(_: Sequence[int]) -> None:
        raise LostLeaseError("queue")

    told = Told()
    told.take = fails  # type: ignore[method-assign]
    with pytest.raises(LostLeaseError):
        told.isolation().take([1, 2], told.count)


def test_too_many_in_a_row_are_no_accident() -> None:
    told = Told()
    isolation = told.isolation()
    with pytest.raises(HeldError, match="in a row"):
        isolation.take([-1] * (MOST_IN_A_ROW + 1), told.count)
    assert len(told.aside) == MOST_IN_A_ROW


def test_a_problem_that_cannot_be_kept_holds_the_queue() -> None:
    def fails(_: int, __: Exception) -> None:
        raise StoreError("the disk is full")

    told = Told()
    isolation = BatchIsolation(told.take, lambda: None, fails)
    with pytest.raises(HeldError, match="the disk is full"):
        isolation.take([-1], told.count)
    assert told.done == 0
