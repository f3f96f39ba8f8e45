"""What happened while the child was silent, for the child: from stored rows, a page at a time.

A story is one late check-in. Each query is bounded by the child and the time of the page.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.missing.search.models import Episode
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.models import Child
from server.people.rules import Role
from server.watch.carer.models import Question
from server.watch.models import RollCallWord, Round, Sighting, WitnessWord
from server.why import child_rules as rules
from server.why.child_rules import Call, Search, Step

# Check-ins that are looked at for one page, and rows of one kind that belong to them.
AT_ONCE, MOST = 30, 1_000
_AHEAD = timedelta(days=1)
# What becomes late, or may have.
_LATE = ("late", "answered_late", "seen", "ended_late", "excused", "replaced")


class Story(msgspec.Struct, frozen=True):
    """One late check-in. `is_over`: everything about it can be read."""

    id: UUID
    due_at: datetime
    is_over: bool
    steps: Sequence[Step]


class _Rows(msgspec.Struct, frozen=True):
    """What the check-ins of a page have beside them."""

    alerts: Sequence[Alert]
    calls: Sequence[Call]
    searches: Sequence[Search]
    messages: Mapping[UUID, Sequence[Message]]  # By the check-in or the alert they are about.
    asked: Sequence[Question]
    answers: Mapping[UUID, CheckIn]
    sightings: Mapping[UUID, Sighting]
    words: Sequence[RollCallWord]
    of_witnesses: Sequence[WitnessWord]


async def stories(
    child: Child, now: datetime, *, before: datetime | None = None
) -> tuple[list[Story], datetime | None]:
    """The late check-ins that were due before a moment, the newest first, and where the next page
    begins; None: this was the last. A page may be empty and still lead further."""
    since = now - rules.READS_BACK
    rounds = Round.filter(
        child_id=child.id,
        due_at__gte=since,
        due_at__lt=min(before, now) if before is not None else now,
        state__in=list(_LATE),
    )
    page = await rounds.order_by("-due_at").limit(AT_ONCE)
    late = [row for row in page if row.late_at <= now and _was_late(row)]
    rows = await _rows(child.id, late, now)
    after = await _next_late(child.id, before)
    told = [_story(row, _until(row, late, after), rows) for row in late]
    return told, page[-1].due_at if len(page) == AT_ONCE else None


async def story_of(
    child: Child, at: datetime, step_id: UUID, now: datetime
) -> tuple[Story, Step] | None:
    """The step of this id that happened at a moment, if the child can still read it."""
    # A reminder comes before the check-in is due.
    told, _ = await stories(child, now, before=at + _AHEAD)
    matches = ((story, step) for story in told for step in story.steps if step.id == step_id)
    return next(matches, None)


def _was_late(row: Round) -> bool:
    """Called off or settled before it was late, nothing happened."""
    return row.settled_at is None or row.settled_at >= row.late_at


async def _next_late(child_id: UUID, before: datetime | None) -> datetime | None:
    """When the first check-in after this page was late."""
    if before is None:
        return None
    after = Round.filter(child_id=child_id, due_at__gte=before, state__in=list(_LATE))
    row = await after.order_by("due_at").first()
    return row.late_at if row is not None else None


def _until(row: Round, late: Sequence[Round], after: datetime | None) -> datetime | None:
    """When the next check-in was late too: what happens from then on belongs to that one."""
    return min((other.late_at for other in late if other.late_at > row.late_at), default=after)


async def _rows(child_id: UUID, late: Sequence[Round], now: datetime) -> _Rows:
    begin = min((row.late_at for row in late), default=now)
    end = max((row.settled_at or now for row in late), default=now)
    alerts = (
        await Alert.filter(
            Q(closed_at__isnull=True) | Q(closed_at__gte=begin),
            child_id=child_id,
            cause=Cause.SILENCE.value,
            opened_at__lte=end,
        )
        .order_by("opened_at")
        .limit(MOST)
    )
    searches = await Episode.filter(child_id=child_id, found_at__isnull=True)
    settled_by = [row.settled_by for row in late if row.settled_by is not None]
    return _Rows(
        alerts=alerts,
        calls=[Call(alert.opened_at, alert.closed_at) for alert in alerts],
        searches=[Search(episode.opened_at, episode.found_at) for episode in searches],
        messages=await _messages([row.id for row in late], [alert.id for alert in alerts]),
        asked=await _asked(child_id, [row.due_at for row in late]),
        answers={row.id: row for row in await CheckIn.filter(id__in=settled_by)},
        sightings={row.id: row for row in await Sighting.filter(id__in=settled_by)},
        words=await RollCallWord.filter(child_id=child_id, said_at__gte=begin, said_at__lte=end)
        .order_by("said_at", "id")
        .limit(MOST),
        of_witnesses=await WitnessWord.filter(
            child_id=child_id, said_at__gte=begin, said_at__lte=end
        )
        .order_by("said_at", "id")
        .limit(MOST),
    )


async def _messages(
    rounds: Collection[UUID], alerts: Collection[UUID]
) -> Mapping[UUID, Sequence[Message]]:
    """Reminders and calls that went out, the oldest first. No last resort, nobody outside."""
    by_subject: dict[UUID, list[Message]] = {}
    for subjects, kinds in (
        (rounds, [Kind.REMIND_CHILD.value]),
        (alerts, [Kind.ALERT.value, Kind.ALERT_AGAIN.value]),
    ):
        sent = Message.filter(
            subject_id__in=list(subjects), kind__in=kinds, state="done", person_id__isnull=False
        )
        for message in await sent.order_by("done_at", "id").limit(MOST):
            by_subject.setdefault(message.subject_id, []).append(message)
    return by_subject


async def _asked(child_id: UUID, dues: Collection[datetime]) -> Sequence[Question]:
    """The questions to carers about these check-ins."""
    if not dues:
        return []
    asked = Question.filter(
        child_id=child_id, about_due_at__gte=min(dues), about_due_at__lte=max(dues)
    )
    return await asked.order_by("asked_at", "id").limit(MOST)


def _story(row: Round, until: datetime | None, rows: _Rows) -> Story:
    own = [
        alert
        for alert in rows.alerts
        if alert.opened_at >= row.late_at
        and (until is None or alert.opened_at < until)
        and (row.settled_at is None or alert.opened_at <= row.settled_at)
    ]
    steps = [
        *_reminders(row, rows.messages.get(row.id, ())),
        Step(row.late_at, "late", row.id),
        *_questions(row, rows.asked),
        *_words(row, until, rows.words),
        *_of_witnesses(row, until, rows.of_witnesses),
        *(step for alert in own for step in _told(alert, rows.messages.get(alert.id, ()))),
        *_settled(row, rows),
    ]
    is_over = rules.is_over(row, rows.calls, rows.searches)
    shown = rules.readable(row, steps, rows.calls, rows.searches)
    return Story(row.id, row.due_at, is_over, shown)


def _reminders(row: Round, messages: Sequence[Message]) -> list[Step]:
    """One for each time: two channels of the same reminder are one."""
    by_time: dict[int, Step] = {}
    for message in messages:
        if message.done_at is not None and message.person_id == row.child_id:
            by_time.setdefault(message.rung, Step(message.done_at, "reminded", message.id))
    return list(by_time.values())


def _questions(row: Round, asked: Sequence[Question]) -> list[Step]:
    return [
        Step(question.asked_at, "asked", question.id, question.person_id)
        for question in asked
        if question.about_due_at == row.due_at
    ]


def _words(row: Round, until: datetime | None, words: Sequence[RollCallWord]) -> list[Step]:
    """What people of the home said of the child in this silence, each person's each word once."""
    end = _end(row, until)
    steps: dict[tuple[UUID, UUID, str], Step] = {}
    for word in words:
        if row.late_at <= word.said_at < end:
            step = Step(word.said_at, f"home_{word.word}", word.id, word.by_id)
            steps.setdefault((word.roll_call_id, word.by_id, word.word), step)
    return list(steps.values())


def _of_witnesses(row: Round, until: datetime | None, words: Sequence[WitnessWord]) -> list[Step]:
    """What a school, a club or a mentor said of the child in this silence."""
    return [
        Step(word.said_at, f"witness_{word.word}", word.id, word.witness_id)
        for word in words
        if row.late_at <= word.said_at < _end(row, until)
    ]


def _end(row: Round, until: datetime | None) -> datetime:
    return min(at for at in (row.settled_at, until, datetime.max.replace(tzinfo=UTC)) if at)


def _told(alert: Alert, messages: Sequence[Message]) -> list[Step]:
    """Each person who was told, once: by the first message that went out to them."""
    steps: list[Step] = []
    people: set[UUID] = set()
    for message in messages:
        if message.person_id is None or message.done_at is None or message.person_id in people:
            continue
        people.add(message.person_id)
        code = "told_too" if steps else "told"
        steps.append(Step(message.done_at, code, alert.id, message.person_id))
    if steps and alert.closed_at is not None:
        steps.append(Step(alert.closed_at, "over", alert.id))
    return steps


def _settled(row: Round, rows: _Rows) -> list[Step]:
    if row.settled_at is None:
        return []
    answer = rows.answers.get(row.settled_by) if row.settled_by else None
    if answer is not None:
        if answer.by_role == Role.CHILD:
            return [Step(row.settled_at, "you_answered", row.id)]
        return [Step(row.settled_at, "answered_for", row.id, answer.by_id)]
    sighting = rows.sightings.get(row.settled_by) if row.settled_by else None
    if sighting is not None:
        return [Step(row.settled_at, "seen", row.id, sighting.by_id)]
    return [Step(row.settled_at, "settled", row.id)]
