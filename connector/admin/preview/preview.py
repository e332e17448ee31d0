"""Previews what messages would lead to: each goes through the product's own intake and delivery, in memory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from connector.actions import action
from connector.actions.action import Applied
from connector.admin.preview import explain, explain_objects
from connector.admin.preview.explanation import Explanation
from connector.admin.preview.rehearsal import Rehearsal
from connector.audience import apply_change, objects
from connector.audience.audience_status import AudienceStatus, standing_of
from connector.audience.feedback import UNRESTRAINED
from connector.audience.rules import Rules
from connector.errors import UnreadableError
from connector.model.change import Change, Message, ObjectChange, Unreadable
from connector.model.entity import Entity, Facts, Identifier, Profile
from connector.model.problem import Problem
from connector.model.reported import MARKS, REASONS, ReportedMark

Decision = Literal["sync", "exit", "skip"]
UNCHANGED = "unchanged: Customer.io holds it already"
STALE = "older than what is known"
REPEATED = "this event was accepted before"
CONFLICT = "another user holds the identifier"


@dataclass(frozen=True, slots=True)
class Preview:
    """What one message leads to in one sync. As JSON: docs/surfaces.md, `connector plan`."""

    user: str | None
    sync: str | None
    decision: Decision
    reason: str
    operations: tuple[Mapping[str, Any], ...] = ()
    skipped_events: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    explanation: tuple[Explanation, ...] = ()
    object: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Returns the stable JSON form; `explanation` is in it where there is one, `object` for a message about one."""
        explained = {"explanation": [line._asdict() for line in self.explanation]} if self.explanation else {}
        about = {"object": self.object} if self.object else {}
        return {
            **explained,
            **about,
            "user": self.user,
            "sync": self.sync,
            "decision": self.decision,
            "reason": self.reason,
            "operations": list(self.operations),
            "skipped_events": [{"name": name, "reason": reason} for name, reason in self.skipped_events],
            "problems": [{"kind": each.kind, "reason": each.reason} for each in self.problems],
        }


class Previewer:
    """Previews messages in their order; later ones see what earlier ones would have delivered."""

    def __init__(self, syncs: Sequence[Rules], *, explained: bool = False) -> None:
        """Sets up a rehearsal for each sync. explained: whether each preview says why, thing by thing."""
        self.explained = explained
        self._rehearsals = [Rehearsal(rules) for rules in syncs]

    def know(self, people: Iterable[Any]) -> None:
        """Takes people as delivered already, each as {"user", "identifier", "attributes", "reported"}.

        Raises UnreadableError where one has another form; `attributes` and `reported` may be missing.
        """
        for row in people:
            for rehearsal in self._rehearsals:
                rehearsal.know(*_known(row, rehearsal.rules))

    def preview(self, messages: Iterable[Message]) -> Iterator[Preview]:
        """Yields one preview for each message and sync; for an unreadable message one in all, of no sync."""
        for message in messages:
            if isinstance(message, Unreadable):
                problem = Problem("unreadable", "", message.reason)
                yield Preview(None, None, "skip", f"unreadable: {message.reason}", problems=(problem,))
                continue
            for rehearsal in self._rehearsals:
                if isinstance(message, Change):
                    yield self._of_user(message, rehearsal)
                else:
                    yield self._of_object(message, rehearsal)

    def _of_object(self, change: ObjectChange, rehearsal: Rehearsal) -> Preview:
        """Previews a message about an object alone."""
        rules = rehearsal.rules
        before = rehearsal.object(change.key)
        merged = objects.merge(before.facts, change, rules)
        _, operations, problems = rehearsal.run(change)
        desired = objects.desired(replace(before, facts=merged.facts), rules)
        decision, reason = explain_objects.decision(change, rules, desired, merged, sends=bool(operations))
        why = tuple(explain_objects.explain(before, operations, reason)) if self.explained else ()
        return Preview(
            None, rules.name, decision, reason, tuple(operations),
            problems=tuple(problems), explanation=why, object=change.key,
        )  # fmt: skip

    def _of_user(self, told: Change, rehearsal: Rehearsal) -> Preview:
        rules = rehearsal.rules
        applied = action.apply(told, rules.actions) if rules.actions else Applied(told)
        observed, operations, problems = rehearsal.run(told)
        lines = explain.actions(told, applied) if self.explained else []
        if not observed:
            return Preview(
                told.key, rules.name, "skip", applied.reason, problems=tuple(problems), explanation=tuple(lines)
            )
        (seen,) = observed
        after = rehearsal.person(seen.before.key)
        standing = standing_of(after.facts, rules)
        merged = seen.merged._replace(facts=after.facts, standing=standing, problems=tuple(problems))
        skipped = [(each.name, str(each.reason)) for each in merged.skipped]
        skipped += [(name, REPEATED) for name in seen.repeated]
        decision, reason = _decision(seen.before, merged, bool(operations), rules)
        kept = rehearsal.restraint(seen.before.key) if not standing.deletes else UNRESTRAINED
        skipped += [(each.name, REASONS[kept.stops_events]) for each in merged.events if kept.stops_events]
        if kept.not_recreated and not operations:
            decision, reason = "skip", REASONS[kept.not_recreated]
        if self.explained:
            lines += explain.kept_back(kept)
            lines += explain.explain(seen.change, rules, seen.before, merged, operations, skipped)
        return Preview(
            seen.change.key,
            rules.name,
            decision,
            reason,
            tuple(operations),
            tuple(skipped),
            merged.problems,
            tuple(lines),
        )


def _known(row: Any, rules: Rules) -> tuple[str, Profile, Sequence[ReportedMark]]:
    form = 'a known person is {"user": KEY, "identifier": VALUE, "attributes": {...}}'
    if not isinstance(row, dict) or not isinstance(row.get("user"), str | int):
        raise UnreadableError(form)
    attributes = row.get("attributes") or {}
    identifier = _known_identifier(row.get("identifier"), rules)
    if identifier is None or not isinstance(attributes, dict):
        raise UnreadableError(f"{form}; that of {row['user']!r} is not")
    marks = row.get("reported") or []
    if not isinstance(marks, list) or not all(each in MARKS for each in marks):
        raise UnreadableError(f"{form}; `reported` of {row['user']!r} is no list of {', '.join(MARKS)}")
    return str(row["user"]), Profile(identifier, attributes), marks


def _known_identifier(given: Any, rules: Rules) -> Identifier | None:
    """Reads an identifier from a plain value, or from Customer.io's form of it: {"id": VALUE}; None for others."""
    if isinstance(given, str | int):
        return rules.addressing.given(str(given))
    if isinstance(given, dict) and len(given) == 1:
        ((type_, value),) = given.items()
        return Identifier(type_, str(value))
    return None


def _decision(before: Entity, merged: apply_change.AppliedChange, sends: bool, rules: Rules) -> tuple[Decision, str]:
    stands = merged.standing
    if stands.left:
        first_seen_here = before.facts == Facts(entered=True)
        was_in = first_seen_here or standing_of(before.facts, rules) is AudienceStatus.IN
        return ("exit" if sends or was_in else "skip"), str(stands)
    if sends:
        return "sync", f"anonymous events only: {stands}" if stands.unaddressed else str(stands)
    if any(problem.kind == "conflict" for problem in merged.problems):
        return "skip", CONFLICT
    if stands is AudienceStatus.IN:
        return "skip", STALE if merged.stale else UNCHANGED
    return "skip", str(stands)
