"""Audit: reads people back, compares them with what was delivered, and makes due again what has drifted.

Customer.io shows a write a little later, and people change while they are compared. So somebody who seems to have
drifted is looked at twice, some seconds apart, and counts only if nothing of theirs has changed in between.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

from connector.admin.audit import drift
from connector.admin.audit.drift import Difference, Expected
from connector.audience.rules import Rules
from connector.customerio import people as lookup
from connector.delivery.app_reader import ReadBack
from connector.model.job import Job
from connector.model.limits import PEOPLE_A_READ
from connector.runtime import Runtime
from connector.store import encoding, jobs, resend, samples
from connector.store.engine import Store

KIND = "audit"
SECOND_LOOK_SECONDS = 15.0
"""Customer.io shows a write about ten seconds later (docs/customerio.md#app-api)."""
_REPAIRED_AT_ONCE = 1000
_Each = TypeVar("_Each")

OnProgress = Callable[[int, int], None]
"""A function that is called with how many people were looked at, and how many are to be looked at in all."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """A user who is not in Customer.io as they should be."""

    expected: Expected
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What an audit found.

    started_at: unix seconds; sampled: how many people were chosen; compared: how many of them could be compared, as
    nothing of theirs changed meanwhile.
    """

    started_at: float
    sampled: int
    compared: int
    drifted: tuple[Drifted, ...]

    def kinds(self) -> dict[str, int]:
        """Returns how often each kind of difference was found."""
        return dict(Counter(each.kind for one in self.drifted for each in one.differences))


@dataclass(frozen=True, slots=True)
class Audit:
    """What is needed to audit one sync.

    side_by_side: the names of all syncs of the same workspace, this one too, whether they deliver or not; wait_seconds:
    the time between the two looks.
    """

    store: Store
    rules: Rules
    readback: ReadBack
    side_by_side: tuple[str, ...]
    wait_seconds: float = SECOND_LOOK_SECONDS
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, runtime: Runtime, sync: str, wait_seconds: float = SECOND_LOOK_SECONDS) -> "Audit":
        """Returns the audit of `sync`, with `wait_seconds` between the two looks.

        Raises SettingsError where the settings name no such sync, or its connection has no key for the App API.
        """
        rules, settings = runtime.rules(sync), runtime.settings
        name = rules.connection
        rate = settings.connections[name].app_requests_per_second
        readback = ReadBack(name, runtime.store, runtime.app_api(name), settings.delivery, rate)
        side_by_side = (sync, *(each.name for each in runtime.side_by_side(rules)))
        return cls(runtime.store, rules, readback, side_by_side, wait_seconds)

    def look(self, sample: int, on_progress: OnProgress = lambda _done, _total: None) -> Findings:
        """Compares up to `sample` people who are held, and, with `on_exit` delete, up to `sample` who were deleted.

        Raises ConnectorError where the App API gives no answer.
        """
        with self.store.reading(patient=True) as tx:
            started_at = self.store.now(tx)
            held = samples.held(tx, self.rules.name, sample)
            gone = samples.gone(tx, self.rules.name, sample) if self.rules.on_exit == "delete" else []
        keys = [*held, *gone]
        on_progress(0, len(keys))
        first = self._compare(keys, lambda done: on_progress(done, len(keys)))
        suspects = {each.expected.key: each.expected for each in first.drifted}
        if not suspects:
            return Findings(started_at, len(keys), first.compared, ())
        self.sleep(self.wait_seconds)
        in_all = len(keys) + len(suspects)
        second = self._compare(list(suspects), lambda done: on_progress(len(keys) + done, in_all), suspects)
        moved = len(suspects) - second.compared
        return Findings(started_at, len(keys), first.compared - moved, second.drifted)

    def _compare(
        self, keys: Sequence[str], on_done: Callable[[int], None], as_before: Mapping[str, Expected] | None = None
    ) -> "_Compared":
        """Compares these people, some at a time.

        as_before: what was expected of each at the first look; only those of whom the same is expected are compared.
        """
        compared, drifted, done = 0, list[Drifted](), 0
        for part in _parts(keys, PEOPLE_A_READ):
            expected = self._expected(part)
            if as_before is not None:
                expected = [each for each in expected if each == as_before[each.key]]
            people = self.readback.held(each.identifier for each in expected)
            for each in expected:
                found = drift.differences(each, people.get(lookup.normal(each.identifier)))
                drifted += [Drifted(each, found)] if found else []
            compared, done = compared + len(expected), done + len(part)
            on_done(done)
        return _Compared(compared, tuple(drifted))

    def _expected(self, keys: Collection[str]) -> list[Expected]:
        """Returns what to expect of those of these users to whom nothing is owed.

        Nobody is expected to be absent whose identifier another user of the workspace holds.
        """
        with self.store.reading(patient=True) as tx:
            entities = samples.quiet(tx, self.rules.name, keys)
            expected = [each for entity in entities if (each := drift.expected(entity, self.rules)) is not None]
            absent = [encoding.identifier_text(each.identifier) for each in expected if each.person is None]
            holders = samples.holders(tx, self.side_by_side, absent)
        return [each for each in expected if each.person is not None or not self._taken(each, holders)]

    def _taken(self, expected: Expected, holders: Mapping[str, set[tuple[str, str]]]) -> bool:
        holding = holders.get(encoding.identifier_text(expected.identifier), set())
        return bool(holding - {(self.rules.name, expected.key)})

    def repair(self, drifted: Collection[Drifted], *, delete: bool) -> int:
        """Makes those people due again of whom nothing has changed since the audit. Returns how many became due.

        People who should be absent are deleted only with `delete`, and only as the deletion guard allows.
        """
        mendable = [each.expected for each in drifted if delete or each.expected.person is not None]
        return sum(self._make_due(part) for part in _parts(mendable, _REPAIRED_AT_ONCE))

    def _make_due(self, people: Sequence[Expected]) -> int:
        sync = self.rules.name
        with self.store.writing() as tx:
            now = self.store.now(tx)
            unmoved = set(resend.unmoved(tx, sync, {each.key: each.revision for each in people}))
            still = [each for each in people if each.key in unmoved]
            whole = [each.key for each in still if each.person is not None]
            absent = {each.key: each.identifier for each in still if each.person is None}
            sent = resend.send_whole(tx, sync, whole, now)
            return sent + resend.delete_again(tx, sync, absent, now)

    def record(self, findings: Findings, repaired: int, by: str = "") -> None:
        """Keeps what an audit found as a job that is done, for those who ask later.

        Args:
            findings: What the audit found.
            repaired: How many people were made due again.
            by: Who began it; "" where that is not known.
        """
        numbers = {"compared": findings.compared, "drifted": len(findings.drifted), "repaired": repaired}
        with self.store.writing() as tx:
            job = Job(
                id=uuid4().hex[:8],
                sync=self.rules.name,
                kind=KIND,
                state="done",
                total=findings.sampled,
                done=findings.compared,
                per_second=self.readback.requests_per_second,
                counts={**numbers, **findings.kinds()},
                created_at=findings.started_at,
                updated_at=self.store.now(tx),
                started_by=by,
            )
            jobs.add(tx, job)


@dataclass(frozen=True, slots=True)
class _Compared:
    compared: int
    drifted: tuple[Drifted, ...]


def _parts(all: Sequence[_Each], size: int) -> Iterator[Sequence[_Each]]:
    return (all[start : start + size] for start in range(0, len(all), size))
