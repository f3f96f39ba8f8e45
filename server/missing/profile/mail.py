"""The grab pack by mail: one page under a passphrase that is told by telephone.

Sending the mail ends no clock. A police mailbox may go unread at night. The police count as told
once a person has spoken with them, and so the passphrase is told by telephone.
"""

import asyncio
from datetime import datetime, timedelta
from enum import StrEnum
from io import BytesIO
from uuid import UUID

import msgspec

from server.audit.actions import Actor
from server.audit.repeats import first_made
from server.errors import Conflict, Refused
from server.i18n import N_
from server.missing.profile.paper import page as page_of
from server.missing.profile.reading import Reader
from server.missing.profile.rules import Copy
from server.missing.search import entry_kinds
from server.missing.search.actions import locked
from server.missing.search.models import Episode, PaperSent
from server.missing.search.timeline import NewEntry, append
from server.notify.actions import Saying, enclose, queue
from server.notify.models import Message
from server.notify.rules import EMAIL, Attachment, Kind
from server.people.models import Agency, Child
from server.security import encryption
from server.storage.db import write

# After that the agency prints the page and drives there.
LASTS = timedelta(hours=12)
# Sixteen characters without look-alikes are 80 bits, read aloud in four groups.
PASSPHRASE, GROUP = 16, 4
NAME = "paper.pdf"


class Mailing(msgspec.Struct, frozen=True):
    """Who receives it, where, and which copy in which language."""

    to: str
    address: str
    copy: Copy
    language: str


class State(StrEnum):
    """What became of a mail, as far as we can know."""

    WAITING = "waiting"
    HANDED_OVER = "handed_over"
    FAILED = "failed"


async def send(
    actor: Actor, episode: Episode, id_: UUID, mailing: Mailing, reader: Reader, now: datetime
) -> PaperSent:
    """Put the page into a mail. The same id again is the same mail.

    Raises Refused (naming the field), IdReused, Conflict `found` once the child was seen.
    """
    if mailing.to not in entry_kinds.TO:
        raise Refused(N_("Choose an answer."), field="to")
    child = await Child.get(id=episode.child_id)
    page = await page_of(child, mailing.copy, reader, now)
    passphrase = _passphrase()
    closed = await asyncio.to_thread(close, page.made, passphrase)
    async with write():
        episode = await locked(episode.id)
        existing = await first_made(PaperSent, id_, mailing, episode_id=episode.id)
        if existing is not None:
            return existing
        if not episode.is_open:
            raise Conflict(
                N_("The child was seen in the meantime, so we send nothing more."), code="found"
            )
        paper = await PaperSent.create(
            id=id_,
            agency_id=episode.agency_id,
            episode_id=episode.id,
            to=mailing.to,
            address=mailing.address,
            copy=mailing.copy.value,
            language=mailing.language,
            pack_version=page.version,
            passphrase=passphrase,
            made_at=now,
            made_by=actor.id,
        )
        await _queue(paper, child.id, closed, now)
        await append(actor, episode, _mailed(paper), now)
    return paper


async def _queue(paper: PaperSent, child_id: UUID, closed: bytes, now: datetime) -> None:
    agency = await Agency.get(id=paper.agency_id)
    [message_id] = await queue([_saying(paper, child_id, agency.name, now)], now)
    await enclose(message_id, Attachment(NAME, "application/pdf", closed))


def _mailed(paper: PaperSent) -> NewEntry:
    details = {"to": paper.to, "address": paper.address, "pack": str(paper.pack_version)}
    return NewEntry(entry_kinds.MAILED, paper.made_at, details=details, about=paper.id)


def _passphrase() -> str:
    code = encryption.new_code(PASSPHRASE)
    return "-".join(code[n : n + GROUP] for n in range(0, PASSPHRASE, GROUP))


def close(page: bytes, passphrase: str) -> bytes:
    """The same pages as a PDF that opens by the passphrase alone (AES-256, PDF 2.0)."""
    from pypdf import PdfWriter  # Not at the start: as in plan/paper/typeset.py.

    writer = PdfWriter(clone_from=BytesIO(page))
    writer.encrypt(passphrase, algorithm="AES-256")
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def _saying(paper: PaperSent, child_id: UUID, agency: str, now: datetime) -> Saying:
    return Saying(
        kind=Kind.PAPER,
        agency_id=paper.agency_id,
        subject_kind="paper",
        subject_id=paper.id,
        outsider_id=paper.id,
        child_id=child_id,
        channel=EMAIL,
        urgency="high",
        expires_at=now + LASTS,
        data={"to": paper.address, "language": paper.language, "sender": agency},
    )


async def state_of(paper: PaperSent) -> tuple[State, datetime | None]:
    """What became of it, and when."""
    message = await Message.get(subject_id=paper.id, kind=Kind.PAPER)
    if message.state == "done" and message.why is None:
        return State.HANDED_OVER, message.done_at
    is_over = message.state not in ("waiting", "sending")
    return (State.FAILED, message.done_at) if is_over else (State.WAITING, None)
