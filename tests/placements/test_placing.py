"""A placement ends, and begins again: nobody is asked any more, and nothing disappears."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from server import health
from server.alerts import climbing
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.audit.models import Entry
from server.auth import pairing
from server.checkin import actions as check_ins
from server.checkin.models import CheckIn
from server.checkin.rules import Answer, Want
from server.errors import Conflict, Refused
from server.notify.actions import tell_operators
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.models import Child, Tie
from server.people.rules import Leaving, Role
from server.people.ties import end_tie
from server.placements import actions
from server.policy.model import Tier
from server.watch import actions as watch
from server.watch import ticking, watch_alerts
from server.watch.carer import questions
from server.watch.carer.models import Question
from server.watch.models import Pause, Round, Watch
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.races import no_fault, together

# Mia (mid tier): due at 18:00 in Paris, 17:00 UTC; late an hour later, Sam asked then.
DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TWICE = {"at": ["09:00", "18:00"]}


async def at(cast: Cast, moment: datetime) -> datetime:
    """A ticker that is never late has brought us here."""
    while True:
        due = [
            w.next_action_at
            for w in await Watch.filter(next_action_at__lte=moment)
            if w.next_action_at
        ]
        open_ = Alert.filter(closed_at__isnull=True, next_action_at__lte=moment)
        due += [alert.next_action_at for alert in await open_ if alert.next_action_at]
        if not due:
            return cast.clock.set(moment)
        cast.clock.set(max(min(due), cast.clock()))
        await ticking.WATCHES.tick(cast.clock())
        await climbing.ALERTS.tick(cast.clock())


async def end(cast: Cast, why: Leaving = Leaving.HOME, **how: Any) -> Child:
    now = cast.clock()
    return await actions.end(cast.actor("tom"), cast.mia.id, why, now, **how, now=now)


async def begin(cast: Cast, rhythm: dict[str, Any] | None = TWICE, **how: Any) -> Child:
    now = cast.clock()
    return await actions.begin(cast.actor("tom"), cast.mia.id, now, rhythm=rhythm, **how, now=now)


async def mia(cast: Cast) -> Watch:
    return await Watch.get(child_id=cast.mia.id)


async def entered(cast: Cast) -> list[tuple[str, str | None]]:
    rows = await Entry.filter(child_id=cast.mia.id).order_by("id")
    return [(row.what, row.why) for row in rows if not row.what.startswith("look")]


async def waiting(cast: Cast) -> list[Message]:
    return await Message.filter(child_id=cast.mia.id, state__in=["waiting", "sending"])


async def leave_the_others_out(cast: Cast) -> None:
    await Watch.exclude(child_id=cast.mia.id).delete()


# --- it ends


async def test_nobody_is_asked_and_nobody_alarmed_about_a_child_who_has_left(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await at(cast, DUE - HOUR)
    child = await end(cast)
    assert child.left_at == cast.clock()
    after = await mia(cast)
    assert after.is_over
    assert (after.next_action_at, after.due_at, after.standing, after.tier) == (
        None,
        None,
        "well",
        "mid",
    )
    assert await waiting(cast) == []
    said = await Message.filter(child_id=cast.mia.id).count()
    await at(cast, DUE + 40 * DAY)
    assert await ticking.WATCHES.tick(cast.clock()) == 0
    assert not await Alert.exists(child_id=cast.mia.id)
    assert await Message.filter(child_id=cast.mia.id).count() == said
    assert cast.mia.id not in await ticking.unwatched()
    await ticking.beat(ticking.TICK, cast.clock())
    assert (await health.pulse()).is_well(cast.clock())
    assert ("placement:end", "home") in await entered(cast)


@pytest.mark.slow
async def test_a_child_whose_placement_has_not_ended_stays_in_the_watch(cast: Cast) -> None:
    """The other two of Tom's, while Mia leaves."""
    await end(cast)
    await at(cast, DUE + 3 * DAY)
    assert await Alert.exists(child_id=cast.noor.id, cause=Cause.SILENCE)
    assert await Alert.exists(child_id=cast.lia.id, cause=Cause.SILENCE)
    assert await Watch.filter(next_action_at__isnull=True).values_list("child_id", flat=True) == [
        cast.mia.id
    ]


@pytest.mark.parametrize(
    ("moment", "state"), [(DUE - HOUR, "ended"), (DUE + HOUR + MINUTE, "ended_late")]
)
async def test_what_was_open_says_why_it_is_over(cast: Cast, moment: datetime, state: str) -> None:
    await at(cast, moment)
    now = cast.clock()
    await agreements.pause(
        cast.actor("tom"),
        cast.mia.id,
        agreements.PauseRequest(uuid4(), now + DAY, now + 3 * DAY, words="With her aunt."),
        now,
    )
    asked = await Question.filter(child_id=cast.mia.id)
    await end(cast)
    round_ = await Round.get(child_id=cast.mia.id, due_at=DUE)
    assert (round_.state, round_.settled_at, round_.settled_by) == (state, now, None)
    withdrawn = await Message.filter(child_id=cast.mia.id, state="withdrawn")
    assert {message.why for message in withdrawn} <= {"ended"}
    assert await waiting(cast) == []
    assert (await Pause.get(child_id=cast.mia.id)).ended_at == now
    assert len(asked) == (1 if state == "ended_late" else 0)
    for question in asked:
        with pytest.raises(Refused):
            await questions.answer_question(question.id, "not_seen", now)


async def test_an_open_alert_is_closed_by_a_person_first(cast: Cast) -> None:
    await at(cast, DUE + 4 * HOUR)
    alert = await Alert.get(child_id=cast.mia.id)
    before = await mia(cast)
    with pytest.raises(Conflict) as told:
        await end(cast)
    assert told.value.code == "alert_open"
    assert (await Child.get(id=cast.mia.id)).left_at is None
    assert (await mia(cast)).version == before.version
    tom, now = cast.actor("tom"), cast.clock()
    await watch_alerts.close_alert(tom, alert.id, Outcome.KNOWN_ELSEWHERE, "At her mother's.", now)
    assert (await end(cast)).left_at == now


async def test_an_alert_that_no_tick_has_opened_yet_is_one(cast: Cast) -> None:
    cast.clock.set(DUE + 4 * HOUR)
    with pytest.raises(Conflict):
        await end(cast)
    await ticking.WATCHES.tick(cast.clock())
    assert await Alert.exists(child_id=cast.mia.id, closed_at__isnull=True)


async def test_ending_twice_is_once_and_the_first_end_stands(cast: Cast) -> None:
    first = await end(cast, Leaving.MOVED)
    version = (await mia(cast)).version
    cast.clock.advance(hours=3)
    again = await end(cast, Leaving.OTHER)
    assert again.left_at == first.left_at
    assert await actions.why_left(again) is Leaving.MOVED
    assert (await mia(cast)).version == version
    assert [what for what, _ in await entered(cast)].count("placement:end") == 1


@pytest.mark.parametrize("days", [1, -1])
async def test_a_time_that_cannot_be_is_refused(cast: Cast, days: int) -> None:
    """Tomorrow; and before the placement began."""
    now = cast.clock()
    with pytest.raises(Refused) as told:
        await actions.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, now + days * DAY, now=now)
    assert told.value.field == "at"
    assert not (await mia(cast)).is_over


async def test_the_phones_stay_paired_unless_the_caseworker_says_otherwise(cast: Cast) -> None:
    await end(cast)
    assert len(await pairing.devices_of(cast.mia.id)) == 1
    await begin(cast)
    await end(cast, shut_out=True)
    assert await pairing.devices_of(cast.mia.id) == []
    async with cast.client_as("mia") as phone:
        assert (await phone.get("/api/v1/me")).status_code == 401


async def test_what_many_do_in_the_moment_of_the_end_leaves_it_ended_once(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    now = cast.clock()
    answer = Answer(uuid4(), now, None, None, Want.NOTHING, "a")
    jobs: list[Awaitable[object]] = [
        end(cast),
        end(cast, Leaving.OTHER),
        check_ins.record(cast.actor("mia"), Role.CHILD, cast.mia.id, answer, now),
        ticking.WATCHES.tick(DUE + MINUTE),
        ticking.WATCHES.tick(DUE + MINUTE),
    ]
    no_fault(await together(*jobs))
    assert (await mia(cast)).is_over
    assert [what for what, _ in await entered(cast)].count("placement:end") == 1
    assert not await Round.exists(child_id=cast.mia.id, state__in=["open", "late"])
    assert await CheckIn.exists(id=answer.id)


async def test_a_row_that_raises_while_the_placement_ends_stays_ended(cast: Cast) -> None:
    await end(cast)
    await ticking.WATCHES.set_apart(cast.mia.id, cast.clock(), tell_operators)
    assert (await mia(cast)).next_action_at is None


async def test_a_watch_that_was_lost_is_found(cast: Cast) -> None:
    await Watch.filter(child_id=cast.mia.id).update(next_action_at=None)
    await Child.filter(id=cast.noor.id).update(left_at=cast.clock())
    assert sorted(await ticking.unwatched()) == sorted([cast.mia.id, cast.noor.id])
    await Watch.filter(child_id=cast.lia.id).delete()
    assert len(await ticking.unwatched()) == 3


# --- a voice is heard


async def test_the_words_of_a_child_who_has_left_are_kept(cast: Cast) -> None:
    await end(cast)
    async with cast.client_as("mia") as phone:
        me = (await phone.get("/api/v1/me")).json()
        said = {"id": str(uuid4()), "said_at": cast.clock().isoformat(), "note": "Still here."}
        first = await phone.post("/api/v1/check-ins", json=said)
        again = await phone.post("/api/v1/check-ins", json=said)
    assert (me["next_due_at"], me["standing"]) == (None, "well")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["next_due_at"], first.json()["standing"]) == (None, "well")
    kept = await CheckIn.get(id=said["id"])
    assert (kept.note, kept.is_early, kept.is_late) == ("Still here.", False, False)
    after = await mia(cast)
    assert (after.answered_at, after.next_action_at) == (cast.clock(), None)


async def test_help_is_called_for_a_child_who_has_left_and_it_stands_on_the_board(
    cast: Cast,
) -> None:
    await end(cast)
    now = cast.clock()
    answer = Answer(uuid4(), now, None, None, Want.HELP, "a")
    await check_ins.record(cast.actor("mia"), Role.CHILD, cast.mia.id, answer, now)
    alert = await Alert.get(child_id=cast.mia.id, cause=Cause.HELP)
    assert await Message.exists(subject_id=alert.id, person_id=cast.tom.id)
    await cast.on_duty("eve")
    for name in ("tom", "eve"):
        async with cast.client_as(name) as client:
            seen = (await client.get("/api/v1/children")).json()
            called = (await client.get("/api/v1/alerts")).json()["alerts"]
        assert str(cast.mia.id) in [child["id"] for child in seen["children"]]
        assert [one["id"] for one in called] == [str(alert.id)]
    with pytest.raises(Conflict):
        await agreements.set_tier(
            cast.actor("tom"), cast.mia.id, agreements.TierRequest(Tier.LOW), now
        )
    await watch_alerts.close_alert(cast.actor("tom"), alert.id, Outcome.SPOKE, "Fine.", now)
    assert (await mia(cast)).is_over


async def test_an_adult_who_misses_a_child_who_has_left_is_never_held_up(cast: Cast) -> None:
    await end(cast)
    now = cast.clock()
    alert = await watch_alerts.open_missing(cast.actor("tom"), cast.mia.id, "Gone.", now)
    assert (await mia(cast)).standing == "missing"
    answer = Answer(uuid4(), now, None, None, Want.NOTHING, "a")
    await check_ins.record(cast.actor("mia"), Role.CHILD, cast.mia.id, answer, now)
    heard = Message.filter(child_id=cast.mia.id, kind=Kind.ALERT_AGAIN, subject_id=answer.id)
    assert await heard.exists()
    await begin(cast)
    assert ((await mia(cast)).is_alerted, (await mia(cast)).is_missing) == (True, True)
    await watch_alerts.close_alert(cast.actor("tom"), alert.id, Outcome.SEEN, "Back.", now)
    after = await mia(cast)
    assert (after.is_alerted, after.is_missing, after.is_over) == (False, False, False)


async def test_missing_is_over_when_the_child_is_found_elsewhere(cast: Cast) -> None:
    await end(cast)
    now = cast.clock()
    alert = await watch_alerts.open_missing(cast.actor("tom"), cast.mia.id, None, now)
    await watch_alerts.close_alert(cast.actor("tom"), alert.id, Outcome.SEEN, "Found.", now)
    after = await mia(cast)
    assert (after.is_missing, after.standing, after.next_action_at) == (False, "well", None)


@pytest.mark.parametrize("answer", ["seen", "not_seen"])
async def test_a_sighting_of_a_child_who_has_left_is_kept_and_alarms_nobody(
    cast: Cast, answer: str
) -> None:
    await end(cast)
    now = cast.clock()
    noted = await watch.note_sighting(
        cast.actor("sam"),
        cast.mia.id,
        Role.CARER,
        watch.SightingRequest(uuid4(), answer, seen_at=now),
        now,
    )
    assert noted.answer == answer
    assert not await Alert.exists(child_id=cast.mia.id)


async def test_what_is_agreed_cannot_be_changed_any_more(cast: Cast) -> None:
    await end(cast)
    tom, id_, now = cast.actor("tom"), cast.mia.id, cast.clock()
    jobs = [
        agreements.set_tier(tom, id_, agreements.TierRequest(Tier.LOW), now),
        agreements.set_rhythm(tom, id_, TWICE, "UTC", now),
        agreements.pause(
            tom, id_, agreements.PauseRequest(uuid4(), now, now + DAY, words="To her aunt."), now
        ),
    ]
    for job in jobs:
        with pytest.raises(Conflict) as told:
            await job
        assert told.value.code == "ended"


# --- the child is back


async def test_a_new_placement_is_watched_as_tightly_as_any(cast: Cast) -> None:
    await leave_the_others_out(cast)
    await end(cast)
    await at(cast, DUE + 10 * DAY)
    child = await begin(cast)
    now = cast.clock()
    assert (child.placed_at, child.left_at) == (now, None)
    after = await mia(cast)
    assert (after.tier, after.tier_until_at, after.tier_then) == ("high", now + 3 * DAY, "mid")
    assert after.rhythm["at"] == TWICE["at"]
    assert (after.due_at, after.sign_at) == (datetime(2026, 3, 13, 8, tzinfo=UTC), now)
    assert cast.mia.id not in await ticking.unwatched()
    await at(cast, now + DAY)
    alert = await Alert.get(child_id=cast.mia.id)
    assert (alert.cause, alert.closed_at) == ("silence", None)


async def test_it_needs_a_rhythm_that_the_first_days_allow(cast: Cast) -> None:
    await end(cast)
    with pytest.raises(Refused) as told:
        await begin(cast, rhythm=None)
    assert (told.value.code, told.value.field) == ("too_slow", "rhythm")
    assert (await mia(cast)).is_over
    assert (await Child.get(id=cast.mia.id)).left_at is not None
    await begin(cast, zone="Asia/Beirut")
    assert (await mia(cast)).zone == "Asia/Beirut"


async def test_beginning_twice_is_once_and_an_end_that_is_sent_again_ends_nothing(
    cast: Cast,
) -> None:
    left_at = cast.clock()
    await end(cast)
    cast.clock.advance(hours=1)
    first = await begin(cast)
    version = (await mia(cast)).version
    cast.clock.advance(hours=1)
    assert (await begin(cast)).placed_at == first.placed_at
    with pytest.raises(Refused):
        await begin(cast, {"at": ["25:00"]})
    with pytest.raises(Refused):
        await actions.end(cast.actor("tom"), cast.mia.id, Leaving.HOME, left_at, now=cast.clock())
    after = await mia(cast)
    assert (after.version, after.is_over) == (version, False)


async def test_back_before_it_left_is_refused(cast: Cast) -> None:
    now = cast.clock.advance(hours=5)
    await end(cast)
    with pytest.raises(Refused):
        await actions.begin(
            cast.actor("tom"), cast.mia.id, now - HOUR, rhythm=TWICE, now=cast.clock()
        )


async def test_a_round_that_was_called_off_is_asked_again_with_its_reminders(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    reminders = Message.filter(child_id=cast.mia.id, kind=Kind.REMIND_CHILD)
    assert await reminders.count() == 1
    await end(cast)
    cast.clock.advance(minutes=10)
    await begin(cast)
    await at(cast, DUE)
    assert (await Round.get(child_id=cast.mia.id, due_at=DUE)).state == "open"
    assert await reminders.filter(state__not="withdrawn").count() == 2


async def test_what_was_answered_before_it_was_due_is_not_asked_for_again(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    now = cast.clock()
    answer = Answer(uuid4(), now, None, None, Want.NOTHING, "a")
    await check_ins.record(cast.actor("mia"), Role.CHILD, cast.mia.id, answer, now)
    await end(cast)
    await begin(cast)
    assert (await mia(cast)).due_at == datetime(2026, 3, 3, 8, tzinfo=UTC)


async def test_a_placement_cannot_begin_without_a_caseworker(cast: Cast) -> None:
    await end(cast)
    tie = await Tie.get(child_id=cast.mia.id, person_id=cast.tom.id)
    await end_tie(cast.actor("ines"), cast.children["mia"], tie.id, cast.clock())
    now = cast.clock.advance(hours=1)
    with pytest.raises(Refused) as told:
        await actions.begin(cast.actor("ines"), cast.mia.id, now, rhythm=TWICE, now=now)
    assert told.value.code == "last_caseworker"
    assert (await mia(cast)).is_over


# --- over the wire


async def test_the_lists_part_those_who_have_left(cast: Cast) -> None:
    path = f"/api/v1/children/{cast.mia.id}"
    async with cast.client_as("tom") as tom:
        said = {"why": "of_age", "at": cast.clock().isoformat()}
        ended = await tom.post(f"{path}/placement/end", json=said)
        listed = (await tom.get("/api/v1/children")).json()
        history = await tom.get(f"{path}/check-ins")
        terms = (await tom.get(f"{path}/watch")).json()
    assert ended.status_code == 200
    assert (ended.json()["why"], ended.json()["left_at"]) == ("of_age", "2026-03-02T12:00:00Z")
    assert [child["name"] for child in listed["children"]] == ["Noor Haddadin"]
    assert [child["name"] for child in listed["left"]] == ["Mia Castellane"]
    assert (history.status_code, terms["due_at"]) == (200, None)
    async with cast.client_as("sam") as sam:
        assert (await sam.post(f"{path}/placement/begin", json={})).status_code == 403
    async with cast.client_as("ines") as ines:
        said = {"at": cast.clock().isoformat(), "rhythm": TWICE}
        begun = (await ines.post(f"{path}/placement/begin", json=said)).json()
        listed = (await ines.get("/api/v1/children")).json()
    assert (begun["left_at"], begun["why"]) == (None, None)
    assert (len(listed["children"]), listed["left"]) == (2, [])
