"""A witness is asked on agreed days, and says whether the children came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.errors import NotFound, Refused
from server.notify.models import Message
from server.notify.rules import Kind
from server.people.models import Child
from server.policy.roll_call import Word
from server.ticker import ROWS
from server.watch import evidence
from server.watch.models import Round, Watch, WitnessWord
from server.witnesses import actions, lists, reading, rules
from server.witnesses.models import Witness, WitnessChild, WitnessList
from tests.cast import Cast
from tests.races import together
from tests.watch.test_budgets import call
from tests.witnesses.school import ROOMS, arrange, asked, latest, say, tick

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def sent(sheet: WitnessList) -> list[tuple[str, str]]:
    rows = Message.filter(subject_id=sheet.id).exclude(state="withdrawn")
    return sorted((row.kind, row.to_key) for row in await rows)


async def to_adults(cast: Cast) -> list[tuple[str, str]]:
    names = {person.id: name for name, person in cast.persons.items()}
    rows = await Message.filter(kind="due", subject_kind__in=["witness", "witness_list"])
    return sorted((names[row.person_id], (row.data or {})["path"]) for row in rows if row.person_id)


def test_the_ticker_goes_through_witnesses() -> None:
    assert set(ROOMS) <= set(ROWS)


async def test_a_list_goes_out_once_on_its_day_and_names_nobody(cast: Cast) -> None:
    sheet, made = await asked(cast)
    for _ in range(2):
        await tick(cast.clock())
    assert await sent(sheet) == [("ask_witness", str(made.witness.id))]
    message = await Message.get(subject_id=sheet.id)
    assert message.person_id is None
    assert message.data["to"] == "office@monge.example"
    assert "sender" not in message.data, "it must not say who asks"
    assert message.expires_at == sheet.ends_at == datetime(2026, 3, 2, 23, tzinfo=UTC)
    witness = await Witness.get(id=made.witness.id)
    assert witness.next_list_at == datetime(2026, 3, 3, 12, 30, tzinfo=UTC)


async def test_a_list_that_nobody_fills_in_is_on_the_board_and_calls_nobody(cast: Cast) -> None:
    sheet, made = await asked(cast)
    steps = [(119, "open", 0), (120, "open", 1), (9 * 60, "open", 1), (11 * 60, "missed", 0)]
    begun = cast.clock()
    for minutes, state, shown in steps:
        cast.clock.set(begun + minutes * MINUTE)
        await tick(cast.clock())
        assert (await latest(made.witness)).state == state
        assert len(await reading.undone_for(cast.agency.id, cast.tom.id, cast.clock())) == shown
    assert await reading.undone_for(cast.agency.id, cast.ada.id, cast.clock()) == []
    assert await to_adults(cast) == []
    assert await sent(sheet) == []


async def test_after_downtime_of_days_only_the_list_of_today_goes_out(cast: Cast) -> None:
    made = await arrange(cast, "mia")
    cast.clock.set(datetime(2026, 3, 5, 13, tzinfo=UTC))
    await tick(cast.clock())
    assert await WitnessList.all().count() == 1
    assert (await latest(made.witness)).due_at == datetime(2026, 3, 5, 12, 30, tzinfo=UTC)
    cast.clock.set(datetime(2026, 3, 8, 13, tzinfo=UTC))
    await tick(cast.clock())
    assert await WitnessList.all().count() == 1, "there is no school on a Sunday"
    assert (await Witness.get(id=made.witness.id)).next_list_at == datetime(
        2026, 3, 9, 12, 30, tzinfo=UTC
    )


async def test_here_settles_nothing_and_not_here_calls_nobody_by_itself(cast: Cast) -> None:
    sheet, _ = await asked(cast)
    before = [(row.id, row.state) for row in await Round.all().order_by("id")]
    watches = {row.child_id: row for row in await Watch.all()}
    done = await say(cast, sheet, {"mia": "here", "noor": "not_here"})
    assert (done.state, done.next_action_at) == ("done", None)
    assert await sent(sheet) == [], "nobody has to fill it in any more"
    assert [(row.id, row.state) for row in await Round.all().order_by("id")] == before
    assert not await Alert.all().exists()
    for name in ("mia", "noor"):
        watch = await Watch.get(child_id=cast.persons[name].id)
        assert watch.sign_at == watches[watch.child_id].sign_at, "a word is no sign of the child"
    entries = Entry.filter(what__in=["witness:here", "witness:not_here"])
    children = {entry.child_id: entry.what for entry in await entries}
    assert children[cast.noor.id] == "witness:not_here"
    assert children[cast.mia.id] == "witness:here"
    [facts] = (await evidence.of([cast.noor.id], cast.clock())).values()
    assert facts.listed is not None
    assert (facts.listed.word, facts.listed.is_outside) == (Word.NOT_HERE, True)


async def test_the_caseworker_of_a_child_who_did_not_come_hears_of_it_once(cast: Cast) -> None:
    sheet, _ = await asked(cast)
    for word in ("not_here", "here", "not_here"):
        await say(cast, sheet, {"noor": word})
        cast.clock.advance(minutes=1)
    path = f"/desk/children/{cast.noor.id}/witnesses"
    assert {told for _, told in await to_adults(cast)} == {path}
    assert len(await to_adults(cast)) == len(set(await to_adults(cast)))
    assert await WitnessWord.all().count() == 3, "a correction is a new row"
    last = await reading.last_words(sheet.id)
    assert last[cast.noor.id].word == "not_here"


async def test_who_has_the_alert_hears_of_a_child_who_did_not_come(cast: Cast) -> None:
    sheet, _ = await asked(cast)
    alert = await open_alert(cast)
    for word, state in (("not_here", "waiting"), ("here", "withdrawn")):
        await say(cast, sheet, {"mia": word})
        cast.clock.advance(minutes=1)
        message = await Message.get(kind=Kind.ROLL_CALL_AWAY.value)
        assert (message.person_id, message.state) == (cast.eve.id, state)
        assert message.data["path"] == f"/desk/alerts/{alert.id}"


async def open_alert(cast: Cast) -> Alert:
    """Adults are called about Mia, and Eve has the alert."""
    now = cast.clock()
    by = {"acknowledged_by": cast.eve.id, "held_until": now + timedelta(hours=1)}
    alert = await call(cast, now - timedelta(hours=3), closed_at=None, state="acknowledged", **by)
    await Watch.filter(child_id=cast.mia.id).update(is_alerted=True)
    return alert


async def test_the_same_form_twice_is_once_also_after_a_correction(cast: Cast) -> None:
    sheet, _ = await asked(cast)
    id_ = uuid4()
    for word, form_id in (("not_here", id_), ("here", None), ("not_here", id_), ("here", None)):
        await say(cast, sheet, {"mia": word}, id_=form_id)
        cast.clock.advance(seconds=1)
    assert await WitnessWord.all().count() == 2
    assert (await reading.last_words(sheet.id))[cast.mia.id].word == "here"


async def test_a_list_is_over_at_the_end_of_its_day(cast: Cast) -> None:
    sheet, _ = await asked(cast)
    token = lists.token_of(sheet)
    cast.clock.set(sheet.ends_at - MINUTE)
    await lists.read(token, cast.clock())
    await say(cast, sheet, {"mia": "here"})
    cast.clock.set(sheet.ends_at)
    with pytest.raises(NotFound):
        await lists.read(token, cast.clock())
    with pytest.raises(NotFound):
        await say(cast, sheet, {"noor": "here"})
    with pytest.raises(NotFound):
        await lists.read("nonsense", cast.clock())


async def test_a_witness_who_leaves_is_asked_no_more(cast: Cast) -> None:
    sheet, made = await asked(cast)
    token = lists.token_of(sheet)
    for _ in range(2):
        await actions.end(cast.actor("ines"), made.witness, cast.clock())
    with pytest.raises(NotFound):
        await lists.read(token, cast.clock())
    assert await sent(sheet) == []
    assert {person for person, _ in await to_adults(cast)} >= {"tom"}
    assert not await WitnessChild.filter(until_at__isnull=True).exists()
    cast.clock.advance(hours=24)
    await tick(cast.clock())
    assert await WitnessList.all().count() == 1
    child = await Child.get(id=cast.mia.id)
    with pytest.raises(NotFound):
        await actions.add_child(cast.actor("tom"), child, made.witness.id, "Mia", cast.clock())


async def test_with_its_last_child_a_witness_ends(cast: Cast) -> None:
    made = await arrange(cast, "mia", "noor")
    for name in ("mia", "mia", "noor"):
        child = await Child.get(id=cast.persons[name].id)
        await actions.end_child(cast.actor("tom"), child, made.witness.id, cast.clock())
        is_over = (await Witness.get(id=made.witness.id)).ended_at is not None
        assert is_over == (name == "noor")


async def test_two_children_of_a_list_have_two_names(cast: Cast) -> None:
    made = await arrange(cast, "mia")
    noor = await Child.get(id=cast.noor.id)
    for name in ("  mIA ", "", "\u202e"):
        with pytest.raises(Refused) as refused:
            await actions.add_child(cast.actor("tom"), noor, made.witness.id, name, cast.clock())
        assert refused.value.field == "known_as"
    for _ in range(2):
        await actions.add_child(cast.actor("tom"), noor, made.witness.id, "Noor", cast.clock())
    assert await WitnessChild.all().count() == 2


async def test_ten_wrong_pins_lock_the_list_until_there_is_a_new_one(cast: Cast) -> None:
    sheet, made = await asked(cast)
    wrong = "000000" if made.pin != "000000" else "111111"
    proof = await lists.open_with(sheet, f" {made.pin[:3]} {made.pin[3:]}", cast.clock())
    assert lists.is_opened(sheet, proof, cast.clock())
    for _ in range(10):
        with pytest.raises(Refused):
            await lists.open_with(sheet, wrong, cast.clock())
        cast.clock.advance(minutes=16)
    sheet = await latest(made.witness)
    with pytest.raises(Refused) as refused:
        await lists.open_with(sheet, made.pin, cast.clock())
    assert refused.value.detail == lists.LOCKED
    assert {person for person, _ in await to_adults(cast)} >= {"tom"}
    pin = await actions.new_pin(cast.actor("tom"), made.witness, cast.clock())
    sheet = await latest(made.witness)
    assert lists.is_opened(sheet, await lists.open_with(sheet, pin, cast.clock()), cast.clock())
    assert not lists.is_opened(sheet, proof, cast.clock()), "a new PIN ends what the old one opened"


async def test_two_at_once_do_not_make_thirteen_witnesses(cast: Cast) -> None:
    schools = [await arrange(cast, "noor") for _ in range(2)]
    for _ in range(11):
        await arrange(cast, "mia", kind=rules.Kind.MENTOR)
    mia = await Child.get(id=cast.mia.id)
    came = await together(
        *(
            actions.add_child(cast.actor("tom"), mia, made.witness.id, "Mia", cast.clock())
            for made in schools
        )
    )
    assert sorted(isinstance(each, Refused) for each in came) == [False, True]
    assert await WitnessChild.filter(child_id=cast.mia.id).count() == 12


async def test_what_is_missed_is_not_done_by_a_word_of_the_same_moment(cast: Cast) -> None:
    sheet, _ = await asked(cast, "mia")
    await WitnessList.filter(id=sheet.id).update(state="missed", next_action_at=None)
    with pytest.raises(NotFound):
        await say(cast, sheet, {"mia": "here"})
    assert (await WitnessList.get(id=sheet.id)).state == "missed"
    assert not await WitnessWord.all().exists()


@pytest.mark.parametrize("verb", ["pin", "address", "end", "add"])
async def test_a_colleagues_child_who_joined_after_the_page_was_read_counts(
    cast: Cast, verb: str
) -> None:
    made = await arrange(cast, "mia" if verb != "add" else "noor")
    joins = await Child.get(id=cast.noor.id if verb != "add" else cast.mia.id)
    before = dict(await Witness.get(id=made.witness.id))
    tom, now, mine = cast.actor("tom"), cast.clock(), {cast.mia.id}
    what: dict[str, Callable[[], Awaitable[Any]]] = {
        "pin": lambda: actions.new_pin(tom, made.witness, now, mine=mine),
        "address": lambda: actions.new_register(tom, made.witness, now, mine=mine),
        "end": lambda: actions.end(tom, made.witness, now, mine=mine),
        "add": lambda: actions.add_child(tom, joins, made.witness.id, "Mia", now, mine=mine),
    }

    if verb != "add":
        await actions.add_child(cast.actor("ines"), joins, made.witness.id, "Noor", now)
    with pytest.raises(Refused) as refused:
        await what[verb]()
    assert refused.value.detail.startswith("Colleagues have children on this list.")
    assert dict(await Witness.get(id=made.witness.id)) == before
    assert await WitnessChild.filter(until_at__isnull=True, child_id=cast.noor.id).exists()
