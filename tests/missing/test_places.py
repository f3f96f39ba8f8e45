"""The places of a search as linked dots, and the same as a table."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.alerts.models import Alert
from server.audit.models import Entry
from server.missing.search.actions import EntryRequest, enter
from server.missing.search.entry_kinds import Act
from server.missing.search.last_seen import Seen, last_seen
from server.missing.search.models import Episode, TimelineEntry
from server.missing.search.opening import Saying, open_episode
from server.missing.search.pictures.places import MOST_DRAWN, Known, Report, drawn, key_of
from server.missing.search.summary import how_it_stands
from server.missing.search.timeline import verify
from server.missing.search.view import view
from server.notify.models import Message
from server.people.rules import Role
from server.storage.db import write
from server.watch.actions import SightingRequest, note_sighting
from tests.alerts.calls import queue_call
from tests.alerts.test_attempts import opened as alerted
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.missing.test_door import asks_to_be_away
from tests.missing.test_pack import prepared
from tests.missing.test_pack_paper import WHY
from tests.missing.test_returns import back, complete

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SEARCHES = (UUID(int=1), UUID(int=2))


def report(place: str, minutes: int | None, known: Known = Known.SEEN, search: int = 0) -> Report:
    at = None if minutes is None else NOW + timedelta(minutes=minutes)
    return Report(place, known, "x", at, SEARCHES[search])


reports = st.lists(
    st.builds(
        report,
        st.sampled_from([f"Place {number}" for number in range(14)]),
        st.none() | st.integers(0, 500),
        st.sampled_from(Known),
        st.integers(0, 1),
    ),
    max_size=50,
)


@given(reports)
def test_each_report_stands_at_one_place_and_the_drawing_stays_within_its_bounds(
    of_places: list[Report],
) -> None:
    drawing = drawn(of_places)
    listed = [each for place in drawing.places for each in place.reports]
    assert len(listed) == len(of_places)
    assert len({key_of(place.name) for place in drawing.places}) == len(drawing.places)
    assert len(drawing.dots) == min(len(drawing.places), MOST_DRAWN)
    assert drawing.height == sum(dot.height for dot in drawing.dots)
    for dot in drawing.dots:
        assert 0 < dot.x < drawing.width
        assert 0 < dot.y < drawing.height
    for link in drawing.links:
        numbers = [int(number) for number in re.findall(r"-?\d+", f"{link.line} {link.arrow}")]
        assert all(0 <= number <= max(drawing.width, drawing.height) for number in numbers)
    timed = [dot.place.reports[0].at for dot in drawing.dots if dot.place.reports[0].at]
    assert not drawing.links or timed
    # What is known most decides which places are drawn.
    left_out = set(drawing.places) - {dot.place for dot in drawing.dots}
    if any(place.known is Known.SEEN for place in left_out):
        assert all(dot.place.known is Known.SEEN for dot in drawing.dots)


@given(st.text(max_size=40))
def test_a_name_has_one_key_however_its_letters_are_written(name: str) -> None:
    assert key_of(key_of(name)) == key_of(name)
    assert key_of(f"  {name} ") == key_of(name)


def test_spellings_of_one_place_are_one_dot() -> None:
    for spellings in (
        ("Gare du Nord", "gare  du nord.", "Gare-du-Nord"),
        ("Café Élysée", "cafe elysee"),
        ("محطة القطار", "مَحَطّة القـطار"),
        ("?", " ? "),
    ):
        assert len({key_of(spelling) for spelling in spellings}) == 1, spellings
    assert key_of("Gare du Nord") != key_of("Gare de l'Est")


def test_going_back_is_one_dot_with_two_times_and_an_arc() -> None:
    drawing = drawn([report("Station", 0), report("Park", 10), report("station", 20)])
    assert [(dot.place.name, dot.place.times_seen) for dot in drawing.dots] == [
        ("station", 2),
        ("Park", 1),
    ]
    assert [link.is_return for link in drawing.links] == [False, True]
    assert drawing.returns == ("station",)


def test_only_where_the_child_was_seen_in_one_search_is_linked() -> None:
    drawing = drawn(
        [
            report("Station", 0, search=1),
            report("Home", 10),
            report("Park", 20, Known.LOOKED),
            report("School", 30, Known.LIKELY),
            report("Shop", 40),
        ]
    )
    [home] = [dot for dot in drawing.dots if dot.place.name == "Home"]
    assert len(drawing.links) == 1
    assert drawing.links[0].line.startswith(f"M{home.x} {home.y}")


# --- on the pages


async def missing(cast: Cast, child: str = "mia", **last_seen: str) -> Episode:
    now, child_id = cast.clock(), cast.persons[child].id
    saying = Saying(now, None, last_seen or None, ())
    await open_episode(cast.actor("tom"), child_id, uuid4(), saying, now)
    cast.clock.advance(minutes=10)
    return await Episode.get(child_id=child_id, found_at=None)


async def log(cast: Cast, episode: Episode, act: Act, **details: str) -> None:
    entry = EntryRequest(uuid4(), act, details=details)
    await enter(cast.actor("tom"), episode.id, entry, cast.clock())
    cast.clock.advance(minutes=10)


async def read(cast: Cast, name: str, path: str) -> str:
    async with at_desk(cast, name) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def picture(page: str) -> str:
    return page.split('class="places"')[1].split("</section>")[0]


def rows(page: str) -> list[tuple[str, str]]:
    """Place and word of each row of the table."""
    cells = re.findall(r'<th scope="row"><bdi>(.*?)</bdi></th>.*?<td>([^<]*)</td></tr>', page)
    return [(place, word) for place, word in cells]


async def test_a_search_draws_where_the_child_was_seen_and_where_people_looked(cast: Cast) -> None:
    episode = await missing(cast, at="2026-03-02T09:30:00Z", where="Kitchen", by="Sam")
    await log(cast, episode, Act.ATTEMPT, how="visit", whom="Park", result="not_there")
    await log(cast, episode, Act.ATTEMPT, how="call", whom="Her aunt", result="no_answer")
    await log(cast, episode, Act.PLACE, where="Station", known="seen", who="A guard")
    await log(cast, episode, Act.PLACE, where="Note", known="likely")
    asked = SightingRequest(uuid4(), "seen", place="kitchen")
    await note_sighting(cast.actor("sam"), cast.mia.id, Role.CARER, asked, cast.clock())
    await asks_to_be_away(cast, str(uuid4()))
    shown = picture(await read(cast, "tom", f"/desk/episodes/{episode.id}"))
    assert rows(shown) == [
        ("kitchen", "Last seen"),
        ("kitchen", "Seen"),
        ("Park", "Looked, could not find"),
        ("Station", "Seen"),
        ("Note", "May be here"),
        ("At a friend&#39;s in Lille", "The child asked to be here"),
    ]
    assert "Seen there more than once: kitchen." in shown
    assert shown.count('class="link return"') == 1
    assert shown.index('aria-hidden="true"') < shown.index("<svg")
    assert "Her aunt" not in shown


async def test_a_guardian_reads_the_places_and_a_name_is_never_translated(cast: Cast) -> None:
    episode = await missing(cast, "noor", where="Note")
    shown = picture(await read(cast, "ada", f"/desk/episodes/{episode.id}"))
    assert [place for place, _ in rows(shown)] == ["Note"]
    assert "/enter/place" not in shown


async def test_without_a_place_there_is_a_sentence_and_the_way_to_add_one(cast: Cast) -> None:
    episode = await missing(cast)
    shown = picture(await read(cast, "tom", f"/desk/episodes/{episode.id}"))
    assert "No place is logged yet." in shown
    assert '<svg class="drawing"' not in shown
    assert f'href="/desk/episodes/{episode.id}/enter/place"' in shown


async def test_many_places_stay_readable_and_the_others_are_counted(cast: Cast) -> None:
    episode = await missing(cast, where="Kitchen")
    for number in range(29):
        details = {"how": "visit", "whom": f"Stop {number}", "result": "not_there"}
        await log(cast, episode, Act.ATTEMPT, **details)
    shown = picture(await read(cast, "ines", f"/desk/episodes/{episode.id}"))
    assert shown.split("<ol>")[1].split("</ol>")[0].count("<li") == 8
    assert "22 more places are in the table." in shown
    assert len(rows(shown)) == 30
    assert "Kitchen" in shown.split("<ol>")[1].split("</ol>")[0], "where they were seen comes first"


async def test_earlier_searches_show_that_the_child_goes_back(cast: Cast) -> None:
    first = await missing(cast, where="School")
    await log(cast, first, Act.PLACE, where="Station", known="seen")
    await back(cast)
    cast.clock.advance(days=3)
    await cast.new_token("tom")
    again = await missing(cast)
    await log(cast, again, Act.PLACE, where="station", known="seen")
    page = await read(cast, "tom", f"/desk/episodes/{again.id}")
    shown = picture(page)
    assert ("station", "Seen, earlier search") in rows(shown)
    assert ("School", "Last seen, earlier search") in rows(shown)
    assert "Seen there more than once: station." in shown
    safety = await read(cast, "tom", f"/desk/children/{cast.mia.id}/safety")
    assert ("station", "Seen") in rows(picture(safety))
    assert "/enter/place" not in safety


async def test_a_sighting_with_its_place_is_seen_in_the_next_search_and_on_the_safety_tab(
    cast: Cast,
) -> None:
    await missing(cast)
    await sighted(cast, "Station")
    await back(cast)
    cast.clock.advance(days=3)
    for name in ("tom", "sam"):
        await cast.new_token(name)
    again = await missing(cast)
    await sighted(cast, "station")
    shown = rows(picture(await read(cast, "tom", f"/desk/episodes/{again.id}")))
    assert [word for place, word in shown if place == "station"] == ["Seen, earlier search", "Seen"]
    safety = rows(picture(await read(cast, "tom", f"/desk/children/{cast.mia.id}/safety")))
    assert [word for place, word in safety if place == "station"].count("Seen") == 2


async def sighted(cast: Cast, place: str) -> None:
    """By the ordinary form."""
    asked = SightingRequest(uuid4(), "seen", place=place)
    await note_sighting(cast.actor("sam"), cast.mia.id, Role.CARER, asked, cast.clock())
    cast.clock.advance(minutes=10)


REPORTED_AT = NOW - timedelta(hours=2)


@pytest.mark.parametrize(
    ("said", "noticed", "where"),
    [
        ({"at": REPORTED_AT, "where": "School"}, {}, "School"),
        ({"at": REPORTED_AT, "where": "School"}, {-180: "Bus station"}, "School"),
        ({"at": REPORTED_AT, "where": "School"}, {-60: "Bus station"}, "Bus station"),
        ({"at": REPORTED_AT, "where": "School"}, {60: "Park", -60: "Bus", -180: "Shop"}, "Park"),
        # Without a time, the report tells of the time before it.
        ({"where": "School"}, {-180: "Bus station"}, "School"),
        ({"where": "School"}, {5: "Bus station"}, "Bus station"),
        ({"at": REPORTED_AT}, {-180: "Bus station"}, ""),
        ({}, {-180: "Bus station"}, "Bus station"),
        (None, {}, ""),
    ],
)
def test_a_place_that_tells_of_an_earlier_hour_is_not_where_the_child_was_seen_last(
    said: dict[str, Any] | None, noticed: dict[int, str], where: str
) -> None:
    if said and "at" in said:
        said = said | {"at": said["at"].isoformat()}
    episode = Episode(id=SEARCHES[0], opened_at=NOW, last_seen=said)
    seen = [
        Seen(episode.id, NOW + timedelta(minutes=minutes), place)
        for minutes, place in noticed.items()
    ]
    assert last_seen(episode, seen).where == where


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hours", "where"), [(5, "School"), (0, "Bus station")], ids=["earlier", "later"]
)
async def test_the_handover_and_the_pack_of_the_police_say_the_same_last_place(
    cast: Cast, hours: int, where: str
) -> None:
    seen_at = (cast.clock() - timedelta(hours=2)).isoformat()
    episode = await missing(cast, at=seen_at, where="School", by="Sam")
    at = cast.clock() - timedelta(hours=hours)
    details = {"where": "Bus station", "known": "seen", "who": "A guard"}
    entry = EntryRequest(uuid4(), Act.PLACE, at=at, details=details)
    await enter(cast.actor("tom"), episode.id, entry, cast.clock())
    [seen] = await view([episode], [Role.CASEWORKER], cast.tom.id, cast.clock())
    sentences = how_it_stands(seen, "en", str)
    assert [it for it in sentences if it.startswith("Last seen")] == [f"Last seen: {where}."]
    async with cast.client_as("tom") as tom:
        path = f"/api/v1/children/{cast.mia.id}/pack"
        pack = (await tom.get(path, headers=WHY)).json()["now"]
    assert where in pack["last_seen"]
    assert ("A guard" in pack["last_seen"]) == (where == "Bus station")


async def test_a_newer_sighting_is_where_the_pack_says_the_child_was_seen_last(cast: Cast) -> None:
    seen_at = (cast.clock() - timedelta(hours=2)).isoformat()
    await missing(cast, at=seen_at, where="School")
    await sighted(cast, "Station")
    async with cast.client_as("tom") as tom:
        path = f"/api/v1/children/{cast.mia.id}/pack"
        pack = (await tom.get(path, headers=WHY)).json()["now"]
    assert "Station" in pack["last_seen"]
    assert "School" not in pack["last_seen"]


async def test_a_person_who_was_only_called_sees_the_places_of_this_search_alone(
    cast: Cast,
) -> None:
    await missing(cast, where="School")
    await back(cast)
    again = await missing(cast, where="Station")
    await call(cast, again, "eve")
    shown = picture(await read(cast, "eve", f"/desk/episodes/{again.id}"))
    assert rows(shown) == [("Station", "Reported as last seen here")]
    form = await read(cast, "eve", f"/desk/episodes/{again.id}/enter/place")
    assert 'value="Station"' in form
    assert "School" not in form


async def call(cast: Cast, episode: Episode, name: str) -> None:
    """By the alert of the search, as the ladder does."""
    alert = await Alert.get(id=episode.alert_id)
    async with write():
        await queue_call(alert, cast.persons[name].id, cast.clock())


async def test_places_of_the_pack_are_for_those_who_may_read_it_and_leave_a_look(
    cast: Cast,
) -> None:
    places = {"places_often": "- Skate park\n\nStation", "places_risky": "Old mill"}
    await prepared(cast, {**places, "own_more": "I like the sea."})
    episode = await missing(cast, where="station")
    path = f"/desk/episodes/{episode.id}"
    looks = Entry.filter(what="look:pack:open", child_id=cast.mia.id)
    before = await looks.count()
    for _ in range(2):
        shown = picture(await read(cast, "tom", path))
    assert await looks.count() == before + 1
    assert rows(shown) == [
        ("station", "Places the child goes"),
        ("station", "Reported as last seen here"),
        ("Skate park", "Places the child goes"),
        ("Old mill", "Dangerous places"),
    ]


async def test_a_place_is_logged_on_a_form_that_keeps_what_was_typed(cast: Cast) -> None:
    episode = await missing(cast, where="Kitchen")
    path = f"/desk/episodes/{episode.id}/enter/place"
    async with at_desk(cast, "tom") as tom:
        form = (await tom.get(path)).text
        assert '<option value="Kitchen">' in form
        asked: dict[str, Any] = {"id": str(uuid4()), "where": "Station", "who": "A guard"}
        refused = await tom.post(path, data=asked)
        assert refused.status_code == 422
        assert 'value="Station"' in refused.text
        assert 'value="A guard"' in refused.text
        for _ in range(2):
            done = await tom.post(path, data={**asked, "known": "seen"})
            assert done.status_code == 303
    assert await TimelineEntry.filter(what="place").count() == 1
    page = await read(cast, "tom", f"/desk/episodes/{episode.id}")
    assert "Noted a place" in page
    assert "The child was seen there" in page


async def test_a_refused_form_that_names_the_places_leaves_a_look(cast: Cast) -> None:
    episode = await missing(cast, where="Kitchen")
    path = f"/desk/episodes/{episode.id}/enter/place"
    looks = Entry.filter(what="look:episode:see", child_id=cast.mia.id, who_id=cast.tom.id)
    assert await looks.count() == 0
    async with at_desk(cast, "tom") as tom:
        refused = await tom.post(path, data={"id": str(uuid4()), "who": "A guard"})
    assert refused.status_code == 422
    assert '<option value="Kitchen">' in refused.text
    assert await looks.count() == 1


async def test_a_sighting_keeps_its_place_and_refuses_one_that_is_too_long(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}/sighting"
    async with at_desk(cast, "tom") as tom:
        refused = await tom.post(path, data={"answer": "seen", "place": "x" * 501})
        assert refused.status_code == 422
        assert "Write up to 500 characters." in refused.text
        assert "x" * 501 in refused.text
        assert (await tom.post(path, data={"answer": "seen", "place": "Bus 12"})).status_code == 303
    assert "Bus 12" in await read(cast, "tom", f"/desk/children/{cast.mia.id}")


async def test_where_the_child_was_seen_stands_at_the_time_of_seeing_also_hours_later(
    cast: Cast,
) -> None:
    episode = await missing(cast, where="School")
    await log(cast, episode, Act.PLACE, where="Harbour", known="seen")
    cast.clock.advance(hours=3)
    seen_at = episode.opened_at - timedelta(minutes=5)
    asked = SightingRequest(uuid4(), "seen", seen_at=seen_at, place="Station")
    await note_sighting(cast.actor("sam"), cast.mia.id, Role.CARER, asked, cast.clock())
    shown = picture(await read(cast, "tom", f"/desk/episodes/{episode.id}"))
    assert [place for place, _ in rows(shown)] == ["Station", "School", "Harbour"]
    assert await Message.filter(kind="alert_again", subject_id=asked.id).exists()


async def not_found(cast: Cast, place: str | None, id_: UUID | None = None) -> None:
    asked = SightingRequest(id_ or uuid4(), "not_seen", place=place, words="Nobody there.")
    await note_sighting(cast.actor("sam"), cast.mia.id, Role.CARER, asked, cast.clock())
    cast.clock.advance(minutes=10)


async def test_where_a_person_could_not_find_the_child_is_a_line_and_a_place_once(
    cast: Cast,
) -> None:
    episode = await missing(cast, at="2026-03-02T09:30:00Z", where="Kitchen")
    tapped = uuid4()
    for _ in range(2):
        await not_found(cast, "Bus station", tapped)
    await not_found(cast, None)
    page = await read(cast, "tom", f"/desk/episodes/{episode.id}")
    assert rows(picture(page)) == [
        ("Kitchen", "Last seen"),
        ("Bus station", "Looked, could not find"),
    ]
    lines = await TimelineEntry.filter(episode_id=episode.id, what=Act.ATTEMPT.value)
    assert [line.details.get("whom") for line in lines] == ["Bus station", None]
    assert {line.who_id for line in lines} == {cast.sam.id}
    assert "Nobody there." in page
    assert await verify() is None


async def test_what_was_seen_during_the_alert_before_a_search_is_in_the_search(cast: Cast) -> None:
    await sighted(cast, "Before the alert")
    await alerted(cast)
    cast.clock.advance(minutes=10)
    await not_found(cast, "Park")
    seen_at = cast.clock() - timedelta(hours=3)
    asked = SightingRequest(uuid4(), "seen", seen_at=seen_at, place="Market")
    await note_sighting(cast.actor("sam"), cast.mia.id, Role.CARER, asked, cast.clock())
    cast.clock.advance(minutes=10)
    episode = await missing(cast)
    shown = picture(await read(cast, "tom", f"/desk/episodes/{episode.id}"))
    assert rows(shown) == [("Market", "Seen"), ("Park", "Looked, could not find")]
    assert await verify() is None


async def test_a_child_who_is_back_keeps_their_places_on_the_page_without_a_way_to_add(
    cast: Cast,
) -> None:
    episode = await complete(cast)
    shown = picture(await read(cast, "tom", f"/desk/episodes/{episode.id}"))
    assert any(word == "Found" for _, word in rows(shown))
    assert "/enter/" not in shown
