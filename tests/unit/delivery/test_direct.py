"""The threads that send at once keep for themselves only what belongs to the connection that they send to."""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from connector.delivery.direct import Direct

_FOR_EVER = 3600.0


class Delivered:
    """In place of couriers: those of a connection, which notes for which syncs it is asked to deliver."""

    def __init__(self, connection: str, sync: str, delivered: list[str], while_sending: Callable[[], None]) -> None:
        self.sender = SimpleNamespace(name=connection, limits=SimpleNamespace(lease_seconds=60.0))
        self.line = None
        self._sync, self._delivered, self._while_sending = sync, delivered, while_sending

    def deliver_claimed(self, *_: Any) -> Any:
        self._while_sending()
        return SimpleNamespace(paused=False, more=False)

    def deliver(self, **_: Any) -> None:
        self._delivered.append(self._sync)


def couriers(delivered: list[str], while_sending: Callable[[], None]) -> Any:
    places = {"people": "eu", "leads": "eu", "others": "us"}
    return {sync: Delivered(place, sync, delivered, while_sending) for sync, place in places.items()}


def order(sync: str) -> Any:
    return SimpleNamespace(sync=sync, lease="", claims=(), wait=0.0)


def test_while_all_threads_send_to_one_connection_syncs_of_another_are_rung_for() -> None:
    delivered: list[str] = []
    rung: list[set[str]] = []
    direct = Direct(couriers(delivered, lambda: rung.append(direct.look(["people", "leads", "others"]))), threads=1)
    direct.send([order("people")], taken_at=0.0)
    assert direct.look(["people", "others"]) == {"people", "others"}
    direct.work(lambda: bool(rung) and bool(delivered))
    assert rung == [{"others"}]
    assert delivered == ["leads", "people"]


def look_while_one_of_two_threads_sends(
    syncs: list[str], names: list[str], seconds: float = 10.0
) -> tuple[list[set[str]], list[str]]:
    """What is rung for, and for which syncs the threads look who is due, at the latest after so many seconds."""
    delivered: list[str] = []
    rung: list[set[str]] = []
    found = couriers(delivered, lambda: rung.append(direct.look(syncs)))
    direct = Direct({name: found[name] for name in names}, threads=2)
    direct.send([order("people")], taken_at=0.0)
    ending = threading.Event()
    threads = [threading.Thread(target=direct.work, args=(ending.is_set,)) for _ in range(2)]
    for each in threads:
        each.start()
    end = time.monotonic() + seconds
    while not (rung and delivered) and time.monotonic() < end:
        time.sleep(0.001)
    ending.set()
    for each in threads:
        each.join(30.0)
    return rung, delivered


def test_with_one_connection_everything_is_rung_for_as_long_as_a_thread_is_free() -> None:
    both = ["people", "leads"]
    assert look_while_one_of_two_threads_sends(both, both, seconds=0.2) == ([{"people", "leads"}], [])


def test_a_free_thread_looks_at_a_connection_that_nobody_sends_to_since_the_pool_may_wait_for_another() -> None:
    names = ["people", "leads", "others"]
    assert look_while_one_of_two_threads_sends(["others"], names) == ([set()], ["others"])


def test_beside_other_connections_whoever_sends_looks_later_also_where_the_pool_is_rung_for() -> None:
    names = ["people", "leads", "others"]
    assert look_while_one_of_two_threads_sends(["leads"], names) == ([{"leads"}], ["leads"])


def test_whoever_waits_for_a_thread_goes_on_as_soon_as_one_is_free() -> None:
    waited: list[float] = []

    def while_sending() -> None:
        started = time.monotonic()
        direct.wait_until_free(0.05)
        waited.append(time.monotonic() - started)

    direct = Direct(couriers([], while_sending), threads=1)
    direct.wait_until_free(_FOR_EVER)
    direct.send([order("people")], taken_at=0.0)
    direct.work(lambda: bool(waited))
    direct.wait_until_free(_FOR_EVER)
    assert waited[0] >= 0.05


def test_whoever_waits_is_woken_by_the_thread_that_becomes_free() -> None:
    sending, may_end = threading.Event(), threading.Event()

    def while_sending() -> None:
        sending.set()
        may_end.wait(_FOR_EVER)

    direct = Direct(couriers([], while_sending), threads=1)
    direct.send([order("people")], taken_at=0.0)
    sender = threading.Thread(target=direct.work, args=(may_end.is_set,))
    sender.start()
    assert sending.wait(_FOR_EVER)
    waiting = threading.Thread(target=direct.wait_until_free, args=(_FOR_EVER,))
    waiting.start()
    may_end.set()
    for each in (sender, waiting):
        each.join(60.0)
    assert not waiting.is_alive()


def leased_in_turn(direct: Direct, batches: int) -> list[list[str]]:
    """For whom people are leased with each batch, where every leased sync has an order and no request ends."""
    found: list[list[str]] = []
    for _ in range(batches):
        leasing = direct.leasing()
        found.append(sorted(leasing.lines) if leasing else [])
        direct.send([order(sync) for sync in found[-1]], taken_at=0.0)
    return found


def test_nobody_is_leased_for_a_request_that_must_wait_behind_another_connections() -> None:
    direct = Direct(couriers([], lambda: None), threads=4)
    assert leased_in_turn(direct, 3) == [["leads", "others", "people"], ["others"], []]


def test_a_connection_that_hangs_leaves_a_thread_to_the_others() -> None:
    hanging, may_end = threading.Semaphore(0), threading.Event()

    def hang() -> None:
        hanging.release()
        may_end.wait(_FOR_EVER)

    direct = Direct(couriers([], hang), threads=4)
    threads = [threading.Thread(target=direct.work, args=(may_end.is_set,)) for _ in range(4)]
    for each in threads:
        each.start()
    for _ in range(3):
        direct.send([order("people")], taken_at=0.0)
        assert hanging.acquire(timeout=_FOR_EVER)
    leasing = direct.leasing()
    may_end.set()
    for each in threads:
        each.join(60.0)
    assert leasing is not None
    assert list(leasing.lines) == ["others"]


def test_where_there_is_one_connection_people_of_all_syncs_are_leased_as_long_as_a_thread_is_free() -> None:
    of_one = {sync: each for sync, each in couriers([], lambda: None).items() if sync != "others"}
    assert leased_in_turn(Direct(of_one, threads=3), 3) == [["leads", "people"], ["leads", "people"], []]


def test_a_sync_that_fails_does_not_keep_another_from_what_a_thread_has_kept_for_it() -> None:
    delivered: list[str] = []
    found = couriers(delivered, lambda: direct.look(["people", "leads"]) and None)

    def fail(**_: Any) -> None:
        raise RuntimeError("the first of the two")

    found["leads"].deliver = fail
    direct = Direct(found, threads=1)
    direct.send([order("people")], taken_at=0.0)
    end = time.monotonic() + 10.0
    direct.work(lambda: bool(delivered) or time.monotonic() > end)
    assert delivered == ["people"]


class Released(threading.Condition):
    """A condition that calls back each time that it is left: between two steps of a thread."""

    def __init__(self, left: Callable[[], None]) -> None:
        super().__init__()
        self._left = left

    def __exit__(self, *args: object) -> None:
        super().__exit__(*args)
        self._left()


@pytest.mark.parametrize("moment", [1, 2])
def test_what_becomes_due_between_two_steps_of_a_thread_is_rung_for_or_looked_at(moment: int) -> None:
    delivered: list[str] = []
    rung: list[set[str]] = []
    released: list[None] = []

    def left() -> None:
        released.append(None)
        if len(released) == moment:
            rung.append(direct.look(["leads"]))

    direct = Direct(couriers(delivered, lambda: None), threads=1)
    direct.send([order("people")], taken_at=0.0)
    direct._changed = Released(left)
    direct.work(lambda: bool(direct._free and released))
    assert len(rung) == 1
    assert rung == [{"leads"}] or delivered == ["leads"]
