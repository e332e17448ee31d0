"""Says in words why each thing in a message is sent or not, for somebody who asks why Customer.io does not have it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from connector.actions.action import NOT_MEANT, Applied, Turn
from connector.admin.preview import explain_objects
from connector.admin.preview.explanation import Explanation, shown
from connector.audience.addressing import has_email, said
from connector.audience.apply_change import AppliedChange
from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import desired
from connector.audience.feedback import Restraint
from connector.audience.rules import Rules
from connector.customerio.operations.objects import key_of
from connector.model import attribute_names
from connector.model.change import Change
from connector.model.entity import Entity
from connector.model.problem import Problem
from connector.model.reported import REASONS
from connector.planning.step import same

_NAMED = 20
_WHY = {
    "identify": "the person is not in Customer.io as they should be",
    "delete": "they left the audience, or go by another identifier",
    "merge": "they go by another identifier now, or another user turned out to be them; their history is kept",
    "suppress": "upstream or `suppress_when` says so: they are deleted, and blocked from now on",
    "unsuppress": "they are to be suppressed no more: they are sent whole once they are free",
    "add_device": "the device is new, or more is known of it",
    "delete_device": "the device is there no more",
    "add_customers": "they are in a segment that is mirrored, and Customer.io knows them by now",
    "remove_customers": "they are not in the segment, or not in the audience, any more",
    "add_relationships": "the relationship is new, or its attributes have changed",
    "delete_relationships": "the relationship is there no more",
    "event": "the event is allowed, and was not sent before",
    "page": "page views are allowed, and this one was not sent before",
    "screen": "screen views are allowed, and this one was not sent before",
}


_NO_NEWS = "no news: whoever unsubscribed in Customer.io meanwhile stays so"
_AS_A_WHOLE = {
    AudienceStatus.SUPPRESSED: "they are suppressed, whatever their segments are, until upstream says otherwise",
    AudienceStatus.MERGED: "they turned out to be another user, who gets their events and what they leave behind",
}


def explain(
    change: Change,
    rules: Rules,
    before: Entity,
    merged: AppliedChange,
    operations: Sequence[Mapping[str, Any]],
    skipped: Iterable[tuple[str, str]],
) -> list[Explanation]:
    """Says what becomes of everything in a change.

    Args:
        change: The change, as it was read.
        rules: The sync's rules.
        before: The user before the change.
        merged: What the change made of the user.
        operations: What is sent to Customer.io for it; JSON.
        skipped: The events that are not sent: name and reason.
    """
    return [
        _audience(change, rules, merged),
        _identifier(rules, before, merged),
        *_attributes(rules, before, merged, operations),
        *_unmapped(change, rules),
        *_mirrors(rules, before, merged),
        *_events(operations, skipped),
        *_objects(rules, before, merged, operations),
        *_operations(operations, rules),
    ]


def kept_back(restraint: Restraint) -> list[Explanation]:
    """Says what the feedback settings keep from somebody, and why."""
    if restraint.not_recreated:
        mark = restraint.not_recreated
        return [Explanation("feedback", mark, "nothing is sent", f"`feedback.not_recreated`: {REASONS[mark]}")]
    if restraint.no_events:
        mark = restraint.no_events
        return [Explanation("feedback", mark, "no events are sent", f"`feedback.no_events_for`: {REASONS[mark]}")]
    return []


def actions(told: Change, applied: Applied) -> list[Explanation]:
    """Says what each of the sync's own actions, and each default that is meant for the call, did with it, and why.

    Returns an empty list where the sync has no actions of its own.
    """
    call = told.call or {}
    turns = [turn for turn in applied.turns if turn.own or turn.outcome != NOT_MEANT]
    return [Explanation("action", _called(turn), turn.outcome, turn.reason(call)) for turn in turns]


def _called(turn: Turn) -> str:
    return f"{turn.action.name}: {turn.action.effect.name}" if turn.own else turn.action.name


def _objects(
    rules: Rules, before: Entity, merged: AppliedChange, operations: Sequence[Mapping[str, Any]]
) -> Iterator[Explanation]:
    if not rules.objects:
        return
    for operation in operations:
        if operation.get("type") == "object":
            why = "the object is not in Customer.io as it should be; it goes before those who are related to it"
            yield Explanation("object", key_of(operation["identifiers"]), f"{operation['action']} sent", why)
    person = desired(merged.facts, rules).person
    yield from explain_objects.relationships(before, operations, person.relationships if person else {})


def _audience(change: Change, rules: Rules, merged: AppliedChange) -> Explanation:
    """Says whether the user is in the audience, by which of their segments are on the whitelist."""
    if merged.standing in (AudienceStatus.SUPPRESSED, AudienceStatus.MERGED):
        return Explanation("audience", "", "out", _AS_A_WHOLE[merged.standing])
    if rules.everybody:
        return Explanation("audience", "*", "in", "everybody is")
    present = [(key, name) for key, name in merged.facts.segments.values.items() if name is not None]
    names = [name for key, name in present if rules.admits([(key, name)])]
    if names:
        return Explanation("audience", ", ".join(names), "in", "`segments` names it")
    if change.segments is None and not present:
        return Explanation("audience", "", "out", "no message has said yet which segments the user is in")
    among = ", ".join(str(name) for _, name in present[:_NAMED]) or "none"
    return Explanation("audience", among, "out", "`segments` names none of these")


def _identifier(rules: Rules, before: Entity, merged: AppliedChange) -> Explanation:
    value = said(merged.facts.identity.values)
    if rules.addressing.knows_leads and value is None and merged.standing is not AudienceStatus.NO_EMAIL:
        return _by_email(merged.facts.identity.values.get("email"))
    if merged.standing is AudienceStatus.NO_EMAIL:
        return Explanation("identifier", rules.identify_by, "missing", "`require_email`: there is no e-mail address")
    if value is None or merged.standing is AudienceStatus.NO_IDENTIFIER:
        return Explanation("identifier", rules.identify_by, "missing", "the field that `identifier` names holds none")
    kind = rules.addressing.main_kind
    lead = rules.addressing.knows_leads and before.delivered is not None and before.delivered.identifier.type == "email"
    more = "; Customer.io gives it to the person it has by e-mail" if lead else ""
    return Explanation("identifier", kind, shown(value), f"from the field that `identifier` names{more}")


def _by_email(email: str | None) -> Explanation:
    """Says what identifies somebody without an id, where people are known by id or by e-mail."""
    if not has_email(email):
        return Explanation(
            "identifier", "id_or_email", "missing", "neither the field that `identifier` names nor an e-mail"
        )
    return Explanation("identifier", "email", shown(email), "a lead: the field that `identifier` names holds no id yet")


def _attributes(
    rules: Rules, before: Entity, merged: AppliedChange, operations: Sequence[Mapping[str, Any]]
) -> Iterator[Explanation]:
    told: dict[str, Any] = {}
    for operation in operations:
        if operation.get("action") == "identify" and operation.get("type") == "person":
            told |= operation["attributes"]
    person = desired(merged.facts, rules).person
    wanted = person.attributes if person else {}
    held = before.delivered.attributes if before.delivered else {}
    for name in sorted({*rules.targets, *told, *wanted} - {"_update"}):
        outcome, reason = _attribute(name, told, wanted, held, merged)
        yield Explanation("attribute", name, outcome, reason)


def _attribute(
    name: str, told: Mapping[str, Any], wanted: Mapping[str, Any], held: Mapping[str, Any], merged: AppliedChange
) -> tuple[str, str]:
    left_out = _left_out(name, merged.problems)
    if left_out is not None:
        return "left out", left_out
    if name in told and told[name] is None:
        return "cleared", "it is empty, gone from a whole message, or not to be sent any more"
    if name in told:
        again = name in held and same(held[name], told[name])
        why = "it goes with the whole person, unchanged" if again else "new" if name not in held else "it has changed"
        return f"sent: {shown(told[name])}", why
    if merged.standing is not AudienceStatus.IN:
        return "not sent", str(merged.standing)
    if name in wanted:
        return "not sent", _NO_NEWS if attribute_names.is_preference(name) else "Customer.io holds it already"
    return "not sent", "upstream has said nothing of it"


def _left_out(name: str, problems: Sequence[Problem]) -> str | None:
    return next((each.reason for each in problems if each.reason.startswith(f"attribute {name!r} ")), None)


def _unmapped(change: Change, rules: Rules) -> Iterator[Explanation]:
    """Says which fields of the message no attribute, identifier or e-mail setting reads, if any."""
    sources = [source for _, source in rules.attributes] + [each.source for each in rules.transformed]
    read = set(chain.from_iterable(source.flat for source in (*sources, rules.identifier, rules.email)))
    names = [name for name in change.user if name not in read and name != "traits" and not _is_sent(name, rules)]
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        listed = ", ".join(map(shown, names[:_NAMED])) + more
        yield Explanation("fields", listed, "not sent", "`attributes` does not name them")


def _is_sent(name: str, rules: Rules) -> bool:
    """Says whether a field that the settings do not name is sent, as every field is."""
    return rules.every_field is not None and rules.every_field.sends(attribute_names.target(name))


def _mirrors(rules: Rules, before: Entity, merged: AppliedChange) -> Iterator[Explanation]:
    """Says for each manual segment whether the person should be in it."""
    wanted = desired(merged.facts, rules).memberships if rules.mirrors else {}
    for mirror, target in rules.mirrors.items():
        was_in = bool(before.delivered and before.delivered.memberships.get(mirror))
        if mirror in wanted:
            yield Explanation("manual segment", str(target), "in", f"the user is in {mirror!r}")
        else:
            outside = f"in {mirror!r}" if merged.standing is AudienceStatus.IN else "in the audience"
            yield Explanation(
                "manual segment", str(target), "taken out" if was_in else "out", f"the user is not {outside}"
            )


def _events(operations: Iterable[Mapping[str, Any]], skipped: Iterable[tuple[str, str]]) -> Iterator[Explanation]:
    for operation in operations:
        if "name" in operation:
            yield Explanation(
                "event", shown(operation["name"]), "sent", _WHY.get(str(operation.get("action")), _WHY["event"])
            )
    for name, reason in skipped:
        yield Explanation("event", shown(name), "not sent", reason)


def _operations(operations: Iterable[Mapping[str, Any]], rules: Rules) -> Iterator[Explanation]:
    of_people = (operation for operation in operations if operation.get("type") != "object")
    actions = dict.fromkeys(str(operation.get("action", "event")) for operation in of_people)
    for action in actions:
        why = _WHY.get(action, _WHY["event"])
        yield Explanation("operation", action, "sent", f"{why}{_unless(action, rules)}")


def _unless(action: str, rules: Rules) -> str:
    """Says what a rehearsal of one sync cannot know: another sync may keep a deleted person. "" for other actions."""
    if action != "delete" or not rules.beside:
        return ""
    return f"; not if the sync {' or '.join(rules.beside)} wants them in the same workspace: then they are let go"
