"""What is written down about our running has no people in it."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from server import logs
from server.errors import Conflict
from server.web.responses import Faults

WORDS = "I ran away from Brandvold"


@pytest.fixture
def lines() -> Iterator[Any]:
    """Everything that is logged, parsed; the configuration from before is put back."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    out = io.StringIO()
    logs.configure(out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers[:], root.level = before
    structlog.reset_defaults()


class Tier(StrEnum):
    HIGH = "high"


def test_a_line_is_json_with_time_level_event_and_plain_values(lines: Any) -> None:
    logs.get("watch").info(
        "tick",
        taken=3,
        child=UUID(int=1),
        at=datetime(2026, 11, 25, tzinfo=UTC),
        late=timedelta(seconds=90),
        tier=Tier.HIGH,
        reasons=["quiet_hours", WORDS],
        route="/api/v1/alerts/{id}/close",
        inner={"done": True},
    )
    (line,) = lines()
    assert list(line)[:3] == ["time", "level", "event"]
    assert line["event"] == "tick"
    assert line["room"] == "watch"
    assert line["late"] == 90.0
    assert line["tier"] == "high"
    assert line["child"] == str(UUID(int=1))
    assert line["reasons"] == ["quiet_hours", logs.WITHHELD]
    assert line["route"] == "/api/v1/alerts/{id}/close"
    assert line["inner"] == {"done": True}


@pytest.mark.parametrize(
    "value",
    [
        WORDS,
        "Brandvold",
        "uwe@example.org",
        "https://planner.example.org/x",
        "two words",
        "ü",
        {WORDS: 1},
        [WORDS],
        object(),
        ValueError(WORDS),
        b"bytes",
    ],
)
def test_what_could_be_words_is_withheld(lines: Any, value: Any) -> None:
    logs.get("x").info("event", value=value)
    text = json.dumps(lines())
    assert "Brandvold" not in text
    assert logs.WITHHELD in text


@given(st.text(min_size=1))
def test_no_text_with_a_space_or_another_script_passes(text: str) -> None:
    shown = logs._plain(text)
    assert shown == logs.WITHHELD or (shown.isascii() and " " not in shown)


def test_in_silence_only_errors_are_written_down(lines: Any) -> None:
    log = logs.get("demo")
    with logs.silence():
        log.info("told")
        log.error("broken")
    log.info("after")
    assert [line["event"] for line in lines()] == ["broken", "after"]


def test_lines_that_are_written_together_read_as_if_one_by_one(lines: Any) -> None:
    values = {"child": UUID(int=1), "at": datetime(2026, 11, 25, tzinfo=UTC), "tier": Tier.HIGH}
    given = [
        ("info", "message.accepted", {**values, "attempt": 1, "until": None}),
        ("warning", "message.failed", {"code": WORDS, "result": Tier.HIGH}),
        ("error", "message.lost", {}),
    ]
    for is_silent in (False, True):
        with logs.silence() if is_silent else nullcontext():
            for level, event, more in given:
                getattr(logs.get("notify"), level)(event, **more)
            logs.write_together("notify", given)
    written = [list(line.items())[1:] for line in lines()]  # But for the moment.
    assert len(written) == 8
    assert written[:3] == written[3:6]
    assert written[6] == written[7]
    assert dict(written[6])["level"] == "error"


def test_an_exception_is_told_by_type_and_place_alone(lines: Any) -> None:
    secret = WORDS

    def inner() -> None:
        raise KeyError(secret)

    try:
        try:
            inner()
        except KeyError as fault:
            raise Conflict(WORDS, code="too_late") from fault
    except Conflict as fault:
        logs.get("x").error("failed", exc=fault)
        logs.get("x").exception("failed_again")
        logging.getLogger("library").exception("It broke: %s", WORDS)
    found = lines()
    assert len(found) == 3
    for line in found:
        assert line["fault"] == ["Conflict", "KeyError"]
        assert line["fault_code"] == "too_late"
        assert any("test_logs.py" in place for place in line["at"])
    assert "Brandvold" not in json.dumps(found)


def test_lines_of_libraries_lose_their_values(lines: Any) -> None:
    database = logging.getLogger("tortoise.db_client")
    database.debug("%s: %s", "INSERT INTO person", [WORDS])
    database.warning("INSERT failed: %s", WORDS)
    logging.getLogger("aiohttp.client").warning(f"Cannot reach https://x/{WORDS}")
    logging.getLogger("uvicorn.error").info("Uvicorn running on %s://%s:%d", "http", "h", 1)
    logging.getLogger("uvicorn.access").info('%s - "%s"', "10.0.0.1", "GET /pair/ABC")
    logging.getLogger("apscheduler").info('Running job "%s"', WORDS)
    found = lines()
    assert [line["says"] for line in found] == [
        "INSERT failed",
        "Cannot reach",
        "Uvicorn running on %s",
    ]
    assert {line["event"] for line in found} == {"library"}


async def ok(request: Request) -> Response:
    logs.get("inside").info("step")
    return PlainTextResponse("ok")


async def broken(request: Request) -> Response:
    raise ValueError(WORDS)


def test_a_request_is_one_line_with_its_template_and_an_id_of_ours(lines: Any) -> None:
    app = Starlette(
        routes=[Route("/api/pair/{code}", ok), Route("/broken", broken)],
        middleware=[Middleware(logs.AccessLog), Middleware(Faults)],
    )
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.get("/api/pair/SECRET?name=Brandvold", headers={"x-request-id": "forged"})
    given_id = answer.headers["x-request-id"]
    step, request = lines()
    assert given_id != "forged"
    assert step["request_id"] == request["request_id"] == given_id
    assert request["event"] == "request"
    assert request["route"] == "/api/pair/{code}"
    assert request["method"] == "GET"
    assert request["status"] == 200
    assert request["duration_ms"] >= 0
    client.get("/nowhere/Brandvold")
    assert lines()[-1]["route"] == "none"
    client.get("/broken")
    fault, request = lines()[-2:]
    assert (fault["event"], fault["level"]) == ("unexpected", "error")
    assert fault["request_id"] == request["request_id"]
    assert request["status"] == 500
    text = json.dumps(lines())
    assert "Brandvold" not in text
    assert "SECRET" not in text
    assert logs.request_id.get() is None
