"""Reading people back from one workspace through its App API: in turn with all who do so, through what goes wrong."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import random

import structlog

from connector import lookup, outcome
from connector.customerio.app_api import AppApi
from connector.model.entity import Identifier
from connector.errors import ConnectorError
from connector.lookup import PEOPLE_A_REQUEST, Found, Held
from connector.outcome import Pause
from connector.settings.sections import Delivery
from connector.store import connection_health as connections
from connector.store.opening import Store

log = structlog.get_logger(__name__)
_SLACK = 1.05
"""Requests never leave quite evenly: at exactly the rate allowed some come too early, and each costs a second."""
TRIES = 8
"""So often a request is sent before giving up: with the usual pauses, for about a minute and a half."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    """The App API of the connection `name`, as one process uses it."""

    name: str
    store: Store
    api: AppApi
    limits: Delivery
    requests_per_second: float
    sleep: Callable[[float], None] = time.sleep

    def held(self, identifiers: Iterable[Identifier]) -> Held:
        """The attributes of those of these people who are there. Raises ConnectorError where no answer is to be had."""
        answers = [self._ask(kind, values).people for kind, values in _requests(identifiers)]
        return {name: attributes for people in answers for name, attributes in people.items()}

    def _ask(self, kind: str, values: list[str]) -> Found:
        failures = 0
        while True:
            self._wait_for_turn()
            answer = lookup.read(self.api.people(kind, values), kind)
            if isinstance(answer, Found):
                return answer
            failures += 1
            self._give_up(answer, failures)
            self._wait_for_better(answer, failures)

    def _wait_for_turn(self) -> None:
        with self.store.writing() as connection:
            now = self.store.now(connection)
            wait = connections.take_turn(connection, f"app:{self.name}", _SLACK / self.requests_per_second, now)
        if wait > 0:
            self.sleep(wait)

    def _give_up(self, pause: Pause, failures: int) -> None:
        """Raises ConnectorError where asking again would not help, or did not."""
        if pause.until == "human":
            raise ConnectorError(f"connection {self.name!r}: {pause.reason}")
        if failures >= TRIES:
            raise ConnectorError(
                f"connection {self.name!r}: the App API gave no answer to {failures} tries in a row, "
                f"at last: {pause.reason}; audit again later"
            )

    def _wait_for_better(self, pause: Pause, failures: int) -> None:
        limits, seconds = self.limits, pause.seconds
        if seconds is None:
            seconds = outcome.delay(failures, limits.backoff_seconds, limits.backoff_max_seconds, random())
        log.info("app api asked again", connection=self.name, reason=pause.reason, seconds=round(seconds, 3))
        self.sleep(seconds)


def _requests(identifiers: Iterable[Identifier]) -> Iterator[tuple[str, list[str]]]:
    """The identifiers as requests of one kind each, nobody twice."""
    by_kind: dict[str, list[str]] = {}
    for each in dict.fromkeys(map(lookup.normal, identifiers)):
        by_kind.setdefault(each.type, []).append(each.value)
    for kind, values in by_kind.items():
        for start in range(0, len(values), PEOPLE_A_REQUEST):
            yield kind, values[start : start + PEOPLE_A_REQUEST]
