"""One operation on its way: its wire form, where it goes, and what it stands for."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from connector.customerio.operations import Item

Endpoint = str
"""batch, v1_event, or one of a manual segment (`operations.segment_membership`)."""


class Operation(NamedTuple):
    """One operation as it goes on the wire; event: the ULID of the owed event that it sends, if it sends one.

    related: the object to which it relates the person, and the attributes it sets, null if it ends the relationship.
    """

    item: Item
    event: str | None = None
    endpoint: Endpoint = "batch"
    related: tuple[str, Mapping[str, Any] | None] | None = None
