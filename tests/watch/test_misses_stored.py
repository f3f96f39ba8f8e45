"""So many misses in a row, in rows: the count, what was told before, the alert, its sentence."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from server.alerts.models import Alert
from server.policy.model import Tier
from server.policy.models import Policy
from server.policy.parser import merged
from server.watch import evidence
from server.watch.models import Round, Watch
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.desk.walking import leave_the_others_out, run_until


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


async def test_two_misses_in_a_row_open_an_alert_that_says_so(cast: Cast) -> None:
    mia, now = cast.mia.id, cast.clock()
    await leave_the_others_out(cast)
    content = merged({"low": {"after_misses": 2}})
    await Policy.create(agency_id=cast.agency.id, version=1, content=content, made_at=now)
    await agreements.set_tier(cast.actor("tom"), mia, agreements.TierRequest(Tier.LOW), now)
    # Due at 18:00 in Paris, and late two hours after that.
    await run_until(cast, utc(2, 20))
    watch = await Watch.get(child_id=mia)
    assert (watch.misses, watch.is_alerted) == (1, False)
    assert watch.called_at == utc(3, 19), "the second miss is what calls"
    late = await Round.get(child_id=mia, due_at=utc(2, 17))
    assert (late.call_at, late.call_why) == (utc(3, 19), "misses")
    await run_until(cast, utc(3, 19, 30))
    alert = await Alert.get(child_id=mia)
    assert (alert.reason, alert.misses, alert.opened_at) == ("misses", 2, utc(3, 19))
    facts = (await evidence.of([mia], cast.clock()))[mia]
    says = evidence.sentence(facts, "en", ZoneInfo("UTC"), cast.clock())
    assert says.startswith("Missed 2 check-ins in a row since yesterday 17:00, ")
