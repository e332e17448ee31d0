"""Who is at fault where a request fails: whoever may be at fault, however many, and whatever else happens."""

from collections.abc import Collection
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.customerio.batches import Request, encode, pack
from connector.customerio.operations.operation import Operation
from connector.customerio.responses import ACCEPTED, Accepted, Pause, Rejected, ResponseAction, Retry, Settle, Split
from connector.delivery.isolation import (
    LONGEST_STREAK,
    MOST_EXTRA_REQUESTS,
    OUTAGE_FAILURES,
    Isolation,
    Sent,
)
from tests.build import thorough

FAILED = Pause("Customer.io answered 500", "backoff", doubt=True, cause="unknown")
FOREIGN = Pause("the answer 400 is not Customer.io's", "backoff", doubt=True, cause="foreign")
BUSY = Pause("Customer.io answered 429", "backoff", doubt=False)
MOST_ROUNDS = 400


def requests(numbers: Collection[int], *, alone: bool = False) -> list[Request[int]]:
    """One batch of these items; or, alone, one request for each, as of events of nobody."""
    endpoint = "v1_event" if alone else "batch"
    return list(pack(encode((number, Operation({"number": number}, endpoint=endpoint)) for number in numbers)))


def owners(request: Request[int]) -> set[int]:
    return {part.owner for part in request.parts}


class CustomerIo:
    """Answers 500 wherever one of the poisonous items is in the request; counts, and keeps what it took."""

    def __init__(self, poison: Collection[int], failure: Pause = FAILED) -> None:
        self.poison = set(poison)
        self.failure = failure
        self.down = False
        self.asked = 0
        self.taken: set[int] = set()

    def answer(self, request: Request[int]) -> ResponseAction:
        self.asked += 1
        if self.down or self.poison & owners(request):
            return self.failure
        self.taken |= owners(request)
        return Settle((ACCEPTED,) * len(request.parts))


def run(there: CustomerIo, waiting: list[Request[int]], random: Random) -> tuple[list[Sent[int]], Pause | None]:
    isolation = Isolation(waiting, random.sample)
    while (request := isolation.next_request()) is not None:
        isolation.take(request, there.answer(request), None)
    return isolation.finish(), isolation.outage


def at_fault(sent: list[Sent[int]]) -> set[int]:
    return {part.owner for part, result, _ in sent if isinstance(result, Retry) and result.alone}


def accepted(sent: list[Sent[int]]) -> set[int]:
    return {part.owner for part, result, _ in sent if isinstance(result, Accepted)}


SEEDS = st.integers(0, 1000).map(Random)


@thorough
@given(st.integers(1, 400), st.integers(0, 399), SEEDS, st.sampled_from([FAILED, FOREIGN]))
def test_one_at_fault_is_found_and_nobody_else_waits(size: int, place: int, random: Random, failure: Pause) -> None:
    there = CustomerIo([place % size], failure)
    sent, outage = run(there, requests(range(size)), random)
    if size == 1:
        assert (outage, at_fault(sent)) == (failure, set())
        return
    assert outage is None
    assert at_fault(sent) == {place % size}
    assert accepted(sent) == set(range(size)) - {place % size}
    assert there.asked <= 4 + 2 * size.bit_length()


@thorough
@given(st.integers(2, 1000), SEEDS)
def test_an_outage_costs_three_requests_and_blames_nobody(size: int, random: Random) -> None:
    there = CustomerIo(range(size))
    sent, outage = run(there, requests(range(size)), random)
    assert outage == FAILED
    assert there.asked == OUTAGE_FAILURES
    assert not at_fault(sent)
    assert {part.owner for part, _, _ in sent} == set(range(size))
    assert all(isinstance(each.result, Retry) and each.result.doubt for each in sent)


@thorough
@given(st.data(), st.integers(2, 60), st.booleans(), SEEDS)
def test_all_others_arrive_and_those_at_fault_are_told_whoever_they_are(
    data: st.DataObject, size: int, alone: bool, random: Random
) -> None:
    """Round after round as the courier takes them: who was blamed waits alone, all others are sent again."""
    poison = data.draw(st.sets(st.integers(0, size - 1), max_size=size - 1))
    there = CustomerIo(poison)
    left, blamed = set(range(size)), set()
    for number in range(MOST_ROUNDS):
        before = there.asked
        claimed = sorted(left, key=lambda _: random.random())
        sent, outage = run(there, requests(claimed, alone=alone), random)
        assert there.asked - before <= (size if alone else 1) + MOST_EXTRA_REQUESTS
        blamed |= at_fault(sent)
        left -= accepted(sent) | blamed
        if not left - poison and number > 0:
            break
        assert outage is not None or accepted(sent) or at_fault(sent), "neither got on nor paused"
    assert there.taken == set(range(size)) - poison
    assert blamed <= poison


@thorough
@given(st.integers(2, 200), st.sets(st.integers(0, 199), min_size=1, max_size=3), st.integers(0, 40), SEEDS)
def test_an_outage_in_the_middle_of_the_search_ends_it(
    size: int, poison: set[int], begins: int, random: Random
) -> None:
    there = CustomerIo({place % size for place in poison})
    isolation = Isolation(requests(range(size)), random.sample)
    asked_when_down = 0
    while (request := isolation.next_request()) is not None:
        there.down = there.asked >= begins
        asked_when_down += there.down
        isolation.take(request, there.answer(request), None)
    sent = isolation.finish()
    assert asked_when_down <= LONGEST_STREAK
    assert accepted(sent) == there.taken
    known = {part.owner for part, _, _ in sent}
    assert known == set(range(size)) or not there.asked


@pytest.mark.parametrize("size", [1, 2, 5])
def test_what_the_service_says_of_itself_stops_at_once_and_blames_nobody(size: int) -> None:
    there = CustomerIo(range(size), BUSY)
    sent, outage = run(there, requests(range(size)), Random(1))
    assert (there.asked, outage, at_fault(sent)) == (1, BUSY, set())
    assert not any(isinstance(each.result, Retry) and each.result.doubt for each in sent)


def test_what_may_have_been_applied_stays_in_doubt_whatever_comes_after() -> None:
    isolation = Isolation(requests(range(6)), Random(1).sample)
    first = isolation.next_request()
    assert first is not None
    isolation.take(first, FAILED, None)
    scout = isolation.next_request()
    assert scout is not None
    isolation.take(scout, BUSY, None)
    sent = isolation.finish()
    assert isolation.outage == BUSY
    assert [isinstance(each.result, Retry) and each.result.doubt for each in sent] == [True] * 6


def test_a_refusal_shows_that_the_service_is_there() -> None:
    """One item is refused in Customer.io's own words, another makes it answer 500: each is found."""
    there = CustomerIo([2])
    isolation = Isolation(requests(range(8)), Random(3).sample)
    while (request := isolation.next_request()) is not None:
        action = there.answer(request)
        if 5 in owners(request) and not isinstance(action, Pause):
            action = Split("no") if len(request.parts) > 1 else Settle((Rejected("no"),))
        isolation.take(request, action, None)
    sent = isolation.finish()
    assert isolation.outage is None
    assert at_fault(sent) == {2}
    assert [part.owner for part, result, _ in sent if isinstance(result, Rejected)] == [5]
    assert accepted(sent) == {0, 1, 3, 4, 6, 7}


def test_events_of_nobody_are_compared_with_their_neighbours() -> None:
    there = CustomerIo([1])
    sent, outage = run(there, requests(range(4), alone=True), Random(1))
    assert (outage, there.asked) == (None, 4)
    assert at_fault(sent) == {1}


def test_who_is_known_to_fail_is_blamed_without_a_neighbour() -> None:
    isolation = Isolation(requests([7]), Random(1).sample)
    request = isolation.next_request()
    assert request is not None
    isolation.take(request, FAILED, None)
    assert at_fault(isolation.finish(blame=True)) == {7}


def test_a_search_that_is_given_up_leaves_the_rest_in_doubt_and_unblamed() -> None:
    isolation = Isolation(requests(range(10)), Random(1).sample)
    first = isolation.next_request()
    assert first is not None
    isolation.take(first, FAILED, None)
    isolation.give_up()
    assert isolation.next_request() is None
    sent = isolation.finish()
    assert isolation.outage == FAILED
    assert len(sent) == 10
    assert not at_fault(sent)
