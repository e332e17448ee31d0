"""The simulator's own pages under /_simulator: what it holds, exactly; reset; faults. No credentials: loopback only."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from connector.errors import UnreadableError
from connector.simulator.api import answers
from connector.simulator.api.answers import json_object
from connector.simulator.api.paths import named_in_path
from connector.simulator.state import view
from connector.simulator.state.activity import ActivityEntry
from connector.simulator.state.people import Thing
from connector.simulator.state.simulator import Simulator

_LINES_A_CHUNK = 200

_WELCOME = """A simulated Customer.io: it keeps everything in memory and sends nothing to anybody.

Track API   /api/v2/batch  /api/v2/entity  /api/v1/customers/...  /api/v1/accounts/region   (site id and API key)
App API     /v1/customers  /v1/segments  /v1/activities  ...                               (bearer key)
Look inside /_simulator/summary  /_simulator/people  /_simulator/people/{id or email}  /_simulator/anonymous
            /_simulator/objects  /_simulator/calls  /_simulator/activity  /_simulator/violations
Steer       POST /_simulator/reset  {"mode": "id_only", ...}
            POST /_simulator/faults [{"path": "/api/v2/*", "status": 503, "times": 3}]
                                    [{"path": "/api", "containing": "user-7", "status": 500}]
                                    [{"path": "/api", "status": 200, "body": "{}", "size": 9000000, "drip": 1}]
            POST /_simulator/webhooks {"url": "http://127.0.0.1:9000/", "signing_key": "key", "count": 10}
"""


class ReadSide:
    """Pages that show and steer."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Returns the routes."""
        return [
            Route("/", self.welcome),
            Route("/_simulator/people", self.people),
            Route("/_simulator/people/{identifier}", self.person),
            Route("/_simulator/anonymous", self.anonymous),
            Route("/_simulator/objects", self.objects),
            Route("/_simulator/calls", self.calls),
            Route("/_simulator/activity", self.activity),
            Route("/_simulator/violations", self.violations),
            Route("/_simulator/summary", self.summary),
            Route("/_simulator/reset", self.reset, methods=["POST"]),
            Route("/_simulator/faults", self.faults),
            Route("/_simulator/faults", self.order_faults, methods=["POST"]),
        ]

    async def welcome(self, _request: Request) -> Response:
        """Returns what this is, and what to try."""
        return PlainTextResponse(_WELCOME)

    async def people(self, _request: Request) -> Response:
        """Returns everybody, a line each, in the order they were created."""
        live = self._simulator.workspace.live
        return _lines(live.people, lambda person: view.whole(live, person))

    async def person(self, request: Request) -> Response:
        """Returns one person by id, email or cio_ and cio_id."""
        live = self._simulator.workspace.live
        kind, value = named_in_path(unquote(request.path_params["identifier"]), self._simulator.options)
        person = live.people.find(kind, value)
        return answers.json(view.whole(live, person)) if person else answers.single("no such person", 404)

    async def anonymous(self, _request: Request) -> Response:
        """Returns the events nobody has claimed, in the order received."""
        kept = self._simulator.workspace.live.anonymous.unclaimed()
        return _lines(kept, lambda one: {"anonymous_id": one.anonymous_id, **view.event(one.event)})

    async def objects(self, _request: Request) -> Response:
        """Returns the objects, in the order they were created."""
        return _lines(self._simulator.workspace.live.objects, _object)

    async def calls(self, _request: Request) -> Response:
        """Returns the last calls, oldest first; the header x-total-count says how many there were in all."""
        calls = self._simulator.calls
        return _lines(list(calls.last), asdict, {"x-total-count": str(calls.total)})

    async def activity(self, request: Request) -> Response:
        """Returns the activity log, oldest first; `?type=` shows one type."""
        log = self._simulator.workspace.live.log
        wanted = request.query_params.get("type")
        return _lines(log.of(wanted) if wanted else log, ActivityEntry._asdict)

    async def violations(self, _request: Request) -> Response:
        """Returns what strict mode found in requests, oldest first."""
        return answers.json(self._simulator.violations)

    async def summary(self, _request: Request) -> Response:
        """Returns everything in numbers."""
        live, calls = self._simulator.workspace.live, self._simulator.calls
        return answers.json({
            "people": len(live.people),
            "created": live.people.created,
            "deleted": live.counts["deleted"],
            "merged": live.counts["merged"],
            "rekeyed": live.counts["rekeyed"],
            "suppressed": len(live.suppressed),
            "events": sum(live.counts[type_] for type_ in ("event", "page", "screen")),
            "anonymous_events": len(live.anonymous),
            "objects": len(live.objects),
            "segments": len(live.catalogue.all()),
            "metrics": live.counts["metrics"],
            "calls": calls.total,
            "calls_by_status": calls.by_status,
            "items": calls.items,
            "activity": live.log.counts,
        })  # fmt: skip

    async def reset(self, request: Request) -> Response:
        """Forgets everything; the body may change options."""
        try:
            self._simulator.reset(await json_object(request) if await request.body() else {})
        except UnreadableError as error:
            return answers.single(str(error))
        return answers.accepted()

    async def faults(self, _request: Request) -> Response:
        """Returns the rules in force, and how often each matched and fired."""
        rules = self._simulator.faults.rules
        return answers.json([{**rule.order, "matched": rule.matched, "fired": rule.fired} for rule in rules])

    async def order_faults(self, request: Request) -> Response:
        """Puts rules in place of those in force."""
        try:
            self._simulator.faults.replace(await answers.read(request))
        except UnreadableError as error:
            return answers.single(str(error))
        return answers.accepted()


def _object(thing: Thing) -> dict[str, Any]:
    related = [
        {"identifiers": person.identifiers, "relationship_attributes": person.relationships[thing]}
        for person in thing.people
    ]
    return {"identifiers": thing.identifiers, "attributes": thing.attributes, "relationships": related}


def _lines(rows: Iterable[Any], shown: Callable[[Any], Any], headers: dict[str, str] | None = None) -> Response:
    """Yields one JSON object a line. Rows are taken at once, and shown as they are when their chunk is due."""
    everything = list(rows)

    async def chunks() -> AsyncIterator[bytes]:
        for first in range(0, len(everything), _LINES_A_CHUNK):
            yield b"".join(to_json(shown(row)) + b"\n" for row in everything[first : first + _LINES_A_CHUNK])

    return StreamingResponse(chunks(), media_type="application/x-ndjson", headers=headers)
