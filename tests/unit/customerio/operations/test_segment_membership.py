"""add_customers and remove_customers, as they go on the wire."""

import json

import pytest

from connector.customerio import batches
from connector.customerio.operations import segment_membership
from connector.customerio.operations.operation import Operation
from tests.build import ident


def operation(value: str, *, add: bool = True, segment: int = 7) -> Operation:
    item = segment_membership.item(ident(value), segment, add=add)
    return Operation(item, endpoint=segment_membership.endpoint(ident(value), segment, add=add))


@pytest.mark.parametrize(("add", "action"), [(True, "add_customers"), (False, "remove_customers")])
def test_the_endpoint_names_the_segment_and_the_kind_of_identifier(add: bool, action: str) -> None:
    assert (
        segment_membership.endpoint(ident("a@example.com", "email"), 7, add=add) == f"segments/7/{action}?id_type=email"
    )


def test_a_request_names_up_to_a_thousand_people_of_one_segment_and_direction() -> None:
    adds = [(number, operation(f"u{number}")) for number in range(2_001)]
    others = [(-1, operation("x", add=False)), (-2, operation("y", segment=8))]
    requests = list(batches.pack(batches.encode([*adds, *others])))

    assert [len(request.parts) for request in requests] == [1000, 1000, 1, 1, 1]
    assert [request.segment for request in requests] == ["7", "7", "7", "7", "8"]
    assert json.loads(requests[2].body) == {"ids": ["u2000"]}


def test_a_probe_takes_nobody_out_of_the_same_segment_by_the_same_kind_of_identifier() -> None:
    (request,) = batches.pack(batches.encode([(0, operation("u1"))]))
    probe = batches.probe(request)

    assert probe.endpoint == "segments/7/remove_customers?id_type=id"
    assert json.loads(probe.body) == {"ids": ["nobody@example.invalid"]}


def test_what_is_not_about_a_segment_names_none() -> None:
    assert segment_membership.segment_of("batch") == ""
