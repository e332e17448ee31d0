"""One workspace never takes all processes of a worker's pool, and a place comes back however its holder ends."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from tasks.pool_places import PoolPlaces

Make = Callable[[Mapping[str, str], int], PoolPlaces]
CONNECTIONS = {"eu 1": "eu", "eu 2": "eu", "us": "us"}


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes places for these connections of syncs, and so many processes."""
    made: list[PoolPlaces] = []

    def make(connections: Mapping[str, str], processes: int) -> PoolPlaces:
        made.append(PoolPlaces(connections, processes))
        return made[-1]

    yield make
    for places in made:
        places.close()


@contextmanager
def holder(places: PoolPlaces, sync: str) -> Iterator[int]:
    """Yields a forked process that holds a place, as a process of the pool does; it is killed at the end."""
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        with places.place(sync) as free:
            os.write(tell, b"1" if free else b"0")
            signal.pause()
        os._exit(0)
    try:
        assert os.read(told, 1) == b"1"
        yield pid
    finally:
        os.close(told)
        os.close(tell)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def is_free(places: PoolPlaces, sync: str) -> bool:
    with places.place(sync) as free:
        return free


def test_a_process_is_left_to_the_other_connections(make: Make) -> None:
    places = make(CONNECTIONS, 3)
    with holder(places, "eu 1"):
        assert is_free(places, "eu 2")
        with holder(places, "eu 2"):
            assert not is_free(places, "eu 1")
            assert is_free(places, "us")


def test_a_place_comes_back_when_its_holder_is_killed(make: Make) -> None:
    places = make(CONNECTIONS, 2)
    with holder(places, "eu 1"):
        assert not is_free(places, "eu 1")
    assert is_free(places, "eu 1")


def test_a_sync_that_found_no_place_is_remembered_once_for_its_own_connection(make: Make) -> None:
    places = make(CONNECTIONS, 2)
    with holder(places, "eu 1"):
        assert not is_free(places, "eu 2")
    assert places.take_waiting("us") == []
    assert places.take_waiting("eu 1") == ["eu 2"]
    assert places.take_waiting("eu 1") == []


def test_who_finds_a_place_is_not_remembered(make: Make) -> None:
    places = make(CONNECTIONS, 2)
    assert is_free(places, "eu 1")
    assert places.take_waiting("eu 1") == []


def test_with_one_connection_or_one_process_nothing_is_left_to_anybody(make: Make) -> None:
    for places in (make({"eu 1": "eu", "eu 2": "eu"}, 2), make(CONNECTIONS, 1)):
        with holder(places, "eu 1"):
            assert is_free(places, "eu 1")


def test_a_sync_that_the_worker_does_not_know_is_left_to_what_comes_next(make: Make) -> None:
    assert is_free(make(CONNECTIONS, 2), "gone")
