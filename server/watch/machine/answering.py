"""What an answer, a sighting, or a look that found nobody changes in a standing. Pure."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from server.policy.levels import OWN, Does, Evidence
from server.policy.model import Steps
from server.watch.machine import witnesses
from server.watch.machine.ages import JUST_NOW, Heard
from server.watch.machine.alarms import carer_hour, ceiling_at, hold, missed_in, weigh
from server.watch.machine.rounds import next_round, opens_of, round_before, steps_of
from server.watch.machine.standing import Settled, Standing, Terms, Why


class Decision(msgspec.Struct, frozen=True):
    """What an answer or a sighting comes to. `counts`: it settles; `is_held`: it only puts the
    alarm off."""

    standing: Standing
    settled: Settled
    counts: bool
    is_held: bool = False


def decide(
    standing: Standing, terms: Terms, evidence: Evidence, now: datetime, heard: Heard = JUST_NOW
) -> Decision:
    """By the evidence table of the tier. Call `advance(…, now)` first, as for `settle`."""
    after, settled = settle(standing, terms, now, heard)
    if counts(evidence, terms.steps):
        return Decision(after, settled, counts=True)
    after = standing if settled.is_old else heed(standing, terms, evidence, now)
    settled = replace(settled, was_late=False, was_alerted=False)
    holds = terms.steps.levels.does(evidence) is Does.HOLDS
    return Decision(after, settled, counts=False, is_held=holds and after != standing)


def settle(
    standing: Standing, terms: Terms, now: datetime, heard: Heard = JUST_NOW
) -> tuple[Standing, Settled]:
    """An answer of the child, or a sighting that counts as much, settles every round that had
    opened when it was said, never a later one. Call `advance(…, now)` first: then it makes no
    difference whether the tick or the answer came first.

    It ends the silence, and what adults were called for, only if it was said after the latest round
    due by now had opened, and nothing that came after it counts for more.
    """
    at = heard.moment(standing, now)
    due, opens, prompted = standing.due_at, standing.opens_at, standing.prompted
    following = standing.following_due_at or next_round(terms, due)
    while opens <= at:
        opens, prompted = opens_of(terms, following, due), 0
        due, following = following, next_round(terms, following)
    # Only the round goes on; whatever was late, asked or alarmed is over.
    after = Standing(due, opens, following, prompted, max(at, standing.sign_at))
    later = [] if at >= now else _missed_since(standing, terms, at)
    ends = due > now and not later and not heard.is_doubted
    if not ends:
        after = _going_on(standing, terms, after, later, is_doubted=heard.is_doubted)
    settled = Settled(
        was_late=standing.missed_due_at is not None and standing.missed_due_at not in later,
        was_alerted=standing.is_alerted and ends,
        nothing=is_nothing_open(standing, at),
        is_old=opens <= now or not ends,
        goes_on=not ends,
    )
    return after, settled


def _missed_since(standing: Standing, terms: Terms, at: datetime) -> list[datetime]:
    """The rounds of this silence that opened after a moment, by when they were due."""
    missed = missed_in(standing, terms)
    if not missed:
        return []
    opens = zip(missed, [round_before(terms, missed[0]), *missed], strict=False)
    return [due for due, before in opens if opens_of(terms, due, before) > at]


def _going_on(
    before: Standing, terms: Terms, after: Standing, later: list[datetime], *, is_doubted: bool
) -> Standing:
    """The silence goes on: it began with the first of the rounds `later`, if with any. What is to
    be asked about it, and when adults are called, stays as it was."""
    if not (later or is_doubted or before.is_alerted or before.missed_due_at is None):
        return after  # The round that is due now is not late yet, and its own silence begins anew.
    same = replace(
        before,
        due_at=after.due_at,
        opens_at=after.opens_at,
        following_due_at=after.following_due_at,
        prompted=after.prompted,
        sign_at=after.sign_at,
    )
    if not later:
        return replace(same, missed_due_at=None, late_at=None, misses=0)
    if later[0] == before.missed_due_at:
        return same
    late_at = later[0] + steps_of(terms, later[0]).grace
    return replace(same, missed_due_at=later[0], late_at=late_at, misses=len(later))


def is_nothing_open(standing: Standing, now: datetime) -> bool:
    """Whether no round is open at this moment: an answer now is early."""
    is_calm = standing.missed_due_at is None and not standing.is_alerted
    return is_calm and standing.opens_at > now


def counts(evidence: Evidence, steps: Steps) -> bool:
    """Whether this evidence settles a round in this tier."""
    return steps.levels.does(evidence) is Does.SETTLES


def heed(standing: Standing, terms: Terms, evidence: Evidence, now: datetime) -> Standing:
    """Apply evidence that does not settle. An open alert stays open, and the ceiling stays where it
    was."""
    if standing.is_alerted:
        return standing
    does = terms.steps.levels.does(evidence)
    if does is Does.VOUCHES:
        return witnesses.heed(standing, terms, witnesses.saw(terms.steps, now), now)
    if standing.missed_due_at is None:
        is_kept = does is Does.HOLDS and evidence in OWN and standing.opens_at <= now
        # An answer in time must never count for less than a late one.
        return replace(standing, held_at=now) if is_kept else standing
    if does is Does.HOLDS:
        return hold(standing, terms, now)
    return _soften(standing, terms, now) if does is Does.SOFTENS else standing


def _soften(standing: Standing, terms: Terms, now: datetime) -> Standing:
    """A sign of life, but nobody knows how the child is: adults are called a little later, and the
    carer is asked again before that.

    The latest moment depends on when the round became late: it must make no difference how often an
    app is opened.
    """
    assert standing.late_at is not None
    assert standing.alarm_at is not None
    ceiling = ceiling_at(standing, terms)
    latest = min(standing.late_at + terms.steps.levels.softens_for, ceiling)
    if latest <= standing.alarm_at:
        return standing
    why = Why.CEILING if latest == ceiling else standing.alarm_why
    standing = replace(standing, alarm_at=latest, alarm_why=why)
    if standing.ask_at is not None or not terms.asks_carer:
        return standing
    ask = carer_hour(terms, max(now, latest - terms.steps.carer_window))
    return replace(standing, ask_at=ask) if ask < latest else standing


def not_seen(standing: Standing, terms: Terms, now: datetime) -> Standing:
    """An adult looked and did not find the child: adults are called now. Where a silence is
    weighed, this is one more thing to weigh: the result may be to call adults, or to ask the carer
    again."""
    if standing.is_alerted or standing.missed_due_at is None:
        return standing
    # At the end of an absence nothing is weighed.
    doubt = steps_of(terms, standing.missed_due_at).doubt
    if doubt is not None and doubt.weighs_not_seen:
        knowledge = replace(terms.knowledge, unseen=(*terms.knowledge.unseen, now))
        weighed = weigh(replace(standing, ask_at=None), replace(terms, knowledge=knowledge), now)
        called = weighed.alarm_at is not None and weighed.alarm_at <= now
        return replace(weighed, alarm_why=Why.NOT_SEEN) if called else weighed
    return replace(standing, ask_at=None, alarm_at=now, alarm_why=Why.NOT_SEEN)
