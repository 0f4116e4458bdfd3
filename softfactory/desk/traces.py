"""Runs as OpenTelemetry traces: off unless the environment names a collector.

A stretch of work on a run is a span; its model calls are spans below it, its other events are
events of it.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from softfactory.persistence.events import LoggedEvent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NANO = 1_000_000_000


class RunTrace:
    """The trace of one stretch of work on a run."""

    def __init__(self, tracer: "Tracer", run: str) -> None:
        self._tracer = tracer
        self._run = run
        self._span: Span | None = None
        self._calls: dict[tuple[str, str], Span] = {}
        self._last = 0

    def tell(self, logged: LoggedEvent) -> None:
        """Put an event where it belongs."""
        event, self._last = logged.event, int(logged.time * NANO)
        if self._span is None:
            self._span = self._tracer.start_span(
                "softfactory.run", start_time=self._last, attributes={"softfactory.run": self._run}
            )
        if event.kind == "call":
            self._calls[event.role, event.text] = self._started(logged)
        elif event.kind == "answer":
            self._end_call(logged)
        else:
            told = {"role": event.role, "text": event.text}
            self._span.add_event(event.kind, told, self._last)
        if event.kind == "run" and "status" in event.data:
            self._span.set_attribute("softfactory.status", str(event.data["status"]))

    def end(self) -> None:
        """End what is still open."""
        for span in (*self._calls.values(), *filter(None, [self._span])):
            span.end(self._last)

    def _started(self, logged: LoggedEvent) -> "Span":
        from opentelemetry.trace import set_span_in_context  # only where traces are wanted

        return self._tracer.start_span(
            f"chat {logged.event.data['skill']}",
            set_span_in_context(self._span) if self._span else None,
            attributes={"softfactory.role": logged.event.role, "softfactory.run": self._run},
            start_time=self._last,
        )

    def _end_call(self, logged: LoggedEvent) -> None:
        told = logged.event.data
        span = self._calls.pop((logged.event.role, logged.event.text), None)
        if span is None:  # an answer that was known was no call
            return
        names = {
            "model": "gen_ai.response.model",
            "input_tokens": "gen_ai.usage.input_tokens",
            "output_tokens": "gen_ai.usage.output_tokens",
            "price": "softfactory.price",
        }
        for key, name in names.items():
            value = told.get(key)
            if isinstance(value, str | int | float):
                span.set_attribute(name, value)
        span.end(self._last)


def provider_from(environment: Mapping[str, str]) -> "TracerProvider | None":
    """What sends traces to the collector that the environment names; None: to nobody."""
    if not any(environment.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log = logging.getLogger("softfactory")
        log.warning("no traces are sent: `pip install 'softfactory[traces]'` brings what it needs")
        return None
    provider = TracerProvider(resource=Resource.create({"service.name": "softfactory"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
