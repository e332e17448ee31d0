"""Claims on SQLite and on PostgreSQL: one sender a person, and nothing forgotten between a request and its answer."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from connector import formats
from connector.audience.desired import desired
from connector.intake.accept import accept
from connector.model.entity import Identifier, Profile, Unconfirmed
from connector.planning.attempt import Claim
from connector.planning.plan import next_step
from connector.planning.settlement import Confirmed, PartlyRefused, Postponed, Settlement
from connector.store import claims, entities, events
from connector.store import settlements as settling
from connector.store.engine import Store
from tests.build_settings import rules
from tests.world import event, message

OpenStore = Callable[[str], Store]
NOW = 4_000_000_000.0
"""Later than everything was taken in, so that it is due."""


def take(store: Store, *messages: dict[str, Any]) -> None:
    accept(store, [rules()], formats.parse("native", list(messages)))


def claim(store: Store, lease: str = "mine", limit: int = 100, now: float = NOW) -> list[Claim]:
    with store.writing() as tx:
        return claims.claim(tx, "main", lease, limit, now, seconds=60)


def settle(store: Store, *settlements: Settlement, lease: str = "mine", now: float = NOW) -> None:
    with store.writing() as tx:
        settling.settle(tx, "main", lease, settlements, now)


def confirmed(claimed: Claim, **rest: Any) -> Settlement:
    """The person was sent as they should be."""
    return Confirmed(claimed.entity, wanted(claimed), **rest)


def wanted(claimed: Claim) -> Profile | None:
    return desired(claimed.entity.facts, rules()).person


def keys(claimed: Iterable[Claim]) -> list[str]:
    return [each.entity.key for each in claimed]


def row(store: Store, key: str = "u1") -> dict[str, Any]:
    with store.reading() as tx:
        found = tx.execute(text("SELECT * FROM entity WHERE key = :key"), {"key": key}).mappings().one()
        return dict(found)


def owes(claimed: Claim) -> list[dict[str, Any]]:
    """The operations that would be sent for a claim."""
    facts = desired(claimed.entity.facts, rules())
    return [each.item for each in next_step(claimed.entity, facts, claimed.events, rules()).operations]


def test_a_claim_gives_the_person_and_their_events_in_order(store: Store) -> None:
    early, late = event("Signed up", "e1", time=1_000), event("page", "e2", type="page", time=2_000)
    take(store, message("u1", 1, late, early, plan="gold"))
    [claimed] = claim(store)

    assert (claimed.entity.key, claimed.entity.doubt, claimed.entity.delivered) == ("u1", 0, None)
    assert [each.name for each in claimed.events] == ["Signed up", "page"]


def test_a_claimed_person_is_nobody_elses_until_the_lease_ends(store: Store) -> None:
    take(store, message("u1", 1))
    assert keys(claim(store, "mine")) == ["u1"]

    assert claim(store, "other", now=NOW + 59) == []
    assert keys(claim(store, "other", now=NOW + 61)) == ["u1"]


def check_claim_limit(store: Store) -> None:
    for number in range(30):
        take(store, message(f"u{number:02}", 1))

    assert keys(claim(store, limit=10)) == [f"u{number:02}" for number in range(10)]
    assert len(claim(store, limit=10)) == 10
    assert len(claim(store, limit=100)) == 10


def test_a_claim_takes_the_longest_due_and_no_more_than_asked(file_url: str, open_store: OpenStore) -> None:
    check_claim_limit(open_store(file_url))


def test_a_claim_on_postgresql_takes_no_more_than_asked(database: str, open_store: OpenStore) -> None:
    check_claim_limit(open_store(database))


def test_who_is_not_due_yet_is_not_claimed(store: Store) -> None:
    take(store, message("u1", 1))
    assert claim(store, now=1_000.0) == []


def test_two_who_claim_at_once_never_get_the_same_person(store: Store) -> None:
    take(store, *(message(f"u{number}", 1) for number in range(400)))
    together = threading.Barrier(8)

    def take_all(lease: str) -> list[str]:
        together.wait(10)
        found: list[str] = []
        while part := claim(store, lease, limit=10):
            found += keys(part)
        return found

    with ThreadPoolExecutor(8) as pool:
        found = [key for part in pool.map(take_all, "abcdefgh") for key in part]
    assert len(found) == len(set(found)) == 400


def test_a_claim_passes_over_rows_that_somebody_writes(database: str, open_store: OpenStore) -> None:
    store = open_store(database)
    take(store, message("u1", 1), message("u2", 1))
    with store.writing() as tx:
        entities.load(tx, "main", ["u1"])
        assert keys(claim(store)) == ["u2"]
    assert keys(claim(store)) == ["u1"]


def test_a_confirmed_person_is_not_due_any_more(store: Store) -> None:
    take(store, message("u1", 1, plan="gold"))
    [claimed] = claim(store)
    settle(store, confirmed(claimed))

    found = row(store)
    assert [found[name] for name in ("due_at", "lease", "leased_until", "tried", "doubt")] == [None] * 4 + [0]
    assert claim(store) == []
    with store.writing() as tx:
        delivered = entities.load(tx, "main", ["u1"])["u1"].delivered
    assert delivered == Profile(Identifier("id", "u1"), {"plan": "gold"})


def test_a_person_who_moved_in_flight_stays_due(store: Store) -> None:
    take(store, message("u1", 1, plan="free"))
    [claimed] = claim(store)
    take(store, message("u1", 2, plan="gold"))
    settle(store, confirmed(claimed))

    [again] = claim(store)
    assert again.entity.delivered == Profile(Identifier("id", "u1"), {"plan": "free"})
    assert again.entity.doubt == 0
    assert owes(again)[0]["attributes"] == {"plan": "gold"}


def test_a_person_with_more_to_send_stays_due(store: Store) -> None:
    take(store, message("u1", 1, event("Signed up", "e1")))
    [claimed] = claim(store)
    settle(store, confirmed(claimed))
    [again] = claim(store)
    assert len(again.events) == 1
    with store.writing() as tx:
        events.settle(tx, "main", [again.events[0].id], events.SENT)
    settle(store, confirmed(again, more=True))
    [last] = claim(store)
    assert last.events == ()
    settle(store, confirmed(last))

    assert claim(store) == []


def test_a_refused_person_is_left_alone_until_they_move(store: Store) -> None:
    take(store, message("u1", 1, plan="free"))
    [claimed] = claim(store)
    settle(store, PartlyRefused(claimed.entity))
    assert claim(store) == []
    take(store, message("u1", 2, plan="gold"))

    [again] = claim(store)
    assert (again.entity.delivered, again.entity.doubt) == (None, 0)


def test_a_refused_person_who_moved_in_flight_is_due(store: Store) -> None:
    take(store, message("u1", 1, plan="free"))
    [claimed] = claim(store)
    take(store, message("u1", 2, plan="gold"))
    settle(store, PartlyRefused(claimed.entity))

    assert keys(claim(store)) == ["u1"]


@pytest.mark.parametrize("doubt", [True, False])
def test_who_is_to_be_sent_later_is_due_at_once(store: Store, *, doubt: bool) -> None:
    take(store, message("u1", 1, plan="free"))
    [claimed] = claim(store)
    settle(store, Postponed(claimed.entity, doubt=doubt))

    [again] = claim(store)
    assert again.entity.doubt == int(doubt)


def test_a_lost_lease_settles_nothing(store: Store) -> None:
    take(store, message("u1", 1, plan="free"))
    [mine] = claim(store, "mine")
    [others] = claim(store, "other", now=NOW + 61)
    before = row(store)
    late = (confirmed(mine), PartlyRefused(mine.entity, wanted(mine)), Postponed(mine.entity, doubt=True))
    for each in late:
        settle(store, each, lease="mine")
    assert row(store) == before
    settle(store, confirmed(others), lease="other", now=NOW + 62)

    assert row(store)["due_at"] is None


def test_a_lost_lease_lets_go_of_no_identifier(store: Store) -> None:
    take(store, message("1", 1, external_id="u1"))
    [claimed] = claim(store, "first")
    settle(store, confirmed(claimed), lease="first")
    take(store, message("1", 2, external_id="u1", segments=[]))
    [slow] = claim(store, "slow")
    [quick] = claim(store, "quick", now=NOW + 61)
    settle(store, Confirmed(quick.entity, None, released=(Identifier("id", "u1"),)), lease="quick")
    take(store, message("1", 3, external_id="u1"))
    settle(store, Confirmed(slow.entity, None, released=(Identifier("id", "u1"),)), lease="slow")
    take(store, message("2", 1, external_id="u1"))

    assert row(store, "2")["waits_for"] == "id:u1"


def test_a_lease_that_ran_out_leaves_a_doubt(store: Store) -> None:
    take(store, message("u1", 1, plan="free"))
    claim(store, "mine")
    [again] = claim(store, "other", now=NOW + 61)

    assert again.entity.doubt == 1


def test_a_program_that_knows_to_be_alone_ends_all_leases(store: Store) -> None:
    take(store, message("u1", 1), message("u2", 1))
    claim(store)
    with store.writing() as tx:
        assert claims.release_all(tx) == 2

    assert keys(claim(store)) == ["u1", "u2"]


def test_a_due_person_is_seen_until_somebody_has_claimed_them(store: Store) -> None:
    def any_due(now: float = NOW) -> bool:
        with store.reading() as tx:
            return claims.any_due(tx, "main", now)

    assert not any_due()
    take(store, message("u1", 1))
    assert any_due()
    claim(store)
    assert not any_due()
    assert any_due(NOW + 61)


# ---- What a lost answer may have left behind -------------------------------------------------------------------------


def test_an_attribute_of_a_lost_answer_that_is_gone_since_is_nulled(store: Store) -> None:
    take(store, message("u1", 1, plan="gold"))
    settle(store, *map(confirmed, claim(store)))
    take(store, message("u1", 2, plan="gold", city="Bergen"))
    [claimed] = claim(store)
    settle(store, Postponed(claimed.entity, doubt=True))
    take(store, message("u1", 3, plan="gold"))

    [again] = claim(store)
    assert owes(again)[0]["attributes"] == {"plan": "gold", "city": None}
    settle(store, confirmed(again))
    assert (claim(store), row(store)["tried"]) == ([], None)


def test_an_attribute_is_remembered_when_it_goes_while_the_answer_is_out(store: Store) -> None:
    take(store, message("u1", 1, plan="gold", city="Bergen"))
    [claimed] = claim(store)
    take(store, message("u1", 2, plan="gold"))
    settle(store, Postponed(claimed.entity, doubt=True))

    [again] = claim(store)
    assert owes(again)[0]["attributes"] == {"plan": "gold", "city": None}


def test_what_was_tried_is_forgotten_where_nothing_was_sent(store: Store) -> None:
    take(store, message("u1", 1, plan="gold", city="Bergen"))
    [claimed] = claim(store)
    take(store, message("u1", 2, plan="gold"))
    settle(store, Postponed(claimed.entity, doubt=False))

    [again] = claim(store)
    assert again.entity.tried == Unconfirmed()
    assert owes(again)[0]["attributes"] == {"plan": "gold"}


def test_a_second_try_without_an_answer_forgets_nothing_of_the_first(store: Store) -> None:
    take(store, message("u1", 1, plan="gold", city="Bergen"))
    [first] = claim(store)
    settle(store, Postponed(first.entity, doubt=True))
    take(store, message("u1", 2, plan="gold"))
    [second] = claim(store)
    settle(store, Postponed(second.entity, doubt=False))
    [third] = claim(store)

    assert third.entity.doubt == 1
    assert owes(third)[0]["attributes"] == {"plan": "gold", "city": None}


def test_who_left_after_a_lost_answer_is_deleted(store: Store) -> None:
    take(store, message("u1", 1, plan="gold"))
    [claimed] = claim(store)
    settle(store, Postponed(claimed.entity, doubt=True))
    take(store, message("u1", 2, segments=[]))

    [again] = claim(store)
    assert [(each["action"], each["identifiers"]) for each in owes(again)] == [("delete", {"id": "u1"})]


def test_who_left_after_refused_credentials_is_not_deleted(store: Store) -> None:
    take(store, message("u1", 1, plan="gold"))
    [claimed] = claim(store)
    settle(store, Postponed(claimed.entity, doubt=False))
    take(store, message("u1", 2, segments=[]))

    assert [owes(each) for each in claim(store)] in ([], [[]])


def test_who_came_back_while_they_were_deleted_is_created_again(store: Store) -> None:
    take(store, message("u1", 1, plan="gold"))
    settle(store, *map(confirmed, claim(store)))
    take(store, message("u1", 2, segments=[]))
    [leaving] = claim(store)
    take(store, message("u1", 3, plan="gold"))
    settle(store, Confirmed(leaving.entity, None, released=(Identifier("id", "u1"),)))

    [back] = claim(store)
    assert [each["action"] for each in owes(back)] == ["identify"]


# ---- Order of locks --------------------------------------------------------------------------------------------------


def test_settling_takes_rows_in_the_order_of_their_keys(database: str, open_store: OpenStore) -> None:
    store = open_store(database)
    take(store, message("u1", 1), message("u2", 1))
    u1, u2 = claim(store)
    outcomes = (PartlyRefused(u1.entity), confirmed(u2))
    with ThreadPoolExecutor(1) as pool:
        with store.writing() as tx:
            entities.load(tx, "main", ["u1"])
            settling = pool.submit(settle, store, *outcomes)
            _await_blocked(store)
            entities.load(tx, "main", ["u1", "u2"])
        assert settling.exception() is None


def _await_blocked(store: Store) -> None:
    """Comes back when some transaction waits for another's row."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while True:
        with store.reading() as tx:
            if tx.execute(waiting).scalar_one():
                return
