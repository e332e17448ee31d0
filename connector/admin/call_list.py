"""The log of requests, a page at a time: what is found within a moment, and where to go on."""

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

    whole: whether the page is full, or all was looked at; else others may follow further back.
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
    """Returns the next requests that are meant.

    Args:
        runtime: What this program has open.
        wanted: Which are meant.
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
    """Looks at some after some until the page is full, or a moment is over."""
    calls: list[Logged] = []
    end = time.monotonic() + _LOOK_SECONDS
    while True:
        with runtime.store.reading() as tx:
            some = call_pages.chunk(tx, wanted, before, limit - len(calls), _LOOKED_AT)
        calls += some.found
        before = some.last
        if not before or len(calls) >= limit or time.monotonic() > end:
            return CallPage(tuple(calls), before, whole=not before or len(calls) >= limit)
