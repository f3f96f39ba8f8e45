"""The alarm of a silence: when the carer is asked, and when adults are called. Pure."""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from server.clock import as_utc
from server.policy.levels import Does
from server.policy.model import QuietHours, Tier
from server.watch.machine.habit import Look, odds
from server.watch.machine.rounds import next_round, steps_of
from server.watch.machine.seen import bound_at, seen, silent_since
from server.watch.machine.standing import Standing, Terms, Why


def begin_alarm(standing: Standing, terms: Terms, at: datetime) -> Standing:
    """The oldest round is late: when the carer is asked, and when adults are called."""
    return _no_later(_begun(standing, terms, at), standing)


def _begun(standing: Standing, terms: Terms, at: datetime) -> Standing:
    if terms.steps.doubt is not None:
        return _ask_at_once(weigh(standing, terms, at), terms, at)
    if not terms.asks_carer:
        return replace(standing, alarm_at=at, alarm_why=Why.NO_CARER)
    return ask_first(standing, terms, at)


def _no_later(begun: Standing, before: Standing) -> Standing:
    """When a tier was raised while nothing was late, we kept the time at which the lower tier would
    have called adults (`changing.retune`): the alarm that begins must not come later."""
    kept, alarm = before.alarm_at, begun.alarm_at
    if kept is None or (alarm is not None and alarm <= kept):
        return begun
    return replace(begun, alarm_at=kept, alarm_why=before.alarm_why)


def _ask_at_once(standing: Standing, terms: Terms, at: datetime) -> Standing:
    """The child may have had no reminder, or has changed in a way that the policy wants asked
    about: ask the carer first, at once. The time when adults are called stays as it was."""
    doubt, since = terms.steps.doubt, terms.knowledge.unreached_since
    assert doubt is not None
    unreached = doubt.silent_phone and since is not None and since <= at
    if not (terms.asks_carer and (unreached or terms.knowledge.drifts)):
        return standing
    ask = carer_hour(terms, at)
    return replace(standing, ask_at=ask if standing.ask_at is None else min(ask, standing.ask_at))


def ask_first(standing: Standing, terms: Terms, at: datetime) -> Standing:
    """The carer is asked from a moment on; if that brings nothing, adults are called, and never
    later than the ceiling allows."""
    ask = carer_hour(terms, at)
    alarm, ceiling = ask + terms.steps.carer_window, ceiling_at(standing, terms)
    why = Why.CARER_SILENT if alarm <= ceiling else Why.CEILING
    return replace(standing, ask_at=ask, asked_at=None, alarm_at=min(alarm, ceiling), alarm_why=why)


def hold(standing: Standing, terms: Terms, said_at: datetime) -> Standing:
    """Seen or said, but it only holds: the carer is asked when the hold is over."""
    again = said_at + terms.steps.levels.holds_for
    if terms.asks_carer:
        return ask_first(standing, terms, again)
    alarm = min(again, ceiling_at(standing, terms))
    return replace(standing, ask_at=None, asked_at=None, alarm_at=alarm, alarm_why=Why.NO_CARER)


def weigh(standing: Standing, terms: Terms, at: datetime) -> Standing:
    """By how unusual the silence is: when the carer is asked, and when adults are called. Both only
    ever come earlier by this; a carer who says nothing brings no alarm, but is asked again."""
    doubt = terms.steps.doubt
    assert doubt is not None
    ceiling = ceiling_at(standing, terms)
    since, missed = silent_since(standing, terms), missed_in(standing, terms)
    gone = odds(since, missed, terms.knowledge, terms.zone, doubt, at)
    page = gone.reach(doubt.page)
    if terms.steps.levels.vouches:
        page = max(page, seen(standing, terms).holds_until or page)
    else:
        page = _held(page, since, missed, terms, at)
    alarm = max(min(page, ceiling), at)
    why = Why.UNUSUAL if page < ceiling else ceiling_why(standing, terms)
    if standing.alarm_at is None or alarm < standing.alarm_at:
        standing = replace(standing, alarm_at=alarm, alarm_why=why)
    if not terms.asks_carer:
        return standing
    asked = standing.asked_at
    free = at if asked is None else max(at, asked + doubt.ask_again)
    free = max(free, _home_knows_until(standing, since, terms, at))
    ask = carer_hour(terms, max(min(gone.reach(doubt.ask), ceiling - doubt.ask_before), free))
    return replace(standing, ask_at=ask if standing.ask_at is None else min(ask, standing.ask_at))


def _held(
    page: datetime, since: datetime, missed: list[datetime], terms: Terms, at: datetime
) -> datetime:
    """The word that the child is there puts the call off, and no longer than it holds."""
    if not terms.knowledge.looks:
        return page
    calming = [look for look in terms.knowledge.looks if look.ratio < 1 and since < look.at <= at]
    ends = [_end_of(look, terms) for look in calming if look.holds_until is not None]
    doubt = terms.steps.doubt
    if not ends or doubt is None:
        return page
    looks = tuple(look for look in terms.knowledge.looks if look.ratio >= 1)
    without = odds(since, missed, replace(terms.knowledge, looks=looks), terms.zone, doubt, at)
    return min(page, max(without.reach(doubt.page), *ends))


def _home_knows_until(standing: Standing, since: datetime, terms: Terms, at: datetime) -> datetime:
    """Until when the home need not be asked about a child after it said "here": as long as
    that holds, and never so long that adults are called before it was asked."""
    if not (terms.asks_home and terms.knowledge.looks) or standing.alarm_at is None:
        return at
    looks = [look for look in terms.knowledge.looks if look.calls and since < look.at <= at]
    if not looks:
        return at
    last = max(looks, key=lambda look: look.at)
    if last.ratio >= 1 or last.holds_until is None:
        return at
    return min(_end_of(last, terms), standing.alarm_at - terms.steps.carer_window)


def _end_of(look: Look, terms: Terms) -> datetime:
    """When "here" ends to put a call off. In the high tier no word does more than the carer's."""
    assert look.holds_until is not None
    if terms.tier is not Tier.HIGH:
        return look.holds_until
    levels = terms.steps.levels
    holds = levels.carer not in (Does.SOFTENS, Does.NOTHING)
    return min(look.holds_until, look.at + levels.holds_for) if holds else look.at


def missed_in(standing: Standing, terms: Terms) -> list[datetime]:
    """When the rounds of this silence were due: all from the oldest missed to the current one."""
    missed, due = [], standing.missed_due_at
    while due is not None and due < standing.due_at:
        missed.append(due)
        due = next_round(terms, due)
    return missed


def carer_hour(terms: Terms, at: datetime) -> datetime:
    """The first moment from `at` on at which the carer may be asked, by the clock on their wall."""
    first, last = terms.steps.carer_from, terms.steps.carer_until
    if first == last:
        return at
    local = at.astimezone(terms.zone)
    if first <= local.time() < last:
        return at
    day = local.date() if local.time() < first else local.date() + timedelta(days=1)
    return max(at, as_utc(day, first, terms.zone))


def missed_too_many(standing: Standing, terms: Terms, at: datetime) -> Standing:
    """One more round is late: after so many in a row as the policy says, adults are called now,
    whatever is usual for the child. What only holds is no answer, and takes none of them back."""
    most = terms.steps.after_misses
    if most is None or standing.misses < most:
        return standing
    return replace(standing, ask_at=None, alarm_at=at, alarm_why=Why.MISSES)


def call_at(standing: Standing, terms: Terms) -> datetime:
    """When adults are called if nothing comes before, as things are now."""
    return standing.alarm_at or ceiling_at(standing, terms)


def called_by(standing: Standing, terms: Terms) -> tuple[datetime, Why]:
    """The same, and why, if every round to come is missed: so many of them call adults sooner."""
    call, why = call_at(standing, terms), standing.alarm_why or Why.CEILING
    most = terms.steps.after_misses
    if most is None or standing.missed_due_at is None or standing.is_alerted:
        return call, why
    due = standing.due_at
    for _ in range(most - max(standing.misses, 1) - 1):
        if due >= call:
            return call, why
        due = next_round(terms, due)
    late = due + steps_of(terms, due).grace
    return (late, Why.MISSES) if late < call else (call, why)


def last_call_at(standing: Standing, terms: Terms) -> datetime | None:
    """When a child who has missed a round is asked once more before adults are called: in time, and
    not while they sleep. None if there is no such moment."""
    if standing.late_at is None or terms.steps.last_call is None:
        return None
    moment = called_by(standing, terms)[0] - terms.steps.last_call
    if moment < standing.late_at:
        return None
    moment = awake(moment, terms)
    return moment if moment >= standing.late_at else None


def awake(moment: datetime, terms: Terms) -> datetime:
    """The last moment up to this one at which a child may be asked."""
    rest = terms.steps.rest
    return moment if rest is None else _before(rest, terms.zone, moment)


@lru_cache(maxsize=4096)  # While a check-in is late, each look asks for the same moment.
def _before(rest: QuietHours, zone: ZoneInfo, moment: datetime) -> datetime:
    local = moment.astimezone(zone)
    if not rest.holds(local.time()):
        return moment
    day = local.date() if local.time() >= rest.from_ else local.date() - timedelta(days=1)
    return min(moment, as_utc(day, rest.from_, zone) - timedelta(minutes=1))


def ceiling_at(standing: Standing, terms: Terms) -> datetime:
    """When the silence has lasted as long as anything may allow: since the child was heard, or,
    where the policy lets adults vouch, since they were seen."""
    until = seen(standing, terms).until
    return silent_since(standing, terms) + terms.steps.ceiling if until is None else until


def ceiling_why(standing: Standing, terms: Terms) -> Why:
    """Why adults are called at that moment."""
    if not terms.steps.levels.vouches or ceiling_at(standing, terms) < bound_at(standing, terms):
        return Why.CEILING
    return Why.NOT_MET


def alerted(standing: Standing) -> Standing:
    """Adults have been called: nothing further is asked, and no second alarm comes."""
    return replace(standing, is_alerted=True, ask_at=None, alarm_at=None, alarm_why=None)
