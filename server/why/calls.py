"""The alerts of a night: why they opened, who was to be called, who took them, how they ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from server.alerts.ladder import Cause
from server.alerts.models import Alert, Attempt
from server.alerts.weighed import weighed_in
from server.alerts.words import about
from server.audit.models import Entry
from server.notify.models import Message
from server.notify.rules import Kind
from server.policy.model import Rung, ladder_from_data
from server.rota.calendar import Rota, stand_in
from server.watch.wording import TEXT
from server.why.events import Event, Period, Value

MOST = 200
_CALLS = frozenset({Kind.ALERT.value, Kind.ALERT_AGAIN.value})
# What was noticed later than this after it became true was not noticed at once.
_AT_ONCE = timedelta(seconds=90)
_FACTS = {
    "answered_at": ("answered", "fact_answered"),
    "app_seen_at": ("app", "fact_app"),
    "asked_at": ("asked", "fact_asked"),
    "push_silent_since": ("push", "fact_push"),
}


async def alerts_of(child_id: UUID, period: Period) -> list[Alert]:
    """The alerts that were open at some time of this, or should have been."""
    rows = Alert.filter(
        Q(closed_at__isnull=True) | Q(closed_at__gte=period.begin),
        child_id=child_id,
        opened_at__lt=period.end,
    )
    return await rows.order_by("opened_at").limit(MOST)


async def messages_of(alerts: Sequence[Alert]) -> dict[UUID, list[Message]]:
    """Who was called about each of these alerts, in the first round of its ladder."""
    about: dict[UUID, list[Message]] = {alert.id: [] for alert in alerts}
    calls = Message.filter(subject_id__in=list(about), kind__in=list(_CALLS), turn=0)
    for message in await calls.order_by("queued_at", "to_key"):
        about[message.subject_id].append(message)
    return about


async def of_attempts(child_id: UUID, period: Period) -> list[Event]:
    """What people logged on the alert: how they tried to reach the child, and the result."""
    rows = Attempt.filter(child_id=child_id, at__gte=period.begin, at__lt=period.end)
    return [
        Event(
            row.at,
            "attempt.logged",
            {"who": row.who_id, "attempt_way": row.way, "target": row.target, "came": row.result},
        )
        for row in await rows.order_by("at").limit(MOST)
    ]


def of_alert(
    alert: Alert,
    messages: Sequence[Message],
    rota: Rota,
    people: set[UUID],
    *,
    sees_signs: bool,
) -> list[Event]:
    """Why it opened, and who was called by its ladder. `people`: those who answer for the child; of
    their leave it tells."""
    values, because = _opening(alert, sees_signs=sees_signs)
    code = "alert.opened"
    if alert.opened_by not in (None, alert.child_id):
        values, code = {**values, "who": alert.opened_by or ""}, "alert.opened_by"
    events = [Event(alert.opened_at, code, values, because)]
    if alert.noticed_at - alert.opened_at > _AT_ONCE:
        events.append(Event(alert.noticed_at, "alert.noticed", {"opened": alert.opened_at}))
    return events + _ladder(alert, messages, rota, people)


def _opening(alert: Alert, *, sees_signs: bool) -> tuple[dict[str, Value], tuple[str, ...]]:
    values: dict[str, Value] = {"cause": about(alert.cause, alert.reason), "why": alert.reason}
    # Why a concern opened is sealed.
    because: tuple[str, ...] = () if alert.cause == Cause.CONCERN else ("why",)
    if alert.cause != Cause.SILENCE:
        return values, because
    for fact, (name, reason) in _FACTS.items():
        if fact in alert.facts:
            values[name], because = datetime.fromisoformat(alert.facts[fact]), (*because, reason)
    if not _has_answered(alert.facts):
        because = (*because, "fact_never")
    if alert.misses > 1:
        values["misses"], because = alert.misses, (*because, "misses")
    if facts := weighed_in(alert.facts, sees_signs=sees_signs):
        values["weighed"], because = tuple(facts), (*because, "weighed")
    return values, because


def _has_answered(facts: Mapping[str, Any]) -> bool:
    """Whether an answer had come by then, by the app or another way, also one that did not
    count."""
    is_other = "heard_at" in facts and facts.get("heard_way") != TEXT
    return is_other or "answered_at" in facts or "old_came_at" in facts


def _ladder(
    alert: Alert, messages: Sequence[Message], rota: Rota, people: set[UUID]
) -> list[Event]:
    """The ladder as it was frozen, and each rung of the first round when its turn came, with the
    people our messages were for. Who is on a rung today is not who was there then."""
    ladder, at = ladder_from_data(alert.ladder), alert.noticed_at
    # As it was frozen, also by a release in which a ladder could end before the last resort.
    frozen = tuple(Rung(rung) for rung in alert.ladder["rungs"])
    rungs = tuple(rung.value for rung in frozen)
    events = [Event(at, "alert.ladder", {"rungs": rungs, "each": ladder.each})]
    events += [_on_leave(who, rota, at) for who in _away(rota, at) if who in people]
    passed: list[str] = []
    for place, rung in enumerate(frozen):
        calls = [message for message in messages if message.rung == place]
        people_called = tuple(
            dict.fromkeys(call.person_id for call in calls if call.person_id is not None)
        )
        if not people_called and (not calls or rung is not Rung.LAST_RESORT):
            passed.append(rung.value)
            continue
        begun = min(call.queued_at for call in calls)
        # What lies between two rungs that were called had nobody on it.
        events += [Event(begun, "alert.rung_empty", {"rung": each}) for each in passed]
        passed = []
        code = "alert.rung" if people_called else "alert.last_resort"
        values: dict[str, Value] = {"rung": rung.value}
        events.append(
            Event(begun, code, {**values, "people": people_called} if people_called else values)
        )
    return events


def _away(rota: Rota, at: datetime) -> list[UUID]:
    return [leave.who for leave in rota.leaves if leave.begin <= at < leave.end]


def _on_leave(who: UUID, rota: Rota, at: datetime) -> Event:
    other = stand_in(rota, who, at)
    if other is None:
        return Event(at, "alert.on_leave_alone", {"who": who})
    return Event(at, "alert.on_leave", {"who": who, "other": other})


# --- what people and the child did about them

_ENTRIES = {
    "alert:join": "alert.joined",
    "alert:acknowledge": "alert.taken",
    "alert:read": "alert.read",
    "alert:hold": "alert.held",
    "alert:hand_over": "alert.handed_over",
    "alert:answered": "alert.answered",
    "alert:close": "alert.closed",
}
CODES = tuple(_ENTRIES)
_WHY_HANDED_OVER = {
    "leaving": "left",
    "right_ended": "right_ended",
    "transfer": "moved_agency",
}


def lapses(entries: Sequence[Entry], alerts: Sequence[Alert]) -> list[Event]:
    """Where the person who took an alert did nothing further with it in their time."""
    events = []
    for alert in alerts:
        own = [entry for entry in entries if entry.about_id == alert.id]
        lapse = ladder_from_data(alert.ladder).lapse
        for entry, following in zip_longest(own, own[1:]):
            end = entry.at + lapse
            is_over = following is None or following.at > end
            if entry.what == "alert:acknowledge" and is_over and not _is_held(alert, end):
                events.append(Event(end, "alert.lapsed", {"who": entry.who_id or ""}))
    return events


def _is_held(alert: Alert, at: datetime) -> bool:
    """Whether the holder has it at that moment as the row is now, or it is over by then."""
    is_over = alert.closed_at is not None and alert.closed_at <= at
    return is_over or (alert.held_until is not None and alert.held_until >= at)


def of_entry(entry: Entry, alerts: Sequence[Alert]) -> Event:
    """What the record says was done about an alert."""
    code, values = _ENTRIES[entry.what], dict[str, Value]()
    if entry.who_id is not None:
        values["who"] = entry.who_id
    if code == "alert.handed_over":
        because = _WHY_HANDED_OVER.get(entry.why or "")
        return Event(entry.at, code, values, (because,) if because else ())
    if code != "alert.closed":
        return Event(entry.at, code, values)
    values["outcome"] = entry.why or ""
    alert = next((alert for alert in alerts if alert.id == entry.about_id), None)
    if alert is None or alert.cause == Cause.CONCERN:
        # How it ended would tell why it was opened.
        return Event(entry.at, "alert.closed_sealed", {"who": values.get("who", "")})
    return Event(entry.at, code if "who" in values else "alert.closed_itself", values)
