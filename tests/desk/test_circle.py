"""The people around a child as a picture: who acts first, who is away, and where one mends it."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.ladder import Reachable
from server.audit.actions import SYSTEM
from server.desk.circle.reading import MOST_CARERS, Circle, circle_of
from server.desk.circle.rules import (
    DIAL,
    MOST_FAR,
    MOST_NEAR,
    NEAR,
    Around,
    Doubt,
    Place,
    in_order,
    places_of,
    rings,
    turns_of,
)
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Address, Message
from server.people import actions as people
from server.people.access import Roles
from server.people.models import Home, Person
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.model import PEOPLED, Rung
from server.rota import planning
from server.watch.trusted import contacts
from server.watch.trusted.contacts import Contact, TrustedRequest
from tests.advocates.made import advocate
from tests.cast import Cast
from tests.desk.walking import at, at_desk, run_until

SUPERVISOR: Roles = frozenset({Role.SUPERVISOR})


async def around(cast: Cast, roles: Roles = SUPERVISOR, child: str = "mia") -> Circle:
    """Everyone around the child."""
    return await circle_of(cast.children[child], roles, cast.clock())


def by_name(circle: Circle) -> dict[str, Around]:
    return {each.name.split()[0]: each for each in circle.people}


async def page_of(cast: Cast, name: str, child: str = "mia") -> str:
    async with at_desk(cast, name) as browser:
        shown = await browser.get(f"/desk/children/{cast.persons[child].id}/people")
    assert shown.status_code == 200
    return shown.text


def rows(page: str) -> dict[str, str]:
    """The rows of the table, by the first name in each."""
    table = page.split('id="everyone"', 1)[1].split("</table>", 1)[0]
    found = table.split("<tbody", 1)[1].split("<tr ")[1:]
    return {re.findall(r"<bdi>(\S+?)[ <]", row)[0]: row for row in found}


async def proven(cast: Cast, *names: str) -> None:
    """These people have an address that counts."""
    for name in names:
        person = cast.persons[name]
        address = AddAddress(channel="email", value=f"{name}@example.org")
        await add_address(cast.actor(name), person.id, address, cast.clock())
    await Address.all().update(verified_at=cast.clock())


# --- the rules


PEOPLE = st.sets(st.integers(1, 6).map(lambda number: UUID(int=number)))


@given(
    rungs=st.lists(st.sampled_from(PEOPLED), unique=True, min_size=1),
    there=st.dictionaries(st.sampled_from(PEOPLED), PEOPLE),
)
def test_the_numbers_follow_the_ladder_without_a_gap(
    rungs: list[Rung], there: dict[Rung, set[UUID]]
) -> None:
    turns = turns_of(rungs, Reachable(there))
    on_ladder = set().union(*(there.get(rung, set()) for rung in rungs))
    assert set(turns) == on_ladder
    assert sorted(set(turns.values())) == list(range(1, len(set(turns.values())) + 1))
    first = {
        person: min(n for n, rung in enumerate(rungs) if person in there.get(rung, ()))
        for person in turns
    }
    assert all(
        (turns[one] < turns[other]) == (first[one] < first[other])
        for one in turns
        for other in turns
        if turns[one] != turns[other]
    )


def _made(places: Collection[Place]) -> list[Around]:
    return [
        Around(
            id=UUID(int=number),
            name=f"Person {number}",
            places=(place,),
            doubt=Doubt.NO_ADDRESS if number % 5 == 4 else None,
        )
        for number, place in enumerate(places)
    ]


@given(st.lists(st.sampled_from(Place), max_size=40))
def test_everyone_has_a_place_of_their_own_on_a_ring_or_is_counted(places: list[Place]) -> None:
    people = in_order(_made(places))
    near, far = rings(people)
    for ring, most in ((near, MOST_NEAR), (far, MOST_FAR)):
        taken = [at for _, at in ring.seats] + ([ring.more_at] if ring.more else [])
        assert len(taken) == len(set(taken)) <= most
        assert all(0 <= at < DIAL for at in taken)
        gaps = [(b - a) % DIAL for a, b in zip(taken, taken[1:] + taken[:1], strict=True)]
        assert len(taken) < 2 or min(gaps) >= DIAL // len(taken)
    shown = len(near.seats) + len(far.seats)
    assert shown + near.more + far.more == len(people)
    assert all(each.places[0] in NEAR for each, _ in near.seats)
    # A person who we may not reach is drawn before one who we do.
    for ring in (near, far):
        drawn = {each.id for each, _ in ring.seats}
        left = [p for p in people if p.is_near is (ring is near) and p.id not in drawn]
        if any(not each.is_fit for each in left):
            assert all(not each.is_fit for each, _ in ring.seats)


def test_who_is_alone_on_the_outer_ring_is_at_its_side_where_the_picture_has_room() -> None:
    _, far = rings(_made([Place.SUPERVISOR]))
    assert [at for _, at in far.seats] == [DIAL // 4]


def test_a_person_stands_once_with_all_that_they_are_the_nearest_first() -> None:
    one, other = UUID(int=1), UUID(int=2)
    held = places_of(
        [(one, "supervisor"), (one, "caseworker")],
        {Place.ON_DUTY: [one], Place.CALLED: [one, other]},
    )
    assert held == {
        one: (Place.CASEWORKER, Place.SUPERVISOR, Place.ON_DUTY),
        other: (Place.CALLED,),
    }


# --- the rows


async def test_those_who_act_first_are_near_and_have_the_number_of_their_call(cast: Cast) -> None:
    await advocate(cast)
    circle = await around(cast)
    each = by_name(circle)
    near = [name for name, person in each.items() if person.is_near]
    assert near == ["Tom", "The", "Sam"]
    assert {name: person.turn for name, person in each.items()} == {
        "Tom": 1,
        "The": None,
        "Sam": None,
        "Ines": 2,
        "Ruth": None,
    }
    # She is his deputy too, and stands once.
    assert each["Ines"].places == (Place.SUPERVISOR, Place.DEPUTY)


async def test_a_person_on_leave_is_marked_and_their_cover_is_there(cast: Cast) -> None:
    now = cast.clock()
    leave = planning.LeaveRequest(
        id=uuid4(),
        person_id=cast.tom.id,
        cover_id=cast.eve.id,
        from_at=now,
        until_at=now + timedelta(days=3),
    )
    await planning.add_leave(cast.actor("tom"), cast.agency.id, leave, now)
    each = by_name(await around(cast))
    assert each["Tom"].absence is not None
    assert each["Tom"].absence.cover == cast.eve.id
    assert each["Tom"].turn is None, "he is not called while another stands in"
    assert (each["Eve"].places, each["Eve"].turn) == ((Place.COVER,), 1)
    row = rows(await page_of(cast, "ines"))["Tom"]
    assert "Eve Thackeray covers." in row
    cast.clock.advance(days=4)
    assert "Eve" not in by_name(await around(cast))


async def test_who_has_no_proven_address_is_seen_with_the_link_that_mends_it(cast: Cast) -> None:
    await proven(cast, "ines", "sam")
    each = by_name(await around(cast))
    assert each["Tom"].doubt is Doubt.NO_ADDRESS
    assert each["Ines"].doubt is each["Sam"].doubt is None
    assert each["The"].doubt is Doubt.NO_NUMBER
    page = await page_of(cast, "ines")
    ask = f"/desk/children/{cast.mia.id}/flags?to={cast.tom.id}&amp;about=address"
    assert ask in rows(page)["Tom"]
    picture = page.split('class="around"', 1)[1].split("</div>", 1)[0]
    assert ask in picture
    assert "No address" in picture
    # Tom himself is led to where he confirms one.
    assert "/desk/settings" in rows(await page_of(cast, "tom"))["Tom"]
    await Home.filter(id=cast.home.id).update(phone="+33 1 23 45 67 89")
    await proven(cast, "tom")
    assert all(each.doubt is None for each in (await around(cast)).people)
    assert "No address" not in await page_of(cast, "ines")


async def test_the_link_begins_a_flag_for_that_colleague(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}/flags"
    async with at_desk(cast, "ines") as browser:
        form = (await browser.get(f"{path}?to={cast.tom.id}&about=address")).text
        other = (await browser.get(f"{path}?to={cast.eve.id}&about=nonsense")).text
    assert f'<option value="{cast.tom.id}" selected>' in form
    assert "how we reach you" in form
    assert f'<option value="{cast.ines.id}" selected>' in other
    assert "how we reach you" not in other


async def test_people_the_child_named_are_for_those_who_decide_about_them(cast: Cast) -> None:
    asked = TrustedRequest(uuid4(), "Rosa Diaz", "+33 6 12 34 56 78")
    child, now = cast.children["noor"], cast.clock()
    await contacts.name_person(cast.actor("noor"), child, asked, now)
    page = await page_of(cast, "tom", "noor")
    assert "Nobody has decided yet" in rows(page)["Rosa"]
    assert f"/desk/children/{child.id}/trusted" in rows(page)["Rosa"]
    assert "+33" not in page
    contact = Contact("email", "rosa@example.org", "en")
    await contacts.say_yes(cast.actor("tom"), child.id, asked.id, contact, now)
    assert by_name(await around(cast, child="noor"))["Rosa"].is_fit
    await contacts.say_no(cast.actor("tom"), child.id, asked.id, "She has moved.", now)
    assert "Rosa" not in by_name(await around(cast, child="noor"))


async def test_a_guardian_sees_who_is_there_and_nothing_of_how_staff_are_reached(
    cast: Cast,
) -> None:
    asked = TrustedRequest(uuid4(), "Rosa Diaz", "+33 6 12 34 56 78")
    await contacts.name_person(cast.actor("noor"), cast.children["noor"], asked, cast.clock())
    page = await page_of(cast, "ada", "noor")
    assert set(rows(page)) == {"Tom", "Ines", "Ada"}
    for hidden in ("Rosa", "No address", "deputy", "Call order", "/flags", "/ties"):
        assert hidden not in page.split('id="people"', 1)[1].split("</table>", 1)[0]


async def test_in_an_alert_the_picture_leads_to_the_numbers_and_shows_who_was_called(
    cast: Cast,
) -> None:
    await proven(cast, "tom", "ines", "sam")
    await run_until(cast, at(23, 30))
    circle = await around(cast)
    assert circle.alert_id is not None
    page = await page_of(cast, "ines")
    numbers = f"/desk/alerts/{circle.alert_id}/numbers#call"
    assert numbers in rows(page)["Sam"]
    assert numbers in rows(page)["The"]
    assert not by_name(circle)["Tom"].is_called, "no channel has taken the call yet"
    assert "We have called them about the open alert." not in rows(page)["Tom"]
    calls = Message.filter(subject_id=circle.alert_id, person_id=cast.tom.id)
    await calls.filter(kind="alert").update(state="done")
    assert by_name(await around(cast))["Tom"].is_called
    page = await page_of(cast, "ines")
    assert "We have called them about the open alert." in rows(page)["Tom"]


async def test_a_person_on_duty_is_there_and_gone_after_it(cast: Cast) -> None:
    await cast.on_duty("eve")
    each = by_name(await around(cast))
    assert (each["Eve"].places, each["Eve"].turn) == ((Place.ON_DUTY,), 3)
    cast.clock.advance(hours=2)
    assert "Eve" not in by_name(await around(cast))


@pytest.mark.parametrize(("many", "is_cut"), [(25, False), (MOST_CARERS + 5, True)])
async def test_many_people_stay_one_page_and_the_picture_counts_those_without_room(
    cast: Cast, many: int, is_cut: bool
) -> None:
    for number in range(many):
        adult = people.AddPerson(
            role=Role.CARER, name=f"Carer {number:02}", language="en", zone="Europe/Paris"
        )
        carer = await people.add_person(SYSTEM, cast.agency.id, adult, cast.clock())
        tie = AddTie(person_id=carer.id, role=Role.CARER)
        await add_tie(SYSTEM, cast.children["mia"], tie, cast.clock())
    page = await page_of(cast, "ines")
    near = page.split('class="ring near"', 1)[1].split("</ul>", 1)[0]
    assert near.count("<li") == MOST_NEAR
    assert " more</span>" in near
    assert ("There are more people than this page shows." in page) is is_cut
    circle = await around(cast)
    assert len(circle.people) <= MOST_CARERS + 4
    each = by_name(circle)
    assert (each["Tom"].turn, each["Ines"].turn) == (1, 2), "who is called is never cut off"


async def test_nobody_is_said_plainly(cast: Cast) -> None:
    await Person.filter(id__in=[cast.tom.id, cast.ines.id, cast.ada.id]).update(
        disabled_at=cast.clock()
    )
    assert (await around(cast, child="noor")).people == ()
