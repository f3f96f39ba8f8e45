"""Traces: nothing of them while they are off; while they are on, steps and no person."""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import UUID, uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server.settings import faults
from server.tracing import fault_of, span, traced
from tests.cast import SURNAMES
from tests.walks.stage import Stage


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.sent: list[bytes] = []

    @property
    def environ(self) -> dict[str, str]:
        address = f"http://127.0.0.1:{self.server_port}"
        return {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": address}

    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.sent]
        return [
            each
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for each in scope.spans
        ]


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.sent.append(body)
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    with Collector() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        yield server
        server.shutdown()
        thread.join()


def test_while_they_are_off_nothing_of_opentelemetry_is_imported() -> None:
    code = (
        "import sys, server.__main__, server.app\n"
        "from server.tracing import span, traced\n"
        "with traced({}), span('tick'): pass\n"
        "print([name for name in sys.modules if 'opentelemetry' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_while_they_are_off_a_span_is_always_the_same_object() -> None:
    assert span("tick") is span("check_in", rows="watch")


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({}, None),
        ({"OTEL_TRACES_EXPORTER": "none"}, None),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, None),
        ({"OTEL_TRACES_EXPORTER": "jaeger"}, "is `otlp` or `none`"),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "is `otlp`, and OTEL_EXPORTER_OTLP_PROTOCOL can be `http/protobuf` alone",
        ),
    ],
)
def test_what_cannot_be_sent_stops_the_start(environ: dict[str, str], why: str | None) -> None:
    assert fault_of(environ) == why
    lines = [str(fault) for fault in faults(environ)]
    assert lines == ([f"OTEL_TRACES_EXPORTER {why}"] if why else [])


async def test_a_check_in_and_a_tick_are_traced_and_name_nobody(
    stage: Stage, collector: Collector
) -> None:
    await stage.only("mia")
    await stage.subscribe("mia")
    with traced(collector.environ):
        body = {"id": str(uuid4()), "said_at": stage.clock().isoformat(), "note": "a secret word"}
        await stage.call("mia", "POST", "/api/v1/check-ins", body)
        stage.clock.advance(days=2)
        await stage.beat()
    spans = {each.name: each for each in collector.spans()}
    assert {"check_in", "check_in.record", "tick", "tick.rows", "send"} <= set(spans)
    assert spans["check_in.record"].parent_span_id == spans["check_in"].span_id
    assert spans["tick.rows"].trace_id == spans["tick"].trace_id != spans["check_in"].trace_id
    sent = b"".join(collector.sent)
    told = [*SURNAMES, "Mia", "a secret word", str(stage.cast.mia.id), body["id"]]
    assert [word for word in told if word.encode() in sent] == []
    assert not [id_ for id_ in (stage.cast.mia.id, UUID(str(body["id"]))) if id_.bytes in sent]


async def test_a_fault_is_told_by_its_class_and_not_by_its_words(collector: Collector) -> None:
    with traced(collector.environ), pytest.raises(ValueError, match="Castellane"), span("tick"):
        raise ValueError("Mia Castellane wrote this")
    [tick] = collector.spans()
    assert [(each.key, each.value.string_value) for each in tick.attributes] == [
        ("error.type", "ValueError")
    ]
    assert not tick.events
    assert b"Castellane" not in b"".join(collector.sent)


def test_a_collector_that_is_away_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sending happens aside, and what cannot be sent is dropped."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with traced({"OTEL_TRACES_EXPORTER": "otlp"}), span("tick"):
        pass
