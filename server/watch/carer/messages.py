"""Asking carers: one question for each child, and one message for questions that come together."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec

from server.alerts.bundles import SLACK
from server.notify.actions import Saying, queue
from server.notify.models import Message
from server.notify.outbox import waiting_together
from server.notify.rules import Kind
from server.people.models import Tie
from server.people.rules import Role
from server.policy.model import Policy
from server.security import encryption
from server.storage import bulk
from server.watch.carer.asked import first_of
from server.watch.carer.models import Question
from server.watch.machine.standing import Change, State
from server.watch.shared import coming
from server.watch.watch_state import WatchState

# How long a carer's link can be used. The alarm does not wait for it.
LASTS = timedelta(hours=24)
QUESTIONS = UUID("f9b4c2a0-0f55-4a0a-9f0e-7d0c3ab1a9d2")


class Group(msgspec.Struct, frozen=True):
    """The id of one message for several questions to one carer, and until when the first of them
    wait."""

    id: UUID
    until: datetime


class Asking(msgspec.Struct, frozen=True):
    """One question about a child. `is_first`: the first one in this silence."""

    case: WatchState
    change: Change
    is_first: bool


async def ask(asked: Sequence[Asking], now: datetime) -> None:
    """Ask the carers of these children; where the home is asked in their place, first those on
    shift there. In the caller's transaction."""
    questions: list[dict[str, Any]] = []
    begun = [asking.case for asking in asked if asking.is_first and asking.case.carers]
    first = await first_of([case.watch.child_id for case in begun], now)
    for asking in asked:
        case, change = asking.case, asking.change
        for carer in first.get(case.watch.child_id, case.carers):
            key = (
                f"{case.watch.child_id}:{change.due_at.isoformat()}:{carer}:{change.at.isoformat()}"
            )
            questions.append(
                {
                    "id": uuid5(QUESTIONS, key),
                    "agency_id": case.watch.agency_id,
                    "child_id": case.watch.child_id,
                    "person_id": carer,
                    "about_due_at": change.due_at,
                    "asked_at": now,
                    "expires_at": now + LASTS,
                }
            )
    if not questions:
        return
    policies = {asking.case.watch.agency_id: asking.case.policy for asking in asked}
    groups = await _groups(questions, policies, now)
    await bulk.insert(Question, questions, skip_known=True)
    await queue(
        [_saying(question, groups.get(question["person_id"])) for question in questions], now
    )


def _saying(question: Mapping[str, Any], group: Group | None) -> Saying:
    token = encryption.sign(str(question["id"]), "question", until=question["expires_at"])
    return Saying(
        kind=Kind.ASK_CARER,
        agency_id=question["agency_id"],
        subject_kind="question",
        subject_id=question["id"],
        person_id=question["person_id"],
        child_id=question["child_id"],
        urgency="high",
        not_before=group.until if group is not None else None,
        expires_at=question["expires_at"],
        together=group.id if group is not None else None,
        data={"path": f"/q/{token}"},
    )


# --- several at once


async def _groups(
    questions: Sequence[Mapping[str, Any]], policies: Mapping[UUID, Policy], now: datetime
) -> dict[UUID, Group]:
    """The carers whose questions are one message: as many at once, or within the window, as make
    the calls to adults one message."""
    # A person of a home has no tie: only what is asked now is one message.
    cared: dict[UUID, set[UUID]] = {question["person_id"]: set() for question in questions}
    ties = Tie.filter(
        Tie.standing_at(now),
        person_id__in=list({question["person_id"] for question in questions}),
        role=Role.CARER.value,
    )
    for carer, child in await ties.values_list("person_id", "child_id"):
        cared[carer].add(child)
    groups = {}
    for carer, children in cared.items():
        here = {question["child_id"] for question in questions if question["person_id"] == carer}
        agency_id = next(
            question["agency_id"] for question in questions if question["person_id"] == carer
        )
        # Nearly every carer has fewer children than this: nothing more is read.
        if len(children | here) >= policies[agency_id].together.children:
            group = await _group(carer, here, children - here, policies[agency_id], now)
            if group is not None:
                groups[carer] = group
    return groups


async def _group(
    carer: UUID, here: Collection[UUID], others: Collection[UUID], policy: Policy, now: datetime
) -> Group | None:
    together = policy.together
    before = await Question.filter(
        person_id=carer,
        child_id__in=list(others),
        asked_at__gte=now - together.window,
        asked_at__lte=now,
        answered_at__isnull=True,
    )
    asked_ids = {question.child_id for question in before}
    after = await coming([id_ for id_ in others if id_ not in asked_ids], policy, now, (State.DUE,))
    messages = Message.filter(
        subject_id__in=[question.id for question in before], together__isnull=False
    )
    first = await messages.order_by("id").first()
    # A later question joins the message of those that wait, even if one of them has an answer by
    # now.
    if first is None and len(here) + len(asked_ids) + len(after) < together.children:
        return None
    id_ = first.together if first is not None else None
    id_ = id_ or uuid5(QUESTIONS, f"together:{carer}:{now.isoformat()}")
    # Those that wait already and the new ones go out in one moment.
    latest = now + together.window + SLACK
    until = (await waiting_together([id_], now, latest)).get(id_, now)
    if after:
        until = max(until, max(after.values()) + SLACK)
    return Group(id_, min(until, latest))


async def asked_together(question: Question) -> list[Question]:
    """All questions that went out in one message with this one, including this one; alone if there
    was no such message."""
    mine = await Message.filter(
        subject_id=question.id, person_id=question.person_id, together__isnull=False
    ).first()
    if mine is None:
        return [question]
    beside = Message.filter(
        together=mine.together, person_id=question.person_id, kind=Kind.ASK_CARER.value
    )
    ids = await beside.values_list("subject_id", flat=True)
    return await Question.filter(id__in=list(ids), person_id=question.person_id).order_by("id")
