"""What a new tier, rhythm or zone, or an absence, changes in a standing. Pure."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from server.watch.machine.advancing import advance
from server.watch.machine.alarms import call_at, carer_hour, ceiling_at, missed_too_many, weigh
from server.watch.machine.rounds import next_round, opens_of, round_before
from server.watch.machine.standing import Change, Standing, Terms, What, Why
from server.watch.rhythm.rules import Span, is_return


def retune(standing: Standing, terms: Terms, now: datetime, *, before: Terms) -> Standing:
    """The tier was raised. If the silence goes on, adults are called no later than they would have
    been by the terms `before`, and an alarm under way comes earlier. Call `advance(…, now)` by
    those first.

    When the tier is lowered, what is under way stays as it is: do not call this.
    """
    if standing.is_alerted:
        return standing
    bound = _called(standing, before)
    tighter = _tightened(standing, terms, now)
    if _called(tighter, terms).at <= bound.at:
        return tighter
    # The higher tier asks first and gives a window; the odds of the lower one call at once.
    return replace(tighter, alarm_at=bound.at, alarm_why=bound.why)


def in_new_tier(
    standing: Standing, terms: Terms, now: datetime, *, before: Terms, since: datetime
) -> tuple[Standing, tuple[Change, ...]]:
    """The tier changed at `since`, from the terms `before`: the standing by `now`, and what became
    true after the change."""
    if terms.tier.is_tighter_than(before.tier):
        standing = retune(standing, terms, since, before=before)
    return advance(standing, terms, now, since=since)


def past_tier_end(
    standing: Standing, terms: Terms, now: datetime, *, until: datetime, then: Terms
) -> tuple[Standing, tuple[Change, ...]]:
    """The standing by `now`, where the tier ended by itself at `until`, and `then` applied."""
    standing, earlier = advance(standing, terms, until)
    standing, later = in_new_tier(standing, then, now, before=terms, since=until)
    return standing, (*earlier, *later)


def _tightened(standing: Standing, terms: Terms, now: datetime) -> Standing:
    """What is late already, under the rules of the higher tier."""
    if standing.alarm_at is None or standing.missed_due_at is None:
        return standing
    return missed_too_many(_sooner(standing, terms, now), terms, now)


def _sooner(standing: Standing, terms: Terms, now: datetime) -> Standing:
    assert standing.alarm_at is not None
    if terms.steps.doubt is not None:
        return weigh(standing, terms, now)
    ask = standing.ask_at
    if ask is not None:
        ask = min(ask, carer_hour(terms, now))
    window = (ask or standing.asked_at or now) + terms.steps.carer_window
    ceiling = ceiling_at(standing, terms)
    alarm = max(min(window, ceiling), now)
    if alarm >= standing.alarm_at:
        return replace(standing, ask_at=ask)
    why = Why.CARER_SILENT if terms.asks_carer else Why.NO_CARER
    if ceiling < window:
        why = Why.CEILING
    return replace(standing, ask_at=ask, alarm_at=alarm, alarm_why=why)


def _called(standing: Standing, terms: Terms) -> Change:
    """When adults are called and why, if only silence comes: the misses to come count too."""
    # Misses only ever bring the call forward, so there is one by the current moment of the call.
    # One more question may come before it.
    while True:
        standing, changes = advance(standing, terms, call_at(standing, terms))
        for change in changes:
            if change.what is What.ALERT:
                return change


def reschedule(
    standing: Standing,
    terms: Terms,
    now: datetime,
    *,
    before: Terms,
    begun_at: datetime,
    settled_until: datetime | None = None,
) -> Standing:
    """The rhythm, the zone or the pauses have changed; `before` are the terms until now.
    `begun_at`: the watch began then, and no round was asked for before it. `settled_until`: rounds
    that are due up to then are known to be settled, whatever terms they were of.

    A round that has opened stays as it was agreed, unless a pause now excuses it; one that has
    not opened gives way to what the new rhythm asks for. What is late stays late, and what was
    answered before it was due is not asked for again.
    """
    excused = any(pause.holds(standing.due_at) for pause in terms.pauses)
    if standing.opens_at <= now and not excused:
        return replace(standing, following_due_at=next_round(terms, max(standing.due_at, now)))
    due = next_round(terms, max(now, settled_until or now))
    while _is_settled(standing, before, due, begun_at):
        due = next_round(terms, due)
    opens = max(opens_of(terms, due, round_before(terms, due, begun_at)), min(now, due))
    if due == standing.due_at and not is_return(terms.pauses, due):
        opens = standing.opens_at
    if due > standing.due_at and standing.missed_due_at is None:
        # A raised tier had kept a time for the round that is replaced now.
        standing = replace(standing, alarm_at=None, alarm_why=None)
    return replace(
        standing,
        due_at=due,
        opens_at=opens,
        following_due_at=next_round(terms, due),
        prompted=0,
    )


def _is_settled(standing: Standing, terms: Terms, due: datetime, begun_at: datetime) -> bool:
    """Whether a future round of these terms has been settled: the current round comes after it, and
    not only because of a pause."""
    # Without the absences, and with the answers that are due at their ends.
    ends = tuple(Span(away.end, away.end, returns=True) for away in terms.pauses if away.returns)
    alone = replace(terms, pauses=ends)
    if due >= standing.due_at or next_round(alone, due - timedelta(microseconds=1)) != due:
        return False
    others = tuple(pause for pause in terms.pauses if not pause.holds(due))
    if others == terms.pauses:
        return True
    # The opening time before the absence over this round, and over others, was agreed.
    was = replace(terms, pauses=others)
    return opens_of(was, due, round_before(was, due, begun_at)) <= standing.sign_at
