"""A night of one child, gathered from the rows of each room and put in one order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from server.alerts.models import Alert
from server.notify.models import Message
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.rota.duty import rotas_of
from server.watch.models import Blind, Pause, Round, Watch
from server.why import asked, calls, changes, own, roll_calls, sends, witnesses
from server.why.answer import Absence, Answer, Known, answer
from server.why.events import Event, Period, in_order
from server.why.wording import SENTENCES

_CALLED = frozenset({Role.CASEWORKER, Role.SUPERVISOR})


class Told(msgspec.Struct, frozen=True):
    """What happened in this time, oldest first, and the answer to "why"."""

    period: Period
    answer: Answer
    events: Sequence[Event]


class _Rows(msgspec.Struct, frozen=True):
    """The rows that both the events and the answer need."""

    watch: Watch | None
    rounds: Sequence[Round]
    alerts: Sequence[Alert]
    pauses: Sequence[Pause]
    blinds: Sequence[Blind]
    silent_since: datetime | None


class _Asked(msgspec.Struct, frozen=True):
    """Which time is asked about, when, and when the first row about the child was made."""

    period: Period
    now: datetime
    made_at: datetime


async def tell(
    child: Child,
    period: Period,
    now: datetime,
    *,
    sees_signs: bool = True,
    reads_words: bool = False,
) -> Told:
    """The watch over this child in this time. Reads stored rows alone, each by child and time.
    `sees_signs`: the reader may read what adults noticed; `reads_words`: what the child said where
    they called."""
    rows = _Rows(
        watch=await Watch.get_or_none(child_id=child.id),
        rounds=await asked.rounds_of(child.id, period),
        alerts=await calls.alerts_of(child.id, period),
        pauses=await changes.pauses_of(child.id, period),
        blinds=await own.blinds_of(period),
        silent_since=await own.silent_since(now),
    )
    made_at = (await Person.get(id=child.id)).made_at
    what = _Asked(period, now, made_at)
    if period.end <= made_at:  # Nobody is missed on a rota that has not begun either.
        return Told(period, answer(_known(child, what, rows, [])), [])
    events = [
        *await own.of_server(period, rows.blinds, rows.silent_since, made_at),
        *await _people(child, period, rows, sees_signs=sees_signs),
        *await _evidence(child, period, rows, sees_signs=sees_signs, reads_words=reads_words),
        *await sends.of_messages(child.id, period),
        *await sends.to_operators(period),
    ]
    ordered = in_order([event for event in events if event.at <= now], period, SENTENCES)
    return Told(period, answer(_known(child, what, rows, ordered)), ordered)


async def _evidence(
    child: Child, period: Period, rows: _Rows, *, sees_signs: bool, reads_words: bool
) -> list[Event]:
    """What was due and what was said, and the policy that weighed it."""
    versions = await asked.policies_of(child.agency_id, period)
    night = asked.Night(rows.rounds, versions)
    check_ins = await asked.check_ins_of(child.id, period)
    sightings = await asked.sightings_of(child.id, period)
    return [
        *changes.of_policies(versions),
        *asked.of_rounds(rows.rounds, versions, rows.watch),
        *(asked.of_check_in(row, night, reads_words=reads_words) for row in check_ins),
        *(asked.of_sighting(row, night) for row in sightings),
        *await asked.of_questions(child.id, period),
        *await asked.of_snoozes(child.id, period),
        *await asked.of_trusted([alert.id for alert in rows.alerts]),
        *await asked.of_signs(child.id, period, rows.watch, sees_signs=sees_signs),
        *await roll_calls.of_roll_calls(child, period),
        *await witnesses.of_witnesses(child.id, period, night),
    ]


async def _people(child: Child, period: Period, rows: _Rows, *, sees_signs: bool) -> list[Event]:
    """What people changed, who was on duty, and what was done about alerts."""
    ties = await changes.ties_of(child.id, period)
    until = period.end + changes.FARTHEST
    rota = (await rotas_of([child.agency_id], period.begin, until))[child.agency_id]
    # A person is a deputy, or has left, as of now: that says nothing of who stood in then.
    rota = msgspec.structs.replace(rota, deputies={}, gone=frozenset())
    messages = await calls.messages_of(rows.alerts)
    people = _called(ties, messages)
    entries = await changes.entries_of(child.id, period)
    return [
        *changes.of_pauses(rows.pauses),
        *changes.of_ties(ties),
        *changes.of_rota(rota, period),
        *changes.of_leaves(rota, people, period),
        *(event for entry in entries if (event := changes.of_entry(entry)) is not None),
        *(calls.of_entry(entry, rows.alerts) for entry in entries if entry.what in calls.CODES),
        *calls.lapses(entries, rows.alerts),
        *(
            event
            for alert in rows.alerts
            for event in calls.of_alert(
                alert, messages[alert.id], rota, people, sees_signs=sees_signs
            )
        ),
        *await calls.of_attempts(child.id, period),
    ]


def _called(ties: Sequence[Tie], messages: Mapping[UUID, Sequence[Message]]) -> set[UUID]:
    """The people who answer for the child, and everyone who was called about them."""
    people = {tie.person_id for tie in ties if tie.role in _CALLED}
    calls = (message for some in messages.values() for message in some)
    return people | {call.person_id for call in calls if call.person_id is not None}


def _known(child: Child, told: _Asked, rows: _Rows, events: Sequence[Event]) -> Known:
    absences = [_absence(row, told.period) for row in rows.pauses]
    watch = rows.watch
    return Known(
        period=told.period,
        now=told.now,
        made_at=told.made_at,
        placed_at=child.placed_at,
        left_at=child.left_at,
        alerts=rows.alerts,
        rounds=rows.rounds,
        events=events,
        absences=absences,
        downs=[(row.from_at, row.until_at) for row in rows.blinds],
        silent_since=rows.silent_since,
        due_at=watch.due_at if watch is not None else None,
        alarm_at=watch.called_at if watch is not None else None,
    )


def _absence(row: Pause, period: Period) -> Absence:
    is_looked = row.looked_at is not None and row.looked_at < period.end
    return Absence(
        begin=row.from_at,
        until=row.until_at if row.ended_at is None else row.ended_at,
        who=row.made_by,
        looked_at=row.looked_at if is_looked else None,
        looked_by=row.looked_by if is_looked else None,
    )
