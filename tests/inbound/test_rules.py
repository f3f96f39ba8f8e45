"""What a text means, whoever typed it on whatever keyboard; and what no gateway signed."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.inbound import bodies, rules
from server.inbound.rules import Meant, Seal

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
WORDS = {"ok": "Café 7", "help": "bleu", "other": "thé"}
STAMP = str(int(NOW.timestamp()))


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("café 7", Meant.OK),
        ("  CAFE   7 !", Meant.OK),
        ("cafe \u0667", Meant.OK),
        ("the", Meant.OTHER),
        ("Thé.", Meant.OTHER),
        ("BLEU", Meant.HELP),
        ("c'est bleu, vite", Meant.HELP),
        ("bleuet", None),
        ("café 7 maman", None),
        ("", None),
        ("...", None),
    ],
)
def test_a_word_is_known_however_it_is_typed(said: str, what: Meant | None) -> None:
    assert rules.meant(said, WORDS) is what


def test_arabic_is_known_with_and_without_its_signs() -> None:
    words = {"ok": "أزرق", "help": "شمس"}
    assert rules.meant("ازرق", words) is Meant.OK
    assert rules.meant("أَزْرَق", words) is Meant.OK
    assert rules.meant("أزـرق", words) is Meant.OK
    assert rules.meant("أين الشمس", words) is None
    assert rules.meant("شمس!", words) is Meant.HELP


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert rules.fold(rules.fold(text)) == rules.fold(text)


@given(st.text(max_size=60))
def test_no_text_breaks_what_reads_it(text: str) -> None:
    rules.meant(text, WORDS)
    rules.read_reply(text)
    rules.number(text)
    rules.pin_of(text)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ({"ok": "a", "help": "bleu"}, ("ok", "length")),
        ({"ok": "sun", "help": ""}, ("help", "length")),
        ({"ok": "sun", "help": "SUN."}, ("help", "taken")),
        ({"ok": "sun rise", "help": "sun"}, ("help", "taken")),
        ({"ok": "sun", "help": "bleu", "other": "Sün"}, ("other", "taken")),
        ({"ok": "x" * 41, "help": "bleu"}, ("ok", "length")),
        ({"ok": "sun", "help": "bleu", "other": ""}, None),
        ({"ok": "sun", "help": "bleu", "other": "rain"}, None),
    ],
)
def test_words_that_could_be_taken_for_each_other_are_not_agreed(
    words: dict[str, str], wrong: tuple[str, str] | None
) -> None:
    assert rules.wrong_word(words) == wrong


def test_a_word_of_another_child_with_the_same_number_is_taken() -> None:
    assert rules.wrong_word({"ok": "sun", "help": "bleu"}, ["bleu"]) == ("help", "taken")


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("+33 6 12 34 56 78", "+33612345678"),
        ("0033-612345678", "+33612345678"),
        ("(06) 12.34.56.78", "0612345678"),
        ("+٣٣٦١٢٣٤٥٦٧٨", "+33612345678"),
        ("+33", None),
        ("sam@example.org", None),
        ("call me 12345", None),
    ],
)
def test_a_number_is_one_however_it_is_written(typed: str, plain: str | None) -> None:
    assert rules.number(typed) == plain


def test_a_sender_is_found_under_every_spelling_of_an_address() -> None:
    assert {"+33612345678", "0033612345678", "33612345678"} <= set(rules.spellings("33612345678"))
    assert "sam@example.org" in rules.spellings("Sam@Example.org ")


def test_only_the_first_line_of_a_reply_counts() -> None:
    reply = rules.read_reply("\n> 2 QQQQ\nYes a7k2 thanks\n\n> 2 ZZZZ")
    assert (reply.says, "A7K2" in reply.codes, "ZZZZ" in reply.codes) == (True, True, False)
    assert rules.read_reply("A7K2").says is None
    assert rules.read_reply("٢ A7K2").says is False


@pytest.mark.parametrize(
    ("pin", "is_good"),
    [
        ("4829", True),
        ("48291175", True),
        ("1111", False),
        ("1234", False),
        ("4321", False),
        ("482", False),
        ("482911750", False),
        ("48a9", False),
    ],
)
def test_a_pin_is_digits_and_not_what_everybody_tries_first(pin: str, is_good: bool) -> None:
    assert rules.is_good_pin(pin) is is_good


def test_digits_of_another_script_are_the_same_pin() -> None:
    assert rules.pin_of("٤٨ ٢٩") == "4829"


def sealed(secrets: Sequence[str], stamp: str, body: bytes) -> Seal:
    seal = Seal(secrets, stamp)
    for at in range(len(body)):
        seal.feed(body[at : at + 1])
    return seal


def signature(body: bytes) -> str:
    return hmac.new(b"s" * 32, STAMP.encode() + b"." + body, "sha256").hexdigest()


def test_what_is_signed_lately_is_heard() -> None:
    given_ = signature(b"{}")
    assert sealed(["other", "s" * 32], STAMP, b"{}").is_of(given_, NOW)
    seal = sealed(["s" * 32], STAMP, b"{}")
    assert seal.is_of(f"sha256={given_.upper()}", NOW)
    assert seal.is_of(given_, NOW + rules.FRESH)


@pytest.mark.parametrize(
    ("secrets", "stamp", "body", "later"),
    [
        ((), STAMP, b"{}", timedelta(0)),
        (("t" * 32,), STAMP, b"{}", timedelta(0)),
        (("s" * 32,), STAMP, b"{ }", timedelta(0)),
        (("s" * 32,), str(int(STAMP) + 1), b"{}", timedelta(0)),
        (("s" * 32,), "soon", b"{}", timedelta(0)),
        (("s" * 32,), "", b"{}", timedelta(0)),
        (("s" * 32,), STAMP, b"{}", rules.FRESH + timedelta(seconds=1)),
        (("s" * 32,), STAMP, b"{}", -rules.FRESH - timedelta(seconds=1)),
    ],
)
def test_whatever_else_is_not(
    secrets: tuple[str, ...], stamp: str, body: bytes, later: timedelta
) -> None:
    assert not sealed(secrets, stamp, body).is_of(signature(b"{}"), NOW + later)


def test_a_form_is_read_by_whichever_names_it_has() -> None:
    kind = "application/x-www-form-urlencoded"
    twilio = b"MessageSid=SM1&From=%2B33612345678&Body=hello&NumMedia=0"
    hook = asyncio.run(bodies.read("sms", kind, twilio))
    assert (hook.outer_id, hook.sender, hook.text) == ("SM1", "+33612345678", "hello")
    bare = asyncio.run(bodies.read("sms", kind, b"text=hello"))
    assert (bare.sender, bare.text) == (None, "hello")
    assert bare.outer_id.startswith("body ")
