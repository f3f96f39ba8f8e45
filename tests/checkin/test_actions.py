"""An answer comes in the long way: kept, settled, written down; twice is once."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.checkin import actions
from server.checkin.models import CheckIn
from server.checkin.rules import LONGEST_NOTE, Answer, Want
from server.errors import IdReused, NotFound, Refused
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.rules import Role
from server.policy.model import Tier
from server.storage.db import fetch
from server.watch import ticking
from server.watch.models import Round, Watch
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.races import no_fault, together

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def answer(cast: Cast, **how: Any) -> Answer:
    values: dict[str, Any] = {"id": uuid4(), "said_at": cast.clock()}
    return Answer(**(values | how))


async def record(
    cast: Cast, said: Answer, *, who: str = "mia", role: Role = Role.CHILD, child: str = "mia"
) -> tuple[CheckIn, bool]:
    return await actions.record(cast.actor(who), role, cast.persons[child].id, said, cast.clock())


async def at(cast: Cast, moment: datetime) -> None:
    """A ticker that is never late has brought us here."""
    while True:
        first = await Watch.filter(next_action_at__lte=moment).order_by("next_action_at").first()
        if first is None or first.next_action_at is None:
            break
        await ticking.WATCHES.tick(first.next_action_at)
    cast.clock.set(moment)


async def mia(cast: Cast) -> Watch:
    return await Watch.get(child_id=cast.mia.id)


async def the_round(cast: Cast) -> Round:
    return await Round.get(child_id=cast.mia.id, due_at=DUE)


async def test_an_answer_in_time_is_kept_and_settles_its_round(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    said = answer(cast, mood=4, note="Ça va.", mark="b")
    kept, is_new = await record(cast, said)
    assert is_new
    assert kept.answer == {
        "id": str(said.id),
        "received_at": "2026-03-02T16:00:00.000Z",
        "next_due_at": "2026-03-03T17:00:00.000Z",
        "standing": "well",
    }
    assert (kept.mood, kept.note, kept.mark, kept.want) == (4, "Ça va.", "b", "nothing")
    assert (kept.is_late, kept.is_early, kept.by_role) == (False, False, "child")
    settled = await the_round(cast)
    assert (settled.state, settled.settled_by) == ("answered", said.id)
    [entry] = await Entry.filter(what="check_in")
    assert (entry.child_id, entry.about_id) == (cast.mia.id, said.id)
    [raw] = await fetch("SELECT note FROM check_in")
    assert "Ça va" not in raw["note"], "words are sealed at rest"


@pytest.mark.parametrize(
    ("before", "is_early"), [(3 * HOUR, True), (HOUR, False), (-31 * MINUTE, False)]
)
async def test_a_carer_who_only_holds_the_alarm_is_not_said_to_have_been_early(
    cast: Cast, before: timedelta, is_early: bool
) -> None:
    """In the high tier a carer's word settles nothing: neither before the round opens, nor while it
    is open, nor once it is late. Only the first of these is early."""
    tom, now = cast.actor("tom"), cast.clock()
    twice = {"at": ["09:00", "18:00"]}
    await agreements.set_tier(
        tom, cast.mia.id, agreements.TierRequest(Tier.HIGH, rhythm=twice), now
    )
    await at(cast, DUE - before)
    kept, _ = await record(cast, answer(cast), who="sam", role=Role.CARER)
    assert (kept.is_early, kept.is_late) == (is_early, False)
    states = await Round.filter(child_id=cast.mia.id, due_at=DUE).values_list("state", flat=True)
    assert set(states) <= {"open", "late"}


async def test_repeating_an_answer_changes_nothing_and_gives_the_first_body(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    said = answer(cast, note="Fine.")
    first, _ = await record(cast, said)
    before = dict(await mia(cast))
    await at(cast, DUE + 5 * HOUR)
    again, is_new = await record(cast, said)
    assert not is_new
    assert again.answer == first.answer
    after = await mia(cast)
    assert after.sign_at == before["sign_at"]
    assert await CheckIn.all().count() == 1
    assert await Entry.filter(what="check_in").count() == 1


async def test_the_same_moment_in_another_zone_is_the_same_answer(cast: Cast) -> None:
    said = answer(cast)
    await record(cast, said)
    elsewhere = Answer(said.id, said.said_at.astimezone(ZoneInfo("Asia/Kathmandu")))
    assert (await record(cast, elsewhere))[1] is False


@pytest.mark.parametrize(
    "other",
    [
        {"note": "Something else."},
        {"mood": 1},
        {"mark": "b"},
        {"want": Want.HELP},
        {"said_at": DUE},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_a_known_id_with_other_content_is_refused(cast: Cast, other: dict[str, Any]) -> None:
    said = answer(cast)
    await record(cast, said)
    with pytest.raises(IdReused):
        await record(cast, answer(cast, **({"id": said.id} | other)))
    assert await CheckIn.all().count() == 1
    assert not await Alert.all()


async def test_a_known_id_of_another_child_or_from_another_person_is_refused(cast: Cast) -> None:
    said = answer(cast)
    await record(cast, said)
    with pytest.raises(IdReused):
        await record(cast, said, who="noor", child="noor")
    with pytest.raises(IdReused):
        await record(cast, said, who="tom", role=Role.CASEWORKER)
    noor = await Watch.get(child_id=cast.noor.id)
    assert noor.answered_at is None


async def test_an_early_answer_settles_nothing(cast: Cast) -> None:
    kept, _ = await record(cast, answer(cast))
    assert (kept.is_early, kept.is_late) == (True, False)
    assert kept.answer["next_due_at"] == "2026-03-02T17:00:00.000Z"
    await at(cast, DUE + 61 * MINUTE)
    assert (await mia(cast)).standing == "late"


async def test_an_answer_settles_every_open_round_and_never_a_later_one(cast: Cast) -> None:
    await at(cast, DUE + DAY - HOUR)
    kept, _ = await record(cast, answer(cast))
    assert kept.is_late
    assert kept.answer["next_due_at"] == "2026-03-04T17:00:00.000Z"
    states = await Round.filter(child_id=cast.mia.id).order_by("due_at")
    assert [one.state for one in states] == ["answered_late", "answered"]


async def test_an_answer_that_was_said_in_time_and_arrived_late_says_so(cast: Cast) -> None:
    """The server's clock decides; the phone's is kept beside it."""
    await at(cast, DUE + 2 * HOUR)
    kept, _ = await record(cast, answer(cast, said_at=DUE - 10 * MINUTE))
    assert kept.is_late
    assert (kept.said_at, kept.received_at) == (DUE - 10 * MINUTE, cast.clock())
    assert (await the_round(cast)).state == "answered_late"


async def test_a_late_answer_ends_the_alert_in_the_same_transaction(cast: Cast) -> None:
    await at(cast, DUE + 2 * HOUR)
    alert = await Alert.get(child_id=cast.mia.id)
    await record(cast, answer(cast))
    after = await Alert.get(id=alert.id)
    assert (after.state, after.outcome) == ("closed", "late_answer")
    waiting = Message.filter(child_id=cast.mia.id, state="waiting").exclude(kind=Kind.ALL_CLEAR)
    assert not await waiting


async def test_a_caseworker_answers_for_a_child_and_it_is_marked(cast: Cast) -> None:
    await at(cast, DUE + 61 * MINUTE)
    kept, _ = await record(cast, answer(cast), who="tom", role=Role.CASEWORKER)
    assert (kept.by_id, kept.by_role) == (cast.tom.id, "caseworker")
    assert (await the_round(cast)).state == "seen"
    assert (await mia(cast)).answered_at is None


async def test_a_carer_who_answers_for_a_child_of_the_high_tier_only_holds(cast: Cast) -> None:
    await Watch.filter(child_id=cast.mia.id).update(tier="high")
    await at(cast, DUE + 31 * MINUTE)
    kept, _ = await record(cast, answer(cast), who="sam", role=Role.CARER)
    assert (kept.by_id, kept.by_role) == (cast.sam.id, "carer")
    assert (await mia(cast)).standing == "late"
    assert await Message.filter(kind=Kind.HELD, person_id=cast.tom.id).exists()


@pytest.mark.parametrize(("want", "first"), [(Want.HELP, 15 * MINUTE), (Want.TALK, 4 * HOUR)])
async def test_help_and_talk_call_adults_in_the_same_transaction(
    cast: Cast, want: Want, first: timedelta
) -> None:
    said = answer(cast, want=want)
    kept, _ = await record(cast, said)
    alert = await Alert.get(child_id=cast.mia.id)
    assert (alert.cause, alert.opened_by) == (want.value, cast.mia.id)
    assert alert.facts == {"check_in": str(said.id)}
    assert alert.next_action_at == cast.clock() + first
    assert kept.answer["standing"] == "well", "the phone does not tell who was called"
    await record(cast, said)
    assert (await Alert.get(id=alert.id)).misses == 1
    await record(cast, answer(cast, want=want))
    assert (await Alert.get(id=alert.id)).misses == 2


async def test_a_childs_phone_learns_nothing_of_what_adults_do(cast: Cast) -> None:
    await Watch.filter(child_id=cast.mia.id).update(is_missing=True, standing="missing")
    kept, _ = await record(cast, answer(cast))
    assert kept.answer["standing"] == "late"


@pytest.mark.parametrize(
    "wrong",
    [
        {"mood": 0},
        {"mood": 6},
        {"note": "x" * (LONGEST_NOTE + 1)},
        {"mark": "c"},
        {"mark": ""},
        {"said_at": datetime(2026, 3, 2, 12)},  # noqa: DTZ001 (without a zone on purpose)
    ],
    ids=["mood-0", "mood-6", "note", "mark-c", "no-mark", "no-zone"],
)
async def test_nonsense_is_refused_and_nothing_is_written(
    cast: Cast, wrong: dict[str, Any]
) -> None:
    with pytest.raises(Refused):
        await record(cast, answer(cast, **wrong))
    assert not await CheckIn.all()
    assert not await Entry.filter(what="check_in")


@pytest.mark.parametrize("year", [1970, 2900])
async def test_a_phone_whose_clock_is_lost_can_answer_all_the_same(cast: Cast, year: int) -> None:
    await at(cast, DUE - HOUR)
    theirs = datetime(year, 1, 1, tzinfo=UTC)
    said = answer(cast, said_at=theirs, sent_at=theirs)
    kept, _ = await record(cast, said)
    assert kept.received_at == cast.clock()
    assert (await the_round(cast)).state == "answered"
    assert (await record(cast, said))[1] is False


async def test_every_note_that_fits_comes_back_as_it_was_said(cast: Cast) -> None:
    for note in ("", " ", "نعم", "👩‍👧 \u0000 \\ \" ' \n", "x" * LONGEST_NOTE, "$1 ? :a %s"):
        said = answer(cast, note=note)
        await record(cast, said)
        assert (await CheckIn.get(id=said.id)).note == note


async def test_where_nobody_watches_nothing_is_kept(cast: Cast) -> None:
    await Watch.filter(child_id=cast.mia.id).delete()
    with pytest.raises(NotFound):
        await record(cast, answer(cast))
    assert not await CheckIn.all()


# --- at once


async def test_the_same_answer_many_times_at_once_is_one(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    said = answer(cast)
    found = await together(*(record(cast, said) for _ in range(5)))
    no_fault(found)
    assert sorted(is_new for _, is_new in found) == [False] * 4 + [True]
    assert len({str(kept.answer) for kept, _ in found}) == 1
    assert await CheckIn.all().count() == 1


async def test_a_late_answer_reads_its_watch_once(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    await at(cast, DUE + 6 * HOUR)
    assert (await mia(cast)).is_alerted
    with caplog.at_level(logging.DEBUG, logger="tortoise.db_client"):
        await record(cast, answer(cast))
    statements = [entry.getMessage() for entry in caplog.records]
    assert len([sql for sql in statements if 'FROM "watch"' in sql]) == 1


async def test_several_answers_at_once_are_all_kept(cast: Cast) -> None:
    await at(cast, DUE - HOUR)
    found = await together(*(record(cast, answer(cast)) for _ in range(5)))
    no_fault(found)
    assert await CheckIn.all().count() == 5
    assert await CheckIn.filter(is_early=False).count() == 1, "one settled, the rest were early"
    assert (await mia(cast)).due_at == DUE + DAY


async def test_the_same_id_for_two_children_at_once_is_one(cast: Cast) -> None:
    said = answer(cast)
    found = await together(record(cast, said), record(cast, said, who="noor", child="noor"))
    no_fault(found, IdReused)
    assert len([one for one in found if isinstance(one, IdReused)]) == 1
    assert await CheckIn.all().count() == 1


@pytest.mark.slow
async def test_an_answer_races_the_tick_and_either_order_leaves_the_same(cast: Cast) -> None:
    """Fifty days, on each of which the answer comes in the moment at which adults are called."""
    await Watch.exclude(child_id=cast.mia.id).delete()
    for day in range(50):
        due = (await mia(cast)).due_at
        assert due is not None
        # The last look was before the round was late: all of it is found in this moment.
        moment = cast.clock.set(due + 105 * MINUTE)
        tick, said = ticking.WATCHES.tick(moment), record(cast, answer(cast))
        found = await together(*([tick, said] if day % 2 else [said, tick]))
        no_fault(found)
        after = await mia(cast)
        assert after.standing == "well", day
        assert after.due_at is not None
        assert DAY - HOUR <= after.due_at - due <= DAY + HOUR, day
        assert not await Alert.filter(child_id=cast.mia.id, closed_at__isnull=True), day
    states = await Round.filter(child_id=cast.mia.id).values_list("state", flat=True)
    assert list(states) == ["answered_late"] * 50
    counted: dict[UUID, int] = {}
    for alert in await Alert.filter(child_id=cast.mia.id):
        counted[alert.id] = await Message.filter(
            subject_id=alert.id, kind=Kind.ALERT, person_id=cast.tom.id
        ).count()
    assert set(counted.values()) <= {1}
