"""Finds what is at fault if a request fails for no stated reason: the service or one of the items. Sends nothing.

A 500, a cut connection, silence or a firewall's page may be an outage, in which to split would only add to the flood;
or it may be about a single item, which then must not hold up its neighbours. What tells them apart is whether anything
succeeds right after the failure:

1. A request fails. Two of its items, chosen at random, are sent by themselves as *scouts*.
2. Both fail too: an outage. Nothing more is sent; that took three requests.
3. One succeeds: the service is there. The rest is sent in halves, those that fail in halves again, the oldest first, so
   that each failing half has a sibling to compare with. An item that fails alone is at fault, and waits alone.

Because the scouts are chosen at random, items at fault cannot hide behind one another: as long as anything can be
delivered, something will be. The price is bounded: so many requests in one run, so many failures in a row.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from connector.customerio.batches import Part, Request
from connector.customerio.request_log import Exchange
from connector.customerio.responses import ItemResult, Pause, ResponseAction, Retry, Settle, Split

Owner = TypeVar("Owner")

OUTAGE_FAILURES = 3
"""The number of failures without a success between them that make an outage: a request and its two scouts."""
LONGEST_STREAK = 8
"""The failures in a row that make an outage though the service was just there: it may be gone by now."""
MOST_EXTRA_REQUESTS = 64
"""The most scouts and halves in one run: enough to find three items in a thousand. Others are tried again later."""


class Sent(NamedTuple, Generic[Owner]):
    """The result of one part, and the request that brought it; None if no request was sent for it."""

    part: Part[Owner]
    result: ItemResult
    exchange: Exchange | None


class _Failure(NamedTuple, Generic[Owner]):
    part: Part[Owner]
    pause: Pause
    exchange: Exchange | None


class Isolation(Generic[Owner]):
    """The requests of one run to the workspace or to one manual segment: which is next, and what each has shown."""

    def __init__(
        self, requests: Iterable[Request[Owner]], sample: Callable[[Sequence[Any], int], Sequence[Any]]
    ) -> None:
        """Begins with nothing sent. `sample` picks a number of items of a sequence at random, like `random.sample`."""
        self.outage: Pause | None = None
        self._sample = sample
        self._waiting = deque(requests)
        self._scouts: deque[Request[Owner]] = deque()
        self._halves: deque[Request[Owner]] = deque()
        self._sent: list[Sent[Owner]] = []
        self._alone: list[_Failure[Owner]] = []
        self._in_doubt: dict[int, _Failure[Owner]] = {}
        self._last_failure: Pause | None = None
        self._streak = 0
        self._extra = 0
        self._there = False
        self._ever_there = False
        self._fresh = True

    @property
    def is_extra(self) -> bool:
        """Says whether the next request is a scout or a half, which is sent only to find who is at fault."""
        return bool(self._scouts or (self._halves and self._there))

    def next_request(self) -> Request[Owner] | None:
        """Returns the request to send now, None if there is none or none should be sent."""
        if self.outage is not None:
            return None
        self._fresh = not self.is_extra
        if not self._fresh:
            self._extra += 1
            return (self._scouts or self._halves).popleft()
        return self._waiting.popleft() if self._waiting else None

    def take(self, request: Request[Owner], action: ResponseAction, exchange: Exchange | None) -> None:
        """Takes in what the reply to `request` means."""
        match action:
            case Settle(results):
                self._succeeded()
                for part, result in zip(request.parts, results, strict=True):
                    self._settle(part, result, exchange)
            case Split():
                self._succeeded()
                self._waiting.extendleft(reversed(request.halves()))
            case Pause(cause="service"):
                self.outage = action
                self._doubt(request, action, exchange)
            case Pause():
                self._failed(request, action, exchange)

    def give_up(self) -> None:
        """Ends the search for who is at fault. If nothing has shown that the service answers, it is an outage."""
        self._scouts.clear()
        self._halves.clear()
        if not self._there:
            self.outage = self._last_failure

    def finish(self, *, blame: bool = False) -> list[Sent[Owner]]:
        """Returns what became of each part of which something is known. The other parts were not sent.

        blame: an item that failed alone is at fault even if nothing else succeeded.
        """
        if self.outage is None and self._alone and not (self._ever_there and self._streak < self._most_failures):
            self.outage = self._alone[-1].pause
        if blame or self.outage is None:
            self._blame()
        left = self._in_doubt.values()
        return self._sent + [Sent(part, Retry(why.reason, why.doubt), exchange) for part, why, exchange in left]

    @property
    def _most_failures(self) -> int:
        """Returns how many failures in a row are an outage."""
        return LONGEST_STREAK if self._there else OUTAGE_FAILURES

    def _succeeded(self) -> None:
        """Notes a success: items that failed alone before it are at fault themselves."""
        self._streak, self._there, self._ever_there = 0, True, True
        self._blame()

    def _blame(self) -> None:
        for part, pause, exchange in self._alone:
            self._settle(part, Retry(pause.reason, pause.doubt, alone=True), exchange)
        self._alone.clear()

    def _settle(self, part: Part[Owner], result: ItemResult, exchange: Exchange | None) -> None:
        self._in_doubt.pop(id(part), None)
        self._sent.append(Sent(part, result, exchange))

    def _doubt(self, request: Request[Owner], pause: Pause, exchange: Exchange | None) -> None:
        for part in request.parts:
            before = self._in_doubt.get(id(part))
            if before is None or not before.pause.doubt:
                self._in_doubt[id(part)] = _Failure(part, pause, exchange)

    def _failed(self, request: Request[Owner], pause: Pause, exchange: Exchange | None) -> None:
        self._streak += 1
        self._last_failure = pause
        if self._fresh and self._streak == 1:
            self._there = False  # what succeeded before this one says little
        self._doubt(request, pause, exchange)
        if len(request.parts) == 1:
            self._alone.append(_Failure(request.parts[0], pause, exchange))
        elif self._there:
            self._halves.extend(request.halves())
        else:
            self._send_scouts(request)
        if self._streak >= self._most_failures:
            self.outage = pause
        if self._extra >= MOST_EXTRA_REQUESTS:
            self.give_up()

    def _send_scouts(self, request: Request[Owner]) -> None:
        chosen = self._sample(range(len(request.parts)), min(2, len(request.parts)))
        self._scouts.extend(Request(request.endpoint, (request.parts[place],)) for place in chosen)
        rest = tuple(part for place, part in enumerate(request.parts) if place not in chosen)
        if rest:
            self._halves.append(Request(request.endpoint, rest))
