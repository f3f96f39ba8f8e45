"""A write shows only what its sender may read, and showing is a look.

Everything that is written about Mia holds a word of its own. Each person sends each write of the
API, twice, and in forms that conflict. Every such word in an answer must also be in what this
person gets by GET, and leave the look of that GET. At the desk each form is sent with nothing in
it: the page that comes back leaves the look of that page.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from server.alerts.attempt_rules import Result, Target, Tried, Way
from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.flags import actions as flags
from server.flags.actions import AddFlag
from server.missing.profile import actions as pack
from server.missing.returns import interview_actions
from server.missing.returns.child_found import Found, record_found
from server.missing.search.actions import EntryRequest, enter
from server.missing.search.entry_kinds import Act
from server.missing.search.models import Episode
from server.missing.search.opening import Saying, open_episode
from server.people.models import Child
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.watch.absence.models import AbsenceRequest
from server.watch.models import Pause
from server.watch.rhythm.models import Proposal
from server.watch.signals.models import Observation
from server.watch.watch_alerts import log_attempt
from tests.advocates.made import advocate
from tests.areas.made import oversight
from tests.cast import Cast
from tests.plan.said import Phone
from tests.plan.test_sync import a_goal
from tests.test_access import (
    BODIES,
    CALLED,
    CHILD,
    GLASS,
    ON_DUTY,
    STRANGERS,
    TIED,
    Walk,
    _filled,
    described,
)

VERA = "vera"  # Of an area above the agency.
WHO = (*TIED, *STRANGERS, VERA, ON_DUTY, CALLED, GLASS)
INTERVIEW = f"{CHILD}/episodes/{{returned_id}}/interview"

# What is read where, and the codes of its look.
READS: Mapping[str, tuple[str, ...]] = {
    "/api/v1/alerts": ("look:alert:see",),
    "/api/v1/alerts/{alert_id}": ("look:alert:see",),
    f"{CHILD}/episodes": ("look:episode:see",),
    INTERVIEW: ("look:interview:see",),
    f"{CHILD}/pack": ("look:pack:open", "look:glass:pack", "look:glass:own", "look:pack:see"),
    f"{CHILD}/project": ("look:project:see",),
    f"{CHILD}/project/history": ("look:project:history", "look:project:see", "look:talk:see"),
    f"{CHILD}/project/wall": ("look:project:paper",),
    f"{CHILD}/check-ins": ("look:history:see",),
    f"{CHILD}/observations": ("look:observation:see",),
    f"{CHILD}/flags": ("look:flag:see",),
    f"{CHILD}/absences": ("look:pause:see",),
    f"{CHILD}/rhythm/proposals": ("look:rhythm:see",),
    f"{CHILD}/watch": ("look:watch:see",),
}
SECRETS = (
    "in-the-alert",
    "in-the-attempt",
    "in-the-search",
    "in-the-line",
    "in-the-talk",
    "in-the-pack",
    "in-the-project",
    "in-the-check-in",
    "was-noticed",
    "in-the-flag",
    "in-the-absence",
    "in-the-proposal",
    "in-the-pass",
)

# Other forms of a write, beside the usual body: what conflicts, and what leaves everything out.
MORE: Mapping[str, list[dict[str, Any]]] = {
    f"PUT {CHILD}/pack": [
        {"base": 99, "fields": {}},
        {"base": 1, "fields": {}},
        {"base": 1, "fields": {"hair": "short"}},
        {"base": 0, "fields": {"hair": "short", "own_call_first": "in-the-pack"}},
    ],
    f"PUT {CHILD}/pack/now": [{"base": 99, "fields": {}}, {"base": 99, "fields": {"wore": "x"}}],
    f"POST {CHILD}/pack/check": [{"id": "{id}", "version": 99}, {"id": "{id}", "version": 1}],
    f"POST {CHILD}/pack/checkouts": [{"id": "{id}", "why": "Looking for her"}],
    f"PUT {INTERVIEW}": [{"base": 99, "answers": {}}],
    f"POST {CHILD}/sync": [{"cursor": None, "changes": []}],
    "POST /api/v1/sync": [{"cursor": None, "changes": []}],
    f"POST {CHILD}/quarantine/{{change_id}}": [{"let_in": False}],
    f"PUT {CHILD}/project/wall": [{"on": [], "off": []}],
    f"POST {CHILD}/missing": [{"words": "Again."}],
    f"POST {CHILD}/placement/end": [{"why": "other"}],
}
# They end what the others ask about, so they come last.
LAST = ("/found", "/close", "/placement/end", "/devices/{device_id}", "/sessions")
# Doors: nobody is signed in there, or is no longer afterwards.
DOORS = ("/api/v1/pair", "/api/v1/sessions", "/proof", "/api/v1/me/codes")


@dataclass
class Sender(Walk):
    """A person who writes, and who reads what they may."""

    returned: UUID | None = None

    async def _id(self, name: str, path: str) -> object:
        return self.returned if name == "returned_id" else await super()._id(name, path)

    async def writes(self, route: str) -> AsyncIterator[httpx2.Response]:
        """What each form of this write answers, the first time and again."""
        usual = [BODIES[route]] if route in BODIES else []
        forms = [_filled(form, self.cast) for form in [*usual, *MORE.get(route, [])]] or [{}]
        for form in forms:
            for _ in range(2):
                yield await self.send(route, json=form)

    async def readable(self) -> dict[str, set[str]]:
        """The words that this person gets by GET, and the codes of the looks at each."""
        words: dict[str, set[str]] = {}
        for path, codes in READS.items():
            answer = await self.send(f"GET {path}", content="")
            if answer.status_code == 200:
                for word in secrets_in(answer):
                    words.setdefault(word, set()).update(codes)
        return words


def secrets_in(answer: httpx2.Response) -> list[str]:
    return [word for word in SECRETS if word in answer.text]


async def everything(cast: Cast) -> UUID:
    """All that can be written about Mia is written; the id of a time from which she is back."""
    mia, tom, now = await Child.get(id=cast.mia.id), cast.actor("tom"), cast.clock()
    tie = AddTie(person_id=cast.ada.id, role=Role.GUARDIAN)
    await add_tie(SYSTEM, mia, tie, now)
    await advocate(cast)
    fields = {"hair": "in-the-pack", "marks": "in-the-pack"}
    await pack.put(tom, mia, {Role.CASEWORKER}, base=0, given=fields, now=now)
    phone = Phone(cast, "mia")
    await a_goal(phone, child_words="in-the-project")
    await phone.sync(phone.make("message", text="in-the-project"))
    async with cast.client_as("mia") as client:
        body = {"id": str(uuid4()), "said_at": now.isoformat(), "note": "in-the-check-in"}
        assert (await client.post("/api/v1/check-ins", json=body)).status_code == 201
    about: dict[str, Any] = {"id": uuid4(), "child_id": mia.id}
    await Observation.create(
        **about,
        sign="packed_bag",
        by_id=cast.tom.id,
        by_role="caseworker",
        at=now,
        words="was-noticed",
    )
    later = {"from_at": now + timedelta(days=9), "until_at": now + timedelta(days=10)}
    await AbsenceRequest.create(**about, **later, place="in-the-absence", said_at=now, made_at=now)
    await Pause.create(**about, **later, made_by=cast.tom.id, made_at=now, words="in-the-pass")
    await Proposal.create(
        **about,
        by_id=cast.tom.id,
        by_role="caseworker",
        rhythm={"at": ["09:00"]},
        zone="Europe/Paris",
        made_at=now,
        words="in-the-proposal",
    )
    flag = AddFlag(uuid4(), "in-the-flag", now + timedelta(days=7))
    await flags.add(tom, mia, Role.CASEWORKER, flag, now)
    returned, _ = await open_episode(tom, mia.id, uuid4(), Saying(now, "in-the-search"), now)
    await record_found(tom, returned.id, uuid4(), Found(now, "Here", "Sam", "Well."), now)
    talk = {"answer": "accepted", "own": "in-the-talk", "before": "in-the-talk"}
    await interview_actions.save(tom, returned.id, 0, talk, now)
    cast.clock.advance(minutes=1)
    return returned.id


async def a_search(cast: Cast) -> Episode:
    """Mia is missing, and adults work on it."""
    tom, now = cast.actor("tom"), cast.clock()
    episode, _ = await open_episode(tom, cast.mia.id, uuid4(), Saying(now, "in-the-alert"), now)
    line = EntryRequest(uuid4(), Act.NOTE, words="in-the-line")
    await enter(tom, episode.id, line, now)
    assert episode.alert_id is not None
    tried = Tried(uuid4(), Way.CALL, Target.HOME, Result.NO_ANSWER, "in-the-attempt", None)
    await log_attempt(tom, episode.alert_id, tried, now)
    return episode


def writes_of(cast: Cast) -> list[str]:
    """Every write of the API, those last that end what the others ask about."""
    routes = [
        route.replace("{episode_id}/interview", "{returned_id}/interview")
        for route in described(cast.app.routes)
        if not route.startswith("GET ") and " /api/v1/" in route and not route.endswith(DOORS)
    ]
    return sorted(routes, key=lambda route: route.endswith(LAST))


@pytest.mark.parametrize("is_missing", [True, False], ids=["while missing", "on a usual day"])
@pytest.mark.parametrize("who", WHO)
async def test_a_write_shows_no_more_than_its_sender_may_read_and_leaves_the_look(
    cast: Cast, subtests: pytest.Subtests, who: str, is_missing: bool
) -> None:
    returned = await everything(cast)
    if is_missing:
        await a_search(cast)
    if who == VERA:
        await oversight(cast)
    if who == ON_DUTY:
        await cast.on_duty("eve")
    name = "eve" if who in (ON_DUTY, CALLED, GLASS) else who
    async with cast.client() as client:
        sender = Sender(cast, who, client, returned=returned)
        before = await sender.readable() if is_missing else {}
        for route in writes_of(cast):
            with subtests.test(route=route):
                sender.made.clear()
                async for answer in sender.writes(route):
                    await _is_no_more(sender, name, before, answer)
                    await Entry.filter(what__startswith="look").delete()
            await cast.new_token(name)


async def _is_no_more(
    sender: Sender, name: str, before: Mapping[str, set[str]], answer: httpx2.Response
) -> None:
    shown = secrets_in(answer)
    if not shown:
        return
    held = Entry.filter(who_id=sender.cast.persons[name].id, child_id=sender.cast.mia.id)
    looks = {str(code) for code in await held.values_list("what", flat=True)}
    readable = await sender.readable()
    told = f"{answer.status_code} {json.dumps(answer.json())[:300]}"
    for word in shown:
        codes = readable.get(word) or before.get(word)
        assert codes is not None, f"{word} is shut to {sender.who}: {told}"
        assert name == "mia" or codes & looks, f"{word} left no look of {sender.who}: {looks}"


def forms_of(cast: Cast) -> list[tuple[str, str]]:
    """Every form about a child at the desk, with the page that it stands on."""
    routes = described(cast.app.routes)
    pages = {route.removeprefix("GET ") for route in routes if route.startswith("GET /desk/")}
    forms = []
    for route in sorted(routes):
        method, path = route.split(" ")
        if method == "POST" and path.startswith(("/desk/children/{", "/desk/alerts", "/desk/epi")):
            page = path
            while page not in pages:
                page = page.rpartition("/")[0]
            forms.append((route, page))
    return forms


async def looks_of(cast: Cast, name: str) -> set[str]:
    """The codes of this person's looks at Mia, which are then forgotten."""
    held = Entry.filter(who_id=cast.persons[name].id, child_id=cast.mia.id, what__startswith="look")
    codes = {str(code) for code in await held.values_list("what", flat=True)}
    await held.delete()
    return codes


def heading(answer: httpx2.Response) -> str | None:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.DOTALL)
    return " ".join(found[1].split()) if found else None


@pytest.mark.parametrize("who", ["tom", "ines", "ada", "sam", "ruth", ON_DUTY, CALLED, GLASS])
async def test_a_form_that_is_refused_shows_its_page_again_and_leaves_the_look_of_that_page(
    cast: Cast, subtests: pytest.Subtests, who: str
) -> None:
    await everything(cast)
    if who == ON_DUTY:
        await cast.on_duty("eve")
    name, shown = "eve" if who in (ON_DUTY, CALLED, GLASS) else who, set()
    async with cast.client() as client:
        sender = Sender(cast, who, client)
        for form, page in forms_of(cast):
            with subtests.test(form=form):
                sender.made.clear()
                await looks_of(cast, name)
                answer = await sender.send(form, data={"nothing": "at all"})
                by_form = await looks_of(cast, name)
                read = await sender.send(f"GET {page}", content="")
                by_page = await looks_of(cast, name)
                if (
                    answer.status_code >= 400
                    and heading(answer)
                    and heading(answer) == heading(read)
                ):
                    shown.add(form)
                    assert set(secrets_in(answer)) <= set(secrets_in(read))
                    assert by_form & by_page or not by_page, (by_form, by_page)
            await cast.new_token(name)
    assert who != "tom" or {path.rpartition("/")[2] for path in shown} >= REFUSED


# Of a caseworker: those that a look from outside found, and what stands on the same pages.
REFUSED = {"rhythm", "season", "calendar", "pauses", "flags", "witnesses", "advocate", "sign"}
