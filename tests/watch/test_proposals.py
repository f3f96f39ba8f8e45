"""Another rhythm is proposed and agreed, or not: by itself a proposal changes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.errors import Conflict, Denied, IdReused, NotFound, Refused
from server.i18n import format_short_date
from server.notify.models import Message
from server.people.rules import Leaving, Role
from server.placements import actions
from server.policy.model import Tier
from server.simulation import history
from server.simulation.events import events_of
from server.simulation.kinds import Placed
from server.tasks import telling
from server.tasks.models import Task
from server.watch import ticking
from server.watch.models import Watch
from server.watch.rhythm import agreements, proposals, summary, temporary_rhythm
from server.watch.rhythm import rules as rhythms
from server.watch.rhythm.models import Proposal, Season
from server.watch.rhythm.summary import Sum
from tests.cast import Cast
from tests.desk.walking import reachable
from tests.races import no_fault, together

# Mia (mid tier): due at 18:00 in Paris, 17:00 UTC; late an hour later, Sam has 45 minutes.
LATER = {"at": ["20:00"]}
TWICE = {"at": ["09:00", "18:00"]}
HOUR = timedelta(hours=1)


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    """A moment by the clock in Paris."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - HOUR


async def propose(
    cast: Cast, rhythm: dict[str, Any] = LATER, id: UUID | None = None, **how: Any
) -> Proposal:
    first, last = how.pop("days", None) or (None, None)
    return await proposals.propose(
        cast.actor("mia"),
        Role.CHILD,
        cast.mia.id,
        proposals.ProposalRequest(id or uuid4(), rhythm, first=first, last=last, **how),
        cast.clock(),
    )


async def mia(cast: Cast) -> Watch:
    return await Watch.get(child_id=cast.mia.id)


async def version(cast: Cast) -> str:
    row = await mia(cast)
    return rhythms.version(rhythms.read(row.rhythm), row.zone)


async def agree(cast: Cast, made: Proposal, seen: str | None = None) -> Proposal:
    seen = seen or await version(cast)
    return await proposals.agree(cast.actor("tom"), cast.mia.id, made.id, seen, cast.clock())


async def dues(cast: Cast) -> list[tuple[str, str]]:
    found = await Task.filter(child_id=cast.mia.id, kind="rhythm").order_by("set_at", "id")
    return [(row.state, row.why or "") for row in found]


async def test_a_proposal_changes_nothing_and_the_caseworker_is_asked_for_an_answer(
    cast: Cast,
) -> None:
    before = await mia(cast)
    await propose(cast, words="I am at training until seven.")
    after = await mia(cast)
    assert (after.rhythm, after.due_at, after.version) == (
        before.rhythm,
        before.due_at,
        before.version,
    )
    assert await dues(cast) == [("open", "")]


async def test_agreed_it_holds_from_the_next_check_in_on_and_says_who_agreed(cast: Cast) -> None:
    made = await propose(cast)
    decided = await agree(cast, made)
    assert (decided.state, decided.decided_by) == ("agreed", cast.tom.id)
    assert decided.decided_at == cast.clock()
    row = await mia(cast)
    assert (row.rhythm, row.due_at) == (LATER, at(20))
    assert await dues(cast) == [("done", "done")]
    entries = Entry.filter(child_id=cast.mia.id, what__startswith="rhythm:").order_by("id")
    assert await entries.values_list("what", flat=True) == [
        "rhythm:propose",
        "rhythm:set",
        "rhythm:agreed",
    ]


async def test_agreeing_twice_is_once(cast: Cast) -> None:
    made = await propose(cast)
    first = await agree(cast, made)
    cast.clock.advance(hours=1)
    again = await agree(cast, made, seen="anything")
    assert (again.decided_at, again.state) == (first.decided_at, "agreed")
    assert await Entry.filter(child_id=cast.mia.id, what="rhythm:set").count() == 1


async def test_declined_the_rhythm_stays_and_the_words_are_kept(cast: Cast) -> None:
    made = await propose(cast)
    tom, now = cast.actor("tom"), cast.clock()
    done = await proposals.decline(tom, cast.mia.id, made.id, "Could we try 19:00?", now)
    again = await proposals.decline(tom, cast.mia.id, made.id, "Other words", now + HOUR)
    assert (done.state, done.answer, again.answer) == (
        "declined",
        "Could we try 19:00?",
        "Could we try 19:00?",
    )
    assert (await mia(cast)).rhythm == {"at": ["18:00"]}
    with pytest.raises(Conflict) as told:
        await agree(cast, made)
    assert (told.value.code, told.value.extra["state"]) == ("decided", "declined")


async def test_one_that_was_agreed_cannot_be_declined(cast: Cast) -> None:
    made = await propose(cast)
    await agree(cast, made)
    with pytest.raises(Conflict) as told:
        await proposals.decline(cast.actor("tom"), cast.mia.id, made.id, None, cast.clock())
    assert told.value.code == "decided"


async def test_agreeing_to_what_stood_before_shows_both(cast: Cast) -> None:
    made, seen = await propose(cast), await version(cast)
    tom, now = cast.actor("tom"), cast.clock()
    await agreements.set_rhythm(tom, cast.mia.id, TWICE, "Europe/Paris", now)
    with pytest.raises(Conflict) as told:
        await agree(cast, made, seen)
    assert told.value.code == "moved_on"
    assert told.value.content["stands"] == {"rhythm": TWICE, "zone": "Europe/Paris"}
    assert told.value.content["proposed"] == {"rhythm": LATER, "zone": "Europe/Paris"}
    assert (await mia(cast)).rhythm == TWICE
    assert (await agree(cast, made)).state == "agreed"


async def test_one_that_is_too_seldom_is_refused_in_plain_words_when_it_is_proposed(
    cast: Cast,
) -> None:
    with pytest.raises(Refused) as told:
        await propose(cast, {"at": ["18:00"], "days": [0, 2]})
    assert (told.value.code, told.value.field) == ("too_slow", "rhythm")
    assert "tier" not in told.value.detail
    assert not await Proposal.exists()


async def test_one_that_has_become_too_seldom_meanwhile_is_not_agreed(cast: Cast) -> None:
    made = await propose(cast)
    tom, now = cast.actor("tom"), cast.clock()
    await agreements.set_tier(
        tom, cast.mia.id, agreements.TierRequest(Tier.HIGH, rhythm=TWICE), now
    )
    with pytest.raises(Refused) as told:
        await agree(cast, made)
    assert told.value.code == "too_slow"
    assert (await Proposal.get(id=made.id)).state == "open"


async def test_another_proposal_takes_the_place_of_the_one_before(cast: Cast) -> None:
    first = await propose(cast)
    second = await propose(cast, TWICE)
    assert (await Proposal.get(id=first.id)).state == "replaced"
    assert await dues(cast) == [("dropped", "replaced"), ("open", "")]
    with pytest.raises(Conflict):
        await agree(cast, first)
    await agree(cast, second)
    assert (await mia(cast)).rhythm == TWICE


async def test_the_same_id_again_is_the_first_answer_and_with_other_content_none(
    cast: Cast,
) -> None:
    id_ = uuid4()
    first = await propose(cast, id=id_)
    cast.clock.advance(days=1)  # The phone heard no answer, and sends it again.
    assert (await propose(cast, id=id_)).made_at == first.made_at
    assert await Proposal.filter(child_id=cast.mia.id).count() == 1
    with pytest.raises(IdReused):
        await propose(cast, TWICE, id=id_)


async def test_of_two_who_answer_at_once_one_is_heard(cast: Cast) -> None:
    made, seen = await propose(cast), await version(cast)
    now = cast.clock()
    found = await together(
        proposals.agree(cast.actor("tom"), cast.mia.id, made.id, seen, now),
        proposals.decline(cast.actor("ines"), cast.mia.id, made.id, "No.", now),
    )
    no_fault(found, Conflict)
    state = (await Proposal.get(id=made.id)).state
    assert (await mia(cast)).rhythm == (LATER if state == "agreed" else {"at": ["18:00"]})
    assert sum(isinstance(one, Proposal) for one in found) == 1


async def test_the_end_of_the_placement_ends_it(cast: Cast) -> None:
    made = await propose(cast)
    tom, now = cast.actor("tom"), cast.clock()
    await actions.end(tom, cast.mia.id, Leaving.HOME, now, now=now)
    assert (await Proposal.get(id=made.id)).state == "ended"
    assert await dues(cast) == [("dropped", "replaced")]
    with pytest.raises(Conflict) as told:
        await propose(cast)
    assert told.value.code == "ended"


async def test_another_childs_proposal_is_not_there(cast: Cast) -> None:
    made = await propose(cast)
    with pytest.raises(NotFound):
        await proposals.decline(cast.actor("tom"), cast.noor.id, made.id, None, cast.clock())


# --- taken back


async def take_back(cast: Cast, made: Proposal, who: str = "mia") -> Proposal:
    return await proposals.take_back(cast.actor(who), cast.mia.id, made.id, cast.clock())


async def test_one_that_nobody_answered_is_taken_back_and_nobody_is_asked_any_more(
    cast: Cast,
) -> None:
    made = await propose(cast)
    for _ in range(2):
        assert (await take_back(cast, made)).state == "recalled"
    assert await dues(cast) == [("dropped", "recalled")]
    assert (await mia(cast)).rhythm == {"at": ["18:00"]}
    assert await Entry.filter(child_id=cast.mia.id, what="rhythm:take_back").count() == 1


async def test_a_caseworker_who_answers_a_withdrawn_proposal_reads_so(cast: Cast) -> None:
    made = await propose(cast)
    await take_back(cast, made)
    tom = cast.actor("tom")
    with pytest.raises(Conflict) as told:
        await agree(cast, made)
    assert (told.value.code, told.value.extra["state"]) == ("decided", "recalled")
    assert "taken back" in told.value.detail
    with pytest.raises(Conflict):
        await proposals.decline(tom, cast.mia.id, made.id, None, cast.clock())
    async with cast.browser_as("tom") as browser:
        path = f"/desk/children/{cast.mia.id}/rhythm/proposals/{made.id}/agree"
        page = await browser.post(path, data={"version": await version(cast)})
        assert page.status_code == 409
        assert "This suggestion was taken back." in page.text


async def test_one_that_has_an_answer_cannot_be_taken_back(cast: Cast) -> None:
    made = await propose(cast)
    await agree(cast, made)
    with pytest.raises(Conflict) as told:
        await take_back(cast, made)
    assert (told.value.code, told.value.extra["state"]) == ("decided", "agreed")
    assert (await mia(cast)).rhythm == LATER


async def test_of_a_child_who_takes_it_back_and_a_worker_who_agrees_one_is_first(
    cast: Cast,
) -> None:
    made, seen = await propose(cast), await version(cast)
    found = await together(take_back(cast, made), agree(cast, made, seen))
    no_fault(found, Conflict)
    state = (await Proposal.get(id=made.id)).state
    assert (await mia(cast)).rhythm == (LATER if state == "agreed" else {"at": ["18:00"]})
    assert sum(isinstance(one, Proposal) for one in found) == 1
    assert [row for row, _ in await dues(cast)] == ["done" if state == "agreed" else "dropped"]


async def test_nobody_takes_back_another_persons_proposal(cast: Cast) -> None:
    made = await propose(cast)
    with pytest.raises(Denied):
        await take_back(cast, made, "tom")
    with pytest.raises(NotFound):
        await proposals.take_back(cast.actor("mia"), cast.noor.id, made.id, cast.clock())
    assert (await Proposal.get(id=made.id)).state == "open"


async def test_a_child_takes_it_back_by_its_phone(cast: Cast) -> None:
    made = await propose(cast)
    async with cast.client_as("mia") as child:
        path = f"/api/v1/rhythm/proposals/{made.id}"
        told = await child.delete(path)
        known = (await child.get("/api/v1/rhythm/proposals")).json()
    assert told.status_code == 200
    assert told.json()["state"] == known["proposals"][0]["state"] == "recalled"


# --- for some days only

FIRST, LAST = date(2026, 3, 5), date(2026, 3, 7)


async def test_a_child_proposes_other_times_for_some_days_and_the_worker_agrees(
    cast: Cast,
) -> None:
    made = await propose(cast, words="During Ramadan.", days=(FIRST, LAST))
    assert await dues(cast) == [("open", "")]
    assert not await Season.exists()
    assert (await agree(cast, made)).state == "agreed"
    row = await Season.get(child_id=cast.mia.id)
    assert (row.id, row.rhythm, row.words) == (made.id, LATER, "During Ramadan.")
    assert (row.from_at, row.until_at) == (at(0, day=5), at(0, day=8))
    assert (await mia(cast)).rhythm == {"at": ["18:00"]}
    assert await dues(cast) == [("done", "done")]
    assert (await agree(cast, made)).state == "agreed"
    assert await Season.filter(child_id=cast.mia.id).count() == 1


NO_DAYS: list[tuple[dict[str, Any], proposals.Days, str, str]] = [
    ({"at": ["20:00"], "days": [0]}, (FIRST, LAST), "rhythm", "too_slow"),
    (LATER, (LAST, FIRST), "last", "invalid"),
    (LATER, (date(2026, 2, 1), date(2026, 2, 3)), "last", "invalid"),
    (LATER, (FIRST, date(2026, 12, 1)), "last", "invalid"),
    (LATER, (date(2026, 3, 20), date(2026, 3, 22)), "first", "taken"),
]


@pytest.mark.parametrize(("rhythm", "days", "field", "code"), NO_DAYS)
async def test_days_that_cannot_be_are_refused_in_words_for_a_child(
    cast: Cast, rhythm: dict[str, Any], days: proposals.Days, field: str, code: str
) -> None:
    tom, now = cast.actor("tom"), cast.clock()
    first, last = date(2026, 3, 21), date(2026, 3, 25)
    await temporary_rhythm.shift(
        tom, cast.mia.id, temporary_rhythm.SeasonRequest(uuid4(), first, last, TWICE), now
    )
    with pytest.raises(Refused) as told:
        await propose(cast, rhythm, days=days)
    assert (told.value.field, told.value.code) == (field, code)
    assert "tier" not in told.value.detail
    assert "back" not in told.value.detail
    assert not await Proposal.exists()


async def test_other_days_and_other_times_for_good_stand_beside_it(cast: Cast) -> None:
    days = await propose(cast, days=(FIRST, LAST))
    later = await propose(cast, days=(date(2026, 3, 10), date(2026, 3, 12)))
    good = await propose(cast, TWICE)
    for one in (days, later, good):
        assert (await Proposal.get(id=one.id)).state == "open"
    await propose(cast, TWICE, days=(LAST, date(2026, 3, 9)))
    assert (await Proposal.get(id=days.id)).state == "replaced"
    assert (await Proposal.get(id=later.id)).state == "open"


async def test_the_same_id_with_other_days_is_no_answer(cast: Cast) -> None:
    id_ = uuid4()
    first = await propose(cast, id=id_, days=(FIRST, LAST))
    assert (await propose(cast, id=id_, days=(FIRST, LAST))).made_at == first.made_at
    with pytest.raises(IdReused):
        await propose(cast, id=id_, days=(FIRST, FIRST))
    with pytest.raises(IdReused):
        await propose(cast, id=id_)


async def test_agreed_when_its_days_have_begun_it_holds_for_the_rest(cast: Cast) -> None:
    made = await propose(cast, days=(FIRST, LAST))
    cast.clock.set(at(12, day=6))
    await agree(cast, made)
    row = await Season.get(child_id=cast.mia.id)
    assert (row.from_at, row.until_at) == (at(12, day=6), at(0, day=8))


async def test_agreed_when_its_days_are_over_it_says_so_and_waits_for_another_answer(
    cast: Cast,
) -> None:
    made = await propose(cast, days=(FIRST, LAST))
    cast.clock.set(at(12, day=8))
    await cast.new_token("tom")
    with pytest.raises(Refused) as told:
        await agree(cast, made)
    assert told.value.field == "last"
    assert (await Proposal.get(id=made.id)).state == "open"
    async with cast.client_as("mia") as child:
        known = (await child.get("/api/v1/rhythm/proposals")).json()
    assert known["proposals"][0]["sums"] == []


async def test_both_see_the_days_and_what_they_come_to(cast: Cast) -> None:
    said = {
        "id": str(uuid4()),
        "rhythm": LATER,
        "first": "2026-03-05",
        "last": "2026-03-07",
        "words": "While I am with my aunt.",
    }
    await reachable(cast, "tom", channel="push")
    path = f"/desk/children/{cast.mia.id}"
    look = {"rhythm": LATER, "first": "2026-03-05", "last": "2026-03-07"}
    async with cast.client_as("mia") as child:
        looked = (await child.post("/api/v1/rhythm/preview", json=look)).json()
        made = (await child.post("/api/v1/rhythm/proposals", json=said)).json()
        half = await child.post("/api/v1/rhythm/preview", json={**look, "last": None})
        slow = {**look, "rhythm": {"at": ["20:00"], "days": [0]}}
        refused = (await child.post("/api/v1/rhythm/preview", json=slow)).json()
    sums = [
        {
            "due_at": "2026-03-05T19:00:00Z",
            "told_by": "2026-03-05T20:45:00Z",
            "from_at": None,
            "is_told": True,
        }
    ]
    assert looked == {"sums": sums, "problem": None}
    assert (made["first"], made["last"], made["sums"]) == ("2026-03-05", "2026-03-07", sums)
    assert half.status_code == 422
    assert refused["problem"].startswith("That's not often enough")
    async with cast.browser_as("tom") as browser:
        page = (await browser.get(path)).text
        assert "suggests other times for some days" in page
        first, last = (format_short_date("en", day) for day in (FIRST, LAST))
        assert f"{first} to {last}: Every day at 20:00" in page
        assert "While I am with my aunt." in page
        seen = {"version": await version(cast)}
        back = await browser.post(f"{path}/rhythm/proposals/{said['id']}/agree", data=seen)
        assert back.headers["location"] == f"{path}/plan?done=season"


# --- over the wire


async def test_nobody_is_promised_an_adult_whom_no_message_reaches(cast: Cast) -> None:
    async with cast.client_as("mia") as child:
        looks = [await child.post("/api/v1/rhythm/preview", json={"rhythm": LATER})]
        await reachable(cast, "tom", channel="sms")  # A channel that is not set up here.
        looks.append(await child.post("/api/v1/rhythm/preview", json={"rhythm": LATER}))
        await reachable(cast, "tom", channel="push")
        looks.append(await child.post("/api/v1/rhythm/preview", json={"rhythm": LATER}))
    assert [look.json()["sums"][0]["is_told"] for look in looks] == [False, False, True]


async def test_both_see_the_same_sum(cast: Cast) -> None:
    await reachable(cast, "tom", channel="push")
    async with cast.client_as("mia") as child, cast.client_as("tom") as worker:
        said = {"id": str(uuid4()), "rhythm": LATER, "words": "Training."}
        made = (await child.post("/api/v1/rhythm/proposals", json=said)).json()
        path = f"/api/v1/children/{cast.mia.id}/rhythm/proposals"
        theirs = (await worker.get(path)).json()
        looked = await child.post("/api/v1/rhythm/preview", json={"rhythm": LATER})
    # Late at 21:00 in Paris, and the carer has 45 minutes.
    told = {"from_at": None, "is_told": True}
    sums = [{"due_at": "2026-03-02T19:00:00Z", "told_by": "2026-03-02T20:45:00Z", **told}]
    assert made["sums"] == theirs["proposals"][0]["sums"] == looked.json()["sums"] == sums
    now = {"due_at": "2026-03-02T17:00:00Z", "told_by": "2026-03-02T18:45:00Z", **told}
    assert theirs["sums"] == [now]
    assert theirs["proposals"][0]["by"]["name"] == cast.mia.name
    assert theirs["proposals"][0]["words"] == "Training."


async def test_a_look_says_why_it_cannot_be_and_keeps_nothing(cast: Cast) -> None:
    async with cast.client_as("mia") as child:
        looked = await child.post(
            "/api/v1/rhythm/preview", json={"rhythm": {"at": ["18:00"], "days": [0]}}
        )
        wrong = await child.post("/api/v1/rhythm/preview", json={"rhythm": {"at": ["25:00"]}})
    assert looked.json()["sums"] == []
    assert looked.json()["problem"].startswith("That's not often enough")
    assert wrong.status_code == 422
    assert not await Proposal.exists()


async def test_the_child_sees_who_agreed_and_when(cast: Cast) -> None:
    made = await propose(cast)
    async with cast.client_as("tom") as worker, cast.client_as("mia") as child:
        path = f"/api/v1/children/{cast.mia.id}/rhythm/proposals"
        seen = (await worker.get(path)).json()["version"]
        stale = await worker.post(f"{path}/{made.id}/agree", json={"version": "old"})
        assert stale.status_code == 409
        assert stale.json()["stands"]["rhythm"] == {"at": ["18:00"]}
        assert stale.json()["proposed"]["rhythm"] == LATER
        agreed_ = await worker.post(f"{path}/{made.id}/agree", json={"version": seen})
        assert agreed_.status_code == 200
        known = (await child.get("/api/v1/rhythm/proposals")).json()
    (one,) = known["proposals"]
    assert (one["state"], one["decided_by"]["name"]) == ("agreed", cast.tom.name)
    assert known["rhythm"] == LATER


async def test_an_alarm_cannot_be_read_off_the_sums(cast: Cast) -> None:
    """Whoever holds the child's phone learns nothing of what adults do."""
    await Watch.filter(child_id=cast.mia.id).update(is_alerted=True, standing="alerted")
    async with cast.client_as("mia") as child:
        assert (await child.get("/api/v1/rhythm/proposals")).json()["sums"] != []


async def test_a_rhythm_of_several_times_has_a_sum_for_each(cast: Cast) -> None:
    one = await summary.case_of(cast.mia.id, cast.clock())
    assert one is not None
    made = await propose(cast, TWICE)
    found = summary.sums_of(one, made, cast.clock())
    assert found == [Sum(at(18), at(19, 45)), Sum(at(9, day=3), at(10, 45, day=3))]


# --- free windows

# Some time from 16:00 to 20:00: late an hour after that.
FREE = {"at": ["20:00"], "from": {"20:00": "16:00"}}


async def test_a_free_window_is_proposed_agreed_and_lived(cast: Cast) -> None:
    await reachable(cast, "tom", channel="push")
    await Watch.exclude(child_id=cast.mia.id).delete()
    async with cast.client_as("mia") as child:
        looked = (await child.post("/api/v1/rhythm/preview", json={"rhythm": FREE})).json()
    assert looked["sums"] == [
        {
            "due_at": "2026-03-02T19:00:00Z",
            "told_by": "2026-03-02T20:45:00Z",
            "from_at": "2026-03-02T15:00:00Z",
            "is_told": True,
        }
    ]
    made = await propose(cast, FREE)
    await agree(cast, made)
    row = await mia(cast)
    assert (row.rhythm, row.opens_at, row.due_at) == (FREE, at(16), at(20))
    await ticking.WATCHES.tick(cast.clock.set(at(16)))
    assert await Message.filter(person_id=cast.mia.id, kind="remind_child").count() == 1
    cast.clock.set(at(17, 30))
    async with cast.client_as("mia") as child:
        said = {"id": str(uuid4()), "said_at": "2026-03-02T16:30:00Z", "want": "nothing"}
        told = (await child.post("/api/v1/check-ins", json=said)).json()
    assert (told["standing"], told["next_due_at"]) == (
        "well",
        "2026-03-03T19:00:00.000Z",
    )
    for moment in (at(21), at(21, day=3), at(21, 45, day=3)):
        await ticking.WATCHES.tick(cast.clock.set(moment))
    alert = await Alert.get(child_id=cast.mia.id)
    assert alert.opened_at == at(21, 45, day=3)


async def test_a_window_with_which_a_silence_could_last_too_long_is_refused(cast: Cast) -> None:
    """Twice a day is often enough for every tier, unless one may answer at six in the morning and
    then at eleven in the evening of the next day."""
    long = {"at": ["22:00"], "from": {"22:00": "06:00"}}
    with pytest.raises(Refused) as told:
        await propose(cast, long)
    assert (told.value.code, told.value.field) == ("too_slow", "rhythm")


async def test_a_history_with_a_free_window_can_be_replayed(cast: Cast) -> None:
    await agree(cast, await propose(cast, FREE))
    begin = cast.clock()
    found = await history.read(cast.agency.id, begin - HOUR, at(23, day=3))
    kept = list(events_of(history.as_csv(found.events)))
    (placed,) = [one for one in kept if one.kind == "placed" and one.child == str(cast.mia.id)]
    assert isinstance(placed.detail, Placed)
    assert rhythms.as_data(placed.detail.rhythm) == FREE


async def test_the_worker_agrees_on_a_free_window_at_the_desk(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}"
    form = {
        "at": ["09:00", ""],
        "begin": ["16:00", ""],
        "end": ["20:00", ""],
        "day": list("0123456"),
        "zone": "Europe/Paris",
    }
    async with cast.browser_as("tom") as browser:
        half = await browser.post(f"{path}/rhythm", data={**form, "end": ["", ""]})
        assert half.status_code == 422
        assert "Enter a start and an end, or leave both empty." in half.text
        over = await browser.post(f"{path}/rhythm", data={**form, "begin": ["08:00", ""]})
        assert over.status_code == 422
        assert "no other time inside it" in over.text
        back = await browser.post(f"{path}/rhythm", data=form)
        assert back.headers["location"] == f"{path}/plan?done=rhythm"
        page = (await browser.get(f"{path}/rhythm")).text
    assert (await mia(cast)).rhythm == {"at": ["09:00", "20:00"], "from": {"20:00": "16:00"}}
    assert "Every day, 09:00 and any time from 16:00 to 20:00" in page
    assert 'name="end" value="20:00"' in page
    assert 'name="at" value="20:00"' not in page


async def test_the_worker_reads_by_when_a_person_is_told_after_a_free_window(cast: Cast) -> None:
    await propose(cast, {**FREE, "days": [0, 1, 2, 3, 4, 5, 6]})
    async with cast.browser_as("tom") as browser:
        page = (await browser.get(f"/desk/children/{cast.mia.id}")).text
    assert "Every day, any time from 16:00 to 20:00" in page
    assert "16:00 to 20:00. If there is no answer by then, we tell an adult by 21:45" in page


# --- at the desk


async def test_the_worker_sees_it_on_the_childs_page_and_agrees_in_one_tap(cast: Cast) -> None:
    made = await propose(cast, words="Training <b>ends</b> then.")
    path = f"/desk/children/{cast.mia.id}"
    async with cast.browser_as("tom") as browser:
        page = (await browser.get(path)).text
        assert f"{cast.mia.name}" in page
        assert "suggests other check-in times" in page
        assert "Every day at 20:00" in page
        assert "Due 20:00. If there is no answer, we tell an adult by 21:45." in page
        assert "&lt;b&gt;" in page
        said = {"version": await version(cast)}
        back = await browser.post(f"{path}/rhythm/proposals/{made.id}/agree", data=said)
        assert back.headers["location"] == f"{path}/plan?done=rhythm"
        assert "suggests other check-in times" not in (await browser.get(path)).text


async def test_a_page_from_before_shows_what_stands_now(cast: Cast) -> None:
    made, seen = await propose(cast), await version(cast)
    tom, now = cast.actor("tom"), cast.clock()
    await agreements.set_rhythm(tom, cast.mia.id, TWICE, "Europe/Paris", now)
    async with cast.browser_as("tom") as browser:
        path = f"/desk/children/{cast.mia.id}/rhythm/proposals/{made.id}/agree"
        page = await browser.post(path, data={"version": seen})
        assert page.status_code == 409
        assert "The check-in times have just changed." in page.text
        assert "Every day at 09:00 and 18:00" in page.text
        assert "Every day at 20:00" in page.text


async def test_the_worker_answers_otherwise(cast: Cast) -> None:
    made = await propose(cast)
    path = f"/desk/children/{cast.mia.id}"
    async with cast.browser_as("tom") as browser:
        back = await browser.post(
            f"{path}/rhythm/proposals/{made.id}/decline", data={"answer": "Could we try 19:00?"}
        )
        assert back.headers["location"] == f"{path}/plan?done=proposal-declined"
    assert (await Proposal.get(id=made.id)).answer == "Could we try 19:00?"


async def test_a_guardian_reads_it_and_cannot_agree(cast: Cast) -> None:
    await proposals.propose(
        cast.actor("noor"),
        Role.CHILD,
        cast.noor.id,
        proposals.ProposalRequest(uuid4(), {"at": ["08:00", "20:00"]}),
        cast.clock(),
    )
    async with cast.browser_as("ada") as browser:
        page = (await browser.get(f"/desk/children/{cast.noor.id}")).text
    assert "/agree" not in page


async def test_the_caseworker_hears_of_it_without_a_word_about_what_it_is(cast: Cast) -> None:
    await propose(cast)
    await telling.TASKS.tick(cast.clock())
    (row,) = await Message.filter(child_id=cast.mia.id, kind="due")
    assert row.person_id == cast.tom.id
