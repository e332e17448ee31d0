"""HTTP/1.1 for the doors: uvicorn's implementation, with a time bound for every phase and a bound on connections.

uvicorn itself ends only a connection that is silent between two requests. Here each phase of a request has its end. If
more connections are open than allowed, the one that has been silent the longest is ended.
"""

import asyncio
from enum import Enum, auto
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connector.web.limits import Limits, most_connections
from connector.web.lingering_close import Parting
from connector.web.refusals import Reason, Refusals

_ACCEPTED_AT_ONCE = 16  # asyncio accepts that many several times over before it calls connection_made
_GRACE_SECONDS = 10
_HEADER_BYTES = 65_536
"""The most bytes of a request's address and headers, which the parser itself does not bound."""
_AROUND_A_HEADER = len(b": \r\n")
_PIPELINED = 32
"""So many requests may wait behind one that is being answered; one more ends the connection."""
_OFFERS = (b"upgrade", b"http2-settings")
"""The headers by which a client offers another protocol. The header `Connection` names them, and may name others."""
_NO_HTTP = "Invalid HTTP request received."
PEER = "connector.peer"
"""The key in the scope of a request for the address that is connected, whatever address a proxy's header names."""


class DoorsConfig(Config):
    """The configuration of the doors: an application, bounds for connections, and a counter of refusals."""

    def __init__(self, app: Any, limits: Limits, refusals: Refusals, connections: int = 0) -> None:
        """Configures uvicorn for the doors.

        Args:
            app: the ASGI application.
            limits: the bounds of a request and a connection.
            refusals: counts what is turned away.
            connections: how many connections are open at most; 0 for as many as the open files of the process allow.
        """
        super().__init__(
            app,
            http=DoorsProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            backlog=_ACCEPTED_AT_ONCE,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self.limits = limits
        self.refusals = refusals
        self.connections = connections or most_connections()

    def load(self) -> None:
        """Loads the application, and makes the scope of every request name the connected address (`PEER`)."""
        super().load()
        inner = self.loaded_app

        async def with_peer(scope: Any, receive: Any, send: Any) -> None:
            scope[PEER] = (scope.get("client") or ("", 0))[0]
            await inner(scope, receive, send)

        self.loaded_app = with_peer


class Phase(Enum):
    """The phase that a connection is in."""

    BUSY = auto()
    """A request is being read or answered; the reader of its body bounds the time."""
    HEADERS = auto()
    """The headers of a request are on their way, or the first request is awaited."""
    IDLE = auto()
    """The last request is answered; another one may come."""
    LINGER = auto()
    """The request was answered before its body was read; the rest of the body is still coming, and is dropped."""
    LEAVING = auto()
    """No more requests are answered; what still comes is dropped, so that the client can read the last answer."""


class DoorsProtocol(HttpToolsProtocol):
    """The connection of one client. asyncio, uvicorn and the HTTP parser call its methods as things happen."""

    config: DoorsConfig

    def __init__(self, config: DoorsConfig, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        """Begins a connection; uvicorn calls this.

        Args:
            config: how the doors are served.
            server_state: uvicorn's state of the server.
            app_state: the application's state.
            _loop: the event loop, None for the running one.
        """
        super().__init__(config, server_state, app_state, _loop)
        self.heard_at = self.loop.time()
        self._phase: Phase | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._in_headers = self._in_body = self._ends = False
        self._got_on = self._heard_out = False
        self._header_bytes = self._unfinished_bytes = 0

    @property
    def expendable(self) -> bool:
        """Says whether the connection may be ended to make room: not while a complete request is being answered."""
        processing = self._in_request and (bool(self.pipeline) or not self.cycle.more_body) and not self._heard_out
        return not processing and not self._line.is_closing()

    @property
    def _in_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Waits for the headers of a client that has connected, and makes room if it is one too many."""
        self._line = transport
        transport.set_write_buffer_limits(0)  # writing pauses while any byte of an answer is unread, however few
        self._parting = Parting(transport, self._more_comes, self._listen_on)
        super().connection_made(self._parting)
        self._make_room()
        self._enter(Phase.HEADERS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timers of a connection that was closed, by either side."""
        super().connection_lost(exc)
        self._parting.forget()
        self._unset_keepalive_if_required()
        for timer in (self._timer, self._write_timer):
            if timer is not None:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Parses the bytes that the client sent, or drops them where the connection is ending."""
        self.heard_at = self.loop.time()
        self._unset_keepalive_if_required()
        if not self._ends:
            self._got_on = False
            rest = data
            while rest:
                rest = self._parse(rest)
            self._bound_unfinished(len(data))
        self._move()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Notes that the client sends no more. Returns whether the connection stays open to answer whole requests."""
        self._heard_out = True
        if not self._in_request or self.transport.is_closing() or (self._in_body and not self.pipeline):
            return False
        if self._in_body:
            self._refuse()
        self._ends, self.cycle.keep_alive = True, False
        return True

    def _more_comes(self) -> bool:
        return (self._in_body or self._ends) and not self._heard_out

    def _listen_on(self) -> None:
        self._ends = True
        self.flow.resume_reading()
        self._enter(Phase.LEAVING)

    def _parse(self, data: bytes) -> bytes:
        """Feeds bytes to the parser. Returns the bytes to feed next: none, unless a request offers another protocol."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade() + data[upgrade.args[0] :]
        except httptools.HttpParserError:
            self._refuse()
        return b""

    def _without_upgrade(self) -> bytes:
        """Returns the head of a request that offers another protocol, without the offer: it is answered by HTTP/1.1.

        The parser stops behind such a head, even where a body follows, which Java's own client sends.
        """
        line = b" ".join((self.parser.get_method(), self.url, b"HTTP/" + self.parser.get_http_version().encode()))
        kept = (name + b": " + _without_offers(name, value) for name, value in self.headers if name not in _OFFERS)
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join((line, *kept, b"", b""))

    def _bound_unfinished(self, size: int) -> None:
        """Ends a connection with more than 64 KB of unfinished headers, or trailers, which the parser still gathers."""
        self._unfinished_bytes = 0 if self._got_on else self._unfinished_bytes + size
        if self._unfinished_bytes > _HEADER_BYTES:
            self._refuse()

    def _refuse(self) -> None:
        """Ends the connection of a client that does not speak HTTP, after the answers to its earlier requests."""
        if self._ends:
            return
        self.config.refusals.add("invalid")
        self._ends = True
        if not self._in_request and self._in_body:
            self.transport.close()  # it was answered already
        elif not self._in_request or (self._in_body and not self.pipeline and not self.cycle.response_started):
            self._answer_400()
        else:
            self.cycle.keep_alive = False
            if self._in_body and self.pipeline:  # the first entry of the pipeline is the last request
                self.pipeline[0] = self.cycle, _no_http

    def _answer_400(self) -> None:
        if self._in_request:
            self.cycle.disconnected = True  # the 400 below is the answer, not what the application makes of it
            self.cycle.message_event.set()
        self.send_400_response(_NO_HTTP)

    def on_message_begin(self) -> None:
        """Begins to count the header bytes of a request, at its first byte."""
        super().on_message_begin()
        self._in_headers, self._got_on, self._header_bytes = True, True, 0

    def on_url(self, url: bytes) -> None:
        """Takes the address of a request, or a part of it. Raises ValueError where it is too long."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes one header. A trailer behind the body is dropped: the application has read the headers by then.

        Raises ValueError where the headers are too long, and for a trailer `Connection`.
        """
        self._count(len(name) + len(value) + _AROUND_A_HEADER)
        if self._in_headers:
            super().on_header(name, value.strip(b" \t"))
        elif name.lower() == b"connection":
            raise ValueError(_NO_HTTP)  # the parser would obey it, and read no other request

    def on_headers_complete(self) -> None:
        """Hands a request to the application once its headers are whole, unless it offers another protocol.

        Raises ValueError where HTTP does not allow the request: without exactly one Host (HTTP/1.0 may have none), by
        CONNECT, or behind too many others that wait.
        """
        self._in_headers, self._got_on = False, True
        hosts = sum(name == b"host" for name, _ in self.headers)
        named = hosts == 1 or (not hosts and self.parser.get_http_version() == "1.0")
        if not named or self.parser.get_method() == b"CONNECT":
            raise ValueError(_NO_HTTP)
        if self.parser.should_upgrade():
            return
        if len(self.pipeline) >= _PIPELINED:
            self.turn_away("crowded_out")
            raise ValueError(_NO_HTTP)
        self.expect_100_continue &= self.parser.get_http_version() != "1.0"  # HTTP/1.0 does not know that answer
        super().on_headers_complete()
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        """Takes a part of a body."""
        self._got_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Notes that the body of a request is whole."""
        self._got_on = True
        if self._in_body:
            self._in_body = False
            super().on_message_complete()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > _HEADER_BYTES:
            raise ValueError(_NO_HTTP)

    def on_response_complete(self) -> None:
        """Moves on to the next phase once a request is answered."""
        super().on_response_complete()
        self._unset_keepalive_if_required()  # the timer that _move sets takes the place of uvicorn's
        self._move()

    def pause_writing(self) -> None:
        """Gives a client that does not read its answer `write_seconds` to do so, and then ends the connection."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.config.limits.write_seconds, self.turn_away, "too_slow")

    def resume_writing(self) -> None:
        """Stops the timer of `pause_writing` once the client has read its answer."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()

    def turn_away(self, reason: Reason) -> None:
        """Ends the connection at once, whatever phase it is in, and counts the reason."""
        self._ends = True
        self.config.refusals.add(reason)
        self.transport.abort()

    def _move(self) -> None:
        if self._phase is Phase.LEAVING:
            return
        if self._in_request:
            phase = Phase.BUSY
        elif self._in_body:
            phase = Phase.LINGER
        elif self.cycle is None or self._in_headers:
            phase = Phase.HEADERS
        else:
            phase = Phase.IDLE
        if phase is not self._phase or phase is Phase.IDLE:
            self._enter(phase)

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        match phase:
            case Phase.HEADERS:
                self._end_in(self.config.limits.header_seconds, "unfinished")
            case Phase.IDLE:
                self._end_in(self.config.limits.idle_seconds, "idle")
            case Phase.LINGER | Phase.LEAVING:
                self._end_in(self.config.limits.linger_seconds, "unfinished")
            case Phase.BUSY:
                pass

    def _end_in(self, seconds: float, reason: Reason) -> None:
        self._timer = self.loop.call_later(seconds, self._end, reason)

    def _end(self, reason: Reason) -> None:
        if self._phase in (Phase.IDLE, Phase.LEAVING):
            self._line.close()  # an orderly end, and nothing to be counted
        else:
            self.turn_away(reason)

    def _make_room(self) -> None:
        """Ends one connection if there are too many: of those that are expendable, the one that was silent longest.

        If none is, this new one is ended.
        """
        if len(self.connections) <= self.config.connections:
            return
        others = [each for each in self.connections if isinstance(each, DoorsProtocol) and each.expendable]
        min(others, key=lambda each: each.heard_at, default=self).turn_away("crowded_out")


def _without_offers(name: bytes, value: bytes) -> bytes:
    """Returns the value of a header; that of `Connection` without the names of headers that offer a protocol."""
    if name != b"connection":
        return value
    return b", ".join(each for part in value.split(b",") if (each := part.strip()).lower() not in _OFFERS)


async def _no_http(_scope: Any, _receive: Any, send: Any) -> None:
    """Answers 400, as an application would, to a request that waited while its body turned out to be no HTTP."""
    told = _NO_HTTP.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(told))]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": told})
