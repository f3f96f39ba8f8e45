"""The page to hang up: what is on it, who decides that, and that it is one page."""

from __future__ import annotations

import io
import json
import re
import time
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from server.audit.models import Entry
from server.people.rules import Role
from server.plan.models import LifeProject
from server.plan.paper.typeset import typeset
from server.plan.paper.wall_page import Wall, clipped, first_of
from server.plan.view import Document
from server.plan.wall.reading import Reader, groups
from server.plan.wall.rules import (
    EVERYDAY,
    Asked,
    Kind,
    Mark,
    chosen,
    mark_of,
    may_choose,
    things,
)
from tests.cast import Cast
from tests.plan.pdfs import beyond, glyphs, text_of
from tests.plan.said import Phone

TYPST = Path("server/plan/paper/life_project.typ").resolve()
POINTS_PER_MM = 72 / 25.4


async def a_project(cast: Cast) -> dict[str, str]:
    """Two goals of Mia's, one of an everyday area, with promises of both; what is made, by name."""
    mia, tom = Phone(cast, "mia"), Phone(cast, "tom")
    ids = {name: str(uuid4()) for name in "school papers nurse card letter call lawyer".split()}
    me, him = str(cast.mia.id), str(cast.tom.id)
    made = [
        ("area", "school", {"kind": "education"}),
        ("area", "papers", {"kind": "legal"}),
        ("goal", "nurse", {"area_id": ids["school"], "child_words": "Become a nurse"}),
        ("goal", "card", {"area_id": ids["papers"], "child_words": "Get the permit"}),
        ("step", "letter", {"goal_id": ids["nurse"], "text": "Write to them", "owner_id": me}),
        ("step", "call", {"goal_id": ids["nurse"], "text": "Call them", "owner_id": him}),
        ("step", "lawyer", {"goal_id": ids["card"], "text": "See the lawyer", "owner_id": him}),
    ]
    changes = [mia.say(entity, ids[name], "*", fields) for entity, name, fields in made]
    summary = mia.say("life_project", me, "summary", "I will see my sister again")
    ends = tom.say("life_project", me, "ends_on", "2027-07-01")
    assert set(await mia.sync(*changes, summary)) == {"applied"}
    assert await tom.sync(ends) == ["applied"]
    return ids


async def page(phone: Phone, **query: str) -> str:
    """What stands on the page to hang up."""
    answer = await phone.client.get(f"{phone.root}/project.pdf", params={"part": "page", **query})
    assert answer.status_code == 200, answer.text
    assert len(PdfReader(io.BytesIO(answer.content)).pages) == 1
    return text_of(answer.content)


async def choose(phone: Phone, **body: Any) -> Document:
    """What may be on the page after this was asked for."""
    answer = await phone.client.put(f"{phone.root}/project/wall", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_at_first_only_everyday_goals_and_their_promises_are_on_the_page(cast: Cast) -> None:
    await a_project(cast)
    words = await page(Phone(cast, "mia"))
    for said in ("My path", "Become a nurse", "Write to them", "Call them", "Until 1 July 2027"):
        assert said in words
    for secret in ("permit", "lawyer", "sister", "Verhoeven", "Castellane", "Caseworker"):
        assert secret not in words
    assert "Tom · Not yet" in words


async def test_no_word_of_ours_on_the_page_says_anything_of_care(cast: Cast) -> None:
    await a_project(cast)
    made = await Phone(cast, "mia").client.get("/api/v1/project.pdf", params={"part": "page"})
    words = text_of(made.content).lower()
    title = str(PdfReader(io.BytesIO(made.content)).metadata).lower()
    for word in ("waymark", "life project", "agency", "case", "guardian", "care", "placed"):
        assert word not in words
        assert word not in title
    assert cast.agency.name.lower() not in words


async def test_the_paper_is_that_page_and_then_the_details_or_one_of_them(cast: Cast) -> None:
    ids = await a_project(cast)
    mia = Phone(cast, "mia")
    whole = (await mia.client.get("/api/v1/project.pdf")).content
    pages = PdfReader(io.BytesIO(whole)).pages
    assert "My path" in pages[0].extract_text()
    assert "Life project" in pages[1].extract_text()
    details = await mia.client.get("/api/v1/project.pdf", params={"part": "details"})
    words = text_of(details.content)
    assert "My path" not in words
    # What is left out of the page is in the details, whatever was chosen.
    await choose(mia, off=[ids["nurse"]])
    for said in ("Become a nurse", "Get the permit", "See the lawyer", "I will see my sister"):
        assert said in words
    nonsense = await mia.client.get("/api/v1/project.pdf", params={"part": "wall"})
    assert nonsense.status_code == 422


async def test_the_child_puts_things_on_and_leaves_them_out(cast: Cast) -> None:
    ids = await a_project(cast)
    mia = Phone(cast, "mia")
    await choose(mia, on=[ids["card"], str(cast.mia.id)], off=[ids["letter"]])
    words = await page(mia)
    assert "Get the permit" in words
    assert "I will see my sister again" in words
    assert "Write to them" not in words
    # A goal that is put on brings no promise of a delicate area along.
    assert "lawyer" not in words
    await choose(mia, off=[ids["nurse"]])
    # A promise says what its goal is about.
    assert "Call them" not in await page(mia)


async def test_what_the_child_left_out_no_adult_puts_on(cast: Cast) -> None:
    ids = await a_project(cast)
    mia, tom = Phone(cast, "mia"), Phone(cast, "tom")
    await choose(mia, off=[ids["nurse"]])
    told = await choose(tom, on=[ids["nurse"]])
    nurse = next(
        it for group in told["groups"] for it in group["things"] if it["id"] == ids["nurse"]
    )
    assert nurse["on"] is False
    assert nurse["may_change"] is False
    assert nurse["says"] == "Mia Castellane left this out."
    assert "Become a nurse" not in await page(tom)
    # What an adult left out, the child puts on.
    await choose(tom, off=[ids["call"]])
    await choose(mia, on=[ids["nurse"], ids["call"]])
    assert "Call them" in await page(tom)


async def test_choosing_is_no_change_of_what_was_agreed(cast: Cast) -> None:
    ids = await a_project(cast)
    mia = Phone(cast, "mia")
    before = await mia.project()
    for _ in range(2):
        await choose(mia, off=[ids["letter"]], names="none")
    assert (await mia.project())["revision"] == before["revision"]
    # The same twice is once.
    assert await Entry.filter(what="project:wall").count() == 1
    stored = await LifeProject.get(child_id=cast.mia.id)
    assert stored.wall == {"names": "none", "things": {ids["letter"]: {"on": False, "by": "child"}}}


async def test_what_is_not_in_the_project_is_passed_over(cast: Cast) -> None:
    ids = await a_project(cast)
    mia = Phone(cast, "mia")
    await choose(mia, on=[str(uuid4())], off=[])
    both = await mia.client.put(
        "/api/v1/project/wall", json={"on": [ids["card"]], "off": [ids["card"]]}
    )
    assert both.status_code == 422
    assert (await LifeProject.get(child_id=cast.mia.id)).wall["things"] == {}


async def test_names_are_first_names_full_names_or_none(cast: Cast) -> None:
    await a_project(cast)
    mia = Phone(cast, "mia")
    assert "Mia" in await page(mia)
    await choose(mia, names="full")
    assert "Tom Verhoeven" in await page(mia)
    await choose(mia, names="none")
    words = await page(mia)
    assert "Tom" not in words
    assert "An adult · Not yet" in words


async def test_an_agency_that_promised_is_an_adult_unless_full_names_are_wanted(cast: Cast) -> None:
    ids = await a_project(cast)
    tom = Phone(cast, "tom")
    await tom.sync(tom.make("step", goal_id=ids["nurse"], text="Pay", owner_id=str(cast.agency.id)))
    assert cast.agency.name not in await page(tom)
    await choose(tom, names="full")
    assert cast.agency.name in await page(tom)


async def test_those_who_change_the_project_choose_and_a_carer_sees_none_of_it(cast: Cast) -> None:
    await a_project(cast)
    for name, status in (("tom", 200), ("ines", 403), ("sam", 403)):
        phone = Phone(cast, name)
        answer = await phone.client.put(f"{phone.root}/project/wall", json={})
        assert answer.status_code == status, name
    sam = Phone(cast, "sam")
    assert (await sam.client.get(f"{sam.root}/project/wall")).status_code == 403
    assert may_choose({Role.GUARDIAN})
    assert not may_choose({Role.SUPERVISOR, Role.ADVOCATE})


async def test_at_the_desk_a_form_decides_only_what_it_showed(cast: Cast) -> None:
    ids = await a_project(cast)
    tom = Phone(cast, "tom")
    path = f"/desk/children/{cast.mia.id}/paper"
    shown = await tom.client.get(path)
    assert "Get the permit" in shown.text
    form = {
        "shown": [ids["nurse"], ids["letter"]],
        "on": [ids["nurse"]],
        "names": "first",
        "part": "page",
        "language": "fr",
    }
    answer = await tom.client.post(path, data=form, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("project.pdf?part=page&language=fr")
    words = text_of((await tom.client.get(answer.headers["location"])).content)
    assert "Write to them" not in words
    assert "Call them" in words
    refused = await tom.client.post(path, data=form | {"names": "all"}, follow_redirects=False)
    assert refused.status_code == 422
    # What was ticked is still ticked.
    box = re.search(rf'value="{ids["letter"]}"[^>]*>\s', refused.text)
    assert box is not None
    assert "checked" not in box[0]


async def test_the_marks_say_what_became_of_a_promise(cast: Cast) -> None:
    ids = await a_project(cast)
    mia, tom = Phone(cast, "mia"), Phone(cast, "tom")
    revision = (await mia.project())["revision"]
    await mia.sync(mia.make("agreement", revision=revision, decision="agree"))
    await tom.sync(tom.make("agreement", revision=revision, decision="agree"))
    await mia.sync(mia.say("step", ids["letter"], "status", "done"))
    await tom.sync(
        tom.say("step", ids["call"], "due_on", "2027-01-01"),
        tom.make("step", goal_id=ids["nurse"], text="Find a tutor", owner_id=str(cast.tom.id)),
    )
    words = await page(mia)
    for said in ("We agreed", "✓", "Kept", "Tom · Changed · 1 January 2027", "Tom · New"):
        assert said in words


STEP = {"status": "open", "repeats": "none"}


@pytest.mark.parametrize(
    ("step", "unsigned", "mark"),
    [
        (STEP, (), Mark.NOT_YET),
        (STEP | {"status": None, "repeats": None}, (), Mark.NOT_YET),
        (STEP | {"status": "done"}, ("due_on",), Mark.KEPT),
        (STEP | {"status": "not_done"}, (), Mark.NOT_KEPT),
        (STEP | {"status": "done", "repeats": "weekly"}, (), Mark.WEEKLY),
        (STEP, ("due_on",), Mark.CHANGED),
        (STEP, ("reason",), Mark.NOT_YET),
        (STEP, ("goal_id", "text"), Mark.NEW),
    ],
)
def test_each_promise_has_one_mark(step: Document, unsigned: tuple[str], mark: Mark) -> None:
    assert mark_of(step, frozenset(unsigned)) is mark


# --- any project

CHILD = {"id": "child", "name": "Mia Castellane"}
TOM = {"id": "tom", "role": "caseworker", "name": "Dr. Tom Verhoeven", "is_here": True}
PEOPLE = {"child": CHILD | {"role": "child", "is_here": True}, "tom": TOM}
TODAY = date(2026, 11, 28)


def a_step(n: int, text: str, **fields: Any) -> Document:
    owner = "child" if n % 2 else "tom"
    return {
        "id": f"s{n}",
        "text": text,
        "owner_id": owner,
        "due_on": f"2027-01-{1 + n % 28:02}",
        "status": "done" if n % 5 == 4 else "open",
        "repeats": "none",
        **fields,
    }


def a_goal(n: int, text: str, steps: list[Document], **fields: Any) -> Document:
    return {
        "id": f"g{n}",
        "child_words": text,
        "worker_words": None,
        "target_on": f"2027-02-{1 + n % 28:02}",
        "lifecycle": "completed" if n % 7 == 6 else "active",
        "not_mine": None,
        "steps": steps,
        **fields,
    }


def a_document(goals: list[Document], kind: str = "education", **fields: Any) -> Document:
    return {
        "id": "child",
        "child": CHILD,
        "revision": 12,
        "signed_revision": None,
        "ends_on": "2027-07-01",
        "summary": None,
        "summary_by": None,
        "areas": [{"kind": kind, "goals": goals}],
        "agreements": [],
        "reviews": [],
        "unsigned": [],
        **fields,
    }


def set_alone(shown: Document, language: str = "en", choice: Document | None = None) -> bytes:
    """The page alone, without a server."""
    wall = Wall(shown, PEOPLE, choice, language, TODAY)
    data = {
        "language": language,
        "is_rtl": language == "ar",
        "title": "x",
        "words": {"title": "x"},
        "has_details": False,
        "wall": wall.data(),
    }
    return typeset(TYPST, data, strokes=json.dumps(wall.strokes()))


LONG = {
    "en": "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen and everything with it, " * 3,
    "fr": "Trouver une place d'apprentissage dans l'hôtellerie ou la restauration, près d'ici, "
    * 3,
    "ar": "أن أجد مكانا في المدرسة الثانوية القريبة من البيت وأن أتعلم اللغة كل يوم مع أصدقائي "
    * 3,
    "am": "ናብ ቤት ትምህርቲ ክኸይድ ይደሊ። ትምህርት ቤት መሄድ እፈልጋለሁ። " * 4,
    "zh": "我想去学校学习并且和朋友们一起踢足球" * 6,
}


@pytest.mark.parametrize("count", [0, 1, 5, 30])
def test_it_is_one_page_whatever_there_is(count: int) -> None:
    for script, text in LONG.items():
        goals = [
            a_goal(n, text, [a_step(2 * n, text), a_step(2 * n + 1, text)]) for n in range(count)
        ]
        language = script if script in ("en", "fr", "ar") else "en"
        made = set_alone(a_document(goals), language)
        assert len(PdfReader(io.BytesIO(made)).pages) == 1, (script, count)
        left, right = 12 * POINTS_PER_MM, 198 * POINTS_PER_MM
        assert beyond(made, left, right) == [], (script, count)
        assert 0 not in glyphs(made)


def test_an_overfull_page_says_how_many_more_there_are() -> None:
    goals = [
        a_goal(n, f"Goal {n}", [a_step(2 * n, "Do it"), a_step(2 * n + 1, "Do it")])
        for n in range(30)
    ]
    words = text_of(set_alone(a_document(goals)))
    shown = len(set(re.findall(r"Goal \d+", words)) - {"Goal 6", "Goal 13", "Goal 20", "Goal 27"})
    assert shown >= 3
    assert f"and {26 - shown} more in the details" in words
    promised = words.count("Do it")
    assert promised >= 6
    assert f"and {30 - promised // 2} more in the details" in words


def test_an_empty_page_has_its_words_and_lines_to_write_on() -> None:
    words = text_of(set_alone(a_document([], ends_on=None)))
    for said in ("My path", "I am here", "My promises", "Promises to me", "Mia", "Tom"):
        assert said in words
    assert "Dr." not in words
    assert "more in the details" not in words


def test_what_a_page_on_a_wall_never_has() -> None:
    reason, dropped = a_goal(1, "Reason", [], reason_id="r"), a_goal(2, "Dropped", [])
    shown = a_document(
        [
            reason,
            dropped | {"lifecycle": "cancelled"},
            a_goal(3, "Not mine", [], not_mine=True),
            a_goal(4, "Mine", [a_step(1, "Broken", status="not_done"), a_step(3, "Nobody's")]),
        ],
        summary="An adult's words",
        summary_by={"id": "tom", "role": "caseworker"},
        reviews=[
            {"id": "r1", "due_on": "2027-01-01", "held_on": None, "about": "c", "kind": "complaint"}
        ],
        agreements=[
            {
                "id": "a1",
                "who": {"id": "child"},
                "decision": "disagree",
                "drawing": "M1 1L2 2",
                "revision": 1,
            }
        ],
    )
    shown["areas"][0]["goals"][3]["steps"][1]["owner_id"] = None
    on = {thing.id for thing in things(shown, None) if thing.is_on}
    assert on == {"g4"}
    every = {thing.id for thing in things(shown, None)}
    # The child may put the first two on.
    assert every == {"g1", "g4", "s1"}


def test_only_what_the_phone_draws_is_drawn() -> None:
    def strokes(drawing: str) -> str:
        agreement = {"id": "a1", "who": {"id": "child"}, "decision": "agree", "revision": 1}
        shown = a_document([], agreements=[agreement | {"drawing": drawing}])
        return Wall(shown, PEOPLE, None, "en", TODAY).strokes()

    assert strokes("M1 2L-3 40M5 6") == "M1 2L-3 40M5 6"
    assert strokes("M1 2'/><image href='file:///etc/passwd'/>") == ""
    assert strokes("M1 2L3 4 ") == ""


def test_the_drawings_are_those_of_the_phone() -> None:
    phone = Path("pwa/src/plan/Pictogram.tsx").read_text()
    own = Path("server/plan/paper/pictograms.typ").read_text()
    drawn = dict(re.findall(r'^  (\w+): "([^"]+)",$', own, re.M))
    assert drawn.items() <= dict(re.findall(r'(\w+):\s+"([^"]+)"', phone)).items()
    assert drawn.keys() >= EVERYDAY


@given(text=st.text(max_size=60), longest=st.integers(1, 40))
@settings(max_examples=200)
def test_a_clipped_text_begins_as_the_text_does(text: str, longest: int) -> None:
    made = clipped(text, longest)
    assert made == text or (made.endswith("…") and text.startswith(made[:-1]))


def test_a_first_name_is_the_first_word_that_is_no_title() -> None:
    first_names = {
        "Tom Verhoeven": "Tom",
        "Dr. Ada Weber": "Ada",
        "Dr.": "Dr.",
        "小明": "小明",
        "": "",
        "عبد الله الحسن": "عبد الله",
        "عبد": "عبد",
        "أبو بكر": "أبو بكر",
        "ابو بكر حداد": "ابو بكر",
        "أُمّ كلثوم حداد": "أُمّ كلثوم",
        "ابن سينا": "ابن سينا",
        "نور حداد": "نور",
        "Abdel Karim Saidi": "Abdel Karim",
        "Abdel Karim": "Abdel Karim",
        "Abd al Rahman Saidi": "Abd al Rahman",
        "Abu Bakr Saidi": "Abu Bakr",
        "Umm Salma": "Umm Salma",
        "Abdul Hamid Saidi": "Abdul Hamid",
        # First names of their own, with the name of a family.
        "Abou Diallo": "Abou",
        "Abdul Rahimi": "Abdul",
        "Ben Smith": "Ben",
    }
    assert {name: first_of(name) for name in first_names} == first_names


_IDS = st.sets(st.sampled_from(["g0", "g1", "g2", "s0", "s1", "s2", "s3", "s4", "s5", "none"]))


def a_changing_document(kind: str, dropped: set[str], n: int) -> Document:
    """Three goals with two promises each, without those that are dropped; with the `n`th drawing
    and the `n`th meeting, or neither for 0."""
    goals = [
        a_goal(
            goal,
            "Goal",
            [
                a_step(step, "Do it", **({"owner_id": None} if f"s{step}" in dropped else {}))
                for step in (2 * goal, 2 * goal + 1)
            ],
            **({"lifecycle": "cancelled"} if f"g{goal}" in dropped else {}),
        )
        for goal in range(3)
    ]
    yes = {"who": {"id": "child"}, "decision": "agree", "revision": 1, "drawing": "M1 1L2 2"}
    meeting = {"due_on": "2027-01-01", "held_on": None, "about": None}
    return a_document(
        goals,
        kind,
        agreements=[yes | {"id": f"a{n}"}] * min(n, 1),
        reviews=[meeting | {"id": f"r{n}"}] * min(n, 1),
    )


@pytest.mark.slow
@given(
    kind=st.sampled_from(["education", "legal"]),
    asked=st.lists(
        st.tuples(st.booleans(), _IDS, _IDS, st.booleans(), _IDS, st.integers(0, 2)), max_size=8
    ),
)
def test_nothing_the_child_left_out_comes_back_by_an_adult(
    kind: str, asked: list[tuple[bool, set[str], set[str], bool, set[str], int]]
) -> None:
    """Whatever an adult asks for, and whatever is dropped, taken up again or made anew."""
    choice: Document | None = None
    out_by_child: set[str] = set()
    for by_child, on, off, is_on_once, dropped, n in asked:
        shown = a_changing_document(kind, dropped, n)
        once = {it.id for it in things(shown, choice) if it.kind not in (Kind.GOAL, Kind.STEP)}
        on, off = (on | once, off - once) if is_on_once else (on, off | once)
        wanted = Asked(on - off, off)
        choice = chosen(shown, choice, wanted, by_child=by_child)
        every = {thing.id: thing for thing in things(shown, choice)}
        if by_child:
            out_by_child -= every.keys()
            out_by_child |= {
                id_ for id_, it in every.items() if not it.is_chosen and it.decided_by == "child"
            }
        for later in range(3):
            whole = things(a_changing_document(kind, set(), later), choice)
            assert not {thing.id for thing in whole if thing.is_on} & out_by_child
        # Once more changes nothing.
        again = chosen(shown, choice, wanted, by_child=by_child)
        assert again == choice


def test_a_drawing_and_a_meeting_that_were_left_out_bring_no_next_one() -> None:
    first, second = (a_changing_document("education", set(), n) for n in (1, 2))
    once = {it.id for it in things(first, None) if it.kind in (Kind.DRAWING, Kind.MEETING)}
    assert len(once) == 2
    choice = chosen(first, None, Asked(off=once), by_child=True)
    on = {thing.kind for thing in things(second, choice) if thing.is_on}
    assert on == {Kind.GOAL, Kind.STEP}


def test_all_that_is_on_the_page_can_be_taken_off() -> None:
    """Also where more things that are off come before it."""
    goals = [
        a_goal(n, f"Goal {n}", [], target_on="2027-02-01", lifecycle="active") for n in range(130)
    ]
    goals += [a_goal(n, "Over", [], lifecycle="completed") for n in range(130, 200)]
    shown = a_document(goals)
    off = {f"g{n}" for n in (*range(25), *range(130, 160))}
    choice = chosen(shown, None, Asked(off=off), by_child=True)
    [listed] = groups(shown, choice, Reader(True, {Role.CHILD}, PEOPLE, "en"))
    ids = [line.id for line in listed.lines]
    coming = [it for it in things(shown, choice) if it.is_on and not it.is_over]
    over = [it for it in things(shown, choice) if it.is_on and it.is_over]
    assert {it.id for it in (*coming[:6], *over[:2])} <= set(ids)
    assert len(ids) == 60
    assert listed.more == "140 more come later."
    # Where little is on, what comes first fills the list.
    few = chosen(shown, None, Asked(off={f"g{n}" for n in range(199)}), by_child=True)
    [listed] = groups(shown, few, Reader(True, {Role.CHILD}, PEOPLE, "en"))
    assert [line.id for line in listed.lines] == [*(f"g{n}" for n in range(19)), "g199"]


def test_it_costs_little_beside_the_details() -> None:
    """Set alone, a full page takes a fraction of a second."""
    goals = [
        a_goal(n, LONG["fr"], [a_step(2 * n, LONG["fr"]), a_step(2 * n + 1, LONG["fr"])])
        for n in range(30)
    ]
    set_alone(a_document(goals))
    began = time.process_time()
    set_alone(a_document(goals))
    assert time.process_time() - began < 1
