"""Reporting webhooks, on order: given events or samples, signed as Customer.io signs (docs/customerio.md#webhooks).

Customer.io calls by itself and tries again for days. The simulator calls once, and tells what was answered.
"""

import asyncio
import hashlib
import hmac
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import UnreadableError
from connector.simulator.api import answers
from connector.simulator.api.answers import json_object
from connector.simulator.state import view
from connector.simulator.state.simulator import Simulator

_ANSWER_SECONDS = 4.0
_MOST_EVENTS = 10_000
_METRICS = ("sent", "delivered", "opened", "clicked", "unsubscribed", "bounced", "spammed")
_NOBODY = {"id": "user-1", "email": "user-1@example.com", "cio_id": "000001"}


class Webhooks:
    """What sends them. The order: `url`, `signing_key`, `per_second`, and `events`, or `count` samples."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Returns the routes by which they are ordered."""
        return [Route("/_simulator/webhooks", self.send, methods=["POST"])]

    async def send(self, request: Request) -> Response:
        """Sends one after another, and answers how often each status came; 0 where no answer came in time."""
        try:
            order = await json_object(request)
            url, events = _url(order), _events(order) or list(self._samples(_number(order, "count", 1)))
            key, pause = str(order.get("signing_key", "")), 1 / max(_number(order, "per_second", 10), 0.001)
        except UnreadableError as error:
            return answers.single(str(error))
        statuses: Counter[str] = Counter()
        for event in events:
            status, _ = await asyncio.gather(asyncio.to_thread(self._sent, url, key, event), asyncio.sleep(pause))
            statuses[str(status)] += 1
        return answers.json({"sent": len(events), "statuses": dict(statuses)})

    def _sent(self, url: str, key: str, event: Any) -> int:
        body, timestamp = to_json(event), str(int(self._simulator.clock()))
        headers = {"content-type": "application/json", "x-cio-timestamp": timestamp}
        headers["x-cio-signature"] = signature(key, timestamp, body)
        asked = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - its scheme is looked at
        try:
            with urllib.request.urlopen(asked, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except (URLError, OSError):
            return 0

    def _samples(self, count: float) -> Iterator[Mapping[str, Any]]:
        """Metrics of e-mails to the people who are there, in turn; of an invented one where nobody is."""
        people = [view.known(person.identifiers) for person in self._simulator.workspace.live.people] or [_NOBODY]
        now = int(self._simulator.clock())
        for number in range(int(count)):
            self._simulator.reported += 1
            who, metric = people[number % len(people)], _METRICS[number % len(_METRICS)]
            yield _sample(self._simulator.reported, who, metric, now)


def signature(key: str, timestamp: str, body: bytes) -> str:
    """Returns the HMAC-SHA256 over version, timestamp and body, in small hexadecimal digits."""
    return hmac.new(key.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def _sample(number: int, who: Mapping[str, Any], metric: str, now: int) -> Mapping[str, Any]:
    data = {
        "customer_id": who.get("id") or "",
        "identifiers": dict(who),
        "delivery_id": f"simulated-{number:016d}",
        "recipient": who.get("email") or "",
        "subject": "A sample",
        "transactional_message_id": 1,
    }
    if metric == "clicked":
        data |= {"href": "https://www.example.com/", "link_id": 1}
    if metric == "bounced":
        data["failure_message"] = "no such address"
    return {"event_id": f"{number:026d}", "object_type": "email", "metric": metric, "timestamp": now, "data": data}


def _url(order: Mapping[str, Any]) -> str:
    url = str(order.get("url", ""))
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise UnreadableError("url must be http://... or https://...")
    return url


def _events(order: Mapping[str, Any]) -> Sequence[Any]:
    events = order.get("events", [])
    if not isinstance(events, list) or len(events) > _MOST_EVENTS:
        raise UnreadableError(f"events must be a list of at most {_MOST_EVENTS:,}")
    return events


def _number(order: Mapping[str, Any], key: str, usual: float) -> float:
    number = order.get(key, usual)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= _MOST_EVENTS:
        raise UnreadableError(f"{key} must be a number above 0, at most {_MOST_EVENTS:,}")
    return number
