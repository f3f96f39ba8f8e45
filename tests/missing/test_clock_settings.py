"""The clocks of a search, as an agency sets them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Conflict, Refused
from server.missing.search.clocks import settings, terms
from server.missing.search.clocks.actions import as_clocks, as_data, clocks_of
from server.missing.search.models import ClocksVersion, Episode
from server.missing.search.opening import Saying, open_episode
from server.missing.search.rules import DEFAULT
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.races import together

PAGE = "/desk/policies/search"


EASTERN_1 = "\N{ARABIC-INDIC DIGIT ONE}"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("116 111", "116 111"),
        (" +1 (800)  786-2929 ", "+1 (800) 786-2929"),
        (f"{EASTERN_1}{EASTERN_1}6 111", "116 111"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_a_line_that_can_be_called_is_kept_in_digits_that_phones_read(
    written: str, kept: str
) -> None:
    for name in terms.LINES:
        after = terms.shown(terms.changed(DEFAULT, {name: written}))
        assert after == terms.shown(DEFAULT) | {name: kept}


@pytest.mark.parametrize("written", ["call us", "12", "+", "116;111", "116 111" * 5, "tel:116111"])
def test_what_nobody_could_call_is_refused(written: str) -> None:
    for name in terms.LINES:
        with pytest.raises(Refused) as fault:
            terms.changed(DEFAULT, {name: written})
        assert fault.value.field == name


@given(st.text(alphabet="+0123456789 ()-./\u0661\u06f4a", max_size=40))
def test_whatever_is_typed_is_a_number_or_is_refused(text: str) -> None:
    try:
        found = terms.changed(DEFAULT, {"line_talk": text}).lines.talk
    except Refused:
        return
    assert found == "" or re.fullmatch(r"\+?[0-9 ()./-]{3,32}", found)
    assert terms.changed(DEFAULT, {"line_talk": found}).lines.talk == found


def test_clocks_that_were_set_before_there_were_lines_have_those_of_europe() -> None:
    old = {name: value for name, value in as_data(DEFAULT).items() if name != "lines"}
    assert as_clocks(old) == DEFAULT
    lines = {"line_talk": "1098", "line_away": ""}
    other = terms.changed(DEFAULT, lines)
    assert as_clocks(as_data(other)) == other


async def test_other_lines_hold_at_once_for_a_search_that_runs(cast: Cast) -> None:
    now, ines = cast.clock(), cast.actor("ines")
    await open_episode(ines, cast.mia.id, uuid4(), Saying(now), now)
    assert (await _me(cast, "mia"))["lines"] == {"talk": "116 111", "away": "116 000"}
    said = {"line_talk": "1098", "line_away": ""}
    await settings.set_clocks(ines, cast.agency.id, 0, said, "We are not in Europe.", now)
    assert (await _me(cast, "mia"))["lines"] == {"talk": "1098", "away": ""}
    assert "lines" not in await _me(cast, "noor")
    assert "lines" not in await _me(cast, "tom")
    await open_episode(cast.actor("uwe"), cast.children["lia"].id, uuid4(), Saying(now), now)
    assert (await _me(cast, "lia"))["lines"]["away"] == "116 000"


async def _me(cast: Cast, name: str) -> dict[str, Any]:
    async with cast.client_as(name) as client:
        found: dict[str, Any] = (await client.get("/api/v1/me")).json()
    return found


@pytest.mark.parametrize("name", list(terms.ALL))
def test_each_number_changes_itself_and_nothing_else(name: str) -> None:
    before = terms.shown(DEFAULT)
    after = terms.shown(terms.changed(DEFAULT, {name: "1"}))
    assert after == before | {name: 1}
    with pytest.raises(Refused) as fault:
        terms.changed(DEFAULT, {name: "0"})
    assert fault.value.field == name


@pytest.mark.parametrize(
    ("name", "text"),
    [("high_decide", "1441"), ("interview", "73"), ("review", "x"), ("report", "1e3")],
)
def test_what_guidance_bounds_nobody_goes_beyond(name: str, text: str) -> None:
    with pytest.raises(Refused) as fault:
        terms.changed(DEFAULT, {name: text})
    assert fault.value.field == name


async def test_new_numbers_hold_for_searches_that_begin_from_then_on(cast: Cast) -> None:
    now, ines = cast.clock(), cast.actor("ines")
    before, _ = await open_episode(ines, cast.mia.id, uuid4(), Saying(now), now)
    made = await settings.set_clocks(
        ines, cast.agency.id, 0, {"interview": "24"}, "We are near.", now
    )
    assert made is not None
    after, _ = await open_episode(ines, cast.noor.id, uuid4(), Saying(now), now)
    assert (before.clocks_version, after.clocks_version) == (0, 1)
    for episode, hours in ((before, 72), (after, 24)):
        held = await Episode.get(id=episode.id)
        clocks, _ = await clocks_of(held.agency_id, held.clocks_version)
        assert clocks.interview == timedelta(hours=hours)


async def test_two_who_set_them_at_once_are_told_of_each_other(cast: Cast) -> None:
    both = await together(
        *(
            settings.set_clocks(
                cast.actor("ines"), cast.agency.id, 0, {"interview": hours}, "Why", cast.clock()
            )
            for hours in ("24", "48")
        )
    )
    assert sum(isinstance(one, Conflict) for one in both) == 1
    assert await ClocksVersion.all().count() == 1


async def test_the_supervisor_sets_the_helpline_at_the_desk_and_the_report_page_shows_it(
    cast: Cast,
) -> None:
    now = cast.clock()
    made, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), Saying(now), now)
    entry = f"/desk/episodes/{made.id}/enter/report"
    async with at_desk(cast, "ines") as browser:
        assert "Missing children helpline (116 000)" in (await browser.get(entry)).text
        said = {"base": "0", "line_away": "call us", "why": "Not in Europe."}
        refused = await browser.post(PAGE, data=said)
        assert refused.status_code == 422
        assert 'value="call us"' in refused.text
        assert "Enter a phone number" in refused.text
        await browser.post(PAGE, data=said | {"line_away": "1800 555 000"})
        assert 'value="1800 555 000"' in (await browser.get(PAGE)).text
        assert "Missing children helpline (1800 555 000)" in (await browser.get(entry)).text
        await browser.post(PAGE, data=said | {"base": "1", "line_away": ""})
        text = (await browser.get(entry)).text
        assert "Missing children helpline" in text
        assert "Missing children helpline (" not in text


async def test_a_supervisor_sets_them_at_the_desk_with_a_reason(cast: Cast) -> None:
    async with at_desk(cast, "ines") as browser:
        page = (await browser.get(PAGE)).text
        assert "= 1 day<" in page, "nobody reads 1440 minutes as a day"
        assert 'value="72"' in page
        refused = await browser.post(PAGE, data={"base": "0", "interview": "48", "why": ""})
        assert refused.status_code == 422
        assert 'value="48"' in refused.text
        done = await browser.post(PAGE, data={"base": "0", "interview": "48", "why": "Closer."})
        page = (await browser.get(done.headers["location"])).text
        assert "Closer." in page
        late = await browser.post(PAGE, data={"base": "0", "interview": "24", "why": "Again."})
        assert late.status_code == 409
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(PAGE)).text
        assert "readonly" in page
        assert (await browser.post(PAGE, data={"base": "1"})).status_code == 403
