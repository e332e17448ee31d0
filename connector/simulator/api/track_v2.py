"""Track API v2: entity and batch (docs/customerio.md#batches)."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import UnreadableError
from connector.simulator.api import answers
from connector.simulator.base import limits
from connector.simulator.base.faults import Rule, refusal
from connector.simulator.base.limits import Wrong
from connector.simulator.state import request_checks
from connector.simulator.state.simulator import Simulator


class TrackV2:
    """The two endpoints of version 2."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Returns the routes."""
        return [
            Route("/api/v2/batch", self.batch, methods=["POST"]),
            Route("/api/v2/entity", self.entity, methods=["POST"]),
        ]

    async def batch(self, request: Request) -> Response:
        """Applies every item that is right, and lists those that are not."""
        body = await request.body()
        if len(body) > limits.BATCH_BYTES:
            return self._oversize("batch", f"cannot exceed {limits.BATCH_BYTES} bytes")
        try:
            items = _items(await answers.read(request))
        except UnreadableError as error:
            return answers.fields([Wrong("invalid", "batch", str(error))])
        request.state.items = len(items)
        if len(body) > limits.ITEM_BYTES:
            for index, item in enumerate(items):
                if limits.size(item) > limits.ITEM_BYTES:
                    return self._oversize(f"batch.{index}", f"cannot exceed {limits.ITEM_BYTES} bytes")
        return self._apply(items, getattr(request.state, "refusing", ()))

    async def entity(self, request: Request) -> Response:
        """Applies one operation."""
        if len(await request.body()) > limits.ITEM_BYTES:
            return self._oversize("", f"cannot exceed {limits.ITEM_BYTES} bytes")
        try:
            item = await answers.read(request)
        except UnreadableError as error:
            return answers.fields([Wrong("invalid", "", str(error))])
        request.state.items = 1
        now = self._simulator.clock()
        wrong = self._wrong(item, getattr(request.state, "refusing", ()), now)
        if wrong:
            return answers.fields(wrong)
        self._simulator.workspace.apply([item], now)
        return answers.accepted()

    def _apply(self, items: list[Any], refusing: tuple[Rule, ...]) -> Response:
        now = self._simulator.clock()
        right: list[Any] = []
        wrong: list[tuple[int, Wrong]] = []
        for index, item in enumerate(items):
            found = self._wrong(item, refusing, now)
            if found:
                wrong.extend((index, one) for one in found)
            else:
                right.append(item)
        self._simulator.workspace.apply(right, now)
        return answers.per_item(wrong) if wrong else answers.accepted()

    def _wrong(self, item: Any, refusing: tuple[Rule, ...], now: float) -> Sequence[Wrong]:
        found = request_checks.operation(item, self._simulator.options)
        return found if found or not refusing else refusal(item, refusing, now)

    def _oversize(self, field: str, message: str) -> Response:
        """Answers 400 in the usual form or as a proxy's 413, by the options: the real one is not documented (8.5)."""
        if self._simulator.options.oversize == 413:
            return Response("<html><body>413 Request Entity Too Large</body></html>", 413, media_type="text/html")
        return answers.fields([Wrong("invalid", field, message)])


def _items(body: Any) -> list[Any]:
    items = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(items, list) or not items:
        raise UnreadableError("batch must be an array of at least one operation")
    return items
