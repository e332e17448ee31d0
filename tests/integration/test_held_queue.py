"""What is said of a held queue ends with the hold, whichever reader ends it."""

from collections.abc import Callable

from connector.store.engine import Store
from tasks.reader.held_queue import Hold
from tests.world import problems

QUEUE = "segment-changes"


def test_a_hold_whose_reader_died_is_over_once_the_next_one_takes_in(
    file_url: str, open_store: Callable[[str], Store]
) -> None:
    store = open_store(file_url)
    Hold(store, QUEUE).begin("the disk is full", 3)
    Hold(store, "changes").begin("the disk is full", 3)
    Hold(store, QUEUE).end(1)
    assert [each["subject"] for each in problems(store)] == ["changes"], "the hold of another queue is another one's"


def test_a_hold_that_another_reader_noted_is_over_once_the_queue_came_back(
    file_url: str, open_store: Callable[[str], Store]
) -> None:
    store = open_store(file_url)
    reader = Hold(store, QUEUE)
    reader.end(1)
    Hold(store, QUEUE).begin("the disk is full", 3)
    reader.end(3)
    assert problems(store) == []
