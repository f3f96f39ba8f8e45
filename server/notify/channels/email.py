"""E-mail: plain text, neutral, one message per connection, by aiosmtplib."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from unicodedata import category
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import msgspec
from idna import IDNAError
from idna import encode as idna_encode

from server.clock import Clock
from server.notify.refusals import Stage, read
from server.notify.rules import EMAIL, Envelope, Outcome

TIMEOUT = timedelta(seconds=20)
GOODBYE = timedelta(seconds=2)
LONGEST_ADDRESS = 254
PORTS = {"smtp": 25, "smtps": 465}
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*\Z")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Relay(msgspec.Struct, frozen=True):
    """The mail server that takes our mail."""

    host: str
    port: int
    username: str | None
    password: str | None
    uses_tls: bool
    starts_tls: bool


def read_smtp_url(text: str) -> Relay:
    """`smtp://[user:password@]host[:port][?starttls=1]` or `smtps://…`, percent-decoded.

    Plain `smtp://` never changes to TLS by itself: a relay on the same machine often offers it with
    a certificate that nobody could verify. A password is refused without TLS except to loopback.
    ValueError, without the password in it, for an invalid address.
    """
    try:
        parts = urlsplit(text)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise ValueError("not an smtp:// or smtps:// address") from None
    starts_tls = parse_qs(parts.query).get("starttls", ["0"])[-1] in ("1", "true", "yes")
    uses_tls = parts.scheme == "smtps"
    if not parts.hostname or parts.path not in ("", "/") or (uses_tls and starts_tls):
        raise ValueError("not an smtp:// or smtps:// address")
    if parts.password and not (uses_tls or starts_tls or parts.hostname in LOOPBACK):
        raise ValueError("a password needs smtps:// or ?starttls=1")
    return Relay(
        host=parts.hostname,
        port=port,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        uses_tls=uses_tls,
        starts_tls=starts_tls,
    )


def check_address(text: str) -> Address:
    """A mail address as it goes over the wire. ValueError where it cannot be one.

    The domain is written in ASCII (IDNA), so that only a local part outside ASCII needs a server
    that knows SMTPUTF8. Line breaks and everything else that could end a header are refused.
    """
    name, at, domain = text.strip().rpartition("@")
    if not (name and at and domain) or len(text) > LONGEST_ADDRESS:
        raise ValueError("not a mail address")
    if any(ord(c) <= 32 or ord(c) == 127 or c in '<>()[],;:\\"' for c in name + domain):
        raise ValueError("not a mail address")
    try:
        wire = domain if domain.isascii() else idna_encode(domain, uts46=True).decode("ascii")
        address = Address(username=name, domain=wire)
    except (IDNAError, MessageError, ValueError, IndexError):
        raise ValueError("not a mail address") from None
    if not _DOMAIN.match(wire) or "" in name.split("."):
        raise ValueError("not a mail address")
    return address


class Email:
    """The channel `email`. The address is a mail address."""

    def __init__(
        self,
        smtp_url: str,
        *,
        mail_from: str,
        clock: Clock,
        timeout: timedelta = TIMEOUT,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        """ValueError for an invalid relay or sender. `mail_from` may contain a name."""
        self._relay = read_smtp_url(smtp_url)
        self._from = check_address(parseaddr(mail_from)[1] or mail_from)
        self._clock = clock
        self._timeout = timeout.total_seconds()
        self._tls_context = tls_context

    async def open(self) -> None:
        """Nothing to open: each message has a connection of its own."""

    async def close(self) -> None:
        """Nothing to close."""

    async def send(self, envelope: Envelope) -> Outcome:
        """Hand one message to the relay. Never raises for what happens there."""
        try:
            to = check_address(envelope.address)
        except ValueError:
            return Outcome.gone("bad_address")
        try:
            mail = self.compose(envelope, to)
        except ValueError:
            return Outcome.refused("content")
        return await self._try(mail, to.addr_spec)

    async def rehearse(self, recipients: Sequence[str]) -> tuple[Outcome, dict[str, Outcome]]:
        """Everything up to the message itself, then take it back: for `waymark check`. Returns the
        outcome of the conversation, and which of these recipients were refused."""
        refused: dict[str, Outcome] = {}
        outcome = await self._guarded(self._rehearse(recipients, refused))
        return outcome, refused

    async def _try(self, mail: EmailMessage, recipient: str) -> Outcome:
        return await self._guarded(self._hand_over(mail, recipient))

    async def _guarded(self, talk: Awaitable[None]) -> Outcome:
        """Hold a conversation with the relay and return its outcome."""
        try:
            await talk
        except aiosmtplib.SMTPException as fault:
            return read_fault(fault)
        except TimeoutError:
            return Outcome.again("timeout")
        except OSError as fault:
            is_tls = isinstance(fault, ssl.SSLError)
            return Outcome.fault("tls") if is_tls else Outcome.again("unreachable")
        return Outcome.accepted(250)

    def compose(self, envelope: Envelope, to: Address) -> EmailMessage:
        """The mail. The same message has the same Message-ID each time it is sent, so that a mail
        program shows a doubled one once."""
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = Address(_one_line(envelope.sender), addr_spec=self._from.addr_spec)
        mail["To"] = to
        mail["Subject"] = _one_line(envelope.subject or envelope.title)
        mail["Date"] = format_datetime(self._clock())
        mail["Message-ID"] = f"<{envelope.message_id}@{self._from.domain}>"
        # Stops out-of-office replies (RFC 3834), even Exchange's.
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        body = envelope.body.rstrip() + "\n"
        is_plain = body.isascii() and all(len(line) < 900 for line in body.splitlines())
        mail.set_content(body, cte="7bit" if is_plain else "base64")
        # After the content, which removes every header of that family.
        mail["Content-Language"] = _one_line(envelope.language)
        for file in envelope.attachments:
            kind, _, form = file.media_type.partition("/")
            mail.add_attachment(file.content, maintype=kind, subtype=form, filename=file.name)
        return mail

    async def _rehearse(self, recipients: Sequence[str], refused: dict[str, Outcome]) -> None:
        async with self._connected() as client:
            await client.mail(self._from.addr_spec)
            for text in recipients:
                try:
                    to = check_address(text).addr_spec
                    encoding = "ascii" if to.isascii() else "utf-8"
                    await client.rcpt(to, encoding=encoding)
                except aiosmtplib.SMTPRecipientRefused as fault:
                    refused[text] = read_fault(fault)
                except ValueError:
                    refused[text] = Outcome.gone("bad_address")
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.rset()

    async def _hand_over(self, mail: EmailMessage, recipient: str) -> None:
        async with self._connected() as client:
            await client.send_message(mail, sender=self._from.addr_spec, recipients=[recipient])

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """The relay, greeted and signed in; with a good-bye where all went well."""
        client = aiosmtplib.SMTP(
            hostname=self._relay.host,
            port=self._relay.port,
            username=self._relay.username,
            password=self._relay.password,
            use_tls=self._relay.uses_tls,
            start_tls=self._relay.starts_tls,
            tls_context=self._tls_context,
            timeout=self._timeout,
            # The default asks the resolver for this machine's name, and tells it to the relay.
            local_hostname=self._from.domain,
        )
        try:
            # Each command has its time, and all together have one: a relay that answers a line now
            # and then must not block a place among the senders.
            async with asyncio.timeout(self._timeout * 2):
                await client.connect()
                yield client
            # The relay has the mail. A fault in its good-bye must not make us send it again.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=GOODBYE.total_seconds())
        finally:
            client.close()


def read_fault(fault: aiosmtplib.SMTPException) -> Outcome:
    """What a relay's refusal means: by the table in refusals.py, where it has answered at all."""
    if isinstance(fault, aiosmtplib.SMTPRecipientsRefused):
        return read_fault(fault.recipients[0])
    if isinstance(fault.__cause__, ssl.SSLError):
        return Outcome.fault("tls")
    if isinstance(fault, aiosmtplib.SMTPTimeoutError):
        return Outcome.again("timeout")
    if isinstance(fault, aiosmtplib.SMTPNotSupported):
        return Outcome.refused("not_supported")
    if isinstance(fault, aiosmtplib.SMTPResponseException):
        return read(EMAIL, _stage(fault), fault.code, text=fault.message)
    if isinstance(fault, (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected)):
        return Outcome.again("unreachable")
    return Outcome.fault("relay")


def _stage(fault: aiosmtplib.SMTPResponseException) -> Stage:
    """Which command was refused: the library has an exception for each."""
    stages = (
        (aiosmtplib.SMTPRecipientRefused, Stage.RCPT),
        (aiosmtplib.SMTPSenderRefused, Stage.MAIL),
        (aiosmtplib.SMTPDataError, Stage.DATA),
        (aiosmtplib.SMTPAuthenticationError, Stage.AUTH),
    )
    return next((stage for kind, stage in stages if isinstance(fault, kind)), Stage.CONNECT)


def _one_line(text: str) -> str:
    """Without anything that could end a header: that is how headers are smuggled in."""
    ends = ("Cc", "Cs", "Zl", "Zp")
    return " ".join("".join(" " if category(c) in ends else c for c in text).split())
