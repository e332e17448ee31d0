"""Doubts raised on purpose, on SQLite and on PostgreSQL: the whole person goes out again, nobody is pushed back."""

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import text

from connector import formats
from connector.audience import desired as audience
from connector.intake.accept import accept
from connector.planning.attempt import Claim
from connector.planning.plan import next_step
from connector.planning.settlement import Confirmed
from connector.store import claims, resend, settlements
from connector.store.engine import Store
from connector.store.tables import BACKFILL, EXIT, HELD, LIVE
from tests.build import ident
from tests.build_settings import rules
from tests.world import message

NOW = 4_000_000_000.0
"""Later than everything was taken in, so that it is due."""


def take(store: Store, *messages: dict[str, Any]) -> None:
    accept(store, [rules()], formats.parse("native", list(messages)))


def claim(store: Store, lease: str = "mine", now: float = NOW) -> list[Claim]:
    with store.writing() as tx:
        return claims.claim(tx, "main", lease, 100, now, seconds=60)


def confirm(store: Store, claimed: Iterable[Claim], lease: str = "mine") -> None:
    settled = [Confirmed(each.entity, wanted(each)) for each in claimed]
    with store.writing() as tx:
        settlements.settle(tx, "main", lease, settled, NOW)


def wanted(claimed: Claim) -> Any:
    return audience.desired(claimed.entity.facts, rules()).person


def delivered(store: Store, *messages: dict[str, Any]) -> None:
    """Everything that these messages say has been confirmed."""
    take(store, *messages)
    confirm(store, claim(store))


def send_whole(store: Store, *keys: str, now: float = NOW) -> int:
    with store.writing() as tx:
        return resend.send_whole(tx, "main", keys, now)


def row(store: Store, key: str = "u1") -> dict[str, Any]:
    with store.reading() as tx:
        found = tx.execute(text("SELECT * FROM entity WHERE key = :key"), {"key": key}).mappings().one()
        return dict(found)


def owes(claimed: Claim) -> list[dict[str, Any]]:
    desired = audience.desired(claimed.entity.facts, rules())
    return [each.item for each in next_step(claimed.entity, desired, claimed.events, rules()).operations]


def change(store: Store, **values: Any) -> None:
    sets = ", ".join(f"{name} = :{name}" for name in values)
    with store.writing() as tx:
        tx.execute(text(f"UPDATE entity SET {sets}"), values)


def test_the_whole_person_is_owed_although_nothing_has_changed(store: Store) -> None:
    delivered(store, message("u1", 1, plan="gold", city="Bergen"), message("u2", 1, plan="free"))
    assert claim(store) == []
    assert send_whole(store, "u1") == 1

    [again] = claim(store)
    assert (again.entity.key, again.entity.doubt) == ("u1", 1)
    assert [each["attributes"] for each in owes(again)] == [{"plan": "gold", "city": "Bergen"}]


def test_once_confirmed_the_person_is_not_due_any_more(store: Store) -> None:
    delivered(store, message("u1", 1, plan="gold"))
    send_whole(store, "u1")
    confirm(store, claim(store))

    assert (row(store)["doubt"], row(store)["due_at"], claim(store)) == (0, None, [])


def test_who_was_not_due_waits_behind_live_changes(store: Store) -> None:
    delivered(store, message("u1", 1, plan="gold"))
    send_whole(store, "u1")
    assert (row(store)["lane"], row(store)["due_at"]) == (BACKFILL, NOW)


def test_who_was_due_keeps_their_place(store: Store) -> None:
    take(store, message("u1", 1, plan="gold"))
    before = row(store)
    assert send_whole(store, "u1") == 1

    assert row(store) == before | {"doubt": 1}
    assert before["lane"] == LIVE


def test_a_doubt_raised_while_a_request_is_out_outlives_its_answer(store: Store) -> None:
    take(store, message("u1", 1, plan="gold"))
    claimed = claim(store)
    send_whole(store, "u1")
    confirm(store, claimed)

    [again] = claim(store)
    assert again.entity.doubt == 1
    confirm(store, [again])
    assert (row(store)["doubt"], claim(store)) == (0, [])


def test_who_waits_for_an_identifier_goes_on_waiting(store: Store) -> None:
    delivered(store, message("u1", 1), message("u2", 1, external_id="u1"))
    before = row(store, "u2")
    assert before["waits_for"] == "id:u1"
    assert send_whole(store, "u1", "u2") == 1
    assert row(store, "u2") == before


def test_a_held_deletion_stays_held(store: Store) -> None:
    delivered(store, message("u1", 1))
    change(store, lane=HELD)
    before = row(store)
    assert send_whole(store, "u1") == 0
    assert row(store) == before


@pytest.mark.parametrize("keys", [(), ("nobody",)])
def test_nobody_is_no_failure(store: Store, keys: tuple[str, ...]) -> None:
    assert send_whole(store, *keys) == 0


def test_other_syncs_are_left_alone(store: Store) -> None:
    delivered(store, message("u1", 1))
    with store.writing() as tx:
        assert resend.send_whole(tx, "other", ["u1"], NOW) == 0
    assert row(store)["doubt"] == 0


# --- deletions that did not last -------------------------------------------------------------------------------------


def gone(store: Store, *names: str) -> None:
    """These users were delivered, left, and were deleted."""
    delivered(store, *(message(name, 1, plan="gold") for name in names))
    take(store, *(message(name, 2, segments=[]) for name in names))
    leaving = claim(store)
    released = [Confirmed(each.entity, None, released=(ident(each.entity.key),)) for each in leaving]
    with store.writing() as tx:
        settlements.settle(tx, "main", "mine", released, NOW)


def delete_again(store: Store, **identifiers: str) -> int:
    with store.writing() as tx:
        names = {key: ident(value) for key, value in identifiers.items()}
        return resend.delete_again(tx, "main", names, NOW)


def test_who_was_believed_gone_is_deleted_again_in_the_lane_that_the_guard_watches(store: Store) -> None:
    gone(store, "u1", "u2")
    assert delete_again(store, u1="u1") == 1
    assert row(store)["lane"] == EXIT

    [again] = claim(store)
    assert [(each["action"], each["identifiers"]) for each in owes(again)] == [("delete", {"id": "u1"})]
    confirm(store, [again])
    assert (row(store)["doubt"], row(store)["tried"], claim(store)) == (0, None, [])


def test_an_identifier_that_another_user_has_taken_over_is_not_deleted(store: Store) -> None:
    gone(store, "u1")
    delivered(store, message("u2", 1, external_id="u1"))
    before = row(store)
    assert delete_again(store, u1="u1") == 0
    assert row(store) == before


def test_of_two_who_had_one_identifier_one_deletes_it(store: Store) -> None:
    gone(store, "u1", "u2")
    assert delete_again(store, u1="u1", u2="u1") == 1
    assert [each.entity.key for each in claim(store)] == ["u1"]


def test_who_wants_the_identifier_waits_until_it_is_deleted(store: Store) -> None:
    gone(store, "u1")
    delete_again(store, u1="u1")
    take(store, message("u2", 1, external_id="u1"))
    assert row(store, "u2")["waits_for"] == "id:u1"

    [again] = claim(store)
    settled = Confirmed(again.entity, None, released=(ident("u1"),))
    with store.writing() as tx:
        settlements.settle(tx, "main", "mine", [settled], NOW)
    assert [each.entity.key for each in claim(store)] == ["u2"]


def test_nobody_to_delete_is_no_failure(store: Store) -> None:
    assert delete_again(store) == 0


# --- still as they were ----------------------------------------------------------------------------------------------


def unmoved(store: Store, **revisions: int) -> list[str]:
    with store.writing() as tx:
        return resend.unmoved(tx, "main", revisions)


def test_who_has_the_same_revision_and_owes_nothing_is_unmoved(store: Store) -> None:
    delivered(store, message("u2", 1), message("u1", 1))
    revision = row(store)["revision"]
    assert unmoved(store, u1=revision, u2=revision, nobody=revision) == ["u1", "u2"]
    assert unmoved(store, u1=revision + 1) == []


@pytest.mark.parametrize(
    "moved", [{"due_at": NOW}, {"lease": "other"}, {"doubt": 1}, {"lane": HELD}, {"waits_for": "id:u9"}]
)
def test_who_is_due_sent_doubted_held_or_waiting_has_moved(store: Store, moved: dict[str, Any]) -> None:
    delivered(store, message("u1", 1))
    revision = row(store)["revision"]
    change(store, **moved)
    assert unmoved(store, u1=revision) == []
