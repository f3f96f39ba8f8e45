"""Which way words are read on paper: those of the page, and those of a person. By where each
letter is drawn, not by what a program makes of it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from server.people.models import Person
from server.plan.paper.scripts import direction_of, isolated
from tests.cast import Cast
from tests.missing.test_pack import put
from tests.missing.test_pack_paper import paper as pack
from tests.plan.pdfs import boxes
from tests.plan.said import Phone

# The sides of the text on the project's A4 page, in points.
LEFT, RIGHT = 57.0, 538.0
FRENCH = "Zébu (voilà) ?"
ARABIC = "ضفدع (غزال) ؟"
NUMBER = "+33 6 39 98 12 34"


async def project(cast: Cast, language: str, **said: str) -> bytes:
    """A project where the child said this, on paper."""
    mia = Phone(cast, "mia")
    changes = [
        mia.say("life_project", str(cast.mia.id), name, words)
        for name, words in said.items()
        if name == "summary"
    ]
    if "area" in said:
        changes.append(mia.make("area", kind="own", name=said["area"], now=said["now"]))
    assert await mia.sync(*changes) == ["applied"] * len(changes)
    answer = await mia.client.get(
        "/api/v1/project.pdf", params={"language": language, "part": "details"}
    )
    assert answer.status_code == 200
    return answer.content


def places(made: bytes, *chars: str) -> list[float]:
    """Where the first of each of these characters begins, from the left."""
    drawn = boxes(made)
    return [next(left for char, left, *_ in drawn if char == wanted) for wanted in chars]


async def test_french_on_an_arabic_page_is_read_from_the_left_beside_its_label(cast: Cast) -> None:
    made = await project(cast, "ar", summary=FRENCH)
    first, word, mark = places(made, "Z", "v", "?")
    assert first < word < mark
    assert mark > RIGHT - 30


async def test_arabic_on_a_french_page_is_read_from_the_right_beside_its_label(cast: Cast) -> None:
    made = await project(cast, "fr", summary=ARABIC)
    first, word, mark = places(made, "ض", "غ", "؟")
    assert mark < word < first
    assert mark < LEFT + 30


async def test_each_paragraph_has_a_direction_of_its_own(cast: Cast) -> None:
    for language in ("fr", "ar"):
        made = await project(cast, language, summary=f"{FRENCH}\n{ARABIC}")
        french, arabic = places(made, "Z", "?"), places(made, "؟", "ض")
        assert french == sorted(french)
        assert arabic == sorted(arabic)
        # Both beside their label.
        assert (arabic[1] > RIGHT - 30) == (language == "ar") == (french[1] > RIGHT - 30)


async def test_headings_and_labels_stand_on_the_side_of_the_page(cast: Cast) -> None:
    made = await project(cast, "ar", area=FRENCH, now="Wagon")
    # The name of an area is a heading: on the right, and still a French question.
    first, mark = places(made, "Z", "?")
    assert first < mark
    assert mark > RIGHT - 150
    made = await project(cast, "fr", area=ARABIC, now="wagon")
    mark, first = places(made, "؟", "ض")
    assert mark < first < LEFT + 250


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
@pytest.mark.parametrize("separator", [" ", "-", "."])
async def test_a_number_to_call_keeps_its_order_among_arabic_words(
    cast: Cast, language: str, separator: str
) -> None:
    number = NUMBER.replace(" ", separator)
    made = await project(cast, language, summary=f"اتصلوا بـ {number} ثم أخي")
    line = next(bottom for char, _, bottom, *_ in boxes(made) if char == "6")
    drawn = [box for box in boxes(made) if abs(box[2] - line) < 5 and box[0] in "+0123456789"]
    digits = "".join(char for char, *_ in sorted(drawn, key=lambda box: box[1]))
    assert digits == "+33639981234"


async def test_a_day_with_dashes_keeps_its_order_among_arabic_words(cast: Cast) -> None:
    made = await project(cast, "ar", summary="يوم 28-11-2035 في ليون")
    line = next(bottom for char, _, bottom, *_ in boxes(made) if char == "8")
    drawn = sorted(box[1:2] + box[:1] for box in boxes(made) if abs(box[2] - line) < 3)
    assert "28112035" in "".join(char for _, char in drawn if char.isdigit())


@pytest.mark.parametrize("language", ["fr", "ar"])
async def test_a_name_in_the_other_direction_moves_neither_marks_nor_numbers_on_the_pack(
    cast: Cast, language: str
) -> None:
    other = {"fr": ARABIC, "ar": FRENCH}[language]
    await Person.filter(id=cast.mia.id).update(name=other)
    await put(cast, "tom", 0, {"hair": other, "own_script": other})
    drawn = boxes(await pack(cast, f"?language={language}"))
    names = {"fr": ("ض", "؟"), "ar": ("Z", "?")}[language]
    firsts = [left for char, left, *_ in drawn if char == names[0]]
    marks = [left for char, left, *_ in drawn if char == names[1]]
    assert len(firsts) == len(marks) == 3
    for first, mark in zip(sorted(firsts), sorted(marks), strict=True):
        # The question mark stands where the question ends.
        assert (mark < first) if language == "fr" else (mark > first)


async def test_the_footer_keeps_name_and_clock_apart(cast: Cast) -> None:
    await Person.filter(id=cast.mia.id).update(name="نور 12")
    made = await project(cast, "fr", summary="x")
    foot = [box for box in boxes(made) if box[2] < 50]
    # The number of the name stands at its left, and the clock after both.
    name = max(left for char, left, *_ in foot if char in "نور")
    twelve = min(left for char, left, *_ in foot if char == "1")
    clock = next(left for char, left, *_ in foot if char == ":")
    assert twelve < name < clock


def test_what_has_no_letters_is_read_like_the_page() -> None:
    assert direction_of("12!", "ar") == "rtl"
    assert direction_of("12!", "fr") == "ltr"
    assert direction_of("12 نور", "fr") == "rtl"
    assert direction_of("(Zoé) نور", "ar") == "ltr"


def test_what_a_person_left_open_is_closed() -> None:
    opened = isolated("\u2067\u2068نور", "fr")
    assert opened.count("\u2069") == 3
    assert isolated("", "ar") == ""
    assert isolated("Zoé 12", "fr") == "Zoé 12"


async def test_an_unknown_owner_is_no_mark_on_the_page(cast: Cast) -> None:
    mia = Phone(cast, "mia")
    area, goal = str(uuid4()), str(uuid4())
    said = [
        mia.say("area", area, "*", {"kind": "own", "name": ARABIC}),
        mia.say("goal", goal, "*", {"area_id": area, "child_words": FRENCH}),
        mia.say("step", str(uuid4()), "*", {"goal_id": goal, "text": FRENCH}),
    ]
    assert await mia.sync(*said) == ["applied"] * 3
    made = await project(cast, "ar")
    assert "\u2068" not in {char for char, *_ in boxes(made)}


async def test_a_number_to_call_is_not_parted_where_a_line_ends(cast: Cast) -> None:
    for words in range(9, 16):
        made = await project(cast, "ar", summary=f"{'كلمة ' * words}{NUMBER} تم")
        digits = [box for box in boxes(made) if box[0] in "+39812" and box[2] > 100]
        number = [box for box in digits if abs(box[2] - digits[-1][2]) < 60]
        plus = next(box for box in number if box[0] == "+")
        nine = next(box for box in number if box[0] == "9")
        assert abs(plus[2] - nine[2]) < 5, words
