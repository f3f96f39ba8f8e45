"""Who looks at what is written about a child leaves a line that the child can read."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.routing import Route

from server.app import routes as all_routes
from server.audit.actions import SYSTEM, note
from server.audit.models import Entry
from server.i18n import gettext
from server.inbound import cards
from server.people.access import Visitor, looked
from server.people.looks.log import (
    SHOWN_TO_CHILD,
    SOMETHING,
    SOMEWHERE,
    WORDS,
    deeds_about,
    desk_words_of,
    looks_at,
    words_of,
)
from server.people.looks.table import LOOKS, NO_LOOK, OWN, PROJECT, TALK
from server.people.rules import ALLOWED, Role
from server.people.ties import AddTie, add_tie
from server.watch.watch_alerts import open_missing
from tests.advocates.made import advocate
from tests.cast import Cast
from tests.plan.said import Phone
from tests.plan.test_sync import a_goal
from tests.races import no_fault, together
from tests.test_access import MAKERS

# What is about nobody: the doors, one's own settings, the agency.
ELSEWHERE = re.compile(
    r"^/$|^/health$|^/metrics$|^/api/v1/(openapi\.json|push-subscriptions|rota|indicators|areas)$"
    r"|^/api/v1/me/(reaching|shifts)$|^/app/|^/(sign-in|reach|arrived|drill|ready)(/|$)"
    r"|^/desk/(again|filter|load|roll-calls|texts|settings|templates|policies|indicators|areas|quality|rota|drills|test|help|me|reports|admin)(/|\.|$)"
    r"|^/desk/people/homes/\{home_id\}/roll-call$|^/desk/homes/\{home_id\}/pin$"
    r"|^/desk/children/new$|^/desk/people$|^/desk/people/(new|agency|homes|second-keys|accounts"
    r"|channels|last-resort|children/import|children/import/template\.csv|\{person_id\}(/password|/second-key)?)(/\{provider\})?$"
)


def gets() -> list[str]:
    found = [one for one in all_routes() if isinstance(one, Route) and "GET" in (one.methods or ())]
    return sorted({one.path_format for one in found})


def test_every_page_says_whether_it_is_a_look_at_a_child() -> None:
    told = [path for path in gets() if path not in {*LOOKS, *OWN, *NO_LOOK}]
    assert [path for path in told if not ELSEWHERE.match(path)] == [], (
        "put these into people/looks/table.py"
    )


def test_no_page_is_in_the_table_twice_or_gone() -> None:
    tables = [*LOOKS, *OWN, *NO_LOOK]
    assert sorted(set(tables)) == sorted(tables)
    assert [path for path in tables if path not in gets()] == []
    assert [path for path in tables if ELSEWHERE.match(path)] == []


def test_every_look_has_words_that_a_child_and_an_adult_understand() -> None:
    codes = {*LOOKS.values(), *(code for code in OWN.values() if code.startswith("look:"))}
    codes |= {PROJECT, TALK}
    # Whoever is on duty leaves one at everything they do.
    codes |= {f"look:{action}" for action in ALLOWED[Role.SUPERVISOR]}
    unsaid = [code for code in sorted(codes) if words_of(code) == SOMETHING]
    assert unsaid == []
    for language in ("fr", "ar"):
        for code in codes:
            for words in (words_of(code), desk_words_of(code)):
                assert gettext(language, words) != words, (language, words)
    assert desk_words_of("look:project:see") != SOMEWHERE
    assert "it" not in {word for words in WORDS.values() for word in words.split()}


async def looks(cast: Cast, child: str = "mia") -> list[dict[str, Any]]:
    async with cast.client_as(child) as phone:
        answer = await phone.get("/api/v1/looks")
    return list(answer.json()["looks"])


# Patterns need two children who have something in common: tests/reports/test_patterns.py. A list of
# searches needs one: tests/missing/test_returns.py.
ELSEWHERE_TESTED = ("/api/v1/patterns", "/desk/patterns", "/desk/searches")
EACH = [
    *LOOKS,
    *(
        path
        for path, code in OWN.items()
        if code.startswith("look:") and path not in ELSEWHERE_TESTED
    ),
]


async def test_each_look_of_a_tied_adult_is_one_line_an_hour(
    cast: Cast, subtests: pytest.Subtests
) -> None:
    await advocate(cast)
    await cards.make(cast.actor("tom"), cast.children["mia"], "4829", cast.clock())
    for path in EACH:
        with subtests.test(path=path):
            await _is_one_line_an_hour(cast, path)


async def _is_one_line_an_hour(cast: Cast, path: str) -> None:
    code = LOOKS.get(path) or OWN[path]
    real = path
    # A caseworker has every page but two.
    reader = {"why": "ines", "advocacy": "ruth"}.get(path.rpartition("/")[2], "tom")
    if "/alerts" in path and not path.endswith("/sealed"):
        alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
        real = real.replace("{alert_id}", str(alert.id))
    for name in re.findall(r"{(\w+)}", real):
        real = real.replace(f"{{{name}}}", str(await MAKERS[name](cast, "tom", path)))
    await Entry.all().delete()
    await cast.new_token(reader)
    async with cast.client_as(reader) as client:
        for _ in range(2):
            answer = await client.get(real)
            assert answer.status_code == 200, (answer.status_code, answer.text[:300])
    held = Entry.filter(what=code, who_id=cast.persons[reader].id)
    children = [entry.child_id for entry in await held]
    assert len(children) == len(set(children)) >= 1, children
    cast.clock.advance(minutes=61)
    await cast.new_token(reader)
    async with cast.client_as(reader) as client:
        if (await client.get(real)).status_code == 200:
            assert await held.count() > len(children)


READ = {
    "project": "Your project",
    "project/history": "Your project and your messages, from the first day",
    "project.pdf": "Your project, on paper",
    "project/whole": "Your project, saved as a file",
    "check-ins": "Your check-ins",
    "watch": "Whether you checked in",
    "return-reasons": "What you told after you came back",
}


async def test_the_child_reads_who_looked_at_what(cast: Cast) -> None:
    guardian = AddTie(person_id=cast.ada.id, role=Role.GUARDIAN)
    await add_tie(SYSTEM, cast.children["mia"], guardian, cast.clock())
    await cast.on_duty("eve")
    readers = ("tom", "ines", "ada", "eve")
    for who in readers:
        async with cast.client_as(who) as client:
            for path in READ:
                for _ in range(2):
                    answer = await client.get(f"/api/v1/children/{cast.mia.id}/{path}")
                    assert answer.status_code == 200, (who, path)
    told = await looks(cast)
    for who in readers:
        read = [one["what"] for one in told if one["who"]["id"] == str(cast.persons[who].id)]
        assert sorted(what for what in read if what in READ.values()) == sorted(READ.values()), who
    assert "Something about you" not in {one["what"] for one in told}


async def test_what_an_app_gets_is_a_look_and_asking_for_nothing_new_is_none(cast: Cast) -> None:
    mia, tom = Phone(cast, "mia"), Phone(cast, "tom")
    await tom.sync()
    assert await looks(cast) == [], "there was nothing to read"
    await a_goal(mia)
    await mia.sync(mia.make("message", text="Tom, are you there?"))
    await tom.sync()
    assert {one["code"] for one in await looks(cast)} == {PROJECT, TALK}
    cast.clock.advance(hours=2)
    await cast.new_token("tom")
    await cast.new_token("mia")
    again = Phone(cast, "tom", cursor=tom.cursor)
    await again.sync()
    assert len(await looks(cast)) == 2
    await mia.sync()
    assert len(await looks(cast)) == 2, "the child's own are none"


async def test_what_was_not_shown_was_not_looked_at(cast: Cast) -> None:
    async with cast.client_as("sam") as sam:
        assert (await sam.get(f"/api/v1/children/{cast.mia.id}/project.pdf")).status_code == 403
    async with cast.client_as("tom") as tom:
        gone = await tom.get(f"/api/v1/children/{cast.mia.id}/project?revision=99")
        assert gone.status_code == 404
    async with cast.client_as("eve") as eve:
        assert (await eve.get(f"/api/v1/children/{cast.mia.id}/project")).status_code == 404
    assert await looks(cast) == []


async def test_looks_that_race_themselves_leave_one_line(cast: Cast) -> None:
    async with cast.client_as("tom") as tom:
        path = f"/api/v1/children/{cast.mia.id}/project"
        no_fault(await together(*(tom.get(path) for _ in range(6))))
    assert await Entry.filter(what=PROJECT).count() == 1
    both = [cast.client_as("tom"), cast.client_as("ines")]
    await asyncio.gather(*(one.get(path) for one in both))
    assert await Entry.filter(what=PROJECT).count() == 2


async def test_a_board_of_40_000_children_is_two_statements_and_none_twice(cast: Cast) -> None:
    eve = cast.eve
    visitor = Visitor(
        id=eve.id,
        role="caseworker",
        agency_id=cast.agency.id,
        session_id=uuid4(),
        language="en",
        zone="UTC",
    )
    many: list[UUID] = [uuid4() for _ in range(40_000)]
    for _ in range(2):
        await looked(visitor, many, "look:alert:see", cast.clock())
    assert await Entry.filter(what="look:alert:see").count() == 40_000


async def test_the_childs_phone_shows_looks_at_an_alert_as_one_look_at_the_childs_page(
    cast: Cast,
) -> None:
    alert = await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    browser = cast.browser_as("tom")
    for path in (f"/desk/alerts/{alert.id}", f"/desk/children/{cast.mia.id}/account"):
        assert (await browser.get(path)).status_code == 200
    assert [(one["what"], one["code"]) for one in await looks(cast)] == [
        ("Your page", "look:child:see")
    ]


async def test_an_administrator_sees_who_looked_and_nothing_of_what(cast: Cast) -> None:
    mia, tom = Phone(cast, "mia"), Phone(cast, "tom")
    await a_goal(mia)
    await tom.project()
    await tom.sync(tom.make("area", kind="health"))
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())
    path = f"/api/v1/children/{cast.mia.id}/pack"
    async with cast.client_as("ines") as ines:
        await ines.get(path, headers={"x-waymark-reason": "Her sister rang"})
        await ines.get("/api/v1/alerts")
    root = cast.browser_as("root")
    listed = (await root.get("/desk/people/children")).text
    page = f"/desk/people/children/{cast.mia.id}/looks"
    assert f'href="{page}"' in listed
    # The head and the bars are the same on every page.
    main = (await root.get(page)).text.split("<main", 1)[1]
    shown = " ".join(main.split())
    for words in ("Tom Verhoeven", "Looked at the project", "Changed something", "Ines Quintanar"):
        assert words in shown
    for words in ("Her sister rang", "alert", "health", "missing"):
        assert words not in shown
    assert (await cast.browser_as("uwe").get(page)).status_code == 403
    foreign = f"/desk/people/children/{cast.lia.id}/looks"
    assert (await root.get(foreign)).status_code == 404
    own = await cast.browser_as("tom").get(f"/desk/children/{cast.mia.id}/looks")
    assert own.status_code == 200
    assert "Her sister rang" in own.text or "Looked at the grab pack" in own.text


async def test_lines_of_before_that_were_written_twice_read_as_one(cast: Cast) -> None:
    now = cast.clock()
    for minutes in (0, 1, 59, 61):
        await Entry.create(
            at=now - timedelta(minutes=120 - minutes),
            agency_id=cast.agency.id,
            who_id=cast.tom.id,
            who_role="caseworker",
            what=PROJECT,
            child_id=cast.mia.id,
        )
    assert len(await looks(cast)) == 2


# Looks that a child reads as one at their page: they would say that adults are alerted, or what
# adults think among themselves.
AS_THEIR_PAGE = {
    "account",
    "alert",
    "approval",
    "episode",
    "flag",
    "observation",
    "pack",
    "question",
    "sighting",
    "sign",
}


def test_every_kind_of_look_says_whether_the_child_reads_what_it_was() -> None:
    kinds = {code.split(":")[1] for code in LOOKS.values()} | {name.split(":")[0] for name in WORDS}
    assert kinds - SHOWN_TO_CHILD == AS_THEIR_PAGE
    assert kinds >= SHOWN_TO_CHILD


async def test_a_look_of_a_kind_that_says_nothing_is_one_at_the_childs_page(cast: Cast) -> None:
    tom, now = cast.actor("tom"), cast.clock()
    about = {"child_id": cast.mia.id, "about": ("child", cast.mia.id)}
    await note(tom, "look:kind_of_tomorrow:see", **about, why="reason_of_tomorrow", now=now)
    [look] = await looks_at(cast.mia.id, "en", is_child=True)
    assert (look.code, look.why) == ("look:child:see", None)
    [deed] = [deed for deed in await deeds_about(cast.mia.id, "en") if deed.is_look]
    assert deed.what == "Looked at the child's page"
