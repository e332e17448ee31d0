"""What the settings make of what Customer.io has reported of a person: no events, or nothing that creates them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from connector.audience.rules import Rules
from connector.model.entity import Entity, Identifier
from connector.model.reported import REASONS


class Restraint(NamedTuple):
    """The marks of a person for which no events are sent, and for which they are not created again; "" for none."""

    no_events: str = ""
    not_recreated: str = ""

    @property
    def stops_events(self) -> str:
        """The mark that keeps events from them: an event would create them, too."""
        return self.no_events or self.not_recreated


UNRESTRAINED = Restraint()


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The identifiers by which reports may name a person, and their e-mail address in lower case, "" if unknown."""

    identifiers: tuple[Identifier, ...]
    address: str


def known_names(entity: Entity, rules: Rules) -> KnownNames:
    """Returns the names by which Customer.io may speak of a person."""
    identity, delivered = entity.facts.identity.values, entity.delivered
    email = identity.get("email")
    found = [*rules.addressing.all_named(identity), *([Identifier("email", email)] if email else [])]
    if delivered is not None:
        found += [delivered.identifier, *rules.addressing.also_known_by(delivered)]
    address = email or next((each.value for each in found if each.type == "email"), "")
    return KnownNames(tuple(dict.fromkeys(found)), address.lower())


def restraint(marks: Mapping[str, int], rules: Rules) -> Restraint:
    """Returns what the settings keep from a person who has these marks."""
    feedback = rules.feedback
    no_events = next((each for each in marks if each in feedback.no_events_for), "")
    not_recreated = next((each for each in marks if each in feedback.not_recreated), "")
    return Restraint(no_events, not_recreated)


class ReportedSentence(NamedTuple):
    """A mark of a person, when it was made (unix seconds), and what it means and leads to, in words."""

    mark: str
    at: int
    reason: str


def sentences(marks: Mapping[str, int], rules: Rules) -> list[ReportedSentence]:
    """Returns each mark of a person in words."""
    return [ReportedSentence(mark, at, f"{REASONS[mark]}: {_follows(mark, rules)}") for mark, at in marks.items()]


def _follows(mark: str, rules: Rules) -> str:
    feedback = rules.feedback
    if mark in feedback.not_recreated:
        return "`feedback.not_recreated` keeps them from being sent again until they resubscribe"
    if mark in feedback.no_events_for:
        return "`feedback.no_events_for` keeps their events back until they resubscribe"
    return "the settings go on as before"
