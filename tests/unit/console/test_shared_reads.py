"""What pages have found is shown to others for a few seconds."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.console.shared_reads import SharedReads
from connector.errors import StoreError

_LONG = 3600.0
_MANY = 20


class _Store:
    """Counts who looks into it."""

    def __init__(self) -> None:
        self.looks = 0

    def look(self) -> int:
        self.looks += 1
        return self.looks


def test_what_was_found_is_shown_to_others() -> None:
    shared, store = SharedReads(_LONG), _Store()
    assert [shared.get("home", store.look) for _ in range(3)] == [1, 1, 1]


def test_each_key_is_found_by_itself() -> None:
    shared, store = SharedReads(_LONG), _Store()
    assert [shared.get(("sync", name), store.look) for name in ("a", "b", "a")] == [1, 2, 1]


def test_zero_seconds_read_anew_for_each() -> None:
    shared, store = SharedReads(0.0), _Store()
    assert [shared.get("home", store.look) for _ in range(3)] == [1, 2, 3]


def test_what_is_too_old_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, store, now = SharedReads(2.0), _Store(), [100.0]
    monkeypatch.setattr("connector.console.shared_reads.monotonic", lambda: now[0])
    found = []
    for at in (100.0, 101.9, 102.1):
        now[0] = at
        found.append(shared.get("home", store.look))
    assert found == [1, 1, 2]


def test_after_a_change_it_is_read_anew() -> None:
    shared, store = SharedReads(_LONG), _Store()
    shared.get("home", store.look)
    shared.forget()
    assert shared.get("home", store.look) == 2


def test_a_read_that_began_before_a_change_is_not_shown_after_it() -> None:
    shared, store = SharedReads(_LONG), _Store()
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        go_on.wait(30)
        return store.look() * 100

    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(shared.get, "home", slow)
        begun.wait(30)
        shared.forget()
        after = shared.get("home", store.look)
        go_on.set()
    assert (after, before.result()) == (1, 200)
    assert shared.get("home", store.look) == 1


def test_many_who_ask_at_once_cost_one_read() -> None:
    shared, store = SharedReads(_LONG), _Store()
    barrier = threading.Barrier(_MANY)

    def ask() -> int:
        barrier.wait(30)
        return shared.get("home", store.look)

    with ThreadPoolExecutor(_MANY) as pool:
        found = [each.result() for each in [pool.submit(ask) for _ in range(_MANY)]]
    assert found == [1] * _MANY


def test_a_failure_is_told_to_who_waits_and_to_nobody_later() -> None:
    shared, store = SharedReads(_LONG), _Store()

    def fails() -> int:
        raise StoreError("it does not answer")

    with pytest.raises(StoreError):
        shared.get("home", fails)
    assert shared.get("home", store.look) == 1


def test_it_keeps_a_bounded_number_of_answers() -> None:
    shared, store = SharedReads(_LONG), _Store()
    for number in range(1000):
        shared.get(number, store.look)
    assert shared.get(0, store.look) == 1001
    assert shared.get(999, store.look) == 1000
