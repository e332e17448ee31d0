"""Spans by OpenTelemetry's SDK, and that nothing of it is there where traces are off."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from connector.errors import SettingsError
from connector.settings.telemetry import TelemetrySettings
from connector.tracing import spans, tracer
from tests.collector import TRACE, TRACEPARENT, Told, told, traceparent
from tests.forkserver import ROOT

ON = TelemetrySettings(enabled=True)
Ended = Callable[[], list[Told]]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of OpenTelemetry's is set, and nothing has been opened yet."""
    for name in ("OTEL_TRACES_SAMPLER", "OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tracer, "_tracers", {})


class Memory:
    """A tracer over memory, and what it was told."""

    def __init__(self, settings: TelemetrySettings = ON) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer = spans.exporting(self._exporter, settings)

    def ended(self) -> list[Told]:
        self.tracer.flush()
        return [told(each) for each in self._exporter.get_finished_spans()]


def test_a_span_continues_the_trace_that_upstream_has_begun() -> None:
    memory = Memory()
    outer = memory.tracer.begin("take in", TRACEPARENT)
    memory.tracer.begin("deliver", outer.context).end()
    outer.end()
    inner, first = memory.ended()
    assert (first.trace, inner.trace) == (TRACE, TRACE)
    assert (first.parent, inner.parent) == (TRACEPARENT.split("-")[2], first.id)


def test_what_upstream_does_not_sample_is_not_told_and_asks_for_nothing_to_be_kept() -> None:
    memory = Memory()
    span = memory.tracer.begin("take in", traceparent(1, sampled=False))
    span.end()
    assert span.context == ""
    assert memory.ended() == []


def test_the_settings_say_which_share_of_what_brings_no_trace_is_told() -> None:
    never = Memory(TelemetrySettings(enabled=True, sample=0.0))
    assert never.tracer.begin("take in").context == ""
    never.tracer.begin("take in", TRACEPARENT).end()
    assert [each.trace for each in never.ended()] == [TRACE]
    assert Memory().tracer.begin("take in").context != ""


def test_opentelemetrys_own_variables_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    assert Memory().tracer.begin("take in", TRACEPARENT).context == ""
    monkeypatch.delenv("OTEL_TRACES_SAMPLER")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    disabled = Memory()
    disabled.tracer.begin("take in").end()
    assert disabled.ended() == []
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318")
    assert ON.traces_url is None  # so the exporter asks the environment
    given = TelemetrySettings(enabled=True, endpoint="http://127.0.0.1:4318/")
    assert given.traces_url == "http://127.0.0.1:4318/v1/traces"


def test_a_span_has_no_more_links_than_others_take() -> None:
    memory = Memory()
    memory.tracer.begin("request", links=[traceparent(number) for number in range(1, 1000)]).end()
    [span] = memory.ended()
    assert len(span.links) == spans.MOST_LINKS


class Failing(SpanExporter):
    """A collector that fails in one way or another."""

    def __init__(self) -> None:
        self.asked = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked += 1
        if self.asked == 1:
            raise RuntimeError("https://user:secret@collector.example")
        return SpanExportResult.FAILURE


def test_that_traces_cannot_be_sent_is_said_once_a_minute_and_without_their_words() -> None:
    wrapped = spans._Told(Failing())
    with structlog.testing.capture_logs() as said:
        assert {wrapped.export([]) for _ in range(3)} == {SpanExportResult.FAILURE}
    assert [each["reason"] for each in said] == ["RuntimeError"]
    assert "secret" not in repr(said)


def test_without_the_extra_the_setting_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "connector.tracing.spans")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)  # as where it is not installed
    with pytest.raises(SettingsError, match=r"telemetry.enabled.*pip install 'audience-sync-connector\[otel\]'"):
        tracer.of_process(ON)
    with pytest.raises(SettingsError, match=r"pip install 'audience-sync-connector\[otel\]'"):
        tracer.require(ON)
    assert tracer.of_process(TelemetrySettings()) is None


@pytest.mark.parametrize(
    "module", ["connector.cli.run", "connector.cli.embedded", "tasks.celery", "tasks.reader.reader"]
)
def test_where_traces_are_off_nothing_that_tells_of_them_is_loaded(module: str, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("")
    looks = (
        f"import sys, {module}\n"
        "from connector.tracing import tracer\n"
        "from connector.settings.telemetry import TelemetrySettings\n"
        "assert tracer.of_process(TelemetrySettings()) is None\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])\n"
    )
    found = subprocess.run([sys.executable, "-c", looks], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_only_one_module_speaks_opentelemetry() -> None:
    speak = {
        str(path.relative_to(ROOT))
        for room in ("connector", "tasks")
        for path in (ROOT / room).glob("**/*.py")
        for name in _imported(path)
        if name.split(".")[0] == "opentelemetry"
    }
    assert speak == {"connector/tracing/spans.py"}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def test_a_process_that_was_forked_has_a_tracer_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tracer.of_process(ON)
    assert tracer.of_process(ON) is mine
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert tracer.of_process(ON) is not mine
