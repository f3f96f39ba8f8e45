"""The ladder of each cause: who is called for what, and how long each has. Pure.

Silence climbs the ladder of the child's tier. The other causes do not depend on the tier: a child
who asks for help, or who may be missing, is as urgent in a settled placement as in the first night.
So both go by the intervals of the high tier.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from server.alerts.ladder import Cause
from server.clock import as_utc
from server.policy.model import Ladder, Policy, Rung, Tier, ending

# A wish to talk is not urgent, but must not get lost: the caseworker has four hours of daytime.
TALK_WAIT = timedelta(hours=4)
DAY_BEGINS, DAY_ENDS = time(8), time(20)

_CALLED_FIRST = {
    Cause.HELP: Rung.CASEWORKER_AND_ON_DUTY,
    Cause.CONCERN: Rung.CASEWORKER_AND_ON_DUTY,
    Cause.MISSING: Rung.EVERYONE,
}


def ladder_for(cause: Cause, policy: Policy, tier: Tier) -> Ladder:
    """The ladder that is frozen into an alert of this cause when it opens.

      silence   the ladder of the tier.
      help      caseworker and everyone on duty together, then the other rungs of the high tier,
                by its intervals.
      concern   as help.
      missing   the same, with everyone among those called first.
      talk      the caseworker, after four hours (`first_wait_ends`) the deputy, then on duty, the
                last resort, and round again; there is no deadline for a decision.

    Each of them ends at the last resort.
    """
    if cause is Cause.SILENCE:
        return policy.tiers[tier].ladder
    high = policy.tiers[Tier.HIGH].ladder
    if cause is Cause.TALK:
        rungs = ending((Rung.CASEWORKER, Rung.DEPUTY, Rung.ON_DUTY))
        return Ladder(rungs, each=TALK_WAIT, lapse=TALK_WAIT, decide=None)
    first = _CALLED_FIRST[cause]
    later = [rung for rung in high.rungs if rung not in {*first.parts, first, Rung.LAST_RESORT}]
    at_once = ending((first, *dict.fromkeys(later)))
    return Ladder(at_once, each=high.each, lapse=high.lapse, decide=high.decide)


def first_wait_ends(cause: Cause, ladder: Ladder, zone: ZoneInfo, now: datetime) -> datetime:
    """When the person called first has had their time, and the next rung is called.

    UTC in and out. For talk only the hours from 08:00 to 20:00 by the child's clock count: a wish
    at 19:00 waits until 11:00 the next morning. Every other cause waits `ladder.each` at any hour.
    """
    if cause is not Cause.TALK:
        return now + ladder.each
    left = ladder.each
    day = now.astimezone(zone).date()
    while True:
        begin = max(now, as_utc(day, DAY_BEGINS, zone))
        end = as_utc(day, DAY_ENDS, zone)
        if end - begin >= left:
            return begin + left
        left -= max(end - begin, timedelta(0))
        # Where a zone skips a day, the next date names the same hours again.
        now, day = max(now, end), day + timedelta(days=1)
