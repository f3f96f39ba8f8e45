"""Alerts as rows: opened once, climbed, acknowledged, closed with an outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.alerts import actions as alerts
from server.alerts import climbing
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of, reach_of, reach_of_worker
from server.audit.actions import SYSTEM, Actor
from server.audit.models import Entry
from server.errors import Conflict, NotFound, Refused
from server.notify.actions import set_last_resorts, tell_operators
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.models import Person
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.model import PEOPLED, Rung, Tier
from server.rota.models import FixedShift
from server.storage.db import write
from tests.cast import Cast
from tests.races import no_fault, together

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def one_last_resort(cast: Cast) -> Iterator[None]:
    set_last_resorts(1)
    yield
    set_last_resorts(0)


def opening(cast: Cast, name: str = "mia", **how: Any) -> Opening:
    child = cast.children[name]
    values = {"cause": Cause.SILENCE, "tier": Tier.MID, "reason": "carer_silent"}
    values |= {"opened_at": cast.clock(), "actor": SYSTEM}
    return Opening(child_id=child.id, agency_id=child.agency_id, **(values | how))


async def opened(cast: Cast, name: str = "mia", **how: Any) -> Alert:
    async with write():
        return await _open(opening(cast, name, **how), cast)


async def _open(one: Opening, cast: Cast) -> Alert:
    policy, _ = await policy_of(one.agency_id)
    return (await open_alerts([one], {one.agency_id: policy}, cast.clock()))[0]


async def reachable(cast: Cast, *names: str) -> None:
    for name in names:
        actor = cast.actor(name)
        await add_address(
            Actor(actor.id, actor.role, actor.agency_id),
            cast.persons[name].id,
            AddAddress(channel="email", value=f"{name}@example.org"),
            cast.clock(),
        )


async def said(alert: Alert, *kinds: Kind) -> list[tuple[str | None, str, str]]:
    """Who is told what about it, and the state of the message, in order."""
    names = {person.id: person.name.split()[0].lower() for person in await Person.all()}
    rows = [
        (row.queued_at, row.turn, row.rung, row.kind, names.get(row.person_id), row.state)
        for row in await Message.filter(subject_id=alert.id)
        if not kinds or Kind(row.kind) in kinds
    ]
    rows.sort(key=lambda row: (*row[:4], row[4] or "~"))
    return [(name, kind, state) for _, _, _, kind, name, state in rows]


async def send_all(now: Any) -> None:
    """As if the worker had sent everything that waits."""
    await Message.filter(state="waiting").update(
        state="done", next_action_at=None, done_at=now, attempts=1
    )


async def what_was_entered(alert: Alert) -> list[str]:
    rows = await Entry.filter(about_id=alert.id).order_by("id")
    return [row.what for row in rows]


# --- opening


async def test_an_alert_freezes_its_ladder_and_calls_the_caseworker(cast: Cast) -> None:
    alert = await opened(cast)
    assert alert.ladder["rungs"] == [
        "caseworker",
        "deputy",
        "on_duty",
        "manager",
        "last_resort",
    ]
    stored = await Alert.get(id=alert.id)
    assert (stored.state, stored.rung, stored.turn, stored.misses) == ("open", 0, 0, 1)
    assert stored.next_action_at == cast.clock() + 30 * MINUTE
    assert stored.decide_at == cast.clock() + 4 * HOUR
    assert await said(alert) == [("tom", "alert", "waiting")]
    assert await what_was_entered(alert) == ["alert:open"]


async def test_a_second_miss_joins_the_open_alert_and_calls_nobody_again(cast: Cast) -> None:
    first = await opened(cast)
    second = await opened(cast)
    assert second.id == first.id
    assert (await Alert.get(id=first.id)).misses == 2
    assert await said(first) == [("tom", "alert", "waiting")]
    assert await what_was_entered(first) == ["alert:open", "alert:join"]


async def test_another_cause_and_another_child_have_alerts_of_their_own(cast: Cast) -> None:
    ids = {
        (await opened(cast)).id,
        (await opened(cast, cause=Cause.HELP)).id,
        (await opened(cast, cause=Cause.TALK)).id,
        (await opened(cast, "noor", tier=Tier.HIGH)).id,
    }
    assert len(ids) == 4


async def test_two_who_open_at_once_open_one(cast: Cast) -> None:
    one, other = await together(opened(cast), opened(cast))
    assert one.id == other.id
    assert await Alert.all().count() == 1
    assert (await Alert.get(id=one.id)).misses == 2
    assert await said(one) == [("tom", "alert", "waiting")]


async def test_many_who_miss_at_once_are_all_counted(cast: Cast) -> None:
    first = await opened(cast)
    no_fault(await together(*(opened(cast) for _ in range(3))))
    entries = Counter(await what_was_entered(first))
    assert (await Alert.get(id=first.id)).misses == 1 + entries["alert:join"] == 4


async def test_a_rung_without_a_person_is_skipped_at_once(cast: Cast) -> None:
    """Uwe has no deputy, and nobody is on duty in his agency."""
    alert = await opened(cast, "lia")
    cast.clock.advance(minutes=30)
    assert await climbing.ALERTS.tick(cast.clock()) == 1
    after = await Alert.get(id=alert.id)
    assert after.rung == 4
    [last] = await Message.filter(subject_id=alert.id, person_id__isnull=True)
    assert (last.last_resort, last.channel) == (0, "last_resort")


async def test_a_person_who_has_left_is_not_called(cast: Cast) -> None:
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.eve.id, role=Role.CASEWORKER),
        cast.clock(),
    )
    await Person.filter(id=cast.tom.id).update(disabled_at=cast.clock())
    alert = await opened(cast)
    assert await said(alert) == [("eve", "alert", "waiting")]


async def test_help_calls_the_caseworker_and_everyone_on_duty_together(cast: Cast) -> None:
    await cast.on_duty("ines")
    await cast.on_duty("eve")
    alert = await opened(cast, cause=Cause.HELP)
    assert {who for who, _, _ in await said(alert)} == {"tom", "ines", "eve"}
    stored = await Alert.get(id=alert.id)
    assert stored.next_action_at == cast.clock() + 15 * MINUTE


async def test_a_shift_that_is_over_calls_nobody(cast: Cast) -> None:
    now = cast.clock()
    for begin, end in ((-3 * HOUR, -HOUR), (HOUR, 2 * HOUR)):
        await FixedShift.create(
            agency_id=cast.agency.id,
            person_id=cast.eve.id,
            from_at=now + begin,
            until_at=now + end,
        )
    alert = await opened(cast, cause=Cause.HELP)
    assert await said(alert) == [("tom", "alert", "waiting")]


async def test_a_wish_to_talk_gives_the_caseworker_four_hours_of_daytime(cast: Cast) -> None:
    """Said at 19:00 in Paris: the deputy hears of it at 11:00 the next morning."""
    cast.clock.advance(hours=6)
    alert = await opened(cast, cause=Cause.TALK)
    stored = await Alert.get(id=alert.id)
    assert stored.next_action_at == cast.clock() + 16 * HOUR
    assert stored.decide_at is None
    cast.clock.advance(hours=15, minutes=59)
    assert await climbing.ALERTS.tick(cast.clock()) == 0
    cast.clock.advance(minutes=1)
    assert await climbing.ALERTS.tick(cast.clock()) == 1
    assert [who for who, _, _ in await said(alert)] == ["tom", "ines"]


# --- the climb


async def test_two_tickers_call_each_rung_once(cast: Cast) -> None:
    alert = await opened(cast)
    for _ in range(6):
        cast.clock.advance(minutes=30)
        no_fault(await together(*(climbing.ALERTS.tick(cast.clock()) for _ in range(3))))
    counted = Counter(
        await Message.filter(subject_id=alert.id).values_list(
            "kind", "rung", "turn", "to_key", "channel"
        )
    )
    assert set(counted.values()) == {1}
    after = await Alert.get(id=alert.id)
    assert (after.rung, after.turn, after.next_action_at) == (3, 1, cast.clock() + 30 * MINUTE)


async def test_after_hours_of_blindness_each_person_is_told_once(cast: Cast) -> None:
    alert = await opened(cast)
    cast.clock.advance(hours=12)
    assert await climbing.ALERTS.tick(cast.clock()) == 1
    told = Counter((who, kind) for who, kind, _ in await said(alert))
    assert max(told.values()) == 1
    assert set(told) == {
        ("tom", "alert"),
        ("tom", "alert_again"),
        ("tom", "decide"),
        ("ines", "alert_again"),
        ("ines", "decide"),
        (None, "alert_again"),
    }


async def test_everyone_is_asked_to_decide_at_the_latest_after_four_hours(cast: Cast) -> None:
    alert = await opened(cast)
    await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    cast.clock.advance(hours=4)
    await climbing.ALERTS.tick(cast.clock())
    decided = await said(alert, Kind.DECIDE)
    assert {who for who, _, _ in decided} == {"tom", "ines"}
    assert (await Alert.get(id=alert.id)).decide_at is None


async def test_accepted_is_not_seen_so_the_next_channel_is_taken(cast: Cast) -> None:
    await reachable(cast, "tom")
    await add_address(
        Actor(cast.tom.id, "caseworker", cast.agency.id),
        cast.tom.id,
        AddAddress(channel="push", value="https://push.example.org/1"),
        cast.clock(),
    )
    alert = await opened(cast)
    await send_all(cast.clock())
    cast.clock.advance(minutes=30)
    await climbing.ALERTS.tick(cast.clock())
    toms = await Message.filter(subject_id=alert.id, person_id=cast.tom.id).order_by("id")
    assert [(m.channel, m.kind) for m in toms] == [("push", "alert"), ("email", "alert")]


async def test_an_alert_that_raises_is_set_apart_and_the_others_go_on(cast: Cast) -> None:
    broken = await opened(cast)
    cast.clock.advance(minutes=30)
    await Alert.filter(id=broken.id).update(ladder={"rungs": ["nobody_knows"]})
    with pytest.raises(ValueError, match="nobody_knows"):
        await climbing.ALERTS.tick(cast.clock())
    assert await climbing.ALERTS.due_now(cast.clock()) == [broken.id]
    await climbing.ALERTS.set_apart(broken.id, cast.clock(), tell_operators)
    assert await climbing.ALERTS.due_now(cast.clock()) == []
    assert await climbing.ALERTS.tick(cast.clock()) == 0
    [fault] = await Message.filter(kind=Kind.OPERATORS)
    assert fault.data == {"fault": "alert:row"}


async def test_an_alert_whose_decision_raises_is_set_apart_too(cast: Cast) -> None:
    broken = await opened(cast)
    await alerts.acknowledge(cast.actor("tom"), broken.id, cast.clock())
    later = cast.clock() + 24 * HOUR
    await Alert.filter(id=broken.id).update(
        ladder={"rungs": ["nobody_knows"]}, next_action_at=later
    )
    cast.clock.advance(hours=4)
    with pytest.raises(ValueError, match="nobody_knows"):
        await climbing.ALERTS.tick(cast.clock())
    assert await climbing.ALERTS.due_now(cast.clock()) == [broken.id]
    await climbing.ALERTS.set_apart(broken.id, cast.clock(), tell_operators)
    assert await climbing.ALERTS.due_now(cast.clock()) == []
    assert await climbing.ALERTS.tick(cast.clock()) == 0
    cast.clock.advance(minutes=1)
    assert await climbing.ALERTS.due_now(cast.clock()) == [broken.id]


async def test_the_self_audit_finds_an_alert_that_nobody_moves(cast: Cast) -> None:
    alert = await opened(cast)
    cast.clock.advance(minutes=32)
    assert await climbing.self_audit(cast.clock()) == []
    cast.clock.advance(seconds=1)
    assert await climbing.self_audit(cast.clock()) == [alert.id]
    await climbing.ALERTS.tick(cast.clock())
    assert await climbing.self_audit(cast.clock()) == []


# --- acknowledging


async def test_acknowledging_holds_the_ladder_and_stops_the_other_messages(cast: Cast) -> None:
    alert = await opened(cast)
    after = await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    assert (after.state, after.acknowledged_by) == ("acknowledged", cast.tom.id)
    assert after.held_until == after.next_action_at == cast.clock() + HOUR
    assert await said(alert) == [("tom", "alert", "withdrawn")]


async def test_acknowledging_twice_gives_the_first_answer(cast: Cast) -> None:
    alert = await opened(cast)
    first = await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    again = await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock.advance(minutes=5))
    assert again.acknowledged_at == first.acknowledged_at
    assert again.held_until == first.held_until
    assert (await what_was_entered(alert)).count("alert:acknowledge") == 1


async def test_too_late_says_who_has_it(cast: Cast) -> None:
    alert = await opened(cast)
    await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    with pytest.raises(Conflict) as told:
        await alerts.acknowledge(cast.actor("ines"), alert.id, cast.clock())
    assert (told.value.code, told.value.extra) == ("taken", {"by": cast.tom.id})


async def test_of_two_who_acknowledge_at_once_one_has_it(cast: Cast) -> None:
    alert = await opened(cast)
    both = await together(
        *(alerts.acknowledge(cast.actor(who), alert.id, cast.clock()) for who in ("tom", "ines"))
    )
    lost = [one for one in both if isinstance(one, Conflict)]
    [won] = [one for one in both if isinstance(one, Alert)]
    assert len(lost) == 1
    assert lost[0].code == "taken"
    assert lost[0].extra == {"by": won.acknowledged_by}


async def test_an_acknowledgement_races_the_tick(cast: Cast) -> None:
    """Whoever is first: somebody has it, and nobody is called twice."""
    alert = await opened(cast)
    cast.clock.advance(minutes=30)
    both = await together(
        climbing.ALERTS.tick(cast.clock()),
        alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock()),
    )
    no_fault(both)
    after = await Alert.get(id=alert.id)
    assert (after.state, after.acknowledged_by) == ("acknowledged", cast.tom.id)
    assert all(state == "withdrawn" for _, _, state in await said(alert))


async def test_an_acknowledgement_that_lapses_resumes_the_climb(cast: Cast) -> None:
    alert = await opened(cast)
    await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    cast.clock.advance(hours=1)
    await climbing.ALERTS.tick(cast.clock())
    after = await Alert.get(id=alert.id)
    assert (after.state, after.acknowledged_by, after.rung) == ("open", None, 1)
    assert ("ines", "alert_again", "waiting") in await said(alert)


async def test_what_is_not_there_cannot_be_acknowledged_or_closed(cast: Cast) -> None:
    with pytest.raises(NotFound):
        await alerts.acknowledge(cast.actor("tom"), uuid4(), cast.clock())
    with pytest.raises(NotFound):
        await alerts.close(cast.actor("tom"), uuid4(), Outcome.SEEN, None, cast.clock())


# --- closing


async def test_an_alert_ends_with_an_outcome_only(cast: Cast) -> None:
    alert = await opened(cast)
    with pytest.raises(Refused):
        await alerts.close(cast.actor("tom"), alert.id, None, "It is nothing.", cast.clock())
    assert (await Alert.get(id=alert.id)).closed_at is None


async def test_everyone_who_was_told_hears_that_it_is_over(cast: Cast) -> None:
    await reachable(cast, "tom", "ines")
    alert = await opened(cast)
    await send_all(cast.clock())
    for _ in range(3):
        await climbing.ALERTS.tick(cast.clock.advance(minutes=30))
        await send_all(cast.clock())
    closed = await alerts.close(
        cast.actor("ines"), alert.id, Outcome.SPOKE, "On the phone.", cast.clock()
    )
    assert (closed.state, closed.outcome, closed.closing_words) == (
        "closed",
        "spoke_to",
        "On the phone.",
    )
    assert (closed.next_action_at, closed.decide_at) == (None, None)
    clear = await said(alert, Kind.ALL_CLEAR)
    # Tom; not Ines, who closed it; and the last resort, who would look on otherwise.
    assert clear == [("tom", "all_clear", "waiting"), (None, "all_clear", "waiting")]


async def test_a_person_who_is_being_told_at_that_moment_is_told_that_the_alert_is_over(
    cast: Cast,
) -> None:
    """The worker has claimed the message: it may arrive after the closing."""
    await reachable(cast, "tom", "ines")
    alert = await opened(cast)
    await Message.filter(subject_id=alert.id).update(state="sending", attempts=1)
    await alerts.close(cast.actor("ines"), alert.id, Outcome.SEEN, None, cast.clock())
    assert await said(alert) == [
        ("tom", "alert", "withdrawn"),
        ("tom", "all_clear", "waiting"),
    ]


async def test_a_person_who_was_not_told_needs_no_all_clear(cast: Cast) -> None:
    alert = await opened(cast)
    await alerts.close(cast.actor("ines"), alert.id, Outcome.SEEN, None, cast.clock())
    assert await said(alert) == [("tom", "alert", "withdrawn")]


async def test_closing_twice_gives_the_first_answer(cast: Cast) -> None:
    alert = await opened(cast)
    first = await alerts.close(cast.actor("tom"), alert.id, Outcome.SEEN, "Home.", cast.clock())
    again = await alerts.close(
        cast.actor("tom"), alert.id, Outcome.SEEN, "Home!", cast.clock.advance(minutes=1)
    )
    assert (again.closed_at, again.closing_words) == (first.closed_at, "Home.")


@pytest.mark.parametrize(("who", "outcome"), [("ines", Outcome.SEEN), ("tom", Outcome.SPOKE)])
async def test_closing_a_closed_alert_says_who_closed_it(
    cast: Cast, who: str, outcome: Outcome
) -> None:
    alert = await opened(cast)
    await alerts.close(cast.actor("tom"), alert.id, Outcome.SEEN, None, cast.clock())
    with pytest.raises(Conflict) as told:
        await alerts.close(cast.actor(who), alert.id, outcome, None, cast.clock())
    assert (told.value.code, told.value.extra) == ("closed", {"by": cast.tom.id})
    with pytest.raises(Conflict) as told:
        await alerts.acknowledge(cast.actor("ines"), alert.id, cast.clock())
    assert told.value.code == "closed"


async def test_of_two_who_close_at_once_one_does(cast: Cast) -> None:
    alert = await opened(cast)
    both = await together(
        *(
            alerts.close(cast.actor(who), alert.id, Outcome.SEEN, None, cast.clock())
            for who in ("tom", "ines")
        )
    )
    [lost] = [one for one in both if isinstance(one, Conflict)]
    [won] = [one for one in both if isinstance(one, Alert)]
    assert lost.extra == {"by": won.closed_by}
    assert (await what_was_entered(alert)).count("alert:close") == 1


async def test_after_the_closing_a_new_silence_is_a_new_alert(cast: Cast) -> None:
    first = await opened(cast)
    await alerts.close(cast.actor("tom"), first.id, Outcome.SEEN, None, cast.clock())
    second = await opened(cast)
    assert second.id != first.id


# --- the child answers


async def answer(cast: Cast, name: str = "mia") -> None:
    child = cast.children[name]
    async with write():
        await alerts.answered([child.id], cast.clock())


@pytest.mark.parametrize("tier", [Tier.MID, Tier.LOW])
async def test_an_answer_closes_a_silence_of_the_mid_and_low_tier(cast: Cast, tier: Tier) -> None:
    await reachable(cast, "tom", "ines")
    alert = await opened(cast, tier=tier)
    await send_all(cast.clock())
    await answer(cast)
    after = await Alert.get(id=alert.id)
    assert (after.state, after.outcome, after.closed_by) == ("closed", "late_answer", None)
    assert await said(alert, Kind.ALL_CLEAR) == [("tom", "all_clear", "waiting")]


async def test_in_the_high_tier_an_answer_waits_for_a_person(cast: Cast) -> None:
    alert = await opened(cast, "noor", tier=Tier.HIGH)
    await send_all(cast.clock())
    await answer(cast, "noor")
    after = await Alert.get(id=alert.id)
    assert (after.state, after.outcome, after.decide_at) == ("answered", None, None)
    assert after.next_action_at == cast.clock() + 30 * MINUTE
    await answer(cast, "noor")
    assert (await Alert.get(id=alert.id)).next_action_at == after.next_action_at, (
        "nothing puts it off"
    )
    await climbing.ALERTS.tick(cast.clock.advance(minutes=30))
    assert ("tom", "confirm_answered", "waiting") in await said(alert)


async def test_the_all_clear_of_an_answer_survives_the_one_who_takes_it_on(cast: Cast) -> None:
    await reachable(cast, "tom", "ines")
    alert = await opened(cast, "noor", tier=Tier.HIGH)
    await climbing.ALERTS.tick(cast.clock.advance(minutes=15))
    await send_all(cast.clock())
    await answer(cast, "noor")
    await alerts.acknowledge(cast.actor("tom"), alert.id, cast.clock())
    clear = await said(alert, Kind.ALL_CLEAR)
    assert sorted(clear) == [("ines", "all_clear", "waiting"), ("tom", "all_clear", "waiting")]


async def test_a_silence_after_an_unconfirmed_answer_climbs_anew(cast: Cast) -> None:
    alert = await opened(cast, "noor", tier=Tier.HIGH)
    await answer(cast, "noor")
    cast.clock.advance(minutes=10)
    again = await opened(cast, "noor", tier=Tier.HIGH)
    assert again.id == alert.id
    after = await Alert.get(id=alert.id)
    assert (after.state, after.rung, after.turn, after.misses) == ("open", 0, 1, 2)
    assert after.decide_at == cast.clock() + HOUR
    assert (await said(alert))[-1] == ("tom", "alert", "waiting")


async def test_an_answer_does_not_end_a_cry_for_help(cast: Cast) -> None:
    alert = await opened(cast, cause=Cause.HELP)
    await answer(cast)
    assert (await Alert.get(id=alert.id)).state == "open"


async def test_an_answer_and_a_closing_at_once_leave_one_end(cast: Cast) -> None:
    alert = await opened(cast)
    both = await together(
        answer(cast),
        alerts.close(cast.actor("tom"), alert.id, Outcome.SEEN, None, cast.clock()),
    )
    no_fault(both, Conflict)
    assert (await Alert.get(id=alert.id)).closed_at is not None
    assert (await what_was_entered(alert)).count("alert:close") == 1


# --- who stands where


async def test_who_stands_on_each_rung(cast: Cast) -> None:
    await cast.on_duty("eve")
    mia: UUID = cast.mia.id
    reach = (await reach_of({mia: cast.agency.id}, cast.clock()))[mia].there
    assert reach == {
        Rung.CASEWORKER: {cast.tom.id},
        Rung.DEPUTY: {cast.ines.id},
        Rung.ON_DUTY: {cast.eve.id},
        Rung.MANAGER: {cast.ines.id},
        Rung.LAST_RESORT: set(),
    }
    await Person.filter(id=cast.ines.id).update(disabled_at=cast.clock())
    set_last_resorts(0)
    reach = (await reach_of({mia: cast.agency.id}, cast.clock()))[mia].there
    assert reach[Rung.DEPUTY] == set()
    assert Rung.LAST_RESORT not in reach


async def test_every_rung_that_has_people_is_asked_who_is_on_it(cast: Cast) -> None:
    mia: UUID = cast.mia.id
    reach = (await reach_of({mia: cast.agency.id}, cast.clock()))[mia].there
    drill = await reach_of_worker(cast.agency.id, cast.tom.id, cast.clock())
    assert set(PEOPLED) <= set(reach)
    assert set(PEOPLED) <= set(drill.there)
