"""What a person chooses for themselves: whether to be mailed, and about what (docs/customerio.md#preferences).

A person who unsubscribed in Customer.io must not be subscribed again because something else of theirs changed, or was
sent again. So a value that subscribes is sent when it is new, and not repeated. A value that unsubscribes is repeated:
somebody who was deleted in Customer.io comes back as upstream has them, and too little mail does less harm.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from connector.model.attribute_names import TOPIC, UNSUBSCRIBED
from connector.model.entity import Entity

_NO = frozenset({"true", "1"})

Same = Callable[[Any, Any], bool]


def told(attributes: Mapping[str, Any], entity: Entity, chosen: Collection[str], same: Same) -> Mapping[str, Any]:
    """Returns what to send of attributes: preferences that are no news are sent only if they unsubscribe.

    Args:
        attributes: the attributes that would be sent.
        entity: the person, with what Customer.io was confirmed to hold.
        chosen: the names of the attributes that are preferences.
        same: compares two values.

    Returns:
        The attributes to send.
    """
    told_before = {name for name in chosen if name in attributes and _is_old(name, attributes[name], entity, same)}
    if not told_before:
        return attributes
    told = {name: value for name, value in attributes.items() if name not in told_before}
    for name in sorted(told_before):
        told |= _repeated(name, attributes[name])
    return told


def _is_old(name: str, value: Any, entity: Entity, same: Same) -> bool:
    """Says whether the value was confirmed, and no request without an answer may have changed it since."""
    if entity.delivered is None or name not in entity.delivered.attributes:
        return False
    unsure = entity.doubt > 0 and name in entity.tried.names
    return not unsure and same(entity.delivered.attributes[name], value)


def _repeated(name: str, value: Any) -> Mapping[str, Any]:
    """Returns the part of a preference that is sent again although it is no news."""
    if name == UNSUBSCRIBED:
        return {name: value} if str(value).lower() in _NO else {}
    if name.startswith(TOPIC):
        return {} if value is True else {name: value}
    topics = value.get("topics") if isinstance(value, dict) else None
    if not isinstance(topics, dict):
        return {}
    # The whole object would replace all topics: those that are off are named one by one.
    return {f"{TOPIC}{topic}": on for topic, on in topics.items() if on is False}
