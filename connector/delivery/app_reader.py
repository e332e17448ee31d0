"""Reads people of one workspace back through its App API. All readers take turns; failures are tried again."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import random

import structlog

from connector.customerio import backoff
from connector.customerio import people as lookup
from connector.customerio.app_api import AppApi
from connector.customerio.people import FoundPerson, HeldPeople
from connector.customerio.responses import Pause
from connector.errors import ConnectorError
from connector.model.entity import Identifier
from connector.model.limits import PEOPLE_A_READ
from connector.settings.sections import DeliverySettings
from connector.store import connection_health
from connector.store.engine import Store

log = structlog.get_logger(__name__)
_SLACK = 1.05
"""Requests never leave quite evenly: at exactly the rate allowed some come too early, and each costs a second."""
MOST_SECONDS = 60.0
"""The longest wait, in seconds, that a reply may ask for: somebody waits at the command."""
TRIES = 8
"""The number of times that a request is sent before giving up: about a minute and a half with the usual pauses."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    """The App API of the connection `name`, as one process uses it."""

    name: str
    store: Store
    api: AppApi
    limits: DeliverySettings
    requests_per_second: float
    sleep: Callable[[float], None] = time.sleep

    def held(self, identifiers: Iterable[Identifier]) -> HeldPeople:
        """Returns the attributes of those of these people who exist. Raises ConnectorError if no answer can be had."""
        answers = [self._ask(kind, values).people for kind, values in _requests(identifiers)]
        return {name: attributes for people in answers for name, attributes in people.items()}

    def ask_once(self, identifier: Identifier) -> FoundPerson | Pause:
        """Asks for one person by one request, and returns what came back, whatever it is."""
        self._wait_for_turn()
        return lookup.read(self.api.people(identifier.type, [identifier.value]), identifier.type)

    def _ask(self, kind: str, values: list[str]) -> FoundPerson:
        failures = 0
        while True:
            self._wait_for_turn()
            answer = lookup.read(self.api.people(kind, values), kind)
            if isinstance(answer, FoundPerson):
                return answer
            failures += 1
            self._give_up(answer, failures)
            self._wait_for_better(answer, failures)

    def _wait_for_turn(self) -> None:
        wait_for_turn(self.store, self.name, self.requests_per_second, self.sleep)

    def _give_up(self, pause: Pause, failures: int) -> None:
        """Raises ConnectorError if asking again would not help, or did not."""
        if pause.until == "human":
            raise ConnectorError(f"connection {self.name!r}: {pause.reason}")
        if (pause.seconds or 0.0) > MOST_SECONDS:
            raise ConnectorError(
                f"connection {self.name!r}: {pause.reason}, and asks to be left alone for {pause.seconds:.0f} s; "
                "run it again then"
            )
        if failures >= TRIES:
            raise ConnectorError(
                f"connection {self.name!r}: the App API gave no answer to {failures} tries in a row, "
                f"at last: {pause.reason}; audit again later"
            )

    def _wait_for_better(self, pause: Pause, failures: int) -> None:
        limits, seconds = self.limits, pause.seconds
        if seconds is None:
            seconds = backoff.delay(failures, limits.backoff_seconds, limits.backoff_max_seconds, random())
        log.info("app api asked again", connection=self.name, reason=pause.reason, seconds=round(seconds, 3))
        self.sleep(seconds)


def wait_for_turn(
    store: Store, name: str, requests_per_second: float, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Waits for the next place in the line of requests to a workspace's App API, which all processes share.

    Args:
        store: Where the line is kept. A place that is lost with it in a crash harms nobody.
        name: The connection, by its name.
        requests_per_second: The most requests a second to the workspace, of all processes together.
        sleep: The function that waits so many seconds.

    Raises:
        StoreError: The store cannot be reached.
    """
    with store.writing(may_be_lost=True) as tx:
        wait = connection_health.take_turn(tx, f"app:{name}", _SLACK / requests_per_second, store.now(tx))
    if wait > 0:
        sleep(wait)


def _requests(identifiers: Iterable[Identifier]) -> Iterator[tuple[str, list[str]]]:
    """Yields the identifiers as requests of one kind each, none of them twice."""
    by_kind: dict[str, list[str]] = {}
    for each in dict.fromkeys(map(lookup.normal, identifiers)):
        by_kind.setdefault(each.type, []).append(each.value)
    for kind, values in by_kind.items():
        for start in range(0, len(values), PEOPLE_A_READ):
            yield kind, values[start : start + PEOPLE_A_READ]
