"""App API, people: search and everything about one (docs/customerio.md#app-api)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import UnreadableError
from connector.simulator.api import answers, app_filter
from connector.simulator.api.answers import json_object
from connector.simulator.api.app_guard import named_person, page_of, visible
from connector.simulator.api.app_segments import segment_row
from connector.simulator.api.app_workspace import activity_row
from connector.simulator.state import view
from connector.simulator.state.simulator import Simulator

_ONE = "/v1/customers/{customer_id}"
_MOST_IN_BULK = 100


class AppCustomers:
    """The calls about people. All of them read: people are written through the Track API."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Returns the routes."""
        return [
            Route("/v1/customers", self.by_email, methods=["GET"]),
            Route("/v1/customers", self.search, methods=["POST"]),
            Route("/v1/customers/attributes", self.bulk, methods=["POST"]),
            Route(f"{_ONE}/attributes", self.attributes, methods=["GET"]),
            Route(f"{_ONE}/segments", self.segments, methods=["GET"]),
            Route(f"{_ONE}/messages", self.messages, methods=["GET"]),
            Route(f"{_ONE}/activities", self.activities, methods=["GET"]),
            Route(f"{_ONE}/relationships", self.relationships, methods=["GET"]),
            Route(f"{_ONE}/subscription_preferences", self.preferences, methods=["GET"]),
        ]

    async def by_email(self, request: Request) -> Response:
        """Returns the people with this email, an empty list for none. An id-only workspace may have several."""
        email = request.query_params.get("email", "").lower()
        if not email:
            raise UnreadableError("email is required")
        names = (view.identifiers(person) for person in self._holders(email))
        return answers.json({"results": list(names)})

    async def search(self, request: Request) -> Response:
        """Returns everybody a filter matches, page by page."""
        match = app_filter.parse((await json_object(request)).get("filter"))
        start, limit = page_of(request, 50, 1000)
        state = visible(self._simulator)
        found = [person for person in state.people if match(state, person)]
        people, following = view.page(found, start, limit)
        names = [view.identifiers(person) for person in people]
        return answers.json({"identifiers": names, "ids": [name["id"] for name in names], "next": following})

    async def bulk(self, request: Request) -> Response:
        """Returns up to a hundred people at once; those not found are not in the answer."""
        body = await json_object(request)
        ids, kind = body.get("ids"), body.get("id_type", request.query_params.get("id_type", "id"))
        if not isinstance(ids, list) or not 1 <= len(ids) <= _MOST_IN_BULK:
            raise UnreadableError(f"ids must be an array of 1 to {_MOST_IN_BULK}")
        if kind not in self._simulator.options.kinds:
            raise UnreadableError("id_type must be an identifier of this workspace")
        people = visible(self._simulator).people
        found = [person for value in ids if (person := people.find(kind, str(value)))]
        return answers.json({"customers": [view.customer(person) for person in found]})

    async def attributes(self, request: Request) -> Response:
        """Returns one person's attributes, every value a string."""
        return answers.json({"customer": view.customer(named_person(request, self._simulator))})

    async def segments(self, request: Request) -> Response:
        """Returns the segments a person is in."""
        person = named_person(request, self._simulator)
        rows = [segment_row(segment) for segment in view.segments_of(visible(self._simulator), person)]
        return answers.json({"segments": rows})

    async def messages(self, request: Request) -> Response:
        """Returns messages sent to a person: none, as the simulator sends nothing."""
        named_person(request, self._simulator)
        return answers.json({"messages": [], "next": ""})

    async def activities(self, request: Request) -> Response:
        """Returns what the activity log says about a person, newest first."""
        person = named_person(request, self._simulator)
        start, limit = page_of(request, 10, 100)
        wanted = request.query_params.get("type")
        log = visible(self._simulator).log
        about = [one for one in log if _is_about(one.identifiers, person.identifiers) and wanted in (None, one.type)]
        entries, following = view.page(about[::-1], start, limit)
        return answers.json({"activities": [activity_row(one) for one in entries], "next": following})

    async def relationships(self, request: Request) -> Response:
        """Returns the objects a person is related to."""
        person = named_person(request, self._simulator)
        rows = [
            {"identifiers": thing.identifiers, "attributes": {name: view.as_text(one) for name, one in held.items()}}
            for thing, held in person.relationships.items()
        ]
        start, limit = page_of(request, 100, 100)
        page, following = view.page(rows, start, limit)
        return answers.json({"cio_relationships": page, "next": following})

    async def preferences(self, request: Request) -> Response:
        """Returns a person's subscription topics: those that some call has named."""
        person = named_person(request, self._simulator)
        held = person.attributes.get("cio_subscription_preferences")
        topics = held.get("topics") if isinstance(held, dict) else None
        rows = [{"identifier": name, "subscribed": value} for name, value in (topics or {}).items()]
        names = {"id": person.identifiers["id"] or "", "identifiers": view.identifiers(person)}
        return answers.json({"customer": {**names, "unsubscribed": person.unsubscribed, "topics": rows}})

    def _holders(self, email: str) -> list[Any]:
        people = visible(self._simulator).people
        if "email" in self._simulator.options.kinds:
            found = people.find("email", email)
            return [found] if found else []
        return [person for person in people if str(person.attributes.get("email", "")).lower() == email]


def _is_about(names: Any, identifiers: dict[str, str | None]) -> bool:
    """Says whether an entry names the person by any of their identifiers."""
    return any(value is not None and names.get(kind) == value for kind, value in identifiers.items())
