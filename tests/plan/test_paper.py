"""The life project on paper: every word, in the reader's language, and none of it as source."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from server.plan import phrases, shape
from server.plan.models import LifeProject
from server.plan.paper.fonts import families
from tests.cast import Cast
from tests.plan.pdfs import glyphs, tags, text_of
from tests.plan.said import Phone

SOURCE = '#let x = 1 ] #panic("no") $ a_b $ <b>=cmd|x!A1</b> \\ `code`'


async def a_project(mia: Phone, words: str) -> None:
    """Something of everything."""
    area, goal, step = (str(uuid4()) for _ in range(3))
    said = [
        mia.say("area", area, "*", {"kind": "education", "name": words[:100], "importance": 4}),
        mia.say("goal", goal, "*", {"area_id": area, "child_words": words, "why": words}),
        mia.say(
            "step",
            step,
            "*",
            {
                "goal_id": goal,
                "text": words,
                "owner_id": str(mia.cast.tom.id),
                "due_on": "2026-12-01",
                "status": "not_done",
                "reason": words,
            },
        ),
        mia.say("life_project", str(mia.cast.mia.id), "summary", words),
        mia.make("agreement", revision=4, decision="in_part", comment=words),
    ]
    assert await mia.sync(*said) == ["applied"] * len(said)


async def test_the_child_takes_its_project_along(cast: Cast) -> None:
    mia = Phone(cast, "mia")
    await a_project(mia, "Devenir infirmière")
    answer = await mia.client.get("/api/v1/project.pdf", params={"language": "fr"})
    assert answer.headers["content-type"] == "application/pdf"
    assert "Mia" not in answer.headers["content-disposition"]
    words = text_of(answer.content)
    assert words.count("Devenir infirmière") == 7
    for one in ("Projet de vie", "Mia Castellane", "Tom Verhoeven", "1 décembre 2026", "✗"):
        assert one in words


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
async def test_who_hears_it_is_led_by_headings(cast: Cast) -> None:
    mia = Phone(cast, "mia")
    await a_project(mia, "Devenir infirmière")
    for language in ("fr", "ar"):
        answer = await mia.client.get("/api/v1/project.pdf", params={"language": language})
        roles = [role for role, _ in tags(answer.content) if role.startswith("H")]
        # The page to hang up with its three parts; the details with an area, a goal, who agreed.
        assert roles == ["H1", "H2", "H2", "H2", "H1", "H2", "H3", "H2"]


async def test_what_an_adult_wrote_as_the_summary_is_on_paper_under_their_name(cast: Cast) -> None:
    mia, tom = Phone(cast, "mia"), Phone(cast, "tom")
    about = ("life_project", str(cast.mia.id), "summary")
    theirs = tom.say(*about, "Mia wants to be a nurse")
    await tom.sync(theirs)
    words = text_of((await mia.client.get("/api/v1/project.pdf")).content)
    assert "Written by Tom Verhoeven" in words
    assert "In my own words" not in words
    assert (await mia.project())["summary_by"] == {"id": str(cast.tom.id), "role": "caseworker"}
    # What was folded by an earlier release does not say whose it is.
    stored = await LifeProject.get(child_id=cast.mia.id)
    shown = {name: value for name, value in stored.shown.items() if name != "summary_by"}
    await LifeProject.filter(child_id=cast.mia.id).update(shown=shown)
    words = text_of((await mia.client.get("/api/v1/project.pdf")).content)
    assert "Written by Tom Verhoeven" in words
    await mia.sync(mia.say(*about, "I want to be a nurse", base=theirs["id"]))
    words = text_of((await mia.client.get("/api/v1/project.pdf")).content)
    assert "In my own words" in words
    assert "Written by" not in words


# Said by the place where a goal stands, and what only those know who may read why a child went.
NO_WORDS = {"area_id", "reason_id"}


async def test_every_field_of_a_goal_is_on_the_paper_that_is_signed(cast: Cast) -> None:
    mia, tom = Phone(cast, "mia"), Phone(cast, "tom")
    area, goal = str(uuid4()), str(uuid4())
    childs = {"child_words": "Score a goal", "not_mine": True}
    others = {
        "worker_words": "A team for Mia",
        "why": "Running calms me",
        "success_sign": "I have a shirt",
        "target_on": "2026-12-01",
        "barriers": "The pitch is far away",
        "lifecycle": "on-hold",
        "achievement": "sustaining",
    }
    assert childs.keys() | others.keys() == shape.FIELDS["goal"].keys() - NO_WORDS
    await mia.sync(mia.say("area", area, "*", {"kind": "social"}))
    await mia.sync(mia.say("goal", goal, "*", {"area_id": area, **childs}))
    await tom.sync(*(tom.say("goal", goal, name, value) for name, value in others.items()))
    words = text_of((await mia.client.get("/api/v1/project.pdf")).content)
    for name, value in (childs | others).items():
        assert phrases.value_in_words("goal", name, value, {}, "en") in words, name
        if name in ("lifecycle", "achievement", "not_mine", "barriers"):
            assert phrases.FIELDS[f"goal.{name}"] in words, name


def test_every_field_of_a_goal_and_every_value_of_one_has_its_words() -> None:
    named = {name.removeprefix("goal.") for name in phrases.FIELDS if name.startswith("goal.")}
    assert named == shape.FIELDS["goal"].keys() - NO_WORDS
    assert phrases.VALUES["goal.lifecycle"].keys() == set(shape.LIFECYCLES)
    assert phrases.VALUES["goal.achievement"].keys() == set(shape.ACHIEVEMENTS)


async def test_words_that_are_source_stay_words(cast: Cast) -> None:
    mia = Phone(cast, "mia")
    await a_project(mia, SOURCE)
    words = text_of((await mia.client.get("/api/v1/project.pdf")).content)
    assert words.count('#panic("no")') == 7
    assert "<b>=cmd|x!A1</b>" in words


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
async def test_it_is_set_in_each_language_in_well_under_a_second(cast: Cast, language: str) -> None:
    mia = Phone(cast, "mia")
    await a_project(mia, "أن أتكلم البرتغالية")
    await mia.client.get("/api/v1/project.pdf")
    began = time.process_time()
    answer = await mia.client.get("/api/v1/project.pdf", params={"language": language})
    assert time.process_time() - began < 1
    title = {"en": "Life project", "fr": "Projet de vie", "ar": "مشروع"}[language]
    assert title in text_of(answer.content)


async def test_a_worry_that_was_not_shown_is_on_nobodys_paper(cast: Cast) -> None:
    mia, tom = Phone(cast, "mia"), Phone(cast, "tom")
    await mia.sync(mia.make("house", kind="worry", text="The man who rings"))
    for phone in (mia, tom):
        made = await phone.client.get(f"{phone.root}/project.pdf")
        assert "The man who rings" not in text_of(made.content)
    sam = Phone(cast, "sam")
    assert (await sam.client.get(f"{sam.root}/project.pdf")).status_code == 403


# One sentence in each script that children here write in, and what phones put between the words.
SCRIPTS = {
    "Latin": "Tiếng Việt: tôi muốn đi học; škola, żółć, ğüş",
    "Arabic": "أريد أن أجد أخي؛ زه غواړم ښوونځي ته لاړ شم؛ می\u200cخواهم درس بخوانم",
    "Urdu": "میں پڑھنا چاہتا ہوں ٹھیک ہے",
    "Kurdish": "دەمەوێت بچم بۆ قوتابخانە",
    "Ethiopic": "ናብ ቤት ትምህርቲ ክኸይድ ይደሊ። ትምህርት ቤት መሄድ እፈልጋለሁ። ፩ ፪ ፫",
    "Cyrillic": "Хочу вчитися; я хочу жить с братом; ґ є ї",
    "Greek": "Θέλω να πάω σχολείο",
    "Bengali": "আমি স্কুলে যেতে চাই",
    "Devanagari": "म स्कूल जान चाहन्छु",
    "Gurmukhi": "ਮੈਂ ਸਕੂਲ ਜਾਣਾ ਚਾਹੁੰਦਾ ਹਾਂ",
    "Tamil": "நான் பள்ளிக்குச் செல்ல விரும்புகிறேன்",
    "Sinhala": "මට පාසල් යන්න ඕන",
    "Georgian": "სკოლაში მინდა",
    "Armenian": "Ուզում եմ դպրոց գնալ",
    "Hebrew": "אני רוצה ללמוד",
    "Thai": "ฉันอยากไปโรงเรียน",
    "Burmese": "ကျွန်တော် ကျောင်းတက်ချင်တယ်",
    "Khmer": "ខ្ញុំចង់ទៅរៀន",
    "marks": "✓ ✗ → ★ ♥ “…” – €",
    "emoji": "😀 ❤️ ⚽ 🙏🏽 👩\u200d⚕️ 🏠",
}


@pytest.mark.slow
async def test_no_letter_of_any_script_of_the_children_is_an_empty_box(cast: Cast) -> None:
    mia = Phone(cast, "mia")
    for words in SCRIPTS.values():
        await mia.sync(mia.make("area", kind="own", name=words, now=words))
    for language in ("en", "fr", "ar"):
        answer = await mia.client.get("/api/v1/project.pdf", params={"language": language})
        drawn = glyphs(answer.content)
        assert len(drawn) > sum(map(len, SCRIPTS.values()))
        assert 0 not in drawn


def test_the_fonts_are_those_of_the_lock_whatever_the_machine_has() -> None:
    assert families()[:2] == ["Noto Sans", "IBM Plex Sans Arabic"]
    assert {"Noto Sans Ethiopic", "Noto Sans NKo", "Noto Sans CJK SC"} < set(families())
    assert families("みか")[-5:][0] == "Noto Sans CJK JP"
    assert families("김")[-5:][0] == "Noto Sans CJK KR"
