"""A fortnight of a home with twelve children: roll calls on its tablet, one that is forgotten, one
that is wrong, a child on leave, and one who is gone; and its supervisor, who looks at the budget of
false alarms and adopts what is proposed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from server.alerts.models import Alert
from server.alerts.words import HOME_SAID
from server.audit.actions import seal, verify
from server.checkin.models import CheckIn
from server.missing.search.models import Episode
from server.policy.models import BudgetWeek
from server.policy.versions import content_of
from server.roll_calls.models import RollCall
from server.watch.models import RollCallWord
from tests.walks.stage import Stage
from tests.walks.test_week import nothing_is_doubled
from tests.walks.twelve import BROWSER, CHILDREN, House, hidden


@pytest.mark.slow
async def test_a_fortnight_in_which_every_word_of_a_home_is_heard_once(stage: Stage) -> None:
    async with stage.cast.client(headers=BROWSER) as tablet:
        house = await House.furnished(stage, tablet)
        await house.day(0)
        await house.until(0, "21:29")
        assert [house.news(name) for name in ("sam", "nina")] == [[], []]
        await ordinary_evening(house, 0)
        await an_evening_forgotten(house, 1)
        await house.day(2)
        await ordinary_evening(house, 2)
        await an_evening_wrong(house, 3)
        await a_weekend_on_leave(house, 4)
        await the_budget(house, 7)
        await house.day(8)
        await ordinary_evening(house, 8)
        await one_is_gone(house, 9)
        await and_found(house, 11)
        for day in (12, 13):
            await house.day(day)
            await ordinary_evening(house, day)
        await house.until(14, "05:00")
        await nothing_is_lost_or_doubled(house)


async def ordinary_evening(house: House, day: int, away: Mapping[str, str] | None = None) -> str:
    """They are asked on their phones, the tablet has it three minutes later, and that is all;
    returns the sheet as Sam had it."""
    for name in ("sam", "nina"):
        house.news(name)
    await house.until(day, "21:33")
    sheet = await house.at_tablet("sam", away)
    await house.until(day, "23:00")
    assert [house.news(name) for name in ("sam", "nina")] == [[house.path], [house.path]]
    return sheet


async def an_evening_forgotten(house: House, day: int) -> None:
    await house.day(day)
    for name in ("sam", "nina", "eve", "ines", "tom"):
        house.news(name)
    steps = [
        ("21:49", ["sam", "nina"]),
        ("21:50", ["sam", "nina"]),
        ("22:09", []),
        ("22:10", ["eve", "ines"]),
        ("22:20", []),
    ]
    for clock, told in steps:
        await house.until(day, clock)
        heard = {name: house.news(name) for name in ("sam", "nina", "eve", "ines", "tom")}
        assert heard == {name: [house.path] if name in told else [] for name in heard}, clock
    line = "The house: nobody has done the roll call of 21:30"
    for name in ("eve", "ines"):
        board = await house.reads(name, "/desk/")
        assert line in board
        assert f'href="{house.path}"' in board
        page = await house.reads(name, house.path)
        assert "Nobody has done it yet." in page
        assert "They can do it: Nina Fontaine and Sam Oyelaran" in page
    assert "Roll call at The house, 21:30" in await house.reads("nina", "/desk/")
    read = await house.by_phone("nina")
    assert "12 here" in read
    assert "Nina Fontaine finished the roll call at 22:20." in read
    for name in ("eve", "ines"):
        assert line not in await house.reads(name, "/desk/")


async def an_evening_wrong(house: House, day: int) -> None:
    """Bilal's phone is empty, and there is a tap in the wrong row. The alert stays open until an
    adult has confirmed it."""
    await house.day(day, silent=("Bilal",))
    await house.until(day, "21:32")
    await house.at_tablet("sam", {"Bilal": "not_here"})
    alert = await house.stage.open_alert("Bilal")
    where = f"/desk/alerts/{alert.id}"
    assert where in house.news("tom")
    for path in (where, "/desk/"):
        assert HOME_SAID in await house.reads("tom", path)
    page = await house.reads("sam", house.path)
    assert "An alert is open." in page
    assert "Correct it" in page
    await house.until(day, "21:41")
    read = await house.by_phone("sam", {"Bilal": "here"})
    assert "The alert stays open. Tell" in read
    assert "that Bilal is here" in read
    assert where in house.news("tom"), "an answer was corrected"
    assert "then “here” 21:41" in await house.reads("tom", where)
    await house.stage.acknowledge("tom", alert.id)
    await house.stage.close("tom", alert.id)
    assert "The alert stays open" not in await house.reads("sam", house.path)


async def a_weekend_on_leave(house: House, day: int) -> None:
    """Chiara is at her aunt's from Friday to Sunday: nobody asks about her. Kofi forgets his phone
    on Saturday; the home has said that he is there, and nobody is called."""
    await house.day(day)
    chiara = house.stage.cast.children["Chiara"].id
    await house.until(day, "17:00")
    path = f"/desk/children/{chiara}/pauses"
    agreed = {"from": "", "until": "2026-03-08T20:00", "reason": "family", "words": "Her aunt."}
    form = (await house.reads("tom", path)).partition('action="' + path)[2]
    await house.sends("tom", path, hidden(form) | agreed)
    await house.until(day, "21:33")
    sheet = await house.at_tablet("sam")
    assert "Agreed absence until" in sheet
    assert f'name="child" value="{chiara}"' not in sheet
    assert "11 here, 1 with permission" in await house.reads("ines", house.path)
    await house.day(day + 1, silent=("Chiara", "Kofi"))
    await house.until(day + 1, "21:33")
    await house.at_tablet("sam", {"Farid": "permission"})
    # The home has said in the morning that Kofi is there: as long as that holds, it is not asked
    # about Kofi alone.
    assert not [path for path in house.news("sam") if path.startswith("/q/")]
    await house.day(day + 2, silent=("Chiara",))
    await ordinary_evening(house, day + 2)
    assert not await Alert.filter(closed_at__isnull=True), "nobody is called about them"
    assert len(house.said["Chiara"]) == len(house.said["Amal"]) - 4


async def the_budget(house: House, day: int) -> None:
    """Counted on Monday at four. Ines adopts what is proposed in one tap."""
    agency, path = house.stage.cast.agency.id, "/desk/policies/budget"
    await house.until(day, "04:01")
    week = await BudgetWeek.get(agency_id=agency)
    assert (week.state, week.children, week.calls) == ("proposed", {"mid": 12}, {"mid": 1})
    await house.until(day, "07:50")
    await house.at_tablet("nina")
    await house.until(day, "09:00")
    page = await house.reads("ines", path)
    assert "Proposed numbers" in page
    sentence = re.search(r"Last month a worker had ([\d.]+) false alarms a week.", page)
    assert sentence is not None
    form = page.partition("<form")[2].partition("</form")[0]
    why = re.search(r"<textarea[^>]*>\n?([^<]*)</textarea>", form)
    assert why is not None
    assert why[1].startswith(f"Budget of false alarms: {sentence[1]} a week for each worker")
    for _ in range(2):  # Tapped twice, it is one version.
        page = await house.sends("ines", path, hidden(form) | {"why": why[1]})
        assert "These numbers apply from now on." in page
        assert "proposal adopted" in page
    content, version = await content_of(agency)
    assert version == 2
    assert content["mid"]["habit"]["page"] < 0.8, "there were fewer false alarms than the budget"
    assert why[1] in await house.reads("ines", "/desk/policies")
    await house.children_answer(day)
    await ordinary_evening(house, day)


async def one_is_gone(house: House, day: int) -> None:
    """Dina has not answered, and her bed is empty. Nina says so at the tablet, looks on her phone
    who to call, and Eve, who is on duty, reports Dina missing."""
    await house.day(day, silent=("Dina",))
    stage, dina = house.stage, house.stage.cast.children["Dina"].id
    await house.until(day, "21:33")
    house.news("tom")
    await house.at_tablet("nina", {"Dina": "not_here"})
    alert = await stage.open_alert("Dina")
    where = f"/desk/alerts/{alert.id}"
    assert house.news("tom") == [where]
    assert HOME_SAID in await house.reads("tom", "/desk/")
    page = await house.reads("tom", where)
    assert HOME_SAID in page
    weighed = page.partition("What weighed most")[2].partition("</ol")[0]
    assert weighed.count("<li>") == 3
    assert "No answer to 1 check-in, due 18:00." in weighed
    page = await house.reads("nina", house.path)
    assert "An alert is open." in page
    for name in ("Eve Thackeray", "Tom Verhoeven"):
        assert f"Call {name}" in page
    assert 'href="tel:+33199004444"' in page
    # Eve has been called by phone.
    await house.until(day, "21:45")
    for name in ("tom", "ines"):
        house.news(name)
    report = f"/desk/children/{dina}/missing"
    form = await house.reads("eve", report)
    assert "Do you think Dina is missing?" in form
    await house.sends("eve", report, hidden(form) | {"words": "Her bed is empty."})
    episode = await Episode.get(child_id=dina)
    await stage.beat()
    for name in ("tom", "ines"):
        assert house.news(name), "everyone is called"
    for alert in await stage.alerts("Dina"):
        if alert.closed_at is None:
            await stage.acknowledge("tom", alert.id)
    assert "Her bed is empty." in await house.reads("tom", f"/desk/episodes/{episode.id}")


async def and_found(house: House, day: int) -> None:
    """Two days later the home says that Dina is there: those who look for her hear of it at once,
    and the search ends when an adult has seen her."""
    gone: dict[str, Any] = {"silent": ("Dina",), "away": {"Dina": "not_here"}}
    await house.day(day - 1, **gone)
    await ordinary_evening(house, day - 1, gone["away"])
    await house.day(day, **gone)
    stage, dina = house.stage, house.stage.cast.children["Dina"].id
    house.news("tom")
    sheet = await ordinary_evening(house, day)
    assert "Last time: not here" in sheet
    assert house.news("tom"), "the home has said that she is there"
    episode = await Episode.get(child_id=dina)
    found = {
        "id": str(uuid4()),
        "at": stage.clock().isoformat(),
        "where": "At the door",
        "by": "Sam",
        "condition": "Tired.",
    }
    path = f"/api/v1/children/{dina}/episodes/{episode.id}/found"
    await stage.call("tom", "POST", path, found)
    night = await house.reads("ines", f"/desk/children/{dina}/why?night=2026-03-11&all=1")
    for sentence in (
        "We asked the home which children were there",
        "Nina Fontaine said at the roll call that Dina was not there.",
        "Nina Fontaine finished the roll call",
    ):
        assert night.count(sentence) >= 1, sentence


async def nothing_is_lost_or_doubled(house: House) -> None:
    await nothing_is_doubled()
    children = {house.stage.cast.children[name].id: name for name in CHILDREN}
    kept = await CheckIn.filter(child_id__in=list(children)).values_list("note", flat=True)
    assert sorted(kept) == sorted(house.answers)
    words: dict[str, list[str]] = {name: [] for name in CHILDREN}
    for row in await RollCallWord.all().order_by("said_at", "at"):
        words[children[row.child_id]].append(row.word)
    said = {
        name: ["excused" if word == "permission" else word for word in each]
        for name, each in house.said.items()
    }
    assert words == said
    calls = await RollCall.all()
    assert [call.state for call in calls] == ["done"] * 27
    assert sorted(
        week.state for week in await BudgetWeek.filter(agency_id=house.stage.cast.agency.id)
    ) == ["adopted", "proposed"]
    assert not await Alert.filter(closed_at__isnull=True)
    await seal(house.stage.clock())
    assert await verify() is None
