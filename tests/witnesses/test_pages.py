"""The pages: who is asked, at the desk; the list of a day, by a link behind a PIN; the register."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from server.notify.models import Message
from server.people.models import Tie
from server.watch.models import WitnessWord
from server.witnesses import actions, lists
from server.witnesses.models import Witness, WitnessChild, WitnessList
from tests.cast import Cast
from tests.witnesses.school import arrange, asked, latest, tick

CLUB: dict[str, Any] = {
    "kind": "club",
    "name": "FC Rhône",
    "channel": "email",
    "address": "coach@fc.example",
    "language": "fr",
    "days": ["3"],
    "at": "18:00",
    "known_as": "M.",
    "wants": "yes",
}


def fields_of(page: str) -> dict[str, str]:
    """What the form of a list would send, without a word."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


async def open_list(
    cast: Cast, browser: httpx2.AsyncClient, sheet: WitnessList, pin: str
) -> tuple[str, dict[str, str]]:
    path = f"/list/{lists.token_of(sheet)}"
    answer = await browser.post(path, data={"pin": pin})
    assert answer.status_code == 200
    return path, fields_of(answer.text)


async def seats(cast: Cast) -> dict[str, str]:
    names = {child.id: name for name, child in cast.persons.items()}
    return {names[seat.child_id]: str(seat.id) for seat in await WitnessChild.all()}


async def test_a_caseworker_arranges_a_club_and_tells_it_the_pin(cast: Cast) -> None:
    path, id_ = f"/desk/children/{cast.mia.id}/witnesses", str(uuid4())
    async with cast.browser_as("tom") as browser:
        for name, value in (
            ("wants", ""),
            ("kind", "spy"),
            ("name", ""),
            ("address", "no"),
            ("known_as", ""),
            ("days", []),
            ("at", "25:00"),
            ("channel", "pigeon"),
        ):
            refused = await browser.post(path, data={**CLUB, "id": id_, name: value})
            assert refused.status_code == 422, name
            assert "FC Rhône" in refused.text or name == "name", "what was typed is still there"
        assert not await Witness.all().exists()
        made = await browser.post(path, data={**CLUB, "id": id_})
        assert made.status_code == 201
        assert re.search(r'dir="ltr">\d{6}</bdi>', made.text)
        again = await browser.post(path, data={**CLUB, "id": id_})
        assert again.headers["location"] == f"/desk/witnesses/{id_}"
        page = (await browser.get(path)).text
        assert "FC Rhône" in page
        assert "Thursday" in page
        assert "18:00" in page
        people = (await browser.get(f"/desk/children/{cast.mia.id}/people")).text
        assert f'href="{path}"' in people
        await browser.post(f"{path}/{id_}/end")
        assert "FC Rhône" not in (await browser.get(path)).text
    assert await Witness.filter(ended_at__isnull=False).count() == 1


async def test_a_school_is_offered_for_a_second_child_and_a_mentor_is_not(cast: Cast) -> None:
    school = await arrange(cast, "mia")
    mentor = await arrange(cast, "mia", kind=actions.rules.Kind.MENTOR)
    path = f"/desk/children/{cast.noor.id}/witnesses"
    form = {"known_as": "Noor", "wants": "yes"}
    async with cast.browser_as("ines") as browser:
        page = (await browser.get(path)).text
        assert str(school.witness.id) in page
        assert str(mentor.witness.id) not in page
        answer = await browser.post(path, data={**form, "witness": str(mentor.witness.id)})
        assert answer.status_code == 422
        answer = await browser.post(path, data={**form, "witness": str(school.witness.id)})
        assert answer.status_code == 303
    assert await WitnessChild.filter(witness_id=school.witness.id).count() == 2


async def test_a_mentor_is_asked_for_no_school_register(cast: Cast) -> None:
    for kind, has_one in ((actions.rules.Kind.MENTOR, False), (actions.rules.Kind.SCHOOL, True)):
        made = await arrange(cast, "mia", kind=kind)
        async with cast.browser_as("tom") as browser:
            page = (await browser.get(f"/desk/witnesses/{made.witness.id}")).text
        assert "Change days and time" in page
        assert ("Hand in the school" in page) is has_one
        assert ("address for the register" in page) is has_one


async def test_the_list_opens_with_the_pin_alone_and_is_one_tap_a_child(cast: Cast) -> None:
    sheet, made = await asked(cast)
    rows = await seats(cast)
    async with cast.client() as browser:
        path = f"/list/{lists.token_of(sheet)}"
        closed = await browser.get(path)
        assert closed.status_code == 200
        wrong = await browser.post(path, data={"pin": "12"})
        assert wrong.status_code == 422
        for page in (closed.text, wrong.text):
            assert "Mia" not in page
            assert made.witness.name not in page
        assert "set-cookie" not in closed.headers
        path, form = await open_list(cast, browser, sheet, made.pin)
        half = await browser.post(path, data={**form, f"word-{rows['mia']}": "here"})
        assert "1 name still has no answer" in half.text
        form = fields_of(half.text)
        done = await browser.post(path, data={**form, f"word-{rows['noor']}": "excused"})
        assert "Thank you" in done.text
        assert done.text.count("checked") == 2, "what was said is shown, and can be corrected"
        for page in (half.text, done.text):
            for word in ("Waymark", "placed", cast.agency.name, str(cast.mia.id)):
                assert word not in page
    assert (await latest(made.witness)).state == "done"
    words = {row.child_id: row.word for row in await WitnessWord.all()}
    assert words == {cast.mia.id: "here", cast.noor.id: "excused"}


async def test_what_was_tapped_is_kept_while_the_pin_is_asked_for_again(cast: Cast) -> None:
    sheet, made = await asked(cast)
    rows = await seats(cast)
    async with cast.client() as browser:
        path, form = await open_list(cast, browser, sheet, made.pin)
        cast.clock.advance(hours=2)
        late = await browser.post(path, data={**form, f"word-{rows['mia']}": "not_here"})
        assert late.status_code == 422
        assert not await WitnessWord.all().exists()
        kept = fields_of(late.text)
        assert kept == {f"word-{rows['mia']}": "not_here"}
        opened = await browser.post(path, data={**kept, "pin": made.pin})
        assert 'value="not_here" checked' in opened.text
        other = await arrange(cast, "noor", at="15:31")
        await tick(cast.clock.advance(minutes=1))
        elsewhere = f"/list/{lists.token_of(await latest(other.witness))}"
        refused = await browser.post(elsewhere, data={**fields_of(opened.text)})
        assert refused.status_code == 422, "a PIN opens one list alone"


async def test_nonsense_in_a_list_says_nothing_and_one_that_is_over_says_so(cast: Cast) -> None:
    sheet, made = await asked(cast)
    rows = await seats(cast)
    async with cast.client() as browser:
        path, form = await open_list(cast, browser, sheet, made.pin)
        bad = {
            f"word-{rows['mia']}": "gone",
            "word-x": "here",
            f"word-{uuid4()}": "here",
            "id": "?",
        }
        answer = await browser.post(path, data={**form, **bad})
        assert answer.status_code == 200
        assert not await WitnessWord.all().exists()
        cast.clock.set(sheet.ends_at)
        for over in (await browser.get(path), await browser.post(path, data=form)):
            assert over.status_code == 404
            assert "This list is over" in over.text


REGISTER = "Name;Word\nmia ;Present\nNoor;absent\nSomebody Else;absent\n\n"


async def test_a_register_as_a_file_is_matched_and_yesterdays_is_refused(cast: Cast) -> None:
    _, made = await asked(cast)
    path = f"/desk/witnesses/{made.witness.id}"
    form = {"id": str(uuid4()), "day": "2026-03-02", "register": REGISTER}
    dated = "name,word,date\nMia,here,2026-03-01\n"
    async with cast.browser_as("tom") as browser:
        for wrong, says in (
            ({"day": "2026-03-01"}, "This is yesterday&#39;s register."),
            ({"day": "2026-03-03"}, "This register is of another day."),
            ({"register": dated}, "This is yesterday&#39;s register."),
            ({"register": "who,what\nMia,here"}, "must have the columns"),
            ({"register": ""}, "Choose the file"),
        ):
            refused = await browser.post(f"{path}/register", data={**form, **wrong})
            assert (refused.status_code, says in refused.text) == (422, True), wrong
        assert not await WitnessWord.all().exists()
        for _ in range(2):
            taken = await browser.post(f"{path}/register", data=form)
            assert taken.status_code == 200
        assert "2 children matched" in taken.text
        assert "Somebody Else" in taken.text
        page = (await browser.get(path)).text
        assert "Filled in at" in page
    words = {row.child_id: (row.word, row.way, row.by_id) for row in await WitnessWord.all()}
    assert words == {
        cast.mia.id: ("here", "file", cast.tom.id),
        cast.noor.id: ("not_here", "file", cast.tom.id),
    }


async def test_a_file_speaks_only_for_the_children_of_the_person_who_brings_it(cast: Cast) -> None:
    """Nor does it tell whether a colleague's child is on the list."""
    _, made = await asked(cast)
    await Tie.filter(child_id=cast.noor.id, person_id=cast.tom.id).delete()
    form = {"id": str(uuid4()), "day": "2026-03-02", "register": REGISTER}
    async with cast.browser_as("tom") as browser:
        taken = await browser.post(f"/desk/witnesses/{made.witness.id}/register", data=form)
    assert "1 child matched" in taken.text
    assert "Noor" in taken.text, "as a name that is nobody's here"
    assert [row.child_id for row in await WitnessWord.all()] == [cast.mia.id]


async def test_a_worker_speaks_for_no_child_of_a_colleague_through_a_shared_list(
    cast: Cast,
) -> None:
    made = await arrange(cast, "mia", "noor")
    path, before = f"/desk/witnesses/{made.witness.id}", await Witness.get(id=made.witness.id)
    await Tie.filter(child_id=cast.noor.id, person_id=cast.tom.id).delete()
    async with cast.browser_as("tom") as browser:
        page = (await browser.get(path)).text
        for end in ("pin", "address", "end"):
            assert f"{path}/{end}" not in page
            refused = await browser.post(f"{path}/{end}")
            assert refused.status_code == 422, end
            assert "Colleagues have children on this list" in refused.text
            assert "Noor" not in refused.text
    assert dict(await Witness.get(id=made.witness.id)) == dict(before)
    async with cast.browser_as("ines") as browser:
        assert (await browser.post(f"{path}/address")).status_code == 201


@pytest.mark.parametrize("name", ["Noor", "Nobody There"])
async def test_a_worker_learns_no_name_of_a_colleagues_child_by_adding_one_of_their_own(
    cast: Cast, name: str
) -> None:
    made = await arrange(cast, "noor")
    await Tie.filter(child_id=cast.noor.id, person_id=cast.tom.id).delete()
    mine = f"/desk/children/{cast.mia.id}/witnesses"
    add = {"witness": str(made.witness.id), "wants": "yes", "known_as": name}
    async with cast.browser_as("tom") as browser:
        refused = await browser.post(mine, data=add)
    assert refused.status_code == 422
    assert "Colleagues have children on this list" in refused.text
    assert "Another child" not in refused.text
    assert await WitnessChild.filter(witness_id=made.witness.id).count() == 1


async def test_a_school_sends_its_register_by_itself_before_the_list_is_due(cast: Cast) -> None:
    made = await arrange(cast, "mia", "noor")
    lines = [{"name": "Mia", "word": "here"}, {"name": "Noor", "word": "?"}]
    body = {"id": "a", "day": "2026-03-02", "lines": lines}
    async with cast.browser_as("tom") as browser:
        for _ in range(2):
            page = await browser.post(f"/desk/witnesses/{made.witness.id}/address")
            addresses = re.findall(r"/inbound/register/[\w-]+", page.text)
    async with cast.client() as school:
        assert (await school.post("/inbound/register/nonsense", json=body)).status_code == 404
        for _ in range(2):
            answer = await school.post(addresses[0], json=body)
            assert (answer.status_code, answer.json()) == (
                200,
                {"matched": 1, "unknown": [], "unread": ["Noor"]},
            )
        for wrong in ({**body, "day": "2026-03-01"}, {**body, "lines": 3}, {**body, "id": ""}):
            assert (await school.post(addresses[0], json=wrong)).status_code == 422
        assert await WitnessWord.all().count() == 1
        await tick(cast.clock.advance(minutes=30))
        assert await Message.filter(kind="ask_witness").count() == 1, "Noor has no word yet"
        whole = {**body, "id": "b", "lines": [{"name": "NOOR", "word": "excused"}]}
        await school.post(addresses[0], json=whole)
        assert (await latest(made.witness)).state == "done"
        await actions.end(cast.actor("ines"), made.witness, cast.clock())
        assert (await school.post(addresses[0], json=whole)).status_code == 404


async def test_no_register_is_taken_on_a_day_without_a_list(cast: Cast) -> None:
    made = await arrange(cast, "mia", days=(3,))
    form = {"id": str(uuid4()), "day": "2026-03-02", "register": REGISTER}
    async with cast.browser_as("tom") as browser:
        answer = await browser.post(f"/desk/witnesses/{made.witness.id}/register", data=form)
    assert answer.status_code == 422
    assert "No list is due from them today." in answer.text


async def test_the_page_of_a_witness_is_for_those_who_answer_for_a_child_there(cast: Cast) -> None:
    made = await arrange(cast, "mia")
    path = f"/desk/witnesses/{made.witness.id}"
    for name, status in (("tom", 200), ("ines", 200), ("sam", 404), ("root", 404), ("ada", 404)):
        async with cast.browser_as(name) as browser:
            assert (await browser.get(path)).status_code == status, name
    async with cast.browser_as("tom") as browser:
        ended = await browser.post(f"{path}/end")
        assert ended.headers["location"] == f"/desk/children/{cast.mia.id}/witnesses?done=ended"
        assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_the_child_sees_who_is_asked_and_when(cast: Cast) -> None:
    made = await arrange(cast, "mia")
    async with cast.client_as("mia") as phone:
        told = (await phone.get("/api/v1/witnesses")).json()
    assert told == {
        "witnesses": [
            {
                "id": str(made.witness.id),
                "kind": "school",
                "name": "Lycée Monge",
                "days": [0, 1, 2, 3, 4],
                "at": "13:30",
                "until": None,
                "known_as": "Mia",
                "before": None,
                "changed_at": None,
            }
        ]
    }
    async with cast.client_as("noor") as phone:
        assert (await phone.get("/api/v1/witnesses")).json() == {"witnesses": []}


async def test_the_board_says_that_a_list_is_missing_and_leads_to_it(cast: Cast) -> None:
    _, made = await asked(cast)
    await tick(cast.clock.advance(hours=2))
    says = "School list not filled in: "
    for name, is_told in (("tom", True), ("ines", True), ("sam", False), ("ada", False)):
        await cast.new_token(name)  # Two hours are too long for a session.
        async with cast.browser_as(name) as browser:
            board = (await browser.get("/desk/")).text
        assert (says in board) == is_told, name
        assert (f"/desk/witnesses/{made.witness.id}" in board) == is_told
