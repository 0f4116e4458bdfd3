"""What runs do, counted for Prometheus and, where it is wanted, traced by OpenTelemetry.

Both are read off the events of a run while it is worked on here: nothing below knows of them.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from softfactory.state.events import Event


class Meters:
    """Counts what the events of runs tell."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"softfactory_{name}", about, labels, registry=registry)

        self.running = Gauge("softfactory_running", "Runs worked on now", registry=registry)
        self._stretches = counter("stretches", "Stretches of work on runs, by their end", "status")
        self._events = counter("events", "Events of runs", "kind", "role")
        self._calls = counter("model_calls", "Answers of models", "model", "skill")
        self._tokens = counter("tokens", "Tokens, in and out", "model", "direction")
        self._dollars = counter("dollars", "Price of answers, where it is known", "model")
        self._seconds = Histogram(
            "softfactory_model_seconds", "Time until a model answered", ["skill"], registry=registry
        )

    def count(self, event: Event) -> None:
        """Count an event."""
        self._events.labels(event.kind, event.role).inc()
        told = event.data
        if event.kind == "run" and "status" in told:
            self._stretches.labels(told["status"]).inc()
        if event.kind != "answer" or told.get("known"):
            return
        model, skill = str(told["model"]), str(told["skill"])
        self._calls.labels(model, skill).inc()
        self._tokens.labels(model, "in").inc(_number(told["input_tokens"]))
        self._tokens.labels(model, "out").inc(_number(told["output_tokens"]))
        self._dollars.labels(model).inc(_number(told["price"]))
        self._seconds.labels(skill).observe(_number(told["seconds"]))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
