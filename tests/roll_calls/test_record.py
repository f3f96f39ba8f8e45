"""A person of a home says who is there."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.errors import IdReused, NotFound, Refused
from server.notify.models import Message
from server.people.actions import move
from server.people.models import Child, Home, Person
from server.policy.roll_call import Word
from server.roll_calls import actions, reading
from server.roll_calls.rules import path_of
from server.storage.ids import uuid7
from server.watch.models import RollCallWord, Round, Watch
from server.watch.passes.rules import Reason
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.races import together
from tests.roll_calls.homes import asked, furnish, latest, say, sent

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def test_all_here_ends_the_roll_call_and_withdraws_its_message(cast: Cast) -> None:
    call = await asked(cast)
    assert await sent(call, cast) == [("roll_call", "sam")]
    done = (await say(cast, call, {"mia": "here", "noor": "here"})).roll_call
    assert (done.state, done.done_by, done.next_action_at) == ("done", cast.sam.id, None)
    assert await sent(call, cast) == []
    about = await Entry.filter(what="roll_call:here").values_list("child_id", flat=True)
    assert set(about) == {cast.mia.id, cast.noor.id}


async def test_a_form_sent_twice_is_once_and_its_id_is_of_one_person(cast: Cast) -> None:
    call, id_ = await asked(cast, workers=("sam", "tom")), uuid4()
    for _ in range(2):
        await say(cast, call, {"mia": "here", "noor": "unknown"}, id_=id_)
    assert await RollCallWord.all().count() == 2
    with pytest.raises(IdReused):
        await say(cast, call, {"mia": "not_here"}, id_=id_, by="tom")


async def test_who_does_not_work_there_says_nothing(cast: Cast) -> None:
    call = await asked(cast)
    for stranger in ("tom", "ines", "ada", "root", "uwe", "mia"):
        with pytest.raises(NotFound):
            await say(cast, call, {"mia": "here"}, by=stranger)
    await actions.end_worker(cast.actor("root"), cast.home.id, cast.sam.id, cast.clock())
    with pytest.raises(NotFound):
        await say(cast, call, {"mia": "here"})
    await actions.add_worker(cast.actor("root"), cast.home.id, cast.sam.id, cast.clock())
    await Person.filter(id=cast.sam.id).update(disabled_at=cast.clock())
    with pytest.raises(NotFound):
        await say(cast, call, {"mia": "here"})
    assert not await RollCallWord.all().exists()


async def test_of_two_who_disagree_the_word_that_worries_more_counts_and_both_are_shown(
    cast: Cast,
) -> None:
    call = await asked(cast, workers=("sam", "tom"))
    await say(cast, call, {"mia": "unknown", "noor": "here"})
    cast.clock.advance(minutes=1)
    await say(cast, call, {"mia": "here"}, by="tom")
    sheet = await reading.sheet(cast.home.id, cast.clock())
    assert sheet is not None
    mia, noor = sheet.lines
    assert (mia.initials, mia.said, mia.by) == ("M. C.", Word.UNKNOWN, cast.sam.name)
    assert [(other.word, other.by) for other in mia.others] == [(Word.HERE, cast.tom.name)]
    assert (noor.said, noor.others, sheet.said_by) == (
        Word.HERE,
        (),
        (cast.sam.name, cast.tom.name),
    )
    cast.clock.advance(minutes=1)
    await say(cast, call, {"mia": "here"})
    sheet = await reading.sheet(cast.home.id, cast.clock())
    assert sheet is not None
    assert sheet.lines[0].said is Word.HERE, "a correction is the last word of that person"
    assert await RollCallWord.all().count() == 4


async def test_a_child_who_has_moved_is_left_out_and_the_rest_counts(cast: Cast) -> None:
    call = await asked(cast, "13:30", "13:50")
    await say(cast, call, {"noor": "here"})
    await Child.filter(id=cast.noor.id).update(home_id=None)
    done = await say(cast, call, {"mia": "here", "noor": "not_here", "lia": "here"})
    assert done.roll_call.state == "done"
    names = {one.child_id: one.name for one in done.left_out}
    assert names == {cast.noor.id: cast.noor.name, cast.lia.id: None}
    assert not await Alert.all().exists()


async def test_not_here_of_a_child_who_moved_a_moment_ago_goes_to_who_has_them_now(
    cast: Cast,
) -> None:
    call = await asked(cast)
    root, now = cast.actor("root"), cast.clock()
    barn = await Home.create(
        id=uuid7(), agency_id=cast.agency.id, name="Barn", zone="Europe/Paris", made_at=now
    )
    await actions.add_worker(root, barn.id, cast.eve.id, now)
    await move(cast.actor("tom"), cast.noor.id, barn.id, now)
    id_ = uuid4()
    for _ in range(2):
        await say(cast, call, {"mia": "here", "noor": "not_here", "lia": "not_here"}, id_=id_)
    names = {person.id: name for name, person in cast.persons.items()}
    told = await Message.filter(kind="roll_call_away", state="waiting")
    assert {(names[row.person_id], row.child_id, row.data["path"]) for row in told} == {
        ("tom", cast.noor.id, f"/desk/children/{cast.noor.id}"),
        ("eve", cast.noor.id, path_of(barn.id)),
    }
    assert len(told) == len({(row.person_id, row.channel) for row in told}), "once"
    # It speaks against nobody's answer: where they live now, they may well be.
    assert not await RollCallWord.filter(child_id=cast.noor.id).exists()
    assert not await Alert.all().exists()
    entry = await Entry.get(what="roll_call:moved")
    assert (entry.child_id, entry.who_id) == (cast.noor.id, cast.sam.id)
    await cast.new_token("tom")
    async with cast.browser_as("tom") as browser:
        page = (await browser.get(f"/desk/children/{cast.noor.id}")).text
    assert "“Not here”, said by a home where they no longer live" in page


async def test_here_of_a_child_who_moved_is_told_to_nobody(cast: Cast) -> None:
    call = await asked(cast)
    await move(cast.actor("tom"), cast.noor.id, None, cast.clock())
    await say(cast, call, {"mia": "here", "noor": "here"})
    assert not await Message.filter(kind="roll_call_away").exists()


async def test_a_child_on_an_agreed_absence_counts_as_excused_without_being_said(
    cast: Cast,
) -> None:
    call = await asked(cast)
    now = cast.clock()
    request = agreements.PauseRequest(uuid4(), now, now + DAY, reason=Reason.FAMILY)
    await agreements.pause(cast.actor("tom"), cast.noor.id, request, now)
    sheet = await reading.sheet(cast.home.id, now)
    assert sheet is not None
    assert [line.is_said for line in sheet.lines] == [False, True]
    assert sheet.lines[1].pass_until == now + DAY
    done = await say(cast, call, {"mia": "here"})
    assert done.roll_call.state == "done"
    await say(cast, call, {"noor": "not_here"})
    assert not await Alert.all().exists(), "nobody looks for a child who is away by agreement"


async def test_not_here_calls_adults_and_settles_nothing(cast: Cast) -> None:
    call = await asked(cast)
    before = await Watch.get(child_id=cast.mia.id)
    await say(cast, call, {"mia": "not_here", "noor": "here"})
    [alert] = await Alert.all()
    assert (alert.child_id, alert.cause, alert.reason) == (cast.mia.id, "silence", "not_here")
    watch = await Watch.get(child_id=cast.mia.id)
    assert watch.is_alerted
    assert (watch.sign_at, watch.answered_at, watch.due_at) == (
        before.sign_at,
        before.answered_at,
        before.due_at,
    )
    assert not await Round.filter(settled_at__isnull=False).exists()
    await say(cast, call, {"mia": "here"})
    assert (await Alert.get(id=alert.id)).closed_at is None, "only a person closes an alert"


async def test_what_was_said_offline_counts_from_when_it_was_said(cast: Cast) -> None:
    call = await asked(cast)
    said_at = cast.clock() + 2 * MINUTE
    cast.clock.advance(hours=5)
    await say(cast, call, {"mia": "here"}, said_at=said_at)
    word = await RollCallWord.get()
    assert (word.said_at, word.at) == (said_at, cast.clock())
    early, late = call.due_at - HOUR, cast.clock() + HOUR
    await say(cast, call, {"noor": "here"}, said_at=early)
    await say(cast, call, {"noor": "here"}, said_at=late)
    kept = await RollCallWord.filter(child_id=cast.noor.id).order_by("said_at")
    assert [row.said_at for row in kept] == [call.due_at, cast.clock()]


async def test_what_was_said_before_the_last_answer_is_kept_and_calls_nobody(cast: Cast) -> None:
    call = await asked(cast)
    said_at = cast.clock()
    now = cast.clock.advance(hours=1)
    await Watch.filter(child_id=cast.mia.id).update(sign_at=now)
    await say(cast, call, {"mia": "not_here"}, said_at=said_at)
    assert await RollCallWord.all().count() == 1
    assert not await Alert.all().exists()


async def test_words_of_more_than_a_day_ago_and_an_end_that_is_over_are_refused(
    cast: Cast,
) -> None:
    call = await asked(cast)
    now = cast.clock.advance(hours=30)
    with pytest.raises(Refused) as refused:
        await say(cast, call, {"mia": "here"}, said_at=now - 25 * HOUR)
    assert (refused.value.code, refused.value.field) == ("too_old", "said_at")
    with pytest.raises(Refused) as refused:
        await say(cast, call, {"mia": "excused"}, until_at=now)
    assert refused.value.field == "until"
    assert not await RollCallWord.all().exists()


async def test_adults_who_look_for_a_child_hear_that_the_home_says_they_are_there(
    cast: Cast,
) -> None:
    call = await asked(cast)
    await Watch.filter(child_id=cast.mia.id).update(is_missing=True, is_alerted=True)
    await say(cast, call, {"mia": "here", "noor": "here"})
    told = await sent_about(cast)
    assert told == {"alert_again"}
    assert (await Watch.get(child_id=cast.mia.id)).is_missing, "an adult has to see them"


async def sent_about(cast: Cast) -> set[str]:
    rows = Message.filter(child_id=cast.mia.id)
    return set(await rows.values_list("kind", flat=True))


async def test_workers_are_added_and_ended_once_and_only_in_homes_of_the_agency(
    cast: Cast,
) -> None:
    await furnish(cast, workers=("sam", "sam"))
    assert [one.name for one in await reading.workers_of(cast.home.id, cast.clock())] == [
        cast.sam.name
    ]
    assert [place.home_id for place in await reading.homes_of(cast.sam.id, cast.clock())] == [
        cast.home.id
    ]
    with pytest.raises(NotFound):
        await actions.add_worker(cast.actor("uwe"), cast.home.id, cast.uwe.id, cast.clock())
    for nobody in ("ada", "uwe", "mia"):
        with pytest.raises((Refused, NotFound)):
            await actions.add_worker(
                cast.actor("root"), cast.home.id, cast.persons[nobody].id, cast.clock()
            )
    for _ in range(2):
        await actions.end_worker(cast.actor("root"), cast.home.id, cast.sam.id, cast.clock())
    assert await reading.workers_of(cast.home.id, cast.clock()) == []
    entries = await Entry.filter(what__startswith="home_worker:").order_by("id")
    assert [entry.what for entry in entries] == ["home_worker:add", "home_worker:end"]


async def test_two_people_who_say_the_last_words_at_once_lose_nothing_and_end_it_once(
    cast: Cast,
) -> None:
    call, id_ = await asked(cast, workers=("sam", "tom")), uuid4()
    outcomes = await together(
        say(cast, call, {"mia": "here"}, id_=id_),
        say(cast, call, {"mia": "here"}, id_=id_),
        say(cast, call, {"noor": "not_here", "mia": "unknown"}, by="tom"),
        say(cast, call, {"mia": "here", "noor": "here"}),
    )
    assert not [fault for fault in outcomes if isinstance(fault, BaseException)]
    assert await RollCallWord.all().count() == 5
    call = await latest(cast)
    assert (call.state, call.next_action_at) == ("done", None)
    assert await Alert.filter(child_id=cast.noor.id).count() == 1
