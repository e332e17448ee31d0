"""Cutting a connection for real: the client sees it reset, not an answer."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

CUT = "cut"

_Scope = dict[str, Any]


class CuttableProtocol(H11Protocol):
    """HTTP/1.1 whose requests carry, in the scope's state, a way to reset the connection they came by."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Is called when a client has connected."""
        super().connection_made(transport)
        # uvicorn copies this into the scope of every request of the connection.
        self.app_state = {**self.app_state, CUT: lambda: _reset(transport)}


def _reset(transport: asyncio.Transport) -> None:
    # Lingering for zero seconds makes the close a reset instead of an orderly end.
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def cut(scope: _Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Ends the connection without an answer; under a server that cannot, with half of one."""
    reset = scope.get("state", {}).get(CUT)
    if reset is None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        return
    reset()
    while (await receive())["type"] != "http.disconnect":
        continue
