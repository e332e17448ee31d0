"""Operations packed into requests by bytes."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.customerio import batches
from connector.customerio.batches import Part, Request
from connector.customerio.operations.operation import Endpoint, Operation
from connector.model.limits import BATCH_BYTES, EVENT_BYTES, ITEM_BYTES
from tests.build import thorough

SIZES = st.integers(0, 9) | st.integers(0, 40_000) | st.sampled_from([ITEM_BYTES, ITEM_BYTES + 1, 120_000])
PARTS = st.lists(st.tuples(SIZES, st.sampled_from(["batch", "batch", "batch", "v1_event"])), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def sized(owner: int, size: int, endpoint: Endpoint = "batch") -> Part[int]:
    """A part of this many bytes, no fewer than an empty object has."""
    item = {"": "x" * (size - len('{"":""}'))} if size >= len('{"":""}') else {}
    (part,) = batches.encode([(owner, Operation(item, endpoint=endpoint))])
    return part


def made(told: list[tuple[int, Any]]) -> list[Part[int]]:
    return [sized(owner, size, endpoint) for owner, (size, endpoint) in enumerate(told)]


def owners(request: Request[int]) -> list[int]:
    return [part.owner for part in request.parts]


@thorough
@given(PARTS)
def test_nothing_is_lost_and_each_endpoint_keeps_its_order(told: list[tuple[int, Any]]) -> None:
    parts = made(told)
    requests = list(batches.pack(parts))
    for endpoint in ("batch", "v1_event"):
        packed = [owner for request in requests if request.endpoint == endpoint for owner in owners(request)]
        assert packed == [part.owner for part in parts if part.operation.endpoint == endpoint]


@thorough
@given(PARTS)
def test_what_may_be_sent_is_never_packed_above_the_limit(told: list[tuple[int, Any]]) -> None:
    fitting, oversize = batches.fitting(made(told))
    for request in batches.pack(fitting):
        assert len(request.body) <= BATCH_BYTES
        assert request.parts
        assert request.endpoint == "batch" or len(request.parts) == 1
    assert sorted(part.owner for part in fitting + oversize) == list(range(len(told)))


@thorough
@given(st.lists(st.integers(2, ITEM_BYTES), max_size=80))
def test_no_two_neighbours_would_have_fitted_into_one(sizes: list[int]) -> None:
    requests = list(batches.pack([sized(owner, size) for owner, size in enumerate(sizes)]))
    for one, other in pairwise(requests):
        assert len(one.body) + len(other.parts[0].encoded) + 1 >= BATCH_BYTES


@thorough
@given(st.lists(st.dictionaries(st.text(), JSON, max_size=4), min_size=1, max_size=8))
def test_the_body_is_the_items_as_json(items: list[dict[str, Any]]) -> None:
    (request,) = batches.pack(batches.encode((owner, Operation(item)) for owner, item in enumerate(items)))
    assert json.loads(request.body) == {"batch": items}


@thorough
@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_an_event_without_anybody_is_its_own_body(item: dict[str, Any]) -> None:
    (request,) = batches.pack(batches.encode([("u-1", Operation(item, "01A", "v1_event"))]))
    assert request.endpoint == "v1_event"
    assert json.loads(request.body) == item


@thorough
@given(st.lists(st.integers(0, 100), min_size=2, max_size=30))
def test_halves_are_the_whole_in_its_order(sizes: list[int]) -> None:
    (request,) = batches.pack([sized(owner, size) for owner, size in enumerate(sizes)])
    one, other = request.halves()
    assert one.parts + other.parts == request.parts
    assert abs(len(one.parts) - len(other.parts)) <= 1
    assert one.parts
    assert other.parts


def test_halving_ends_with_single_items() -> None:
    waiting = list(batches.pack([sized(owner, 10) for owner in range(13)]))
    single: list[int] = []
    while waiting:
        request = waiting.pop()
        if len(request.parts) == 1:
            single += owners(request)
        else:
            waiting += reversed(request.halves())
    assert single == list(range(13))


@pytest.mark.parametrize(
    ("size", "endpoint", "oversize"),
    [
        (ITEM_BYTES, "batch", False),
        (ITEM_BYTES + 1, "batch", True),
        (EVENT_BYTES, "v1_event", False),
        (EVENT_BYTES + 1, "v1_event", True),
    ],
)
def test_what_is_too_large_for_customer_io(size: int, endpoint: Endpoint, oversize: bool) -> None:
    part = sized(0, size, endpoint)
    assert len(part.encoded) == size
    assert part.oversize is oversize


def test_a_request_is_filled_to_the_last_byte_but_one() -> None:
    overhead = len('{"batch":[]}')
    sizes = [31_000] * 16
    rest = BATCH_BYTES - overhead - sum(sizes) - len(sizes)
    assert len(list(batches.pack([sized(n, size) for n, size in enumerate([*sizes, rest - 1])]))) == 1
    assert len(list(batches.pack([sized(n, size) for n, size in enumerate([*sizes, rest + 1])]))) == 2


def test_nothing_packs_to_nothing() -> None:
    assert list(batches.pack([])) == []
