"""The grab pack on paper: one A4 page, every field, in the scripts of the children."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pypdfium2
import pytest

from server.i18n import gettext
from server.missing.profile.fields import AT_THE_TIME, FIELDS, PREPARED, Kind
from server.missing.search.actions import EntryRequest, enter
from server.missing.search.entry_kinds import Act
from server.missing.search.models import Episode
from server.missing.search.opening import Saying, open_episode
from server.people.models import Person
from server.watch.models import Sighting
from server.watch.watch_alerts import open_missing
from tests.cast import Cast
from tests.desk.walking import answer, at
from tests.missing.pictures import as_bytes, drawn
from tests.missing.test_pack import prepared, put
from tests.missing.test_photos import add
from tests.plan.pdfs import boxes, glyphs, tags, text_of

# How a page is set does not depend on where its words were kept. The copies, its age, its photo and
# what it tells of a search are read from both databases.
ON_SQLITE = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
WHY = {"x-waymark-reason": quote("Looking for her")}


def code(place: int) -> str:
    """A word that reads one way only, of letters that stand alone."""
    return f"q{LETTERS[place // 20]}{LETTERS[place % 20]}x"


LETTERS = "abcdeghkmnoprstuvwyz"
# What the police of any country would look for on it, in few words each.
FULL = {
    name: code(place) for place, name in enumerate(PREPARED) if FIELDS[name].kind is not Kind.YES
}


async def paper(cast: Cast, query: str = "") -> Any:
    async with cast.client_as("tom") as tom:
        answer = await tom.get(f"/api/v1/children/{cast.mia.id}/pack.pdf{query}", headers=WHY)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert "Mia" not in answer.headers["content-disposition"]
    return answer.content


def pages(made: bytes) -> list[tuple[int, int]]:
    return [tuple(map(round, page.get_size())) for page in pypdfium2.PdfDocument(made)]


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
async def test_every_field_stands_on_one_page_with_its_name(cast: Cast, language: str) -> None:
    await prepared(cast, FULL)
    await add(cast, as_bytes(drawn()))
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    now = {name: code(place + 200) for place, name in enumerate(AT_THE_TIME)}
    async with cast.client_as("tom") as tom:
        path = f"/api/v1/children/{cast.mia.id}/pack/now"
        assert (await tom.put(path, json={"fields": now})).status_code == 200
    made = await paper(cast, f"?language={language}")
    assert pages(made) == [(595, 842)]
    words = text_of(made)
    for value in (*FULL.values(), *now.values()):
        # From right to left a PDF keeps Latin letters in the order of its drawing.
        assert value in words or value[::-1] in words
    if language != "ar":  # Shaped letters come out of a PDF in the order of its drawing.
        flat = "".join(words.split())
        for name in (*FULL, *now):
            if name != "own_script":
                assert "".join(gettext(language, FIELDS[name].label).split()) in flat, name
    assert "Castellane" in words or "enalletsaC" in words
    assert len(made) < 400_000


@ON_SQLITE
@pytest.mark.parametrize(
    "name", ["Mia Castellane", "نور حداد الشامي", "ሰላም ተስፋዬ", "Nguyễn Thị Ánh Tuyết", "Мія"]
)
async def test_a_name_stands_in_its_own_script_without_an_empty_box(cast: Cast, name: str) -> None:
    await Person.filter(id=cast.mia.id).update(name=name)
    await prepared(cast, {"own_script": name, "own_calms": name, "aliases": name})
    for language in ("en", "fr", "ar"):
        made = await paper(cast, f"?language={language}")
        assert 0 not in glyphs(made)
        picture = pypdfium2.PdfDocument(made)[0].render(scale=1).to_pil().convert("L")
        # Something is drawn where the name stands, beside the photo.
        assert picture.crop((130, 40, 500, 75)).getextrema()[0] < 80


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_whatever_is_written_it_is_one_page_and_what_has_no_room_is_named(
    cast: Cast, language: str
) -> None:
    words = "Very long words without an end. "
    much = {name: (words * 200)[: FIELDS[name].longest] for name in FULL}
    await prepared(cast, much)
    await add(cast, as_bytes(drawn()))
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    made = await paper(cast, f"?language={language}")
    assert pages(made) == [(595, 842)]
    if language == "en":
        flat = text_of(made).replace(" ", "")
        assert "Notcompletehere" in flat
        for name in much:
            if name != "own_script":
                assert FIELDS[name].label.replace(" ", "") in flat, name


@ON_SQLITE
async def test_words_that_are_source_stay_words(cast: Cast) -> None:
    source = '#let x = 1 ] #panic("no") $ a_b $ <b>=cmd|x!A1</b>'
    await put(cast, "tom", 0, {"hair": source, "own_script": source[:50]})
    assert '#panic("no")' in text_of(await paper(cast))


async def test_a_pack_that_nobody_made_is_a_page_of_what_is_on_record(cast: Cast) -> None:
    words = text_of(await paper(cast))
    assert "No pack was prepared" in words
    assert "Tom Verhoeven" in words
    assert "No photo" in words


def digits_as_drawn(made: bytes) -> str:
    """Digits and plus signs line by line as an eye reads a number, from left to right."""
    page = pypdfium2.PdfDocument(made)[0].get_textpage()
    drawn: dict[int, list[tuple[float, str]]] = {}
    for place in range(page.count_chars()):
        char = page.get_text_range(place, 1)
        if char and char in "+0123456789":
            left, bottom, *_ = page.get_charbox(place)
            # A plus sign stands a little higher than the digits beside it.
            drawn.setdefault(round(bottom / 6), []).append((left, char))
    return " ".join("".join(char for _, char in sorted(line)) for line in drawn.values())


@ON_SQLITE
async def test_a_number_to_call_keeps_its_order_from_right_to_left(cast: Cast) -> None:
    await prepared(cast, {"phone_number": "+33 6 39 98 12 34", "own_call_first": "+1 202 555"})
    await opened(cast)
    assert "33639981234" in digits_as_drawn(await paper(cast))
    shown = digits_as_drawn(await paper(cast, "?language=ar"))
    for number in ("33639981234", "1202555", "34655010203"):
        assert number in shown, shown


async def opened(cast: Cast) -> None:
    """A search, with one attempt at a number."""
    tom, now = cast.actor("tom"), cast.clock()
    episode, _ = await open_episode(tom, cast.mia.id, uuid4(), Saying(now, None, None, ()), now)
    details = {"how": "call", "whom": "+34 655 01 02 03", "result": "no_answer"}
    await enter(tom, episode.id, EntryRequest(uuid4(), Act.ATTEMPT, details=details), now)


async def test_it_names_days_and_the_clock_since_it_is_read_later(cast: Cast) -> None:
    await put(cast, "tom", 0, {"hair": "black"})
    async with cast.client_as("mia") as mia:
        said = {"id": str(uuid4()), "said_at": cast.clock().isoformat()}
        assert (await mia.post("/api/v1/check-ins", json=said)).status_code == 201
    day = cast.clock()
    cast.clock.advance(days=1)
    await cast.new_token("tom")
    await opened(cast)
    words = text_of(await paper(cast))
    assert "yesterday" not in words.lower()
    assert f"{day.day} {day:%b} {day.year}" in words
    assert "Europe/Paris" in words


def heights(made: bytes) -> dict[str, float]:
    """How tall each digit and letter is at its tallest on the page, in millimetres."""
    page = pypdfium2.PdfDocument(made)[0].get_textpage()
    found: dict[str, float] = {}
    for place in range(page.count_chars()):
        _, bottom, _, top = page.get_charbox(place)
        char = page.get_text_range(place, 1)
        found[char] = max(found.get(char, 0), (top - bottom) / 72 * 25.4)
    return found


@ON_SQLITE
async def test_the_band_says_what_is_known_of_when_only_once_the_child_is_reported_missing(
    cast: Cast,
) -> None:
    await put(cast, "tom", 0, {"height": "162", "hair": "black"})
    assert "MISSING" not in text_of(await paper(cast))
    tom, now = cast.actor("tom"), cast.clock()
    seen = {"at": "2026-03-02T09:30:00Z", "where": "In the garden", "by": "Sam", "words": "To shop"}
    await open_episode(tom, cast.mia.id, uuid4(), Saying(now, None, seen, ()), now)
    words = text_of(await paper(cast))
    assert "MISSING · last seen 10:30 · reported Mon, 2 Mar 2026, 13:00" in words
    assert "Last seen: Mon, 2 Mar 2026, 10:30, In the garden, Sam, To shop" in words
    assert words.count("In the garden") == 1
    partners = text_of(await paper(cast, "?for=partner"))
    assert "MISSING · last seen 10:30" in partners
    assert "In the garden" not in partners


@ON_SQLITE
async def test_the_moment_of_our_report_is_never_that_of_their_leaving(cast: Cast) -> None:
    await put(cast, "tom", 0, {"height": "162"})
    cast.clock.set(at(18, 2))
    await answer(cast, "mia")
    cast.clock.set(at(21, 19))
    await cast.new_token("tom")
    for seen_at, what in ((at(17, 40), "seen"), (at(20, 30), "not_seen")):
        await Sighting.create(
            child_id=cast.mia.id,
            at=seen_at,
            seen_at=seen_at,
            by_id=cast.sam.id,
            by_role="carer",
            answer=what,
        )
    await open_episode(
        cast.actor("tom"), cast.mia.id, uuid4(), Saying(cast.clock(), None, None, ()), cast.clock()
    )
    known = "last heard from 18:02 · seen by the home 17:40 · reported Mon, 2 Mar 2026, 21:19"
    words = text_of(await paper(cast))
    assert f"MISSING · {known}" in words
    async with cast.client_as("tom") as tom:
        lines = (await tom.get(f"/api/v1/children/{cast.mia.id}/pack.txt", headers=WHY)).text
        pack = (await tom.get(f"/api/v1/children/{cast.mia.id}/pack", headers=WHY)).json()
    assert f"MISSING · {known}" in lines
    for shown in (words, lines):
        assert "our server was not down" not in shown.lower()
        assert "no phone we can remind" not in shown.lower()
    last = pack["now"]["last"]
    assert (last["heard_at"], last["seen_at"], last["seen_by_home"], last["reported_at"]) == (
        "2026-03-02T17:02:00Z",
        "2026-03-02T16:40:00Z",
        True,
        "2026-03-02T20:19:00Z",
    )
    arabic = text_of(await paper(cast, "?language=ar"))
    assert "آخر ما وصل من الطفل 6:02" in arabic
    assert "MISSING" not in arabic


@ON_SQLITE
async def test_what_the_room_told_of_the_clothes_stands_beside_the_photo(cast: Cast) -> None:
    await opened(cast)
    [episode] = await Episode.all()
    details = {"phone": "here", "documents": "here", "bag": "here", "clothes": "A red coat"}
    room = EntryRequest(uuid4(), Act.ROOM, details=details)
    await enter(cast.actor("tom"), episode.id, room, cast.clock())
    assert "Clothes: A red coat" in text_of(await paper(cast))


@ON_SQLITE
async def test_the_looks_are_read_from_two_metres(cast: Cast) -> None:
    # Signs ask for a five hundredth of the distance.
    await put(cast, "tom", 0, {"height": "162", "hair": "XWQ"})
    await add(cast, as_bytes(drawn()))
    await opened(cast)
    tall = heights(await paper(cast))
    assert min(tall[letter] for letter in "XWQ") >= 4.0


@ON_SQLITE
async def test_the_columns_are_about_as_long_as_each_other(cast: Cast) -> None:
    await prepared(cast, FULL)
    await opened(cast)
    made = await paper(cast)
    page = pypdfium2.PdfDocument(made)[0].get_textpage()
    places = {code(place) for place in range(len(FULL))}
    ends: dict[int, float] = {}
    for name in places:
        if (found := page.search(name).get_next()) is not None:
            left, bottom, *_ = page.get_charbox(found[0])
            column = int(left // 200)
            ends[column] = min(ends.get(column, 842.0), bottom)
    assert len(ends) >= 2
    assert max(ends.values()) - min(ends.values()) < 80


async def test_an_old_one_says_so(cast: Cast) -> None:
    await put(cast, "tom", 0, {"hair": "black"})
    assert "30 days" not in text_of(await paper(cast))
    cast.clock.advance(days=31)
    await cast.new_token("tom")
    assert "Not checked for 30 days" in text_of(await paper(cast))


@ON_SQLITE
async def test_one_that_no_adult_has_looked_through_says_that_and_no_number_of_days(
    cast: Cast,
) -> None:
    await put(cast, "mia", 0, {"own_calms": "music"})
    words = text_of(await paper(cast))
    assert "No adult has checked it yet" in words
    assert "30 days" not in words


async def test_the_copy_for_partners_says_only_what_they_need(cast: Cast) -> None:
    await prepared(cast, FULL)
    words = text_of(await paper(cast, "?for=partner"))
    for name, value in FULL.items():
        assert (value in words) == FIELDS[name].for_partners, name
    assert "For partners" in words
    assert "Sam Oyelaran" not in words


async def test_it_comes_at_once_with_its_photo(cast: Cast) -> None:
    await prepared(cast, FULL)
    await add(cast, as_bytes(drawn(4000, 3000)))
    await paper(cast)
    began = time.process_time()
    made = await paper(cast)
    assert time.process_time() - began < 1
    assert len(made) < 400_000


@ON_SQLITE
async def test_who_hears_it_is_led_by_headings_and_told_what_the_photo_shows(cast: Cast) -> None:
    await prepared(cast, FULL)
    await add(cast, as_bytes(drawn()))
    parts = tags(await paper(cast))
    roles = [role for role, _ in parts]
    assert (roles.count("H1"), roles.count("H2") > 3) == (1, True)
    assert [said for role, said in parts if role == "Figure"] == ["Photo of Mia Castellane"]


@ON_SQLITE
async def test_lines_of_a_long_answer_are_no_further_apart_than_answers_are(cast: Cast) -> None:
    words = {name: "ox" for name in FULL if not name.startswith(("own_", "home_"))}
    # Labels that have Latin letters in every language: this, and what the home says (a name).
    del words["phone_imei"]
    # So much that everything is set tight, with Latin letters below Arabic labels.
    long = [name for name in words if FIELDS[name].kind is Kind.WORDS][:12]
    answer = await put(cast, "tom", 0, words | dict.fromkeys(long, "ox " * 45))
    assert answer.status_code == 200, answer.text
    made = await paper(cast, "?language=ar")
    columns: dict[int, list[float]] = {}
    for char, left, bottom, *_ in boxes(made):
        if char == "o":
            columns.setdefault(int(left / 198), []).append(round(bottom, 1))
    gaps = [
        round(above - below, 1)
        for bottoms in columns.values()
        for below, above in pairwise(sorted(set(bottoms)))
        if 5 < above - below < 13
    ]
    assert len(gaps) > 30, columns
    assert max(gaps) - min(gaps) < 0.5, sorted(gaps)
