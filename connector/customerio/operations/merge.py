"""merge: one person of two. The secondary is deleted; its history moves to the primary, which must exist already."""

from connector.customerio.operations import Item
from connector.model.entity import Identifier


def item(primary: Identifier, secondary: Identifier) -> Item:
    """Returns the item that merges `secondary` into `primary` (docs/customerio.md#merge).

    It must never go in one batch with the identify of the primary.
    """
    return {
        "type": "person",
        "action": "merge",
        "primary": {primary.type: primary.value},
        "secondary": {secondary.type: secondary.value},
    }
