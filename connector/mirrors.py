"""The manual segments of a sync as delivery meets them: found by name or made, and set aside where they are refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from connector.customerio import segments as manual_segment
from connector.customerio.app_api import AppApi
from connector.customerio.segments import DESCRIPTION, Absent, Answer, Fault, no_key
from connector.audience.rules import Rules
from connector.settings.manual_segments import Target
from connector.store import manual_segments, problems
from connector.store.manual_segments import Known
from connector.store.opening import Store

log = structlog.get_logger(__name__)
LOOK_AGAIN_SECONDS = 60.0
_SOON_SECONDS = 2.0
_REFUSED = "Customer.io refuses everybody (was it deleted, or is it not a manual one?)"


@dataclass(frozen=True, slots=True)
class Served:
    """The rules with the mirrors that can be sent now; waiting: those that can be later, and in how many seconds."""

    rules: Rules
    waiting: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mirrors:
    """The manual segments of the connection `name`. app_api: None without its key; then only ids can be sent to."""

    name: str
    store: Store
    app_api: AppApi | None
    lease_seconds: float

    def served(self, rules: Rules) -> Served:
        """Looks which mirrors can be sent now, and up those that are to be looked up."""
        if not rules.mirrors:
            return Served(rules)
        with self.store.reading() as connection:
            known = manual_segments.known(connection, self.name)
            now = self.store.now(connection)
        ids: dict[str, Target] = {}
        waiting: dict[str, float] = {}
        for mirror, target in rules.mirrors.items():
            at_hand = self._current(rules, target, known.get(manual_segment.text_of(target)), now)
            if at_hand.reason or at_hand.segment is None:
                if not at_hand.for_human:
                    waiting[mirror] = LOOK_AGAIN_SECONDS if at_hand.reason else _SOON_SECONDS
            else:
                ids[mirror] = at_hand.segment
        return Served(replace(rules, served=ids), waiting)

    def lose(self, rules: Rules, segment: str) -> None:
        """Sets a manual segment aside that refuses everybody, until somebody has it looked at again."""
        lost = [target for mirror, target in rules.mirrors.items() if str(rules.served.get(mirror)) == segment]
        for target in lost:
            self._note(rules, target, Fault(_REFUSED, for_human=True), look_again=False)

    def _current(self, rules: Rules, target: Target, known: Known | None, now: float) -> Known:
        if isinstance(target, int):
            return known or Known(target)
        looked_up = known is not None and (known.look_at is None or known.look_at > now)
        return known if known is not None and looked_up else self._look_up(rules, target, known or Known())

    def _look_up(self, rules: Rules, target: str, known: Known) -> Known:
        if self.app_api is None and known.reason == no_key(self.name):
            return known
        text = manual_segment.text_of(target)
        with self.store.writing() as connection:
            now = self.store.now(connection)
            if not manual_segments.take(connection, self.name, text, now, now + self.lease_seconds):
                return known
        answer = self._ask(self.app_api, target)
        self._note(rules, target, answer)
        match answer:
            case Fault(reason, for_human):
                return Known(None, reason, for_human)
            case Absent():
                return Known()
            case found:
                return Known(found.id)

    def _ask(self, app_api: AppApi | None, target: str) -> Answer:
        if app_api is None:
            return Fault(no_key(self.name), for_human=True)
        answer = manual_segment.looked_up(app_api.segments(), target)
        if not isinstance(answer, Absent):
            return answer
        log.info("manual segment made", connection=self.name, segment=target)
        return manual_segment.made(app_api.make_segment(target, DESCRIPTION))

    def _note(self, rules: Rules, target: Target, answer: Answer, *, look_again: bool = True) -> None:
        with self.store.writing() as connection:
            now = self.store.now(connection)
            look_at = now + LOOK_AGAIN_SECONDS if look_again else None
            text = manual_segment.text_of(target)
            news = manual_segments.note(connection, self.name, text, answer, look_at)
            if not isinstance(answer, Fault):
                manual_segments.solved(connection, rules.name, str(target))
            elif news:
                problem = manual_segment.problem(target, answer.reason, rules.name)
                problems.add(connection, rules.name, [problem], now)
        if isinstance(answer, Fault):
            log.warning("a manual segment cannot be filled", sync=rules.name, segment=target, reason=answer.reason)
