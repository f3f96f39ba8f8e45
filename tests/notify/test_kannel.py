"""What docs/operate.md says about Kannel: its line brings a text there, and the text fits."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from server.i18n import LANGUAGES
from server.notify.channels.other import Other, check_template
from server.notify.rules import Envelope, Kind, Result
from server.notify.wording import BY_TEXT, SENTENCES, Facts, word
from server.security import encryption
from server.settings import load

PAGE = (Path(__file__).parents[2] / "docs" / "operate.md").read_text(encoding="utf-8")
BODY = "Vous êtes prêts, ça va ?\n\nنتصل بك\n\nhttps://plan.example.org/x?a=1&b=2"


@pytest.fixture
def kannel() -> Iterator[tuple[int, list[str]]]:
    """A port that answers as Kannel's smsbox, and the addresses that were called."""
    called: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(202)
            self.end_headers()
            self.wfile.write(b"0: Accepted for delivery")

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port, called
    server.shutdown()
    thread.join()
    server.server_close()


def an_envelope() -> Envelope:
    return Envelope(
        message_id=UUID(int=1),
        kind=Kind.ALERT,
        channel="sms",
        address="+33 6 12 34 56 78",
        language="ar",
        title="",
        body=BODY,
        tag="t",
        topic="t",
        ttl=timedelta(days=1),
    )


async def test_the_line_of_the_page_hands_a_text_to_kannel(kannel, tmp_path):
    port, called = kannel
    [line] = re.findall(r"^ *WAYMARK_CHANNELS=(sms=form://.+)$", PAGE, re.MULTILINE)
    template = (
        load({"WAYMARK_CHANNELS": line}, tmp_path).channels["sms"].replace("13013", f"{port}")
    )
    check_template(template)
    channel = Other(template)
    await channel.open()
    try:
        outcome = await channel.send(an_envelope())
    finally:
        await channel.close()
    assert outcome.result is Result.ACCEPTED
    [path] = called
    assert urlsplit(path).path == "/cgi-bin/sendsms"
    assert parse_qs(urlsplit(path).query) == {
        "username": ["waymark"],
        "password": ["SECRET"],
        "to": ["+33612345678"],
        "text": [BODY],
        "coding": ["2"],
        "charset": ["UTF-8"],
    }


def parts(text: str) -> int:
    """How many texts it takes in UCS-2."""
    length = len(text.encode("utf-16-be")) // 2
    return 1 if length <= 70 else math.ceil(length / 67)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", SENTENCES)
def test_each_message_fits_into_what_kannel_is_told_to_take(kind, language):
    keyring = encryption.Keyring(("a secret of the tests and of nothing else",))
    token = keyring.sign(f"{UUID(int=0)}.sms", "x", until=datetime(2026, 3, 2, tzinfo=UTC))
    facts = Facts(
        display_name="Planner",
        url=f"https://plan.example.org/sign-in/link/{token}",
        fault="database:restored",
        code="123456",
        reply_code="A1B2" if kind in BY_TEXT else "",
        open_alerts=2 if kind is Kind.SHIFT else None,
    )
    text = word(kind, language, facts).body
    told = {int(number) for number in re.findall(r"max-messages = ([1-9])", PAGE)}
    assert parts(text) <= min(told)
