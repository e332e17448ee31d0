"""Identifiers on SQLite and on PostgreSQL: one holder each, and nobody waits for what nobody holds."""

from importlib import import_module
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text

from connector import formats
from connector.audience.desired import desired
from connector.intake.accept import accept
from connector.model.entity import Entity, Identifier
from connector.planning.attempt import Claim
from connector.planning.settlement import Confirmed, Postponed
from connector.store import claims, entities, settlements
from connector.store.engine import Store
from connector.store.entities import Written
from tests.build_settings import rules
from tests.world import message, problems

addresses = import_module("connector.store.migrations.versions.0010_addresses_have_holders")
NOW = 4_000_000_000.0
ANN = Identifier("id", "u1")


def take(store: Store, *messages: dict[str, Any]) -> None:
    accept(store, [rules()], formats.parse("native", list(messages)))


def claim(store: Store) -> list[Claim]:
    with store.writing() as tx:
        return claims.claim(tx, "main", "lease", 100, NOW, 60)


def settle(store: Store, claimed: Claim, *released: Identifier) -> None:
    person = desired(claimed.entity.facts, rules()).person
    with store.writing() as tx:
        settlements.settle(tx, "main", "lease", [Confirmed(claimed.entity, person, released=released)], NOW)


def deliver(store: Store) -> None:
    for claimed in claim(store):
        settle(store, claimed)


def holders(store: Store) -> dict[str, str]:
    with store.reading() as tx:
        return {row[0]: row[1] for row in tx.execute(text("SELECT identifier, key FROM identity"))}


def standing(store: Store) -> dict[str, tuple[str | None, bool]]:
    """Of each user: the identifier they wait for, and whether they are due."""
    with store.reading() as tx:
        rows = tx.execute(text("SELECT key, waits_for, due_at FROM entity"))
        return {row.key: (row.waits_for, row.due_at is not None) for row in rows}


def test_the_first_who_wants_an_identifier_holds_it(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    take(store, message("2", 1, external_id="u1"))

    assert holders(store) == {"id:u1": "1"}
    assert standing(store) == {"1": (None, True), "2": ("id:u1", False)}


def test_the_first_of_a_batch_who_wants_an_identifier_holds_it(store: Store) -> None:
    users = [(f"u{number}", f"name {number % 6}") for number in range(59, -1, -1)]
    take(store, *(message(user, 1, external_id=name) for user, name in users))

    assert holders(store) == {f"id:name {number % 6}": f"u{number}" for number in range(54, 60)}


def test_the_conflict_names_both(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    take(store, message("2", 1, external_id="u1"))

    [problem] = problems(store)
    assert (problem["kind"], problem["subject"]) == ("conflict", "2")
    assert "id:u1" in problem["reason"]
    assert "'1'" in problem["reason"]


def test_the_holder_goes_on_being_updated(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    take(store, message("2", 1, external_id="u1"))
    deliver(store)
    take(store, message("1", 2, external_id="u1", plan="gold"), message("2", 2, external_id="u1", plan="free"))

    assert [each.entity.key for each in claim(store)] == ["1"]


def test_who_waits_gets_the_identifier_when_the_holder_is_deleted(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    take(store, message("2", 1, external_id="u1"))
    deliver(store)
    take(store, message("1", 2, external_id="u1", segments=[]))
    assert standing(store)["2"] == ("id:u1", False)
    [leaving] = claim(store)
    settle(store, leaving, ANN)

    assert holders(store) == {"id:u1": "2"}
    assert standing(store) == {"1": (None, False), "2": (None, True)}


def test_who_waits_gets_the_identifier_when_the_holder_never_was_sent(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    take(store, message("2", 1, external_id="u1"))
    take(store, message("1", 2, external_id="u1", segments=[]))

    assert holders(store) == {"id:u1": "2"}
    assert standing(store)["2"] == (None, True)


def test_one_of_several_who_wait_gets_the_identifier(store: Store) -> None:
    for number in "123":
        take(store, message(number, 1, external_id="u1"))
    take(store, message("1", 2, external_id="other"))

    assert holders(store) == {"id:u1": "2", "id:other": "1"}
    assert standing(store) == {"1": (None, True), "2": (None, True), "3": ("id:u1", False)}


def test_who_waits_and_takes_another_identifier_waits_no_more(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    take(store, message("2", 1, external_id="u1"))
    take(store, message("2", 2, external_id="u2"))

    assert holders(store) == {"id:u1": "1", "id:u2": "2"}
    assert standing(store)["2"] == (None, True)
    assert problems(store) == []


def test_who_waits_and_leaves_the_audience_is_a_problem_no_more_and_others_are(store: Store) -> None:
    take(store, *(message(number, 1, external_id="u1") for number in "123"))
    take(store, message("2", 2, external_id="u1", segments=[]))

    assert [each["subject"] for each in problems(store)] == ["3"]


def test_who_waits_for_another_identifier_now_is_a_problem_for_that_one(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"), message("2", 1, external_id="u2"), message("3", 1, external_id="u1"))
    take(store, message("3", 2, external_id="u2"))

    assert [each["reason"].split(" is ")[0] for each in problems(store)] == ["id:u2"]


def test_who_waits_and_leaves_waits_no_more(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    take(store, message("2", 1, external_id="u1"))
    take(store, message("2", 2, external_id="u1", segments=[]))

    assert standing(store)["2"] == (None, False)


def test_an_identifier_in_doubt_stays_held(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    [claimed] = claim(store)
    take(store, message("1", 2, external_id="u1b"), message("2", 1, external_id="u1"))
    with store.writing() as tx:
        settlements.settle(tx, "main", "lease", [Postponed(claimed.entity, doubt=True)], NOW)

    assert holders(store) == {"id:u1": "1", "id:u1b": "1"}
    assert standing(store)["2"] == ("id:u1", False)


def test_two_who_swap_their_identifiers_do_not_both_wait_for_ever(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"), message("2", 1, external_id="u2"))
    take(store, message("1", 2, external_id="u2"), message("2", 2, external_id="u1"))

    assert holders(store) == {"id:u1": "2", "id:u2": "1"}
    assert standing(store) == {"1": (None, True), "2": (None, True)}


def test_the_case_of_an_email_makes_no_second_identifier(store: Store) -> None:
    by_email = rules(identifier="email", identify_by="email")
    for each in (message("1", 1, email="U1@Example.com"), message("2", 1, email="u1@example.com")):
        accept(store, [by_email], formats.parse("native", each))

    assert holders(store) == {"email:u1@example.com": "1"}
    assert standing(store)["2"] == ("email:u1@example.com", False)


def test_an_identifier_is_not_handed_to_who_wants_it_no_more(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    take(store, message("2", 1, external_id="u1"))
    take(store, message("1", 2, external_id="one"), message("2", 2, external_id="two"))
    take(store, message("3", 1, external_id="u1"))

    assert holders(store) == {"id:one": "1", "id:two": "2", "id:u1": "3"}
    assert standing(store)["3"] == (None, True)


def test_who_came_back_while_they_were_deleted_holds_their_identifier(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    deliver(store)
    take(store, message("1", 2, external_id="u1", segments=[]))
    [leaving] = claim(store)
    take(store, message("1", 3, external_id="u1"))
    settle(store, Claim(leaving.entity, ()), ANN)
    take(store, message("2", 1, external_id="u1"))

    assert standing(store) == {"1": (None, True), "2": ("id:u1", False)}


def test_who_was_delivered_with_an_address_before_holds_it_after_the_migration(store: Store) -> None:
    texts = {
        "1": '[["id","1"],{"email":"Ada@example.com","plan":"gold"}]',
        "2": '[["id","2"],{"email":"ada@example.com"}]',
        "3": '[["id","3"],{"email":null}]',
        "4": '[["id","4"],{"email":"\\u0000uncertain"}]',
        "5": 'no JSON, "email"',
    }
    with store.writing() as tx:
        for key, delivered in texts.items():
            entities.save(tx, "main", [Written(Entity(key), "", due=False)], NOW)
            entities.put(tx, "main", [key], delivered=delivered)
        with Operations.context(MigrationContext.configure(tx)):
            addresses.upgrade()

    assert holders(store) == {"email:ada@example.com": "1"}
