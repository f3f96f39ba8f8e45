"""Check-in times that are too far apart for a watch level: the sentence that says which level, by
which number, and what to choose instead; and how many children have such times."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from server.errors import Refused
from server.i18n import N_
from server.policy.model import Policy, Steps, Tier
from server.storage.db import as_document, fetch
from server.watch.machine.rounds import lasts_too_long
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.rules import Rhythm

# So many ways of asking are told apart. Where an agency has more, the rarest are not counted.
MOST_RHYTHMS = 1_000

# Times on days of the week.
_TIMES: Mapping[Tier, str] = {
    Tier.HIGH: N_(
        "Up to {gap} would pass between two of these check-ins. The high watch level allows"
        " {most}: its longest silence ({ceiling}), less the time until we call adults. Add"
        " a time or a day in between."
    ),
    Tier.MID: N_(
        "Up to {gap} would pass between two of these check-ins. The medium watch level"
        " allows {most}: its longest silence ({ceiling}), less the time until we call"
        " adults. Add a time or a day in between."
    ),
    Tier.LOW: N_(
        "Up to {gap} would pass between two of these check-ins. The low watch level allows"
        " {most}: its longest silence ({ceiling}), less the time until we call adults. Add"
        " a time or a day in between."
    ),
}
# Only times that come by a rule, such as every second week.
_RULES: Mapping[Tier, str] = {
    Tier.HIGH: N_(
        "Up to {gap} would pass between two of these check-ins. The high watch level allows"
        " {most}: its longest silence ({ceiling}), less the time until we call adults. Keep"
        " these, and add times on days of the week."
    ),
    Tier.MID: N_(
        "Up to {gap} would pass between two of these check-ins. The medium watch level"
        " allows {most}: its longest silence ({ceiling}), less the time until we call"
        " adults. Keep these, and add times on days of the week."
    ),
    Tier.LOW: N_(
        "Up to {gap} would pass between two of these check-ins. The low watch level allows"
        " {most}: its longest silence ({ceiling}), less the time until we call adults. Keep"
        " these, and add times on days of the week."
    ),
}
# A level is chosen, and the times stay.
_LEVEL: Mapping[Tier, str] = {
    Tier.HIGH: N_(
        "Up to {gap} would pass between two check-ins. The high watch level allows {most}:"
        " its longest silence ({ceiling}), less the time until we call adults. Change both"
        " together, or the times first."
    ),
    Tier.MID: N_(
        "Up to {gap} would pass between two check-ins. The medium watch level allows"
        " {most}: its longest silence ({ceiling}), less the time until we call adults."
        " Change both together, or the times first."
    ),
    Tier.LOW: N_(
        "Up to {gap} would pass between two check-ins. The low watch level allows {most}:"
        " its longest silence ({ceiling}), less the time until we call adults. Change both"
        " together, or the times first."
    ),
}
# The other times agreed for some days, and the days before and after them.
_SEASON: Mapping[Tier, str] = {
    Tier.HIGH: N_(
        "With the other times for some days, up to {gap} would pass between two check-ins."
        " The high watch level allows {most}: its longest silence ({ceiling}), less the"
        " time until we call adults. Add a time there."
    ),
    Tier.MID: N_(
        "With the other times for some days, up to {gap} would pass between two check-ins."
        " The medium watch level allows {most}: its longest silence ({ceiling}), less the"
        " time until we call adults. Add a time there."
    ),
    Tier.LOW: N_(
        "With the other times for some days, up to {gap} would pass between two check-ins."
        " The low watch level allows {most}: its longest silence ({ceiling}), less the time"
        " until we call adults. Add a time there."
    ),
}


def for_times(rhythm: Rhythm, tier: Tier, steps: Steps) -> Refused:
    """These times are refused by this level."""
    only_rules = bool(rhythm.rules) and len(rhythm.rules) == len(rhythm.at)
    words = (_RULES if only_rules else _TIMES)[tier]
    return _refused(words, "rhythm", rhythms.longest_gap(rhythm), steps)


def for_level(rhythm: Rhythm, tier: Tier, steps: Steps) -> Refused:
    """This level is refused by the times that are agreed."""
    return _refused(_LEVEL[tier], "tier", rhythms.longest_gap(rhythm), steps)


def for_season(gap: timedelta, tier: Tier, steps: Steps) -> Refused:
    """Other times for some days are refused, with the longest gap that they leave."""
    return _refused(_SEASON[tier], "rhythm", gap, steps)


def _refused(words: str, field: str, gap: timedelta, steps: Steps) -> Refused:
    most = max(steps.ceiling - steps.grace - steps.carer_window, timedelta())
    return Refused(words, field=field, code="too_slow", gap=gap, most=most, ceiling=steps.ceiling)


async def how_watched(agency_id: UUID) -> list[tuple[Tier, Rhythm, int]]:
    """The levels and times by which children of an agency are watched, with how many children each
    has, the most frequent first; at most MOST_RHYTHMS."""
    rows = await fetch(
        "SELECT tier, rhythm, COUNT(*) AS children FROM watch"
        " WHERE agency_id = $1 AND next_action_at IS NOT NULL"
        " GROUP BY tier, rhythm ORDER BY COUNT(*) DESC, tier LIMIT $2",
        [agency_id, MOST_RHYTHMS],
    )
    return [
        (Tier(row["tier"]), rhythms.read(as_document(row["rhythm"])), int(row["children"]))
        for row in rows
    ]


def too_slow_for(policy: Policy, watched: list[tuple[Tier, Rhythm, int]]) -> int:
    """How many of these children have times that are too far apart for this policy."""
    return sum(
        children
        for tier, rhythm, children in watched
        if lasts_too_long(rhythms.longest_gap(rhythm), policy.tiers[tier].steps)
    )
