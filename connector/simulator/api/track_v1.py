"""Track API v1, people: each call is one operation of v2 in other words (docs/customerio.md#track-v1)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api import answers
from connector.simulator.api.answers import json_object
from connector.simulator.api.paths import is_malformed, named_in_path
from connector.simulator.base import limits
from connector.simulator.base.limits import Wrong
from connector.simulator.state import request_checks
from connector.simulator.state.simulator import Simulator

_PERSON = "/api/v1/customers/{identifier}"


class TrackV1:
    """The calls about people. Paths come undecoded and are decoded once here: `+` is a plus sign."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Returns the routes."""
        return [
            Route(_PERSON, self.identify, methods=["PUT"]),
            Route(_PERSON, self.delete, methods=["DELETE"]),
            Route(f"{_PERSON}/events", self.event, methods=["POST"]),
            Route(f"{_PERSON}/devices", self.add_device, methods=["PUT"]),
            Route(f"{_PERSON}/devices/{{token}}", self.delete_device, methods=["DELETE"]),
            Route(f"{_PERSON}/suppress", self.suppress, methods=["POST"]),
            Route(f"{_PERSON}/unsuppress", self.unsuppress, methods=["POST"]),
            Route("/api/v1/events", self.anonymous_event, methods=["POST"]),
            Route("/api/v1/merge_customers", self.merge, methods=["POST"]),
        ]

    async def identify(self, request: Request) -> Response:
        """Creates or updates the person with the attributes of the body."""
        body = await json_object(request)
        path = unquote(request.path_params["identifier"])
        attributes = {name: value for name, value in body.items() if name != "cio_relationships"}
        item: dict[str, Any] = {"type": "person", "action": "identify", "attributes": attributes}
        relationships = body.get("cio_relationships")
        wrong = [*_mismatch(path, attributes, self._simulator), *_relationships(relationships)]
        if wrong or not relationships:
            return self._person(request, item, wrong)
        if relationships["action"] == "add_relationships":
            return self._person(request, {**item, "cio_relationships": relationships["relationships"]})
        answer = self._person(request, item)
        deletion = {"type": "person", "action": "delete_relationships"}
        deletion["cio_relationships"] = relationships["relationships"]
        return self._person(request, deletion) if answer.status_code == 200 else answer

    async def delete(self, request: Request) -> Response:
        """Deletes the person; 200 for a missing one too."""
        return self._person(request, {"type": "person", "action": "delete"})

    async def suppress(self, request: Request) -> Response:
        """Deletes the person and blocks their identifiers."""
        return self._person(request, {"type": "person", "action": "suppress"})

    async def unsuppress(self, request: Request) -> Response:
        """Frees the identifiers."""
        return self._person(request, {"type": "person", "action": "unsuppress"})

    async def event(self, request: Request) -> Response:
        """Records an event, page or screen of the person."""
        body = await json_object(request)
        wrong = _event_wrong(body, self._simulator, await request.body())
        return answers.several(wrong) if wrong else self._person(request, _event(body))

    async def anonymous_event(self, request: Request) -> Response:
        """Records an event under an anonymous_id, or under none: an invite, or simply nobody's (5)."""
        body = await json_object(request)
        anonymous_id = body.get("anonymous_id")
        wrong = _event_wrong(body, self._simulator, await request.body())
        if anonymous_id not in (None, ""):
            wrong = [*wrong, *limits.identifier(anonymous_id, "anonymous_id")]
        if wrong:
            return answers.several(wrong)
        names = {} if anonymous_id in (None, "") else {"anonymous_id": anonymous_id}
        return self._apply({**_event(body), "identifiers": names})

    async def add_device(self, request: Request) -> Response:
        """Adds a device; v1 calls its token `id`."""
        device = (await json_object(request)).get("device")
        if not isinstance(device, dict):
            return answers.several([Wrong("required", "device", "must be an object")])
        device = {("token" if name == "id" else name): value for name, value in device.items()}
        return self._person(request, {"type": "person", "action": "add_device", "device": device})

    async def delete_device(self, request: Request) -> Response:
        """Deletes a device."""
        device = {"token": unquote(request.path_params["token"])}
        return self._person(request, {"type": "person", "action": "delete_device", "device": device})

    async def merge(self, request: Request) -> Response:
        """Merges secondary into primary; what is wrong comes in the envelope for one error (1.6)."""
        body = await json_object(request)
        item = {"type": "person", "action": "merge", "primary": body.get("primary"), "secondary": body.get("secondary")}
        wrong = request_checks.operation(item, self._simulator.options)
        return answers.single(f"{wrong[0].field} {wrong[0].message}") if wrong else self._apply(item)

    def _person(self, request: Request, item: dict[str, Any], wrong: Sequence[Wrong] = ()) -> Response:
        """Applies an operation to the person the path names, unless something is wrong with either."""
        path = unquote(request.path_params["identifier"])
        if is_malformed(path):
            return answers.single(f"malformed cio_id identifier {path!r}")
        kind, value = named_in_path(path, self._simulator.options)
        item["identifiers"] = {kind: value}
        found = {one.field: one for one in (*wrong, *request_checks.operation(item, self._simulator.options))}
        return answers.several(found.values()) if found else self._apply(item)

    def _apply(self, item: dict[str, Any]) -> Response:
        self._simulator.workspace.apply([item], self._simulator.clock())
        return answers.accepted()


def _event(body: dict[str, Any]) -> dict[str, Any]:
    """Returns the body of an event call as an operation of v2."""
    item = {"type": "person", "action": body.get("type") or "event", "attributes": body.get("data")}
    return {**item, **{key: body[key] for key in ("name", "id", "timestamp") if key in body}}


def _event_wrong(body: dict[str, Any], simulator: Simulator, raw: bytes) -> list[Wrong]:
    wrong = [
        *limits.event_name(body.get("name")),
        *limits.event_data(body.get("data"), "data", may_be_large=len(raw) > limits.EVENT_DATA_BYTES),
        *limits.timestamp(body.get("timestamp")),
        *request_checks.event_id(body.get("id"), simulator.options),
    ]
    if (body.get("type") or "event") not in ("event", "page", "screen"):
        wrong.append(Wrong("invalid", "type", "must be one of event, page, screen"))
    return wrong


def _mismatch(path: str, attributes: dict[str, Any], simulator: Simulator) -> list[Wrong]:
    """Returns what is wrong with the body's id: a text or whole number, and the path's if that is an id (1.6)."""
    if "id" not in attributes:
        return []
    id = attributes["id"]
    if isinstance(id, bool) or not isinstance(id, str | int) or id == "":
        return [Wrong("invalid", "attributes.id", "must be a string and cannot be empty")]
    kind, value = named_in_path(path, simulator.options)
    if kind == "id" and str(id) != value:
        return [Wrong("invalid", "attributes.id", "attribute and identifier are not the same value")]
    return []


def _relationships(value: Any) -> list[Wrong]:
    """Returns what is wrong with v1's relationships: an object around them says what to do with them (1.5)."""
    if value is None:
        return []
    known = isinstance(value, dict) and value.get("action") in ("add_relationships", "delete_relationships")
    if known and isinstance(value.get("relationships"), list):
        return []
    return [Wrong("invalid", "cio_relationships", "must be an object with an action and an array of relationships")]
