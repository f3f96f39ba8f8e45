"""A foster home is asked about one child, and a key worker writes down a visit to a flat."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.errors import NotFound, Refused
from server.notify.models import Message
from server.people.actions import set_language
from server.people.models import Child, Home
from server.policy.roll_call import Word
from server.roll_calls import kinds, reading
from server.roll_calls.models import RollCall
from server.roll_calls.undone import undone as undone_calls
from server.roll_calls.visits.actions import VisitSaid, visit
from server.watch.models import RollCallWord
from tests.cast import Cast
from tests.races import no_fault, together
from tests.roll_calls.homes import asked, furnish, latest, tick

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


async def as_kind(cast: Cast, kind: str) -> None:
    await kinds.set_kind(cast.actor("root"), cast.home.id, kind, cast.clock())
    await set_language(cast.actor("sam"), cast.sam.id, "en", cast.clock())


def path_of(cast: Cast) -> str:
    return f"/desk/homes/{cast.home.id}/roll-call"


def hidden_of(form: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))


async def words(cast: Cast) -> list[tuple[str, str]]:
    names = {child.id: name for name, child in cast.persons.items()}
    rows = await RollCallWord.all().order_by("said_at", "at", "id")
    return [(names[row.child_id], row.word) for row in rows]


async def visited(
    cast: Cast, name: str, word: Word, *, id_: UUID | None = None, by: str = "sam", ago: int = 0
) -> None:
    now = cast.clock()
    said = VisitSaid(id_ or uuid4(), now - ago * MINUTE, cast.persons[name].id, word)
    await visit(cast.actor(by), cast.home.id, said, now)


async def test_a_foster_home_is_asked_one_question_about_each_child(cast: Cast) -> None:
    await asked(cast)
    await as_kind(cast, "foster")
    async with cast.browser_as("sam") as browser:
        page = (await browser.get(path_of(cast))).text
        assert "Is Mia Lindqvist there?" in page or "Is Mia" in page
        assert page.count("Yes, here") == 2
        assert "On shift" not in page
        form = next(each for each in page.split("<form") if f"word-{cast.mia.id}" in each)
        said = hidden_of(form) | {f"word-{cast.mia.id}": "not_here"}
        for _ in range(2):
            answer = await browser.post(path_of(cast), data=said)
            assert answer.headers["location"] == f"{path_of(cast)}?sent=0"
        assert await words(cast) == [("mia", "not_here")]
        page = (await browser.get(f"{path_of(cast)}?sent=0")).text
        assert "Thank you. We have it." in page
        assert page.count("Yes, here") == 1, "the other one is asked for still"
        said = hidden_of(page.partition("Is Noor")[0]) | {f"word-{cast.noor.id}": "here"}
        await browser.post(path_of(cast), data=said)
        assert "Yes, here" not in (await browser.get(path_of(cast))).text
    assert sorted(await words(cast)) == [("mia", "not_here"), ("noor", "here")]
    assert (await latest(cast)).state == "done"


async def test_a_flat_is_asked_at_no_time_of_the_policy_and_a_visit_is_a_roll_call_of_its_moment(
    cast: Cast,
) -> None:
    await furnish(cast)
    await as_kind(cast, "flat")
    await Home.filter(id=cast.home.id).update(roll_call_at=None, next_roll_call_at=cast.clock())
    await tick(cast.clock.advance(minutes=40))
    assert not await RollCall.all().exists()
    assert await reading.times_of(await Home.get(id=cast.home.id)) == ()
    async with cast.browser_as("sam") as browser:
        page = (await browser.get(path_of(cast))).text
        form = next(each for each in page.split("<form") if str(cast.mia.id) in each)
        said = hidden_of(form) | {"word": "unknown", "after": "0"}
        for _ in range(2):
            answer = await browser.post(f"/desk/homes/{cast.home.id}/visit", data=said)
            assert answer.headers["location"] == f"{path_of(cast)}?sent=0"
        assert "Don&#39;t know" in (await browser.get(path_of(cast))).text
        odd = await browser.post(f"/desk/homes/{cast.home.id}/visit", data={**said, "word": "x"})
        assert odd.status_code == 422
    assert await words(cast) == [("mia", "unknown")]
    [call] = await RollCall.all()
    assert (call.state, call.done_by, call.next_action_at) == ("done", cast.sam.id, None)
    # Nobody is asked to do what was done, and nothing follows by itself.
    await tick(cast.clock.advance(hours=5))
    assert not await Message.filter(subject_kind="roll_call").exists()
    assert (await undone_calls(cast.agency.id, cast.clock())).total == 0


async def test_visits_within_two_hours_are_one_witness_and_later_ones_another(cast: Cast) -> None:
    await furnish(cast)
    await as_kind(cast, "flat")
    cast.clock.advance(minutes=5)
    form = uuid4()
    for _ in range(2):
        await visited(cast, "mia", Word.HERE, id_=form)
    cast.clock.advance(minutes=119)
    await visited(cast, "mia", Word.NOT_HERE)
    await visited(cast, "noor", Word.HERE)
    assert await RollCall.all().count() == 1
    cast.clock.advance(minutes=1)
    await visited(cast, "mia", Word.HERE)
    assert await RollCall.all().count() == 2
    # Said offline at a time before: it is of that time, and the same form is still the same.
    await visited(cast, "mia", Word.HERE, id_=form, ago=30)
    assert await RollCall.all().count() == 2
    assert await RollCallWord.all().count() == 4


async def test_a_visit_answers_the_roll_call_that_is_open(cast: Cast) -> None:
    call = await asked(cast)
    await as_kind(cast, "flat")
    await visited(cast, "mia", Word.HERE)
    await visited(cast, "noor", Word.HERE)
    assert [row.id for row in await RollCall.all()] == [call.id]
    assert (await latest(cast)).state == "done"


async def test_two_visits_at_once_are_one_roll_call(cast: Cast) -> None:
    await furnish(cast)
    cast.clock.advance(minutes=5)
    form = uuid4()
    no_fault(await together(*(visited(cast, "mia", Word.HERE, id_=form) for _ in range(3))))
    assert (await RollCall.all().count(), await RollCallWord.all().count()) == (1, 1)


async def test_only_who_works_there_writes_a_visit_and_only_about_who_lives_there(
    cast: Cast,
) -> None:
    await furnish(cast)
    for stranger in ("tom", "ines", "root"):
        with pytest.raises(NotFound):
            await visited(cast, "mia", Word.HERE, by=stranger)
    await Child.filter(id=cast.mia.id).update(home_id=None)
    with pytest.raises(Refused):
        await visited(cast, "mia", Word.HERE)
    with pytest.raises(Refused):
        await visited(cast, "noor", Word.HERE, ago=60 * 25)
    assert not await RollCall.all().exists()


async def test_the_kind_is_set_once_by_an_administrator_and_plans_the_home_anew(cast: Cast) -> None:
    await furnish(cast)
    async with cast.browser_as("root") as browser:
        path = f"/desk/people/homes/{cast.home.id}/roll-call"
        answer = await browser.post(f"{path}/kind", data={"kind": "flat"})
        assert answer.headers["location"] == f"{path}?saved=yes"
        assert (await browser.post(f"{path}/kind", data={"kind": "castle"})).status_code == 422
    home = await Home.get(id=cast.home.id)
    assert (home.kind, home.next_roll_call_at) == ("flat", cast.clock())
    with pytest.raises(NotFound):
        await kinds.set_kind(cast.actor("uwe"), cast.home.id, "home", cast.clock())
