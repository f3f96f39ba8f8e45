"""The one sentence at the top: why there was an alert, or why there was none. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from server.i18n import N_
from server.why.events import Event, Period, Value

ANSWERS: Mapping[str, str] = {
    "not_yet": N_("This time is still to come."),
    "before_records": N_(
        "No alert: the watch over {child} had not begun. Our records begin {begin}."
    ),
    "not_placed": N_("No alert: the placement began later, {begin}."),
    "left": N_("No alert: the placement had ended {left}. After that we do not ask."),
    "alert": N_("An alert opened at {at}: {cause}."),
    "alerts": N_("{n} alerts opened. The first was at {at}: {cause}."),
    "alert_before": N_("No new alert: one was open already, since {at}: {cause}."),
    "alert_late": N_(
        "Our server was down from {begin} to {until}, so we noticed the alert of {at} at {noticed}."
    ),
    "answered": N_("No alert: {child} answered at {at}, {span} before the check-in was late."),
    "answered_late": N_("No alert: {child} answered at {at}, late, but before we called adults."),
    "answered_before_call": N_(
        "No alert: {child} answered at {at}, {span} before we would have called adults."
    ),
    "answered_for": N_("No alert: {who} answered for {child} at {at}."),
    "seen": N_("No alert: {who} saw {child} at {at}."),
    "settled": N_("No alert: the check-in due {due} was settled at {at}."),
    "absence": N_("No alert: an agreed absence until {until}, entered by {who}."),
    "excused": N_("No alert: the check-in due {due} was called off, as {child} was away."),
    "replaced": N_("No alert: the check-in due {due} was called off, as the times changed."),
    "ended": N_("No alert: the check-in due {due} was called off, as the placement ended."),
    "down": N_("No alert: our server was down from {begin} to {until}."),
    "down_now": N_("No alert: our server has been down since {begin}. Call IT support."),
    "not_late": N_("No alert yet: the check-in due {due} is not late before {late}."),
    "late_later": N_("No alert in this time: the check-in due {due} was late only at {late}."),
    "late": N_(
        "No alert yet: the check-in due {due} was late at {late}. Unless someone answers, we call"
        " adults: {call}."
    ),
    "late_after": N_("No alert in this time. We were to call adults later: {call}."),
    "late_unknown": N_("No alert: the check-in due {due} was late, and nobody was called by then."),
    "none_due": N_("No alert: no check-in was due in this time."),
    "none_due_next": N_("No alert: no check-in was due in this time. The next is due {due}."),
    # Said after the first sentence.
    "why": N_("Why: {why}."),
    "wish": N_("Also at {wished}: {wish}."),
    "taken": N_("{who} took it at {taken}."),
    "not_taken": N_("Nobody has taken it yet."),
    "lapsed": N_("Nobody has it now."),
    "closed": N_("It closed at {closed}."),
    "open": N_("It is still open."),
    "absence_looked": N_("{looker} looked at it last at {looked}: it was still so."),
}
# Their moment comes after the time that is told, so it is said with its day.
BEFORE_ALL = frozenset({"before_records", "not_placed"})


class Absence(msgspec.Struct, frozen=True):
    """An agreed absence: who entered it, and who looked at it last, before the end of this time."""

    begin: datetime
    until: datetime
    who: UUID
    looked_at: datetime | None = None
    looked_by: UUID | None = None


class Answer(msgspec.Struct, frozen=True):
    """Codes of sentences, the main one first, and their values."""

    codes: tuple[str, ...]
    values: Mapping[str, Value] = msgspec.field(default_factory=dict)


class AlertRow(Protocol):
    """The slice of an alert that the answer needs."""

    cause: str
    reason: str
    opened_at: datetime
    noticed_at: datetime
    acknowledged_by: UUID | None
    acknowledged_at: datetime | None
    closed_at: datetime | None


class RoundRow(Protocol):
    """The slice of a round."""

    due_at: datetime
    opens_at: datetime
    late_at: datetime
    call_at: datetime | None
    state: str
    settled_at: datetime | None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the answer is made from."""

    period: Period
    now: datetime
    made_at: datetime  # The first row about the child.
    placed_at: datetime
    left_at: datetime | None
    alerts: Sequence[AlertRow]
    rounds: Sequence[RoundRow]
    events: Sequence[Event]
    absences: Sequence[Absence]
    downs: Sequence[tuple[datetime, datetime]]
    silent_since: datetime | None
    # Of the watch as it is now.
    due_at: datetime | None = None
    alarm_at: datetime | None = None


def answer(night: Known) -> Answer:
    """Why there was an alert in this time, or none."""
    for look in (_outside, _alert, _placement, _down, _of_rounds):
        if (answered := look(night)) is not None:
            return answered
    return _nothing_due(night)


def _outside(night: Known) -> Answer | None:
    if night.period.begin > night.now:
        return Answer(("not_yet",))
    if night.period.end <= night.made_at:
        return Answer(("before_records",), {"begin": night.made_at})
    return None


def _alert(night: Known) -> Answer | None:
    inside = [alert for alert in night.alerts if night.period.has(alert.opened_at)]
    if inside:
        return _with_wish(_opened(night, inside), inside[0], night)
    if night.alerts:
        alert = night.alerts[0]
        code = "alert_before" if alert.noticed_at < night.period.begin else "alert"
        codes, more = _end(alert, night)
        return _with_wish(Answer((code, *codes), {**_of(alert), **more}), alert, night)
    return None


def _with_wish(told: Answer, alert: AlertRow, night: Known) -> Answer:
    """The strongest that the child called for, where the alert that is told is about something
    else."""
    for cause in ("help", "talk"):
        wish = next((each for each in night.alerts if each.cause == cause), None)
        if wish is alert:
            return told
        if wish is not None:
            values: dict[str, Value] = {"wish": cause, "wished": wish.opened_at}
            return Answer((*told.codes, "wish"), {**told.values, **values})
    return told


def _of(alert: AlertRow) -> dict[str, Value]:
    is_by_home = alert.cause == "silence" and alert.reason == "not_here"
    cause = alert.reason if is_by_home else alert.cause
    return {"at": alert.opened_at, "cause": cause, "why": alert.reason}


def _opened(night: Known, inside: Sequence[AlertRow]) -> Answer:
    first = inside[0]
    codes, more = _end(first, night)
    values: dict[str, Value] = {**_of(first), **more, "n": len(inside)}
    if len(inside) > 1:
        return Answer(("alerts",), values)
    why = ("why",) if first.cause == "silence" else ()
    down = next((d for d in night.downs if d[0] <= first.opened_at <= d[1]), None)
    if down is None or first.noticed_at <= first.opened_at:
        return Answer(("alert", *why, *codes), values)
    values |= {"begin": down[0], "until": down[1], "noticed": first.noticed_at}
    return Answer(("alert_late", *why, *codes), values)


def _end(alert: AlertRow, night: Known) -> tuple[tuple[str, ...], dict[str, Value]]:
    """Who took it, and whether it is closed."""
    who, taken = alert.acknowledged_by, alert.acknowledged_at
    last = next((e for e in reversed(night.events) if e.code == "alert.taken"), None)
    codes: tuple[str, ...] = ()
    values: dict[str, Value] = {}
    if who is not None and taken is not None:
        codes, values = ("taken",), {"who": who, "taken": taken}
    elif last is not None and len(night.alerts) == 1:
        codes, values = ("taken",), {"who": last.values["who"], "taken": last.at}
    if alert.closed_at is not None:
        return (*codes, "closed"), {**values, "closed": alert.closed_at}
    if not codes:
        return ("not_taken",), values
    return (*codes, "open" if who is not None else "lapsed"), values


def _placement(night: Known) -> Answer | None:
    if night.left_at is not None and night.left_at <= night.period.begin:
        return Answer(("left",), {"left": night.left_at})
    if night.placed_at >= night.period.end and not night.rounds:
        return Answer(("not_placed",), {"begin": night.placed_at})
    return None


def _down(night: Known) -> Answer | None:
    """Our server did not look while a check-in was open or late, and has not looked since."""
    waits = any(row.settled_at is None for row in night.rounds)
    if night.silent_since is not None and night.silent_since < night.period.end and waits:
        return Answer(("down_now",), {"begin": night.silent_since})
    for begin, until in night.downs:
        is_whole = begin <= night.period.begin and until >= night.period.end
        late = [row for row in night.rounds if begin <= row.late_at <= until]
        if is_whole or any(row.settled_at is None or row.settled_at > until for row in late):
            return Answer(("down",), {"begin": begin, "until": until})
    return None


def _of_rounds(night: Known) -> Answer | None:
    end = min(night.period.end, night.now)
    waiting = [
        row
        for row in night.rounds
        if row.opens_at < end and (row.settled_at is None or row.settled_at >= night.period.end)
    ]
    if waiting:
        return _waits(waiting[0], night, end)
    due = [row for row in night.rounds if night.period.meets(row.due_at, row.late_at)]
    due += [row for row in night.rounds if night.period.has(row.settled_at)]
    if not due:
        return None
    return _settled(max(due, key=lambda row: row.due_at), night)


def _waits(row: RoundRow, night: Known, end: datetime) -> Answer:
    values: dict[str, Value] = {"due": row.due_at, "late": row.late_at}
    if row.late_at > end:
        return Answer(("not_late" if end == night.now else "late_later",), values)
    call = row.call_at if night.alarm_at is None or end != night.now else night.alarm_at
    if call is None:
        return Answer(("late_unknown",), values)
    return Answer(("late" if end == night.now else "late_after",), {**values, "call": call})


def _settled(row: RoundRow, night: Known) -> Answer:
    at = row.settled_at
    assert at is not None
    values: dict[str, Value] = {"due": row.due_at, "at": at, "late": row.late_at}
    if row.state in ("excused", "replaced", "ended", "ended_late"):
        return _called_off(row, night, values)
    if (by := _what_settled(row, night)) is None:
        return Answer(("settled",), values)
    if by.code.startswith("seen."):
        return Answer(("seen",), {**values, **by.values, "at": by.at})
    if "who" in by.values:
        return Answer(("answered_for",), {**values, "who": by.values["who"]})
    if at < row.late_at:
        return Answer(("answered",), {**values, "span": row.late_at - at})
    if row.call_at is None or row.call_at <= at:
        return Answer(("answered_late",), values)
    return Answer(("answered_before_call",), {**values, "span": row.call_at - at})


def _what_settled(row: RoundRow, night: Known) -> Event | None:
    """The answer or the sighting that settled it: they have the same moment."""
    return next(
        (
            event
            for event in night.events
            if event.at == row.settled_at and event.code.startswith(("answer.", "seen.seen"))
        ),
        None,
    )


def _called_off(row: RoundRow, night: Known, values: dict[str, Value]) -> Answer:
    if row.state == "excused":
        for absence in night.absences:
            if absence.begin <= row.late_at and row.opens_at <= absence.until:
                return _away(absence, values)
    return Answer((row.state.removesuffix("_late"),), values)


def _away(absence: Absence, values: dict[str, Value]) -> Answer:
    values = {**values, "until": absence.until, "who": absence.who}
    if absence.looked_at is None or absence.looked_by is None:
        return Answer(("absence",), values)
    looked: dict[str, Value] = {"looker": absence.looked_by, "looked": absence.looked_at}
    return Answer(("absence", "absence_looked"), {**values, **looked})


def _nothing_due(night: Known) -> Answer:
    for absence in night.absences:
        if absence.begin < night.period.end and absence.until > night.period.begin:
            return _away(absence, {})
    if night.due_at is not None and night.due_at >= night.period.end:
        return Answer(("none_due_next",), {"due": night.due_at})
    return Answer(("none_due",))
