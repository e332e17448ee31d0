"""A row of the store that cannot be read, from whatever cause, costs its own user alone, and they can be forgotten."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from sqlalchemy import text

from connector.admin import problems as remedies
from connector.admin.audit.audit import Audit
from connector.admin.privacy import find_user
from connector.admin.privacy.forget import Forgetting
from connector.bulk import resync
from connector.errors import ConnectorError
from connector.store import manual_segments as manual
from connector.store import members, problems, samples
from tests.resyncs import AT_ONCE, run
from tests.stores import in_turn
from tests.world import World, event, message

CORRUPT = {
    "cut off": '[[{"plan":',
    "empty": "",
    "another form": "[1, 2, 3]",
    "an object": '{"a": 1}',
    "values that are none": '[["a", null], ["b", null], ["c", null]]',
    "too deep": "[" * 300 + "]" * 300,
}
COLUMNS = ("facts", "delivered", "tried", "memberships")
MakeWorld = Callable[..., World]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Three people in Customer.io, of whom u2's identifier is known to the store."""
    world = make_world(connection={"app_api_key": "app-api-key"})
    world.take(*(message(f"u{number}", 1, plan="gold") for number in (1, 2, 3)))
    world.settle()
    return world


def corrupt(world: World, column: str, with_text: str, key: str = "u2") -> None:
    with world.store.writing() as tx:
        tx.execute(text(f"UPDATE entity SET {column} = :text WHERE key = :key"), {"text": with_text, "key": key})


def make_due(world: World) -> None:
    with world.store.writing() as tx:
        tx.execute(text("UPDATE entity SET due_at = 0"))


def told(world: World) -> list[tuple[str, str, str]]:
    return [(kind, subject, reason) for kind, subject, reason in world.problems() if kind == "unreadable"]


def forget(world: World, user: str) -> bool:
    found = find_user.find(world.runtime, user)
    return Forgetting(world.runtime, found, busy_seconds=0.0, sleep=lambda _: None).run().complete


@in_turn(["how", "column"], product(CORRUPT, COLUMNS))
def test_delivery_sets_it_aside_with_a_problem_and_brings_the_others(world: World, column: str, how: str) -> None:
    corrupt(world, column, CORRUPT[how])
    world.take(message("u1", 2, plan="free"), message("u3", 2, plan="free"))
    make_due(world)
    world.settle()

    assert {name: each["plan"] for name, each in world.simulated.people().items() if name != "u2"} == {
        "u1": "free",
        "u3": "free",
    }
    [(_, subject, reason)] = told(world)
    assert subject == "u2"
    assert "in the sync 'main' cannot be read" in reason
    assert "connector forget" in reason


def test_a_whole_claim_of_such_rows_does_not_hide_who_waits_behind_them(make_world: MakeWorld) -> None:
    world = make_world(delivery={"people": 2})
    world.take(*(message(f"u{number}", 1) for number in range(6)))
    for number in range(4):
        corrupt(world, "facts", "?", f"u{number}")
    world.settle()

    assert world.simulated.people().keys() == {"u4", "u5"}
    assert [subject for _, subject, _ in told(world)] == ["u0", "u1", "u2", "u3"]


@pytest.mark.parametrize("how", CORRUPT)
def test_what_comes_for_them_is_kept_and_taken_in_once_the_row_is_gone(world: World, how: str) -> None:
    corrupt(world, "facts", CORRUPT[how])
    late = message("u2", 2, event("Signed up", "e1"), plan="new")
    taken = world.take(message("u1", 2, plan="free"), late, message("u3", 2, plan="free"))
    world.settle()
    assert taken.unreadable == 1
    assert {world.simulated.people()[name]["plan"] for name in ("u1", "u3")} == {"free"}

    with world.store.reading() as tx:
        [kept] = [each for each in problems.kept(tx, kind="unreadable") if each.problem.payload]
    with pytest.raises(ConnectorError, match="still cannot be read"):
        remedies.replay(world.runtime, kept, "native")
    corrupt(world, "facts", "[[{},null],[{},null],[{},null]]")
    remedies.replay(world.runtime, kept, "native")
    world.settle()
    assert world.simulated.people()["u2"]["plan"] == "new"
    assert world.simulated.event_names("u2") == ["Signed up"]


def test_a_merge_with_a_damaged_row_keeps_who_was_merged(world: World) -> None:
    corrupt(world, "facts", "?")
    said = {"user": {"id": "u1"}, "merges": ["u2"], "version": 9}
    world.take(said)
    with world.store.reading() as tx:
        [kept] = [each for each in problems.kept(tx, kind="unreadable") if each.problem.payload]
    assert (kept.problem.payload, kept.problem.form) == (said, "native")


@pytest.mark.parametrize("column", COLUMNS)
def test_forget_erases_it_here_and_in_customerio(world: World, column: str) -> None:
    corrupt(world, column, "?")
    make_due(world)
    world.settle()

    assert forget(world, "u2")
    assert world.simulated.people().keys() == {"u1", "u3"}
    assert told(world) == []
    with world.store.reading() as tx:
        assert tx.execute(text("SELECT key FROM entity ORDER BY key")).scalars().all() == ["u1", "u3"]


def test_somebody_else_is_forgotten_beside_it(world: World) -> None:
    corrupt(world, "facts", '[[{"email": "u1 is spoken of here"')
    assert forget(world, "u1")
    assert world.simulated.people().keys() == {"u2", "u3"}


def test_a_resync_and_an_audit_go_on_without_it(world: World) -> None:
    corrupt(world, "facts", "?")
    corrupt(world, "delivered", "?", "u3")
    resync.start(world.runtime, "main", AT_ONCE)
    assert run(world).state == "done"
    assert [subject for _, subject, _ in told(world)] == ["u2", "u3"]

    findings = Audit.of(world.runtime, "main", 0.0).look(10)
    assert findings.drifted == ()
    with world.store.reading() as tx:
        assert members.after(tx, "main", "Paying", "", 10).members.keys() == {"u1", "u3"}
        assert [each.key for each in samples.quiet(tx, "main", ["u1", "u2", "u3"])] == ["u1"]


def test_counts_of_manual_segments_go_on_without_it(world: World) -> None:
    corrupt(world, "memberships", '{"Paying": true}', "u1")
    corrupt(world, "memberships", "?")
    with world.store.reading() as tx:
        assert manual.members(tx, "main") == {"Paying": 1}


def test_an_event_that_cannot_be_read_is_refused_and_the_others_go(make_world: MakeWorld) -> None:
    world = make_world(sync={"events": ["*"]})
    world.take(message("u1", 2, event("One", "e1"), event("Two", "e2")))
    with world.store.writing() as tx:
        tx.execute(text("UPDATE event SET body = '[' WHERE body LIKE '%One%'"))
    world.settle()

    assert world.simulated.event_names("u1") == ["Two"]
    [(kind, subject, reason)] = world.problems()
    assert (kind, subject) == ("event", "u1")
    assert "cannot be read" in reason


def test_who_was_merged_into_it_waits_and_says_so(make_world: MakeWorld) -> None:
    world = make_world()
    world.take(message("u1", 1), message("u2", 1))
    world.settle()
    world.take({"user": {"id": "u2"}, "merges": ["u1"], "version": 2})
    corrupt(world, "facts", "?")
    world.settle()

    assert any(kind == "conflict" and "cannot be read" in reason for kind, _, reason in world.problems())


def test_an_object_that_cannot_be_read_holds_up_neither_objects_nor_people(make_world: MakeWorld) -> None:
    world = make_world(sync={"objects": [{"type": "1", "attributes": ["name"]}]})
    world.take({"object": {"type": "1", "id": "a", "attributes": {"name": "A"}}, "version": 1}, message("u1", 1))
    world.settle()
    with world.store.writing() as tx:
        tx.execute(text("UPDATE entity SET facts = '?', due_at = 0 WHERE kind = 'object'"))
    about: Any = {"type": "1", "id": "a", "attributes": {"name": "new"}}
    beside = {"object": {"type": "1", "id": "b", "attributes": {"name": "B"}}, "version": 2}
    taken = world.take({"object": about, "version": 2}, beside, message("u1", 2, plan="free"))
    world.settle()

    assert taken.changes == 3
    assert world.simulated.people()["u1"]["plan"] == "free"
    assert {subject for _, subject, _ in told(world)} == {"1/a"}
