"""What every call passes before it is answered: latency, faults, and the list of calls."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from time import perf_counter
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.simulator.api import answers
from connector.simulator.base.calls import AnsweredCall
from connector.simulator.base.faults import FaultDecision, Rule
from connector.simulator.server import hostile
from connector.simulator.server.cutting import cut
from connector.simulator.state.simulator import Simulator

PRIVATE = "/_simulator"
Inspect = Callable[[str, str, bytes, bytes], list[str]]
"""What is undocumented in a request, of which it is given method, path, query and body (`strict`)."""


class Gate:
    """Wraps the application; the simulator's own pages under /_simulator go through untouched."""

    def __init__(self, app: ASGIApp, simulator: Simulator, inspect: Inspect | None = None) -> None:
        self._app = app
        self._simulator = simulator
        self._inspect = inspect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        # Routes match the path as it was sent, so that an encoded slash stays within its segment; the code
        # that takes an identifier from it decodes it, once (docs/customerio.md#paths).
        path = scope["raw_path"].decode("ascii", "replace")
        scope = {**scope, "path": path, "root_path": "", "state": dict(scope.get("state", {}))}
        if path == "/" or path.startswith(PRIVATE):
            return await self._app(scope, receive, send)
        return await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, at, calls = perf_counter(), self._simulator.clock(), self._simulator.calls
        body = await _body(receive)
        if body is None:
            return  # half a request is none: nothing is taken, and nobody is there to be answered
        decision = self._simulator.faults.decide(scope["path"], at, body)
        waiting = self._simulator.options.latency + decision.latency
        if waiting:
            await asyncio.sleep(waiting)
        if self._simulator.calls is not calls:
            await cut(dict(scope), receive, send)  # a reset came meanwhile: the request is of what it forgot
            return
        scope["state"]["refusing"] = decision.refusing
        if self._undocumented(scope, body) and decision.answer is None:
            error = {"reason": "undocumented", "message": self._simulator.violations[-1]}
            decision = FaultDecision(answer=Rule({"status": 400, "body": {"errors": [error]}}))
        status = await self._decided(decision, scope, body, receive, send)
        milliseconds = round((perf_counter() - started) * 1000, 3)
        items = scope["state"].get("items", 1)
        fault = _name(decision.answer) if decision.answer else None
        call = AnsweredCall(scope["path"], scope["method"], items, len(body), status, milliseconds, at, fault)
        calls.add(call)

    def _undocumented(self, scope: Scope, body: bytes) -> bool:
        """Says whether strict mode finds anything in the request; it is noted."""
        if self._inspect is None or not self._simulator.options.strict:
            return False
        found = self._inspect(scope["method"], scope["path"], scope["query_string"], body)
        self._simulator.violations += found
        return bool(found)

    async def _decided(self, decision: FaultDecision, scope: Scope, body: bytes, receive: Receive, send: Send) -> int:
        """Answers as the faults say, or truly; gives back the status, 0 for none."""
        rule = decision.answer
        drop = rule.order.get("drop") if rule else None
        if rule is not None and drop is None:
            response = _response(rule)
            await response(scope, receive, send)
            return response.status_code
        heard = _Heard(send, silent=drop is not None)
        if drop != "before":
            await self._app(scope, _replay(body, receive), heard)
        if drop is None:
            return heard.status
        await cut(dict(scope), receive, send)
        return 0


class _Heard:
    """A send that notes the status, and says nothing when the answer is to be lost."""

    def __init__(self, send: Send, silent: bool) -> None:
        self.status = 0
        self._send = send
        self._silent = silent

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        if not self._silent:
            await self._send(message)


async def _body(receive: Receive) -> bytes | None:
    """Returns the whole body; None where the sender breaks off before its end."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed


def _response(rule: Rule) -> Response:
    order: dict[str, Any] = dict(rule.order)
    status = int(order.get("status", 429))
    body = order.get("body", {"meta": {"error": HTTPStatus(status).phrase if status in _STATUSES else str(status)}})
    headers = {str(name).lower(): str(value) for name, value in order.get("headers", {}).items()}
    if "retry_after" in order:
        headers["retry-after"] = str(order["retry_after"])
    if any(key in order for key in ("drip", "size", "packed")):
        return hostile.answer(order, _bytes(body), status, headers)
    if not isinstance(body, str):
        return answers.json(body, status, headers)
    kind = "text/html" if body.lstrip().startswith("<") else "text/plain"
    return Response(body, status, {"content-type": f"{kind}; charset=utf-8", **headers})


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(answers.json(body).body)


_STATUSES = frozenset(status.value for status in HTTPStatus)


def _name(rule: Rule) -> str:
    if "drop" in rule.order:
        return f"drop {rule.order['drop']}"
    return "rate_limit" if "rate_limit" in rule.order else f"status {rule.order['status']}"
