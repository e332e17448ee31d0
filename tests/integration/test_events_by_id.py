"""An event's id alone says which event it is: sent again with another time, or none, it counts once."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from connector.store.engine import Store
from tests.budget import searching
from tests.simulated import Simulated
from tests.world import LATELY, World, message

MakeWorld = Callable[..., World]
TIMES = st.none() | st.sampled_from([LATELY, LATELY + 1, LATELY - 86_400])
SENT = st.lists(st.lists(st.tuples(st.sampled_from(["e1", "e2", "e3"]), TIMES), min_size=1, max_size=4), max_size=5)


def did(id: str | None, at: int | None, **properties: object) -> dict[str, object]:
    return {"name": "Signed up", "id": id, "time": at, "properties": properties}


@searching(15)
@given(batches=SENT)
def test_each_id_counts_once_whatever_its_times_in_one_batch_or_many(
    make_world: MakeWorld, simulator: Simulated, batches: list[list[tuple[str, int | None]]]
) -> None:
    world = make_world()
    empty(world.store)
    simulator.reset()
    for number, batch in enumerate(batches):
        world.take(*(message("u1", 1, did(id, at)) for id, at in batch))
        if number % 2:
            world.settle()  # bodies of events that were sent are dropped: they are known all the same
    world.settle()

    ids = {id for batch in batches for id, _ in batch}
    assert len(simulator.event_names("u1")) == len(ids)
    with world.store.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM event")).scalar_one() == len(ids)


def test_the_first_time_counts(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, did("e1", LATELY)), message("u1", 2, did("e1", None)), message("u1", 3, did("e1", 5)))
    [sent] = simulator.events("u1")
    assert sent["timestamp"] == LATELY


def test_without_an_id_another_time_is_another_event(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, did(None, LATELY)), message("u1", 2, did(None, LATELY + 1)))
    world.run(message("u1", 1, did(None, LATELY)))
    assert len(simulator.event_names("u1")) == 2


def test_the_same_id_of_two_users_is_two_events(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1, did("e1", LATELY)), message("u2", 1, did("e1", None)))
    assert [len(simulator.event_names(user)) for user in ("u1", "u2")] == [1, 1]


def test_an_event_that_the_version_before_accepted_is_known(world: World, simulator: Simulated) -> None:
    """Its row is as it always was: the index is made over what is there."""
    world.run(message("u1", 1, did("e1", LATELY)))
    with world.store.writing() as tx:
        tx.execute(text("UPDATE event SET body = NULL, accepted_at = 0"))
    world.run(message("u1", 2, did("e1", LATELY - 7)))
    assert len(simulator.event_names("u1")) == 1


def test_postgresql_finds_it_by_the_index(database: str, open_store: Callable[[str], Store]) -> None:
    with open_store(database).reading() as tx:
        asked = "EXPLAIN SELECT 1 FROM event WHERE substr(id, 11) = 'x' AND sync = 'main'"
        plan = "\n".join(tx.execute(text(asked)).scalars())
    assert "event_known_by" in plan


def empty(store: Store) -> None:
    with store.writing() as tx:
        for name in ("entity", "identity", "event", "problem", "tally"):
            tx.execute(text(f"DELETE FROM {name}"))
