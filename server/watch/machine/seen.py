"""The clock of being seen: how long the word of an adult who saw the child keeps adults from being
called. Pure.

*Heard* is when the child last said something. *Seen* is when someone who can be named saw
the child. Where a policy lets adults vouch, the longest silence counts from both: no call comes
later than the longest time after the last word of the child, or than what the last word of an adult
is worth. Nothing is stored for it: it follows from the words since the child's own last one.

Four limits hold whatever is said:

- **Nobody alone for long.** Words of one person count up to `ALONE` after the last word of another
  person or of the child.
- **In the high level** a word of the home is worth `OF_HOME` at most.
- **Void.** "Not here", "not seen" and a warning sign take away what was said before them.
- **Seen alone is not met.** Without a word of the child and without a meeting, no word holds beyond
  `BOUND` times the longest time.
"""

from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

from server.policy.levels import Does
from server.policy.model import Tier
from server.watch.machine.habit import Look
from server.watch.machine.standing import Standing, Terms

# Times the longest silence of the level.
BOUND = 3
# A word holds a call back for this share of the longest silence, however unusual the silence is.
HOLDS = 0.25
# In the high level: the most that a word of the home is worth.
OF_HOME = timedelta(hours=12)


def alone(tier: Tier) -> timedelta:
    """For how long the words of one person count alone."""
    return timedelta(hours=24 if tier is Tier.HIGH else 48)


class Seen(NamedTuple):
    """What words come to: how long they keep adults from being called because nobody saw the
    child, and how long from being called because the silence is unusual. None: no word counts."""

    until: datetime | None = None
    holds_until: datetime | None = None


NOBODY = Seen()


def silent_since(standing: Standing, terms: Terms) -> datetime:
    """When the silence began. An agreed absence is none: what follows it counts from its end."""
    since = standing.sign_at
    if not terms.pauses:
        return since
    for pause in sorted(terms.pauses, key=lambda pause: pause.begin):
        if pause.begin < since + terms.steps.ceiling and pause.end > standing.sign_at:
            since = max(since, pause.end)
    return since


def bound_at(standing: Standing, terms: Terms) -> datetime:
    """When adults are called though people have seen the child, because nobody has met them."""
    return silent_since(standing, terms) + BOUND * terms.steps.ceiling


def seen(standing: Standing, terms: Terms) -> Seen:
    """What the words since the last sign of the child come to."""
    if not terms.steps.levels.vouches or not terms.knowledge.words:
        return NOBODY
    since, ceiling = silent_since(standing, terms), terms.steps.ceiling
    until, holds_until = since + ceiling, None
    last_of: dict[object, datetime] = {}
    for at, look in _in_order(terms):
        if at <= since:
            continue
        # A word that came after the call would have been due changes nothing about that call.
        if at > until:
            break
        if look is None:
            until, holds_until = max(since + ceiling, at), None
            continue
        who = look.by_id or look.calls
        others = max([since, *(said_at for by, said_at in last_of.items() if by != who)])
        if at - others > alone(terms.tier):
            continue
        last_of[who] = at
        until = max(until, at + _worth(look, terms))
        holds_until = at + min(_worth(look, terms), ceiling * HOLDS)
    bound = bound_at(standing, terms)
    return Seen(min(until, bound), None if holds_until is None else min(holds_until, until, bound))


def _worth(look: Look, terms: Terms) -> timedelta:
    is_home = look.calls and terms.tier is Tier.HIGH
    return min(terms.steps.ceiling, OF_HOME) if is_home else terms.steps.ceiling


def _in_order(terms: Terms) -> list[tuple[datetime, Look | None]]:
    """The words that vouch, each at its moment; None: what takes them back."""
    knowledge, levels = terms.knowledge, terms.steps.levels
    told: list[tuple[datetime, Look | None]] = [(at, None) for at in knowledge.unseen]
    if knowledge.warned_at is not None:
        told.append((knowledge.warned_at, None))
    for look in knowledge.words:
        if look.sees and (levels.carer if look.calls else levels.school) is Does.VOUCHES:
            told.append((look.at, look))
        elif look.ratio > 1 and look.calls:
            told.append((look.at, None))
    return sorted(told, key=itemgetter(0))
