"""What an agency offers: written at the desk, read by those who may change a project."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audit.models import Entry
from server.errors import Conflict, IdReused, NotFound, Refused
from server.people.actions import set_birthday
from server.people.models import Person
from server.plan.goal_templates import actions as template_actions
from server.plan.goal_templates import rules as template
from server.plan.goal_templates.rules import Offer, Step
from server.plan.models import Template
from server.plan.shape import AREAS
from server.storage.db import fetch
from tests.cast import Cast
from tests.plan.said import Phone

SLEEP = Offer(
    "health",
    "en",
    12,
    17,
    "I want to sleep well.",
    "To be awake at school.",
    "I sleep through the night.",
    (Step("Ask for an appointment", "caseworker", 14), Step("Say when it is bad", None, None)),
)
TYPED = template.typed_of(SLEEP)


async def offered(cast: Cast, name: str = "ines", offer: Offer = SLEEP) -> UUID:
    """A template of the agency."""
    made = await template_actions.add(
        cast.actor(name), cast.agency.id, uuid4(), offer, cast.clock()
    )
    return made.id


async def heard(cast: Cast, name: str = "mia", language: str | None = None) -> list[str]:
    """The goals that somebody is offered for Mia, or for themselves."""
    phone = Phone(cast, name) if name in ("tom", "ada") else Phone(cast, name, child=name)
    query = {} if language is None else {"language": language}
    answer = await phone.client.get(f"{phone.root}/project/templates", params=query)
    assert answer.status_code == 200, answer.text
    return [one["words"] for one in answer.json()["templates"]]


# --- what was typed


def test_a_form_shows_what_it_was_read_from() -> None:
    assert template.read(TYPED) == SLEEP
    bare = Offer("own", None, None, None, "Swim", None, None, ())
    assert template.read(template.typed_of(bare)) == bare


def test_steps_that_were_left_out_are_none_and_digits_may_be_the_writers_own() -> None:
    typed = TYPED | {"text_1": "  ", "days_1": "", "days_2": "\u0661\u0664", "age_from": "\u0669"}
    read = template.read(typed)
    assert read.steps == (Step("Say when it is bad", None, 14),)
    assert read.age_from == 9


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"kind": "nothing"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"language": "tlh"}, "language"),
        ({"age_from": "-1"}, "age_from"),
        ({"age_from": "26"}, "age_from"),
        ({"age_from": "12.5"}, "age_from"),
        ({"age_from": "\u00b2"}, "age_from"),
        ({"age_from": "9" * 400}, "age_from"),
        ({"age_from": "17", "age_to": "16"}, "age_to"),
        ({"words": " \n "}, "words"),
        ({"words": "x" * 301}, "words"),
        ({"why": "x" * 501}, "why"),
        ({"text_2": "x" * 301}, "text_2"),
        ({"who_1": "police"}, "who_1"),
        ({"days_1": "731"}, "days_1"),
        ({"text_6": "", "days_6": "3"}, "text_6"),
    ],
)
def test_what_does_not_fit_is_said_at_its_question(typed: Mapping[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        template.read(TYPED | typed)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("low", "high", "age", "fits"),
    [
        (None, None, 3, True),
        (12, 17, None, True),
        (12, 17, 12, True),
        (12, 17, 17, True),
        (12, 17, 11, False),
        (12, 17, 18, False),
        (None, 17, 18, False),
        (16, None, 15, False),
    ],
)
def test_both_ends_of_the_ages_are_included(
    low: int | None, high: int | None, age: int | None, fits: bool
) -> None:
    assert template.fits_age(low, high, age) is fits


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        (None, date(2026, 3, 2), None),
        (date(2010, 3, 2), date(2026, 3, 2), 16),
        (date(2010, 3, 3), date(2026, 3, 2), 15),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)
def test_an_age_is_in_whole_years(born: date | None, today: date, age: int | None) -> None:
    assert template.age_on(born, today) == age


_letters = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)
_words = _letters.map(str.strip).filter(bool)
_maybe = st.none() | _words
_steps = st.builds(
    Step, _words, st.none() | st.sampled_from(template.OWNERS), st.none() | st.integers(0, 730)
)


@st.composite
def _offers(draw: st.DrawFn) -> Offer:
    """Whatever an agency may offer."""
    low, high = sorted(draw(st.tuples(st.integers(0, 25), st.integers(0, 25))))
    return Offer(
        draw(st.sampled_from(AREAS)),
        draw(st.sampled_from(["en", "fr", "ar", None])),
        draw(st.sampled_from([low, None])),
        draw(st.sampled_from([high, None])),
        draw(_words),
        draw(_maybe),
        draw(_maybe),
        tuple(draw(st.lists(_steps, max_size=template.MOST_STEPS))),
    )


@given(_offers())
def test_whatever_is_offered_comes_back_from_the_form_and_from_the_store(offer: Offer) -> None:
    assert template.read(template.typed_of(offer)) == offer
    columns = (offer.kind, offer.language, offer.age_from, offer.age_to)
    assert template.offer_of(*columns, json.loads(json.dumps(offer.spoken()))) == offer


# --- who hears of it


async def test_a_person_who_may_change_the_project_is_offered_the_whole_template(
    cast: Cast,
) -> None:
    id_ = await offered(cast)
    answer = await Phone(cast, "mia").client.get("/api/v1/project/templates")
    assert answer.json() == {
        "templates": [
            {
                "id": str(id_),
                "kind": "health",
                "language": "en",
                "age_from": 12,
                "age_to": 17,
                "words": "I want to sleep well.",
                "why": "To be awake at school.",
                "success_sign": "I sleep through the night.",
                "steps": [
                    {"text": "Ask for an appointment", "who": "caseworker", "days": 14},
                    {"text": "Say when it is bad", "who": None, "days": None},
                ],
            }
        ]
    }
    for name in ("tom", "mia", "noor"):
        assert await heard(cast, name) == ["I want to sleep well."]


async def test_another_agency_offers_its_own(cast: Cast) -> None:
    id_ = await offered(cast)
    assert await heard(cast, "lia") == []
    with pytest.raises(NotFound):
        await template_actions.retire(cast.actor("uwe"), cast.other_agency.id, id_, cast.clock())
    with pytest.raises(IdReused):
        await template_actions.add(
            cast.actor("uwe"), cast.other_agency.id, id_, SLEEP, cast.clock()
        )
    assert await heard(cast) == ["I want to sleep well."]


async def test_a_language_brings_its_own_words_and_those_of_none(cast: Cast) -> None:
    for language, words in (("en", "English"), ("fr", "French"), (None, "Tigrinya")):
        offer = Offer("own", language, None, None, words, None, None, ())
        cast.clock.advance(seconds=1)
        await offered(cast, offer=offer)
    assert await heard(cast) == ["English", "French", "Tigrinya"]
    assert await heard(cast, language="fr") == ["French", "Tigrinya"]
    answer = await Phone(cast, "mia").client.get(
        "/api/v1/project/templates", params={"language": "tlh"}
    )
    assert answer.status_code == 422


async def test_what_is_for_another_age_is_left_out_where_the_age_is_known(cast: Cast) -> None:
    for words, low, high in (("small", None, 11), ("young", 12, 17), ("grown", 16, None)):
        cast.clock.advance(seconds=1)
        await offered(cast, offer=Offer("own", None, low, high, words, None, None, ()))
    assert await heard(cast) == ["small", "young", "grown"]
    for years, words in ((10, ["small"]), (15, ["young"]), (17, ["young", "grown"])):
        born = cast.clock().date().replace(year=cast.clock().year - years)
        await set_birthday(cast.actor("tom"), cast.mia.id, born, cast.clock())
        for name in ("mia", "tom"):
            assert await heard(cast, name) == words


async def test_what_is_known_is_not_sent_again_and_no_browser_keeps_it(cast: Cast) -> None:
    id_ = await offered(cast)
    client = Phone(cast, "mia").client
    first = await client.get("/api/v1/project/templates")
    assert first.headers["cache-control"] == "no-store"
    known = {"if-none-match": first.headers["etag"]}
    again = await client.get("/api/v1/project/templates", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    await template_actions.retire(cast.actor("ines"), cast.agency.id, id_, cast.clock())
    changed = await client.get("/api/v1/project/templates", headers=known)
    assert changed.json() == {"templates": []}


# --- the verbs


async def test_the_words_are_sealed_and_the_record_has_none_of_them(cast: Cast) -> None:
    id_ = await offered(cast)
    (row,) = await fetch("SELECT spoken FROM template WHERE id = $1", [id_])
    assert "sleep" not in row["spoken"]
    (entry,) = await Entry.filter(about_id=id_)
    assert (entry.what, entry.who_id, entry.child_id) == ("template:add", cast.ines.id, None)
    assert "sleep" not in str(vars(entry))


async def test_the_same_form_twice_even_at_once_makes_one(cast: Cast) -> None:
    id_, actor = uuid4(), cast.actor("root")

    async def add(offer: Offer) -> object:
        return await template_actions.add(actor, cast.agency.id, id_, offer, cast.clock())

    await asyncio.gather(add(SLEEP), add(SLEEP), return_exceptions=True)
    await add(SLEEP)
    assert await Template.all().count() == 1
    assert await Entry.filter(about_id=id_).count() == 1
    with pytest.raises(IdReused):
        await add(Offer("own", "en", None, None, "Swim", None, None, ()))


async def test_who_was_slower_is_told_and_the_same_change_twice_is_one(cast: Cast) -> None:
    id_ = await offered(cast)
    other = Offer("health", "en", None, None, "I want to rest.", None, None, ())
    third = Offer("health", "en", None, None, "I want to run.", None, None, ())

    async def change(offer: Offer, version: int) -> None:
        await template_actions.change(
            cast.actor("root"), cast.agency.id, id_, offer, version, cast.clock()
        )

    await change(other, 0)
    await change(other, 0)
    with pytest.raises(Conflict):
        await change(third, 0)
    assert await heard(cast) == ["I want to rest."]
    await change(third, 1)
    assert await heard(cast) == ["I want to run."]
    assert await Entry.filter(about_id=id_, what="template:change").count() == 2


async def test_a_retired_template_is_no_longer_offered_and_goals_made_from_it_stay(
    cast: Cast,
) -> None:
    id_ = await offered(cast)
    mia, now = Phone(cast, "mia"), cast.clock()
    area = mia.make("area", kind="health")
    goal = mia.make("goal", area_id=area["entity_id"], child_words=SLEEP.words)
    assert await mia.sync(area, goal) == ["applied", "applied"]
    before = await mia.project()
    for _ in range(2):
        await template_actions.retire(cast.actor("ines"), cast.agency.id, id_, now)
    assert await heard(cast) == []
    assert await mia.project() == before
    for _ in range(2):
        await template_actions.offer_again(cast.actor("ines"), cast.agency.id, id_, now)
    assert await heard(cast) == ["I want to sleep well."]
    whats = await Entry.filter(about_id=id_).order_by("id").values_list("what", flat=True)
    assert whats == ["template:add", "template:retire", "template:offer_again"]


async def test_there_is_an_end_to_how_many_are_offered(cast: Cast) -> None:
    plain = {"words": "x", "why": None, "success_sign": None, "steps": []}
    kept = {"agency_id": cast.agency.id, "kind": "own", "spoken": plain, "made_at": cast.clock()}
    await Template.bulk_create([Template(id=uuid4(), **kept) for _ in range(template_actions.MOST)])
    with pytest.raises(Refused, match="There are already"):
        await offered(cast)


# --- the desk


async def test_the_pages_render_in_every_language(cast: Cast) -> None:
    id_ = await offered(cast)
    await offered(cast, offer=Offer("own", None, None, 17, "Swim", None, None, ()))
    gone = await offered(cast, offer=Offer("family", "ar", 16, None, "أسبح", None, None, ()))
    await template_actions.retire(cast.actor("ines"), cast.agency.id, gone, cast.clock())
    for language in ("en", "fr", "ar"):
        await Person.filter(agency_id=cast.agency.id).update(language=language)
        for name in ("ines", "root"):
            async with cast.browser_as(name) as browser:
                for path in ("", "/new", f"/{id_}", f"/{gone}"):
                    answer = await browser.get(f"/desk/templates{path}")
                    assert answer.status_code == 200, path
                    assert answer.text.count("<h1") == 1
                    assert not re.search(r"style=|\son\w+=", answer.text)
                    assert ('href="/desk/templates"' in answer.text) is (path != "")


async def test_a_template_is_written_changed_and_retired_without_a_script(cast: Cast) -> None:
    async with cast.browser_as("ines") as browser:
        page = await browser.get("/desk/templates/new")
        (id_,) = re.findall(r'name="id" value="([^"]+)"', page.text)
        form = {"id": id_, **TYPED}
        answer = await browser.post("/desk/templates/new", data=form)
        assert answer.headers["location"] == "/desk/templates?done=added"
        await browser.post("/desk/templates/new", data=form)
        assert await heard(cast) == ["I want to sleep well."]
        page = await browser.get(f"/desk/templates/{id_}")
        assert "I sleep through the night." in page.text
        form = {"version": "0", **TYPED, "words": "I want to rest."}
        answer = await browser.post(f"/desk/templates/{id_}", data=form)
        assert answer.headers["location"] == "/desk/templates?done=changed"
        assert await heard(cast) == ["I want to rest."]
        await browser.post(f"/desk/templates/{id_}/retire", data={})
        assert await heard(cast) == []
        await browser.post(f"/desk/templates/{id_}/again", data={})
        assert await heard(cast) == ["I want to rest."]


async def test_a_form_that_does_not_fit_comes_back_with_all_that_was_typed(cast: Cast) -> None:
    async with cast.browser_as("root") as browser:
        typed = TYPED | {"age_to": "99", "text_6": "The last <b>one</b>"}
        answer = await browser.post("/desk/templates/new", data={"id": str(uuid4()), **typed})
        assert answer.status_code == 422
        for words in ("I want to sleep well.", "The last &lt;b&gt;one&lt;/b&gt;", "age_to-error"):
            assert words in answer.text
        (id_,) = re.findall(r'name="id" value="([^"]+)"', answer.text)
        answer = await browser.post("/desk/templates/new", data={"id": id_, **TYPED})
        assert answer.status_code == 303
        answer = await browser.post("/desk/templates/new", data={"id": "none", **TYPED})
        assert answer.status_code == 422


async def test_two_who_change_one_template_at_once_both_read_the_other(cast: Cast) -> None:
    id_ = await offered(cast)
    async with cast.browser_as("root") as root, cast.browser_as("ines") as ines:
        path = f"/desk/templates/{id_}"
        await root.post(path, data={"version": "0", **TYPED, "words": "I want to rest."})
        mine = {**TYPED, "words": "I want to dream."}
        answer = await ines.post(path, data={"version": "0", **mine})
        assert answer.status_code == 409
        assert "I want to rest." in answer.text
        assert "I want to dream." in answer.text
        (version,) = re.findall(r'name="version" value="(\d+)"', answer.text)
        assert (await ines.post(path, data={"version": version, **mine})).status_code == 303
        assert await heard(cast) == ["I want to dream."]
        answer = await ines.post(path, data={"version": "one", **mine})
        assert answer.status_code == 422
