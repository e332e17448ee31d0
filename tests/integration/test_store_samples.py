"""Samples on SQLite and on PostgreSQL: only people of whom nothing is owed, at random, from small and large tables."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from connector import formats
from connector.audience.audience_status import AudienceStatus
from connector.intake.accept import accept
from connector.model.entity import Facts
from connector.store import encoding, identifier_holders, samples
from connector.store.engine import Store
from connector.store.tables import HELD
from tests.build import ident, person
from tests.build_settings import rules
from tests.world import message

OpenStore = Callable[[str], Store]
NOW = 4_000_000_000.0
EVERYBODY = 1_000


def put(store: Store, *keys: str, **values: Any) -> None:
    """Rows of people whom Customer.io holds, unless `values` say otherwise."""
    row = {
        "sync": "main",
        "kind": "person",
        "facts": encoding.facts_text(Facts()),
        "delivered": encoding.person_text(person(plan="gold")),
        "tried": None,
        "doubt": 0,
        "revision": 1,
        "entered": True,
        "standing": AudienceStatus.IN.value,
        "waits_for": None,
        "due_at": None,
        "lane": 0,
        "lease": None,
        "updated_at": NOW,
        **values,
    }
    names = ["key", *row]
    statement = text(f"INSERT INTO entity ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})")
    with store.writing() as tx:
        tx.execute(statement, [{"key": key, **row} for key in keys])


GONE = {"delivered": None, "standing": AudienceStatus.DELETED.value}


def held(store: Store, limit: int = EVERYBODY, **given: Any) -> list[str]:
    with store.reading() as tx:
        return samples.held(tx, "main", limit, **given)


def gone(store: Store, limit: int = EVERYBODY) -> list[str]:
    with store.reading() as tx:
        return samples.gone(tx, "main", limit)


def quiet(store: Store, *keys: str) -> list[str]:
    with store.reading() as tx:
        return [entity.key for entity in samples.quiet(tx, "main", keys)]


def test_a_sample_larger_than_the_audience_is_everybody(store: Store) -> None:
    put(store, *(f"u{number}" for number in range(50)))
    assert sorted(held(store, 50)) == sorted(held(store, 51)) == sorted(f"u{number}" for number in range(50))


def test_a_smaller_sample_is_as_many_as_asked_and_another_each_time(store: Store) -> None:
    keys = {f"u{number:03}" for number in range(200)}
    put(store, *keys)
    chosen = [frozenset(held(store, 20)) for _ in range(5)]

    assert {len(each) for each in chosen} == {20}
    assert len(set(chosen)) > 1
    assert frozenset().union(*chosen) <= keys


def test_who_is_held_and_who_is_gone_are_two_samples(store: Store) -> None:
    put(store, "u1", "u2")
    put(store, "u3", **GONE)
    assert (sorted(held(store)), gone(store)) == (["u1", "u2"], ["u3"])
    assert quiet(store, "u1", "u3", "nobody") == ["u1", "u3"]


NOT_QUIET: dict[str, dict[str, Any]] = {
    "due": {"due_at": NOW},
    "being sent": {"lease": "other", "leased_until": NOW},
    "in doubt": {"doubt": 1},
    "waiting for an identifier": {"waits_for": "id:u9"},
    "held by the guard": {"lane": HELD},
    "of another sync": {"sync": "other"},
}


@pytest.mark.parametrize("moving", NOT_QUIET.values(), ids=NOT_QUIET)
def test_who_is_not_at_rest_is_in_no_sample(store: Store, moving: dict[str, Any]) -> None:
    put(store, "u1", **moving)
    put(store, "u2", **{**GONE, **moving})
    assert (held(store), gone(store), quiet(store, "u1", "u2")) == ([], [], [])


@pytest.mark.parametrize(
    "standing",
    [AudienceStatus.CLEARED, AudienceStatus.DELETED, AudienceStatus.NO_IDENTIFIER, AudienceStatus.NO_EMAIL],
    ids=str,
)
def test_who_is_held_without_a_claim_is_in_no_sample(store: Store, standing: AudienceStatus) -> None:
    put(store, "u1", standing=standing.value)
    assert (held(store), quiet(store, "u1")) == ([], [])


@pytest.mark.parametrize("standing", [AudienceStatus.KEPT.value, "identifier held by another user"])
def test_who_is_kept_or_got_their_identifier_later_is_in_the_sample(store: Store, standing: str) -> None:
    put(store, "u1", standing=standing)
    assert held(store) == quiet(store, "u1") == ["u1"]


def test_who_was_never_in_the_audience_is_not_gone(store: Store) -> None:
    put(store, "u1", **GONE, entered=False)
    put(store, "u2", **{**GONE, "standing": AudienceStatus.KEPT.value})
    assert gone(store) == []


def test_of_a_large_table_pages_are_picked_until_there_are_enough(database: str, open_store: OpenStore) -> None:
    store = open_store(database)
    put(store, *(f"u{number:05}" for number in range(20_000)))
    with store.writing() as tx:
        tx.execute(text("ANALYZE entity"))
        portions = list(samples._portions(tx, 100, 1_000))

    assert len(portions) > 1
    chosen = held(store, 100, scanned_rows=1_000)
    assert len(set(chosen)) == 100
    assert set(held(store, 20_000, scanned_rows=1_000)) == {f"u{number:05}" for number in range(20_000)}


def test_a_few_among_many_others_are_all_found(database: str, open_store: OpenStore) -> None:
    store = open_store(database)
    put(store, *(f"u{number:05}" for number in range(5_000)), due_at=NOW)
    put(store, "a1", "a2", "a3")
    with store.writing() as tx:
        tx.execute(text("ANALYZE entity"))
    assert sorted(held(store, 100, scanned_rows=1_000)) == ["a1", "a2", "a3"]


def test_who_holds_an_identifier_is_told_by_sync_and_user(store: Store) -> None:
    accept(store, [rules()], formats.parse("native", [message("u1", 1)]))
    with store.writing() as tx:
        identifier_holders.hold(tx, "other", {encoding.identifier_text(ident("u1")): ["x1"]})
    with store.reading() as tx:
        both = samples.holders(tx, ["main", "other"], ["id:u1", "id:u2"])
        assert both == {"id:u1": {("main", "u1"), ("other", "x1")}}
        assert samples.holders(tx, ["main"], ["id:u1"]) == {"id:u1": {("main", "u1")}}
        assert samples.holders(tx, ["main"], []) == {}
