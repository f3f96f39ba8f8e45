"""What happens on the rota as time passes. A person whose duty begins soon is asked whether we can
reach them, and is told when it begins. Planners are told of gaps and of missing answers.

One row an agency stores the moment of the next decision. The process that takes it has it alone, so
that any number of tickers sends each message once. Decisions depend on the current rota: after a
time when nothing ran, only what still matters is sent.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID, uuid5

import msgspec

from server.audit.actions import Actor, note
from server.clock import as_utc, known_zone
from server.errors import NotFound
from server.i18n import N_
from server.notify.actions import Saying, queue, tell_operators, withdraw
from server.notify.contact_routes import NOWHERE, ways_of
from server.notify.rules import Kind
from server.people.events import Rights, rights_changed
from server.people.models import Agency, Person
from server.people.rules import AgencyAction, Role, may_agency
from server.rota.calendar import Gap, Rota, duty_shifts_between, gaps_between
from server.rota.calendar import Shift as Span
from server.rota.duty import rotas_of
from server.rota.models import Duty, DutyShift, FixedShift, RotaTerms
from server.security import encryption
from server.storage import bulk
from server.storage.db import as_id, fetch, write
from server.storage.due_rows import DueRows

# Shifts that begin within this time have a row. It is longer than a day and the longest lead, moved
# into waking hours; and each rota is looked at once a day.
HORIZON = timedelta(hours=48)
AHEAD = timedelta(days=14)
# Planners are told of gaps at this time of the agency's day.
WARNED_AT = time(9)
# A test alarm is loud: it goes out while people are awake.
WAKES, SLEEPS = time(7), time(21)
REACHED = "reached"  # What the token of the one tap is signed for.
_DUTY_SHIFTS = UUID("5e0c3a86-7f3c-4b5a-8a54-3d1b9a0f2c11")
_GAPS = UUID("0b7f8a52-52f4-4e0e-9a36-0a3f0c7d9e21")
_OPEN_ALERTS = "SELECT COUNT(*) AS n FROM alert WHERE agency_id = $1 AND closed_at IS NULL"


async def _go_on(rotas: Sequence[RotaTerms], now: datetime) -> None:
    for terms in rotas:
        await _look(terms, now)


ROTAS = DueRows("rota", RotaTerms, _go_on, at_once=50)


async def _look(terms: RotaTerms, now: datetime) -> None:
    """Look at one rota, in the transaction of the caller, who has locked the row."""
    # Also for a person who took an alert in the moment in which the rota was changed.
    await rights_changed(Rights(rota_of=terms.id), now)
    rota = (await rotas_of([terms.id], now, now + AHEAD))[terms.id]
    lead = timedelta(seconds=terms.lead_s)
    coming = await _kept(terms.id, duty_shifts_between(rota, now, now + HORIZON), lead, now)
    await _ask([shift for shift in coming if _is_to_be_asked(shift, now)], now)
    await _begin(
        [shift for shift in coming if shift.begins_at <= now and shift.begun_at is None], now
    )
    warned_at, told = await _warn(terms, rota, now)
    moments = [warned_at, *(at for shift in coming for at in (shift.ask_at, shift.begins_at) if at)]
    await RotaTerms.filter(id=terms.id).update(
        looked_at=now,
        told=told,
        next_action_at=min(at for at in moments if at > now),
        version=terms.version + 1,
    )


def _is_to_be_asked(shift: DutyShift, now: datetime) -> bool:
    is_due = shift.ask_at is not None and shift.ask_at <= now < shift.begins_at
    return is_due and shift.asked_at is None and shift.reached_at is None


# --- the rows, as the rota is now


async def _kept(
    agency_id: UUID, spans: Sequence[Span], lead: timedelta, now: datetime
) -> list[DutyShift]:
    """A row for each of these; rows that are no longer in the rota are dropped."""
    shifts = await DutyShift.filter(
        agency_id=agency_id, dropped_at__isnull=True, until_at__gte=now - HORIZON
    )
    zones = await _zones({span.who for span in spans})
    rows, kept = [], list[DutyShift]()
    for span in spans:
        same = _same(shifts, span, now)
        if same is None:
            rows.append(_row(agency_id, span, lead, zones[span.who], now))
        else:
            kept.append(same)
            if same.until_at != span.end:
                await DutyShift.filter(id=same.id).update(until_at=span.end)
    left = [shift for shift in shifts if shift not in kept]
    await _drop([shift for shift in left if shift.begun_at is None], now)
    # A shift that was cut short is over: the same person's next one begins anew.
    cut = [shift.id for shift in left if shift.begun_at is not None and shift.until_at > now]
    await DutyShift.filter(id__in=cut).update(until_at=now)
    return [*kept, *await _made(rows)]


def _same(shifts: Sequence[DutyShift], span: Span, now: datetime) -> DutyShift | None:
    """The row of this shift. For a running shift, the row that has begun before: it may have been
    cut or extended since, and a person already on duty is not told again."""
    for shift in shifts:
        if shift.person_id != span.who:
            continue
        if span.begin > now and shift.begins_at == span.begin:
            return shift
        if span.begin <= now and shift.begins_at <= now <= shift.until_at:
            return shift
    return None


def _row(
    agency_id: UUID, span: Span, lead: timedelta, zone: str, now: datetime
) -> dict[str, object]:
    return {
        "id": uuid5(
            _DUTY_SHIFTS, f"{agency_id}:{span.who}:{span.begin.isoformat()}:{now.isoformat()}"
        ),
        "agency_id": agency_id,
        "person_id": span.who,
        "begins_at": span.begin,
        "until_at": span.end,
        "ask_at": ask_at(span.begin, lead, zone, now),
    }


async def _made(rows: Sequence[dict[str, object]]) -> list[DutyShift]:
    await bulk.insert(DutyShift, rows, skip_known=True)
    return await DutyShift.filter(id__in=[row["id"] for row in rows])


async def _zones(people: set[UUID]) -> dict[UUID, str]:
    rows = Person.filter(id__in=list(people))
    return {id_: zone for id_, zone in await rows.values_list("id", "zone")}


async def _drop(rows: Sequence[DutyShift], now: datetime) -> None:
    ids = [row.id for row in rows]
    if ids:
        await DutyShift.filter(id__in=ids).update(dropped_at=now)
        await withdraw(ids, "replaced", now)


def ask_at(begin: datetime, lead: timedelta, zone_name: str, now: datetime) -> datetime | None:
    """When to ask a person whether we can reach them in a shift that begins then: `lead` before, or
    earlier, while they are awake. For a shift planned later than that, as soon as they are awake;
    at night only where it begins before the morning. None: it has begun."""
    if begin <= now:
        return None
    wanted = _last_awake(begin - lead, zone_name)
    if wanted >= now:
        return wanted
    awake = _next_awake(now, zone_name)
    return awake if awake < begin else now


def _last_awake(at: datetime, zone_name: str) -> datetime:
    zone = known_zone(zone_name)
    day = at.astimezone(zone).date()
    if at < as_utc(day, WAKES, zone):
        return as_utc(day - timedelta(days=1), SLEEPS, zone)
    return min(at, as_utc(day, SLEEPS, zone))


def _next_awake(at: datetime, zone_name: str) -> datetime:
    zone = known_zone(zone_name)
    day = at.astimezone(zone).date()
    if at >= as_utc(day, SLEEPS, zone):
        return as_utc(day + timedelta(days=1), WAKES, zone)
    return max(at, as_utc(day, WAKES, zone))


# --- messages


async def _ask(rows: Sequence[DutyShift], now: datetime) -> None:
    """ "Can you be reached?" A loud test alarm by every way that reaches them, answered with one
    tap."""
    ways = await ways_of({row.person_id for row in rows}, now)
    sayings = []
    for shift in rows:
        token = encryption.sign(str(shift.id), REACHED, until=shift.until_at)
        for channel in ways.get(shift.person_id, NOWHERE).every or (None,):
            sayings.append(
                Saying(
                    kind=Kind.REACH,
                    agency_id=shift.agency_id,
                    subject_kind="spell",
                    subject_id=shift.id,
                    person_id=shift.person_id,
                    urgency="high",
                    expires_at=shift.begins_at,
                    channel=channel,
                    data={"path": f"/ready/{token}"},
                )
            )
    await DutyShift.filter(id__in=[row.id for row in rows]).update(asked_at=now)
    await queue(sayings, now)


async def _begin(rows: Sequence[DutyShift], now: datetime) -> None:
    """ "You are on duty now", with how many alerts are open. A person who was asked and has not
    said yes may not be there: planners and operators hear of it."""
    if not rows:
        return
    ids = [row.id for row in rows]
    await DutyShift.filter(id__in=ids).update(begun_at=now)
    await withdraw(ids, "settled", now, kinds=[Kind.REACH])
    agency_id = rows[0].agency_id
    # The room of alerts is above this one; counting its rows uses none of its rules.
    [open_alerts] = await fetch(_OPEN_ALERTS, [agency_id])
    how_many = int(open_alerts["n"])
    sayings = [
        Saying(
            kind=Kind.SHIFT,
            agency_id=agency_id,
            subject_kind="spell",
            subject_id=row.id,
            person_id=row.person_id,
            urgency="high",
            expires_at=row.until_at,
            data={"path": "/desk/duty", "open_alerts": how_many},
        )
        for row in rows
    ]
    unsure = [row for row in rows if row.asked_at is not None and row.reached_at is None]
    for unreached in unsure:
        planners = await planners_of(agency_id)
        sayings += [
            _to_planner(Kind.UNREACHED, agency_id, unreached.id, who, now) for who in planners
        ]
    if unsure:
        await tell_operators("rota:not_reached", now)
    await queue(sayings, now)


async def planners_of(agency_id: UUID) -> list[UUID]:
    """The people who plan the rota of an agency."""
    roles = [role for role in Role if may_agency(role, AgencyAction.ROTA_PLAN)]
    people = Person.filter(agency_id=agency_id, role__in=roles, disabled_at__isnull=True)
    return [as_id(id_) for id_ in await people.order_by("id").values_list("id", flat=True)]


def _to_planner(kind: Kind, agency_id: UUID, about: UUID, who: UUID, now: datetime) -> Saying:
    return Saying(
        kind=kind,
        agency_id=agency_id,
        subject_kind="rota",
        subject_id=about,
        person_id=who,
        urgency="high" if kind is Kind.UNREACHED else "normal",
        expires_at=now + timedelta(hours=24),
        data={"path": "/desk/rota"},
    )


# --- gaps


class _Morning(msgspec.Struct, frozen=True):
    """The last time at which planners were to be told, and the next one."""

    last: datetime
    next: datetime


async def _warn(terms: RotaTerms, rota: Rota, now: datetime) -> tuple[datetime, list[str]]:
    """Tell planners of gaps: each morning of all, and at once of a new one that begins before the
    next morning. Returns when that is, and which gaps have been told."""
    morning = await _morning(terms.id, now)
    gaps = gaps_between(rota, now, now + AHEAD) if await has_rota(terms.id) else []
    told = set(terms.told or ())
    if terms.looked_at < morning.last:
        # Where nothing ran for days, this morning's warning is the one that matters.
        new = bool(gaps)
        about = uuid5(_GAPS, f"{terms.id}:{morning.last.isoformat()}")
    else:
        at_once = [gap for gap in gaps if gap.begin < morning.next and _key(gap) not in told]
        new = bool(at_once)
        about = uuid5(_GAPS, f"{terms.id}:{now.isoformat()}")
    if new:
        planners = await planners_of(terms.id)
        await queue(
            [_to_planner(Kind.ROTA_GAP, terms.id, about, who, now) for who in planners], now
        )
        return morning.next, [_key(gap) for gap in gaps]
    return morning.next, sorted(told & {_key(gap) for gap in gaps})


def _key(gap: Gap) -> str:
    """A gap by its end: its beginning moves on while it lasts."""
    return gap.end.isoformat()


async def _morning(agency_id: UUID, now: datetime) -> _Morning:
    zone = known_zone((await Agency.get(id=agency_id)).zone)
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=n) for n in (-1, 0, 1)]
    before, here, after = (as_utc(day, WARNED_AT, zone) for day in days)
    return _Morning(here, after) if here <= now else _Morning(before, here)


async def has_rota(agency_id: UUID) -> bool:
    """Whether this agency has ever planned who is on duty: otherwise it gets no daily warning."""
    duties, shifts = Duty.filter(agency_id=agency_id), FixedShift.filter(agency_id=agency_id)
    return await duties.exists() or await shifts.exists()


async def gaps_ahead(agency_id: UUID, now: datetime) -> list[Gap]:
    """When nobody is on duty in the next 14 days, of an agency that plans it."""
    if not await has_rota(agency_id):
        return []
    rota = (await rotas_of([agency_id], now, now + AHEAD))[agency_id]
    return gaps_between(rota, now, now + AHEAD)


# --- one tap


async def say_reached(duty_shift_id: UUID, now: datetime) -> DutyShift:
    """ "Yes, you can reach me." Twice is once. Raises NotFound where there is no such shift."""
    async with write():
        row = await DutyShift.filter(id=duty_shift_id).select_for_update().first()
        if row is None:
            raise NotFound(N_("This does not exist, or you do not have access to it."))
        if row.reached_at is None and row.dropped_at is None:
            await DutyShift.filter(id=row.id).update(reached_at=now)
            await withdraw([row.id], "answered", now, kinds=[Kind.REACH])
            actor = Actor(row.person_id, Role.CASEWORKER.value, row.agency_id)
            await note(actor, "rota:reached", about=("spell", row.id), now=now)
    return await DutyShift.get(id=duty_shift_id)


def read_token(token: str, now: datetime) -> UUID:
    """Which shift a link asks about. Raises NotFound for one that is not ours or is over."""
    try:
        return UUID(encryption.unsign(token, REACHED, now))
    except (encryption.Unreadable, ValueError):
        raise NotFound(N_("This link no longer works.")) from None
