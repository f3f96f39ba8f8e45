"""An agency's own words for away and missing: read beside a decision, never a reason to wait."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Conflict, Refused
from server.i18n import LANGUAGES
from server.missing.search.definitions import rules
from server.missing.search.definitions.actions import latest, of, set_definitions
from server.missing.search.definitions.rules import NONE, Definition, Term
from server.missing.search.models import DefinitionsVersion
from tests.cast import Cast
from tests.desk.walking import at, run_until

PAGE = "/desk/policies/definitions"
WORDS = {
    "away.en": "At a friend's, and we know where.",
    "away.hours": "6",
    "missing.en": "Nobody knows where.",
    "missing.fr": "Personne ne sait où.",
    "missing.hours": "1",
}
NEVER_WAIT = "You never have to wait: a report can be made at once."
definition = st.builds(
    Definition,
    words=st.dictionaries(st.sampled_from(sorted(LANGUAGES)), st.text(min_size=1, max_size=40)),
    hours=st.none() | st.integers(1, rules.MOST_HOURS),
)
moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - the zone comes with `timezones`
    datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


async def page(cast: Cast, who: str, path: str) -> str:
    await cast.new_token(who)
    async with cast.browser_as(who) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, answer.status_code
    return str(answer.text)


async def save(
    cast: Cast, changed: Mapping[str, str] | None = None, *, who: str = "ines", base: int = 0
) -> Any:
    await cast.new_token(who)
    async with cast.browser_as(who) as browser:
        form = {"base": str(base), **WORDS, **(changed or {})}
        return await browser.post(PAGE, data=form)


async def shown_at(cast: Cast, hour: int, minute: int = 0) -> list[str]:
    """The three pages of a decision about Mia at that time, whose check-in was due at 18:00."""
    await run_until(cast, at(hour, minute))
    async with cast.client_as("tom") as client:
        await cast.new_token("tom")
        client.headers["authorization"] = f"Bearer {cast.tokens['tom']}"
        alerts = (await client.get("/api/v1/alerts")).json()["alerts"]
        [alert] = [one for one in alerts if one["child"]["id"] == str(cast.mia.id)]
    return [
        await page(cast, "tom", f"/desk/alerts/{alert['id']}"),
        await page(cast, "tom", f"/desk/children/{cast.mia.id}/missing"),
    ]


@given(
    away=definition,
    missing=definition,
    silent_since=st.none() | moments,
    now=moments,
)
def test_no_definition_ever_names_a_moment_to_come(
    away: Definition, missing: Definition, silent_since: datetime | None, now: datetime
) -> None:
    definitions = {Term.AWAY: away, Term.MISSING: missing}
    since = rules.missing_since(definitions, silent_since, now)
    assert since is None or (silent_since is not None and silent_since < since <= now)
    # What was true stays true: looking later names the same moment.
    if since is not None:
        later = now + timedelta(days=3)
        assert rules.missing_since(definitions, silent_since, later) == since
    assert rules.missing_since(NONE, silent_since, now) is None
    assert rules.read(rules.as_data(definitions)) == definitions


@given(text=st.text(max_size=60))
def test_whatever_is_typed_is_stored_as_it_is_or_refused(text: str) -> None:
    with suppress(Refused):
        kept = rules.given({"away.en": text})
        assert kept[Term.AWAY].words.get("en", "") == text.strip()
    with suppress(Refused):
        hours = rules.given({"missing.hours": text})[Term.MISSING].hours
        assert hours is None or 1 <= hours <= rules.MOST_HOURS


async def test_there_is_none_at_first_and_a_supervisor_writes_it_down(cast: Cast) -> None:
    assert of(await latest(cast.agency.id)) == NONE
    assert "What your agency calls" not in await page(
        cast, "tom", f"/desk/children/{cast.mia.id}/missing"
    )
    assert (await save(cast, who="tom")).status_code == 403
    assert (await save(cast)).headers["location"] == f"{PAGE}?saved=1"
    assert (await save(cast, base=1)).status_code == 303  # The same again.
    assert await DefinitionsVersion.filter(agency_id=cast.agency.id).count() == 1
    for who in ("tom", "ines"):
        shown = await page(cast, who, PAGE)
        assert "Nobody knows where." in shown
        assert "Ines Quintanar" in shown
        assert ("<button" in shown.split("novalidate>")[1].split("</form>")[0]) is (who == "ines")
    assert of(await latest(cast.other_agency.id)) == NONE


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("missing.hours", "25"),
        ("missing.hours", "0"),
        ("away.hours", "-1"),
        ("away.hours", "soon"),
        ("away.hours", "٣"),
        ("away.en", "x" * 2_001),
        ("missing.ar", "abc\u202edef"),
        ("missing.en", "bell \x07"),
    ],
)
async def test_a_refused_form_comes_back_with_everything_that_was_typed(
    cast: Cast, field: str, typed: str
) -> None:
    answer = await save(cast, {field: typed})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    for text in ("Personne ne sait où.", typed.strip()):
        assert escape(text, quote=False)[:1500] in answer.text
    assert await latest(cast.agency.id) is None


async def test_two_who_write_at_once_do_not_overwrite_each_other(cast: Cast) -> None:
    await save(cast)
    answer = await save(cast, {"away.en": "Other words."})
    assert answer.status_code == 409
    assert "Other words." in answer.text
    with pytest.raises(Conflict):
        await set_definitions(
            cast.actor("ines"), cast.agency.id, None, {"away.en": "x"}, cast.clock()
        )


async def test_the_pages_of_a_decision_show_it_after_the_button_that_needs_nothing(
    cast: Cast,
) -> None:
    await save(cast, {"missing.en": "<b>Nobody</b> knows."})
    for shown in await shown_at(cast, 20, 30):
        assert "&lt;b&gt;Nobody&lt;/b&gt; knows." in shown
        assert NEVER_WAIT in shown
        button = shown.index("Report missing" if "Report missing" in shown else "call everyone now")
        assert button < shown.index(NEVER_WAIT)
        # Due at 18:00, and one hour by the agency.
        assert "definition this child has been missing since 19:00." in shown


async def test_hours_that_are_not_over_say_nothing(cast: Cast) -> None:
    await save(cast, {"missing.hours": "24"})
    for shown in await shown_at(cast, 20, 30):
        assert "By your agency" not in shown
        assert NEVER_WAIT in shown


async def test_a_reader_gets_their_language_else_english(cast: Cast) -> None:
    await save(cast)
    path = f"/desk/children/{cast.mia.id}/missing"
    shown = await page(cast, "sam", path)  # Reads French.
    assert "Personne ne sait où." in shown
    assert 'lang="en" dir="ltr"' in shown  # Away is written in English alone.


@pytest.mark.parametrize("hours", [None, "1", "24"])
async def test_clocks_ladder_and_search_are_the_same_under_any_definition(
    cast: Cast, hours: str | None
) -> None:
    if hours is not None:
        await save(cast, {"missing.hours": hours, "away.hours": hours})
    await run_until(cast, at(20, 30))
    await cast.new_token("tom")
    async with cast.client_as("tom") as client:
        alerts = (await client.get("/api/v1/alerts")).json()["alerts"]
        [alert] = [one for one in alerts if one["child"]["id"] == str(cast.mia.id)]
        body = {"id": str(uuid4()), "said_at": cast.clock().isoformat()}
        path = f"/api/v1/children/{cast.mia.id}/episodes"
        opened = (await client.post(path, json=body)).json()
    begun = cast.clock()
    clocks = [
        (clock["what"], datetime.fromisoformat(clock["due_at"]) - begun)
        for clock in opened["clocks"]
    ]
    found = alert["opened_at"], alert["cause"], opened["stage"], clocks
    assert _seen.setdefault("first", found) == found


_seen: dict[str, object] = {}
