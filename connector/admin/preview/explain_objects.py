"""Says in words why an object, or a relationship to one, is sent or not; `explain` says the rest of a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from connector.admin.preview.explanation import Explanation, shown
from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.audience.objects import AppliedObjectChange
from connector.audience.rules import Rules
from connector.customerio.operations.objects import key_of
from connector.model.change import ObjectChange
from connector.model.entity import Entity
from connector.planning.step import same

_STANDS = {
    AudienceStatus.IN: "the object is to be there",
    AudienceStatus.KEPT: "the object left: kept as last sent",
    AudienceStatus.DELETED: "the object is deleted, or left with `on_exit` delete",
}


def decision(
    change: ObjectChange, rules: Rules, desired: Desired, merged: AppliedObjectChange, *, sends: bool
) -> tuple[Literal["sync", "exit", "skip"], str]:
    """Says what becomes of a message about an object, and why.

    Args:
        change: The message.
        rules: The sync's rules.
        desired: What Customer.io should hold of the object.
        merged: What the message made of the object.
        sends: Whether anything is sent for it.
    """
    rule = rules.objects.get(change.type)
    if rule is None:
        return "skip", f"`objects` names no type {change.type}"
    if change.origin not in rule.sources:
        return "skip", f"`from` of the type {change.type} does not name {change.origin}"
    reason = _STANDS.get(desired.standing, str(desired.standing))
    if desired.standing is AudienceStatus.DELETED:
        return "exit", reason
    if sends or desired.standing is AudienceStatus.KEPT:
        return ("sync" if sends else "skip"), reason
    return "skip", "older than what is known" if merged.stale else "unchanged: Customer.io holds it already"


def explain(before: Entity, operations: Iterable[Mapping[str, Any]], reason: str) -> Iterator[Explanation]:
    """Says what becomes of an object whose message led to `operations`, and of the attributes in them."""
    sent = list(operations)
    if not sent:
        yield Explanation("object", before.key, "not sent", reason)
    held = before.delivered.attributes if before.delivered else {}
    for operation in sent:
        yield Explanation("object", before.key, f"{operation['action']} sent", reason)
        for name, value in operation.get("attributes", {}).items():
            yield Explanation(
                "attribute", name, "cleared" if value is None else f"sent: {shown(value)}", _why(name, value, held)
            )


def _why(name: str, value: Any, held: Mapping[str, Any]) -> str:
    if value is None:
        return "it is empty, gone from a whole message, or not to be sent any more"
    if name not in held:
        return "new"
    return "it goes with the whole object, unchanged" if same(held[name], value) else "it has changed"


def relationships(
    before: Entity, operations: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]
) -> Iterator[Explanation]:
    """Says what becomes of a person's relationships.

    Args:
        before: The person before the message.
        operations: What is sent to Customer.io for it; JSON.
        wanted: The relationships that the person should have, by the key of the object; None ends one.
    """
    told: set[str] = set()
    for operation in operations:
        for related in operation.get("cio_relationships", ()):
            key = key_of(related["identifiers"])
            told.add(key)
            if operation["action"] == "delete_relationships":
                yield Explanation(
                    "relationship", key, "ended", "upstream ended it, or named another account, or left it out"
                )
            else:
                yield Explanation("relationship", key, "sent", "it is new, or its attributes have changed")
    held = before.delivered.relationships if before.delivered else {}
    for key in sorted({key for key, each in wanted.items() if each is not None} - told):
        waits = "Customer.io does not hold the object: it was deleted"
        yield Explanation("relationship", key, "not sent", "Customer.io holds it already" if key in held else waits)
