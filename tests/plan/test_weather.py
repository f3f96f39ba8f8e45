"""Bad input and rough weather: what is wrong is refused alone, and nothing is half-written."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.people.models import Agency, Person
from server.plan import shape
from server.plan.changes.stored import rows_of
from server.plan.models import Change, LifeProject
from server.storage.db import fetch
from tests.cast import Cast
from tests.plan.pdfs import text_of, unspaced
from tests.plan.said import Phone, change
from tests.plan.test_paper import a_project
from tests.plan.test_sync import a_goal, with_a_guardian

NASTY = '#panic("no") <img src=x onerror=alert(1)> =cmd|x {{7*7}}'


@pytest.fixture
def mia(cast: Cast) -> Phone:
    return Phone(cast, "mia")


@pytest.fixture
def tom(cast: Cast) -> Phone:
    return Phone(cast, "tom")


async def everything(mia: Phone) -> tuple[Any, ...]:
    """What is stored of the project, to be compared."""
    child = mia.cast.mia.id
    stored = await LifeProject.get_or_none(child_id=child)
    count = await Change.filter(child_id=child).count()
    notes = await fetch("SELECT count(*) AS n FROM entry")
    return count, stored and (stored.number, stored.revision, stored.shown), notes[0]["n"]


# --- clocks


@pytest.mark.parametrize("days", [-365, 365])
async def test_whose_clock_is_wrong_by_a_year_can_decide_sign_and_write_all_the_same(
    mia: Phone, tom: Phone, days: int
) -> None:
    ids = await a_goal(mia)
    owner = str(mia.cast.tom.id)
    one = tom.say("goal", ids["goal"], "why", "Tom")
    await tom.sync(one, tom.say("step", ids["step"], "owner_id", owner))
    two = mia.say("goal", ids["goal"], "why", "Mia")
    assert await mia.sync(two) == ["kept_beside"]

    def wrong(entity: str, /, **value: Any) -> dict[str, Any]:
        when = mia.cast.clock() + timedelta(days=days)
        return change(when, entity, str(uuid4()), "*", value)

    about = {"entity": "goal", "entity_id": ids["goal"], "field": "why"}
    choice = wrong("choice", **about, value="both", saw=[one["id"], two["id"]])
    message = wrong("message", text="Hello")
    assert await mia.sync(choice, message) == ["applied", "applied"]
    seen = await mia.project()
    assert (seen["differences"], seen["areas"][0]["goals"][0]["why"]) == ([], "both")
    revision = seen["revision"]
    sign = {"revision": revision, "decision": "agree", "method": "tap"}
    assert await mia.sync(wrong("agreement", **sign)) == ["applied"]
    assert await tom.sync(tom.make("agreement", **sign)) == ["applied"]
    assert (await mia.project())["signed_revision"] == revision
    # What the phone said of the time is kept beside the time of receipt, as it was said.
    (heard,) = [row for row in tom.heard if row["id"] == message["id"]]
    assert heard["said_at"][:10] == message["said_at"][:10] != heard["received_at"][:10]


async def test_a_moment_that_no_calendar_has_is_refused_alone(mia: Phone) -> None:
    area = mia.make("area", kind="own")
    wrong = [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-03-01T12:00:00",
        "yesterday",
        "",
        None,
        1_772_000_000,
    ]
    bad = [mia.make("area", kind="own") | {"said_at": moment} for moment in wrong]
    assert await mia.sync(area, *bad) == ["applied"] + ["invalid"] * len(wrong)
    assert (await mia.project())["revision"] == 1


# --- things of nobody and of others


async def test_a_thing_of_another_child_is_not_there_and_nothing_is_told_of_it(
    mia: Phone, tom: Phone
) -> None:
    noor = Phone(mia.cast, "noor", child="noor")
    theirs = await a_goal(noor, child_words="Noor's own")
    before = await noor.project()
    (known,) = [row for row in await rows_of(mia.cast.noor.id) if row.entity == "goal"]
    about = {"entity": "goal", "entity_id": theirs["goal"], "field": "why"}
    nobody = str(uuid4())
    for phone in (mia, tom):
        said = [
            phone.say("goal", theirs["goal"], "why", "Mine now"),
            phone.say("goal", theirs["goal"], "why", "Mine now", base=known.id),
            phone.make("goal", area_id=theirs["area"]),
            phone.make("step", goal_id=theirs["goal"], text="x"),
            phone.make("choice", **about, value="x", saw=[known.id]),
            phone.say("goal", nobody, "why", "Of nobody"),
            phone.make("step", goal_id=nobody, text="x"),
        ]
        answer = (await phone.send(*said)).json()
        assert {one["problem"]["code"] for one in answer["results"]} == {"not_there"}
        # Of nobody and of somebody else: the same sentence.
        assert len({one["problem"]["detail"] for one in answer["results"]}) == 1
        assert "Noor" not in json.dumps(answer)
    project = mia.say("life_project", str(mia.cast.noor.id), "summary", "Of another child")
    assert await mia.sync(project) == ["invalid"]
    assert await noor.project() == before
    assert (await mia.project())["revision"] == 0


# --- batches


def many_words(phone: Phone, count: int) -> list[dict[str, Any]]:
    """Things that waited on a phone: one area, and so many words about it, each after the last."""
    area = phone.make("area", kind="own")
    said, base = [area], None
    for number in range(count - 1):
        phone.cast.clock.advance(milliseconds=1)
        said.append(phone.say("area", area["entity_id"], "now", f"{number}", base=base))
        base = said[-1]["id"]
    return said


async def test_a_thousand_that_waited_go_in_by_two_requests_and_all_hear_them_in_order(
    mia: Phone, tom: Phone
) -> None:
    said = many_words(mia, 1_000)
    for start in (0, 500):
        assert await mia.sync(*said[start : start + 500]) == ["applied"] * 500
    assert (await mia.project())["areas"][0]["now"] == "998"
    cursor = None
    while tom.cursor != cursor or cursor is None:
        cursor = tom.cursor
        await tom.sync()
    assert [row["id"] for row in tom.heard] == [one["id"] for one in said]
    before = await everything(mia)
    for start in (0, 500):
        assert await mia.sync(*said[start : start + 500]) == ["known"] * 500
    assert await everything(mia) == before


async def test_the_same_batch_on_its_way_twice_goes_in_once(mia: Phone, tom: Phone) -> None:
    said = many_words(mia, 40)
    answers = await asyncio.gather(*(mia.send(*said) for _ in range(3)))
    results = [[one["status"] for one in answer.json()["results"]] for answer in answers]
    for each in zip(*results, strict=True):
        assert sorted(each) == ["applied", "known", "known"]
    assert len(await rows_of(mia.cast.mia.id)) == 40
    await tom.sync()
    assert [row["id"] for row in tom.heard] == [one["id"] for one in said]


async def test_an_answer_that_was_lost_costs_nothing_and_nobodys_words(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia)
    await mia.sync()
    await tom.sync(tom.say("goal", ids["goal"], "worker_words", "Tom's"))
    said = [mia.say("goal", ids["goal"], "why", "One"), mia.make("message", text="Two")]
    # The server takes it; the phone never hears, and says it again, with one thing more.
    assert (await mia.send(*said)).status_code == 200
    more = mia.make("message", text="Three")
    assert await mia.sync(*said, more) == ["known", "known", "applied"]
    assert [row["value"] for row in mia.heard] == ["Tom's"]
    await tom.sync()
    assert [row["value"] for row in tom.heard[-3:]] == ["One", {"text": "Two"}, {"text": "Three"}]


@pytest.mark.parametrize("seed", range(4))
async def test_in_whichever_order_requests_come_and_wherever_they_are_cut_the_end_is_the_same(
    mia: Phone, tom: Phone, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 (the same each time)
    said = many_words(mia, 12)
    goal = mia.make("goal", area_id=said[0]["entity_id"], child_words="Mine")
    step = mia.make("step", goal_id=goal["entity_id"], text="First")
    about = {"entity": "area", "entity_id": said[0]["entity_id"], "field": "now"}
    choice = mia.make("choice", **about, value="decided", saw=[said[-1]["id"]])
    left = [*said, goal, step, choice]
    turns = 0
    while left:
        turns += 1
        assert turns < 500
        batch = dice.choices(left, k=dice.randint(1, len(left)))
        told = dict(zip([one["id"] for one in batch], await mia.sync(*batch), strict=True))
        assert set(told.values()) <= {"applied", "known", "not_there"}
        there = {row.id for row in await rows_of(mia.cast.mia.id)}
        left = [one for one in left if one["id"] not in there]
    assert len(await rows_of(mia.cast.mia.id)) == 15
    (area,) = (await tom.project())["areas"]
    assert (area["now"], area["goals"][0]["child_words"]) == ("decided", "Mine")
    assert area["goals"][0]["steps"][0]["text"] == "First"


async def test_a_request_that_is_torn_anywhere_leaves_nothing_behind(mia: Phone) -> None:
    await a_goal(mia)
    before = await everything(mia)
    body = json.dumps({"cursor": mia.cursor, "changes": many_words(mia, 5)}).encode()
    kind = {"content-type": "application/json"}
    for end in range(0, len(body), 97):
        answer = await mia.client.post("/api/v1/sync", content=body[:end], headers=kind)
        assert answer.status_code == 400, (end, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await everything(mia) == before


async def test_what_is_too_large_as_a_whole_is_refused_as_a_whole(mia: Phone) -> None:
    area = mia.make("area", kind="own")
    large = [mia.make("message", text="ع" * 20_000) for _ in range(30)]
    answer = await mia.send(area, *large)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert (await everything(mia))[0] == 0


async def test_the_same_words_once_more_are_nothing_new_since_both_agreed(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia)
    first = mia.say("goal", ids["goal"], "why", "Because")
    await mia.sync(first)
    await tom.sync(tom.say("step", ids["step"], "owner_id", str(mia.cast.tom.id)))
    for phone in (mia, tom):
        await phone.sync(phone.make("agreement", revision=5, decision="agree", method="tap"))
    again = mia.say("goal", ids["goal"], "why", "Because", base=first["id"])
    assert await mia.sync(again) == ["applied"]
    seen = await tom.project()
    assert (seen["status"], seen["signed_revision"], seen["unsigned"]) == ("agreed", 5, [])
    await mia.sync(mia.say("goal", ids["goal"], "why", "And more", base=again["id"]))
    assert [one["field"] for one in (await tom.project())["unsigned"]] == ["why"]


async def test_what_waits_for_a_look_stands_in_the_order_in_which_it_was_said(
    mia: Phone, tom: Phone
) -> None:
    ada = await with_a_guardian(mia)
    said = many_words(ada, 6)
    child, tie = mia.cast.mia.id, mia.cast.ties["ada", "mia"]
    await mia.cast.client_as("ines").delete(f"/api/v1/children/{child}/ties/{tie}")
    mia.cast.clock.advance(minutes=1)
    assert await ada.sync(*said) == ["quarantined"] * 6
    path = f"/api/v1/children/{child}/quarantine"
    waiting = (await tom.client.get(path)).json()["changes"]
    assert [one["id"] for one in waiting] == [one["id"] for one in said]
    for one in waiting:
        let_in = await tom.client.post(f"{path}/{one['id']}", json={"let_in": True})
        assert let_in.json()["status"] == "applied"
    assert (await mia.project())["areas"][0]["now"] == "4"


# --- values


SAMPLES: dict[type, list[Any]] = {
    str: ["", "x", "2026-12-01", str(uuid4()), "stay", "3", "true"],
    int: [0, 1, 3, 6, -1, 2**31, 2**70],
    float: [0.5, 1e300],
    bool: [True, False],
    list: [[], ["FR"], [1], [[]], [None]],
    dict: [{}, {"text": "x"}, {"": []}],
}


# One of each list of words that may stand in a field.
CODES = "agree tap own open none good supervisor planned accepted achieved stay".split()


def kinds(entity: str, name: str) -> set[type]:
    """The kinds of JSON of which a field takes something."""
    found = set()
    for kind, values in SAMPLES.items():
        for value in [*values, *CODES] if kind is str else values:
            try:
                shape.FIELDS[entity][name](value)
            except ValueError:
                continue
            found.add(kind)
    return found


async def test_a_value_of_the_wrong_kind_is_refused_alone_and_its_field_is_named(
    mia: Phone,
) -> None:
    ids = await a_goal(mia)
    made = {"life_project": str(mia.cast.mia.id)}
    made |= {name: ids[name] for name in ("area", "goal", "step")}
    making = {
        "review": {"kind": "planned"},
        "house": {"kind": "good", "text": "x"},
        "complaint": {"text": "x", "to": "supervisor"},
    }
    for entity, value in making.items():
        thing = mia.make(entity, **value)
        made[entity] = thing["entity_id"]
        assert await mia.sync(thing) == ["applied"]
    assert made.keys() == shape.STANDS, "a new thing needs a making here"
    wrong: list[tuple[str, dict[str, Any]]] = []
    for entity, id_ in made.items():
        for name in shape.FIELDS[entity]:
            right = kinds(entity, name)
            assert right, (entity, name)
            wrong += [
                (name, mia.say(entity, id_, name, value))
                for kind, values in SAMPLES.items()
                if kind not in right
                for value in values
                # 3.0 is a whole number in JSON, and so is what is written without a point.
                if not (kind is float and int in right and float(value).is_integer())
            ]
    before = await everything(mia)
    for start in range(0, len(wrong), 400):
        part = wrong[start : start + 400]
        answer = (await mia.send(*(said for _, said in part))).json()
        for (name, said), result in zip(part, answer["results"], strict=True):
            assert result["status"] == "refused", (said, result)
            assert result["problem"]["code"] in ("invalid", "not_allowed"), (said, result)
            if result["problem"]["code"] == "invalid":
                # A whole number beyond what a database has is found before its field is known.
                assert result["problem"]["field"] in (name, "value"), (said, result)
    assert await everything(mia) == before


async def test_dates_and_ids_have_one_spelling_or_none(mia: Phone) -> None:
    ids = await a_goal(mia)
    dates = ["", "2026-02-30", "2026-2-1", "2026-W01-1", "20260201", "\uff12026-01-01"]
    for date in (*dates, "2026-01-01T00:00:00Z", " 2026-01-01"):
        said = mia.say("goal", ids["goal"], "target_on", date)
        assert await mia.sync(said) == ["invalid"], date
    owner = str(mia.cast.tom.id)
    for id_ in ("", "x", "0", f"{owner}0", str(uuid4())):
        assert await mia.sync(mia.say("step", ids["step"], "owner_id", id_)) == ["invalid"], id_
    said = mia.say("step", ids["step"], "owner_id", owner.upper().replace("-", ""))
    assert await mia.sync(said) == ["applied"]
    (step,) = (await mia.project())["areas"][0]["goals"][0]["steps"]
    assert step["owner_id"] == owner


async def test_a_text_of_a_hundred_thousand_letters_is_refused_alone_and_twenty_thousand_go_in(
    mia: Phone, tom: Phone
) -> None:
    ids = await a_goal(mia)
    whole = "😀ع" * 10_000
    assert len(whole) == shape.LONGEST_TEXT
    said = [
        mia.say("goal", ids["goal"], "barriers", "a" * 100_000),
        mia.say("goal", ids["goal"], "why", whole),
        mia.make("message", text="ع" * 100_000),
        mia.make("message", text="After it"),
    ]
    assert await mia.sync(*said) == ["invalid", "applied", "invalid", "applied"]
    (goal,) = (await tom.project())["areas"][0]["goals"]
    assert (goal["why"], goal["barriers"]) == (whole, None)


WORDS = [
    "שלום abc مرحبا 123",
    "\u202eback to front\u202c and on",
    "\u2066left\u2069\u2067يمين\u2069\u200f\u200e",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏿 🇪🇷",
    "e\u0301 is not é",
    "zero\u200bwidth\ufeff",
    "line\nand\r\nline\tand\u2028line",
    "ሰላም 你好 नमस्ते ไทย",
    "\U0010ffff \ufffe",
    NASTY,
    "'; DROP TABLE change; --",
    "=1+1",
    "null",
    " ",
]


# Each by itself, and all of them at once on the other database.
@pytest.mark.parametrize(
    ("migrated", "words"),
    [*(("sqlite", words) for words in WORDS), ("postgres", "\n".join(WORDS))],
    indirect=["migrated"],
)
async def test_words_come_out_just_as_they_went_in(mia: Phone, tom: Phone, words: str) -> None:
    ids = await a_goal(mia, child_words=words)
    said = mia.say("goal", ids["goal"], "why", words)
    assert await mia.sync(said, mia.make("message", text=words)) == ["applied", "applied"]
    (goal,) = (await tom.project())["areas"][0]["goals"]
    assert (goal["child_words"], goal["why"]) == (words, words)
    (then,) = (await tom.project(revision=3))["areas"][0]["goals"]
    assert (then["child_words"], then["why"]) == (words, None)
    await tom.sync()
    assert [row["value"] for row in tom.heard[-2:]] == [words, {"text": words}]
    page = (await tom.client.get(f"{tom.root}/project/history")).json()["changes"]
    assert [one["value"] for one in page][-2:] == [words, {"text": words}]
    made = await mia.client.get("/api/v1/project.pdf")
    assert made.status_code == 200
    assert made.content.startswith(b"%PDF")


async def test_half_of_a_pair_is_refused_alone_wherever_it_hides(mia: Phone) -> None:
    area = mia.make("area", kind="own")
    half, id_ = "half \ud83d", area["entity_id"]
    bad = [
        mia.say("area", id_, "now", half),
        mia.say("area", id_, half, "x"),
        mia.say(half, id_, "now", "x"),
        mia.make("area", kind="own", **{half: "x"}),
        mia.make("goal", area_id=id_, child_words=half),
        mia.say("life_project", str(mia.cast.mia.id), "countries", ["FR", half]),
        mia.say("area", id_, "now", {"a": [{half: half}]}),
        mia.say("area", half, "now", "x"),
        mia.say("area", id_, "now", "x", base=half),
        mia.say("area", id_, "now", "x", id_=half),
        mia.make("area", kind="own") | {"said_at": half},
        mia.make("agreement", revision=0, decision="agree", comment=half),
        mia.make("message", text=half),
    ]
    whole = mia.say("area", id_, "now", "whole \U0001f600")
    assert await mia.sync(area, *bad, whole) == ["applied", *["invalid"] * len(bad), "applied"]
    assert (await mia.project())["areas"][0]["now"] == "whole 😀"
    mia.cursor = half
    assert (await mia.send()).status_code in (400, 422)


# --- names


async def test_a_name_that_is_source_is_a_name_on_paper_and_on_every_page_of_the_desk(
    mia: Phone, tom: Phone
) -> None:
    cast = mia.cast
    for person in (cast.mia, cast.tom):
        await Person.filter(id=person.id).update(name=f"{person.name.split()[0]} {NASTY}")
    await a_project(mia, NASTY)
    words = unspaced(text_of((await mia.client.get("/api/v1/project.pdf")).content))
    assert unspaced(f"Mia {NASTY}") in words
    assert unspaced(f"Tom {NASTY}") in words
    desk, child = cast.browser_as("tom"), cast.mia.id
    pages = ["/desk/", *(f"/desk/children/{child}{end}" for end in ("", "/devices", "/invite"))]
    for path in (*pages, f"/desk/children/{child}/ties", "/desk/settings"):
        page = await desk.get(path, follow_redirects=True)
        assert page.status_code == 200, path
        assert "<img src=x" not in page.text, path
        assert "onerror=alert(1)>" not in page.text, path
        assert "&lt;img src=x" in page.text or NASTY.split()[0] not in page.text, path
    shown = (await desk.get(f"/desk/children/{child}")).text
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown


async def test_an_agency_whose_name_is_source_is_a_name_on_paper(mia: Phone) -> None:
    ids = await a_goal(mia, child_words="Mine")
    await Agency.filter(id=mia.cast.agency.id).update(name=NASTY)
    owner = mia.say("step", ids["step"], "owner_id", str(mia.cast.agency.id))
    assert await mia.sync(owner) == ["applied"]
    words = text_of((await mia.client.get("/api/v1/project.pdf")).content)
    assert unspaced(NASTY) in unspaced(words)
