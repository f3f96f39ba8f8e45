"""A home of twelve children as its people use it: the tablet at the front desk, the phone of a
worker, and the desk of those who answer for the children.

    house = await House.furnished(stage, tablet)
    await house.until(1, "21:33")             the second day, by the clock on the wall
    await house.at_tablet("sam", {"Bilal": "not_here"})
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx2

from server.audit.actions import SYSTEM
from server.auth import pairing
from server.desk.policies.form import typed_of
from server.desk.policies.pages import shipped_content
from server.people import actions as people
from server.people.models import Child, Person
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.policy.model import Tier, over
from server.watch import actions as watch
from server.watch.models import Watch
from server.watch.rhythm.rules import Rhythm
from tests.walks.stage import Stage

CHILDREN = (
    *("Amal", "Bilal", "Chiara", "Dina", "Elif", "Farid"),
    *("Grace", "Hadi", "Iman", "Jonas", "Kofi", "Lina"),
)
STAFF = ("sam", "nina", "tom", "eve", "ines")
PINS = {"sam": "4829", "nina": "7163"}
PHONES = {"tom": "+33 1 99 00 11 11", "eve": "+33 1 99 00 44 44"}
FRONT, THANKS = "/front/roll-call", "Thank you. We have it."
BROWSER = {"accept": "text/html", "sec-fetch-site": "same-origin"}
PARIS = ZoneInfo("Europe/Paris")
MONDAY = datetime(2026, 3, 2, tzinfo=PARIS)

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_ROW = re.compile(r'<bdi id="n-([^"]+)">([^<]+)</bdi>')
_CHOICE = re.compile(r'name="worker" value="([^"]+)"[^>]*><span><bdi>(\w+)')


def main_of(page: str) -> str:
    return page.partition("<main")[2].partition("</main")[0]


def hidden(form: str) -> dict[str, Any]:
    """The hidden fields of a form; each has all its values."""
    fields: dict[str, Any] = {}
    for name, value in _HIDDEN.findall(form):
        fields.setdefault(name, []).append(value)
    return fields


@dataclass
class House:
    """The home, and what was said there. `said`: by child, each word in its order; `answers`: of
    each check-in the note."""

    stage: Stage
    tablet: httpx2.AsyncClient
    said: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in CHILDREN})
    answers: list[str] = field(default_factory=list)
    _read: dict[str, int] = field(default_factory=dict)

    @classmethod
    async def furnished(cls, stage: Stage, tablet: httpx2.AsyncClient) -> House:
        """Twelve children have lived there for two months, and Sam and Nina work there; Eve is on
        duty. The supervisor adopts a policy with two roll calls a day and a budget."""
        house = cls(stage, tablet)
        await house._children_move_in()
        await house._staff_begins()
        await stage.subscribe(*STAFF)
        await house._policy_is_adopted()
        await house._tablet_is_set_up()
        return house

    @property
    def path(self) -> str:
        return f"/desk/homes/{self.stage.cast.home.id}/roll-call"

    async def until(self, day: int, clock: str) -> None:
        """Time passes up to this time on the wall, so many days after the first Monday."""
        local = datetime.combine((MONDAY + timedelta(days=day)).date(), time.fromisoformat(clock))
        await self.stage.until(local.replace(tzinfo=PARIS).astimezone(UTC))

    async def day(
        self,
        day: int,
        *,
        silent: tuple[str, ...] = (),
        away: Mapping[str, str] | None = None,
    ) -> None:
        """The morning and the afternoon of a day: Nina does the roll call of 07:45, and in the
        afternoon each child answers, at their own time."""
        if day:
            await self.until(day, "07:50")
            await self.at_tablet("nina", away)
        await self.children_answer(day, silent=silent)

    async def children_answer(self, day: int, *, silent: tuple[str, ...] = ()) -> None:
        for place, minute in enumerate(("16:35", "16:42", "16:50")):
            await self.until(day, minute)
            for name in CHILDREN[place::3]:
                if name not in silent:
                    await self.checks_in(name)

    async def checks_in(self, name: str) -> None:
        words = f"{name}, {self.stage.clock():%A %d %H:%M}"
        await self.stage.check_in(name, note=words)
        self.answers.append(words)

    async def at_tablet(self, who: str, away: Mapping[str, str] | None = None) -> str:
        """A person gives their PIN and sends the form; returns the sheet as they had it."""
        locked = main_of((await self.tablet.get(FRONT)).text)
        assert not any(name in locked for name in CHILDREN), "it stands where children pass"
        seat = {name: id_ for id_, name in _CHOICE.findall(locked)}[who.title()]
        form = {"worker": seat, "pin": PINS[who]}
        opened = await self.tablet.post(f"{FRONT}/open", data=form)
        assert (opened.status_code, opened.headers["location"]) == (303, FRONT)
        sheet = main_of((await self.tablet.get(FRONT)).text)
        sent = await self.tablet.post(FRONT, data=self._filled(sheet, away or {}))
        assert (sent.status_code, sent.headers["location"]) == (303, f"{FRONT}?sent=0")
        thanks = main_of((await self.tablet.get(sent.headers["location"])).text)
        assert THANKS in thanks
        assert not any(name in thanks for name in CHILDREN)
        await self.stage.beat()
        return sheet

    async def by_phone(self, who: str, away: Mapping[str, str] | None = None) -> str:
        """The same at the page of the home, also to correct it; returns what they read then."""
        correct = "?correct=yes" if "Correct it" in await self.reads(who, self.path) else ""
        sheet = await self.reads(who, self.path + correct)
        read = await self.sends(who, self.path, self._filled(sheet, away or {}))
        assert THANKS in read
        await self.stage.beat()
        return read

    def _filled(self, sheet: str, away: Mapping[str, str]) -> dict[str, Any]:
        form = sheet.partition('<form class="roll-call"')[2].partition("</form")[0]
        ids = {name: id_ for id_, name in _ROW.findall(form)}
        assert ids.keys() == set(CHILDREN)
        fields = hidden(form)
        for name, id_ in ids.items():
            if name in away:
                self.said[name].append(away[name])
                fields[f"word-{id_}"] = away[name]
            elif id_ in fields.get("child", ()):
                self.said[name].append("here")
        return fields

    async def reads(self, who: str, path: str) -> str:
        """The main part of a page, as that person reads it in a browser."""
        await self.stage.cast.new_token(who)
        async with self.stage.cast.browser_as(who) as browser:
            answer = await browser.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return main_of(answer.text)

    async def sends(self, who: str, path: str, form: Mapping[str, Any]) -> str:
        """A form, which must be kept; returns the main part of the page to which that leads."""
        await self.stage.cast.new_token(who)
        async with self.stage.cast.browser_as(who) as browser:
            answer = await browser.post(path, data=form)
            assert answer.status_code == 303, f"{path}: {answer.status_code} {answer.text}"
            led_to = await browser.get(answer.headers["location"])
        assert led_to.status_code == 200, answer.headers["location"]
        return main_of(led_to.text)

    def news(self, name: str) -> list[str]:
        """Where what has arrived at this person's phone since the last look leads to."""
        paths = self.stage.paths(name)
        begin = self._read.get(name, 0)
        self._read[name] = len(paths)
        return paths[begin:]

    # --- before it begins

    async def _children_move_in(self) -> None:
        cast, now = self.stage.cast, self.stage.clock()
        # This is about the home: nobody watches over the others.
        await Watch.all().delete()
        await Child.filter(home_id=cast.home.id).update(home_id=None)
        for name in CHILDREN:
            child = await people.add_child(
                SYSTEM,
                cast.agency.id,
                people.AddChild(
                    name=name,
                    language="en",
                    zone=PARIS.key,
                    caseworker_id=cast.tom.id,
                    home_id=cast.home.id,
                    placed_at=now - timedelta(days=60),
                ),
                now,
            )
            cast.children[name] = child
            cast.persons[name] = await Person.get(id=child.id)
            await add_tie(SYSTEM, child, AddTie(person_id=cast.ines.id, role=Role.SUPERVISOR), now)
            beginning = watch.Beginning(Tier.MID, Rhythm((time(18),)), PARIS.key)
            await watch.begin(SYSTEM, child, beginning, now)
            cast.devices[name] = uuid4()
            invitation = await pairing.invite(SYSTEM, cast.persons[name], now=now)
            opened = await pairing.pair(
                invitation.code, cast.devices[name], f"Phone of {name}", "192.0.2.1", now
            )
            cast.tokens[name] = opened.token

    async def _staff_begins(self) -> None:
        cast, now = self.stage.cast, self.stage.clock()
        nina = people.AddPerson(
            role=Role.CARER, name="Nina Fontaine", language="en", zone=PARIS.key
        )
        cast.persons["nina"] = await people.add_person(SYSTEM, cast.agency.id, nina, now)
        await people.set_language(cast.actor("sam"), cast.sam.id, "en", now)
        for name, phone in PHONES.items():
            await people.set_phone(cast.actor(name), cast.persons[name].id, phone, now)
        await cast.on_duty("eve", days=15)
        work = f"/desk/people/homes/{cast.home.id}/roll-call/workers"
        for name, pin in PINS.items():
            await self.sends("root", work, {"person_id": str(cast.persons[name].id)})
            await self.sends(name, self.path.replace("roll-call", "pin"), {"pin": pin})

    async def _policy_is_adopted(self) -> None:
        content = over(shipped_content("roll-calls"), {"budget": {"adapt": "propose"}})
        await self.stage.cast.new_token("ines")
        async with self.stage.cast.browser_as("ines") as ines:
            look = await ines.post("/desk/policies/look", data=typed_of(content))
        assert look.status_code == 200
        await self.sends("ines", "/desk/policies", hidden(look.text) | {"why": "Two a day."})

    async def _tablet_is_set_up(self) -> None:
        """By the caseworker, who signs in there; that session ends with it."""
        cast = self.stage.cast
        self.tablet.cookies.set("s", await cast.new_token("tom"))
        form = {"home_id": str(cast.home.id)}
        assert (await self.tablet.post("/desk/front", data=form)).status_code == 303
        self.tablet.cookies.delete("s")
        await cast.new_token("tom")
