"""E-mail against a relay that misbehaves in every way relays do."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from server.notify.channels.email import Email, Relay, check_address, read_smtp_url
from server.notify.rules import Envelope, Kind, Outcome
from server.notify.wording import Facts, word
from tests.doubles import smtp
from tests.notify.envelopes import MESSAGE_ID, envelope

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SENDER = "Planner <planner@agency.example.org>"


def channel(relay: smtp.Relay, *, url: str = "", tls: ssl.SSLContext | None = None) -> Email:
    return Email(
        url or relay.url,
        mail_from=SENDER,
        clock=lambda: NOW,
        timeout=timedelta(seconds=2),
        tls_context=tls,
    )


def body_of(mail: smtp.Mail) -> str:
    content = mail.message.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def letter(**changes: object) -> Envelope:
    usual = {"address": "tom@example.org", "channel": "email", "body": "You are needed."}
    return envelope(**(usual | changes))


async def test_a_mail_arrives_plain_neutral_and_marked_as_automatic(relay: smtp.Relay) -> None:
    email = channel(relay)
    await email.open()
    assert await email.send(letter()) == Outcome.accepted(250)
    await email.close()
    [mail] = relay.mails
    assert (mail.sender, mail.recipients) == ("planner@agency.example.org", ["tom@example.org"])
    message = mail.message
    assert message["From"] == "Planner <planner@agency.example.org>"
    assert message["To"] == "tom@example.org"
    assert message["Subject"] == "You have 1 new item"
    assert message["Date"] == "Wed, 25 Nov 2026 12:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "en"
    assert message.get_content_type() == "text/plain"
    assert body_of(mail) == "You are needed.\n"


async def test_the_relay_learns_our_mail_domain_and_not_the_name_of_the_machine(
    relay: smtp.Relay,
) -> None:
    await channel(relay).send(letter())
    assert relay.said[0] == "EHLO agency.example.org"


async def test_the_same_message_has_the_same_id_each_time(relay: smtp.Relay) -> None:
    for _ in range(2):
        await channel(relay).send(letter())
    ids = {mail.message["Message-ID"] for mail in relay.mails}
    assert ids == {f"<{MESSAGE_ID}@agency.example.org>"}


async def test_any_script_arrives_unharmed(relay: smtp.Relay) -> None:
    body = word(Kind.ALERT, "ar", Facts(display_name="", url="https://x.org/")).body + "\n.\n..مخطط"
    sent = letter(language="ar", subject="لديك إشعار جديد واحد", sender="مخطط", body=body)
    assert await channel(relay).send(sent) == Outcome.accepted(250)
    [mail] = relay.mails
    message = mail.message
    assert message["Subject"] == "لديك إشعار جديد واحد"
    assert message["From"].addresses[0].display_name == "مخطط"
    assert body_of(mail) == body + "\n"
    assert mail.raw.isascii()


async def test_words_that_no_encoding_can_carry_are_refused(relay: smtp.Relay) -> None:
    assert await channel(relay).send(letter(body="\ud800")) == Outcome.refused("content")
    assert not relay.said


async def test_a_very_long_line_arrives_unbroken(relay: smtp.Relay) -> None:
    body = "Open: https://planner.example.org/" + "x" * 3000
    await channel(relay).send(letter(body=body))
    raw = relay.mails[0].raw
    assert max(len(line) for line in raw.splitlines()) < 998
    assert body_of(relay.mails[0]) == body + "\n"


@pytest.mark.parametrize("field", ["subject", "sender", "language", "title"])
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x00", "\x0b", "\u2028", "\x85", "\ud800"])
async def test_no_header_can_be_smuggled_in(relay: smtp.Relay, field: str, ending: str) -> None:
    nasty = f"fine{ending}Bcc: eve@example.org{ending}{ending}body"
    sent = letter(**{"subject": "", field: nasty})
    assert await channel(relay).send(sent) == Outcome.accepted(250)
    [mail] = relay.mails
    assert mail.recipients == ["tom@example.org"]
    assert "Bcc" not in mail.message
    assert body_of(mail) == "You are needed.\n"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "tom",
        "@example.org",
        "tom@",
        "tom@example.org\r\nBcc: eve@example.org",
        "tom@example.org\nRCPT TO:<eve@example.org>",
        "tom@example.org, eve@example.org",
        "Tom <tom@example.org>",
        "<tom@example.org>",
        "tom eve@example.org",
        '"tom eve"@example.org',
        "tom@[127.0.0.1]",
        "tom@example..org",
        "tom@-",
        "tom..x@example.org",
        "a" * 250 + "@example.org",
        "tom@exa\x00mple.org",
    ],
)
async def test_what_is_no_address_is_given_up_without_a_connection(
    relay: smtp.Relay, address: str
) -> None:
    assert await channel(relay).send(letter(address=address)) == Outcome.gone("bad_address")
    assert not relay.said


@given(st.text(max_size=40))
def test_no_text_whatever_makes_an_address_with_a_second_line(text: str) -> None:
    for made in (text, f"{text}@example.org", f"tom@{text}"):
        try:
            address = check_address(made)
        except ValueError:
            continue
        assert not set("\r\n <>,") & set(address.addr_spec)


async def test_a_domain_in_another_script_is_written_in_ascii(relay: smtp.Relay) -> None:
    assert await channel(relay).send(letter(address="tom@büro.example")) == Outcome.accepted(250)
    assert relay.mails[0].recipients == ["tom@xn--bro-hoa.example"]
    assert "SMTPUTF8" not in relay.mails[0].options


async def test_a_name_in_another_script_needs_a_relay_that_knows_them(relay: smtp.Relay) -> None:
    assert await channel(relay).send(letter(address="töm@example.org")) == Outcome.accepted(250)
    assert relay.mails[0].recipients == ["töm@example.org"]
    assert "SMTPUTF8" in relay.mails[0].options
    relay.extensions = ()
    outcome = await channel(relay).send(letter(address="töm@example.org"))
    assert outcome == Outcome.refused("not_supported")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "answer", "outcome"),
    [
        ("CONNECT", "421 later", Outcome.again("relay_busy", 421)),
        ("CONNECT", "554 not you", Outcome.fault("relay", 554)),
        ("MAIL", "451 later", Outcome.again("relay_busy", 451)),
        ("MAIL", "550 not as that sender", Outcome.fault("relay", 550)),
        ("RCPT", "450 4.2.1 later", Outcome.again("relay_busy", 450)),
        ("RCPT", "451 4.7.1 greylisted", Outcome.again("relay_busy", 451)),
        ("RCPT", "550 5.1.1 no such user", Outcome.gone("no_mailbox", 550)),
        ("RCPT", "550 5.2.1 mailbox shut", Outcome.gone("no_mailbox", 550)),
        ("RCPT", "550 5.7.1 relaying denied", Outcome.refused("recipient_refused", 550)),
        ("RCPT", "550 relay not permitted", Outcome.refused("recipient_refused", 550)),
        ("RCPT", "552 5.2.2 mailbox full", Outcome.refused("recipient_refused", 552)),
        ("DATA", "451 later", Outcome.again("relay_busy", 451)),
        ("DATA", "554 no", Outcome.refused("content_refused", 554)),
        (".", "452 disk full", Outcome.again("relay_busy", 452)),
        (".", "554 5.7.1 spam", Outcome.refused("content_refused", 554)),
        ("CONNECT", "drop", Outcome.again("unreachable")),
        ("RCPT", "drop", Outcome.again("unreachable")),
        (".", "drop", Outcome.again("unreachable")),
        ("CONNECT", "hang", Outcome.again("timeout")),
        ("EHLO", "hang", Outcome.again("timeout")),
        ("RCPT", "hang", Outcome.again("timeout")),
        (".", "hang", Outcome.again("timeout")),
        ("EHLO", "trickle", Outcome.again("timeout")),
        ("RCPT", "trickle", Outcome.again("timeout")),
        ("CONNECT", "not a mail server at all", Outcome.again("unreachable")),
    ],
)
async def test_each_refusal_means_one_thing(
    relay: smtp.Relay, command: str, answer: str, outcome: Outcome
) -> None:
    relay.answers[command] = answer
    started = time.monotonic()
    got = await channel(relay).send(letter())
    assert time.monotonic() - started < 3
    if answer.startswith("not a"):
        assert got.reason in ("unreachable", "relay_busy", "relay")
    else:
        assert got == outcome
    assert not relay.mails


@pytest.mark.parametrize("answer", ["hang", "drop", "500 never"])
async def test_how_a_relay_says_good_bye_does_not_make_us_send_twice(
    relay: smtp.Relay, answer: str
) -> None:
    relay.answers["QUIT"] = answer
    assert await channel(relay).send(letter()) == Outcome.accepted(250)
    assert len(relay.mails) == 1


async def test_a_relay_that_is_away_is_a_passing_fault() -> None:
    with smtp.Relay() as relay:
        email = channel(relay)
    assert await email.send(letter()) == Outcome.again("unreachable")


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (ConnectionResetError(), Outcome.again("unreachable")),
        (ssl.SSLError(), Outcome.fault("tls")),
        (TimeoutError(), Outcome.again("timeout")),
    ],
)
async def test_what_the_library_lets_through_is_an_outcome_as_well(
    relay: smtp.Relay, monkeypatch: pytest.MonkeyPatch, fault: Exception, outcome: Outcome
) -> None:
    async def connect(*_: object) -> None:
        raise fault

    monkeypatch.setattr("aiosmtplib.SMTP.connect", connect)
    assert await channel(relay).send(letter()) == outcome


async def test_a_wrong_password_is_a_fault_of_the_channel(relay: smtp.Relay) -> None:
    relay.extensions = ("AUTH PLAIN LOGIN",)
    url = f"smtp://planner:p%40ss@127.0.0.1:{relay.port}"
    assert await channel(relay, url=url).send(letter()) == Outcome.accepted(250)
    relay.answers["AUTH"] = "535 5.7.8 no"
    assert await channel(relay, url=url).send(letter()) == Outcome.fault("password", 535)
    relay.answers["AUTH"] = "454 4.7.0 later"
    assert await channel(relay, url=url).send(letter()) == Outcome.again("relay_busy", 454)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The relay's side and the sender's side of a certificate for 127.0.0.1."""
    folder: Path = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "both.pem").write_bytes(secret + pem)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(folder / "both.pem")
    ours = ssl.create_default_context(cadata=pem.decode())
    return theirs, ours


@pytest.mark.parametrize("is_tls_from_start", [True, False])
async def test_a_mail_goes_through_tls_where_the_address_says_so(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], is_tls_from_start: bool
) -> None:
    theirs, ours = certificates
    with smtp.Relay(tls=theirs, is_tls_from_start=is_tls_from_start) as relay:
        url = relay.url + ("" if is_tls_from_start else "?starttls=1")
        assert await channel(relay, url=url, tls=ours).send(letter()) == Outcome.accepted(250)
        assert len(relay.mails) == 1
        if not is_tls_from_start:
            assert "STARTTLS" in relay.said


@pytest.mark.parametrize("is_tls_from_start", [True, False])
async def test_a_certificate_that_nobody_vouches_for_is_a_fault(
    certificates: tuple[ssl.SSLContext, ssl.SSLContext], is_tls_from_start: bool
) -> None:
    with smtp.Relay(tls=certificates[0], is_tls_from_start=is_tls_from_start) as relay:
        url = relay.url + ("" if is_tls_from_start else "?starttls=1")
        assert await channel(relay, url=url).send(letter()) == Outcome.fault("tls")
        assert not relay.mails


async def test_a_relay_without_tls_gets_nothing_where_tls_is_asked_for(relay: smtp.Relay) -> None:
    outcome = await channel(relay, url=f"{relay.url}?starttls=1").send(letter())
    assert outcome == Outcome.fault("relay")
    assert not relay.mails


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://localhost", Relay("localhost", 25, None, None, False, False)),
        ("smtps://mx.example.org", Relay("mx.example.org", 465, None, None, True, False)),
        (
            "smtp://a%40b:c%2Fd@mx.example.org:587?starttls=1",
            Relay("mx.example.org", 587, "a@b", "c/d", False, True),
        ),
        ("smtp://a:b@127.0.0.1:2525", Relay("127.0.0.1", 2525, "a", "b", False, False)),
    ],
)
def test_the_address_of_a_relay_is_read(url: str, found: Relay) -> None:
    assert read_smtp_url(url) == found


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:25",
        "http://localhost",
        "smtp://",
        "smtp://localhost:x",
        "smtp://localhost:99999",
        "smtp://localhost/path",
        "smtps://localhost?starttls=1",
        "smtp://user:secret@mx.example.org",
    ],
)
def test_what_is_no_relay_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"smtp|TLS|starttls") as caught:
        read_smtp_url(url)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(caught.value)
