"""What happened in an agency, as events for a replay. Reads rows, and writes none.

The pages that use this say what the rows cannot tell. A child has today's tier for the whole time,
except on calendar days, and begins anew when their rhythm changed. What a carer would have answered
is known only if we asked one.
"""

import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from tortoise.expressions import F, Q

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.alerts.recipients import policy_of
from server.audit.models import Entry
from server.checkin.models import CheckIn
from server.clock import known_zone
from server.notify.models import Address, Delivery
from server.notify.push_health import Pushed, stale_spells
from server.notify.rules import PUSH
from server.people.models import Child, Tie
from server.people.rules import Role
from server.policy.model import Policy
from server.simulation import sample
from server.simulation.events import HEADER
from server.simulation.sample import REAL
from server.watch.calendar.milestones import What, around
from server.watch.calendar.models import Milestone
from server.watch.carer.models import Question
from server.watch.machine.ages import ON_THE_WAY
from server.watch.models import Blind, Pause, Round, Sighting, Watch
from server.watch.rhythm.models import Season
from server.watch.signals.models import Observation
from server.web.csv_files import line

MONTH = timedelta(days=30)
_ANSWERED = ("answered", "answered_late")
_PROFESSIONALS = {Role.CASEWORKER.value, Role.SUPERVISOR.value, Role.GUARDIAN.value}

# From when to when each child was watched.
Placed = Mapping[UUID, tuple[datetime, datetime | None]]


class Happened(NamedTuple):
    """One row of EVENTS.csv."""

    at: datetime
    order: int  # Of one moment: a time of blindness and the placing come first, the end last.
    child: str
    kind: str
    detail: dict[str, Any]


class History(NamedTuple):
    """The events of a time, and the silences that turned out to be real: the child, and when a
    person was called."""

    since: datetime
    until: datetime
    events: list[Happened]
    real: list[tuple[str, datetime]]
    children: int
    alerts: int  # How many were really sent about a silence.
    everyone: int  # How many children there were; more than `children` if these are a sample.


async def read(
    agency_id: UUID, since: datetime, until: datetime, most: int | None = None
) -> History:
    """Everything between two moments that a replay may know. Children go by their ids. With `most`:
    of a sample of so many children, if there are more."""
    watched, everyone = Watch.filter(agency_id=agency_id), 0
    if most is not None:
        chosen, everyone = await sample.children_of(agency_id, since, until, most)
        watched = watched.filter(child_id__in=list(chosen))
    watches = {watch.child_id: watch for watch in await watched}
    placed = await _placed(agency_id, watches.keys(), since, until)
    ids = list(placed)
    zones = {id_: known_zone(watches[id_].zone) for id_ in ids}
    days = await _days(agency_id, zones, since, until)
    events = [
        *await _placements(watches, placed, days, until),
        *await _answers(ids, since, until),
        *await _sightings(ids, since, until),
        *await _signs(ids, since, until),
        *await _pauses(ids, since, until),
        *await _pushes(placed, until),
        *_marked(days, placed),
        *await _blinds(since, until),
    ]
    begins = {str(id_): begin for id_, (begin, _) in placed.items()}
    kept = [
        event for event in events if event.child not in begins or event.at >= begins[event.child]
    ]
    kept.sort(key=lambda event: (event.at, event.order, event.child, event.kind))
    sent = await Alert.filter(
        child_id__in=ids, cause=Cause.SILENCE.value, opened_at__gt=since, opened_at__lte=until
    ).count()
    real = await _real(ids, since, until)
    is_sample = most is not None and everyone > most
    everyone = everyone if is_sample else len(placed)
    return History(since, until, kept, real, len(placed), sent, everyone)


async def _placements(
    watches: Mapping[UUID, Watch], placed: Placed, days: Sequence[Milestone], until: datetime
) -> list[Happened]:
    """Each child is placed by what is agreed today, and may end."""
    carers = set(
        await Tie.filter(
            Tie.standing_at(until), child_id__in=list(placed), role=Role.CARER.value
        ).values_list("child_id", flat=True)
    )
    seasons = await _seasons(list(placed), until)
    events = []
    for id_, (begin, end) in placed.items():
        goes_by = seasons.get(id_, watches[id_])
        detail = {
            "zone": known_zone(goes_by.zone).key,
            "tier": _tier(watches[id_], days),
            "rhythm": goes_by.rhythm,
            "carer": id_ in carers,
        }
        events.append(Happened(begin, 1, str(id_), "placed", detail))
        if end is not None:
            events.append(Happened(end, 9, str(id_), "ended", {}))
    return events


def _marked(days: Iterable[Milestone], placed: Placed) -> list[Happened]:
    return [
        Happened(
            max(day.made_at, placed[day.child_id][0]),
            2,
            str(day.child_id),
            "milestone",
            {"what": day.what, "on": day.on_day.isoformat()},
        )
        for day in days
    ]


async def _blinds(since: datetime, until: datetime) -> list[Happened]:
    return [
        Happened(max(blind.from_at, since), 0, "", "blind", {"until": stamp(blind.until_at)})
        for blind in await Blind.filter(until_at__gt=since, from_at__lt=until)
    ]


async def _placed(
    agency_id: UUID, watched: Collection[UUID], since: datetime, until: datetime
) -> Placed:
    """From when to when each child was watched, by the rhythm they have today."""
    changed = dict(
        await Entry.filter(agency_id=agency_id, what="rhythm:set", at__gt=since, at__lte=until)
        .order_by("at")
        .values_list("child_id", "at")
    )
    for row in await Season.filter(child_id__in=list(watched), until_at__gt=since):
        for edge in (row.from_at, min(row.until_at, row.ended_at or row.until_at)):
            if since < edge <= until:
                changed[row.child_id] = max(edge, changed.get(row.child_id, edge))
    placed: dict[UUID, tuple[datetime, datetime | None]] = {}
    for child in await Child.filter(id__in=list(watched), placed_at__lt=until):
        end = child.left_at if child.left_at is not None and child.left_at < until else None
        begin = max(child.placed_at, since, changed.get(child.id, since))
        if end is None or end > begin:
            placed[child.id] = (begin, end)
    return placed


async def _seasons(ids: list[UUID], until: datetime) -> dict[UUID, Season]:
    """The other times by which a child goes at the end."""
    rows = Season.filter(child_id__in=ids, from_at__lte=until, until_at__gt=until)
    return {row.child_id: row for row in await rows if row.ended_at is None or row.ended_at > until}


async def _answers(ids: list[UUID], since: datetime, until: datetime) -> list[Happened]:
    rounds = await Round.filter(
        child_id__in=ids, state__in=_ANSWERED, settled_at__gt=since, settled_at__lte=until
    ).values_list("child_id", "settled_at")
    details: dict[tuple[UUID, datetime], dict[str, Any]] = {key: {} for key in rounds}
    calls = await Alert.filter(
        child_id__in=ids,
        cause__in=(Cause.HELP.value, Cause.TALK.value),
        opened_at__gt=since,
        opened_at__lte=until,
    ).values_list("child_id", "opened_at", "cause")
    for child_id, at, cause in calls:
        details[(child_id, at)] = {"want": str(cause)}
    for key, way in (await _ways(ids, since, until)).items():
        details[key] = {**details.get(key, {}), "way": way}
    for key, spoken_at in (await _old(ids, since, until)).items():
        if key in details:
            details[key] = {**details[key], "said_at": stamp(spoken_at)}
    return [Happened(at, 2, str(id_), "check_in", detail) for (id_, at), detail in details.items()]


async def _old(
    ids: list[UUID], since: datetime, until: datetime
) -> dict[tuple[UUID, datetime], datetime]:
    """When those answers were said that came later than that."""
    rows = CheckIn.filter(child_id__in=ids, received_at__gt=since, received_at__lte=until)
    moments = await rows.filter(spoken_at__lt=F("received_at")).values_list(
        "child_id", "received_at", "spoken_at"
    )
    return {
        (child_id, at): spoken_at
        for child_id, at, spoken_at in moments
        if at - spoken_at >= ON_THE_WAY
    }


async def _ways(
    ids: list[UUID], since: datetime, until: datetime
) -> dict[tuple[UUID, datetime], str]:
    """What came another way than by the app, whether or not it settled anything."""
    rows = Entry.filter(child_id__in=ids, what="check_in", at__gt=since, at__lte=until)
    entries = await rows.values_list("child_id", "at", "names")
    return {(child_id, at): names[0] for child_id, at, names in entries if names}


async def _sightings(ids: list[UUID], since: datetime, until: datetime) -> list[Happened]:
    """Adults who saw the child unasked; and what carers answered, for whenever they would be
    asked."""
    events, answered = [], set()
    for question in await Question.filter(
        child_id__in=ids, answered_at__gt=since, answered_at__lte=until
    ):
        assert question.answered_at is not None
        answered.add((question.child_id, question.person_id, question.answered_at))
        begin = max(question.about_due_at, since)
        detail = {
            "until": stamp(max(question.expires_at, begin)),
            "by": "carer",
            "answer": question.answer,
            "after_s": max((question.answered_at - question.asked_at).total_seconds(), 0),
        }
        events.append(Happened(begin, 3, str(question.child_id), "if_asked", detail))
    for seen in await Sighting.filter(child_id__in=ids, answer="seen", at__gt=since, at__lte=until):
        if (seen.child_id, seen.by_id, seen.at) not in answered:
            by = "professional" if seen.by_role in _PROFESSIONALS else "carer"
            events.append(Happened(seen.at, 2, str(seen.child_id), "sighting", {"by": by}))
    return events


async def _signs(ids: list[UUID], since: datetime, until: datetime) -> list[Happened]:
    """Warning signs that adults noticed, and returns of missing children."""
    noticed = Observation.filter(
        child_id__in=ids, taken_back_at__isnull=True, at__gt=since, at__lte=until
    )
    events = [
        Happened(at, 2, str(child_id), "observation", {"sign": sign})
        for child_id, at, sign in await noticed.values_list("child_id", "at", "sign")
    ]
    over = Alert.filter(
        child_id__in=ids, cause=Cause.MISSING.value, closed_at__gt=since, closed_at__lte=until
    )
    for child_id, at in await over.values_list("child_id", "closed_at"):
        assert at is not None
        events.append(Happened(at, 2, str(child_id), "milestone", {"what": "return"}))
    return events


async def _pushes(placed: Placed, until: datetime) -> list[Happened]:
    """When a phone stopped showing reminders, and when it started again. We do not doubt a phone
    that never promised receipts."""
    tells = Address.filter(person_id__in=list(placed), channel=PUSH).filter(
        Q(receipts_since__isnull=False) | Q(last_seen_at__isnull=False)
    )
    since: dict[UUID, datetime] = {}
    for person_id, made_at, told_at in await tells.values_list(
        "person_id", "made_at", "receipts_since"
    ):
        if person_id is not None:
            since[person_id] = min(told_at or made_at, since.get(person_id, until))
    sent: dict[UUID, list[Pushed]] = {}
    rows = Delivery.filter(channel=PUSH, result="accepted", message__person_id__in=list(since))
    for child_id, at, seen_at in await rows.filter(started_at__lte=until).values_list(
        "message__person_id", "started_at", "seen_at"
    ):
        if at >= since[child_id]:
            sent.setdefault(child_id, []).append(Pushed(at, seen_at))
    events = []
    for child_id, pushes in sent.items():
        begin, _ = placed[child_id]
        for first, last in stale_spells(pushes, until):
            if last is None or last > begin:
                events.append(Happened(max(first, begin), 2, str(child_id), "prompt_failed", {}))
            if last is not None and last > begin:
                events.append(Happened(last, 2, str(child_id), "prompt_ok", {}))
    return events


async def _days(
    agency_id: UUID, zones: Mapping[UUID, ZoneInfo], since: datetime, until: datetime
) -> list[Milestone]:
    """The days of the calendar that counted in this time, or still will. One that was taken back
    counted where its time had come by then."""
    rows = await Milestone.filter(child_id__in=list(zones), until_at__gt=since, made_at__lte=until)
    policy, _ = await policy_of(agency_id)
    return [
        row for row in rows if row.ended_at is None or _began(row, policy, zones) < row.ended_at
    ]


def _began(row: Milestone, policy: Policy, zones: Mapping[UUID, ZoneInfo]) -> datetime:
    span = around(policy.milestones, What(row.what), row.on_day, zones[row.child_id])
    return max(span.begin, row.made_at)


def _tier(watch: Watch, days: Iterable[Milestone]) -> str:
    """Today's tier, without the effect of a calendar day."""
    ends = watch.tier_until_at
    is_by_a_day = any(day.child_id == watch.child_id and day.until_at == ends for day in days)
    return watch.tier_then if is_by_a_day and watch.tier_then else watch.tier


async def _pauses(ids: list[UUID], since: datetime, until: datetime) -> list[Happened]:
    events = []
    for pause in await Pause.filter(child_id__in=ids, until_at__gt=since, from_at__lt=until):
        begin = max(pause.from_at, since)
        end = pause.until_at if pause.ended_at is None else min(pause.ended_at, pause.until_at)
        if end > begin:
            detail: dict[str, Any] = {"until": stamp(end)}
            if pause.returns and pause.ended_at is None:
                detail["returns"] = True
            events.append(Happened(begin, 4, str(pause.child_id), "pause", detail))
    return events


async def _real(ids: list[UUID], since: datetime, until: datetime) -> list[tuple[str, datetime]]:
    rows = await Alert.filter(
        child_id__in=ids,
        cause=Cause.SILENCE.value,
        outcome__in=REAL,
        opened_at__gt=since,
        opened_at__lte=until,
    ).values_list("child_id", "opened_at")
    return [(str(child_id), at) for child_id, at in rows]


def stamp(at: datetime) -> str:
    """A moment as EVENTS.csv has it."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def as_csv(events: Iterable[Happened]) -> io.StringIO:
    """The events as an EVENTS.csv, in the format of docs/reference/replay.md."""
    return io.StringIO("".join(map(line, (HEADER, *map(_row, events)))), newline="")


def _row(event: Happened) -> Sequence[str]:
    detail = json.dumps(event.detail, separators=(",", ":"))
    return (event.child, stamp(event.at), event.kind, detail)
