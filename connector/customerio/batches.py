"""Packs operations into requests by bytes.

Customer.io takes 32 kB an item and 500 kB a batch without saying which kB: the smaller reading is kept to
(docs/customerio.md#batches). Each item is encoded once and the encoded items are joined.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic_core import to_json

from connector.customerio.operations import segment_membership
from connector.customerio.operations.operation import Endpoint, Operation
from connector.model.entity import Identifier
from connector.model.limits import BATCH_BYTES, EVENT_BYTES, ITEM_BYTES, PEOPLE_A_SEGMENT_CALL

_OPEN, _CLOSE = b'{"batch":[', b"]}"
_NOBODY = "nobody@example.invalid"
_OPEN_IDS = b'{"ids":['

Owner = TypeVar("Owner")


class Part(NamedTuple, Generic[Owner]):
    """One encoded operation, and whose it is."""

    owner: Owner
    operation: Operation
    encoded: bytes

    @property
    def oversize(self) -> bool:
        """Says whether Customer.io's documented limit forbids to send it at all."""
        return len(self.encoded) > (ITEM_BYTES if self.operation.endpoint == "batch" else EVENT_BYTES)


@dataclass(frozen=True, slots=True)
class Request(Generic[Owner]):
    """One request: its endpoint, and the parts in the order in which they stand in the body.

    probes: it is about nobody, and only shows whether anybody could be sent so.
    """

    endpoint: Endpoint
    parts: tuple[Part[Owner], ...]
    probes: bool = False

    @property
    def body(self) -> bytes:
        """The body as it goes on the wire."""
        if self.endpoint == "batch" or self.segment:
            opening = _OPEN_IDS if self.segment else _OPEN
            return opening + b",".join([part.encoded for part in self.parts]) + _CLOSE
        return self.parts[0].encoded

    @property
    def segment(self) -> str:
        """The manual segment that the request is about; "" if it is about none."""
        return segment_membership.segment_of(self.endpoint)

    def halves(self) -> "tuple[Request[Owner], Request[Owner]]":
        """Returns the request as two, to find out which item made Customer.io refuse it whole."""
        middle = len(self.parts) // 2
        return Request(self.endpoint, self.parts[:middle]), Request(self.endpoint, self.parts[middle:])


def probe(request: Request[Owner]) -> Request[Owner]:
    """Returns a request that takes nobody out of the manual segment: refused, it shows that this refuses everybody."""
    (type_,) = request.parts[0].operation.item["identifiers"]
    nobody = Identifier(type_, _NOBODY)
    item = segment_membership.item(nobody, request.segment, add=False)
    endpoint = segment_membership.endpoint(nobody, request.segment, add=False)
    return Request(endpoint, tuple(encode([(request.parts[0].owner, Operation(item, endpoint=endpoint))])), probes=True)


def encode(operations: Iterable[tuple[Owner, Operation]]) -> list[Part[Owner]]:
    """Returns the operations, each with its owner, encoded."""
    return [Part(owner, operation, to_json(_wire_form(operation))) for owner, operation in operations]


def _wire_form(operation: Operation) -> Any:
    """Returns the item; for a manual segment only the identifier's value, whose kind the endpoint says."""
    if not segment_membership.segment_of(operation.endpoint):
        return operation.item
    (value,) = operation.item["identifiers"].values()
    return value


def pack(parts: Iterable[Part[Owner]]) -> Iterator[Request[Owner]]:
    """Yields the parts in as few requests as the limits allow, in order; what v2 has no form for goes by itself.

    Last go those about manual segments, by a thousand people of the same one.
    """
    waiting: list[Part[Owner]] = []
    by_segment: dict[Endpoint, list[Part[Owner]]] = {}
    size = len(_OPEN) + len(_CLOSE)
    for part in parts:
        endpoint = part.operation.endpoint
        if endpoint != "batch":
            if segment_membership.segment_of(endpoint):
                by_segment.setdefault(endpoint, []).append(part)
            else:
                yield Request(endpoint, (part,))
            continue
        if waiting and size + len(part.encoded) + 1 > BATCH_BYTES:
            yield Request("batch", tuple(waiting))
            waiting, size = [], len(_OPEN) + len(_CLOSE)
        waiting.append(part)
        size += len(part.encoded) + 1
    if waiting:
        yield Request("batch", tuple(waiting))
    for endpoint, members in by_segment.items():
        for start in range(0, len(members), PEOPLE_A_SEGMENT_CALL):
            yield Request(endpoint, tuple(members[start : start + PEOPLE_A_SEGMENT_CALL]))


def fitting(parts: Sequence[Part[Owner]]) -> tuple[list[Part[Owner]], list[Part[Owner]]]:
    """Returns the parts that may be sent, and those that are too large."""
    return [part for part in parts if not part.oversize], [part for part in parts if part.oversize]
