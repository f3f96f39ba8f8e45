"""A home says at a roll call that a child is not there, and no alert is open about them: an adult
who answers for the child hears of it. The message says once for each child and roll call that a bed
is empty; whether adults are called about a silence is not decided here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from server.alerts.ladder import Cause, Reachable, people_on
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.notify.actions import Recipient, Saying, queue, withdraw
from server.notify.last_resort.reading import resorts_of
from server.notify.models import Message
from server.notify.outbox import told
from server.notify.rules import Kind
from server.policy.model import Rung
from server.policy.roll_call import Word
from server.storage.db import as_id
from server.watch.models import Pause, Watch
from server.watch.spoken import ByCall, last_of_home

# So long such a message is worth sending.
LASTS = timedelta(hours=12)
# Who is told: the first of these on which a person is.
_RUNGS = (Rung.CASEWORKER, Rung.ON_DUTY, Rung.MANAGER)
# An alert of these causes is about where the child is: its ladder tells everyone, until the child
# answers. One of the high level then stays open, and asks a person for a word about that alone.
_COVERED = (Cause.SILENCE, Cause.MISSING)

Words = Mapping[UUID, ByCall]


@dataclass(frozen=True, slots=True)
class RollCallHeard:
    """What a form changed in one roll call: the words of each child that counted before and after
    it. `several_path`: the page for a person who is told about more than one child."""

    call_id: UUID
    before: Words
    after: Words
    several_path: str


def subject_of(call_id: UUID, child_id: UUID) -> UUID:
    """What the messages about a child who was not there at a roll call are about."""
    return uuid5(call_id, f"away:{child_id}")


async def told_of(call_id: UUID, children: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The people who were sent a message about each of these children at that roll call."""
    subjects = [subject_of(call_id, child_id) for child_id in children]
    rows = Message.filter(
        subject_id__in=subjects, kind=Kind.ROLL_CALL_AWAY.value, person_id__isnull=False
    ).exclude(state__in=["withdrawn", "withheld", "failed"])
    people: dict[UUID, list[UUID]] = {}
    for child_id, person_id in await rows.order_by("id").values_list("child_id", "person_id"):
        of_child = people.setdefault(as_id(child_id), [])
        if as_id(person_id) not in of_child:
            of_child.append(as_id(person_id))
    return people


async def say_of_away(
    by_id: UUID | None, heard: RollCallHeard, watches: Sequence[Watch], now: datetime
) -> None:
    """Tell of the children who are not there by what the home says now, and take back what it takes
    back. In the caller's transaction, which has locked the watches."""
    covered = await _covered([watch.child_id for watch in watches], now)
    await _take_back([watch for watch in watches if _is_back(watch, heard)], covered, heard, now)
    watches = [watch for watch in watches if watch.child_id not in covered]
    away = [watch for watch in watches if _is_newly_away(watch, heard)]
    excused = await _excused(away, heard, now)
    await _tell(by_id, [watch for watch in away if watch.child_id not in excused], heard, now)


async def _covered(children: Collection[UUID], now: datetime) -> set[UUID]:
    """The children whose alert tells adults already. Adults who have heard that the home took its
    word back hear nothing more by that alert: where the home says it again, it must be told."""
    held = Alert.filter(
        child_id__in=list(children),
        cause__in=[cause.value for cause in _COVERED],
        answered_at__isnull=True,
        closed_at__isnull=True,
    )
    alerts = await held.values_list("id", "child_id")
    if not alerts:
        return set()
    corrected = Message.filter(
        subject_id__in=[id_ for id_, _ in alerts],
        kind=Kind.HOME_SAYS.value,
        queued_at__lt=now,
    )
    calmed = {as_id(id_) for id_ in await corrected.values_list("subject_id", flat=True)}
    return {as_id(child_id) for id_, child_id in alerts if as_id(id_) not in calmed}


def _is_newly_away(watch: Watch, heard: RollCallHeard) -> bool:
    """Whether "not here" at this roll call is the last that the home knows, and was not before. A
    word that came late, and that a newer one has followed, tells nothing about now."""
    was = last_of_home(heard.before.get(watch.child_id))
    last = last_of_home(heard.after.get(watch.child_id))
    if watch.is_missing or last is None or last[0] != heard.call_id:
        return False
    is_known = was is not None and was[0] == heard.call_id and was[1].word is Word.NOT_HERE
    return last[1].word is Word.NOT_HERE and not is_known


def _is_back(watch: Watch, heard: RollCallHeard) -> bool:
    was = last_of_home(heard.before.get(watch.child_id))
    last = last_of_home(heard.after.get(watch.child_id))
    if was is None or was[1].word is not Word.NOT_HERE:
        return False
    return last is not None and last[1].word is not Word.NOT_HERE


async def _excused(away: Sequence[Watch], heard: RollCallHeard, now: datetime) -> set[UUID]:
    """Those of them who are away by agreement, now or when the home said it."""
    said_at = {}
    for watch in away:
        last = last_of_home(heard.after[watch.child_id])
        assert last is not None
        said_at[watch.child_id] = last[1].said_at
    if not said_at:
        return set()
    pauses = Pause.filter(
        child_id__in=list(said_at), from_at__lte=now, until_at__gt=min(said_at.values())
    )
    return {
        pause.child_id
        for pause in await pauses
        if any(_holds(pause, at) for at in (said_at[pause.child_id], now))
    }


def _holds(pause: Pause, at: datetime) -> bool:
    end = pause.until_at if pause.ended_at is None else min(pause.ended_at, pause.until_at)
    return pause.from_at <= at < end


# --- who hears of it


async def _tell(
    by_id: UUID | None, away: Sequence[Watch], heard: RollCallHeard, now: datetime
) -> None:
    if not away:
        return
    agencies = {watch.child_id: watch.agency_id for watch in away}
    reach = await reach_of(agencies, now)
    resorts = await resorts_of(set(agencies.values()))
    turns = await _turns([subject_of(heard.call_id, watch.child_id) for watch in away])
    holders = await _holders(list(agencies))
    sayings = []
    for watch in away:
        subject = subject_of(heard.call_id, watch.child_id)
        turn = turns.get(subject, -1) + 1
        to = dict.fromkeys(_to(reach[watch.child_id], by_id, resorts[watch.agency_id]))
        to |= {
            Recipient(person_id=id_): None for id_ in holders.get(watch.child_id, set()) - {by_id}
        }
        sayings += [_of_away(watch, subject, turn, heard, who, now) for who in to]
    await queue(sayings, now)


def _to(reach: Reachable, by_id: UUID | None, resorts: Sequence[Recipient]) -> Sequence[Recipient]:
    """The caseworkers, else the people on duty, else the supervisors: without the person who said
    it, who knows. Where there is nobody else to tell, the last resort."""
    there = reach.on(*_RUNGS)
    for rung in _RUNGS:
        if people := [person for person in people_on(rung, there) if person != by_id]:
            return [Recipient(person_id=person) for person in people]
    return resorts


async def _holders(children: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Of each of these children: who has an open alert about where they are."""
    held = Alert.filter(
        child_id__in=list(children),
        cause__in=[cause.value for cause in _COVERED],
        acknowledged_by__isnull=False,
        closed_at__isnull=True,
    )
    holders: dict[UUID, set[UUID]] = {}
    for child_id, person_id in await held.values_list("child_id", "acknowledged_by"):
        holders.setdefault(as_id(child_id), set()).add(as_id(person_id))
    return holders


async def _turns(subjects: Sequence[UUID]) -> dict[UUID, int]:
    """How often each was told already: a home that takes a word back, and then says it again, is
    heard again."""
    rows = Message.filter(
        subject_id__in=list(subjects), kind=Kind.ROLL_CALL_AWAY.value, turn__gte=0
    )
    turns: dict[UUID, int] = {}
    for subject, turn in await rows.values_list("subject_id", "turn"):
        turns[as_id(subject)] = max(turn, turns.get(as_id(subject), 0))
    return turns


def _of_away(
    watch: Watch, subject: UUID, turn: int, heard: RollCallHeard, to: Recipient, now: datetime
) -> Saying:
    return Saying(
        kind=Kind.ROLL_CALL_AWAY,
        # Those of one form go out as one.
        together=uuid5(heard.call_id, f"away:{now.isoformat()}"),
        data={"path": _path(watch), "several": heard.several_path},
        **_about(watch, subject, turn, to, now),
    )


def _about(watch: Watch, subject: UUID, turn: int, to: Recipient, now: datetime) -> dict[str, Any]:
    """What every message about an empty bed has."""
    return {
        "agency_id": watch.agency_id,
        "subject_kind": "roll_call_away",
        "subject_id": subject,
        "turn": turn,
        "child_id": watch.child_id,
        "urgency": "high",
        "expires_at": now + LASTS,
        **to.as_fields(),
    }


def _path(watch: Watch) -> str:
    return f"/desk/children/{watch.child_id}"


# --- and that it is over


async def _take_back(
    back: Sequence[Watch], covered: Collection[UUID], heard: RollCallHeard, now: datetime
) -> None:
    """What has not gone out stays in. Those who may have read it hear once that the home has
    corrected it, unless they hear it by an alert."""
    subjects = {}
    for watch in back:
        was = last_of_home(heard.before[watch.child_id])
        assert was is not None
        subjects[subject_of(was[0], watch.child_id)] = watch
    if not subjects:
        return
    await withdraw(list(subjects), "settled", now, kinds=[Kind.ROLL_CALL_AWAY])
    turns = await _turns(
        [subject for subject, watch in subjects.items() if watch.child_id not in covered]
    )
    sayings = [
        _of_correction(subjects[subject], subject, turns[subject], to, now)
        for subject, recipients in (await told(list(turns), [Kind.ROLL_CALL_AWAY])).items()
        for to in recipients
    ]
    await queue(sayings, now)


def _of_correction(watch: Watch, subject: UUID, turn: int, to: Recipient, now: datetime) -> Saying:
    about = _about(watch, subject, turn, to, now)
    return Saying(kind=Kind.HOME_SAYS, data={"path": _path(watch)}, **about)
