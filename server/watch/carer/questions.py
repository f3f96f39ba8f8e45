"""The question to a carer: read from its link, and answered with one tap."""

from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor
from server.errors import NotFound, Refused
from server.notify.actions import withdraw
from server.people.rules import Role
from server.security import encryption
from server.storage.db import as_id, write
from server.watch.actions import SightingRequest, note_sighting
from server.watch.carer.asked import is_asked
from server.watch.carer.models import Question
from server.watch.writing import lock


async def answer_question(question_id: UUID, answer: str, now: datetime) -> Question:
    """The carer's one tap. The first answer counts; a second tap changes nothing.

    Raises NotFound, and Refused if the question's time is over, or another person is asked now.
    """
    async with write():
        unlocked = await Question.get_or_none(id=question_id)
        if unlocked is None:
            raise NotFound("This question does not exist.")
        await lock(unlocked.child_id)  # Before the question, as a roll call does.
        question = await Question.filter(id=question_id).select_for_update().get()
        if question.answered_at is not None:
            return question
        if question.expires_at <= now or not await is_asked(question, now):
            raise Refused("This question is closed. If you are worried, call the caseworker.")
        await Question.filter(id=question_id).update(answered_at=now, answer=answer)
        # Before the sighting, which has the same id and may have something to say itself.
        await withdraw([question_id], "answered", now)
        actor = Actor(question.person_id, Role.CARER.value, question.agency_id)
        sighting = SightingRequest(question_id, "seen" if answer == "seen" else "not_seen")
        await note_sighting(actor, question.child_id, Role.CARER, sighting, now)
    return await Question.get(id=question_id)


async def end_questions(child_id: UUID, now: datetime) -> list[UUID]:
    """The carer is no longer asked about this child; returns the questions that were open. The
    caller withdraws what has not been sent yet."""
    asked = Question.filter(child_id=child_id, answered_at__isnull=True, expires_at__gt=now)
    ids = await asked.values_list("id", flat=True)
    await asked.update(expires_at=now)
    return [as_id(id_) for id_ in ids]


def read_question(token: str, now: datetime) -> UUID:
    """Which question a carer's link asks. Raises NotFound for one that is not ours or is over."""
    try:
        return UUID(encryption.unsign(token, "question", now))
    except (encryption.Unreadable, ValueError):
        raise NotFound("This link no longer works.") from None
