"""Many children at once: looked at, added batch by batch, each with its watch, nobody twice."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import msgspec
import pytest

from server.audit.models import Entry
from server.auth import actions as doors
from server.errors import Conflict, NotFound
from server.imports import bulk_import, existing, import_csv
from server.imports.models import Intake
from server.people import actions as people
from server.people.finding.search import exact, is_prepared
from server.people.models import Child, Person, Tie
from server.people.rules import Role
from server.storage.db import fetch
from server.watch import ticking
from server.watch.calendar.models import Milestone
from server.watch.models import Watch
from tests.cast import Cast
from tests.races import no_fault, together

PATH = "/desk/people/children/import"


def listed(*rows: str, header: str = "name,caseworker,reference") -> bytes:
    return "\r\n".join((header, *rows, "")).encode("utf-8-sig")


def many(count: int) -> bytes:
    return listed(*(f"Child {n},tom,R{n}" for n in range(count)))


async def hand_in(cast: Cast, data: bytes, *, id_: UUID | None = None) -> httpx2.Response:
    async with cast.browser_as("root") as root:
        return await root.post(
            PATH,
            data={"id": str(id_ or uuid4())},
            files={"list": ("children.csv", data, "text/csv")},
        )


async def handed_in(cast: Cast, data: bytes) -> Intake:
    answer = await hand_in(cast, data)
    assert answer.status_code == 303, answer.text
    return await Intake.get(id=answer.headers["location"].rsplit("/", 1)[1])


async def taken_in(cast: Cast, data: bytes) -> Intake:
    row = await handed_in(cast, data)
    await bulk_import.take_in(cast.agency.id, row.id, cast.clock())
    await run(cast)
    return await Intake.get(id=row.id)


async def run(cast: Cast) -> None:
    while await bulk_import.LISTS.tick(cast.clock()):
        pass


async def shown(cast: Cast, row: Intake) -> str:
    async with cast.browser_as("root") as root:
        return (await root.get(f"{PATH}/{row.id}")).text


async def test_every_child_of_a_list_has_a_watch_a_tie_and_its_entries(cast: Cast) -> None:
    header = "name,caseworker,home,language,born_on,placed_on,tier,times,zone,reference"
    row = await taken_in(
        cast,
        listed(
            "نور,tom,The house,ar,2010-05-17,2026-02-01,low,08:00 20:00,Europe/Rome,F1",
            "Amal Z,Eve Thackeray,,,,,,,,",
            header=header,
        ),
    )
    assert (row.state, row.added, row.lines, row.left_out) == ("done", 2, None, [])
    people = {one.name: one for one in await Person.filter(role=Role.CHILD)}
    noor, amal = people["نور"], people["Amal Z"]
    child, watch = await Child.get(id=noor.id), await Watch.get(child_id=noor.id)
    assert (noor.language, noor.zone, child.born_on) == ("ar", "Europe/Rome", "2010-05-17")
    assert (child.home_id, child.placed_at.day) == (cast.home.id, 31)  # Midnight in Rome.
    assert (watch.tier, watch.rhythm["at"], watch.zone) == (
        "low",
        ["08:00", "20:00"],
        "Europe/Rome",
    )
    assert watch.next_action_at is not None
    first = await Watch.get(child_id=amal.id)
    assert (first.tier, first.tier_then) == ("high", "mid")
    assert first.tier_until_at == cast.clock() + timedelta(hours=72)
    [tie] = await Tie.filter(child_id=amal.id)
    assert (tie.person_id, tie.role, tie.until_at) == (cast.eve.id, Role.CASEWORKER, None)
    entries = await Entry.filter(child_id=amal.id).values_list("what", "who_id")
    assert set(entries) == {
        ("child:add", cast.root.id),
        ("tie:add", cast.root.id),
        ("watch:begin", cast.root.id),
    }
    assert await ticking.unwatched() == []
    # The birthday is in the calendar, as of a child who is added by hand.
    assert await Milestone.exists(child_id=noor.id, what="turning_18")


async def test_it_is_the_same_watch_as_of_a_child_who_is_added_by_hand(cast: Cast) -> None:
    await taken_in(cast, listed("Amal Z,tom,F1"))
    form = {
        "name": "By hand",
        "language": "en",
        "caseworker_id": str(cast.tom.id),
        "tier": "first",
        "zone": "Europe/Paris",
        "at": ["09:00", "18:00"],
    }
    async with cast.browser_as("root") as root:
        assert (await root.post("/desk/children/new", data=form)).status_code == 303
    rows = []
    for person in await Person.filter(role=Role.CHILD):
        if person.name in ("Amal Z", "By hand"):
            [found] = await Watch.filter(child_id=person.id).values()
            rows.append({name: found[name] for name in found if name != "child_id"})
    assert len(rows) == 2
    assert rows[0] == rows[1]


async def test_no_child_is_added_before_a_person_confirms(cast: Cast) -> None:
    row = await handed_in(cast, many(3))
    assert await bulk_import.LISTS.tick(cast.clock()) == 0
    assert not await Child.exists(id=existing.id_of(cast.agency.id, _line(row, 0)))
    text = await shown(cast, row)
    assert "3 children are new" in text
    assert "Child 2" in text


def _line(row: Intake, place: int) -> import_csv.Line:
    return msgspec.convert(row.lines[place], import_csv.Line)


async def test_a_list_with_a_fault_adds_nobody(cast: Cast) -> None:
    row = await handed_in(cast, listed("A,tom,1", "B,nobody,2"))
    text = await shown(cast, row)
    assert "1 line has a mistake" in text
    assert "Line 3" in text
    assert "There is no caseworker called “nobody”" in text
    with pytest.raises(Conflict):
        await bulk_import.take_in(cast.agency.id, row.id, cast.clock())
    async with cast.browser_as("root") as root:
        assert (await root.post(f"{PATH}/{row.id}")).status_code == 409
    assert await bulk_import.LISTS.tick(cast.clock()) == 0


async def test_the_same_list_twice_adds_nobody_twice(cast: Cast) -> None:
    before = await Child.all().count()
    await taken_in(cast, listed("A,tom,1", "A,tom,2", "B,tom,"))
    again = await handed_in(cast, listed("A,tom,1", "A,tom,2", "B,tom,", "C,tom,3"))
    assert (again.count, again.known_count, len(again.lines)) == (4, 3, 1)
    assert "3 children are already here" in await shown(cast, again)
    await bulk_import.take_in(cast.agency.id, again.id, cast.clock())
    await run(cast)
    assert await Child.all().count() == before + 4


async def test_a_child_added_by_hand_is_not_added_again(cast: Cast) -> None:
    row = await handed_in(cast, listed("mia  CASTELLANE,tom,1", "Mia Castellane,tom,2"))
    # One of the two is there; who has two of a name gives them references.
    assert (row.known_count, len(row.lines)) == (1, 1)


async def test_a_list_goes_on_where_it_was_cut_off(cast: Cast) -> None:
    before = await Child.all().count()
    row = await handed_in(cast, many(bulk_import.LINES_AT_ONCE + 5))
    await bulk_import.take_in(cast.agency.id, row.id, cast.clock())
    assert await bulk_import.LISTS.tick(cast.clock()) == 1
    middle = await Intake.get(id=row.id)
    assert (middle.state, middle.place) == ("taking", bulk_import.LINES_AT_ONCE)
    assert await Child.all().count() == before + bulk_import.LINES_AT_ONCE
    assert await ticking.unwatched() == []
    assert (
        f"{bulk_import.LINES_AT_ONCE:,} of {bulk_import.LINES_AT_ONCE + 5:,} lines"
        in await shown(cast, middle)
    )
    await run(cast)
    assert await Child.all().count() == before + bulk_import.LINES_AT_ONCE + 5
    assert await ticking.unwatched() == []
    assert "children added" in await shown(cast, row)


async def test_two_tickers_and_two_lists_at_once_add_nobody_twice(cast: Cast) -> None:
    before = await Child.all().count()
    rows = [await handed_in(cast, many(20)) for _ in range(2)]
    taken = [
        bulk_import.take_in(cast.agency.id, row.id, cast.clock()) for row in rows for _ in range(2)
    ]
    no_fault(await together(*taken))
    no_fault(await together(*(bulk_import.LISTS.tick(cast.clock()) for _ in range(4))))
    await run(cast)
    assert await Child.all().count() == before + 20
    assert sum(row.added for row in await Intake.all()) == 20
    assert await ticking.unwatched() == []


async def test_a_caseworker_who_leaves_meanwhile_gets_no_child(cast: Cast) -> None:
    row = await handed_in(cast, listed("A,tom,1", "B,eve,2"))
    await doors.disable_person(cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock())
    await bulk_import.take_in(cast.agency.id, row.id, cast.clock())
    await run(cast)
    done = await Intake.get(id=row.id)
    assert (done.added, [one["line"] for one in done.left_out]) == (1, [3])
    assert "The caseworker has left" in await shown(cast, done)


async def test_another_agency_sees_no_list_of_ours(cast: Cast) -> None:
    row = await handed_in(cast, many(1))
    with pytest.raises(NotFound):
        await bulk_import.take_in(cast.other_agency.id, row.id, cast.clock())


async def test_a_list_that_nobody_takes_in_is_forgotten_after_a_day(cast: Cast) -> None:
    row = await handed_in(cast, many(1))
    cast.clock.advance(hours=25)
    await bulk_import.tidy(cast.clock())
    assert not await Intake.exists(id=row.id)


async def test_the_same_form_twice_is_one_list(cast: Cast) -> None:
    id_ = uuid4()
    for _ in range(2):
        assert (await hand_in(cast, many(1), id_=id_)).status_code == 303
    assert await Intake.all().count() == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Choose the file with the list."),
        (b"\x00\x01\x02", "not a UTF-8 list"),
        (b"name,caseworker\n" + b"A,tom\n" * 10_001, "too long"),
    ],
)
async def test_a_file_that_is_none_is_refused_in_words(cast: Cast, data: bytes, words: str) -> None:
    answer = await hand_in(cast, data)
    assert answer.status_code == 422
    assert words in answer.text
    assert await Intake.all().count() == 0


async def test_fifty_megabytes_are_refused_before_they_are_read(cast: Cast) -> None:
    answer = await hand_in(cast, b"x" * 50_000_000)
    assert answer.status_code == 413


async def test_no_row_says_a_name_in_the_clear(cast: Cast) -> None:
    row = await handed_in(cast, listed("Amal Zzz,tom,F1", "Amal Yyy,nobody,F2"))
    assert row.count == 1
    [stored] = await fetch('SELECT lines, faults FROM "intake"', [])
    assert "Amal" not in str(stored["lines"])
    assert "nobody" not in str(stored["faults"])


async def test_the_empty_list_has_every_column_and_can_be_handed_in(cast: Cast) -> None:
    async with cast.browser_as("root") as root:
        answer = await root.get(f"{PATH}/template.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    header = answer.content.decode("utf-8-sig").strip()
    row = await handed_in(cast, listed("A,tom,,,,,,,,", header=header))
    assert row.count == 1


async def test_children_of_a_list_are_found_by_name_and_reference_at_once(cast: Cast) -> None:
    await taken_in(cast, listed("Zoë Ode,tom,R-7", "Amal Z,tom,"))
    zoe, amal = await Person.get(id=(await exact(cast.agency.id, "zoe ode"))[0]), "amal z"
    assert await exact(cast.agency.id, "r 7") == [zoe.id]
    assert (await Child.get(id=zoe.id)).reference == "R-7"
    assert len(await exact(cast.agency.id, amal)) == 1
    assert await is_prepared(cast.agency.id)


async def test_a_line_whose_reference_another_child_has_is_left_out_and_says_so(
    cast: Cast,
) -> None:
    now = cast.clock()
    await people.set_names(cast.actor("tom"), cast.mia.id, "Mia Castellane", "R-7", now)
    row = await taken_in(cast, listed("Zoë Ode,tom,r 7", "Amal Z,tom,R-8", "Kim Q,tom,r/8"))
    assert row.added == 1
    assert "Another child has this file reference" in await shown(cast, row)
    assert len(await exact(cast.agency.id, "R-7")) == len(await exact(cast.agency.id, "R-8")) == 1
