"""Spans by OpenTelemetry's SDK, exported beside the work: nothing waits for a collector, and nothing fails by it.

Only here OpenTelemetry is imported, and this module only where tracing is on (`tracer`).
"""

import logging
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic, time
from typing import NamedTuple

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags

from connector import __version__
from connector.settings.telemetry import TelemetrySettings
from connector.tracing import traceparent
from connector.tracing.tracer import AttributeValue

log = structlog.get_logger(__name__)
MOST_LINKS = 128
"""The most links that a span has."""
_SERVICE = "audience-sync-connector"
_FLUSH_SECONDS = 3.0
_SAY_SECONDS = 60.0
logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # `_Told` says what is to be said, once a minute


class OtelSpan(NamedTuple):
    """A span that has begun, as `OpenSpan` says."""

    span: Span
    context: str

    def note(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Adds attributes to it."""
        self.span.set_attributes(attributes)

    def event(self, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        """Adds an event: something has happened meanwhile."""
        self.span.add_event(name, attributes)

    def fail(self, reason: str) -> None:
        """Marks it as failed."""
        self.span.set_status(StatusCode.ERROR, reason)

    def end(self, at: float | None = None) -> None:
        """Ends it."""
        self.span.end(_nanoseconds(at))


class OtelTracer:
    """Records spans, as `Tracer` says."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(_SERVICE, __version__)

    def begin(
        self,
        name: str,
        parent: str = traceparent.NONE,
        links: Iterable[str] = (),
        at: float | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> OtelSpan:
        """Begins a span.

        Args:
            name: What is done meanwhile.
            parent: The traceparent of the span that it is a part of; NONE begins a trace.
            links: The traceparents of other spans; the first `MOST_LINKS` are kept.
            at: When it began, in unix seconds; None is now.
            attributes: What is known of it by now.
        """
        linked = [Link(_context(each)) for each in tuple(links)[:MOST_LINKS]]
        within = trace.set_span_in_context(NonRecordingSpan(_context(parent)), Context()) if parent else Context()
        span = self._tracer.start_span(name, within, SpanKind.INTERNAL, attributes, linked, _nanoseconds(at))
        return OtelSpan(span, _told(span.get_span_context()))

    def flush(self) -> None:
        """Sends what is not sent yet. A collector that is away keeps no process from ending."""
        thread = threading.Thread(target=self._provider.force_flush, name="last traces", daemon=True)
        thread.start()
        thread.join(_FLUSH_SECONDS)


class _Told(SpanExporter):
    """Exports by another exporter; failures are logged once a minute, without the words of its libraries."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._said_at = -_SAY_SECONDS

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - whatever it is: traces are lost, and nothing else is
            return self._failed(type(error).__name__, len(spans))
        if result is SpanExportResult.SUCCESS:
            return result
        return self._failed("the collector is away, or did not take them", len(spans))

    def _failed(self, reason: str, spans: int) -> SpanExportResult:
        if monotonic() - self._said_at >= _SAY_SECONDS:
            self._said_at = monotonic()
            log.warning("traces cannot be sent, and are lost; all else goes on", reason=reason, spans=spans)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._exporter.shutdown()


def opened(settings: TelemetrySettings) -> OtelTracer:
    """Begins to export to the collector of the settings, or of the environment as OpenTelemetry has it."""
    exporter = OTLPSpanExporter(endpoint=settings.traces_url, headers=settings.header_table)
    return exporting(_Told(exporter), settings)


def exporting(exporter: SpanExporter, settings: TelemetrySettings) -> OtelTracer:
    """Begins to export by an exporter, in a thread of its own; what it does not get away is dropped."""
    name = settings.service_name or os.environ.get("OTEL_SERVICE_NAME") or _SERVICE
    resource = Resource.create({"service.name": name, "service.version": __version__})
    provider = TracerProvider(_sampler(settings), resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return OtelTracer(provider)


def _sampler(settings: TelemetrySettings) -> Sampler | None:
    """Returns the sampler: upstream decides about its traces, the settings about others. None: the environment does."""
    return None if os.environ.get("OTEL_TRACES_SAMPLER") else ParentBased(TraceIdRatioBased(settings.sample))


def _context(of: str) -> SpanContext:
    trace_id, span_id, sampled = traceparent.parts(of)
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(int(sampled)))


def _told(context: SpanContext) -> str:
    if not context.trace_flags.sampled:
        return traceparent.NONE
    return traceparent.made(f"{context.trace_id:032x}", f"{context.span_id:016x}", sampled=True)


def _nanoseconds(at: float | None) -> int:
    return int((time() if at is None else at) * 1e9)
