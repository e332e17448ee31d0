"""HTTP/1.1 for the doors: uvicorn's, with an end to every wait and a bound on connections.

uvicorn itself ends only a connection that is silent between two requests. Here each phase of a request has its end. At
the most connections allowed, the one that has been silent the longest makes room for the next.
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

_ACCEPTED_AT_ONCE = 16  # asyncio opens several such handfuls before it says that one is open
_GRACE_SECONDS = 10
_HEADER_BYTES = 65_536
"""The parser itself bounds neither the address of a request nor its headers."""
_AROUND_A_HEADER = len(b": \r\n")
_PIPELINED = 32
"""So many requests may wait behind one that is being answered."""
_OFFERS = (b"upgrade", b"http2-settings")
"""The headers by which a client offers another protocol. `Connection` names them, beside what else it says."""
_NO_HTTP = "Invalid HTTP request received."
PEER = "connector.peer"
"""In the scope of a request: the address that it came from, which uvicorn replaces by what a proxy says."""


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
        """Loads the application, and has every request say who is connected, whatever its headers say of that."""
        super().load()
        inner = self.loaded_app

        async def with_peer(scope: Any, receive: Any, send: Any) -> None:
            scope[PEER] = (scope.get("client") or ("", 0))[0]
            await inner(scope, receive, send)

        self.loaded_app = with_peer


class Phase(Enum):
    """The phase that a connection is in."""

    BUSY = auto()
    """A request is being read or answered: the reader of its body bounds that."""
    HEADERS = auto()
    """The headers of a request are on their way, or the first request is awaited."""
    IDLE = auto()
    """Answered; another request may come."""
    LINGER = auto()
    """Answered before the body was read; the rest of it is still coming, and is dropped."""
    LEAVING = auto()
    """Nothing more is answered; what still comes is dropped, so that the client can read the last answer."""


class DoorsProtocol(HttpToolsProtocol):
    """One connection of a client."""

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
        """Is called when a client has connected."""
        self._line = transport
        transport.set_write_buffer_limits(0)  # whatever is not read counts, however little it is
        self._parting = Parting(transport, self._more_comes, self._listen_on)
        super().connection_made(self._parting)
        self._make_room()
        self._enter(Phase.HEADERS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Is called when the connection is closed, by either side."""
        super().connection_lost(exc)
        self._parting.forget()
        self._unset_keepalive_if_required()
        for timer in (self._timer, self._write_timer):
            if timer is not None:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Is called with what the client sent."""
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
        """Is called when the client sends no more. Returns whether the connection stays to answer whole requests."""
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
        """Has the parser read it. Returns what is to be read then."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._without_upgrade() + data[upgrade.args[0] :]
        except httptools.HttpParserError:
            self._refuse()
        return b""

    def _without_upgrade(self) -> bytes:
        """Returns the head of a request that offers another protocol, without the offer: it is answered in this one.

        The parser leaves off behind such a head, also where a body follows, as it does with Java's own client.
        """
        line = b" ".join((self.parser.get_method(), self.url, b"HTTP/" + self.parser.get_http_version().encode()))
        kept = (name + b": " + _without_offers(name, value) for name, value in self.headers if name not in _OFFERS)
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join((line, *kept, b"", b""))

    def _bound_unfinished(self, size: int) -> None:
        """Ends what is too long before it is whole: headers, also behind a body, where the parser gathers them too."""
        self._unfinished_bytes = 0 if self._got_on else self._unfinished_bytes + size
        if self._unfinished_bytes > _HEADER_BYTES:
            self._refuse()

    def _refuse(self) -> None:
        """Ends the connection of a client that does not speak HTTP, after the answers to what it asked before."""
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
            if self._in_body and self.pipeline:  # which begins with the last request
                self.pipeline[0] = self.cycle, _no_http

    def _answer_400(self) -> None:
        if self._in_request:
            self.cycle.disconnected = True  # it has its answer here
            self.cycle.message_event.set()
        self.send_400_response(_NO_HTTP)

    def on_message_begin(self) -> None:
        """Is called with the first byte of a request."""
        super().on_message_begin()
        self._in_headers, self._got_on, self._header_bytes = True, True, 0

    def on_url(self, url: bytes) -> None:
        """Is called with the address of a request, or a part of it."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Is called with each header. One behind the body is dropped: the application has read the headers by then."""
        self._count(len(name) + len(value) + _AROUND_A_HEADER)
        if self._in_headers:
            super().on_header(name, value.strip(b" \t"))
        elif name.lower() == b"connection":
            raise ValueError(_NO_HTTP)  # the parser would obey it, and read no other request

    def on_headers_complete(self) -> None:
        """Is called behind the last header: the request can be answered. ValueError where it is none of HTTP's."""
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
        self.expect_100_continue &= self.parser.get_http_version() != "1.0"  # which does not know that answer
        super().on_headers_complete()
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        """Is called with a part of a body."""
        self._got_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Is called behind the body of a request."""
        self._got_on = True
        if self._in_body:
            self._in_body = False
            super().on_message_complete()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > _HEADER_BYTES:
            raise ValueError(_NO_HTTP)

    def on_response_complete(self) -> None:
        """Is called when a request is answered."""
        super().on_response_complete()
        self._unset_keepalive_if_required()  # _move sets what takes its place
        self._move()

    def pause_writing(self) -> None:
        """Is called when the client does not read its answer."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.config.limits.write_seconds, self.turn_away, "too_slow")

    def resume_writing(self) -> None:
        """Is called when the client reads its answer again."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()

    def turn_away(self, reason: Reason) -> None:
        """Ends the connection, whatever phase it is in."""
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
        """If there are too many connections, ends the one that has been silent longest and is not being answered."""
        if len(self.connections) <= self.config.connections:
            return
        others = [each for each in self.connections if isinstance(each, DoorsProtocol) and each.expendable]
        min(others, key=lambda each: each.heard_at, default=self).turn_away("crowded_out")


def _without_offers(name: bytes, value: bytes) -> bytes:
    """Returns the value of a header; where it is `Connection`, without what names another protocol."""
    if name != b"connection":
        return value
    return b", ".join(each for part in value.split(b",") if (each := part.strip()).lower() not in _OFFERS)


async def _no_http(_scope: Any, _receive: Any, send: Any) -> None:
    """Answers, when its turn comes, a request whose body turned out not to be HTTP's."""
    told = _NO_HTTP.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(told))]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": told})
