"""What upstream takes away, and what Customer.io has confirmed of it.

A user whom upstream deletes, while nobody knows under which identifier Customer.io may have them, is a problem. Devices
and relationships of people of whom nothing is sent go too: that creates nobody (docs/customerio.md#devices).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from connector.audience.desired import Desired
from connector.audience.rules import Rules
from connector.customerio.operations import Item, device, relationship
from connector.customerio.operations.objects import key_of
from connector.customerio.operations.operation import Operation
from connector.model.entity import NOTHING_REMOVED, OBJECT_ID, Entity, Identifier, Removals
from connector.model.problem import Problem
from connector.planning.step import Step


def unnamed(entity: Entity, desired: Desired, rules: Rules) -> list[Problem]:
    """Returns the problem of a user who is to be deleted or blocked, if nothing can be sent for it; else nothing."""
    lifecycle = entity.facts.lifecycle
    if not desired.standing.deletes or not (lifecycle.deleted or lifecycle.suppressed):
        return []
    if entity.delivered is not None or desired.gone or entity.removals.deleted:
        return []
    done, field = "suppressed" if lifecycle.suppressed else "deleted", rules.identifier.flat[0]
    reason = (
        f"upstream has {done} the user, and no message has said under which identifier Customer.io may have them: "
        f"nobody is {done} there. Send it again with the field {field!r}, or look for them in Customer.io"
    )
    return [Problem("identifier", entity.key, reason)]


def with_ended(step: Step, entity: Entity, desired: Desired) -> Step:
    """Adds to the step what upstream has taken away from a person of whom nothing else is to be held.

    What else is to be sent goes first. What is confirmed is not sent again.
    """
    known, held = removed(entity.removals, step), step.after or entity.delivered
    devices, related = (held.devices, held.relationships) if held else ({}, {})
    tokens = _still_there(desired.ended.devices, known.devices, devices)
    keys = _still_there(desired.ended.relationships, known.relationships, related)
    identifiers = [held.identifier] if held else [each for each in desired.ended.of if not known.knows(each)]
    if not (tokens or keys) or not identifiers:
        return step
    if any(operation.event is None for operation in step.operations):
        return step._replace(more=True)
    taken = [Operation(device.deleted(one, token)) for token in tokens for one in identifiers]
    taken += [Operation(relationship.ended(one, key), related=(key, None)) for key in keys for one in identifiers]
    after = step.after
    if after is not None:
        without = {**after.devices, **dict.fromkeys(tokens)}, {**after.relationships, **dict.fromkeys(keys)}
        after = after._replace(devices=without[0], relationships=without[1])
    return step._replace(operations=(*taken, *step.operations), after=after, effect="updated")


def _still_there(ended: Iterable[str], removed: Collection[str], held: Mapping[str, Any]) -> list[str]:
    """Returns those devices, or relationships, that are not known to be gone."""
    return [name for name in ended if name not in removed and held.get(name, "") is not None]


def removed(before: Removals, step: Step) -> Removals:
    """Returns what is known to be removed from Customer.io once a step is confirmed."""
    match step.effect:
        case "deleted":
            return before._replace(deleted=tuple(dict.fromkeys((*before.deleted, *_named(step)))))
        case "unsuppressed":
            return before._replace(freed=tuple(dict.fromkeys((*before.freed, *_named(step)))))
        case "suppressed":
            return NOTHING_REMOVED
        case "let go" if freed := _freed(step):
            return before._replace(freed=tuple(dict.fromkeys((*before.freed, *freed))))
        case _:
            found = before._replace(deleted=()) if before.deleted and step.after is not None else before
            return _with_belongings(found, step)


def _named(step: Step) -> Iterator[Identifier]:
    return (each for operation in step.operations for each in addressed(operation.item))


def _freed(step: Step) -> list[Identifier]:
    """Returns the identifiers that the step unsuppresses: letting somebody go may do so, without a step of its own."""
    freeing = [each.item for each in step.operations if each.item.get("action") == "unsuppress"]
    return [each for item in freeing for each in addressed(item)]


def _with_belongings(before: Removals, step: Step) -> Removals:
    """Adds the devices and relationships that the step takes away, without those that the person has then."""
    items = [operation.item for operation in step.operations]
    tokens = [each["device"]["token"] for each in items if each.get("action") == "delete_device"]
    keys = [one.related[0] for one in step.operations if one.related is not None and one.related[1] is None]
    if not (tokens or keys or before.devices or before.relationships):
        return before
    devices, related = (step.after.devices, step.after.relationships) if step.after else ({}, {})
    return before._replace(
        devices=_not_held((*before.devices, *tokens), devices),
        relationships=_not_held((*before.relationships, *keys), related),
    )


def _not_held(names: Iterable[str], held: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the names without those that are there."""
    return tuple(dict.fromkeys(name for name in names if held.get(name) is None))


def addressed(item: Item) -> Iterator[Identifier]:
    """Yields the identifiers under which an operation names a person or an object."""
    if item.get("type") == "object":
        yield Identifier(OBJECT_ID, key_of(item["identifiers"]))
        return
    for type, value in item.get("identifiers", {}).items():
        if type != "anonymous_id":
            yield Identifier(type, str(value))
