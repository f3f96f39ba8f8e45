"""The relay for gateways that cannot sign: what Kannel calls becomes an answer of the child."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from server.checkin.models import CheckIn
from tests.cast import Cast
from tests.inbound.conftest import SECRET, post
from tests.inbound.test_texts import DUE, HOUR, agreed, at
from tools import sms_relay
from tools.sms_relay import Spool, hand_on, text_of

KEY = SECRET.replace(" ", "-")


class Waymark:
    """Takes what the relay hands on, and answers `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.taken: list[tuple[bytes, dict[str, str]]] = []
        waymark = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                waymark.taken.append((body, {k.lower(): v for k, v in self.headers.items()}))
                self.send_response(waymark.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/sms"


@contextmanager
def running(server: HTTPServer) -> Iterator[HTTPServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def waymark() -> Iterator[Waymark]:
    double = Waymark()
    with running(double.server):
        yield double


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def call(relay: HTTPServer, query: str) -> int:
    """What the gateway does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{relay.server_port}/?{query}") as answer:
            assert answer.read() == b""
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


async def test_a_text_from_kannel_is_an_answer_of_the_child(
    cast: Cast, spool: Spool, waymark: Waymark
) -> None:
    await agreed(cast)
    await at(cast, DUE - HOUR)
    with running(sms_relay.server(spool, 0, threading.Event())) as relay:
        query = "id=3f6a&from=%2B33612345678&text=SOLEIL%20!&charset=GSM"
        assert call(relay, query) == 200
    assert hand_on(spool, waymark.url, KEY, lambda: cast.clock().timestamp()) == 1
    [(body, headers)] = waymark.taken
    assert (await post(cast, body, headers)).status_code == 200
    kept = await CheckIn.get(child_id=cast.mia.id)
    assert (kept.by_way, kept.by_role, kept.want) == ("sms", "child", "nothing")


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("%D8%B4%D9%85%D8%B3", "UTF-8"),
        ("%06%34%06%45%06%33", "UTF-16BE"),
        ("%064%06E%063", "UTF-16BE"),  # As a gateway writes it: what is a plain letter stays one.
        ("%D8%B4%D9%85%D8%B3", "GSM"),
        ("%D8%B4%D9%85%D8%B3", ""),
    ],
)
def test_arabic_is_read_in_the_charset_that_the_gateway_names(text, charset):
    said = text_of(f"id=1&from=%2B33612345678&text={text}&charset={charset}")
    assert said == {"id": "1", "from": "+33612345678", "text": "شمس"}


def test_accents_are_read_in_the_charset_that_the_gateway_names():
    assert text_of("id=1&from=1&text=for%EAt+verte&charset=windows-1252")["text"] == "forêt verte"
    assert text_of("id=1&from=1&text=for%EAt&charset=")["text"] == "forêt"


def test_what_waymark_cannot_take_yet_stays_and_goes_out_later(spool: Spool, waymark: Waymark):
    spool.put({"id": "1", "from": "+33612345678", "text": "soleil"})
    for status in (503, 401, 429):
        waymark.status = status
        assert hand_on(spool, waymark.url, KEY) == 0
        assert len(spool.waiting()) == 1
    assert hand_on(spool, "http://127.0.0.1:9/hooks/sms", KEY) == 0
    waymark.status = 200
    assert (hand_on(spool, waymark.url, KEY), spool.waiting()) == (1, [])


def test_what_waymark_will_never_take_is_kept_and_holds_up_nothing(spool: Spool, waymark: Waymark):
    spool.put({"id": "", "from": "+33612345678", "text": "soleil"})
    waymark.status = 422
    assert hand_on(spool, waymark.url, KEY) == 0
    assert spool.waiting() == []
    assert len(list(spool.folder.glob("*.refused"))) == 1


def test_the_same_text_twice_waits_once(spool: Spool):
    for _ in range(2):
        spool.put({"id": "1", "from": "+33612345678", "text": "soleil"})
    assert len(spool.waiting()) == 1


def test_a_call_without_a_text_is_handed_on_and_one_without_anything_is_none(spool: Spool):
    with running(sms_relay.server(spool, 0, threading.Event())) as relay:
        assert call(relay, "id=1&from=%2B33612345678") == 200
        assert call(relay, "health=1") == 400
    [file] = spool.waiting()
    assert json.loads(file.read_text()) == {"id": "1", "from": "+33612345678", "text": ""}


def test_another_text_under_the_same_id_waits_beside_the_first(spool: Spool):
    spool.put({"id": "1", "from": "+33612345678", "text": "soleil"})
    spool.put({"id": "1", "from": "+33612345678", "text": "bleu"})
    assert len(spool.waiting()) == 2


def test_texts_that_wait_are_for_this_account_alone(spool: Spool):
    spool.put({"id": "1", "from": "+33612345678", "text": "soleil"})
    [file] = spool.waiting()
    assert file.stat().st_mode & 0o777 == 0o600
    assert spool.folder.stat().st_mode & 0o777 == 0o700


def test_without_its_settings_it_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.delenv("RELAY_URL", raising=False)
    assert sms_relay.main() == 2
    assert "RELAY_URL and RELAY_SECRET" in capsys.readouterr().err
