"""An agency's own gateways, through Apprise."""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from server.notify.channels.other import THREADS, Other, check_template, fill
from server.notify.rules import Envelope, Outcome
from tests.doubles.gateway import Gateway
from tests.notify.envelopes import envelope

PHONE = "+33 6 12-34 56 78"


@pytest.fixture(scope="module", autouse=True)
def apprise() -> None:
    """Imported before anything is timed."""
    check_template("json://127.0.0.1/{address}")


@pytest.fixture
async def sms(gateway: Gateway) -> AsyncIterator[Other]:
    channel = Other(gateway.template, timeout=timedelta(seconds=1))
    await channel.open()
    yield channel
    await channel.close()


def text(**changes: object) -> Envelope:
    usual = {"address": PHONE, "channel": "sms", "body": "You are needed."}
    return envelope(**(usual | changes))


async def test_a_message_reaches_the_number_and_says_only_what_its_body_says(
    sms: Other, gateway: Gateway
) -> None:
    body = "نحتاج إليك. :smile: {x} \\n https://planner.example.org/desk/"
    assert await sms.send(text(body=body)) == Outcome.accepted()
    [taken] = gateway.taken
    assert taken.to == "+33612345678"
    assert taken.text["message"] == body
    assert taken.text["title"] == ""
    assert not taken.text["attachments"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        ".",
        "..",
        "a/b",
        "../../admin",
        "a?x=1",
        "a&b",
        "a,b",
        "+33612345678,+33687654321",
        "+33612345678 +33687654321x",
        "a;b",
        "a%2Cb",
        "a\r\nb",
        "a b",
        "x" * 255,
        "<script>",
    ],
)
async def test_a_persons_entry_is_one_address_or_nothing(
    sms: Other, gateway: Gateway, address: str
) -> None:
    assert await sms.send(text(address=address)) == Outcome.gone("bad_address")
    assert not gateway.taken


@pytest.mark.parametrize(
    ("address", "encoded"),
    [
        ("+33612345678", "%2B33612345678"),
        ("0612345678", "0612345678"),
        ("(06) 12.34.56.78", "0612345678"),
        ("+33 (0)6 12 34 56 78", "%2B33612345678"),  # With the 0, it is the number of nobody.
        ("\u202a+33\xa06\u202f12 34 56 78\u202c", "%2B33612345678"),
        ("@tom:matrix.example.org", "%40tom%3Amatrix.example.org"),
        ("#room", "%23room"),
        ("tom@example.org", "tom%40example.org"),
        ("مريم", "%D9%85%D8%B1%D9%8A%D9%85"),
    ],
)
def test_an_address_is_percent_encoded_into_the_template(address: str, encoded: str) -> None:
    assert fill("sms://host/{address}?x=1", address) == f"sms://host/{encoded}?x=1"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.accepted()),
        (302, Outcome.fault("gateway", 302)),
        (400, Outcome.refused("gateway_refused", 400)),
        (401, Outcome.fault("gateway", 401)),
        (403, Outcome.fault("gateway", 403)),
        (404, Outcome.fault("gateway", 404)),
        (410, Outcome.refused("gateway_refused", 410)),
        (429, Outcome.again("gateway_failed", 429)),
        (500, Outcome.again("gateway_failed", 500)),
        (503, Outcome.again("gateway_failed", 503)),
    ],
)
async def test_each_answer_of_a_gateway_means_one_thing(
    sms: Other, gateway: Gateway, status: int, outcome: Outcome
) -> None:
    gateway.status = status
    gateway.headers = {"Location": f"http://127.0.0.1:{gateway.port}/elsewhere"}
    assert await sms.send(text()) == outcome
    assert len(gateway.taken) == 1, "neither repeated nor redirected"


async def test_a_gateway_that_is_away_is_a_passing_fault() -> None:
    with Gateway() as gateway:
        channel = Other(gateway.template)
    await channel.open()
    assert await channel.send(text()) == Outcome.again("gateway_failed")
    await channel.close()


async def test_a_gateway_that_hangs_costs_a_bounded_time(sms: Other, gateway: Gateway) -> None:
    gateway.hangs = True
    started = time.monotonic()
    assert await sms.send(text()) == Outcome.again("timeout")
    assert time.monotonic() - started < 4


async def test_messages_that_find_no_free_thread_cost_a_bounded_time(
    sms: Other, gateway: Gateway
) -> None:
    gateway.hangs = True
    outcomes = await asyncio.gather(*(sms.send(text()) for _ in range(THREADS + 1)))
    assert outcomes == [Outcome.again("timeout")] * (THREADS + 1)


async def test_words_that_no_encoding_can_carry_are_refused(sms: Other, gateway: Gateway) -> None:
    assert await sms.send(text(body="\ud800")) == Outcome.refused("content")
    assert not gateway.taken


async def test_a_template_that_apprise_does_not_know_is_a_fault() -> None:
    channel = Other("nonesuch://host/{address}")
    await channel.open()
    assert await channel.send(text()) == Outcome.fault("template")
    await channel.close()


async def test_opening_twice_and_closing_twice_is_harmless(sms: Other) -> None:
    await sms.open()
    await sms.close()
    await sms.close()


async def test_a_channel_that_is_not_open_says_so(gateway: Gateway) -> None:
    channel = Other(gateway.template)
    with pytest.raises(RuntimeError, match="open"):
        await channel.send(text())
    await channel.close()


async def test_no_log_line_holds_an_address(
    sms: Other,
    gateway: Gateway,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    for status in (200, 400, 500):
        gateway.status = status
        await sms.send(text())
    await sms.send(text(address="no, such"))
    shown = caplog.text + "".join(capfd.readouterr())
    assert "612345678" not in shown
    assert "such" not in shown


def test_a_template_is_checked_before_anything_is_sent() -> None:
    good = "json://gateway.example.org/send/{address}"
    assert check_template(good) == good


@pytest.mark.parametrize(
    "template",
    ["json://host/{adress}", "json://host/{address}/{name}", "nonesuch://secret/{address}", "x"],
)
def test_a_wrong_template_is_refused_without_showing_it(template: str) -> None:
    with pytest.raises(ValueError, match=r"braces|Apprise") as caught:
        check_template(template)
    assert "secret" not in str(caught.value)


def test_apprise_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, server.notify.channels.configured; sys.exit('apprise' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ), timeout=60)
