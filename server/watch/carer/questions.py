"""The question to a carer: read from its link, and answered with one tap."""

from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor, note_all
from server.errors import NotFound, Refused
from server.notify.actions import withdraw
from server.people.models import Child
from server.people.rules import Role
from server.security import encryption
from server.storage.db import as_id, write
from server.watch.actions import SightingRequest, note_sighting
from server.watch.carer.asked import is_asked
from server.watch.carer.away import tell_of_moved, told_people
from server.watch.carer.messages import LASTS
from server.watch.carer.models import Question
from server.watch.models import Watch
from server.watch.writing import lock

CLOSED = "This question is closed. If you are worried, call the caseworker."
PASSED_ON = "This question is closed. We passed on that you could not find the young person."


async def answer_question(question_id: UUID, answer: str, now: datetime) -> Question:
    """The carer's one tap. The first answer counts; a second tap changes nothing.

    Raises NotFound, and Refused if the question's time is over, or another person is asked now: who
    has the child now hears of a "not seen" (then with the detail `PASSED_ON`).
    """
    async with write():
        unlocked = await Question.get_or_none(id=question_id)
        if unlocked is None:
            raise NotFound("This question does not exist.")
        watch = await lock(unlocked.child_id)  # Before the question, as a roll call does.
        question = await Question.filter(id=question_id).select_for_update().get()
        if question.answered_at is not None:
            return question
        actor = Actor(question.person_id, Role.CARER.value, question.agency_id)
        if question.expires_at > now and await is_asked(question, now):
            await _answer(actor, question, answer, now)
            return await Question.get(id=question_id)
        is_passed_on = answer != "seen" and await _pass_on(actor, question, watch, now)
    raise Refused(PASSED_ON if is_passed_on else CLOSED)


async def _answer(actor: Actor, question: Question, answer: str, now: datetime) -> None:
    await Question.filter(id=question.id).update(answered_at=now, answer=answer)
    # Before the sighting, which has the same id and may have something to say itself.
    await withdraw([question.id], "answered", now)
    sighting = SightingRequest(question.id, "seen" if answer == "seen" else "not_seen")
    await note_sighting(actor, question.child_id, Role.CARER, sighting, now)


async def _pass_on(actor: Actor, question: Question, watch: Watch | None, now: datetime) -> bool:
    """Of a question that was closed before its day was over: the child moved, or another person is
    asked. Returns whether adults are told."""
    here = Child.filter(id=question.child_id, agency_id=question.agency_id, left_at__isnull=True)
    if watch is None or now >= question.asked_at + LASTS or not await here.exists():
        return False
    new = await tell_of_moved(actor.id, question.id, [watch], {}, now)
    await note_all(actor, "carer:moved", sorted(new), now=now)
    return bool(await told_people(question.id, [question.child_id]))


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
