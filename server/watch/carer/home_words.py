"""The word of a home at a roll call also answers what the home was asked about that child alone, so
that nobody has to say the same thing twice."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from server.audit.actions import Actor
from server.notify.actions import withdraw
from server.people.rules import Role
from server.watch.actions import SightingRequest, note_sighting
from server.watch.carer.asked import is_asked, is_of_home
from server.watch.carer.models import Question
from server.watch.machine.witnesses import ANSWERS, Spoken, answers_question
from server.watch.models import Watch
from server.watch.watch_state import standing_of


async def answer_by_words(
    actor: Actor,
    watches: Mapping[UUID, Watch],
    words: Mapping[UUID, Spoken],
    now: datetime,
) -> None:
    """Answer the open questions about these children, each with the word that counts, as a tap on
    their links would. `watches`: as they were before the words. In the caller's transaction, which
    has locked them."""
    answering = [
        child_id
        for child_id, word in words.items()
        if not watches[child_id].is_over
        and answers_question(standing_of(watches[child_id]), word.word, word.said_at)
    ]
    if not answering:
        return
    open_ = Question.filter(child_id__in=answering, answered_at__isnull=True, expires_at__gt=now)
    by_child: dict[UUID, list[Question]] = {}
    for question in await open_.order_by("asked_at", "id"):
        if question.still_waits(watches[question.child_id].missed_due_at):
            by_child.setdefault(question.child_id, []).append(question)
    for child_id, questions in by_child.items():
        if await _is_of_home(questions, now):
            await _answer(actor, questions, words[child_id], now)


async def _answer(actor: Actor, questions: Sequence[Question], word: Spoken, now: datetime) -> None:
    ids, child_id = [question.id for question in questions], questions[0].child_id
    answer = ANSWERS[word.word]
    await Question.filter(id__in=ids).update(answered_at=now, answer=answer)
    await withdraw(ids, "answered", now)
    if await Watch.exists(child_id=child_id, is_alerted=True):
        return  # The word itself has called adults: there is nothing to add to it.
    # Their word counts as a carer's, as where they answer by the link.
    sighting = SightingRequest(word.id, answer, seen_at=word.said_at)
    await note_sighting(actor, child_id, Role.CARER, sighting, now)


async def _is_of_home(questions: Sequence[Question], now: datetime) -> bool:
    """Whether it is still the home that is asked, and no carer."""
    for question in questions:
        if await is_of_home(question, now) and await is_asked(question, now):
            return True
    return False
