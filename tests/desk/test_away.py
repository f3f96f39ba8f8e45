"""Everyone who is away on one page, and one tap for each look."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

from server.alerts.models import Alert
from server.missing.account.account import account
from server.people.models import Tie
from server.people.rules import Role
from server.storage.db import write
from server.tasks.models import Task
from server.watch.models import Pause, Watch
from server.watch.passes import ticking
from server.watch.passes.rules import Reason
from server.watch.rhythm import agreements
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.walking import at_desk

DAY = timedelta(days=1)


async def agree(cast: Cast, end: timedelta, child: str = "mia", **how: Any) -> Pause:
    now = cast.clock()
    values: dict[str, Any] = {"reason": Reason.FAMILY, "words": "Grandmother.", **how}
    asked = agreements.PauseRequest(
        uuid4(), now + values.pop("begin", 0 * DAY), now + end, **values
    )
    return await agreements.pause(cast.actor("tom"), cast.persons[child].id, asked, now)


def path(pause: Pause, what: str = "") -> str:
    return f"/desk/children/{pause.child_id}/pauses" + (f"/{pause.id}/{what}" if what else "")


async def seen(cast: Cast, name: str, where: str = "/desk/away") -> str:
    async with at_desk(cast, name) as browser:
        answer = await browser.get(where)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text))


async def test_the_page_says_until_when_why_who_agreed_and_who_looks_next(cast: Cast) -> None:
    await agree(cast, 20 * DAY)
    await agree(cast, 2 * DAY, "noor", reason=Reason.HOSPITAL, words=None)
    page = await seen(cast, "ines")
    assert "2 children are away" in page
    mia = page.index("Mia Castellane is away until Sun 22 Mar 12:00: Family visit.")
    assert mia < page.index("Noor Haddadin is away until Wed 4 Mar 12:00: Hospital stay.")
    assert "Grandmother." in page
    assert "Agreed by Tom Verhoeven, today. No one has looked at it since." in page
    assert "Next look: Mon 9 Mar." in page
    cast.clock.advance(days=8)
    assert "A look was due yesterday." in await seen(cast, "tom")


async def test_one_tap_keeps_it_and_a_second_tap_changes_nothing(cast: Cast) -> None:
    made = await agree(cast, 30 * DAY)
    cast.clock.advance(days=7)
    form = {"id": str(uuid4())}
    async with at_desk(cast, "tom") as browser:
        for _ in range(2):
            kept = await browser.post(path(made, "keep?back=away"), data=form)
            assert kept.headers["location"] == "/desk/away?done=pause-kept"
        page = (await browser.get("/desk/away?done=pause-kept")).text
    assert "Saved: it is still so." in page
    assert "Last look: Tom Verhoeven, today." in page
    assert await Task.filter(kind="away").count() == 2


async def test_one_tap_ends_it_and_the_watch_runs_at_once(cast: Cast) -> None:
    made = await agree(cast, 30 * DAY)
    further = await agree(cast, 40 * DAY, begin=30 * DAY)
    cast.clock.advance(days=7)
    await ticking.PASSES.tick(cast.clock())
    async with at_desk(cast, "ines") as browser:
        page = (await browser.get(path(made))).text
        assert "Mia Castellane is away until" in page
        assert "Is that still so?" in page
        for _ in range(2):
            ended = await browser.post(path(made, "end?whole=yes"))
            assert ended.headers["location"].endswith("/plan?done=pause-ended")
    assert not await Pause.filter(id__in=[made.id, further.id], ended_at__isnull=True).exists()
    assert not await Task.filter(kind__in=["away", "away_review"], state="open").exists()
    assert (await Watch.get(child_id=cast.mia.id)).standing != "away"
    assert "Nobody is away" in await seen(cast, "tom")


async def test_a_tap_on_what_is_over_meanwhile_says_so(cast: Cast) -> None:
    made = await agree(cast, 9 * DAY)
    cast.clock.advance(days=9)
    async with at_desk(cast, "tom") as browser:
        late = await browser.post(path(made, "keep"), data={"id": str(uuid4())})
        assert late.status_code == 409
        assert "There is nothing to confirm." in late.text
        assert (await browser.post(path(made, "end?whole=yes"))).is_redirect
        nothing = await browser.post(
            path(made, "keep").replace(str(made.id), str(uuid4())), data={"id": "nonsense"}
        )
        assert nothing.status_code == 404


async def test_what_is_planned_is_taken_back_alone(cast: Cast) -> None:
    made, planned = await agree(cast, 5 * DAY), await agree(cast, 20 * DAY, begin=5 * DAY)
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(path(made))).text
        assert page.count("Take back</button>") == 1
        assert (await browser.post(path(planned, "end"))).is_redirect
    assert (await Pause.get(id=made.id)).ended_at is None
    assert (await Pause.get(id=planned.id)).ended_at is not None


async def test_the_page_of_a_child_says_what_follows_at_the_end(cast: Cast) -> None:
    made = await agree(cast, 2 * DAY)
    page = await seen(cast, "tom", path(made))
    assert (
        "The first check-in is due Wed 4 Mar 18:00. If there is no answer, we tell an adult by Wed"
        " 4 Mar 19:45." in page
    )
    assert "Is that still so?" not in page, "two days are not looked at again"


async def test_an_absence_from_before_reasons_is_shown_without_one(cast: Cast) -> None:
    made = await agree(cast, 20 * DAY)
    await Pause.filter(id=made.id).update(reason=None, words=None)
    assert "Mia Castellane is away until Sun 22 Mar 13:00." in await seen(cast, "tom")
    assert "Agreed by Tom" in await seen(cast, "tom", path(made))
    assert "Sun 22 Mar 13:00" in await seen(cast, "tom", f"/desk/children/{cast.mia.id}/plan")


async def test_a_day_at_home_in_the_middle_is_said_and_can_be_looked_at(cast: Cast) -> None:
    made = await agree(cast, 5 * DAY)
    await agree(cast, 20 * DAY, begin=6 * DAY)
    cast.clock.advance(days=5, hours=2)
    assert "Nobody is away" in await seen(cast, "tom")
    page = await seen(cast, "tom", path(made))
    assert "Mia Castellane is back for a short time. The absence goes on until" in page
    assert "Keep" in page


async def test_each_reader_sees_their_children_and_only_who_may_gets_a_button(cast: Cast) -> None:
    made = await agree(cast, 20 * DAY)
    await agree(cast, 20 * DAY, "noor")
    async with at_desk(cast, "ada") as browser:
        page = (await browser.get("/desk/away")).text
    assert "Noor" in page
    assert "Mia" not in page
    assert "<form" not in page[page.index("<main") : page.index("</main")]
    for name in ("eve", "sam", "root", "uwe"):
        page = await seen(cast, name)
        assert [child for child in ("Mia", "Noor") if child in page] == [], name
    await cast.on_duty("eve")
    assert "2 children are away" in await seen(cast, "eve")
    assert made.child_id == cast.mia.id


async def test_any_number_of_children_come_in_parts(cast: Cast) -> None:
    ids = await scenes.crowd(cast, 120)
    async with write():
        await Pause.filter(child_id__in=ids).delete()
        for id_ in ids:
            await Pause.create(
                child_id=id_,
                from_at=cast.clock() - DAY,
                until_at=cast.clock() + 20 * DAY,
                made_by=cast.tom.id,
                made_at=cast.clock() - DAY,
            )
    rows = [await seen(cast, "tom", f"/desk/away?page={number}") for number in (1, 2, 3, 4)]
    assert [page.count(" is away until ") for page in rows] == [50, 50, 20, 0]
    assert "120 children are away" in rows[0]
    for nonsense in ("0", "-1", "x", "99999999"):
        await seen(cast, "tom", f"/desk/away?page={nonsense}")
    while await ticking.PASSES.tick(cast.clock()):
        pass
    assert await Task.filter(kind="away", state="open").count() == 120


async def test_the_board_leads_there_and_counts_what_is_not_checked(cast: Cast) -> None:
    await agree(cast, 30 * DAY)
    cast.clock.advance(days=8)
    await Watch.filter(child_id=cast.mia.id).update(next_action_at=cast.clock() + DAY)
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get("/desk/")).text
    assert '<a href="/desk/away">Who agreed, and who looks next</a>' in page
    assert "1 absence is not checked yet" in page
    assert f'href="/desk/children/{cast.mia.id}/pauses"' in page


async def test_the_record_tells_the_looks_and_the_end(cast: Cast) -> None:
    begin, made = cast.clock(), await agree(cast, 30 * DAY)
    cast.clock.advance(hours=1)
    async with at_desk(cast, "tom") as browser:
        await browser.post(path(made, "keep"), data={"id": str(uuid4())})
        cast.clock.advance(hours=1)
        await browser.post(path(made, "end?whole=yes"))
    facts = await account(cast.mia.id, begin, cast.clock() + DAY, "en")
    told = [(fact.what, fact.who) for fact in facts if "bsence" in fact.what]
    assert told == [
        ("An absence was agreed", "Tom Verhoeven"),
        ("Looked at the absence: it is still so", "Tom Verhoeven"),
        ("The absence was ended", "Tom Verhoeven"),
    ]
    night = await seen(
        cast, "ines", f"/desk/children/{cast.mia.id}/why?from=2026-03-02&until=2026-03-02"
    )
    assert "Tom Verhoeven looked at the absence and said that it is still so." in night
    assert "Tom Verhoeven looked at it last at 14:00: it was still so." in night


async def test_the_api_names_the_reason_that_is_missing(cast: Cast) -> None:
    now = cast.clock()
    body = {
        "id": str(uuid4()),
        "from_at": now.isoformat(),
        "until_at": (now + DAY).isoformat(),
    }
    where = f"/api/v1/children/{cast.mia.id}/pauses"
    async with cast.client_as("tom") as client:
        refused = await client.post(where, json=body)
        assert refused.status_code == 422
        assert (refused.json()["code"], refused.json()["field"]) == ("no_reason", "reason")
        made = await client.post(where, json={**body, "reason": "school_trip"})
        assert made.status_code == 201
        watch = (await client.get(f"/api/v1/children/{cast.mia.id}/watch")).json()
    assert [one["reason"] for one in watch["pauses"]] == ["school_trip"]
    assert not await Alert.exists()


async def test_a_look_of_the_person_on_duty_stands_for_the_supervisor_who_is_not_there(
    cast: Cast,
) -> None:
    made = await agree(cast, 40 * DAY)
    await Tie.filter(child_id=cast.mia.id, role=Role.SUPERVISOR).update(until_at=cast.clock())
    cast.clock.advance(days=14)
    await cast.on_duty("eve")
    async with at_desk(cast, "eve") as browser:
        assert (await browser.post(path(made, "keep"), data={"id": str(uuid4())})).is_redirect
    row = await Pause.get(id=made.id)
    assert (row.looked_by, row.reviewed_at) == (cast.eve.id, cast.clock())
