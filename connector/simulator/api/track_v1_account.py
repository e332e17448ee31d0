"""Track API v1 beyond people: region, segments, metrics, forms (docs/customerio.md#track-v1)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api import answers
from connector.simulator.api.answers import json_object
from connector.simulator.base.limits import Wrong
from connector.simulator.state import request_checks, view
from connector.simulator.state.simulator import Simulator

_MOST_IDS = 1000
_METRICS = frozenset({"bounced", "clicked", "converted", "deferred", "delivered", "dropped", "opened", "spammed"})
_PUSH_METRICS = frozenset({"opened", "converted", "delivered"})
_HOSTS = {"us": "https://track.customer.io", "eu": "https://track-eu.customer.io"}


class TrackAccount:
    """The calls that are not about one person."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Returns the routes that need credentials."""
        return [
            Route("/auth", self.auth, methods=["GET"]),
            Route("/api/v1/accounts/region", self.region, methods=["GET"]),
            Route("/api/v1/segments/{segment_id}/add_customers", self.add_to_segment, methods=["POST"]),
            Route("/api/v1/segments/{segment_id}/remove_customers", self.remove_from_segment, methods=["POST"]),
            Route("/api/v1/forms/{form_id}/submit", self.form, methods=["POST"]),
        ]

    def open_routes(self) -> list[Route]:
        """Returns the routes that need no credentials (1.2)."""
        return [
            Route("/api/v1/metrics", self.metrics, methods=["POST"]),
            Route("/api/v1/push/events", self.push, methods=["POST"]),
            Route("/push/events", self.push, methods=["POST"]),
            Route("/unsubscribe/{delivery_id}", self.unsubscribe, methods=["POST"]),
        ]

    async def auth(self, _request: Request) -> Response:
        """Answers the older check of credentials."""
        return answers.json({"meta": {"message": "nice credentials."}})

    async def region(self, _request: Request) -> Response:
        """Returns where the workspace lives, and its number."""
        options = self._simulator.options
        region = {"url": _HOSTS[options.region], "region": options.region, "environment_id": options.environment_id}
        return answers.json(region)

    async def add_to_segment(self, request: Request) -> Response:
        """Puts up to a thousand people into a manual segment."""
        return await self._membership(request, "add")

    async def remove_from_segment(self, request: Request) -> Response:
        """Takes up to a thousand people out of one."""
        return await self._membership(request, "remove")

    async def form(self, request: Request) -> Response:
        """Takes a submitted form: the person its id or email names is created or updated. It alone answers 204."""
        given = (await json_object(request)).get("data")
        given = given if isinstance(given, dict) else {}
        fields = {name: view.as_text(value) for name, value in given.items() if value is not None}
        kinds = [kind for kind in ("id", "email") if fields.get(kind) and kind in self._simulator.options.kinds]
        if not kinds:
            return answers.several([Wrong("required", "data", "must hold an id or an email")])
        item = {"type": "person", "action": "identify", "identifiers": {kinds[0]: fields[kinds[0]]}}
        item["attributes"] = {name: value for name, value in fields.items() if name != kinds[0]}
        wrong = request_checks.operation(item, self._simulator.options)
        if wrong:
            return answers.several(wrong)
        self._apply(item)
        return Response(status_code=204)

    async def metrics(self, request: Request) -> Response:
        """Takes a metric of a delivery."""
        return self._metric(await json_object(request), "metric", _METRICS)

    async def push(self, request: Request) -> Response:
        """Takes a metric in the older form for push."""
        return self._metric(await json_object(request), "event", _PUSH_METRICS)

    async def unsubscribe(self, request: Request) -> Response:
        """Takes an unsubscribe by delivery; the simulator delivers nothing, so nobody is behind it."""
        body = await json_object(request)
        if body.get("unsubscribe") is not True:
            return answers.several([Wrong("required", "unsubscribe", "must be true")])
        self._apply(_delivery(unquote(request.path_params["delivery_id"])))
        return answers.accepted()

    def _metric(self, body: Mapping[str, Any], key: str, known: frozenset[str]) -> Response:
        wrong = [] if body.get("delivery_id") else [Wrong("required", "delivery_id", "cannot be empty")]
        if body.get(key) not in known:
            wrong.append(Wrong("invalid", key, f"must be one of {', '.join(sorted(known))}"))
        if wrong:
            return answers.several(wrong)
        self._apply(_delivery(str(body["delivery_id"])))
        return answers.accepted()

    async def _membership(self, request: Request, action: str) -> Response:
        ids = (await json_object(request)).get("ids")
        id_type = request.query_params.get("id_type", "id")
        segment = request.path_params["segment_id"]
        wrong = [*self._segment_wrong(segment), *_ids_wrong(ids)]
        if id_type not in ("id", "email", "cio_id") or id_type not in self._simulator.options.kinds:
            wrong.append(Wrong("invalid", "id_type", "must be one of id, email, cio_id"))
        if wrong:
            return answers.several(wrong)
        request.state.items = len(ids or ())
        item = {"type": "segment", "action": action, "segment_id": int(segment), "ids": ids, "id_type": id_type}
        self._apply(item)
        return answers.accepted()

    def _segment_wrong(self, segment: str) -> list[Wrong]:
        number = int(segment) if segment.isascii() and segment.isdigit() else 0
        found = self._simulator.workspace.catalogue.find(number)
        if found is None:
            return [Wrong("invalid", "segment_id", "no such segment")]
        return [] if found.type == "manual" else [Wrong("invalid", "segment_id", "is not a manual segment")]

    def _apply(self, item: dict[str, Any]) -> None:
        self._simulator.workspace.apply([item], self._simulator.clock())


def _ids_wrong(ids: Any) -> list[Wrong]:
    if not isinstance(ids, list) or not 1 <= len(ids) <= _MOST_IDS:
        return [Wrong("invalid", "ids", f"must be an array of 1 to {_MOST_IDS} strings")]
    if not all(isinstance(value, str) for value in ids):
        return [Wrong("invalid", "ids", "must be strings")]
    return []


def _delivery(delivery_id: str) -> dict[str, Any]:
    return {"type": "delivery", "action": "event", "identifiers": {"id": delivery_id}}
