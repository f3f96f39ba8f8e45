"""A mail relay on loopback that keeps what it is given, and can misbehave at any command."""

import asyncio
import email
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from threading import Event

from tests.doubles.ear import hear
from tests.doubles.thread import InThread


@dataclass
class Mail:
    """What one DATA held, and the envelope around it."""

    sender: str
    recipients: list[str]
    raw: bytes
    options: str = ""

    @property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.raw, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def read(self) -> list[str]:
        """Every header and the text of every part, as somebody reads them."""
        parts = [part for part in self.message.walk() if part.get_content_maintype() == "text"]
        headers = [f"{name}: {value}" for part in parts for name, value in part.items()]
        return [*headers, *(part.get_content() for part in parts)]


@dataclass
class Relay(InThread):
    """`answers` maps a command (CONNECT EHLO STARTTLS AUTH MAIL RCPT DATA . QUIT) to the line
    that it answers instead; `hang` never answers, `trickle` never ends, `drop` hangs up."""

    answers: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)  # Mailboxes that there are not.
    extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8")
    tls: ssl.SSLContext | None = None
    is_tls_from_start: bool = False
    mails: list[Mail] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    port: int = 0
    holds: Event = field(default_factory=Event)  # Somebody waits for an answer that does not come.

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def url(self) -> str:
        scheme = "smtps" if self.is_tls_from_start else "smtp"
        return f"{scheme}://127.0.0.1:{self.port}"

    async def begin(self) -> None:
        context = self.tls if self.is_tls_from_start else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def end(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._answer(reader, writer, "CONNECT", "220 ready"):
            return
        mail = Mail("", [], b"")
        while line := (await reader.readline()).decode():
            self.said.append(line.rstrip("\r\n"))
            verb = line.split()[0].upper() if line.split() else ""
            if verb == "MAIL":
                address, _, options = line[10:].strip().partition(" ")
                mail = Mail(address.strip("<>"), [], b"", options)
            elif verb == "RCPT":
                to = line[8:].strip().split(" ")[0].strip("<>")
                if to in self.refused:
                    writer.write(b"550 5.1.1 no such mailbox\r\n")
                    continue
                mail.recipients.append(to)
            elif verb == "STARTTLS" and self.tls is not None:
                if not await self._answer(reader, writer, "STARTTLS", "220 go on"):
                    return
                await writer.start_tls(self.tls)
                continue
            if not await self._answer(reader, writer, verb, self._usual(verb)):
                return
            if verb == "DATA" and "DATA" not in self.answers:
                mail.raw = await self._read_data(reader)
                hear("mail", mail.raw, *mail.read())
                if "." not in self.answers:
                    self.mails.append(mail)
                if not await self._answer(reader, writer, ".", "250 taken"):
                    return
            if verb == "QUIT":
                return

    def _usual(self, verb: str) -> str:
        if verb == "EHLO":
            names = ["127.0.0.1", *self.extensions]
            if self.tls is not None and not self.is_tls_from_start:
                names.append("STARTTLS")
            marks = ["-"] * (len(names) - 1) + [" "]
            return "\r\n".join(f"250{mark}{name}" for mark, name in zip(marks, names, strict=True))
        usual = {"DATA": "354 go on", "QUIT": "221 bye", "AUTH": "235 welcome"}
        return usual.get(verb, "250 fine")

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, verb: str, usual: str
    ) -> bool:
        answer = self.answers.get(verb, usual)
        if answer == "hang":
            self.holds.set()
            while await reader.read(1024):
                pass  # Until the other side has had enough.
            return False
        while answer == "trickle":
            writer.write(b"250-and\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)
        if answer == "drop":
            return False
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
        return True

    async def _read_data(self, reader: asyncio.StreamReader) -> bytes:
        raw = await reader.readuntil(b"\r\n.\r\n")
        return raw[:-3].replace(b"\r\n..", b"\r\n.")
