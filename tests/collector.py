"""A collector of OpenTelemetry on the loopback, as far as tests need one: it keeps every span that it is sent."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import ReadableSpan

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def traceparent(number: int, *, sampled: bool = True) -> str:
    """One of many traceparents of upstream's, each in a trace of its own."""
    return f"00-{number:032x}-{number:016x}-{'01' if sampled else '00'}"


@dataclass(frozen=True)
class Told:
    """A span that was told of. links: the traces that it is linked to. events: their attributes by name."""

    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    attributes: Mapping[str, Any]
    events: Mapping[str, Mapping[str, Any]]
    failed: bool


def told(span: ReadableSpan) -> Told:
    """A span of the SDK's."""
    context = span.get_span_context()
    return Told(
        span.name,
        f"{context.trace_id:032x}",
        f"{context.span_id:016x}",
        f"{span.parent.span_id:016x}" if span.parent else "",
        tuple(f"{link.context.trace_id:032x}" for link in span.links),
        dict(span.attributes or {}),
        {event.name: dict(event.attributes or {}) for event in span.events},
        not span.status.is_ok and not span.status.is_unset,
    )


class Collector:
    """What it was sent: spans, and the headers that they came with."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Told] = []
        self.headers: list[Mapping[str, str]] = []
        self.services: set[str] = set()

    def take(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Keeps what one request has brought."""
        request = ExportTraceServiceRequest.FromString(body)
        self.headers.append({name.lower(): value for name, value in headers.items()})
        for resource in request.resource_spans:
            self.services.add(_attributes(resource.resource.attributes)["service.name"])
            self.spans += [_read(span) for scope in resource.scope_spans for span in scope.spans]

    def of_trace(self, trace: str) -> dict[str, list[Told]]:
        """The spans of a trace, by name."""
        found: dict[str, list[Told]] = {}
        for span in self.spans:
            if span.trace == trace:
                found.setdefault(span.name, []).append(span)
        return found


def _read(span: Any) -> Told:
    return Told(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        tuple(link.trace_id.hex() for link in span.links),
        _attributes(span.attributes),
        {event.name: _attributes(event.attributes) for event in span.events},
        span.status.code == 2,
    )


def _attributes(given: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in given}


@contextmanager
def collecting(*, silent: bool = False) -> Iterator[Collector]:
    """A collector, as long as the block lasts. `silent`: it takes connections and requests, and answers none."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if silent:
                over.wait()
                return
            assert self.path == "/v1/traces"
            collector.take(body, dict(self.headers))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        over.set()
        server.shutdown()
        server.server_close()
