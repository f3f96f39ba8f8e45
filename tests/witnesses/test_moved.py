"""A school says "not here" of a child who left its list a moment ago."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.alerts.models import Alert
from server.audit.actions import Actor
from server.audit.models import Entry
from server.errors import NotFound
from server.notify.models import Message
from server.people.models import Child, Tie
from server.policy.roll_call import Word
from server.watch.models import Watch, WitnessWord
from server.witnesses import actions, lists
from server.witnesses.models import Witness, WitnessChild, WitnessList
from tests.cast import Cast
from tests.races import together
from tests.witnesses.school import arrange, asked, latest
from tests.witnesses.test_lists import open_alert
from tests.witnesses.test_pages import fields_of, open_list, seats


async def leave(cast: Cast, witness: Witness, *names: str) -> None:
    for name in names:
        child = await Child.get(id=cast.persons[name].id)
        await actions.end_child(cast.actor("ines"), child, witness.id, cast.clock())


async def say(
    cast: Cast, sheet: WitnessList, said: dict[str, str], *, id_: UUID | None = None
) -> lists.Kept:
    """As the page says it that was opened before: by seats that may have ended."""
    held = await seats(cast)
    words = {UUID(held[name]): Word(word) for name, word in said.items()}
    actor = Actor(None, "witness", sheet.agency_id)
    return await lists.record(actor, sheet.id, lists.Form(id_ or uuid4(), words), cast.clock())


async def told(cast: Cast) -> list[tuple[str, str, str]]:
    """Who hears of which child, with the page."""
    names = {person.id: name for name, person in cast.persons.items()}
    rows = await Message.filter(kind="roll_call_away", state="waiting")
    return sorted(
        {
            (names[row.person_id], names[row.child_id], (row.data or {})["path"])
            for row in rows
            if row.person_id and row.child_id
        }
    )


async def test_not_here_of_a_child_who_left_a_moment_ago_goes_to_who_has_them_now(
    cast: Cast,
) -> None:
    sheet, made = await asked(cast)
    await leave(cast, made.witness, "noor")
    before = dict(await Watch.get(child_id=cast.noor.id))
    id_ = uuid4()
    for again in (id_, id_, None):
        kept = await say(cast, sheet, {"mia": "here", "noor": "not_here"}, id_=again)
        assert (kept.sheet.state, kept.left, kept.told) == ("done", 1, 1)
    path = f"/desk/children/{cast.noor.id}"
    assert await told(cast) == [("tom", "noor", path)]
    rows = await Message.filter(kind="roll_call_away")
    assert len(rows) == len({(row.person_id, row.channel) for row in rows}), "once"
    # It speaks against nobody's answer: at the next school they may well be.
    assert [row.child_id for row in await WitnessWord.all()] == [cast.mia.id]
    assert dict(await Watch.get(child_id=cast.noor.id)) == before
    assert not await Alert.all().exists()
    entry = await Entry.get(what="witness:moved")
    assert (entry.child_id, entry.who_id) == (cast.noor.id, None)
    async with cast.browser_as("tom") as browser:
        page = (await browser.get(path)).text
    assert "“Not here”, said by a school or club that we no longer ask" in page
    assert made.witness.name not in page


async def test_here_of_a_child_who_left_vouches_for_nothing(cast: Cast) -> None:
    sheet, made = await asked(cast)
    await leave(cast, made.witness, "noor")
    before = dict(await Watch.get(child_id=cast.noor.id))
    for word in ("here", "excused"):
        kept = await say(cast, sheet, {"noor": word})
        assert (kept.left, kept.told) == (1, 0)
    assert await told(cast) == []
    assert not await WitnessWord.all().exists()
    assert dict(await Watch.get(child_id=cast.noor.id)) == before
    assert not await Entry.filter(child_id=cast.noor.id, what__startswith="witness:here").exists()
    assert not await Entry.filter(what="witness:moved").exists()


@pytest.mark.parametrize("how", ["last", "all"])
async def test_not_here_is_passed_on_also_where_the_list_ended_with_the_child(
    cast: Cast, how: str
) -> None:
    sheet, made = await asked(cast, "noor")
    if how == "last":
        await leave(cast, made.witness, "noor")
    else:
        await actions.end(cast.actor("ines"), made.witness, cast.clock())
    kept = await say(cast, sheet, {"noor": "here"})
    assert (kept.is_over, kept.told) == (True, 0)
    kept = await say(cast, sheet, {"noor": "not_here"})
    assert (kept.is_over, kept.told) == (True, 1)
    assert [who for who, _, _ in await told(cast)] == ["tom"]
    assert (await WitnessList.get(id=sheet.id)).state == "missed", "nobody filled it in"
    cast.clock.set(sheet.ends_at)
    with pytest.raises(NotFound):
        await say(cast, sheet, {"noor": "not_here"})


async def test_who_has_an_alert_about_a_child_who_left_hears_of_it(cast: Cast) -> None:
    sheet, made = await asked(cast)
    alert = await open_alert(cast)
    await leave(cast, made.witness, "mia")
    await say(cast, sheet, {"mia": "not_here"})
    assert await told(cast) == [
        ("eve", "mia", f"/desk/alerts/{alert.id}"),
        ("tom", "mia", f"/desk/children/{cast.mia.id}"),
    ]


async def test_a_child_who_is_on_the_list_again_is_meant_also_by_the_seat_before(
    cast: Cast,
) -> None:
    sheet, made = await asked(cast)
    old = UUID((await seats(cast))["noor"])
    await leave(cast, made.witness, "noor")
    cast.clock.advance(minutes=1)
    noor = await Child.get(id=cast.noor.id)
    await actions.add_child(cast.actor("ines"), noor, made.witness.id, "Noor", cast.clock())
    form = lists.Form(uuid4(), {old: Word.NOT_HERE})
    actor = Actor(None, "witness", sheet.agency_id)
    kept = await lists.record(actor, sheet.id, form, cast.clock())
    assert (kept.left, kept.told) == (0, 0)
    assert [row.word for row in await WitnessWord.filter(child_id=cast.noor.id)] == ["not_here"]
    assert await told(cast) == []


async def test_of_a_child_who_left_the_agency_nobody_there_hears(cast: Cast) -> None:
    sheet, made = await asked(cast)
    await leave(cast, made.witness, "noor")
    await Child.filter(id=cast.noor.id).update(left_at=cast.clock())
    assert (await say(cast, sheet, {"noor": "not_here"})).told == 0
    assert await told(cast) == []


async def test_a_list_of_another_school_says_nothing_by_a_seat_that_is_not_its_own(
    cast: Cast,
) -> None:
    sheet, _ = await asked(cast, "mia")
    other = await arrange(cast, "noor")
    held = await WitnessChild.get(witness_id=other.witness.id)
    await leave(cast, other.witness, "noor")
    actor = Actor(None, "witness", sheet.agency_id)
    form = lists.Form(uuid4(), {held.id: Word.NOT_HERE})
    kept = await lists.record(actor, sheet.id, form, cast.clock())
    assert (kept.left, kept.told) == (0, 0)
    assert await told(cast) == []


@pytest.mark.parametrize("names", [("mia", "noor"), ("noor",)])
async def test_a_word_and_the_end_of_its_seat_at_once_lose_nothing(
    cast: Cast, names: tuple[str, ...]
) -> None:
    sheet, made = await asked(cast, *names)
    await together(
        say(cast, sheet, {"noor": "not_here"}),
        leave(cast, made.witness, "noor"),
    )
    words = await WitnessWord.filter(child_id=cast.noor.id).count()
    assert (words, len(await told(cast))) in {(1, 0), (0, 1)}


async def test_the_page_that_was_open_says_what_became_of_the_answer(cast: Cast) -> None:
    sheet, made = await asked(cast)
    rows = await seats(cast)
    async with cast.client() as browser:
        path, form = await open_list(cast, browser, sheet, made.pin)
        await leave(cast, made.witness, "noor")
        words = {f"word-{rows['mia']}": "here", f"word-{rows['noor']}": "not_here"}
        sent = await browser.post(path, data={**form, **words})
        assert "1 name has left this list. We passed on that they are not here." in sent.text
        calm = {f"word-{rows['noor']}": "here"}
        sent = await browser.post(path, data={**fields_of(sent.text), **calm})
        assert "1 name has left this list. We did not keep that answer." in sent.text
        assert "passed on" not in sent.text


async def test_the_page_of_a_list_that_ended_passes_on_not_here(
    cast: Cast,
) -> None:
    sheet, made = await asked(cast, "noor")
    rows = await seats(cast)
    async with cast.client() as browser:
        path, form = await open_list(cast, browser, sheet, made.pin)
        await leave(cast, made.witness, "noor")
        words = {f"word-{rows['noor']}": "not_here"}
        stranger = await browser.post(path, data={**words, "send": "yes"})
        assert (stranger.status_code, await told(cast)) == (422, [])
        calm = await browser.post(path, data={**form, f"word-{rows['noor']}": "here"})
        assert calm.status_code == 404
        assert "passed on" not in calm.text
        cast.clock.advance(hours=2)  # The page asks for the PIN again.
        asks = await browser.post(path, data={**form, **words})
        assert asks.status_code == 422
        sent = await browser.post(path, data={**fields_of(asks.text), "pin": made.pin})
        assert sent.status_code == 404
        assert "This list is over" in sent.text
        assert "We passed on that they are not here." in sent.text
    assert [who for who, _, _ in await told(cast)] == ["tom"]


async def test_a_register_passes_on_who_left_that_day_and_nobody_of_the_days_before(
    cast: Cast,
) -> None:
    """A register names every pupil: a child who no longer agrees to this stays out of it."""
    _, made = await asked(cast)
    token = await actions.new_register(cast.actor("ines"), made.witness, cast.clock())
    await leave(cast, made.witness, "noor")
    lines = [{"name": "Mia", "word": "here"}, {"name": "Noor", "word": "absent"}]
    answers = []
    async with cast.client() as school:
        for day in ("2026-03-02", "2026-03-03"):
            body = {"id": day, "day": day, "lines": lines}
            answers.append((await school.post(f"/inbound/register/{token}", json=body)).json())
            cast.clock.advance(days=1)
    assert answers == [{"matched": 1, "unknown": ["Noor"], "unread": []}] * 2
    entry = await Entry.get(what="witness:moved")
    assert (entry.child_id, entry.at) == (cast.noor.id, cast.clock() - timedelta(days=2))


@pytest.mark.parametrize("has_tie", [True, False])
async def test_a_file_passes_on_who_left_only_for_those_who_answer_for_the_child(
    cast: Cast, has_tie: bool
) -> None:
    _, made = await asked(cast)
    await leave(cast, made.witness, "noor")
    await Tie.filter(child_id=cast.noor.id, person_id=cast.tom.id).update(
        **({} if has_tie else {"until_at": cast.clock()}), from_at=cast.clock() - timedelta(days=1)
    )
    register = "Name;Word\nmia;Present\nNoor;absent\n"
    form = {"id": str(uuid4()), "day": "2026-03-02", "register": register}
    async with cast.browser_as("tom") as browser:
        taken = await browser.post(f"/desk/witnesses/{made.witness.id}/register", data=form)
    assert "1 child matched" in taken.text
    assert "Noor" in taken.text, "as a name that is not on the list"
    assert await Entry.filter(what="witness:moved").exists() is has_tie
    assert (await latest(made.witness)).state == "done"
