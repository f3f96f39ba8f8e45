"""What adults notice: one tap, once, with a way back from a wrong one; and who may read it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from server.audit.models import Entry
from server.errors import Conflict, IdReused, NotFound, Refused
from server.people.rules import Role
from server.security import encryption
from server.storage.db import fetch
from server.watch.signals import observations
from server.watch.signals.models import Observation
from server.watch.signals.warning_signs import GROUPS, SIGNS
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import no_fault, together

WORDS = "Under her bed, since Monday."


def api(cast: Cast, rest: str = "", child: str = "mia") -> str:
    return f"/api/v1/children/{cast.persons[child].id}/observations{rest}"


def desk(cast: Cast, rest: str = "", child: str = "mia") -> str:
    return f"/desk/children/{cast.persons[child].id}{rest}"


def said(**other: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "sign": "packed_bag", "words": WORDS} | other


async def noted(cast: Cast, name: str = "sam", **other: Any) -> Observation:
    asked = observations.ObservationRequest(**{"id": uuid4(), "sign": "packed_bag"} | other)
    child = cast.children["mia"]
    return await observations.note(cast.actor(name), child, Role.CARER, asked, cast.clock())


def test_every_sign_has_a_code_of_its_own_that_a_row_has_room_for() -> None:
    codes = [code for _, signs in GROUPS for code, _ in signs]
    assert len(codes) == len(set(codes)) == len(SIGNS)
    assert all(len(code) <= 24 for code in codes)


def test_where_a_child_comes_from_and_what_it_believes_is_no_sign() -> None:
    words = " ".join([*SIGNS, *SIGNS.values()]).lower()
    assert not re.search(
        r"national|origin|ethnic|religio|faith|pray|mosque|church|race|skin", words
    )


# --- noting


async def test_a_tap_is_noted_once_even_when_the_carer_sends_it_twice(cast: Cast) -> None:
    id_ = uuid4()
    first = await noted(cast, id=id_, words=WORDS)
    cast.clock.advance(minutes=5)
    again = await noted(cast, id=id_, words=WORDS)
    assert (first.id, first.at) == (again.id, again.at)
    assert await Observation.all().count() == 1
    assert await Entry.filter(what="observation:note", about_id=id_).count() == 1


async def test_of_many_that_come_in_one_moment_one_is_noted(cast: Cast) -> None:
    id_ = uuid4()
    no_fault(await together(*(noted(cast, id=id_) for _ in range(4))))
    assert await Observation.all().count() == 1
    assert await Entry.filter(what="observation:note").count() == 1


@pytest.mark.parametrize("other", [{"sign": "injuries"}, {"words": "Else."}])
async def test_a_known_id_with_anything_else_is_refused(cast: Cast, other: dict[str, Any]) -> None:
    id_ = uuid4()
    await noted(cast, id=id_)
    with pytest.raises(IdReused):
        await noted(cast, id=id_, **other)
    with pytest.raises(IdReused):
        await noted(cast, "tom", id=id_)


async def test_what_is_no_sign_is_refused(cast: Cast) -> None:
    for sign in ("", "religion", "Packed_Bag"):
        with pytest.raises(Refused) as fault:
            await noted(cast, sign=sign)
        assert fault.value.field == "sign"


async def test_words_are_sealed_and_an_entry_holds_none(cast: Cast) -> None:
    made = await noted(cast, words=WORDS)
    [row] = await fetch("SELECT words FROM observation", [])
    assert row["words"].startswith(encryption.MARK)
    assert (await Observation.get(id=made.id)).words == WORDS
    entry = await Entry.get(what="observation:note")
    assert (entry.child_id, entry.who_id, entry.names, entry.why) == (
        cast.mia.id,
        cast.sam.id,
        [],
        None,
    )


# --- taking back


async def test_a_wrong_tap_is_taken_back_once_and_both_stay_on_record(cast: Cast) -> None:
    made, mia = await noted(cast), cast.children["mia"]
    cast.clock.advance(minutes=59)
    for _ in range(2):
        await observations.take_back(cast.actor("sam"), mia, made.id, cast.clock())
    assert await observations.noticed(mia.id) == []
    assert (await Observation.get(id=made.id)).taken_back_at == cast.clock()
    assert await Entry.filter(what="observation:take_back", about_id=made.id).count() == 1


async def test_it_stays_after_an_hour_and_nobody_takes_back_what_another_one_noted(
    cast: Cast,
) -> None:
    made, mia = await noted(cast), cast.children["mia"]
    for name, child in (("tom", "mia"), ("sam", "noor")):
        with pytest.raises(NotFound):
            await observations.take_back(
                cast.actor(name), cast.children[child], made.id, cast.clock()
            )
    with pytest.raises(Conflict) as fault:
        await observations.take_back(
            cast.actor("sam"), mia, made.id, made.at + timedelta(hours=1, seconds=1)
        )
    assert fault.value.code == "too_late"
    assert [one.id for one in await observations.noticed(mia.id)] == [made.id]


# --- over the wire


async def test_a_carer_notes_and_reads_nobodys_and_those_who_answer_for_her_read(
    cast: Cast,
) -> None:
    body = said()
    async with cast.client_as("sam") as sam:
        first = await sam.post(api(cast), json=body)
        assert first.status_code == 201, first.text
        assert (await sam.post(api(cast), json=body)).json() == first.json()
        reused = await sam.post(api(cast), json=body | {"sign": "injuries"})
        assert (reused.status_code, reused.json()["code"]) == (409, "id_reused")
        wrong = await sam.post(api(cast), json=said(sign="mood"))
        assert (wrong.status_code, wrong.json()["field"]) == (422, "sign")
        assert (await sam.get(api(cast))).status_code == 403
    async with cast.client_as("tom") as tom, cast.client_as("mia") as mia:
        [one] = (await tom.get(api(cast))).json()["observations"]
        assert (one["sign"], one["by"], one["by_role"], one["words"]) == (
            "packed_bag",
            "Sam Oyelaran",
            "carer",
            WORDS,
        )
        assert (await mia.get(api(cast))).status_code == 403
        assert (await tom.delete(api(cast, f"/{body['id']}"))).status_code == 404
    async with cast.client_as("sam") as sam:
        for _ in range(2):
            assert (await sam.delete(api(cast, f"/{body['id']}"))).status_code == 204
        late = await sam.post(api(cast), json=said())
    cast.clock.advance(hours=2)
    await cast.new_token("sam")
    await cast.new_token("tom")
    async with cast.client_as("sam") as sam:
        refused = await sam.delete(api(cast, f"/{late.json()['id']}"))
        assert (refused.status_code, refused.json()["code"]) == (409, "too_late")
    async with cast.client_as("tom") as tom:
        assert len((await tom.get(api(cast))).json()["observations"]) == 1


async def test_the_childs_phone_shows_a_look_at_observations_as_a_look_at_the_childs_page(
    cast: Cast,
) -> None:
    async with cast.client_as("tom") as tom, cast.client_as("mia") as mia:
        await tom.get(api(cast))
        looks = (await mia.get("/api/v1/looks")).json()["looks"]
    assert [(look["what"], look["code"]) for look in looks] == [("Your page", "look:child:see")]


# --- at the desk


async def test_two_taps_note_it_and_one_more_takes_it_back(cast: Cast) -> None:
    async with at_desk(cast, "sam") as browser:
        assert desk(cast, "/observation") in (await browser.get("/desk/")).text
    async with at_desk(cast, "tom") as browser:
        assert desk(cast, "/observation") in (await browser.get(desk(cast))).text
        page = (await browser.get(desk(cast, "/observation"))).text
        [id_] = re.findall(r'name="id" value="([^"]+)"', page)
        for _ in range(2):
            sent = await browser.post(
                desk(cast, "/observation"), data={"id": id_, "sign": "packed_bag", "words": ""}
            )
            assert sent.status_code == 303
        assert await Observation.all().count() == 1
        after = (await browser.get(sent.headers["location"])).text
        assert "Noted: A packed bag" in after
        back = await browser.post(desk(cast, f"/observation/{id_}/back"), data={})
        assert back.status_code == 303
        assert "Noted: A packed bag" not in (await browser.get(back.headers["location"])).text
    assert (await Observation.get(id=UUID(id_))).taken_back_at is not None


async def test_a_carer_sees_only_what_they_noted_themselves(cast: Cast) -> None:
    await noted(cast, "tom", sign="injuries", words=WORDS)
    async with at_desk(cast, "sam") as browser:
        page = (await browser.get(desk(cast, "/observation"))).text
    assert "/back" not in page
    assert WORDS not in page


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"sign": "religion"}, "Choose one from the list."),
        ({"sign": "packed_bag", "id": "no id"}, "“id” is not valid here."),
        ({"sign": "packed_bag", "words": "x" * 20_001}, "Write up to 20,000 characters."),
    ],
)
async def test_nonsense_keeps_what_was_typed_and_says_what_to_do(
    cast: Cast, form: dict[str, str], sentence: str
) -> None:
    typed = {"id": str(uuid4()), "words": "I am not sure"} | form
    async with at_desk(cast, "tom") as browser:
        refused = await browser.post(desk(cast, "/observation"), data=typed)
    assert refused.status_code == 422
    assert sentence in refused.text
    assert typed["words"][:20_000] in refused.text
    assert not await Observation.exists()


async def test_the_childs_page_says_what_an_adult_noticed_and_which_adult(cast: Cast) -> None:
    made = await noted(cast, words="<b>Under the bed</b>")
    wrong = await noted(cast, sign="injuries")
    await observations.take_back(cast.actor("sam"), cast.children["mia"], wrong.id, cast.clock())
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(desk(cast, "/safety"))).text
    assert "What adults noticed" in page
    assert SIGNS[made.sign] in page
    assert SIGNS[wrong.sign] not in page
    assert "By Sam Oyelaran, carer" in page
    assert "&lt;b&gt;Under the bed" in page
