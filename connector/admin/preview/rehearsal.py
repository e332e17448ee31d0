"""A rehearsal: the product's own intake and delivery over a store in memory, as if Customer.io accepted everything."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from connector.audience.feedback import Restraint
from connector.audience.rules import Rules
from connector.customerio.batches import Part
from connector.customerio.operations import Item
from connector.customerio.responses import ACCEPTED
from connector.customerio.track import Track
from connector.delivery import feedback
from connector.delivery.courier import Courier
from connector.delivery.sender import Owner, Run, Sender, Sent
from connector.intake.accept import accept
from connector.intake.users import Observed
from connector.model.change import Message
from connector.model.entity import Entity, EntityKind, Profile
from connector.model.problem import Problem
from connector.model.reported import ReportedMark, ReportedWord
from connector.planning.attempt import Claim
from connector.settings.connection import Connection
from connector.settings.sections import DeliverySettings
from connector.settings.sync_options import DeletionGuard
from connector.store import entities, identifier_holders, problems, reported
from connector.store.encoding import identifier_text, person_text
from connector.store.engine import Store
from connector.store.entities import OBJECT, PERSON, Written
from connector.store.migrate import migrate

_IN_MEMORY = "sqlite://"
_NO_GUARD = DeletionGuard(share=1.0)
_NO_LIMIT = 1e9
_MOST_CYCLES = 1000
_MOST_PROBLEMS = 10_000


@dataclass(frozen=True, slots=True)
class _AcceptingSender(Sender):
    """A sender that sends nothing: it notes each operation, and answers in Customer.io's place that it was accepted."""

    operations: list[Item] = field(default_factory=list)

    def send_all(self, parts: Sequence[Part[Owner]], run: Run) -> list[Sent[Owner]]:  # noqa: ARG002 - nothing goes wrong in this run
        """Notes the operations and returns that every part was accepted."""
        self.operations.extend(part.operation.item for part in parts)
        return [Sent(part, ACCEPTED, None) for part in parts]


class Rehearsal:
    """One sync as it would run. Deletions are not held back, and a sync that is switched off is run too."""

    def __init__(self, rules: Rules) -> None:
        """Opens an empty store in memory."""
        self.rules = replace(rules, deliver=True, deletion_guard=_NO_GUARD)
        self.store = Store(_IN_MEMORY)
        migrate(self.store)
        limits = DeliverySettings()
        track = Track(Connection(name=rules.connection), limits.timeout_seconds)
        self._sender = _AcceptingSender(rules.connection, self.store, track, limits, _NO_LIMIT)
        self._courier = Courier(self.store, self.rules, self._sender)

    def know(self, key: str, person: Profile, marks: Iterable[ReportedMark] = ()) -> None:
        """Adds somebody who counts as delivered already, without any message about them.

        marks: what Customer.io has reported of them.
        """
        entity = Entity(key)
        entity = replace(entity, facts=entity.facts._replace(entered=True))
        with self.store.writing() as tx:
            now = self.store.now(tx)
            entities.save(tx, self.rules.name, [Written(entity, "", due=False)], now)
            entities.put(tx, self.rules.name, [key], delivered=person_text(person))
            known_by = (person.identifier, *self.rules.addressing.also_known_by(person))
            names = [identifier_text(each) for each in known_by]
            identifier_holders.hold(tx, self.rules.name, {name: [key] for name in names})
            said = [ReportedWord(names[0], names[0], mark, 0, "", "") for mark in marks]
            reported.note(tx, self.rules.connection, said)

    def restraint(self, key: str) -> Restraint:
        """Returns what the feedback settings keep from the person, by what Customer.io has reported."""
        claim = Claim(self.person(key), ())
        return feedback.restrained(self.store, self.rules, [claim])[0].restraint

    def person(self, key: str) -> Entity:
        """Returns the person's row as it is now; an empty one if there is none."""
        return self._entity(key, PERSON)

    def object(self, key: str) -> Entity:
        """Returns the object's row as it is now; an empty one if there is none."""
        return self._entity(key, OBJECT)

    def _entity(self, key: str, kind: EntityKind) -> Entity:
        with self.store.reading() as tx:
            return entities.load(tx, self.rules.name, [key], kind).get(key) or Entity(key, kind=kind)

    def run(self, message: Message) -> tuple[list[Observed], list[Item], list[Problem]]:
        """Takes a message in and delivers all that is due then.

        Returns what was merged, the operations that were sent, and the problems.
        """
        observed: list[Observed] = []
        self._sender.operations.clear()
        accept(self.store, [self.rules], [message], observe=observed.append)
        self._deliver()
        return observed, list(self._sender.operations), self._problems()

    def _deliver(self) -> None:
        """Runs delivery cycles until one finds nothing due: objects, people, and those who waited for either."""
        for _ in range(_MOST_CYCLES):
            if not self._courier.cycle().people:
                return

    def _problems(self) -> list[Problem]:
        """Returns the problems that the message made, the oldest first, and removes them from the store.

        So each message has only its own.
        """
        with self.store.writing() as tx:
            kept = problems.kept(tx, limit=_MOST_PROBLEMS)
            for each in kept:
                problems.remove(tx, each.id)
        return [each.problem for each in reversed(kept)]
