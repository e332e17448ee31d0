"""The tracer of a process, where traces are on: begun in it, and not in the process that it was forked from.

OpenTelemetry is an extra, and costs nothing where it is off: `spans` imports it, and is imported only where it is on.
"""

import os
import threading
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Protocol

from connector.errors import SettingsError
from connector.settings.telemetry import TelemetrySettings
from connector.tracing import traceparent

_MISSING = (
    "telemetry.enabled: OpenTelemetry is not installed: pip install 'audience-sync-connector[otel]', or set it to false"
)
_tracers: dict[tuple[int, TelemetrySettings], "Tracer"] = {}
"""The tracers by process: one that was forked has what its parent had, and must not use it."""
_lock = threading.Lock()
AttributeValue = str | int | float | bool


class OpenSpan(Protocol):
    """A span that has begun. context: its traceparent, by which others become its children; "" if it is not kept."""

    @property
    def context(self) -> str:
        """Its traceparent, by which others become its children; NONE if nobody keeps it."""

    def note(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Adds attributes to it."""

    def event(self, name: str, attributes: Mapping[str, AttributeValue]) -> None:
        """Adds an event: something has happened meanwhile."""

    def fail(self, reason: str) -> None:
        """Marks it as failed; `reason` is the kind of the error: its text may name a person."""

    def end(self, at: float | None = None) -> None:
        """Ends it, now or at a time in unix seconds."""


class Tracer(Protocol):
    """Records what a process does, as spans of traces. It never waits for the collector."""

    def begin(
        self,
        name: str,
        parent: str = traceparent.NONE,
        links: Iterable[str] = (),
        at: float | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> OpenSpan:
        """Begins a span.

        Args:
            name: What is done meanwhile.
            parent: The traceparent of the span that it is a part of; NONE begins a trace.
            links: The traceparents of other spans that it belongs to; the first of many.
            at: When it began, in unix seconds; None is now.
            attributes: What is known of it by now: no personal data, and no secrets.

        Returns:
            The span. Somebody has to end it.
        """

    def flush(self) -> None:
        """Sends what is not sent yet, and waits a few seconds for that at the most."""


def of_process(settings: TelemetrySettings) -> Tracer | None:
    """Returns the tracer of this process, None where traces are off. Raises SettingsError without the extra."""
    if not settings.enabled:
        return None
    wanted = os.getpid(), settings
    with _lock:
        if wanted not in _tracers:
            _tracers[wanted] = _opened(settings)
        return _tracers[wanted]


def require(settings: TelemetrySettings) -> None:
    """Raises SettingsError, which says what to install, if traces are on and the extra is not there.

    A process whose children record traces calls it: it looks, and begins nothing itself.
    """
    if settings.enabled:
        _spans()


def flush() -> None:
    """Sends what this process has not sent yet, if it records traces, and waits a few seconds at the most."""
    for (process, _), told_by in list(_tracers.items()):
        if process == os.getpid():
            told_by.flush()


def _opened(settings: TelemetrySettings) -> Tracer:
    opened: Tracer = _spans().opened(settings)
    return opened


def _spans() -> Any:
    try:
        return import_module("connector.tracing.spans")
    except ImportError as error:
        raise SettingsError(_MISSING) from error
