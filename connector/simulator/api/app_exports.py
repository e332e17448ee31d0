"""App API, exports: asked for, pending once, then done and downloaded (docs/customerio.md#app-api)."""

import csv
import io
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connector.simulator.api import answers, app_filter
from connector.simulator.api.answers import json_object
from connector.simulator.api.app_guard import MissingError, visible
from connector.simulator.state import view
from connector.simulator.state.simulator import Simulator

_FILES = "/_simulator/exports"


class AppExports:
    """The calls about exports. One of deliveries is always empty: the simulator sends nothing."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Returns the routes."""
        return [
            Route("/v1/exports", self.all, methods=["GET"]),
            Route("/v1/exports/customers", self.people, methods=["POST"]),
            Route("/v1/exports/deliveries", self.deliveries, methods=["POST"]),
            Route("/v1/exports/{export_id}", self.one, methods=["GET"]),
            Route("/v1/exports/{export_id}/download", self.download, methods=["GET"]),
        ]

    def files(self) -> list[Route]:
        """Returns where the files are; in place of a signed URL, which needs no key either."""
        return [Route(f"{_FILES}/{{export_id}}", self.file, methods=["GET"])]

    async def all(self, _request: Request) -> Response:
        """Returns every export; null if there is none, as recorded from the real API."""
        rows = [_row(number, export) for number, export in enumerate(self._simulator.exports, 1)]
        return answers.json({"exports": rows or None})

    async def people(self, request: Request) -> Response:
        """Returns an export of the people a filter matches, as they are now."""
        match = app_filter.parse((await json_object(request)).get("filters"))
        state = visible(self._simulator)
        names = [view.identifiers(person) for person in state.people if match(state, person)]
        return self._start("customers", ["id", "email", "cio_id"], names)

    async def deliveries(self, _request: Request) -> Response:
        """Returns an export of deliveries."""
        return self._start("deliveries", ["delivery_id"], [])

    async def one(self, request: Request) -> Response:
        """Returns one export; it is done from the second look on, so that a caller has to wait once."""
        number, export = self._named(request)
        row = _row(number, export)
        export["status"] = "done"
        return answers.json({"export": row})

    async def download(self, request: Request) -> Response:
        """Returns the URL of a finished export's file."""
        number, export = self._named(request)
        if export["status"] != "done":
            raise MissingError
        return answers.json({"url": f"{request.url.scheme}://{request.url.netloc}{_FILES}/{number}"})

    async def file(self, request: Request) -> Response:
        """Returns the file: comma-separated, with a line of names."""
        number = request.path_params["export_id"]
        exports = self._simulator.exports
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= len(exports):
            return answers.single("no such export", 404)
        return PlainTextResponse(exports[int(number) - 1]["file"], media_type="text/csv")

    def _start(self, type_: str, columns: list[str], rows: list[dict[str, str | None]]) -> Response:
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        export = {"type": type_, "status": "pending", "total": len(rows), "file": text.getvalue()}
        self._simulator.exports.append({**export, "created_at": int(self._simulator.clock())})
        return answers.json({"export": _row(len(self._simulator.exports), self._simulator.exports[-1])})

    def _named(self, request: Request) -> tuple[int, dict[str, Any]]:
        number = request.path_params["export_id"]
        exports = self._simulator.exports
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= len(exports):
            raise MissingError
        return int(number), exports[int(number) - 1]


def _row(number: int, export: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in export.items() if name != "file"}
    return {"id": number, **shown, "failed": False}
