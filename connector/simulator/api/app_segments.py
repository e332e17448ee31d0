"""App API, segments: the catalogue and who is in it (docs/customerio.md#manual-segments)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import UnreadableError
from connector.simulator.api import answers
from connector.simulator.api.answers import json_object
from connector.simulator.api.app_guard import MissingError, page_of, visible
from connector.simulator.state import view
from connector.simulator.state.segments import SimulatedSegment
from connector.simulator.state.simulator import Simulator

_ONE = "/v1/segments/{segment_id}"


class AppSegments:
    """The calls about segments. Only manual ones can be made or deleted here."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Returns the routes."""
        return [
            Route("/v1/segments", self.all, methods=["GET"]),
            Route("/v1/segments", self.make, methods=["POST"]),
            Route(_ONE, self.one, methods=["GET"]),
            Route(_ONE, self.delete, methods=["DELETE"]),
            Route(f"{_ONE}/customer_count", self.count, methods=["GET"]),
            Route(f"{_ONE}/membership", self.membership, methods=["GET"]),
            Route(f"{_ONE}/used_by", self.used_by, methods=["GET"]),
        ]

    async def all(self, _request: Request) -> Response:
        """Returns every segment."""
        return answers.json({"segments": [segment_row(one) for one in self._simulator.workspace.catalogue.all()]})

    async def make(self, request: Request) -> Response:
        """Makes a new, empty manual segment; a second one of the same name is another."""
        given = (await json_object(request)).get("segment")
        given = given if isinstance(given, dict) else {}
        name = given.get("name")
        if not isinstance(name, str) or not name:
            raise UnreadableError("segment.name is required")
        description = str(given.get("description") or "")
        made = self._simulator.workspace.catalogue.make(name, description, self._simulator.clock())
        return answers.json({"segment": segment_row(made)})

    async def one(self, request: Request) -> Response:
        """Returns one segment."""
        return answers.json({"segment": segment_row(self._named(request))})

    async def delete(self, request: Request) -> Response:
        """Deletes a manual segment; the people in it stay."""
        segment = self._named(request)
        if segment.type != "manual":
            raise UnreadableError("only manual segments can be deleted")
        self._simulator.workspace.drop_segment(segment.id)
        return Response(status_code=204)

    async def count(self, request: Request) -> Response:
        """Returns how many people are in it."""
        segment = self._named(request)
        members = visible(self._simulator).memberships.of(segment.id)
        return answers.json({"segment_id": segment.id, "count": len(members)})

    async def membership(self, request: Request) -> Response:
        """Returns the members, page by page."""
        segment = self._named(request)
        start, limit = page_of(request, 1000, 30_000)
        people, following = view.page(visible(self._simulator).memberships.of(segment.id), start, limit)
        names = [view.identifiers(person) for person in people]
        ids = [name["id"] for name in names]
        return answers.json({"segment_id": segment.id, "ids": ids, "identifiers": names, "next": following})

    async def used_by(self, request: Request) -> Response:
        """Returns what uses it: nothing, as the simulator has no campaigns."""
        self._named(request)
        return answers.json({"used_by": {"campaigns": [], "draft_newsletters": [], "sent_newsletters": []}})

    def _named(self, request: Request) -> SimulatedSegment:
        number = request.path_params["segment_id"]
        is_number = number.isascii() and number.isdigit()
        segment = self._simulator.workspace.catalogue.find(int(number)) if is_number else None
        if segment is None:
            raise MissingError
        return segment


def segment_row(segment: SimulatedSegment) -> dict[str, Any]:
    """Returns a segment as the App API writes it."""
    return {
        "id": segment.id,
        "deduplicate_id": f"{segment.id}:{int(segment.created)}",
        "name": segment.name,
        "description": segment.description,
        "state": "finished",
        "progress": None,
        "type": segment.type,
        "tags": None,
        "created_at": int(segment.created),
        "updated_at": int(segment.created),
    }
