"""What people changed in a night: absences, ties, levels, placement, policy; and the rota."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q

from server.audit.models import Entry
from server.people.models import Tie
from server.rota.calendar import Rota, gaps_between, shifts_between
from server.watch.models import Pause
from server.why.asked import InForce
from server.why.calls import CODES as ABOUT_ALERTS
from server.why.events import Event, Period, Value
from server.why.wording import SERVER

MOST = 1_000
_ENTRIES = {
    "watch:begin": "watch.began",
    "placement:begin": "placement.began",
    "placement:end": "placement.ended",
    "child:move": "child.moved",
    "transfer:accepted": "transfer.accepted",
    "tier:set": "tier.set",
    "rhythm:set": "rhythm.set",
    "season:add": "season.added",
    "season:end": "season.ended",
    "pause:keep": "pause.kept",
    "pause:end": "pause.ended",
    "wish:school": "school.set",
    "absence:ask": "absence.asked",
    "absence:decline": "absence.declined",
    "absence:recall": "absence.recalled",
    "absence:back": "absence.back",
    "device:pair": "phone.paired",
    "device:shut_out": "phone.blocked",
    "glass:open": "glass.broken",
    "text:words": "text.words",
    "watch:set_apart": "server.apart",
    "alert:set_apart": "server.apart",
}
# What a second person was asked, and what came of it: the entry has it as its reason.
_APPROVALS = frozenset({"approval:ask", "approval:settle"})


async def entries_of(child_id: UUID, period: Period) -> list[Entry]:
    """What the record says about this child, as far as a sentence tells it. No look, no word."""
    rows = Entry.filter(
        child_id=child_id,
        at__gte=period.begin,
        at__lt=period.end,
        what__in=[*_ENTRIES, *_APPROVALS, *ABOUT_ALERTS],
    )
    return await rows.order_by("at", "id").limit(MOST)


def of_entry(entry: Entry) -> Event | None:
    """A change by a person, or by the server itself."""
    who: dict[str, Value] = {"who": entry.who_id or SERVER}
    if entry.what in _APPROVALS:
        return Event(entry.at, f"approval.{entry.why}", who)
    return Event(entry.at, _ENTRIES[entry.what], who) if entry.what in _ENTRIES else None


async def pauses_of(child_id: UUID, period: Period) -> list[Pause]:
    """The agreed absences that lie in this time, or were entered in it."""
    rows = Pause.filter(child_id=child_id, until_at__gt=period.begin)
    near = rows.filter(Q(from_at__lt=period.end) | Q(made_at__lt=period.end))
    return await near.order_by("from_at").limit(MOST)


def of_pauses(pauses: Iterable[Pause]) -> list[Event]:
    """Who entered it, when it began, and when it was over."""
    events = []
    for row in pauses:
        values: dict[str, Value] = {
            "who": row.made_by,
            "begin": row.from_at,
            "until": row.until_at,
        }
        events.append(Event(row.made_at, "pause.added", values))
        if row.ended_at is None or row.ended_at > row.from_at:
            events.append(Event(row.from_at, "pause.began", values))
        if row.ended_at is None:
            events.append(Event(row.until_at, "pause.over", values))
    return events


async def ties_of(child_id: UUID, period: Period) -> list[Tie]:
    """The ties that were valid at some time of this."""
    rows = Tie.filter(Tie.ending_after(period.begin), child_id=child_id, from_at__lt=period.end)
    return await rows.order_by("from_at", "id").limit(MOST)


def of_ties(ties: Iterable[Tie]) -> list[Event]:
    """Who came, and who went."""
    events = []
    for row in ties:
        values: dict[str, Value] = {"who": row.person_id, "role": row.role.value}
        events.append(Event(row.from_at, "tie.began", values))
        if row.until_at is not None and row.until_at > row.from_at:
            events.append(Event(row.until_at, "tie.ended", values))
    return events


def of_policies(versions: Sequence[InForce]) -> list[Event]:
    """Each version that came into force, and each week whose outcomes changed its numbers."""
    adopted = [
        Event(version.since, "policy.adopted", {"who": version.made_by, "policy": version.version})
        for version in versions
        if version.made_by is not None
    ]
    return adopted + [
        Event(
            version.since,
            "policy.adapted",
            {"policy": version.version, "week": version.week_ends_at},
        )
        for version in versions
        if version.week_ends_at is not None
    ]


# So far a shift is followed, to tell when it ends.
FARTHEST = timedelta(days=1)


def of_rota(rota: Rota, period: Period) -> list[Event]:
    """Who was on duty, and when nobody was. `rota` reaches to `FARTHEST` after the period."""
    if not (rota.duties or rota.slots or rota.handovers):
        return []
    far = period.end + FARTHEST
    events = []
    for gap in gaps_between(rota, period.begin, far):
        away: dict[str, Value] = {"people": tuple(sorted(gap.away))}
        code, about = ("duty.away", away) if gap.away else ("duty.gap", {})
        events.append(_until(code, gap.begin, gap.end, far, about))
    for shift in shifts_between(rota, period.begin, far):
        values: dict[str, Value] = {"who": shift.who}
        code = "duty.began"
        if shift.instead_of is not None:
            values, code = {**values, "other": shift.instead_of}, "duty.instead"
        events.append(_until(code, shift.begin, shift.end, far, values))
    return events


def _until(
    code: str, begin: datetime, end: datetime, far: datetime, values: dict[str, Value]
) -> Event:
    """With its end, or without one where that lies too far off."""
    if end >= far:
        return Event(begin, f"{code}_on", values)
    return Event(begin, code, {**values, "until": end})


def of_leaves(rota: Rota, people: set[UUID], period: Period) -> list[Event]:
    """The leave of the people who would be called about the child."""
    return [
        Event(max(leave.begin, period.begin), "leave.began", {"who": leave.who, "until": leave.end})
        for leave in rota.leaves
        if leave.who in people and period.meets(leave.begin, leave.end)
    ]
