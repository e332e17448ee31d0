"""suppress and unsuppress: Customer.io deletes a person and refuses them from then on; or takes them again."""

from typing import Literal

from connector.customerio.operations import Item
from connector.model.entity import Identifier

Suppressing = Literal["suppress", "unsuppress"]


def item(identifier: Identifier, action: Suppressing = "suppress") -> Item:
    """Returns the item that suppresses the person, or frees `identifier` (docs/customerio.md#delete-and-suppress).

    Suppressing deletes the person with all that Customer.io has of them, and then ignores whatever names their id or
    e-mail. Freeing restores nothing. No delete goes along with a suppress: it might come first, and then Customer.io
    would not know which other identifier of the person to block.
    """
    return {"type": "person", "identifiers": {identifier.type: identifier.value}, "action": action}
