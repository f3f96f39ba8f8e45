"""What search, copying and screen readers get of a paper: the words that people wrote."""

from __future__ import annotations

import io
import unicodedata

import pytest
import typst
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from server.plan.paper import textlayer
from tests.cast import Cast
from tests.missing.test_pack import prepared
from tests.missing.test_pack_paper import paper as pack
from tests.plan.pdfs import (
    EXTRACTORS,
    by_pdfium,
    by_poppler,
    by_pypdf,
    details,
    plain,
    words_of,
)
from tests.plan.said import Phone

SENTENCES = {
    "Arabic": "أريد أن أجد أخي، لا بأس إن تأخّرتُ",
    "Arabic with every mark": "مُحَمَّدٌ فِي الإِسْلَامِ وَالسَّلامُ عَلَيْكُم",
    "Dari": "می‌خواهم درس بخوانم، گچ و ژاله، ۱۲۳",
    "Pashto": "زه غواړم ښوونځي ته لاړ شم، ټول ډېر ځوان څوک",
    "Sorani": "دەمەوێت بچم بۆ قوتابخانە، ڕۆژ و گوڵ",
    "Urdu": "میں پڑھنا چاہتا ہوں ٹھیک ہے ڈر نہیں",
    "lam and alef": "بلالا فلأن لإلى لآخر الآن",
    "Hebrew": "אני רוצה ללמוד שָׁלוֹם",
    "N'Ko": "ߒߞߏ ߞߊ߲ߜߍ߫ ߡߊ߬ߡߊߘߎ߫",
    "Syriac": "ܫܠܵܡܵܐ",
    "Devanagari": "म स्कूल जान चाहन्छु कि क्षि",
    "Bengali": "আমি স্কুলে যেতে চাই কোন কি",
    "Gurmukhi": "ਮੈਂ ਸਕੂਲ ਜਾਣਾ",
    "Tamil": "நான் பள்ளிக்குச் செல்ல விரும்புகிறேன்",
    "Sinhala": "මට පාසල් යන්න ඕන",
    "Thai": "ฉันอยากไปโรงเรียน น้ำ",
    "Burmese": "ကျွန်တော် ကျောင်းတက်ချင်တယ်",
    "Khmer": "ខ្ញុំចង់ទៅរៀន",
    "Tibetan": "བཀྲ་ཤིས་བདེ་ལེགས",
    "Ethiopic": "ትምህርት ቤት መሄድ እፈልጋለሁ።",
    "Vietnamese": "Nguyễn Thị Ánh Tuyết",
    "Chinese": "我叫王小明",
    "Japanese": "私の名前は田中です",
    "Korean": "제 이름은 김민수",
}
# Read rightly by pypdf; pdfium knows no letters beyond the first plane as right to left.
BY_POSITION = {"Adlam": "𞤆𞤵𞤤𞤢𞤪 𞤀𞤣𞤤𞤢𞤥", "Hanifi Rohingya": "𐴀𐴝𐴕"}
# Names, numbers and days of the other direction inside. pdfium puts the parts of such a line in an
# order of its own: of it only the words are compared.
MIXED = (
    "اسمي Mia Castellane وعمري 14 سنة",
    "اتصلوا بالرقم 0639981234 يوم 12/11/2026",
    "عندي ١٢ كتابًا و 3 إخوة",
    "یوسف ۱۲ سال دارد",
    "Mon frère s'appelle نور الدين حداد depuis 2012",
)


async def written(cast: Cast, words: list[str]) -> None:
    """Each of them on a line of its own."""
    mia = Phone(cast, "mia")
    said = [mia.say("life_project", str(cast.mia.id), "summary", "\n".join(words))]
    assert await mia.sync(*said) == ["applied"]


async def project(cast: Cast, language: str) -> bytes:
    answer = await Phone(cast, "mia").client.get(
        "/api/v1/project.pdf", params={"language": language, "part": "details"}
    )
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
async def test_what_a_child_wrote_in_its_own_script_is_what_is_copied(
    cast: Cast, language: str
) -> None:
    await written(cast, list(SENTENCES.values()))
    made = await project(cast, language)
    for program, read in EXTRACTORS.items():
        found = plain(read(made))
        lacking = [name for name, text in SENTENCES.items() if plain(text) not in found]
        assert lacking == [], (program, found)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_word_is_found_by_what_sorts_each_letter_by_its_place(language: str) -> None:
    lines = [*SENTENCES.values(), *BY_POSITION.values(), *MIXED]
    found = by_poppler(details(language, lines)).splitlines()
    read = [words_of(line) for line in found if line]
    # A line of the other direction than most of the page is not read in its order.
    assert [sorted(line) for line in read[: len(lines)]] == [sorted(words_of(t)) for t in lines]
    assert read[: len(lines) - 1] == [words_of(text) for text in lines[:-1]]


LETTERS_AND_MARKS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهويى"),
        st.sampled_from(("", "", "", "", "ُ", "ِ", "ْ", "ّ", "ً")),
    ),
)
LIGATURES = st.sampled_from(("لا", "لأ", "لإ", "لآ", "لي", "لى", "لله"))
ARABIC = st.builds(
    "".join, st.lists(st.one_of(LETTERS_AND_MARKS, LIGATURES), min_size=2, max_size=6)
)
BENGALI = st.builds(
    "".join,
    st.lists(
        st.builds(
            "".join,
            st.tuples(
                st.sampled_from("কখগঘচছজঝটঠডঢণতথদধনপফবভমযরলশষসহ"),
                st.sampled_from(("", "", "", "্ক", "্ত", "্ব", "্ম", "্য", "্র", "্ল")),
                st.sampled_from(("", "", *"ািীুূৃেৈোৌ")),
                st.sampled_from(("", "", "", "", "ঁ")),
            ),
        ),
        min_size=2,
        max_size=4,
    ),
)
# Of syllables that no word has, pdfium loses some.
BENGALI_WORDS = st.sampled_from(
    "আমি স্কুলে যেতে চাই জন্ম বিশ্বাস শিক্ষা বন্ধু কষ্ট স্বপ্ন ইচ্ছা চাঁদ রাষ্ট্র দুঃখ মায়ের ছোট্ট কিন্তু".split()
)
LATIN = st.text("abcdefghijklmnopqrstuvwxyzéèçàœîû", min_size=2, max_size=7)
NUMBERS = st.integers(1, 999_999).map(str)
SCRIPTS = {"ar": ARABIC, "bn": BENGALI, "en": LATIN, "fr": LATIN}


@st.composite
def written_lines(
    draw: st.DrawFn, own: st.SearchStrategy[str], *others: st.SearchStrategy[str]
) -> str:
    """Words of one script, and perhaps one of another in the middle."""
    words = draw(st.lists(own, min_size=3, max_size=6))
    for foreign in draw(st.lists(st.one_of(*others), max_size=1)):
        words.insert(draw(st.integers(1, len(words) - 1)), foreign)
    return unicodedata.normalize("NFC", " ".join(words))


@pytest.mark.parametrize("own", SCRIPTS)
@settings(max_examples=12, phases=(Phase.explicit, Phase.generate))
@given(st.data())
def test_every_word_that_went_in_comes_out_where_it_is_read(own: str, data: st.DataObject) -> None:
    others = tuple(words for words in (ARABIC, BENGALI, LATIN) if words is not SCRIPTS[own])
    mixed = st.lists(written_lines(SCRIPTS[own], NUMBERS, *others), min_size=4, max_size=6)
    lines = data.draw(mixed)
    made = details(data.draw(st.sampled_from(["en", "fr", "ar"])), lines)
    expected = [word for line in lines for word in words_of(line)]
    assert words_of(by_poppler(made))[: len(expected)] == expected
    assert words_of(by_pypdf(made))[: len(expected)] == expected
    # pdfium puts the parts of a line of both directions in an order of its own.
    simple = BENGALI_WORDS if own == "bn" else SCRIPTS[own]
    plain_lines = data.draw(st.lists(written_lines(simple, simple), min_size=2, max_size=3))
    expected = [word for line in plain_lines for word in words_of(line)]
    assert words_of(by_pdfium(details("ar", plain_lines)))[: len(expected)] == expected


@pytest.mark.parametrize("language", ["fr", "ar"])
async def test_scripts_beyond_the_first_plane_are_copied_by_what_reads_in_order(
    cast: Cast, language: str
) -> None:
    await written(cast, list(BY_POSITION.values()))
    found = plain(by_pypdf(await project(cast, language)))
    for text in BY_POSITION.values():
        assert plain(text) in found


@pytest.mark.parametrize("language", ["fr", "ar"])
async def test_names_numbers_and_days_of_the_other_direction_are_copied_as_they_were_written(
    cast: Cast, language: str
) -> None:
    await written(cast, list(MIXED))
    made = await project(cast, language)
    in_order, by_position = plain(by_pypdf(made)), set(plain(by_pdfium(made)).split())
    for text in MIXED:
        assert plain(text) in in_order, in_order
        words = {word.strip("/") for word in plain(text).replace("/", " ").split()}
        assert words <= {part for word in by_position for part in word.split("/")}, by_position


LETTERS = {
    "Arabic": "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهويى",
    "Dari": "پچژگکیۀ",
    "Pashto": "ټځڅډړږښڼګېۍ",
    "Sorani": "ڕڵۆێەڤ",
    "Urdu": "ٹڈڑںھہۃےۓۂ",
}


@pytest.mark.parametrize("name", LETTERS)
async def test_no_letter_in_any_of_its_forms_is_doubled_or_lost(cast: Cast, name: str) -> None:
    # Alone, and at the beginning, in the middle and at the end of a word.
    words = [f"{letter} ب{letter}ب {letter}ب ب{letter}" for letter in LETTERS[name]]
    await written(cast, words)
    made = await project(cast, "ar")
    for program, read in EXTRACTORS.items():
        found = plain(read(made))
        assert [line for line in words if plain(line) not in found] == [], program


async def test_words_and_labels_on_the_grab_pack_are_copied_as_they_are(cast: Cast) -> None:
    fields = {"hair": SENTENCES["Arabic"], "own_calms": SENTENCES["Urdu"], "aliases": "مُحَمَّد"}
    await prepared(cast, fields)
    for language in ("fr", "ar"):
        found = plain(by_pypdf(await pack(cast, f"?language={language}")))
        assert all(plain(text) in found for text in fields.values()), found
    assert plain("حزمة الطوارئ") in found or plain("للشرطة") in found


async def test_the_tree_of_the_page_has_the_words_in_the_order_of_reading(cast: Cast) -> None:
    await written(cast, ["واحد Mia اثنان مُحَمَّد"])
    made = await project(cast, "ar")
    # What is marked has rising numbers in the file, and the tree lists them rising.
    data = PdfReader(io.BytesIO(made)).pages[0]["/Contents"].get_object().get_data()
    numbers = [int(part.split(b">")[0].split(b"/")[0]) for part in data.split(b"/MCID ")[1:]]
    assert numbers == sorted(numbers)
    found = plain(by_pypdf(made))
    assert 0 <= found.find("واحد") < found.find("Mia اثنان")


def test_a_page_of_latin_letters_alone_is_left_as_it_is() -> None:
    made: bytes = typst.compile(b"Just a page.", format="pdf")
    assert textlayer.mend(made) == made


def test_a_file_that_is_built_otherwise_is_left_as_it_is() -> None:
    assert textlayer.mend(b"%PDF-1.7 no page at all") == b"%PDF-1.7 no page at all"
