"""What a person chooses for themselves: whether to be mailed, and about what (reference: customerio-api, 1.5).

Whoever unsubscribed in Customer.io must not be subscribed again because something else of theirs changed, or was sent
once more. So what subscribes is told when it is news and is not repeated. What unsubscribes is repeated: somebody who
was deleted in Customer.io by hand comes back as upstream has them, and to be mailed too little does less harm.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from connector.model.entity import Entity

UNSUBSCRIBED = "unsubscribed"
PREFERENCES = "cio_subscription_preferences"
TOPIC = f"{PREFERENCES}.topics."
_NO = frozenset({"true", "1"})

Same = Callable[[Any, Any], bool]


def is_one(target: str) -> bool:
    """Whether an attribute of this name is the person's own choice."""
    return target in (UNSUBSCRIBED, PREFERENCES) or target.startswith(TOPIC)


def told(attributes: Mapping[str, Any], entity: Entity, chosen: Collection[str], same: Same) -> Mapping[str, Any]:
    """What to tell of `attributes`, of which `chosen` are preferences, beside what the person was told before."""
    told_before = {name for name in chosen if name in attributes and _is_old(name, attributes[name], entity, same)}
    if not told_before:
        return attributes
    told = {name: value for name, value in attributes.items() if name not in told_before}
    for name in sorted(told_before):
        told |= _repeated(name, attributes[name])
    return told


def _is_old(name: str, value: Any, entity: Entity, same: Same) -> bool:
    """Whether it was confirmed, and no request without an answer may have changed it since."""
    if entity.delivered is None or name not in entity.delivered.attributes:
        return False
    unsure = entity.doubt > 0 and name in entity.tried.names
    return not unsure and same(entity.delivered.attributes[name], value)


def _repeated(name: str, value: Any) -> Mapping[str, Any]:
    """What of a preference is told again although it is no news."""
    if name == UNSUBSCRIBED:
        return {name: value} if str(value).lower() in _NO else {}
    if name.startswith(TOPIC):
        return {} if value is True else {name: value}
    topics = value.get("topics") if isinstance(value, dict) else None
    if not isinstance(topics, dict):
        return {}
    # The whole object would replace all topics: those that are off are named one by one.
    return {f"{TOPIC}{topic}": on for topic, on in topics.items() if on is False}
