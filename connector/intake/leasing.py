"""Claiming while taking in: a user who is free and becomes due is leased by the transaction that takes the change in.

The process that took the batch in sends for these people at once, from memory: without a claim, a second reading of
the rows and a doorbell. All the rules of a claim hold: doubt is raised in the transaction, the lease has its end, and
the deletion guard sees the deletions. Nobody is leased for whom another process sends already, who is in doubt, or to
whom something is owed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from uuid import uuid4

from sqlalchemy import Connection

from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.audience.rules import Rules
from connector.model.entity import Entity, PendingEvent
from connector.planning.attempt import Claim
from connector.planning.leasing import Leased, Leasing, SendingTerms
from connector.store import connection_health
from connector.store.entities import Written
from connector.store.events import EVENTS_A_PERSON
from connector.store.tables import LIVE


@dataclass(slots=True)
class BatchLease:
    """The lease of one sync's part of a batch."""

    line: SendingTerms
    now: float
    until: float
    id: str = field(default_factory=lambda: uuid4().hex)
    claims: list[Claim] = field(default_factory=list)

    @classmethod
    def open(cls, tx: Connection, rules: Rules, leasing: Leasing | None, lane: int, now: float) -> "Self | None":
        """Opens a lease for live changes.

        Objects go before people, and leads may turn out to be others once the batch is saved: then nothing is leased.

        Args:
            tx: The transaction that takes the batch in.
            rules: The sync's rules.
            leasing: The syncs for which people may be leased; None leases nobody.
            lane: The lane of the batch.
            now: The store's time, in unix seconds.

        Returns:
            The lease; None if people are left to a later claim, for instance since the connection is paused.
        """
        line = leasing.lines.get(rules.name) if leasing else None
        if (
            leasing is None
            or line is None
            or lane != LIVE
            or not rules.deliver
            or rules.objects
            or rules.addressing.knows_leads
        ):
            return None
        health = connection_health.usable(tx, line.connection, line.credentials, now)
        return None if health is None or health.failures else cls(line, now, now + leasing.seconds)

    def take(
        self, written: Written, desired: Desired, before: Entity, events: Sequence[PendingEvent], rules: Rules
    ) -> Written:
        """Returns `written`, leased if nothing forbids it.

        Args:
            written: a user who is free, and what is to be written.
            desired: what Customer.io should hold of them.
            before: the same user before the batch.
            events: what is owed to them, in the order in which it happened.
            rules: the rules of the sync.
        """
        waits = not written.due or written.waits_for is not None
        if waits or before.doubt or desired.standing is AudienceStatus.MERGED or len(self.claims) >= self.line.people:
            return written
        if len(events) > EVENTS_A_PERSON:
            return written
        known = None if rules.mirrors else desired
        self.claims.append(Claim(written.entity, tuple(events), desired=known, since=self.now))
        return written._replace(lease=self.id, leased_until=self.until)

    def close(self, tx: Connection, sync: str, now: float) -> Leased | None:
        """Takes the turn of the first request. Returns the people leased, None if there are none."""
        if not self.claims:
            return None
        line = self.line
        wait = connection_health.take_turn(tx, line.connection, line.seconds_apart, now)
        return Leased(sync, self.id, sorted(self.claims, key=lambda claim: claim.entity.key), wait)
