"""An answer that comes another way than by the app is marked as what it is, and counts for that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.checkin import actions
from server.checkin.models import CheckIn
from server.checkin.rules import Answer, Want
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.rules import Role
from server.policy.levels import Way
from server.policy.model import Tier
from server.simulation import history
from server.watch import evidence, ticking
from server.watch.models import Round, Watch
from server.watch.rhythm import agreements
from tests.cast import Cast

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TWICE = {"at": ["09:00", "18:00"]}


async def at(cast: Cast, moment: datetime) -> None:
    """A ticker that is never late has brought us here."""
    while True:
        first = await Watch.filter(next_action_at__lte=moment).order_by("next_action_at").first()
        if first is None or first.next_action_at is None:
            break
        await ticking.WATCHES.tick(first.next_action_at)
    cast.clock.set(moment)


async def said(
    cast: Cast, way: Way, *, who: str = "mia", role: Role = Role.CHILD, want: Want = Want.NOTHING
) -> CheckIn:
    answer = Answer(uuid4(), cast.clock(), want=want, way=way)
    kept, _ = await actions.record(cast.actor(who), role, cast.mia.id, answer, cast.clock())
    return kept


async def in_the_high_tier(cast: Cast) -> None:
    await agreements.set_tier(
        cast.actor("tom"),
        cast.mia.id,
        agreements.TierRequest(Tier.HIGH, rhythm=TWICE),
        cast.clock(),
    )


async def words(cast: Cast) -> str:
    facts = (await evidence.of([cast.mia.id], cast.clock()))[cast.mia.id]
    return evidence.sentence(facts, "en", ZoneInfo("Europe/Paris"), cast.clock())


@pytest.mark.parametrize("way", [Way.SMS, Way.LINK, Way.CARD])
async def test_in_the_middle_tier_another_way_settles_as_the_child_itself(
    cast: Cast, way: Way
) -> None:
    await at(cast, DUE - HOUR)
    kept = await said(cast, way)
    assert (kept.by_role, kept.by_way) == ("child", way)
    settled = await Round.get(child_id=cast.mia.id, due_at=DUE)
    assert (settled.state, settled.settled_by) == ("answered", kept.id)
    watch = await Watch.get(child_id=cast.mia.id)
    assert (watch.answered_at, watch.heard_at, watch.heard_way) == (
        cast.clock(),
        cast.clock(),
        way,
    )
    [entry] = await Entry.filter(what="check_in")
    assert entry.names == [way]


@pytest.mark.parametrize("way", [Way.SMS, Way.LINK, Way.CARD])
async def test_in_the_high_tier_another_way_holds_and_the_caseworker_confirms(
    cast: Cast, way: Way
) -> None:
    await in_the_high_tier(cast)
    await at(cast, DUE - MINUTE)
    sign = (await Watch.get(child_id=cast.mia.id)).sign_at
    await said(cast, way)
    watch = await Watch.get(child_id=cast.mia.id)
    assert (watch.sign_at, watch.held_at, watch.answered_at) == (sign, cast.clock(), None)
    [held] = await Message.filter(kind=Kind.HELD)
    assert held.person_id == cast.tom.id
    await at(cast, DUE + 2 * HOUR)
    assert await Message.filter(kind=Kind.ASK_CARER).count() == 0
    await at(cast, DUE + 6 * HOUR)
    assert await Message.filter(kind=Kind.ASK_CARER).count() == 1


async def test_a_weak_answer_silences_no_alert(cast: Cast) -> None:
    await in_the_high_tier(cast)
    await at(cast, DUE + 3 * HOUR)
    [alert] = await Alert.filter(child_id=cast.mia.id, closed_at__isnull=True)
    await said(cast, Way.SMS)
    after = await Alert.get(id=alert.id)
    assert (after.state, after.next_action_at) == (alert.state, alert.next_action_at)
    assert "but this does not count as the check-in (by SMS, with the agreed word)" in await words(
        cast
    )


async def test_help_calls_adults_whatever_way_it_came(cast: Cast) -> None:
    await in_the_high_tier(cast)
    await at(cast, DUE - HOUR)
    await said(cast, Way.LINK, want=Want.HELP)
    [alert] = await Alert.filter(child_id=cast.mia.id, cause="help")
    assert alert.closed_at is None


async def test_evidence_says_how_the_last_answer_came_until_the_app_answers_again(
    cast: Cast,
) -> None:
    await at(cast, DUE - HOUR)
    await said(cast, Way.SMS)
    assert "last answer 17:00 (by SMS, with the agreed word)" in (
        await words(cast)
    ).lower().replace("sms", "SMS")
    await at(cast, DUE - MINUTE)
    await said(cast, Way.APP)
    assert "SMS" not in await words(cast)


async def test_what_an_adult_passes_on_never_counts_as_the_app_of_the_child(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    kept = [
        await said(cast, Way.APP, who="sam", role=Role.CARER),
        await said(cast, Way.SMS, who="sam", role=Role.CARER),
        await said(cast, Way.VOICE, who="sam", role=Role.CARER),
        await said(cast, Way.APP, who="tom", role=Role.CASEWORKER),
    ]
    assert [one.by_way for one in kept] == ["carer", "carer", "voice", "worker"]
    watch = await Watch.get(child_id=cast.mia.id)
    assert watch.answered_at is None, "it is no answer of the child's own"


async def test_said_aloud_to_the_carer_counts_as_the_carer_s_word(cast: Cast) -> None:
    await in_the_high_tier(cast)
    await at(cast, DUE + 31 * MINUTE)
    await said(cast, Way.VOICE, who="sam", role=Role.CARER)
    late = await Round.get(child_id=cast.mia.id, due_at=DUE)
    assert late.state == "late"
    assert await Message.filter(kind=Kind.HELD).count() == 1


@pytest.mark.parametrize(("told", "way"), [("voice", "voice"), ("", "carer")])
async def test_a_carer_says_on_the_page_whether_the_child_told_them_itself(
    cast: Cast, told: str, way: str
) -> None:
    path = f"/desk/children/{cast.mia.id}/check-in"
    said = {"id": str(uuid4()), "mood": "4", "note": "", "want": "nothing", "told": told}
    async with cast.browser_as("sam") as sam:
        assert 'name="told"' in (await sam.get(path)).text
        assert (await sam.post(path, data=said)).status_code == 303
    assert (await CheckIn.get(child_id=cast.mia.id)).by_way == way
    async with cast.browser_as("tom") as tom:
        assert 'name="told"' not in (await tom.get(path)).text
        page = (await tom.get(f"/desk/children/{cast.mia.id}")).text
    assert ("Said aloud by the child, passed on by Sam" in page) == (way == "voice")


async def test_the_history_of_the_agency_says_the_way_for_a_replay(cast: Cast) -> None:
    begin = cast.clock()
    await at(cast, DUE - HOUR)
    await said(cast, Way.SMS)
    cast.clock.set(DUE)
    events = (await history.read(cast.agency.id, begin - HOUR, cast.clock())).events
    [found] = [one for one in events if one.kind == "check_in"]
    assert found.detail == {"way": "sms"}
