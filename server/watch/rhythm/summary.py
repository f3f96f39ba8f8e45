"""What was agreed about a child's watch, in words, and what follows if no answer comes."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from server.clock import known_zone
from server.i18n import N_, format_list, format_short_date, format_span, gettext
from server.notify.child.hours import School, Times
from server.people.models import Person
from server.people.rules import Leaving
from server.policy.model import Tier
from server.watch import watch_state
from server.watch.calendar import milestones
from server.watch.calendar.models import Milestone
from server.watch.machine.advancing import advance
from server.watch.machine.habit import UNTOLD
from server.watch.machine.rounds import begin, next_round, window_of
from server.watch.machine.standing import Standing, Terms, What
from server.watch.models import Pause, Watch
from server.watch.passes.rules import REASONS as WHY_AWAY
from server.watch.passes.rules import Reason
from server.watch.reminders.reminding import school_of
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.models import Proposal, Season
from server.watch.rhythm.wording import DAYS, From, clock, rhythm_in_words
from server.watch.watch_state import WatchState
from server.watch.wording import TIERS, when

REASONS: Mapping[Leaving, str] = {
    Leaving.MOVED: N_("Moved to another home, which now looks after them"),
    Leaving.OF_AGE: N_("Turned 18 and moved on"),
    Leaving.HOME: N_("Back with the family"),
    Leaving.OTHER: N_("Another reason"),
}
# Of so many rounds the times of a rhythm are told: two months of three a day.
_MOST_ROUNDS = 200


class Sum(msgspec.Struct, frozen=True):
    """An answer is due at a moment, or any time from the beginning of a window to then; without
    one, a person is told by another moment at the latest."""

    due_at: datetime
    told_by: datetime
    begin: datetime | None = None


class Proposed(msgspec.Struct, frozen=True):
    """A rhythm that waits for an answer, as pages show it: who proposed what, and the times, with
    their days if it is for some days only. `zone`: only if it is another one."""

    id: UUID
    what: str
    made_at: datetime
    rhythm: str
    zone: str | None
    words: str | None
    sums: list[Sum]


class ForATime(msgspec.Struct, frozen=True):
    """Another rhythm for a time, as pages show it."""

    id: UUID
    says: str
    words: str | None


class Marked(msgspec.Struct, frozen=True):
    """A day of the calendar, as pages show it."""

    id: UUID
    says: str
    watched: str | None  # From when until when it makes the watch tighter; None: it does so now.
    counts: bool  # It made the watch as tight as it is now.
    may_go: bool  # A person marked it, and may take it back.
    child_knows: bool  # And reads it on their phone.


class Agreed(msgspec.Struct, frozen=True):
    """The terms of one watch, as its page shows them."""

    rhythm: str
    tier: str
    zone: str
    told_by: datetime | None  # Without any answer from now on, we tell a person by then.
    pauses: list[Pause]
    why_away: dict[UUID, str]  # The reason of each of these, in words.
    proposals: list[Proposed]
    seasons: list[ForATime]
    days: list[Marked]
    school: list[str]  # Their school hours, a line for each time of day.
    version: str  # Of the rhythm: who agrees to another one names it.


async def case_of(child_id: UUID, now: datetime) -> WatchState | None:
    """The watch of a child, brought up to the present; None if there is none, or if it is over."""
    watch = await Watch.get_or_none(child_id=child_id)
    if watch is None or watch.is_over:
        return None
    case, _ = watch_state.passed((await watch_state.load([watch], now))[0], now)
    return case


async def read(case: WatchState, language: str, zone: ZoneInfo, now: datetime) -> Agreed:
    """What was agreed, for a reader."""
    held = Pause.filter(child_id=case.watch.child_id, until_at__gt=now, ended_at__isnull=True)
    pauses = await held.order_by("from_at")
    return Agreed(
        rhythm=rhythm_in_words(case.terms.rhythm, language, From(now, case.terms.zone)),
        tier=_tier(case.watch, language, zone, now),
        zone=case.watch.zone,
        told_by=told_by(case.standing, case.terms, now),
        pauses=pauses,
        why_away={
            pause.id: gettext(language, WHY_AWAY[Reason(pause.reason)])
            for pause in pauses
            if pause.reason is not None
        },
        proposals=await _proposals(case, language, now),
        days=await _days(case, language, zone, now),
        school=school_in_words(await school_of(case.watch.child_id), language),
        version=rhythms.version(case.terms.rhythm, case.watch.zone),
        seasons=[
            ForATime(row.id, season_in_words(row, case, language, now), row.words)
            for row in await coming_seasons(case.watch.child_id, now)
        ],
    )


async def _days(case: WatchState, language: str, zone: ZoneInfo, now: datetime) -> list[Marked]:
    """The days of the calendar that are not over, the first first."""
    rows = Milestone.filter(child_id=case.watch.child_id, until_at__gt=now, ended_at__isnull=True)
    return [
        Marked(
            id=row.id,
            says=gettext(
                language,
                N_("{what}, {day}"),
                what=gettext(language, milestones.WORDS[milestones.What(row.what)]),
                day=format_short_date(language, row.on_day),
            ),
            watched=None
            if row.next_action_at is None
            else gettext(
                language,
                N_("Closer watch from {begin} to {end}"),
                begin=when(language, row.next_action_at, zone, now),
                end=when(language, row.until_at, zone, now),
            ),
            counts=row.next_action_at is None and case.watch.tier_until_at == row.until_at,
            may_go=row.made_by is not None,
            child_knows=row.known_at is not None,
        )
        for row in await rows.order_by("on_day", "id")
    ]


async def coming_seasons(child_id: UUID, now: datetime) -> list[Season]:
    """The other times that are agreed for now or later, the first first."""
    rows = Season.filter(child_id=child_id, until_at__gt=now, ended_at__isnull=True)
    return await rows.order_by("from_at")


def season_in_words(row: Season, case: WatchState, language: str, now: datetime) -> str:
    """ "Until 12 March: every day at 20:00. Then again: every day at 18:00." """
    zone = known_zone(row.zone)
    first, last = row.from_at.astimezone(zone).date(), _last_day(row, zone)
    words = {
        "first": format_short_date(language, first),
        "last": format_short_date(language, last),
        "rhythm": rhythm_in_words(
            rhythms.read(row.rhythm), language, From(max(now, row.from_at), zone)
        ),
        "before": rhythm_in_words(
            case.terms.rhythm, language, From(max(now, row.until_at), case.terms.zone)
        ),
    }
    if row.from_at <= now:
        says = gettext(language, N_("Until {last}: {rhythm}. Then back to: {before}."), **words)
    else:
        says = gettext(
            language, N_("{first} to {last}: {rhythm}. Then back to: {before}."), **words
        )
    return says if row.zone == case.watch.zone else f"{says} ({row.zone})"


def _last_day(row: Season, zone: ZoneInfo) -> date:
    return (row.until_at.astimezone(zone) - timedelta(hours=12)).date()


async def _proposals(case: WatchState, language: str, now: datetime) -> list[Proposed]:
    rows = await Proposal.filter(child_id=case.watch.child_id, state="open").order_by("made_at")
    names = {p.id: p.name for p in await Person.filter(id__in=[row.by_id for row in rows])}
    return [
        Proposed(
            id=row.id,
            what=_proposes(row, names[row.by_id], language),
            made_at=row.made_at,
            rhythm=_proposed_in_words(row, language, now),
            zone=row.zone if row.zone != case.watch.zone else None,
            words=row.words,
            sums=sums_of(case, row, now),
        )
        for row in rows
    ]


def _proposes(row: Proposal, name: str, language: str) -> str:
    if row.days is None:
        return gettext(language, N_("{name} suggests other check-in times"), name=name)
    return gettext(language, N_("{name} suggests other times for some days"), name=name)


def _proposed_in_words(row: Proposal, language: str, now: datetime) -> str:
    rhythm, zone = rhythms.read(row.rhythm), known_zone(row.zone)
    if row.days is None:
        return rhythm_in_words(rhythm, language, From(now, zone))
    begins = rhythms.season(*row.days, rhythm, zone).span.begin
    says = rhythm_in_words(rhythm, language, From(max(now, begins), zone))
    first, last = (format_short_date(language, day) for day in row.days)
    return gettext(language, N_("{first} to {last}: {rhythm}"), first=first, last=last, rhythm=says)


def _tier(watch: Watch, language: str, zone: ZoneInfo, now: datetime) -> str:
    word = gettext(language, TIERS[Tier(watch.tier)][0])
    if watch.tier_until_at is None or watch.tier_then is None:
        return word
    return gettext(
        language,
        N_("{tier}, until {time}, then {after}"),
        tier=word,
        time=when(language, watch.tier_until_at, zone, now),
        after=gettext(language, TIERS[Tier(watch.tier_then)][0]),
    )


def school_in_words(school: School | None, language: str) -> list[str]:
    """ "Monday, Tuesday: 08:00 to 15:30"; then the holidays, if there are any."""
    if school is None:
        return []
    alike: dict[Times, list[int]] = {}
    for day in sorted(school.days):
        alike.setdefault(school.days[day], []).append(day)
    lines = [
        gettext(
            language,
            N_("{days}: {begin} to {end}"),
            days=format_list(language, [gettext(language, DAYS[day]) for day in days]),
            begin=clock(begin, language),
            end=clock(end, language),
        )
        for (begin, end), days in alike.items()
    ]
    if school.holidays is not None:
        first, last = (format_short_date(language, day) for day in school.holidays)
        lines.append(gettext(language, N_("Holidays: {first} to {last}"), first=first, last=last))
    return lines


def left_in_words(
    left_at: datetime, why: Leaving | None, language: str, zone: ZoneInfo, now: datetime
) -> str:
    """ "The placement ended yesterday 18:00. Back with the family. Nobody is asked any more." """
    words = {"time": when(language, left_at, zone, now)}
    if why is None:
        return gettext(
            language, N_("The placement ended {time}. We no longer ask for check-ins."), **words
        )
    words["why"] = gettext(language, REASONS[why])
    return gettext(
        language, N_("The placement ended {time}. {why}. We no longer ask for check-ins."), **words
    )


def told_by(standing: Standing, terms: Terms, now: datetime) -> datetime | None:
    """When a person is told at the latest if nothing comes from now on, by the rules themselves.

    None if a person has been told already.
    """
    if standing.is_alerted:
        return None
    far = max(standing.due_at, now, *(pause.end for pause in terms.pauses)) + terms.steps.ceiling
    _, changes = advance(standing, terms, far + timedelta(days=1))
    return next((change.at for change in changes if change.what is What.ALERT), None)


def would_be_told(terms: Terms, now: datetime) -> tuple[datetime, datetime] | None:
    """With these terms from now on: when the next answer is due, and by when a person is told."""
    standing = begin(terms, now)
    told = told_by(standing, terms, now)
    return None if told is None else (standing.due_at, told)


def after_absence(case: WatchState, until_at: datetime) -> tuple[datetime, datetime] | None:
    """After an absence that ends then: when the first answer is due, and by when a person is told
    without one."""
    return would_be_told(case.terms, until_at - timedelta(seconds=1))


def as_agreed(terms: Terms) -> Terms:
    """The terms without what adults noticed about the child, or we learned from their answers: the
    child, who reads what follows, and a person who has their phone could tell it from the time.

    Where a silence is weighed, only the longest one that the level allows is sure. The true time is
    never later."""
    steps = terms.steps
    if steps.doubt is None:
        return replace(terms, knowledge=UNTOLD)
    longest = replace(steps, doubt=None, asks_carer=True, carer_window=steps.ceiling)
    return replace(terms, steps=longest, has_carer=True, knowledge=UNTOLD)


def sums(terms: Terms, now: datetime, season: rhythms.Season | None = None) -> list[Sum]:
    """For each time of the rhythm, beginning with the next: when an answer is due, and by when a
    person is told without one. By what was agreed alone, whatever the current state of the watch,
    and whatever is known of the child. For a season of these terms: the same for its times,
    beginning with its first."""
    terms = as_agreed(terms)
    if (terms if season is None else season).rhythm.rules:
        return _sums_by_rules(terms, now, season)
    entries: list[Sum] = []
    moment = now if season is None else max(now, season.span.begin - timedelta(microseconds=1))
    times = (terms if season is None else season).rhythm.at
    for _ in range(max(len(times), 1)):
        deadlines = would_be_told(terms, moment)
        if deadlines is None or (season is not None and deadlines[0] >= season.span.end):
            break
        due, told = deadlines
        entries.append(Sum(due, told, window_of(terms, due)))
        moment = due
    return entries


def _sums_by_rules(terms: Terms, now: datetime, season: rhythms.Season | None) -> list[Sum]:
    """The next round of each time, as far as one comes within so many rounds."""
    moment = now if season is None else max(now, season.span.begin - timedelta(microseconds=1))
    place, entries = terms if season is None else season, []
    waiting = set(place.rhythm.at)
    for _ in range(_MOST_ROUNDS):
        due = next_round(terms, moment)
        if not waiting or (season is not None and due >= season.span.end):
            break
        at = due.astimezone(place.zone).time()
        deadlines = would_be_told(terms, moment) if at in waiting else None
        if deadlines is not None:
            entries.append(Sum(due, deadlines[1], window_of(terms, due)))
        waiting.discard(at)
        moment = due
    return entries


def sums_of(case: WatchState, proposal: Proposal, now: datetime) -> list[Sum]:
    """What a proposal would mean, even if nobody could agree to it now."""
    rhythm, zone = rhythms.read(proposal.rhythm), known_zone(proposal.zone)
    if proposal.days is None:
        return sums(replace(case.terms, rhythm=rhythm, zone=zone), now)
    season = rhythms.season(*proposal.days, rhythm, zone)
    return sums(replace(case.terms, seasons=(season,)), now, season)


def allowed_silence(terms: Terms, language: str) -> str:
    """The longest silence that the tier allows, in words."""
    return format_span(language, terms.steps.ceiling)
