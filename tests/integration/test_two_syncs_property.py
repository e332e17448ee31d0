"""Random lives over two syncs of one workspace: at the end everybody is there whom a sync wants, and nobody else."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from connector.delivery.sweep import overdue
from connector.store.engine import Store
from connector.store.entities import entity_of
from connector.store.tables import metadata
from tests.budget import searching
from tests.simulated import Simulated
from tests.world import World, message

_SYNC: dict[str, Any] = {
    "connection": "main",
    "identifier": "external_id",
    "segment_attribute": "",
    "on_exit": "delete",
    "deletion_guard": {"share": 1.0},
}
SYNCS = {
    "main": {**_SYNC, "segments": ["Paying"], "attributes": ["plan", "name"]},
    "second": {**_SYNC, "segments": ["Trial"], "attributes": ["city", "name"]},
}
OWN = {"main": ("Paying", ("plan", "name")), "second": ("Trial", ("city", "name"))}
"""Of each sync its segment, and what it sends."""
Said = tuple[str, str, list[str], bool]
"""A user's key, their identifier, their segments, and whether the message brings new values."""

messages = st.tuples(
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(["x", "y", "z"]),
    st.lists(st.sampled_from(["Paying", "Trial"]), unique=True),
    st.booleans(),
)
alone = messages.map(lambda said: (said[0], f"own {said[0]}", *said[2:]))
steps = st.sampled_from(["main", "second", "both", "wait"])

many = searching(20)


@many
@given(life=st.lists(st.tuples(messages | alone, steps), min_size=1, max_size=14))
def test_whoever_is_wanted_by_a_sync_is_there_and_nobody_else(
    make_world: Callable[..., World], simulator: Simulated, life: Sequence[tuple[Said, str]]
) -> None:
    world = make_world(syncs=SYNCS)
    empty(world.store)
    simulator.reset()
    last: dict[str, dict[str, Any]] = {}
    for version, (said, step) in enumerate(life, 1):
        last[said[0]] = told(version, said)
        world.take(last[said[0]])
        deliver(world, step)
    while syncs := overdue(world.store, world.rules):
        for sync in syncs:
            world.settle(sync)

    waiting, as_before = who_waits(world.store)
    there = {name: attributes for name, attributes in simulator.people().items() if name not in as_before}
    assert there == {name: each for name, each in wanted(last, waiting).items() if name not in as_before}
    check_waits(world.store, last, waiting)


def told(version: int, said: Said) -> dict[str, Any]:
    key, external_id, segments, news = said
    values = {name: f"{name} {version if news else 0} of {key}" for name in ("plan", "city", "name")}
    return message(key, version, external_id=external_id, segments=segments, **values)


def deliver(world: World, step: str) -> None:
    for sync in {"both": ("main", "second"), "wait": ()}.get(step, (step,)):
        world.runtime.courier(sync).deliver()


def wanted(last: dict[str, dict[str, Any]], waiting: set[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Everybody whom a sync wants, with what it sends, but for those who wait for another user's identifier."""
    found: dict[str, dict[str, Any]] = {}
    for sync, (segment, names) in OWN.items():
        for key, each in last.items():
            if segment in each["segments"] and (sync, key) not in waiting:
                own = {name: each["user"][name] for name in names}
                found.setdefault(each["user"]["external_id"], {}).update(own)
    return found


def who_waits(store: Store) -> tuple[set[tuple[str, str]], set[str]]:
    """Who waits, and by what Customer.io knows them until they get what they wait for."""
    with store.reading() as tx:
        rows = tx.execute(text("SELECT * FROM entity WHERE waits_for IS NOT NULL")).all()
    people = [entity_of(row, row.doubt).delivered for row in rows]
    return {(row.sync, row.key) for row in rows}, {each.identifier.value for each in people if each is not None}


def check_waits(store: Store, last: dict[str, dict[str, Any]], waiting: set[tuple[str, str]]) -> None:
    """Each identifier has one user in both syncs; who waits does so for one who is sent under it, and is a problem."""
    with store.reading() as tx:
        held = [(row.identifier, row.key) for row in tx.execute(text("SELECT identifier, key FROM identity"))]
        problems = {(row.sync, row.subject) for row in tx.execute(text("SELECT sync, subject FROM problem"))}
    holder = dict(held)
    assert sorted(set(held)) == sorted(holder.items())
    for sync, key in waiting:
        other = holder[f"id:{last[key]['user']['external_id']}"]
        assert other != key
        assert (sync, key) in problems
    assert problems == waiting


def empty(store: Store) -> None:
    with store.writing() as tx:
        for table in metadata.sorted_tables:
            tx.execute(table.delete())
