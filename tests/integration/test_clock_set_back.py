"""The clock of the store's machine is set back by two minutes: what is due is due, and leases end, as if it had not."""

from collections.abc import Callable

import pytest

from connector.store import claims, named_leases, postgres, sqlite
from connector.store.engine import Store
from tests.simulated import Simulated
from tests.world import World, message

BACK = 120.0
SetBack = Callable[[float], None]


@pytest.fixture
def set_back(monkeypatch: pytest.MonkeyPatch) -> SetBack:
    """Sets back the clocks that SQLite and PostgreSQL go by."""
    real = sqlite.machine_time

    def set_back(seconds: float) -> None:
        monkeypatch.setattr(sqlite, "machine_time", lambda: real() - seconds)
        monkeypatch.setattr(postgres, "CLOCK", f"clock_timestamp() - interval '{seconds:f} s'")

    return set_back


def now(store: Store) -> float:
    with store.writing() as tx:
        return store.now(tx)


def test_now_goes_on_from_where_it_was_for_everybody(
    store: Store, open_store: Callable[[str], Store], set_back: SetBack
) -> None:
    before = now(store)
    set_back(BACK)
    other = open_store(store.url.render_as_string(hide_password=False))
    assert now(other) >= before
    assert before <= now(store) < before + 60.0
    with other.reading() as tx:
        assert other.now(tx) >= before


def test_small_steps_back_are_passed_over(store: Store, set_back: SetBack) -> None:
    before = now(store)
    set_back(0.5)
    assert now(store) >= before


def test_who_is_due_is_delivered_at_once(world: World, simulator: Simulated, set_back: SetBack) -> None:
    world.run(message("u1", 1, plan="gold"))
    world.take(message("u1", 2, plan="free"))
    set_back(BACK)
    world.settle()
    world.run(message("u1", 3, plan="team"), message("u2", 1))

    assert simulator.people()["u1"]["plan"] == "team"
    assert simulator.people().keys() == {"u1", "u2"}


def test_a_lease_that_somebody_died_with_ends_in_its_time(world: World, set_back: SetBack) -> None:
    world.run(message("u1", 1))
    world.take(message("u1", 2, plan="free"))
    with world.store.writing() as tx:
        claims.claim(tx, "main", "dead", 10, world.store.now(tx), 0.2)
        named_leases.take(tx, "work", "dead", world.store.now(tx), 0.2)
    set_back(BACK)
    world.settle()  # fails where it would have to wait for longer than 20 s
    with world.store.writing() as tx:
        assert named_leases.take(tx, "work", "alive", world.store.now(tx), 60.0)


def test_a_pause_and_the_turns_of_requests_end_in_their_time(
    make_world: Callable[..., World], simulator: Simulated, set_back: SetBack
) -> None:
    world = make_world(delivery={"backoff_seconds": 0.3, "backoff_max_seconds": 0.3})
    simulator.go_wrong({"path": "/api/v2/batch", "status": 503, "times": 3})
    world.take(message("u1", 1), message("u2", 1))
    world.cycle()
    assert world.health().paused_until is not None
    set_back(BACK)
    world.settle()  # fails where it would have to wait for longer than 20 s

    assert simulator.people().keys() == {"u1", "u2"}
