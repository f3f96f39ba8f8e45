"""The word of a home at a roll call also answers what the home was asked about that child alone, so
that nobody has to say the same thing twice."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from server.alerts.recipients import policy_of
from server.audit.actions import Actor
from server.notify.actions import withdraw
from server.people.rules import Role
from server.policy.roll_call import Word
from server.watch.actions import SightingRequest, note_sighting
from server.watch.carer.asked import asked_of
from server.watch.carer.models import Question
from server.watch.machine.witnesses import ANSWERS, Spoken, answers_question
from server.watch.models import Watch
from server.watch.watch_state import standing_of

# What was said longer ago is no news of now: as with every sighting, it settles nothing.
_NEW = timedelta(hours=1)


async def answer_by_words(
    actor: Actor,
    watches: Mapping[UUID, Watch],
    words: Mapping[UUID, Spoken],
    now: datetime,
) -> None:
    """Answer what the home is asked about these children in a carer's place, each with the word
    that counts, as a tap on a link would. `watches`: as they were before the words. In the caller's
    transaction, which has locked them."""
    fresh = {
        child_id: word
        for child_id, word in words.items()
        if now - word.said_at <= _NEW
        and not watches[child_id].is_over
        and answers_question(standing_of(watches[child_id]), word.word, word.said_at)
    }
    if not fresh:
        return
    about = [watches[child_id] for child_id in fresh]
    policies = {watch.agency_id: (await policy_of(watch.agency_id))[0] for watch in about}
    _, of_home = await asked_of(about, policies, now)
    questions = await _open([child_id for child_id in fresh if child_id in of_home], now)
    for child_id, word in fresh.items():
        if child_id in of_home:
            asked = [
                question.id
                for question in questions
                if question.child_id == child_id
                and question.still_waits(watches[child_id].missed_due_at)
            ]
            await _answer(actor, child_id, asked, word, now)


async def _open(children: Sequence[UUID], now: datetime) -> list[Question]:
    """The questions about these children that wait for an answer."""
    return await Question.filter(
        child_id__in=list(children), answered_at__isnull=True, expires_at__gt=now
    ).order_by("asked_at", "id")


async def _answer(
    actor: Actor, child_id: UUID, asked: Sequence[UUID], word: Spoken, now: datetime
) -> None:
    answer = ANSWERS[word.word]
    if word.word is Word.NOT_HERE and not asked:
        return
    await Question.filter(id__in=list(asked)).update(answered_at=now, answer=answer)
    await withdraw(asked, "answered", now)
    if await Watch.exists(child_id=child_id, is_alerted=True):
        return  # The word itself has called adults: there is nothing to add to it.
    # Their word counts as a carer's, as where they answer by the link.
    sighting = SightingRequest(word.id, answer, seen_at=word.said_at)
    await note_sighting(actor, child_id, Role.CARER, sighting, now)
