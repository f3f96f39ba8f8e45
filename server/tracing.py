"""Traces of a check-in and of a tick (OpenTelemetry), off unless OTEL_TRACES_EXPORTER says `otlp`.

While they are off nothing of OpenTelemetry is imported, and a span is one object that does nothing.
The other OTEL_ variables work as OpenTelemetry describes them. A span has the name of a step and
counts: no address, no word and no id of a person. What went wrong is the class of the fault, since
its text may quote what a child wrote.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any

EXPORTER = "OTEL_TRACES_EXPORTER"
_OFF: AbstractContextManager[None] = nullcontext()
_tracers: list[Any] = []  # The one that is in use, or none.


def span(name: str, **facts: str | int) -> AbstractContextManager[None]:
    """A step of the trace, for as long as the block runs."""
    return _span(name, facts) if _tracers else _OFF


@contextmanager
def _span(name: str, facts: Mapping[str, str | int]) -> Iterator[None]:
    how = {"record_exception": False, "set_status_on_exception": False}
    with _tracers[-1].start_as_current_span(name, attributes=facts, **how) as current:
        try:
            yield
        except Exception as fault:
            current.set_attribute("error.type", type(fault).__name__)
            raise


def fault_of(environ: Mapping[str, str]) -> str | None:
    """What is wrong with how traces are asked for; None where all is well, or none are."""
    wanted = environ.get(EXPORTER, "").strip()
    if wanted in ("", "none"):
        return None
    if wanted != "otlp":
        return "is `otlp` or `none`"
    if environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf") != "http/protobuf":
        return "is `otlp`, and OTEL_EXPORTER_OTLP_PROTOCOL can be `http/protobuf` alone"
    if find_spec("opentelemetry") is None:
        return "is set, and the packages for it are missing: `make traces` installs them"
    return None


@contextmanager
def traced(environ: Mapping[str, str]) -> Iterator[None]:
    """Traces are sent while the block runs, where they are asked for; what waits goes out last."""
    if environ.get(EXPORTER, "").strip() != "otlp":
        yield
        return
    provider = _provider(environ)
    _tracers.append(provider.get_tracer("waymark"))
    try:
        yield
    finally:
        _tracers.pop()
        provider.shutdown()


def _provider(environ: Mapping[str, str]) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    own_name = {} if "OTEL_SERVICE_NAME" in environ else {"service.name": "waymark"}
    provider = TracerProvider(resource=Resource.create(own_name))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
