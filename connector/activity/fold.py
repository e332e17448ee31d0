"""Folds the webhooks that wait into profiles: a batch is one transaction, so each counts once, whatever dies when."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog
from pydantic_core import from_json, to_json
from sqlalchemy import Connection

from connector.activity import identity, profile_state, resubscribed, webhook
from connector.activity.fields import ProfileField
from connector.activity.identity import ProfileLink
from connector.activity.out.outbox import NOTHING_OUT, Outbox
from connector.activity.profile_state import ProfileState
from connector.activity.webhook import Activity, Unusable
from connector.audience.rules import Rules
from connector.model.problem import EVERY_SYNC, Problem
from connector.model.reported import ReportedWord
from connector.store import import_jobs, problems, profiles, reported, webhooks
from connector.store.activity_tables import FOLDED, NEVER
from connector.store.engine import Store

log = structlog.get_logger(__name__)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Folding:
    """How webhooks are folded: into which fields, with opens and clicks by machines or without.

    syncs: those that may send again to somebody who resubscribes. outbox: what goes on to others.
    """

    fields: Sequence[ProfileField]
    leave_out_machines: bool = False
    syncs: Sequence[Rules] = ()
    outbox: Outbox = NOTHING_OUT

    def fold(self, store: Store, connections: Iterable[str], until: Callable[[], bool] = lambda: False) -> bool:
        """Folds all webhooks that wait, except those of connections whose import job is paused or has ended.

        Returns False if `until` said to stop before the end. Raises StoreError.
        """
        finished = [self._fold_all(store, each, until) for each in connections]
        return all(finished)

    def _fold_all(self, store: Store, connection: str, until: Callable[[], bool]) -> bool:
        folded = _AT_ONCE
        while folded == _AT_ONCE:
            if until():
                return False
            with store.writing() as tx:
                folded = self._fold_some(tx, connection, store.now(tx))
        return True

    def _fold_some(self, tx: Connection, connection: str, now: float) -> int:
        if connection in import_jobs.still(tx, "in"):
            return 0
        self.outbox.in_order(tx, connection)
        found = webhooks.waiting(tx, connection, _AT_ONCE)
        if not found:
            return 0
        batch = _Batch(connection)
        for id, body in found:
            self._add(batch, id, body)
        batch.write(tx, now, self.syncs)
        self.outbox.add(tx, connection, batch.activities, now)
        log.info("webhooks folded", connection=connection, webhooks=len(found), profiles=len(batch.states))
        return len(found)

    def _add(self, batch: "_Batch", id: str, body: str) -> None:
        """Adds one webhook. A webhook that raises an unforeseen error must not block the webhooks behind it."""
        try:
            activity = webhook.parse(from_json(body))
            state: ProfileState = {}
            if isinstance(activity, Activity) and not (self.leave_out_machines and activity.by_machine):
                state = profile_state.state_of(activity, self.fields)
        except Exception as error:  # noqa: BLE001 - it becomes a problem
            activity, state = Unusable(f"it cannot be folded ({type(error).__name__})"), {}
        if isinstance(activity, Unusable):
            batch.unusable[id] = Problem("webhook", batch.connection, f"a reporting webhook: {activity.reason}", body)
            return
        batch.folded.append(id)
        batch.activities.append(activity)
        batch.links += identity.links(activity)
        key = identity.keys(activity.person)[0]
        batch.states[key] = profile_state.combine(batch.states[key], state)
        batch.words += identity.words(activity)


@dataclass(slots=True)
class _Batch:
    """The changes that a batch of webhooks of one connection makes."""

    connection: str
    folded: list[str] = field(default_factory=list)
    unusable: dict[str, Problem] = field(default_factory=dict)
    links: list[ProfileLink] = field(default_factory=list)
    states: defaultdict[str, ProfileState] = field(default_factory=lambda: defaultdict(dict))
    words: list[ReportedWord] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)

    def write(self, tx: Connection, now: float, syncs: Sequence[Rules]) -> None:
        """Writes the changes, and marks the webhooks as folded, or as never to be folded where they are unusable."""
        if self.states:
            before = profiles.locked(tx, self.connection, self.states, now)
            after = {key: profile_state.combine(from_json(before[key]), state) for key, state in self.states.items()}
            profiles.save(tx, self.connection, {key: to_json(state).decode() for key, state in after.items()}, now)
        profiles.link(tx, self.connection, self.links)
        if self.words:
            resubscribed.send_again(tx, syncs, self.connection, self.words, now)
            reported.note(tx, self.connection, self.words)
        problems.add(tx, EVERY_SYNC, list(self.unusable.values()), now)
        webhooks.settle(tx, self.connection, self.folded, FOLDED)
        webhooks.settle(tx, self.connection, list(self.unusable), NEVER)
