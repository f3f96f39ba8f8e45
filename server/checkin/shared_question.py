"""The question that a child and their caseworker share: agreed in person, asked on the phone.

A different answer may mean that the child forgot, or that another person answers. So it is shown as
an observation, never as a verdict. The phone gets the same reply from us either way.
"""

from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.checkin.duress.rules import is_same
from server.checkin.models import SharedAnswer, SharedQuestion
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_
from server.people.models import Child
from server.storage import bulk
from server.storage.db import write
from server.storage.ids import uuid7
from server.watch.models import Watch

LONGEST = 500


async def standing(child_id: UUID) -> SharedQuestion | None:
    """What holds now."""
    return await SharedQuestion.get_or_none(child_id=child_id, ended_at__isnull=True)


async def agree(
    actor: Actor, child: Child, text: str, answer: str, now: datetime
) -> SharedQuestion:
    """This is the question from now on; it replaces the one before. Raises Refused."""
    for field, words in (("question", text), ("answer", answer)):
        if not words.strip() or len(words) > LONGEST:
            raise Refused(N_("Write it in a few words, up to 500 characters."), field=field)
    async with write():
        await Watch.filter(child_id=child.id).select_for_update().first()
        await SharedQuestion.filter(child_id=child.id, ended_at__isnull=True).update(ended_at=now)
        id_ = uuid7()
        row = {
            "id": id_,
            "agency_id": child.agency_id,
            "child_id": child.id,
            "text": text.strip(),
            "answer": answer.strip(),
            "agreed_by": actor.id,
            "agreed_at": now,
        }
        await bulk.insert(SharedQuestion, [row])
        await _note(actor, child.id, "question:agree", id_, now)
    return await SharedQuestion.get(id=id_)


async def ask(actor: Actor, child: Child, now: datetime) -> None:
    """The phone asks it when it is opened next, until it is answered. Twice is once. Raises
    Conflict if nothing is agreed."""
    async with write():
        row = await _locked(child.id)
        if row is None:
            raise Conflict(N_("Agree on a question first."), code="nothing_agreed")
        if row.asked_at is None:
            await SharedQuestion.filter(id=row.id).update(asked_at=now)
            await _note(actor, child.id, "question:ask", row.id, now)


async def to_ask(child_id: UUID) -> tuple[UUID, str] | None:
    """What the phone is to ask now: its id, and the question."""
    row = await standing(child_id)
    return (row.id, row.text) if row is not None and row.asked_at is not None else None


async def answer(
    actor: Actor, child_id: UUID, *, id_: UUID, question_id: UUID, words: str, now: datetime
) -> None:
    """What was answered. Kept also where something else is agreed meanwhile, or it was not asked.
    The same id again changes nothing.

    Raises IdReused for a known id with other words, Refused for too many of them, NotFound if
    there is no such question of this child.
    """
    if len(words) > LONGEST:
        raise Refused(N_("Write it in a few words, up to 500 characters."), field="words")
    async with write():
        about = await SharedQuestion.get_or_none(id=question_id, child_id=child_id)
        if about is None:
            raise NotFound(N_("This question does not exist."))
        row = {
            "id": id_,
            "question_id": question_id,
            "child_id": child_id,
            "at": now,
            "words": words,
            "is_otherwise": not is_same(words, about.answer),
        }
        whose = {"child_id": child_id, "question_id": question_id}
        if await first_made(SharedAnswer, id_, words, **whose) is not None:
            return
        await bulk.insert(SharedAnswer, [row])
        await SharedQuestion.filter(id=question_id).update(asked_at=None)
        await _note(actor, child_id, "question:answer", question_id, now)


async def answers(child_id: UUID, most: int = 10) -> list[SharedAnswer]:
    """What was answered, the latest first."""
    return await SharedAnswer.filter(child_id=child_id).order_by("-at", "-id").limit(most)


async def _locked(child_id: UUID) -> SharedQuestion | None:
    await Watch.filter(child_id=child_id).select_for_update().first()
    return await standing(child_id)


async def _note(actor: Actor, child_id: UUID, what: str, about: UUID, now: datetime) -> None:
    await note(actor, what, child_id=child_id, about=("question", about), now=now)
