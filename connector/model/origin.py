"""The mark of what Customer.io itself has reported, by which our doors know it when upstream sends it on.

It stands among the properties of an event, which every upstream keeps, and in the context of a call of the Segment
spec. What carries it is never sent to Customer.io.
"""

from collections.abc import Mapping
from typing import Any

NAME = "connector_origin"
"""The name of the property, of the field in the context, and of the header of a message of AMQP."""
TRAITS = ("cio_", "customerio_", "customerio-")
"""The beginnings, in attributes' names, of the fields of profiles that go on as traits."""
_CUSTOMERIO = "customer.io/"


def mark(connection: str) -> str:
    """Returns the mark of what the workspace of a connection has reported."""
    return f"{_CUSTOMERIO}{connection}"


def is_marked(fields: Mapping[str, Any]) -> bool:
    """Says whether these properties, or this context, carry the mark of any workspace."""
    value = fields.get(NAME)
    return isinstance(value, str) and value.startswith(_CUSTOMERIO)
