"""The rota at the desk: who sees and plans what, what is refused, and what it looks like empty."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx2
import pytest

from server.rota import planning
from server.rota.models import Duty, DutyShift, FixedShift, Handover, Leave, RotaTerms
from server.watch.watch_alerts import open_missing
from tests.cast import Cast
from tests.desk.walking import at_desk

PARIS = ZoneInfo("Europe/Paris")


def day_of(cast: Cast, days: int = 0) -> str:
    return (cast.clock().astimezone(PARIS).date() + timedelta(days=days)).isoformat()


def duty_form(cast: Cast, **other: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "day": list("01234"),
        "begins": "18:00",
        "ends": "08:00",
        "person": [str(cast.eve.id), str(cast.ines.id)],
        "first": day_of(cast),
        "zone": "Europe/Paris",
        **other,
    }


async def post(browser: httpx2.AsyncClient, path: str, form: dict[str, Any]) -> httpx2.Response:
    return await browser.post(
        path,
        content=urlencode(form, doseq=True),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )


async def nights(cast: Cast, who: str = "eve") -> None:
    new = planning.DutyRequest(
        id=uuid4(),
        days=list(range(7)),
        begins="18:00",
        ends="08:00",
        zone="Europe/Paris",
        people=[cast.persons[who].id],
        first_on=cast.clock().astimezone(PARIS).date(),
    )
    await planning.add_duty(cast.actor("ines"), cast.agency.id, new, cast.clock())


async def test_an_empty_rota_says_so_and_what_to_do(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        page = (await browser.get("/desk/rota")).text
    assert "No shifts planned yet" in page
    assert 'href="/desk/rota/duties"' in page
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/rota")).text
    assert "Supervisors and administrators plan the rota." in page
    assert 'href="/desk/rota/duties"' not in page


@pytest.mark.parametrize("planner", ["ines", "root"])
async def test_a_weekly_shift_is_planned_shown_and_ended(cast: Cast, planner: str) -> None:
    async with at_desk(cast, planner) as browser:
        form = duty_form(cast)
        for _ in range(2):
            assert (await post(browser, "/desk/rota/duties", form)).status_code == 303
        [duty] = await Duty.all()
        assert duty.people == [str(cast.eve.id), str(cast.ines.id)]
        page = (await browser.get("/desk/rota/duties?saved=duty")).text
        assert "Monday, Tuesday, Wednesday, Thursday and Friday, 18:00 to 08:00" in page
        assert "The weekly shift is added." in page
        days = (await browser.get("/desk/rota")).text
        assert "Eve Thackeray" in days
        # By day nobody is there, and every hour has to be covered.
        assert "nobody is on duty then" in days
        assert "Fill this gap" in days
        await post(browser, f"/desk/rota/duties/{duty.id}/end", {})
        assert (await Duty.get(id=duty.id)).until_on is not None


async def test_gaps_count_from_now_and_who_plans_nothing_reads_who_fills_them(cast: Cast) -> None:
    await nights(cast, "eve")
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/rota")).text
    assert "14 gaps in these 14 days" in page
    assert "Only a supervisor or an administrator can fill a gap." in page
    assert f'<a href="#d{day_of(cast)}">Show the first gap</a>' in page
    cast.clock.advance(hours=6)  # This evening Eve is there.
    async with at_desk(cast, "ines") as browser:
        later = (await browser.get("/desk/rota")).text
    assert "13 gaps in these 14 days" in later
    assert "Only a supervisor" not in later
    assert later.count('class="gap"') == page.count('class="gap"') - 1


async def test_a_person_who_plans_nothing_sees_the_rota_and_may_change_only_their_own_shifts(
    cast: Cast,
) -> None:
    await nights(cast, "eve")
    begin = f"{day_of(cast)}T18:00"
    form = {"id": str(uuid4()), "who": str(cast.eve.id), "to": str(cast.tom.id)}
    form |= {"from": begin, "until": f"{day_of(cast, 1)}T08:00"}
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/rota")).text
        assert "Eve Thackeray" in page
        assert "/desk/rota/handover?who" not in page
        assert (await post(browser, "/desk/rota/handover", form)).status_code == 403
        assert (await post(browser, "/desk/rota/duties", duty_form(cast))).status_code == 403
        assert (await post(browser, "/desk/rota/terms", {})).status_code == 403
        # Somebody more would let them in to every child: that is not their own either.
        extra = {**form, "id": str(uuid4()), "who": ""}
        assert (await post(browser, "/desk/rota/handover", extra)).status_code == 403
    assert not await Handover.exists()
    async with at_desk(cast, "eve") as browser:
        assert "/desk/rota/handover?who" in (await browser.get("/desk/rota")).text
        assert (await post(browser, "/desk/rota/handover", form)).status_code == 303
        [row] = await Handover.all()
        page = (await browser.get("/desk/rota")).text
        assert "Tom Verhoeven instead of Eve Thackeray" in page
        back = f"/desk/rota/handovers/{row.id}/back"
        assert (await post(browser, back, {})).status_code == 303
    assert (await Handover.get(id=row.id)).ended_at is not None


async def test_the_leave_form_opens_filled_in_from_a_gap_and_from_a_persons_page(
    cast: Cast,
) -> None:
    await nights(cast, "eve")
    away = planning.LeaveRequest(
        id=uuid4(),
        person_id=cast.eve.id,
        from_at=cast.clock(),
        until_at=cast.clock() + timedelta(days=2),
    )
    await planning.add_leave(cast.actor("ines"), cast.agency.id, away, cast.clock())
    async with at_desk(cast, "root") as browser:
        rota = (await browser.get("/desk/rota")).text
        gap = re.findall(r'href="(/desk/rota/leave\?who=[^"]+)"', rota)[0].replace("&amp;", "&")
        form = (await browser.get(gap)).text
        assert f'<option value="{cast.eve.id}" selected>' in form
        assert f'name="from" type="datetime-local" value="{day_of(cast)}T18:00"' in form
        assert f'name="until" type="datetime-local" value="{day_of(cast, 1)}T08:00"' in form
        person = (await browser.get(f"/desk/people/{cast.tom.id}")).text
        path = f"/desk/rota/leave?who={cast.tom.id}"
        assert f'href="{path}"' in person
        assert f'<option value="{cast.tom.id}" selected>' in (await browser.get(path)).text
        carer = (await browser.get(f"/desk/people/{cast.sam.id}")).text
        assert "/desk/rota/leave" not in carer
        for nonsense in ("<b>", "2026-99-01", "9999-12-31T23:59:59-12:00", "2026-03-03T18:00"):
            odd = await browser.get("/desk/rota/leave", params={"who": "x", "from": nonsense})
            assert odd.status_code == 200
            assert 'name="from" type="datetime-local" value=""' in odd.text


async def test_ones_own_leave_is_ones_own_and_that_of_others_is_not(cast: Cast) -> None:
    form = {"id": str(uuid4()), "who": str(cast.ines.id), "cover": str(cast.eve.id)}
    form |= {"from": "", "until": f"{day_of(cast, 3)}T08:00"}
    async with at_desk(cast, "tom") as browser:
        # Whoever does not plan has no list to choose from: it is their own leave.
        assert (await post(browser, "/desk/rota/leave", form)).status_code == 303
        [row] = await Leave.all()
        assert (row.person_id, row.cover_id) == (cast.tom.id, cast.eve.id)
        page = (await browser.get("/desk/rota?saved=leave")).text
        assert "The leave is saved." in page
        assert "Eve Thackeray covers." in page
    async with at_desk(cast, "eve") as browser:
        assert (await post(browser, f"/desk/rota/leaves/{row.id}/end", {})).status_code == 403
    async with at_desk(cast, "root") as browser:
        assert (await post(browser, f"/desk/rota/leaves/{row.id}/end", {})).status_code == 303
    assert (await Leave.get(id=row.id)).until_at <= cast.clock() or (
        await Leave.get(id=row.id)
    ).ended_at is not None


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"day": []}, "Choose at least one day."),
        ({"begins": "6 pm"}, "Enter a time such as 18:00."),
        ({"person": [""]}, "Choose caseworkers and supervisors from your agency."),
        ({"first": "2001-01-01"}, "Choose a first day between today and two years from now."),
        ({"zone": "Paris"}, "Choose a time zone such as Europe/Paris."),
    ],
)
async def test_what_no_week_holds_is_said_at_its_question_and_what_was_typed_is_kept(
    cast: Cast, other: dict[str, Any], says: str
) -> None:
    async with at_desk(cast, "ines") as browser:
        refused = await post(browser, "/desk/rota/duties", duty_form(cast, **other))
    assert refused.status_code == 422
    assert says in refused.text
    assert not await Duty.exists()
    if "first" not in other:
        assert f'value="{day_of(cast)}"' in refused.text


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"until": ""}, "Enter a date and a time."),
        ({"until": "2026-02-01T08:00"}, "The end must come after the start."),
        ({"cover": "nobody"}, "Choose one from the list."),
    ],
)
async def test_leave_that_cannot_be_is_said_in_words(
    cast: Cast, other: dict[str, str], says: str
) -> None:
    form = {"id": str(uuid4()), "who": str(cast.ines.id), "cover": "", "from": ""}
    form |= {"until": f"{day_of(cast, 3)}T08:00", **other}
    async with at_desk(cast, "ines") as browser:
        refused = await post(browser, "/desk/rota/leave", form)
    assert refused.status_code == 422
    assert says in refused.text
    assert not await Leave.exists()


async def test_how_it_is_planned_is_chosen_from_a_list(cast: Cast) -> None:
    async with at_desk(cast, "root") as browser:
        wrong = await post(browser, "/desk/rota/terms", {"hours": "planned", "lead": "1"})
        assert wrong.status_code == 422
        right = {"hours": "planned", "lead": "3600"}
        assert (await post(browser, "/desk/rota/terms", right)).status_code == 303
    terms = await RotaTerms.get(id=cast.agency.id)
    assert (terms.is_always, terms.lead_s) == (False, 3600)


async def test_the_board_warns_those_who_plan_and_nobody_else(cast: Cast) -> None:
    await nights(cast)
    for name, is_told in (("ines", True), ("root", True), ("tom", False)):
        async with at_desk(cast, name) as browser:
            assert ("Nobody is on duty" in (await browser.get("/desk/")).text) is is_told
    await FixedShift.create(agency_id=cast.agency.id, person_id=cast.ines.id, from_at=cast.clock())
    async with at_desk(cast, "ines") as browser:
        assert "Nobody is on duty" not in (await browser.get("/desk/")).text


async def test_the_person_on_duty_sees_what_is_open(cast: Cast) -> None:
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    async with at_desk(cast, "eve") as browser:
        page = (await browser.get("/desk/duty")).text
        assert "You are not on duty. You have no shifts planned." in page
        assert "Mia Castellane" not in page
        await cast.on_duty("eve", hours=3)
        page = (await browser.get("/desk/duty")).text
    assert "You are on duty until" in page
    assert "1 alert is open." in page
    assert "Mia Castellane" in page


async def test_who_is_asked_says_yes_at_the_desk_too(cast: Cast) -> None:
    begins = cast.clock() + timedelta(hours=1)
    row = await DutyShift.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        person_id=cast.eve.id,
        begins_at=begins,
        until_at=begins + timedelta(hours=8),
        asked_at=cast.clock(),
    )
    async with at_desk(cast, "tom") as browser:
        assert (await post(browser, f"/desk/duty/{row.id}/reached", {})).status_code == 404
    async with at_desk(cast, "eve") as browser:
        assert "Can we reach you?" in (await browser.get("/desk/duty")).text
        assert (await post(browser, f"/desk/duty/{row.id}/reached", {})).status_code == 303
        assert "Can we reach you?" not in (await browser.get("/desk/duty")).text
    assert (await DutyShift.get(id=row.id)).reached_at == cast.clock()


async def test_a_fixed_shift_is_ended_at_the_desk(cast: Cast) -> None:
    row = await FixedShift.create(
        agency_id=cast.agency.id, person_id=cast.ines.id, from_at=cast.clock()
    )
    async with at_desk(cast, "root") as browser:
        assert "At any time" in (await browser.get("/desk/rota/duties")).text
        assert (await post(browser, f"/desk/rota/fixed/{row.id}/end", {})).status_code == 303
    assert (await FixedShift.get(id=row.id)).until_at == cast.clock()


async def test_a_handover_over_the_wire_and_the_rota_as_it_is_then(cast: Cast) -> None:
    await nights(cast)
    begin = datetime.fromisoformat(f"{day_of(cast)}T18:00").replace(tzinfo=PARIS).astimezone(UTC)
    body = {"id": str(uuid4()), "who_id": str(cast.eve.id), "to_id": str(cast.tom.id)}
    body |= {"from_at": begin.isoformat(), "until_at": (begin + timedelta(hours=4)).isoformat()}
    async with cast.client_as("tom") as client:
        assert (await client.post("/api/v1/rota/handovers", json=body)).status_code == 403
    async with cast.client_as("eve") as client:
        for _ in range(2):
            made = await client.post("/api/v1/rota/handovers", json=body)
            assert made.status_code == 201
        other = {**body, "to_id": str(cast.ines.id)}
        assert (await client.post("/api/v1/rota/handovers", json=other)).status_code == 409
        rota = (await client.get("/api/v1/rota")).json()
    shifts = [(one["person"]["name"], one["instead_of"] is not None) for one in rota["shifts"][:2]]
    assert shifts == [("Tom Verhoeven", True), ("Eve Thackeray", False)]
    assert rota["gaps"]
    assert rota["terms"] == {"is_always": True, "lead_s": 7200}
    async with cast.client_as("eve") as client:
        far = {"from": "2026-03-02T00:00:00Z", "until": "2027-03-02T00:00:00Z"}
        assert (await client.get("/api/v1/rota", params=far)).status_code == 422
        assert (await client.get("/api/v1/rota", params={"from": "now"})).status_code == 422
