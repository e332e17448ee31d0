"""Tells which way somebody goes in Customer.io: in, on, or out. Pure."""

from connector.audience.audience_status import AudienceStatus
from connector.model.entity import Entity

ENTERED, CHANGED, LEFT, OBJECT = "entered", "changed", "left", "object"
DIRECTIONS = (ENTERED, CHANGED, LEFT, OBJECT)


def direction(entity: Entity, standing: AudienceStatus | str) -> str:
    """Returns which way an entity that is due goes: an object has none, and is told apart from people.

    Args:
        entity: The entity, with what Customer.io was last confirmed to hold of it.
        standing: Where it stands by what upstream has said.
    """
    if entity.kind != "person":
        return OBJECT
    if standing in _OUT:
        return LEFT
    return ENTERED if entity.delivered is None else CHANGED


_OUT = frozenset(each.value for each in AudienceStatus if each.left)
