"""Syncs that decide alike find out once what a batch comes to, and each ends as if it had been the only one."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from pydantic_core import to_json
from sqlalchemy import text

from connector import formats
from connector.audience import apply_change
from connector.audience.rules import Rules
from connector.intake import bodies, findings
from connector.intake.accept import accept
from connector.store import tallies
from connector.store.engine import Store
from tests.budget import seeds
from tests.build_settings import rules
from tests.world import event, message

TABLES = {
    "entity": "key, kind, facts, tried, doubt, revision, entered, standing, waits_for, due_at IS NULL, lane",
    "event": "id, key, body, occurred_at, state",
    "identity": "identifier, key",
    "problem": "kind, subject, reason, count",
    "tally": "name, count",
}


def syncs(prefix: str) -> list[Rules]:
    """Two that want the same, each for a workspace of its own, and one that wants something else."""
    first, other = rules(), rules(on_exit="keep", attributes=["city"], events=["*"])
    named = {"first": first, "second": first, "other": other}
    return [replace(each, name=f"{prefix} {name}", connection=name) for name, each in named.items()]


def rows(store: Store, sync: Rules) -> dict[str, list[Any]]:
    """What the store keeps of a sync, but for times and slots."""
    with store.reading() as tx:
        found = {
            table: tx.execute(text(f"SELECT {columns} FROM {table} WHERE sync = :sync"), {"sync": sync.name}).all()
            for table, columns in TABLES.items()
        }
    found["tally"] = sorted(tallies_of(store, sync).items())  # type: ignore[arg-type]  # rows of another shape
    return {table: sorted(map(tuple, listed), key=repr) for table, listed in found.items()}


def tallies_of(store: Store, sync: Rules) -> dict[str, int]:
    with store.reading() as tx:
        return tallies.tallies(tx, sync.name)


def anything(rng: Random) -> dict[str, Any]:
    """A message about one of a few users: by version or without, with what another has said before, and with faults."""
    user, version = f"u{rng.randrange(4)}", rng.choice([None, 1, 2, 3, 4])
    said: dict[str, Any] = {
        "plan": rng.choice(["free", "gold", "x" * 1200, None]),
        "city": rng.choice(["Here", "a\0b"]),
    }
    listed = [event("Signed up", f"e{rng.randrange(3)}", properties={"n": rng.randrange(2)})] * rng.randrange(3)
    told = message(user, version, *listed, segments=rng.choice([["Paying"], ["Paying", "Trial"], []]), **said)
    if rng.random() < 0.1:
        return {"user": {"id": user}, "deleted": True, "version": version or 5}
    return told


@pytest.mark.parametrize("seed", seeds(3))
def test_syncs_that_decide_alike_end_as_if_each_had_been_the_only_one(store: Store, seed: int) -> None:
    """Also where their rows differ, since one of them did not hear everything."""
    rng = Random(seed)
    together, apart = syncs("together"), syncs("apart")
    for number in range(12):
        batch = [anything(rng) for _ in range(8)]
        batch += rng.sample(batch, 3)
        hearing = slice(1, None) if number % 5 == 0 else slice(None)
        take(store, together[hearing], batch)
        for each in apart[hearing]:
            take(store, [each], batch)

    for mine, alone in zip(together, apart, strict=True):
        assert rows(store, mine) == rows(store, alone)
    assert rows(store, together[0])["entity"] != rows(store, together[1])["entity"]


def take(store: Store, heard: Sequence[Rules], batch: list[dict[str, Any]]) -> None:
    accept(store, heard, formats.parse("native", batch))


def test_what_a_change_does_is_found_out_once_for_syncs_that_decide_alike(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged: list[str] = []
    original = apply_change.merge

    def merge(*given: Any) -> apply_change.AppliedChange:
        merged.append(given[2].name)
        return original(*given)

    monkeypatch.setattr(apply_change, "merge", merge)
    batch = [message(f"u{number}", 1, event("Signed up", f"e{number}"), plan="gold") for number in range(5)]
    take(store, syncs("some"), batch)

    assert merged == ["some first"] * len(batch)
    first, second = (rows(store, each)["entity"] for each in syncs("some")[:2])
    assert (len(second), second) == (len(batch), first)


@pytest.mark.parametrize(
    "apart",
    [
        {"attributes": ["plan"]},
        {"on_exit": "keep"},
        {"events": []},
        {"segments": ["Trial"]},
        {"mode": "update", "on_exit": "clear"},
    ],
)
def test_syncs_that_want_something_else_share_nothing(apart: dict[str, Any]) -> None:
    one, other = rules(), replace(rules(**apart), name="other")
    assert not one.decides_as(other)
    found = findings.find([], [one, other])
    assert found["main"] is not found["other"]


def test_a_message_that_comes_twice_in_a_batch_is_read_once_and_counts_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstreams repeat themselves, byte for byte; what a repeat is worth does not change by how it is read."""
    body = b'{"user": {"id": "u1", "external_id": "1"}, "segments": ["Paying"], "version": 1}'
    read: list[object] = []
    original = bodies.read
    monkeypatch.setattr(bodies, "read", lambda *given: read.append(given[1]) or original(*given))
    taken = bodies.take(store, [rules()], "native", [body, b"{", body, b"{"], 1000)

    assert read == [body, b"{"]
    assert (taken.changes, taken.unreadable) == (2, 2)


def test_an_older_word_between_a_message_and_its_repeat_changes_nothing(store: Store) -> None:
    newest = message("u1", 3, event("Signed up", "e1"), plan="gold")
    bodies.take(
        store, [rules()], "native", [to_json(each) for each in (newest, message("u1", 2, plan="free"), newest)], 1000
    )
    whole, repeated = rows(store, rules()), [to_json(newest)] * 2
    bodies.take(store, [rules()], "native", repeated, 1000)

    assert rows(store, rules())["entity"] == whole["entity"]
    assert tallies_of(store, rules())["events repeated"] == 3
    assert tallies_of(store, rules())["events accepted"] == 1


def test_a_message_without_a_version_that_comes_again_is_the_newest_word(store: Store) -> None:
    first, then = message("u1", None, plan="free"), message("u1", None, plan="gold")
    bodies.take(store, [rules()], "native", [to_json(each) for each in (first, then, first)], 1000)
    ((_, _, facts, *_),) = rows(store, rules())["entity"]
    assert '"free"' in facts
