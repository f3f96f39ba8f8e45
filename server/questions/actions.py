"""A child asks about an entry of the record, and an adult answers."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from server.audit.actions import Actor, note
from server.audit.repeats import id_reused
from server.clock import known_zone
from server.errors import Conflict, NotFound, Refused
from server.i18n import N_
from server.notify.actions import queue
from server.people.models import Child, Person
from server.questions import rules
from server.questions.models import RecordQuestion
from server.questions.rules import QuestionRequest
from server.storage import bulk
from server.storage.db import write
from server.tasks import actions as tasks
from server.tasks import news
from server.tasks.models import Task
from server.tasks.news import News
from server.tasks.rules import Kind, Setting, State
from server.watch.actions import heard, heard_anyway
from server.watch.writing import lock
from server.web.live import announce

# A notice that there is an answer has no use for longer.
NEWS_FOR = timedelta(days=2)


async def ask(
    actor: Actor, child: Child, asked: QuestionRequest, now: datetime
) -> tuple[RecordQuestion, bool]:
    """The child's question, and whether it is new; the people asked have a task. The same id again
    is the same question.

    Raises Refused without words, or where too many wait for an answer; IdReused.
    """
    async with heard_anyway(child.id, asked.id, now):
        return await _ask(actor, child, asked, rules.cleaned(asked.words), now)


async def _ask(
    actor: Actor, child: Child, asked: QuestionRequest, words: str, now: datetime
) -> tuple[RecordQuestion, bool]:
    hashed = rules.content(asked, words)
    async with write():
        # Before the child, in the order of the code that reports events to it.
        await lock(child.id)
        await Child.filter(id=child.id).select_for_update().first()
        before = await RecordQuestion.get_or_none(id=asked.id)
        if before is not None:
            if (before.child_id, before.content_hash) != (child.id, hashed):
                raise id_reused()
            return before, False
        await _check_room(child.id)
        zone = known_zone((await Person.get(id=child.id)).zone)
        row = _row(child, asked, words, rules.answer_by(now, zone), now)
        # Of another child, at the same moment: then it is theirs.
        if not await bulk.insert(RecordQuestion, [row | {"content_hash": hashed}], skip_known=True):
            raise id_reused()
        await tasks.set_task(actor, child, _task(asked, row["due_at"], zone.key), now)
        about = ("record_question", asked.id)
        await note(actor, "record:ask", child_id=child.id, about=about, now=now)
        # Adults who look for the child hear at once that the child wrote.
        await heard(child.id, asked.id, now)
        return await RecordQuestion.get(id=asked.id), True


async def _check_room(child_id: UUID) -> None:
    waiting = RecordQuestion.filter(child_id=child_id, answered_at__isnull=True)
    if await waiting.count() >= rules.MOST_WAITING:
        raise Refused(N_("You have asked many questions. Wait for an answer first."), field="words")


def _row(
    child: Child, asked: QuestionRequest, words: str, due_at: datetime, now: datetime
) -> dict[str, Any]:
    return {
        "id": asked.id,
        "agency_id": child.agency_id,
        "child_id": child.id,
        "about_kind": asked.about.kind.value,
        "about_id": asked.about.id,
        "about_at": asked.about.at,
        "shown": asked.about.shown or None,
        "words": words,
        "to_role": asked.to.value,
        "asked_at": now,
        "due_at": due_at,
    }


def _task(asked: QuestionRequest, due_at: datetime, zone: str) -> Setting:
    return Setting(
        kind=Kind.QUESTION,
        subject_id=asked.id,
        owner_id=None,
        owner_role=asked.to.value,
        due_at=due_at,
        zone=zone,
    )


async def answer(
    actor: Actor, child: Child, question_id: UUID, words: str, now: datetime
) -> RecordQuestion:
    """What an adult answers; the child reads it, and hears that there is something new. The first
    answer counts: the same again is the same.

    Raises Refused without words, NotFound, and Conflict where another answer came first.
    """
    text = rules.cleaned_answer(words)
    async with write():
        rows = RecordQuestion.filter(id=question_id, child_id=child.id)
        question = await rows.select_for_update().first()
        if question is None:
            raise NotFound(N_("This does not exist, or you do not have access to it."))
        if question.answered_at is not None:
            if (question.answered_by, question.answer) == (actor.id, text):
                return question
            raise Conflict(
                N_("This question already has an answer. Your words were not sent."),
                code="decided",
            )
        await rows.update(answer=text, answered_at=now, answered_by=actor.id)
        for task in await Task.filter(
            kind=Kind.QUESTION.value, subject_id=question_id, state=State.OPEN
        ):
            await tasks.done(actor, task, now, by=actor.id)
        about = ("record_question", question_id)
        await note(actor, "record:answer", child_id=child.id, about=about, now=now)
        await _tell(child, question_id, now)
        await announce(child.agency_id, "watch")
        return await RecordQuestion.get(id=question_id)


async def _tell(child: Child, question_id: UUID, now: datetime) -> None:
    """A notice on the child's phone that says nothing of what it is about."""
    if child.left_at is not None:
        return
    about = News("record_question", question_id, lasts=NEWS_FOR)
    await queue([await news.for_child(child.id, child.agency_id, about, now)], now)
