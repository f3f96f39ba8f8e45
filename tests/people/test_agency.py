"""What administrators arrange: the agency, its homes, its people, and finding them."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.people import actions as people
from server.people.agencies.actions import add_home
from server.people.models import Agency, Home, Person
from server.people.rules import Role
from tests.cast import Cast
from tests.races import together

AGENCY = {
    "name": "Harbour",
    "display_name": "Diary",
    "language": "fr",
    "zone": "Europe/Lisbon",
    "help_phone": "+33 1 23 45 67 89",
}


def person(cast: Cast, who: str, **said: str) -> dict[str, str]:
    """The form of somebody as they are, but for what is said."""
    one = cast.persons[who]
    known = {"name": one.name, "role": one.role.value, "language": one.language, "zone": one.zone}
    return known | {"deputy_id": str(one.deputy_id or "")} | said


async def test_the_agency_is_changed_and_the_phones_say_its_display_name(cast: Cast) -> None:
    async with cast.browser_as("root") as root, cast.browser_as("mia") as mia:
        done = await root.post("/desk/people/agency", data=AGENCY)
        assert (done.status_code, done.headers["location"]) == (
            303,
            "/desk/people/agency?saved=yes",
        )
        assert 'value="Diary"' in (await root.get("/desk/people/agency")).text
        assert (await mia.get("/app/manifest.webmanifest")).json()["name"] == "Diary"
        await root.post("/desk/people/agency", data=AGENCY)
    entries = await Entry.filter(what="agency:change").values_list("names", flat=True)
    # What is the same again leaves no entry.
    assert list(entries) == [["display_name", "help_phone", "language", "zone"]]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "1 to 120 characters"),
        ("name", "a\u202eb", "1 to 120 characters"),
        ("display_name", "x" * 41, "40 characters"),
        ("display_name", "My Waymark", "gives nothing away"),
        ("display_name", "harbour", "gives nothing away"),
        ("language", "xx", "Choose a language from the list"),
        ("zone", "Mars/Olympus", "time zone such as"),
        ("help_phone", "call me", "phone number such as"),
        ("help_phone", "1" * 33, "phone number such as"),
    ],
)
async def test_what_does_not_fit_the_agency_is_said_at_its_question(
    cast: Cast, field: str, value: str, words: str
) -> None:
    async with cast.browser_as("root") as root:
        answer = await root.post("/desk/people/agency", data=AGENCY | {field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert words in answer.text
    assert (await Agency.get(id=cast.agency.id)).display_name is None


async def test_homes_are_added_once_and_renamed(cast: Cast) -> None:
    form = {"id": str(uuid4()), "name": "The barn", "zone": "Europe/Lisbon"}
    async with cast.browser_as("root") as root:
        for _ in range(2):
            assert (await root.post("/desk/people/homes", data=form)).status_code == 303
        barn = await Home.get(id=form["id"])
        renamed = {"name": "The mill", "zone": "Europe/Rome"}
        await root.post(f"/desk/people/homes/{barn.id}", data=renamed)
        text = (await root.get("/desk/people/homes")).text
        assert "The mill" in text
        assert "The barn" not in text
        wrong = await root.post(f"/desk/people/homes/{barn.id}", data={"name": "", "zone": "x"})
        assert wrong.status_code == 422
        elsewhere = await add_home(
            SYSTEM, cast.other_agency.id, name="Theirs", zone="Europe/Rome", now=cast.clock()
        )
        theirs = await root.post(f"/desk/people/homes/{elsewhere.id}", data=renamed)
        assert theirs.status_code == 404
        taken = await root.post("/desk/people/homes", data=form | {"id": str(elsewhere.id)})
        assert taken.status_code == 409
    assert (await Home.get(id=elsewhere.id)).name == "Theirs"


async def test_a_person_is_changed_in_place(cast: Cast) -> None:
    form = person(
        cast, "eve", name="Eve Thackeray-Low", role="supervisor", deputy_id=str(cast.tom.id)
    )
    async with cast.browser_as("root") as root:
        done = await root.post(f"/desk/people/{cast.eve.id}", data=form)
        assert done.headers["location"] == "/desk/people?done=person"
        await root.post(f"/desk/people/{cast.eve.id}", data=form)
    eve = await Person.get(id=cast.eve.id)
    assert (eve.name, eve.role, eve.deputy_id) == (
        "Eve Thackeray-Low",
        Role.SUPERVISOR,
        cast.tom.id,
    )
    [entry] = await Entry.filter(what="person:change", about_id=eve.id)
    assert entry.names == ["deputy_id", "name", "role"]


@pytest.mark.parametrize(
    ("name", "said", "field"),
    [
        # Tom leads the plans of two children; nobody who is not one of the agency's staff can.
        ("tom", {"role": "carer"}, "role"),
        ("tom", {"role": "administrator"}, "role"),
        ("root", {"role": "supervisor"}, "role"),
        ("eve", {"role": "child"}, "role"),
        ("eve", {"role": "king"}, "role"),
        ("eve", {"deputy_id": "eve"}, "deputy_id"),
        ("eve", {"deputy_id": "uwe"}, "deputy_id"),
        ("eve", {"deputy_id": "mia"}, "deputy_id"),
        ("eve", {"deputy_id": "nobody"}, "deputy_id"),
        ("eve", {"name": " "}, "name"),
        ("eve", {"zone": "here"}, "zone"),
        ("eve", {"language": "tlh"}, "language"),
    ],
)
async def test_what_a_person_cannot_be_is_said_at_its_question(
    cast: Cast, name: str, said: dict[str, str], field: str
) -> None:
    if said.get("deputy_id") in cast.persons:
        said = {"deputy_id": str(cast.persons[said["deputy_id"]].id)}
    before = await Person.get(id=cast.persons[name].id)
    async with cast.browser_as("root") as root:
        answer = await root.post(f"/desk/people/{before.id}", data=person(cast, name, **said))
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    after = await Person.get(id=before.id)
    assert (after.role, after.deputy_id, after.name) == (
        before.role,
        before.deputy_id,
        before.name,
    )


@pytest.mark.parametrize("name", ["mia", "uwe"])
async def test_a_child_and_a_stranger_have_no_such_page(cast: Cast, name: str) -> None:
    async with cast.browser_as("root") as root:
        path = f"/desk/people/{cast.persons[name].id}"
        assert (await root.get(path)).status_code == 404
        assert (await root.post(path, data=person(cast, name))).status_code == 404


async def test_five_hundred_adults_are_found_by_name_and_come_in_pages(cast: Cast) -> None:
    for n in range(120):
        await people.add_person(
            SYSTEM,
            cast.agency.id,
            people.AddPerson(role=Role.CARER, name=f"Carer {n:03} Long", language="en", zone="UTC"),
            cast.clock(),
        )
    async with cast.browser_as("root") as root:
        first = (await root.get("/desk/people")).text
        assert "Page 1 of 3" in first
        assert "Carer 000 Long" in first
        assert "Tom Verhoeven" not in first
        last = (await root.get("/desk/people?page=3")).text
        assert "Tom Verhoeven" in last
        for words, who, shown, hidden in (
            ("verho TOM", "", "Tom Verhoeven", "Carer 000"),
            ("<b>", "", "No one by that name.", "Tom Verhoeven"),
            ("tom", "gone", "No one by that name.", "Tom Verhoeven"),
            ("", "", "Carer 000 Long", "Tom Verhoeven"),
        ):
            sent = await root.post("/desk/people/find", data={"q": words, "who": who})
            assert sent.status_code == 303
            assert "verho" not in sent.headers["location"].lower()
            found = (await root.get(sent.headers["location"])).text
            assert shown in found
            assert hidden not in found
        many = (await root.post("/desk/people/find", data={"q": "carer"})).headers["location"]
        page = (await root.get(many)).text
        [onward] = re.findall(r'rel="next" href="([^"]+)"', page)
        assert "carer" not in onward
        assert "Page 2 of" in (await root.get(onward.replace("&amp;", "&"))).text
        typed = await root.get("/desk/people?q=verho&who=gone")
        assert typed.headers["location"] == "/desk/people?who=gone", "it leaves the address at once"
        for odd in ("0", "-1", "99", "x", "\u0661"):
            assert (await root.get(f"/desk/people?page={odd}")).status_code == 200


async def test_children_are_listed_without_any_content(cast: Cast) -> None:
    async with cast.browser_as("root") as root:
        text = (await root.get("/desk/people/children")).text
        assert "Mia Castellane" in text
        assert "The house" in text
        assert "Tom Verhoeven" in text
        assert "Lia Marchetti" not in text
        sent = await root.post("/desk/people/children", data={"q": "mia"})
        assert "mia" not in sent.headers["location"].lower()
        found = (await root.get(sent.headers["location"])).text
        assert "Mia Castellane" in found
        assert "Noor" not in found
        typed = (await root.get("/desk/people/children?q=mia")).text
        assert "Noor" in typed, "a name in an address looks for nothing"


async def test_of_two_administrators_who_demote_each_other_at_once_one_stays(cast: Cast) -> None:
    await Person.filter(id=cast.eve.id).update(role=Role.ADMINISTRATOR)
    async with cast.browser_as("root") as root, cast.browser_as("eve") as eve:
        root_form = person(cast, "root", role=Role.CASEWORKER.value)
        eve_form = person(cast, "eve", role=Role.CASEWORKER.value)
        await together(
            root.post(f"/desk/people/{cast.eve.id}", data=eve_form),
            eve.post(f"/desk/people/{cast.root.id}", data=root_form),
        )
    left = Person.filter(agency_id=cast.agency.id, role=Role.ADMINISTRATOR)
    assert await left.count() == 1
