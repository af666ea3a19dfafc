"""OpenTelemetry traces where an OTLP endpoint is set; else nothing is traced, nor imported for it."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from opentelemetry.trace import Span, Tracer
    from sqlalchemy import Connection, Engine

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

NOT_TRACED: "TelemetryConfig" = {
    "tracing": False,
    "metrics": False,
    "logs": False,
}  # else a tenth of the time
REQUEST_ID = "chartcast.request_id"

_tracer: "Tracer | None" = None  # of the app that is started; None: nothing is traced


class Tracing:
    """Spans of requests, statements and stages, sent over OTLP and HTTP. FastAPI makes those of requests.

    Everything but the endpoint is as the standard variables ``OTEL_…`` say.

    Args:
        endpoint: Of the collector, without ``/v1/traces``.

    Raises:
        RuntimeError: the packages that it takes are not installed.
    """

    def __init__(self, endpoint: str) -> None:
        try:
            from opentelemetry.sdk.resources import OTELResourceDetector, Resource
            from opentelemetry.sdk.trace import TracerProvider
        except ImportError as error:
            raise RuntimeError(
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, and what sends traces is not installed: "
                "install chartcast[tracing], or unset it."
            ) from error
        self._endpoint = f"{endpoint.rstrip('/')}/v1/traces"
        named = Resource.create({"service.name": "chartcast"})
        self._provider = TracerProvider(
            resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
        )

    @property
    def telemetry(self) -> "TelemetryConfig":
        """For FastAPI."""
        return {**NOT_TRACED, "tracing": True, "operation_spans": False, "tracer_provider": self._provider}

    def start(self, engine: "Engine") -> None:
        """Begin to send, the statements of ``engine`` included."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        global _tracer
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(self._endpoint)))
        _tracer = self._provider.get_tracer("chartcast")
        _trace_statements(engine, _tracer)

    def stop(self) -> None:
        """Send what is left, and no more."""
        global _tracer
        _tracer = None
        self._provider.shutdown()


def build_tracing(endpoint: str | None) -> Tracing | None:
    """None where no endpoint is set.

    Raises:
        RuntimeError: as ``Tracing``.
    """
    return Tracing(endpoint) if endpoint else None


def traced(name: str) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Make each call of a function a span, where there is tracing when it is called."""

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(function)
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            if _tracer is None:
                return function(*args, **kwargs)
            with _tracer.start_as_current_span(name):
                return function(*args, **kwargs)

        return call

    return decorate


def tag_request(request_id: str) -> None:
    """Put a request's id on its span."""
    if _tracer is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attribute(REQUEST_ID, request_id)


def _trace_statements(engine: "Engine", tracer: "Tracer") -> None:
    from opentelemetry.trace import SpanKind, StatusCode
    from sqlalchemy import event

    def begin(
        connection: "Connection", _cursor: Any, statement: str, _values: Any, context: Any, _m: bool
    ) -> None:
        # Its text has placeholders where values go: what callers sent is in no span.
        attributes = {"db.system.name": connection.dialect.name, "db.query.text": statement}
        operation = statement.split(None, 1)[0].upper()
        context.chartcast_span = tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)

    def end(_connection: Any, _cursor: Any, _statement: str, _values: Any, context: Any, _m: bool) -> None:
        context.chartcast_span.end()

    def fail(context: Any) -> None:
        span: Span | None = getattr(context.execution_context, "chartcast_span", None)
        if span is not None:
            span.set_status(StatusCode.ERROR, type(context.original_exception).__name__)
            span.end()

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)
