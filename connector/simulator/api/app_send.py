"""App API, messages: transactional ones and broadcasts are taken and sent to nobody (docs/customerio.md#app-api)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api import answers, app_guard
from connector.simulator.api.answers import json_object
from connector.simulator.state.simulator import Simulator

_MESSAGES_A_SECOND = 100
_BROADCAST_SECONDS = 10.0
_CHANNELS = ("email", "push", "sms", "whatsapp", "in_app", "inbox_message")
_KINDS = ("id", "email", "cio_id")


class AppSend:
    """The calls that would send something. What they took is only counted."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[Route]:
        """Returns the routes, each behind the key and its own rate."""
        sends = [Route(f"/v1/send/{channel}", self.send, methods=["POST"]) for channel in _CHANNELS]
        guarded = [app_guard.guarded(each, self._simulator, "send", _MESSAGES_A_SECOND) for each in sends]
        trigger = Route("/v1/campaigns/{broadcast_id}/triggers", self.trigger, methods=["POST"])
        # Its rate is that of each broadcast, below.
        return [*guarded, app_guard.guarded(trigger, self._simulator, "broadcast", _MESSAGES_A_SECOND)]

    async def send(self, request: Request) -> Response:
        """Takes a transactional message: it is queued, with the id that its metrics name."""
        body = await json_object(request)
        if wrong := _wrong(body):
            return answers.single(wrong)
        self._simulator.messages += 1
        delivery_id = f"simulated-{self._simulator.messages:016d}"
        return answers.json({"delivery_id": delivery_id, "queued_at": int(self._simulator.clock())})

    async def trigger(self, request: Request) -> Response:
        """Takes a broadcast, once in ten seconds at the most."""
        if await request.body():
            await json_object(request)
        number = request.path_params["broadcast_id"]
        if not (number.isascii() and number.isdigit()):
            raise app_guard.MissingError
        now, last = self._simulator.clock(), self._simulator.broadcasts.get(int(number))
        if last is not None and now < last + _BROADCAST_SECONDS:
            return app_guard.errors("rate limited to 1 request per 10s", 429, {"retry-after": "10"})
        self._simulator.broadcasts[int(number)] = now
        self._simulator.triggers += 1
        return answers.json({"id": self._simulator.triggers})


def _wrong(body: dict[str, Any]) -> str:
    """Returns what is wrong with the recipient or the message: one of the workspace, or one that is all there."""
    who = body.get("identifiers")
    if not isinstance(who, dict) or len(who) != 1 or not set(who) <= set(_KINDS):
        return f"identifiers must hold exactly one of {', '.join(_KINDS)}"
    if body.get("transactional_message_id") or (body.get("body") and body.get("subject") and body.get("from")):
        return ""
    return "transactional_message_id is required, or body, subject and from"
