"""Reads in Customer.io's activity log what it dropped after answering 200, and keeps that as problems of our people."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from connector.audience.rules import Rules
from connector.customerio import activities
from connector.customerio.activities import ActivityPage, LogEntry, LogPosition
from connector.customerio.app_api import AppApi
from connector.delivery.app_reader import wait_for_turn
from connector.model.bounds import whole_characters
from connector.model.problem import EVERY_SYNC, Problem, ProblemKind
from connector.runtime import Runtime
from connector.store import activity_positions, entities, identifier_holders, named_leases, problems
from connector.store.encoding import identifier_text
from connector.store.engine import Store
from connector.store.tallies import tally

log = structlog.get_logger(__name__)
KIND: ProblemKind = "failed later"
LEASE_SECONDS = 120.0
PAGES_A_TURN = 50
"""The most pages of one type read in a turn, so that a flood of one hides no other; the next turn goes on there."""
_FIRST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class FailureWatch:
    """A reader of one workspace's activity log. One process reads at a time, and takes turns with other readers.

    name: the connection; syncs: the syncs that deliver through it.
    """

    name: str
    store: Store
    api: AppApi
    syncs: tuple[Rules, ...]
    requests_per_second: float
    sleep: Callable[[float], None] = time.sleep

    def look(self, until: Callable[[], bool] = lambda: False) -> int:
        """Reads what is new, and returns how many failures of our users and objects it found.

        It is 0 where another process reads at the moment. until: says when to stop.
        """
        holder = uuid4().hex
        with self.store.writing() as tx:
            now = self.store.now(tx)
            if not named_leases.take(tx, lease_name(self.name), holder, now, LEASE_SECONDS):
                return 0
            known = activity_positions.positions(tx, self.name)
        first = LogPosition(now - _FIRST_SECONDS)
        wanted = activities.types(each for rules in self.syncs for each in rules.objects)
        found, refused, last = 0, dict[str, str](), ""
        for type_ in wanted:
            counted = None if until() else self._read(type_, known.get(type_, first), holder, until)
            if counted is None:
                break
            last = type_
            if isinstance(counted, str):
                refused[type_] = counted
            else:
                found += counted
        with self.store.writing() as tx:
            self._tell(tx, refused, whole=last == wanted[-1], every=len(refused) == len(wanted))
            named_leases.give_back(tx, lease_name(self.name), holder)
        return found

    def _read(self, type_: str, position: LogPosition, holder: str, until: Callable[[], bool]) -> int | str | None:
        """Reads what is new of one type of entries.

        Returns how many are of our users and objects; or the reason, where Customer.io refuses them; or None where it
        cannot be reached or the lease is lost, so that nothing more can be read now.
        """
        found = 0
        for _ in range(PAGES_A_TURN):
            wait_for_turn(self.store, self.name, self.requests_per_second, self.sleep)
            reply = self.api.activities(type_, position.resume)
            page = activities.read(reply)
            if not isinstance(page, ActivityPage):
                log.warning("the activity log cannot be read", connection=self.name, type=type_, reason=page.reason)
                if page.until != "human" and (not reply.status or page.cause == "service"):
                    return None
                if position.resume:  # the page may not exist any more: the next look begins with the latest entries
                    self._keep(type_, [], replace(position, resume=""), holder)
                return page.reason
            with self.store.reading() as tx:
                now = self.store.now(tx)
            new, position = activities.taken(position, page, now)
            counted = self._keep(type_, new, position, holder)
            if counted is None:
                return None
            found += counted
            if not position.resume or until():
                break
        return found

    def _keep(self, type_: str, new: list[LogEntry], position: LogPosition, holder: str) -> int | None:
        """Keeps the new entries and the position in one transaction, and renews the lease.

        Returns how many entries were of our users and objects; None if the lease is lost.
        """
        with self.store.writing() as tx:
            now = self.store.now(tx)
            if not named_leases.renew(tx, lease_name(self.name), holder, now, LEASE_SECONDS):
                return None
            activity_positions.keep(tx, self.name, type_, position)
            ours = self._note(tx, new, now) if new else 0
        if new:
            log.warning("Customer.io dropped what it had answered 200", connection=self.name, type=type_, ours=ours,
                        others=len(new) - ours)  # fmt: skip
        return ours

    def _note(self, tx: Connection, new: list[LogEntry], now: float) -> int:
        matched: set[str] = set()
        for rules in self.syncs:
            keys = _keys(tx, rules.name, new)
            about = [(keys[each.id], each) for each in new if each.id in keys]
            problems.add(tx, rules.name, [_problem(key, each) for key, each in about], now)
            tally(tx, {rules.name: Counter(f"{KIND}: {each.type}" for _, each in about)}, now)
            matched |= keys.keys()
        others = Counter(f"{KIND}, of nobody here: {each.type}" for each in new if each.id not in matched)
        tally(tx, {EVERY_SYNC: others}, now)
        return len(matched)

    def _tell(self, tx: Connection, refused: Mapping[str, str], *, whole: bool, every: bool) -> None:
        """Keeps a problem while Customer.io refuses to show some types, and deletes it once all could be read.

        Args:
            tx: A transaction that writes.
            refused: Why each type is refused.
            whole: Whether all types were asked for.
            every: Whether all types are refused.
        """
        told = ""
        if refused:
            of = "" if every else f" (of the types {', '.join(refused)})"
            told = f"{next(iter(refused.values()))}: what Customer.io answers with 200 and drops later is not seen{of}"
        if refused or whole:
            problems.instead(tx, Problem("activities", self.name, told), self.store.now(tx))


def watches(runtime: Runtime) -> list[FailureWatch]:
    """Returns a watch for each connection that is delivered to, has an App API key, and has `watch_failures` on."""
    found: defaultdict[str, list[Rules]] = defaultdict(list)
    for rules in runtime.syncs:
        if rules.deliver:
            found[rules.connection].append(rules)
    return [
        FailureWatch(name, runtime.store, runtime.app_api(name), tuple(syncs), settings.app_requests_per_second)
        for name, syncs in found.items()
        if (settings := runtime.settings.connections[name]).app_api_key is not None and settings.watch_failures
    ]


def lease_name(connection: str) -> str:
    """Returns the name of the lease under which a connection's activity log is read."""
    return f"activities:{connection}"


def _keys(tx: Connection, sync: str, new: Iterable[LogEntry]) -> dict[str, str]:
    """Returns the keys of the users and objects of a sync that entries are about, by the ids of the entries."""
    names = {each.id: [identifier_text(name) for name in each.identifiers] for each in new}
    held = identifier_holders.holders(tx, sync, {name for each in names.values() for name in each})
    objects = entities.load(tx, sync, {each.object_key for each in new if each.object_key}, entities.OBJECT)
    found = {id: _first(held, each) for id, each in names.items()}
    found |= {each.id: each.object_key for each in new if each.object_key in objects}
    return {id: key for id, key in found.items() if key}


def _first(held: Mapping[str, str], names: Iterable[str]) -> str:
    return next((held[name] for name in names if name in held), "")


def _problem(key: str, activity: LogEntry) -> Problem:
    said = activity.reason or "it gives no reason"
    reason = whole_characters(f"Customer.io answered 200 and dropped it later ({activity.type}): {said}")
    return Problem(KIND, key, reason, {"activity": activity.id, "at": activity.at, "data": dict(activity.data)})
