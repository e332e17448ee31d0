"""What stands of the words that Customer.io has reported of a person."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model.reported import MARKS, REASONS, RESUBSCRIBED, ReportedWord, mark_of, standing

ADA = ("id:1", "email:ada@example.com")
WORDS = st.builds(
    ReportedWord,
    key=st.sampled_from(ADA),
    owner=st.just("id:1"),
    mark=st.sampled_from([*MARKS, RESUBSCRIBED]),
    at=st.integers(0, 3),
    event_id=st.sampled_from("abcd"),
    address=st.just(""),
)


def word(mark: str, at: int = 1, **rest: Any) -> ReportedWord:
    return ReportedWord(
        **{"key": "id:1", "owner": "id:1", "event_id": f"e-{at}", "address": "", **rest}, mark=mark, at=at
    )


@given(st.lists(WORDS, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_words_makes_no_difference(words: list[ReportedWord], random: Any) -> None:
    shuffled = [*words, *words]
    random.shuffle(shuffled)
    assert standing(words, ADA) == standing(shuffled, ADA)


@pytest.mark.parametrize("mark", MARKS)
def test_a_later_resubscription_undoes_a_mark_and_an_earlier_one_does_not(mark: str) -> None:
    assert standing([word(mark, 2), word(RESUBSCRIBED, 3)], ADA) == {}
    assert standing([word(mark, 2), word(RESUBSCRIBED, 1)], ADA) == {mark: 2}


def test_of_two_people_who_had_one_address_each_has_their_own_marks() -> None:
    of_another = word("unsubscribed", key="email:ada@example.com", owner="id:2")
    assert standing([of_another], ADA) == {}
    assert standing([of_another], ["email:ada@example.com"]) == {"unsubscribed": 1}


@pytest.mark.parametrize(("mark", "stays"), [("bounced", False), ("spammed", False), ("unsubscribed", True)])
def test_what_an_address_did_ends_with_it_and_what_a_person_did_does_not(mark: str, stays: bool) -> None:
    said = [word(mark, address="old@example.com")]
    assert (mark in standing(said, ADA, "new@example.com")) is stays
    assert mark in standing(said, ADA, "old@example.com")
    assert mark in standing(said, ADA)


@pytest.mark.parametrize(
    ("event", "mark"),
    [
        (("customer", "unsubscribed"), "unsubscribed"),
        (("email", "unsubscribed"), "unsubscribed"),
        (("customer", "subscribed"), RESUBSCRIBED),
        (("email", "dropped"), "suppressed"),
        (("email", "bounced"), "bounced"),
        (("email", "spammed"), "spammed"),
        (("push", "bounced"), ""),
        (("email", "deferred"), ""),
    ],
)
def test_what_a_webhook_says_is_one_mark_or_none(event: tuple[str, str], mark: str) -> None:
    assert mark_of(*event) == mark


def test_every_mark_has_words() -> None:
    assert set(REASONS) == set(MARKS)
