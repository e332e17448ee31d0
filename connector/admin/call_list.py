"""The log of requests, a page at a time: what is found within a tenth of a second, and where to go on."""

import time
from dataclasses import dataclass

from connector.runtime import Runtime
from connector.store import call_pages
from connector.store.call_pages import WantedCalls
from connector.store.request_log import Logged

__all__ = ["NOTHING", "CallPage", "WantedCalls", "lately", "now"]
_LOOKED_AT = 5000
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class CallPage:
    """Requests, the latest first. after: the id to go on behind, "" where no more follow.

    whole: whether the page is full, or the whole log was looked at; where not, the search stopped for time.
    """

    calls: tuple[Logged, ...]
    after: str
    whole: bool


NOTHING = CallPage((), "", whole=True)


def now(runtime: Runtime) -> float:
    """Returns the store's time, in unix seconds."""
    with runtime.store.reading() as tx:
        return runtime.store.now(tx)


def lately(runtime: Runtime, wanted: WantedCalls, before: str, limit: int, person: str = "") -> CallPage:
    """Returns the next requests of the log.

    Args:
        runtime: What this program has open.
        wanted: Which requests are meant.
        before: Only those before this id; "" for the latest.
        limit: How many to return at most.
        person: Only those with the person who has this key; "" for all.
    """
    if person:
        with runtime.store.reading() as tx:
            found = call_pages.of_person(tx, person, wanted, before, limit)
        return CallPage(tuple(found), found[-1].id if len(found) == limit else "", whole=True)
    return _found(runtime, wanted, before, limit)


def _found(runtime: Runtime, wanted: WantedCalls, before: str, limit: int) -> CallPage:
    """Looks through the log in parts until the page is full, the log ends, or a tenth of a second is over."""
    calls: list[Logged] = []
    end = time.monotonic() + _LOOK_SECONDS
    while True:
        with runtime.store.reading() as tx:
            some = call_pages.chunk(tx, wanted, before, limit - len(calls), _LOOKED_AT)
        calls += some.found
        before = some.last
        if not before or len(calls) >= limit or time.monotonic() > end:
            return CallPage(tuple(calls), before, whole=not before or len(calls) >= limit)
