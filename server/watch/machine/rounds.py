"""The rounds of a watch: when the next one is due, opens, and what happens around it. Pure."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from server.policy.model import Steps
from server.watch.machine.standing import Standing, Terms
from server.watch.rhythm.rules import OPENS_BEFORE, is_return, next_due, opens_at, window_begin


def begin(terms: Terms, now: datetime, *, settled_until: datetime | None = None) -> Standing:
    """The watch of a child who is placed now. Raises ValueError if nothing is ever due.

    `settled_until`: a round that is due then was answered in an earlier placement, and is not asked
    for again.
    """
    due = next_round(terms, max(now, settled_until or now))
    opens = max(opens_of(terms, due, None), now)
    return Standing(due, opens, next_round(terms, due), prompted=0, sign_at=now)


def opens_of(terms: Terms, due: datetime, before: datetime | None) -> datetime:
    """When the round due at `due` opens; the previous one is due at `before`."""
    return opens_at(due, before, window_of(terms, due))


def round_before(terms: Terms, due: datetime, begun_at: datetime | None = None) -> datetime | None:
    """The previous round, if it is near enough to matter for when the round at `due` opens."""
    since = due - 2 * OPENS_BEFORE - timedelta(microseconds=1)
    previous, moment = None, next_round(terms, since if begun_at is None else max(since, begun_at))
    while moment < due:
        previous, moment = moment, next_round(terms, moment)
    return previous


def window_of(terms: Terms, due: datetime) -> datetime | None:
    """When the free window of a round begins; None if it has none. At the end of an absence it
    has none: an answer is due then."""
    if not (terms.rhythm.windows or terms.seasons) or is_return(terms.pauses, due):
        return None
    return window_begin(terms.rhythm, terms.zone, terms.seasons, due)


def next_round(terms: Terms, after: datetime) -> datetime:
    due = next_due(terms.rhythm, terms.zone, terms.pauses, after, terms.seasons)
    if due is None:
        raise ValueError("Nothing is due within 400 days.")
    return due


def steps_of(terms: Terms, due: datetime) -> Steps:
    """What happens around the round that is due then. In a free window we remind the child at its
    beginning. At the end of an absence we wait less long than on other days, and no habit makes us
    wait longer."""
    steps = terms.steps
    if not (terms.pauses or terms.rhythm.windows or terms.seasons):
        return steps
    begin = window_of(terms, due)
    if begin is not None:
        # A child who is away then is reminded when they are back.
        back = (pause.end for pause in terms.pauses if pause.holds(begin) and pause.end <= due)
        return replace(steps, remind_before=due - max([begin, *back]))
    if not terms.pauses or steps.after_pass is None or not is_return(terms.pauses, due):
        return steps
    grace = min(steps.grace, steps.after_pass)
    return replace(
        steps,
        grace=grace,
        remind_again=min(steps.remind_again, grace),
        carer_window=min(steps.carer_window, steps.after_pass),
        doubt=None,
    )


def lasts_too_long(gap: timedelta, steps: Steps) -> bool:
    """Whether a silence could outlast the ceiling if check-ins are so far apart."""
    return gap + steps.grace + steps.carer_window > steps.ceiling


def round_moments(due: datetime, opens: datetime, steps: Steps) -> tuple[datetime, ...]:
    """The five moments of a round: it opens, a reminder before, at due, again, and late.

    A reminder is never sent before the round opens: an answer to it would settle nothing.
    """
    again, late = due + steps.remind_again, due + steps.grace
    return opens, max(opens, due - steps.remind_before), due, again, late


def on_to_next_round(standing: Standing, terms: Terms) -> Standing:
    due = standing.following_due_at
    assert due is not None, "advance and settle fill it first"
    return replace(
        standing,
        due_at=due,
        opens_at=opens_of(terms, due, standing.due_at),
        following_due_at=next_round(terms, due),
        prompted=0,
    )
