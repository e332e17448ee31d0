"""App API, the workspace itself: activities, addresses, workspaces, webhooks (docs/customerio.md#app-api)."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import UnreadableError
from connector.simulator.api import answers
from connector.simulator.api.answers import json_object
from connector.simulator.api.app_guard import MissingError, page_of, visible
from connector.simulator.state import view
from connector.simulator.state.activity import ActivityEntry
from connector.simulator.state.simulator import Simulator

_WEBHOOKS = "/v1/reporting_webhooks"

# From the documentation's list for the US (6.5); the simulator calls nobody.
_ADDRESSES = ["35.188.196.183", "104.198.177.219", "104.154.232.87", "130.211.229.195", "104.198.221.24"]


class AppWorkspace:
    """The calls that are about no person and no segment."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Returns the routes."""
        return [
            Route("/v1/activities", self.activities, methods=["GET"]),
            Route("/v1/info/ip_addresses", self.addresses, methods=["GET"]),
            Route("/v1/workspaces", self.workspaces, methods=["GET"]),
            Route(_WEBHOOKS, self.webhooks, methods=["GET"]),
            Route(_WEBHOOKS, self.make_webhook, methods=["POST"]),
            Route(f"{_WEBHOOKS}/{{webhook_id}}", self.webhook, methods=["GET"]),
            Route(f"{_WEBHOOKS}/{{webhook_id}}", self.change_webhook, methods=["PUT"]),
            Route(f"{_WEBHOOKS}/{{webhook_id}}", self.delete_webhook, methods=["DELETE"]),
        ]

    async def activities(self, request: Request) -> Response:
        """Returns the activity log, newest first: the only machine-readable way to failures that were answered 200."""
        start, limit = page_of(request, 10, 100)
        wanted = request.query_params.get("type")
        log = visible(self._simulator).log
        entries = [each for each in (log.of(wanted) if wanted else log) if _is_asked_for(each, request.query_params)]
        page, following = view.page(entries[::-1], start, limit)
        return answers.json({"activities": [activity_row(one) for one in page], "next": following})

    async def addresses(self, _request: Request) -> Response:
        """Returns where Customer.io calls from; mostly asked to try a key."""
        return answers.json({"ip_addresses": _ADDRESSES})

    async def workspaces(self, _request: Request) -> Response:
        """Returns the one workspace there is."""
        people = len(visible(self._simulator).people)
        number = self._simulator.options.environment_id
        row = {"id": number, "name": "Simulated workspace", "people": people, "messages_sent": 0, "billable": False}
        return answers.json({"workspaces": [row]})

    async def webhooks(self, _request: Request) -> Response:
        """Returns every reporting webhook."""
        return answers.json({"reporting_webhooks": list(self._simulator.webhooks.values())})

    async def make_webhook(self, request: Request) -> Response:
        """Makes a new reporting webhook; it is kept and never called."""
        given = await json_object(request)
        for key in ("name", "endpoint", "events"):
            if not given.get(key):
                raise UnreadableError(f"{key} is required")
        number = max(self._simulator.webhooks, default=0) + 1
        made = {"disabled": False, "full_resolution": False, "with_content": False, **given, "id": number}
        self._simulator.webhooks[number] = made
        return answers.json(made)

    async def webhook(self, request: Request) -> Response:
        """Returns one reporting webhook."""
        return answers.json(self._webhook(request))

    async def change_webhook(self, request: Request) -> Response:
        """Changes one."""
        webhook = self._webhook(request)
        webhook.update({**await json_object(request), "id": webhook["id"]})
        return answers.json(webhook)

    async def delete_webhook(self, request: Request) -> Response:
        """Deletes one."""
        del self._simulator.webhooks[self._webhook(request)["id"]]
        return Response(status_code=204)

    def _webhook(self, request: Request) -> dict[str, Any]:
        number = request.path_params["webhook_id"]
        found = self._simulator.webhooks.get(int(number)) if number.isascii() and number.isdigit() else None
        if found is None:
            raise MissingError
        return found


def _is_asked_for(entry: ActivityEntry, given: Mapping[str, str]) -> bool:
    """Says whether an entry is about the person and the event or attribute, as far as a call names them."""
    name, person = given.get("name"), given.get("customer_id")
    named = name is None or name in (entry.detail.get("name"), entry.detail.get("attribute"))
    return named and (person is None or entry.identifiers.get(given.get("id_type", "id")) == person)


def activity_row(entry: ActivityEntry) -> dict[str, Any]:
    """Returns an entry of the log as the App API writes it."""
    return {
        "id": f"{entry.number:026d}",
        "type": entry.type,
        "timestamp": int(entry.at),
        "customer_id": entry.identifiers.get("id") or "",
        "customer_identifiers": view.known(entry.identifiers),
        "data": entry.detail,
    }
