"""The threads that send at once keep for themselves only what belongs to the connection that they send to."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from connector.delivery.direct import Direct


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
    assert direct.look(["people", "others"]) == {"people", "others"}
    direct.send([order("people")], taken_at=0.0)
    direct.work(lambda: bool(rung) and bool(delivered))
    assert rung == [{"others"}]
    assert delivered == ["leads", "people"]


def test_as_long_as_a_thread_is_free_everything_is_rung_for() -> None:
    rung: list[set[str]] = []
    direct = Direct(couriers([], lambda: rung.append(direct.look(["people", "others"]))), threads=2)
    direct.send([order("people")], taken_at=0.0)
    ending = threading.Event()
    threads = [threading.Thread(target=direct.work, args=(ending.is_set,)) for _ in range(2)]
    for each in threads:
        each.start()
    ending.set()
    for each in threads:
        each.join(30.0)
    assert rung == [{"people", "others"}]
