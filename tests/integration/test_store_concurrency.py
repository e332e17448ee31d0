"""Many who write at once, on PostgreSQL: nobody waits for ever, and the newest word wins in the end."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from connector import formats
from connector.audience.desired import desired
from connector.errors import StoreError
from connector.intake.accept import accept
from connector.planning.attempt import Claim
from connector.planning.settlement import Confirmed
from connector.store import claims, entities, settlements
from connector.store.engine import Store
from tests.budget import seeds
from tests.build_settings import rules
from tests.world import event, message

NOW = 4_000_000_000.0
EVERYBODY = text("SELECT key FROM entity")


@pytest.fixture
def stores(database: str, open_store: Callable[[str], Store]) -> list[Store]:
    """As many programs on one store."""
    return [open_store(database) for _ in range(4)]


def test_a_transaction_that_reads_sees_the_store_at_one_moment(
    store_url: str, open_store: Callable[[str], Store]
) -> None:
    """So what `connector status` adds up belongs together, however long it takes to count."""
    reader, writer = open_store(store_url), open_store(store_url)
    with reader.reading() as tx:
        before = tx.execute(EVERYBODY).scalars().all()
        take(writer, [message("u1", 1)])
        assert (before, tx.execute(EVERYBODY).scalars().all()) == ([], [])
    with reader.reading() as tx:
        assert len(tx.execute(EVERYBODY).scalars().all()) == 1


def test_a_transaction_that_reads_can_write_nothing_on_postgresql(stores: list[Store]) -> None:
    with pytest.raises(StoreError, match="read-only"), stores[0].reading() as tx:
        tx.execute(text("DELETE FROM entity"))


def take(store: Store, messages: list[dict[str, Any]]) -> None:
    accept(store, [rules()], formats.parse("native", messages))


def batches(messages: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    for first in range(0, len(messages), size):
        yield messages[first : first + size]


def final(store: Store) -> dict[str, Any]:
    """What upstream's newest word made of everybody's plan."""
    with store.writing() as tx:
        keys = tx.execute(text("SELECT key FROM entity")).scalars().all()
        found = entities.load(tx, "main", keys)
    return {key: entity.facts.attributes.values["plan"] for key, entity in found.items()}


@pytest.mark.search
@pytest.mark.parametrize("seed", seeds(2))
def test_the_newest_word_wins_whoever_brings_it(stores: list[Store], seed: int) -> None:
    """The same new users in many batches of several programs at once: none of them fails, no word is lost."""
    people, versions = 40, 12
    messages = [
        message(f"u{person}", version, event("Signed up", f"e{version % 5}"), plan=f"v{version}")
        for person in range(people)
        for version in range(1, versions + 1)
    ]
    Random(seed).shuffle(messages)
    parts = list(batches(messages, 20))
    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(take, stores * len(parts), parts))

    assert final(stores[0]) == {f"u{person}": f"v{versions}" for person in range(people)}
    with stores[0].reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM event")).scalar_one() == people * 5
        tally = dict(tx.execute(text("SELECT name, sum(count) FROM tally WHERE sync = 'main' GROUP BY name")).all())
    assert tally["events accepted"] == people * 5
    assert tally["events accepted"] + tally["events repeated"] == people * versions


def test_deliveries_and_intake_at_once_leave_nothing_behind(stores: list[Store]) -> None:
    """Everything is confirmed as sent while it goes on moving: in the end what was delivered is the newest word."""
    people, versions = 60, 10
    messages = [
        message(f"u{person}", version, plan=f"v{version}")
        for version in range(1, versions + 1)
        for person in range(people)
    ]
    parts = list(batches(messages, 50))

    def deliver(store: Store, lease: str) -> int:
        with store.writing() as tx:
            claimed = claims.claim(tx, "main", lease, 20, NOW, 60)
        sent = [(each, str(each.entity.facts.attributes.values["plan"])) for each in claimed]
        with store.writing() as tx:
            settled = [Confirmed(each.entity, _person(each)) for each, _ in sent]
            settlements.settle(tx, "main", lease, settled, NOW)
        return len(claimed)

    with ThreadPoolExecutor(len(stores)) as pool:
        taken = [pool.submit(take, stores[number % 2], part) for number, part in enumerate(parts)]
        sent = [pool.submit(deliver, stores[2 + number % 2], f"lease {number}") for number in range(40)]
        for each in (*taken, *sent):
            each.result()
    turn = 0
    while deliver(stores[0], f"last {turn}"):
        turn += 1
    with stores[0].writing() as tx:
        found = entities.load(tx, "main", [f"u{person}" for person in range(people)])
        assert claims.due_count(tx, "main") == 0
    assert {each.delivered.attributes["plan"] for each in found.values() if each.delivered} == {f"v{versions}"}


def _person(claimed: Claim) -> Any:
    return desired(claimed.entity.facts, rules()).person


def test_many_who_want_the_same_identifiers_make_one_holder_each(stores: list[Store]) -> None:
    messages = [message(f"u{number}", 1, external_id=f"name {number % 10}") for number in range(200)]
    Random(1).shuffle(messages)
    parts = list(batches(messages, 10))
    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(take, stores * len(parts), parts))

    with stores[0].reading() as tx:
        holders = tx.execute(text("SELECT key FROM identity")).scalars().all()
        sending = tx.execute(text("SELECT key FROM entity WHERE due_at IS NOT NULL")).scalars().all()
        waiting = tx.execute(text("SELECT count(*) FROM entity WHERE waits_for IS NOT NULL")).scalar_one()
    assert sorted(holders) == sorted(sending)
    assert (len(holders), waiting) == (10, 190)
