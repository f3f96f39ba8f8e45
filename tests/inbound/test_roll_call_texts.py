"""A roll call is answered by text, with the numbers of a list: proven, once, and never misread."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.i18n import NAMES
from server.inbound.models import Inbound
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Address, Message
from server.notify.rules import Kind
from server.notify.texts.roll_calls import say
from server.notify.wording import Facts, word
from server.people.models import Agency, Child, Home, Person
from server.policy.roll_call import Word
from server.roll_calls import actions
from server.roll_calls.models import HomeNumber
from server.roll_calls.reading import numbers_of
from server.roll_calls.texts import numbers
from server.roll_calls.texts.by_text import Heard, read
from server.storage.ids import uuid7
from server.watch.models import Pause, RollCallWord
from tests.cast import Cast
from tests.inbound.conftest import text
from tests.roll_calls.homes import asked, latest, tick

SAM = "+33633334444"
N, U, E = Word.NOT_HERE, Word.UNKNOWN, Word.EXCUSED
ALL = Heard("", {})
READ = {
    "0": ALL,
    " 0. ": ALL,
    "all": ALL,
    "Tous": ALL,
    "الكل": ALL,
    "٠": ALL,  # noqa: RUF001
    "3 7": Heard("", {3: N, 7: N}),
    "٣ ٧": Heard("", {3: N, 7: N}),  # noqa: RUF001
    "۳،۷": Heard("", {3: N, 7: N}),  # noqa: RUF001
    "3,7.": Heard("", {3: N, 7: N}),
    "3 et 7": Heard("", {3: N, 7: N}),
    "٣ و ٧": Heard("", {3: N, 7: N}),  # noqa: RUF001
    "3? 7+ 9": Heard("", {3: U, 7: E, 9: N}),
    "3 ? 7 +": Heard("", {3: U, 7: E}),
    "٣؟": Heard("", {3: U}),
    "B 0": Heard("B", {}),
    "b3 7": Heard("B", {3: N, 7: N}),
    "3 7\n> Roll call 21:30. Reply 0": Heard("", {3: N, 7: N}),
    "\n\n7": Heard("", {7: N}),
}
NONSENSE = (
    *("", " ", "ok", "0 3", "3 0", "00", "3-7", "3:7", "3.7", "21:30", "+3", "?", "3 3", "3??"),
    *("3 4 five", "1000", "1 K7QX", "3 7 thanks", "A", "B", "-3", "½", "3!"),
    *("3+7", "3 + 7", "3 +7", "9" * 5000, "0001" + "0" * 4500),
)


def test_an_answer_is_numbers_in_any_script_and_anything_else_is_none() -> None:
    assert {written: read(written) for written in READ} == READ
    assert [written for written in NONSENSE if read(written) is not None] == []


@given(st.text(max_size=40))
def test_whatever_is_written_names_no_number_that_is_not_in_it(written: str) -> None:
    heard = read(written)
    assert heard is None or all(0 < number <= 999 for number in heard.words)


@given(st.dictionaries(st.integers(1, 999), st.sampled_from(["", "?", "+"]), min_size=1))
def test_what_is_written_as_asked_is_read_as_meant(marks: dict[int, str]) -> None:
    heard = read(" ".join(f"{number}{mark}" for number, mark in marks.items()))
    assert heard == Heard("", {n: {"": N, "?": U, "+": E}[mark] for n, mark in marks.items()})


# The basic alphabet of an SMS, without what counts twice.
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


@pytest.mark.parametrize("language", [name for name in NAMES if name != "ar"])
def test_what_is_asked_fits_into_one_part_in_latin_script(language: str) -> None:
    for letter, one in (("", None), ("B", None), ("", 12)):
        asked_for = say(language, {"says": "ask", "time": "21:30", "letter": letter, "one": one})
        assert len(asked_for) <= 160
        assert set(asked_for) <= GSM
    assert len(say(language, {"says": "nonsense"})) <= 160


async def reachable(cast: Cast, name: str = "sam", value: str = SAM) -> None:
    await add_address(
        cast.actor(name),
        cast.persons[name].id,
        AddAddress(channel="sms", value=value, is_proven=True),
        cast.clock(),
    )


async def a_roll_call(cast: Cast) -> dict[str, int]:
    """It is open, and Sam is asked by text; the number of each child."""
    await reachable(cast)
    await asked(cast)
    given_out = await numbers_of(cast.home.id)
    return {name: given_out[cast.persons[name].id] for name in ("mia", "noor")}


async def words(cast: Cast) -> dict[str, str]:
    names = {child.id: name for name, child in cast.persons.items()}
    return {names[row.child_id]: row.word for row in await RollCallWord.all().order_by("at", "id")}


async def replies(cast: Cast, name: str = "sam") -> list[str]:
    rows = Message.filter(person_id=cast.persons[name].id, kind=Kind.ROLL_CALL_REPLY.value)
    return [say("en", row.data["by_numbers"]) for row in await rows.order_by("id")]


async def test_the_text_asks_for_numbers_and_names_nobody(cast: Cast) -> None:
    await a_roll_call(cast)
    [message] = await Message.filter(person_id=cast.sam.id, channel="sms", kind="roll_call")
    facts = Facts(display_name="Planner", url="https://x/y", numbers=message.data["by_numbers"])
    body = word(Kind.ROLL_CALL, "en", facts).body
    assert body == (
        "Roll call 13:30. Reply 0 if all are here, or the numbers of those who are not: 3 7."
        " From the list."
    )
    others = await Message.filter(kind="roll_call", channel__not="sms")
    assert not any("by_numbers" in (other.data or {}) for other in others)


async def test_a_zero_says_that_all_are_here_and_the_reply_says_what_was_noted(cast: Cast) -> None:
    await a_roll_call(cast)
    for _ in range(2):
        assert (await text(cast, "0", sender=SAM)).is_success
    assert await words(cast) == {"mia": "here", "noor": "here"}
    call = await latest(cast)
    assert (call.state, call.done_by) == ("done", cast.sam.id)
    assert await replies(cast) == ["Noted: 2 here."]
    assert [row.what for row in await Inbound.all()] == ["roll_call"], "each text once"
    assert (await Inbound.get()).text is None


async def test_numbers_say_who_is_away_and_a_second_text_corrects_the_first(cast: Cast) -> None:
    number = await a_roll_call(cast)
    await text(cast, str(number["mia"]), sender=SAM, id_="1")
    assert await words(cast) == {"mia": "not_here", "noor": "here"}
    cast.clock.advance(minutes=1)
    await text(cast, f"{number['mia']}+ {number['noor']}?", sender=SAM, id_="2")
    assert await words(cast) == {"mia": "excused", "noor": "unknown"}
    assert await replies(cast) == [
        f"Noted: 1 here, not here {number['mia']}.",
        f"Noted: 0 here. Don't know: {number['noor']}. With permission: {number['mia']}.",
    ]


async def test_nonsense_and_wrong_numbers_change_nothing_and_are_answered_once(cast: Cast) -> None:
    await a_roll_call(cast)
    for at, nonsense in enumerate(("ok", "merci", "3-7")):
        await text(cast, nonsense, sender=SAM, id_=f"a{at}")
    for at in range(2):
        await text(cast, "1 14 15", sender=SAM, id_=f"b{at}")
    assert await words(cast) == {}
    help_, none = await replies(cast)
    assert help_.startswith("Not understood. Reply 0 if all are here")
    assert none.startswith("Not on the list: 14 15. Nothing is noted.")
    await text(cast, "0", sender=SAM, id_="c")
    await text(cast, "hello", sender=SAM, id_="d")
    assert len(await replies(cast)) == 3, "nobody is asked any more"


@pytest.mark.parametrize("why", ["unproven", "ended", "disabled", "another number", "a day old"])
async def test_only_the_proven_number_of_a_person_who_works_there_is_heard(
    cast: Cast, why: str
) -> None:
    await a_roll_call(cast)
    now, sender = cast.clock(), SAM
    if why == "unproven":
        await Address.filter(person_id=cast.sam.id, channel="sms").update(verified_at=None)
    elif why == "ended":
        await actions.end_worker(cast.actor("root"), cast.home.id, cast.sam.id, now)
    elif why == "disabled":
        await Person.filter(id=cast.sam.id).update(disabled_at=now)
    elif why == "another number":
        sender = "+33699999999"
    else:
        cast.clock.advance(hours=25)
    await text(cast, "0", sender=sender)
    assert await words(cast) == {}
    assert await replies(cast) == []


async def test_in_two_homes_the_letter_says_which(cast: Cast) -> None:
    await reachable(cast)
    root, now = cast.actor("root"), cast.clock()
    barn = await Home.create(
        id=uuid7(), agency_id=cast.agency.id, name="Barn", zone="Europe/Paris", made_at=now
    )
    await actions.add_worker(root, cast.home.id, cast.sam.id, now)
    cast.clock.advance(seconds=1)
    await actions.add_worker(root, barn.id, cast.sam.id, cast.clock())
    await Child.filter(id=cast.noor.id).update(home_id=barn.id)
    for home in (cast.home.id, barn.id):
        await actions.set_times(root, home, ["13:30"], cast.clock())
    await tick(cast.clock())
    await tick(cast.clock.advance(minutes=30))
    asks = [row.data["asks"] for row in await Message.filter(kind="roll_call", channel="sms")]
    assert sorted(each["letter"] for each in asks) == ["A", "B"]
    await text(cast, "0", sender=SAM, id_="1")
    await text(cast, "C 0", sender=SAM, id_="2")
    assert await words(cast) == {}
    assert await replies(cast) == ["Which one? Write its letter first: A 13:30, B 13:30."]
    await text(cast, "B 0", sender=SAM, id_="3")
    assert await words(cast) == {"noor": "here"}
    await text(cast, "1", sender=SAM, id_="4")
    assert await words(cast) == {"noor": "here", "mia": "not_here"}, "only one waits still"


@pytest.mark.parametrize(
    "why", ["the number is shared", "and there is a number to call", "the home is not asked"]
)
async def test_a_letter_is_never_taken_for_another_home(cast: Cast, why: str) -> None:
    await reachable(cast)
    root, now = cast.actor("root"), cast.clock()
    barn = await Home.create(
        id=uuid7(), agency_id=cast.agency.id, name="Barn", zone="Europe/Paris", made_at=now
    )
    other = "sam" if why == "the home is not asked" else "tom"
    if why == "and there is a number to call":
        await Agency.filter(id=cast.agency.id).update(help_phone="+33 1 23")
    await actions.add_worker(root, cast.home.id, cast.sam.id, now)
    await actions.add_worker(root, barn.id, cast.persons[other].id, cast.clock.advance(seconds=1))
    await Child.filter(id=cast.noor.id).update(home_id=barn.id)
    if other == "tom":
        await reachable(cast, "tom")
    times = [] if other == "sam" else ["13:30"]
    await actions.set_times(root, cast.home.id, times, cast.clock())
    await actions.set_times(root, barn.id, ["13:30"], cast.clock())
    await tick(cast.clock())
    await tick(cast.clock.advance(minutes=30))
    await text(cast, "A 0", sender=SAM)
    assert await words(cast) == {}
    [reply] = await replies(cast)
    # Each of the people who share a number calls their home A.
    assert reply.startswith("Which one?" if other == "sam" else "Nothing is noted: several people")
    assert reply.endswith("call +33 1 23.") is (why == "and there is a number to call")


async def test_the_number_of_a_child_who_moved_is_nobodys(cast: Cast) -> None:
    number = await a_roll_call(cast)
    await Child.filter(id=cast.mia.id).update(home_id=None)
    await text(cast, str(number["mia"]), sender=SAM)
    assert await words(cast) == {}
    [reply] = await replies(cast)
    assert reply.startswith(f"Not on the list: {number['mia']}. Nothing is noted.")
    told = await Message.filter(kind="roll_call_away")
    assert {(row.person_id, row.child_id) for row in told} == {(cast.tom.id, cast.mia.id)}


async def test_who_is_away_by_agreement_or_not_on_the_list_is_not_said_to_be_here(
    cast: Cast,
) -> None:
    await a_roll_call(cast)
    now = cast.clock()
    await Pause.create(
        child_id=cast.mia.id,
        from_at=now - timedelta(hours=1),
        until_at=now + timedelta(hours=5),
        made_by=cast.tom.id,
        made_at=now,
    )
    await HomeNumber.filter(child_id=cast.noor.id).delete()
    await text(cast, "0", sender=SAM)
    assert await words(cast) == {}
    assert await replies(cast) == ["Noted: 0 here. 1 is not on your list yet: open the page."]


async def test_a_number_stays_rests_a_month_and_then_is_the_smallest_that_is_free(
    cast: Cast,
) -> None:
    first = await a_roll_call(cast)
    assert sorted(first.values()) == [1, 2]
    home = cast.home.id

    async def now_given() -> dict[str, int]:
        await numbers.give(home, cast.clock())
        names = {child.id: name for name, child in cast.persons.items()}
        return {names[id_]: number for id_, number in (await numbers_of(home)).items()}

    assert await now_given() == first
    await Child.filter(id=cast.mia.id).update(home_id=None)
    await Child.filter(id=cast.lia.id).update(home_id=home)
    assert await now_given() == {"noor": first["noor"], "lia": 3}
    await Child.filter(id=cast.mia.id).update(home_id=home)
    assert await now_given() == {**first, "lia": 3}, "back soon, with the same number"
    await Child.filter(id=cast.lia.id).update(home_id=None)
    await now_given()
    cast.clock.advance(hours=24 * 31)
    await Child.filter(id=cast.lia.id).update(home_id=home)
    assert (await now_given())["lia"] == 3
