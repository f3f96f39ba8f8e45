"""Every script is set or named, and nothing runs off the page or into the next line."""

from __future__ import annotations

import time
import unicodedata
from itertools import cycle

import pypdfium2
import pytest
from PIL import Image

from server.i18n import gettext
from server.missing.profile.fields import FIELDS, PREPARED, Kind
from server.people.models import Person
from server.plan.paper import scripts
from server.plan.paper.fonts import _BUILT_IN, fonts, has
from tests.cast import Cast
from tests.missing.test_pack import prepared, put
from tests.missing.test_pack_paper import pages
from tests.missing.test_pack_paper import paper as pack
from tests.plan.pdfs import beyond, boxes, by_pypdf, details, glyphs, plain
from tests.plan.said import Phone
from tests.plan.test_directions import project

NAMES = {
    "Chinese": "王小明",
    "Japanese": "田中さくら",
    "Korean": "김민수",
    "N'Ko": "ߡߊ߬ߡߊߘߎ߫ ߖߊ߬ߟߏ߫",
    "Adlam": "𞤃𞤢𞤥𞤢𞤣𞤵 𞤄𞤢𞤤𞤣𞤫",
    "Tifinagh": "ⵉⴷⵉⵔ",
    "Tibetan": "བསྟན་འཛིན",
    "Syriac": "ܫܡܥܘܢ",
    "Hanifi Rohingya": "𐴀𐴝𐴕",
    "Thaana": "އަލީ",
    "Ethiopic": "ሰላም ተስፋዬ",
    "Devanagari": "प्रिया शर्मा",
    "Bengali": "রহিমা খাতুন",
    "Tamil": "பிரியா",
    "Thai": "สมชาย ใจดี",
    "Burmese": "အောင်ဆန်း",
    "Khmer": "សុខា ចាន់",
    "Georgian": "ნინო ბერიძე",
    "Armenian": "Անի Պետրոսյան",
    "Hebrew": "נועה לוי",
    "Cyrillic": "Олена Шевченко",
    "Greek": "Ελένη Παπαδοπούλου",
    "Arabic": "نور الدين حداد",
    "Urdu": "فاطمہ خان",
}
LANGUAGES = ("en", "fr", "ar")
PATH = 2
TEXTS = [name for name in PREPARED if FIELDS[name].kind is not Kind.YES]
URL = (
    "https://example.org/a/very/long/path/without/any/space/0123456789abcdef0123456789abcdef"
    "?query=abcdefghijklmnopqrstuvwxyz&x=12345678901234567890123456789012345678901234567890"
)
MAIL = "a.very.long.name.of.somebody.who.has.many.names@a.very.long.domain.of.an.agency.example.org"
ONE_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2

# How letters are set does not depend on where the words were kept: that they come out as they went
# in is for test_weather.py, on both databases, and one page is set here from both.
ON_SQLITE = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)


@pytest.mark.slow
@ON_SQLITE
async def test_a_name_in_any_script_of_the_children_has_no_empty_box(cast: Cast) -> None:
    """Each as the name of the child, in one language or the other; all of them in each language in
    the test below."""
    for number, (name, language) in enumerate(zip(NAMES.values(), cycle(LANGUAGES))):
        await Person.filter(id=cast.mia.id).update(name=name)
        await put(cast, "tom", number, {"own_script": name, "hair": name})
        made = await pack(cast, f"?language={language}")
        assert 0 not in glyphs(made), (name, language)
        assert plain(by_pypdf(made)).count(plain(name)) == 3, (name, language)
        assert pages(made) == [(595, 842)], (name, language)


@ON_SQLITE
@pytest.mark.parametrize("language", LANGUAGES)
async def test_all_the_scripts_on_one_page_have_no_empty_box(cast: Cast, language: str) -> None:
    await put(cast, "tom", 0, {"hair": " / ".join(NAMES.values())})
    made = await pack(cast, f"?language={language}")
    assert 0 not in glyphs(made)
    last = list(NAMES.values())[-1]
    made = await project(cast, language, summary="\n".join(NAMES.values()), area=last, now=last)
    assert 0 not in glyphs(made)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "2 letters in another script"), ("fr", "javanais"), ("ar", "الجاوية")],
)
async def test_a_script_that_no_font_has_is_named_on_the_page(
    cast: Cast, language: str, words: str
) -> None:
    await put(cast, "tom", 0, {"own_script": "ꦲꦏ", "hair": "Mia ꦲꦏ \U000f0000"})
    for made in (
        await pack(cast, f"?language={language}"),
        await project(cast, language, summary="Mia ꦲꦏ \U000f0000"),
    ):
        assert 0 not in glyphs(made)
        found = plain(by_pypdf(made))
        assert words in found
        assert "U+F0000" in found
        assert "Mia" in found


def test_what_is_named_is_counted_by_letters_and_never_twice() -> None:
    def named(text: str) -> str:
        return scripts.settable(text, "en", has)

    # A letter with its two marks is one letter.
    assert "[1 letter" in named("ꦏꦺꦴ")
    assert named("a\u0007b\u200d") == "ab\u200d"
    assert named("Zoe\u0301") == "Zo\u00e9"
    assert named("e\u0301\u0323\u0301").startswith(unicodedata.normalize("NFC", "e\u0323"))


def test_every_sign_that_is_said_to_be_in_the_last_font_is_there() -> None:
    signs = [chr(point) for first, last in _BUILT_IN for point in range(first, last + 1)]
    kept = [sign for sign in signs if unicodedata.category(sign) != "Cn"]
    assert 0 not in glyphs(details("en", [" ".join(kept)]))


# French is set as English is: one word tells of its labels.
LONG = (URL, MAIL, ONE_WORD, "х" * 120, "ض" * 90)


@pytest.mark.slow
@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "word"),
    [*((language, word) for language in ("en", "ar") for word in LONG), ("fr", ONE_WORD)],
)
async def test_a_word_that_is_too_long_stays_on_the_page_and_is_copied_whole(
    cast: Cast, language: str, word: str
) -> None:
    await Person.filter(id=cast.mia.id).update(name=f"Mia {word[:90]}")
    await prepared(cast, {"hair": word, "own_script": word, "own_calms": word})
    on_pack = await pack(cast, f"?language={language}")
    on_project = await project(cast, language, summary=word, area=word[:100], now=word)
    assert beyond(on_pack, 9 * 72 / 25.4 - 1, 595 - 9 * 72 / 25.4 + 1) == []
    assert beyond(on_project, 20 * 72 / 25.4 - 1, 595 - 20 * 72 / 25.4 + 1) == []
    assert pages(on_pack) == [(595, 842)]
    for made in (on_pack, on_project):
        found = by_pypdf(made)
        assert "\u200b" not in found
        assert word in "".join(plain(found).split())


@ON_SQLITE
async def test_names_of_people_fit_their_columns(cast: Cast) -> None:
    mia = Phone(cast, "mia")
    await Person.filter(id=cast.tom.id).update(name="Tom " + "Verhoeven" * 9)
    from tests.plan.test_paper import a_project

    await a_project(mia, ONE_WORD)
    for language in ("en", "ar"):
        for part, left, right in (("details", 55, 540), ("page", 36, 559)):
            query = {"language": language, "part": part}
            answer = await mia.client.get("/api/v1/project.pdf", params=query)
            assert beyond(answer.content, left, right) == []


def test_a_break_parts_no_letter_from_its_marks_and_no_unspaced_script() -> None:
    def broken(text: str) -> list[str]:
        return scripts.settable(text, "en", has).split(scripts.BREAK)

    assert broken("a short word of sixteen ") == ["a short word of sixteen "]
    for text in (
        "é" * 40,
        "ក្រុ" * 20,
        "ป" * 40,
        "我" * 40,
        "ক্ষি" * 20,
        "👩\u200d⚕️" * 9,
        "🙏🏽" * 20,
    ):
        assert "".join(broken(text)) == unicodedata.normalize("NFC", text)
        for part in broken(text)[1:]:
            assert unicodedata.category(part[0]) not in ("Mn", "Mc", "Cf", "Sk"), text
    assert len(broken("ป" * 40)) == len(broken("我" * 40)) == 1
    assert len(broken("é" * 40)) > 5


TALL = {
    "Burmese": "ကျွန်တော် ကျောင်း",
    "Khmer": "ខ្ញុំចង់ទៅរៀន",
    "Tibetan": "བསྒྲུབས་བདེ",
    "Arabic": "مُحَمَّدٌ إِنَّ",
    "Thai": "ที่นี่ น้ำผึ้ง ฎุ",
    "Tamil": "பள்ளிக்குச்",
    "Telugu": "నేను స్త్రీ",
    "Vietnamese": "Nguyễn Ấỗ Ẫg",
    "Chinese": "我叫王小明",
    "Sinhala": "ස්ත්‍රී",
}


def bands(picture: Image.Image) -> int:
    """The stripes of ink, one below the other, with white in between."""
    grey = picture.convert("L")
    ink = [grey.crop((0, y, grey.width, y + 1)).getextrema()[0] < 160 for y in range(grey.height)]
    return sum(after and not before for before, after in zip([False, *ink], ink, strict=False))


@ON_SQLITE
@pytest.mark.parametrize("script", TALL)
async def test_lines_of_a_tall_script_do_not_touch(cast: Cast, script: str) -> None:
    await put(cast, "mia", 0, {"own_calms": f"{TALL[script]} " * 15})
    made = await pack(cast)
    letters = {char for char in TALL[script] if ord(char) > 0x590}
    drawn = [box for box in boxes(made) if box[0] in letters]
    top, bottom = max(box[4] for box in drawn), min(box[2] for box in drawn)
    lines = sum(1 for line in by_pypdf(made).splitlines() if letters & set(line))
    assert lines > 1
    # The left half of the column that they are in, below the label.
    scale, left = 6, min(box[1] for box in drawn)
    sides = (
        left * scale,
        (842 - top - 4) * scale,
        (left + 124) * scale,
        (842 - bottom + 4) * scale,
    )
    page = pypdfium2.PdfDocument(made)[0].render(scale=scale).to_pil()
    assert bands(page.crop(tuple(map(int, sides)))) >= lines


def struck(made: bytes) -> list[str]:
    """The letters through which a rule goes."""
    found = []
    for number, page in enumerate(pypdfium2.PdfDocument(made)):
        bounds = [one.get_bounds() for one in page.get_objects() if one.type == PATH]
        rules = [one for one in bounds if one[2] - one[0] > 200 and one[3] - one[1] < 4]
        for left, below, right, above in rules:
            middle = (below + above) / 2
            found += [
                char
                for char, begin, bottom, _, top in boxes(made, number)
                if bottom < middle < top and left - 1 < begin < right
            ]
    return found


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
async def test_a_rule_strikes_through_no_heading(cast: Cast, language: str) -> None:
    await put(cast, "tom", 0, dict.fromkeys(TEXTS, "gjpqy"))
    assert struck(await pack(cast, f"?language={language}")) == []
    if language == "fr":
        return  # The titles of areas are the child's words, set as in English.
    for title in ("عيون جميع الحج", "Jumpy jolly", "བསྒྲུབས", "กู้ญี่"):
        assert struck(await project(cast, language, area=title, now="w")) == []


def test_the_fonts_are_looked_through_once() -> None:
    began = time.process_time()
    assert fonts() is fonts()
    assert has("我")
    assert has("ߒ")
    assert not has("ꦲ")
    assert time.process_time() - began < 1


def test_what_cannot_be_printed_is_said_in_each_language() -> None:
    for language in ("fr", "ar"):
        said = gettext(language, "[cannot be printed: {codes}]", codes="U+F0000")
        assert not said.startswith("[cannot")
