"""Metrics and traces, read off the events of runs."""

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from softfactory.config import Price, Settings
from softfactory.desk import Desk
from softfactory.desk.traces import provider_from
from softfactory.models.scripted import ScriptedModel
from tests import calculator
from tests.conftest import Opened


async def finished(desk: Desk, settings: Settings) -> str:
    """Work a run to its delivery at a desk that is closed afterwards; its name."""
    run = await desk.create(calculator.IDEA, settings)
    async for _ in desk.bulletin.follow(run.id):
        pass
    await desk.drain()
    return run.id


async def test_metrics_count_calls_tokens_dollars_and_how_work_ended(
    opened: Opened, settings: Settings
) -> None:
    priced = settings.model_copy(update={"price": Price(input=1, output=2)})
    async with opened(ScriptedModel(calculator.straight())) as service:
        desk = Desk(service)
        run = await finished(desk, priced)
        calls = await service.paid(run)
    sample = desk.metrics.get_sample_value
    scripted = {"model": "scripted"}
    assert sample("softfactory_stretches_total", {"status": "delivered"}) == 1
    assert sample("softfactory_model_calls_total", scripted | {"skill": "write_prd"}) == 1
    tokens = sum(call.reply["input_tokens"] for call in calls)
    assert sample("softfactory_tokens_total", scripted | {"direction": "in"}) == tokens
    dollars = sum(call.price or 0 for call in calls)
    assert sample("softfactory_dollars_total", scripted) == pytest.approx(dollars)
    assert sample("softfactory_running") == 0


async def test_a_stretch_of_work_is_a_trace_with_its_model_calls_below_it(
    opened: Opened, settings: Settings
) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await finished(Desk(service, tracer=provider.get_tracer("test")), settings)
    spans = kept.get_finished_spans()
    [root] = [span for span in spans if span.parent is None]
    assert root.name == "softfactory.run"
    assert dict(root.attributes or {}) == {
        "softfactory.run": run,
        "softfactory.status": "delivered",
    }
    assert "commit" in [event.name for event in root.events]
    below = [span for span in spans if span.parent]
    assert {span.parent.span_id for span in below if span.parent} == {root.context.span_id}
    assert "chat write_code" in [span.name for span in below]
    assert len(below) == 7
    for span in below:
        assert (span.attributes or {})["gen_ai.usage.input_tokens"]
        assert (span.start_time or 0) <= (span.end_time or 0)


def test_traces_are_off_unless_a_collector_is_named(tmp_path: Path) -> None:
    assert provider_from({}) is None
    provider = provider_from({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    assert provider is not None
    provider.shutdown()
