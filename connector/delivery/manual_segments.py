"""Finds or makes the manual segments of a sync, and sets those aside that cannot be sent to."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import structlog

from connector.audience.rules import Rules
from connector.customerio import segments
from connector.customerio.app_api import AppApi
from connector.customerio.segments import DESCRIPTION, Absent, FoundSegment, SegmentAnswer, SegmentFault, no_key
from connector.delivery.app_reader import wait_for_turn
from connector.settings.manual_segments import Target
from connector.store import manual_segments, problems
from connector.store.engine import Store
from connector.store.manual_segments import KnownSegment

log = structlog.get_logger(__name__)
LOOK_AGAIN_SECONDS = 60.0
_SOON_SECONDS = 2.0
_REFUSED = "Customer.io refuses everybody (was it deleted, or is it not a manual one?)"


@dataclass(frozen=True, slots=True)
class Served:
    """The rules with the mirrors that can be sent to now. waiting: those that can be later, and in how many seconds."""

    rules: Rules
    waiting: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mirrors:
    """The manual segments of the connection `name`. app_api: None without its key; then only ids can be sent to.

    It is asked no faster than `app_requests_per_second`, by all its users together.
    """

    name: str
    store: Store
    app_api: AppApi | None
    lease_seconds: float
    app_requests_per_second: float
    sleep: Callable[[float], None] = time.sleep

    def served(self, rules: Rules) -> Served:
        """Returns which mirrors can be sent to now. Looks up those that are not known yet."""
        if not rules.mirrors:
            return Served(rules)
        with self.store.reading() as tx:
            known = manual_segments.known(tx, self.name)
            now = self.store.now(tx)
        ids: dict[str, Target] = {}
        waiting: dict[str, float] = {}
        for mirror, target in rules.mirrors.items():
            found = self._current(rules, target, known.get(segments.text_of(target)), now)
            if found.reason or found.segment is None:
                if not found.for_human:
                    waiting[mirror] = _wait(found, now)
            else:
                ids[mirror] = found.segment
        return Served(replace(rules, served=ids), waiting)

    def lose(self, rules: Rules, segment: str) -> None:
        """Sets a manual segment aside that refuses everybody, until a human has it looked up again."""
        for target in _named(rules, segment):
            self._note(rules, target, SegmentFault(_REFUSED, for_human=True), None)

    def fail(self, rules: Rules, segment: str, reason: str, seconds: float) -> None:
        """Sets a manual segment aside that gives no answer. The people themselves are sent meanwhile.

        Args:
            rules: the settings of the sync.
            segment: the id of the segment.
            reason: why its requests fail.
            seconds: for how long it is set aside.
        """
        fault = SegmentFault(f"its calls fail ({reason}), which is tried again", for_human=False)
        for target in _named(rules, segment):
            self._note(rules, target, fault, seconds)

    def _current(self, rules: Rules, target: Target, known: KnownSegment | None, now: float) -> KnownSegment:
        if isinstance(target, int):
            return self._tried_again(rules, target, known, now)
        looked_up = known is not None and (known.look_at is None or known.look_at > now)
        return known if known is not None and looked_up else self._look_up(rules, target, known or KnownSegment())

    def _tried_again(self, rules: Rules, target: int, known: KnownSegment | None, now: float) -> KnownSegment:
        """Returns what is known of a segment given by its id, which needs no look-up: it is tried again in a minute."""
        if known is None:
            return KnownSegment(target)
        if not known.reason or known.look_at is None or known.look_at > now:
            return known
        self._note(rules, target, FoundSegment(target), LOOK_AGAIN_SECONDS)
        return KnownSegment(target)

    def _look_up(self, rules: Rules, target: str, known: KnownSegment) -> KnownSegment:
        if self.app_api is None and known.reason == no_key(self.name):
            return known
        text = segments.text_of(target)
        with self.store.writing() as tx:
            now = self.store.now(tx)
            if not manual_segments.take(tx, self.name, text, now, now + self.lease_seconds):
                return known
        answer = self._ask(self.app_api, target)
        self._note(rules, target, answer, LOOK_AGAIN_SECONDS)
        match answer:
            case SegmentFault(reason, for_human):
                return KnownSegment(None, reason, for_human)
            case Absent():
                return KnownSegment()
            case found:
                return KnownSegment(found.id)

    def _ask(self, app_api: AppApi | None, target: str) -> SegmentAnswer:
        if app_api is None:
            return SegmentFault(no_key(self.name), for_human=True)
        self._wait_for_turn()
        answer = segments.looked_up(app_api.segments(), target)
        if not isinstance(answer, Absent):
            return answer
        log.info("manual segment made", connection=self.name, segment=target)
        self._wait_for_turn()
        return segments.made(app_api.make_segment(target, DESCRIPTION))

    def _wait_for_turn(self) -> None:
        wait_for_turn(self.store, self.name, self.app_requests_per_second, self.sleep)

    def _note(self, rules: Rules, target: Target, answer: SegmentAnswer, look_in: float | None) -> None:
        with self.store.writing() as tx:
            now = self.store.now(tx)
            look_at = None if look_in is None else now + look_in
            text = segments.text_of(target)
            news = manual_segments.note(tx, self.name, text, answer, look_at)
            if not isinstance(answer, SegmentFault):
                manual_segments.solved(tx, rules.name, str(target))
            elif news:
                problem = segments.problem(target, answer, rules.name)
                problems.add(tx, rules.name, [problem], now)
        if isinstance(answer, SegmentFault):
            log.warning("a manual segment cannot be filled", sync=rules.name, segment=target, reason=answer.reason)


def _wait(known: KnownSegment, now: float) -> float:
    """Returns in how many seconds a segment that cannot be sent to now is looked up again."""
    if not known.reason:
        return _SOON_SECONDS
    return LOOK_AGAIN_SECONDS if known.look_at is None else max(known.look_at - now, 0.0)


def _named(rules: Rules, segment: str) -> list[Target]:
    """Returns the targets of the settings that mean this manual segment (its id)."""
    return [target for mirror, target in rules.mirrors.items() if str(rules.served.get(mirror)) == segment]
