"""A child with two phones, a caseworker and a guardian, and a network that loses half of it.

All of them talk to the whole application, over the wire. Requests are lost before the server has
them, or torn in the middle; answers are lost after it took them; batches are sent again, cut and
mixed. People sign out, a phone is shut out, a tie ends and begins anew, and somebody decides what
came over it meanwhile. Whatever happens: no word is lost or doubled, each is in the history with
whoever said it, one number is one text for ever, what binds is what its parties signed, and what is
stored beside the rows is what they come to.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from server.app import create_app
from server.audit.actions import SYSTEM
from server.auth import pairing
from server.auth.passwords import Passwords
from server.people import actions as people
from server.people.models import Child, Person
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.plan import view
from server.plan.changes.stored import rows_of, state_of
from server.plan.merge import Field, Node, settle
from server.plan.models import Change, LifeProject, Quarantined
from server.plan.state import State
from server.security import encryption
from server.settings import load
from server.storage.db import open_database, write
from tests.cast import ORIGIN, Cast, build, password_of
from tests.fixtures import Database, DrivenClock
from tests.machines import opened, run

START = datetime(2026, 11, 25, 18, tzinfo=UTC)
WORDS = st.sampled_from(["", "yes", "no", "perhaps", "نعم"])
WEATHER = ["good", "good", "request lost", "torn", "answer lost", "cut", "mixed"]
# Who holds a phone, and how far its clock is off.
PHONES = {
    "mia at home": (Role.CHILD, timedelta()),
    "mia on the old phone": (Role.CHILD, timedelta(hours=-7)),
    "tom": (Role.CASEWORKER, timedelta(minutes=3)),
    "ada": (Role.GUARDIAN, timedelta(days=300)),
}
NAMES = st.sampled_from(sorted(PHONES))
Wire = dict[str, Any]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@dataclass
class Phone:
    """What one app knows: the rows that it received, what waits in it, and how far it heard."""

    name: str
    person: UUID
    role: Role
    drift: timedelta
    device: UUID = field(default_factory=uuid4)
    client: httpx2.AsyncClient | None = None
    waiting: list[Wire] = field(default_factory=list)
    rows: list[Wire] = field(default_factory=list)
    cursor: str | None = None
    revision: int = 0
    text: Any = None
    """What stood in the project at that revision, as this phone was shown it."""

    def nodes(self, goal: str) -> list[Node]:
        """Every voice on why a goal matters that this phone knows, its own unsent ones last."""
        found = []
        for row in (*self.rows, *self.waiting):
            said, value, saw = row["value"], row["value"], ()
            if row["entity"] == "choice":
                if said["entity_id"] != goal:
                    continue
                value, saw = said["value"], tuple(said["saw"])
            elif row["entity"] != "goal" or row["entity_id"] != goal:
                continue
            elif row["field"] == "*":
                value = said["why"]
            who = row.get("who", {}).get("id", str(self.person))
            received = _moment(row.get("received_at", row["said_at"]))
            at = _moment(row["said_at"])
            found.append(Node(row["id"], row["base"], who, at, received, value, "", saw))
        return found

    @property
    def goals(self) -> list[str]:
        """The goals that this phone shows."""
        every = (*self.rows, *self.waiting)
        made = (row for row in every if (row["entity"], row["field"]) == ("goal", "*"))
        return [row["entity_id"] for row in made]

    def knows(self, goal: str) -> Field:
        """Where the words of a goal stand on this phone."""
        return settle(self.nodes(goal))

    def base_of(self, goal: str) -> str | None:
        """What the contract asks for: the current one, or one's own side of a difference."""
        known = self.knows(goal)
        mine = [side.id for side in known.sides if side.who == str(self.person)]
        if known.is_open:
            return mine[0] if mine else (known.stands.id if known.stands else None)
        return known.sides[0].id if known.sides else None

    def forget(self) -> None:
        """Signed out: what it had received goes; what was not sent stays locked on it."""
        self.client, self.rows, self.cursor = None, [], None
        self.revision, self.text = 0, None


class World:
    """One database, the whole application over it, and the cast."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.database, self.folder = database, folder
        self.clock = DrivenClock(START)
        self.cast: Cast

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    async def open(self) -> None:
        given = {
            "WAYMARK_DATABASE_URL": self.database.url,
            "WAYMARK_SECRET_KEYS": "a secret of the tests and of nothing else",
            "WAYMARK_PUBLIC_URL": ORIGIN,
            "WAYMARK_VAR": str(self.folder / "var"),
        }
        chosen = load(given, self.folder)
        passwords = Passwords(time_cost=1, memory_cost=8, parallelism=1)
        await open_database(self.database.url)
        app = create_app(chosen, clock=self.clock, passwords=passwords)
        self.cast = await build(app, chosen, self.clock, passwords)


class Machine(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.child: Child | None = None
        self.ada_is_tied = True
        self.phones: dict[str, Phone] = {}
        # Ids order what is said in one moment: the same example has to meet the same ones again.
        self.dice = random.Random(7)  # noqa: S311 (ids of a test)
        self.said: dict[str, tuple[str, Any]] = {}
        self.texts: dict[int, Any] = {}
        self.signed: dict[str, Any] = {}
        """By agreement: the revision, and what its party was shown as that."""

    @property
    def cast(self) -> Cast:
        return self.world.cast

    @property
    def root(self) -> str:
        assert self.child is not None
        return f"/api/v1/children/{self.child.id}"

    @initialize()
    def begin(self) -> None:
        self.world.do(self._begin())

    async def _begin(self) -> None:
        cast, now = self.cast, self.world.clock()
        async with write():
            self.child = await people.add_child(
                SYSTEM,
                cast.agency.id,
                people.AddChild(name="Mia", language="en", zone="UTC", caseworker_id=cast.tom.id),
                now,
            )
        await self._tie("ines", Role.SUPERVISOR)
        await self._tie("ada", Role.GUARDIAN)
        for name, (role, drift) in PHONES.items():
            who = self.child.id if role is Role.CHILD else cast.persons[name].id
            self.phones[name] = Phone(name, who, role, drift)
            await self._come_in(self.phones[name])
        self._make_goal(self.phones["mia at home"], "first")
        for phone in self.phones.values():
            await self._sync(phone, "good")

    async def _tie(self, name: str, role: Role) -> None:
        assert self.child is not None
        who, now = self.cast.persons[name].id, self.world.clock.advance(seconds=1)
        tie = await add_tie(SYSTEM, self.child, AddTie(person_id=who, role=role), now)
        self.cast.ties[name, "the child"] = tie.id

    async def _come_in(self, phone: Phone) -> None:
        """Pair, or sign in: a session of its own, and what waits on the phone is still there."""
        client = self.cast.client()
        if phone.role is Role.CHILD:
            person = await Person.get(id=phone.person)
            made = await pairing.invite(SYSTEM, person, now=self.world.clock())
            device = {"id": str(phone.device), "label": phone.name}
            answer = await client.post("/api/v1/pair", json={"code": made.code, "device": device})
        else:
            said = {"name": phone.name, "password": password_of(phone.name)}
            answer = await client.post("/api/v1/sessions", json=said)
        assert answer.status_code == 201, answer.text
        client.headers["authorization"] = f"Bearer {answer.json()['token']}"
        phone.client = client

    # --- what people do

    def _new_id(self) -> str:
        # The front half orders them; the other half is new, since examples share a database.
        return f"{UUID(int=self.dice.getrandbits(128), version=4)}"[:18] + f"{uuid4()}"[18:]

    def _say(self, phone: Phone, *what: Any, base: str | None = None) -> Wire:
        entity, entity_id, name, value = what
        at = self.world.clock.advance(seconds=1) + phone.drift
        said = {
            "id": self._new_id(),
            "entity": entity,
            "entity_id": entity_id,
            "field": name,
            "base": base,
            "value": value,
            "said_at": at.isoformat().replace("+00:00", "Z"),
        }
        self.said[said["id"]] = (str(phone.person), value)
        phone.waiting.append(said)
        return said

    @rule(name=NAMES, words=WORDS)
    def somebody_makes_a_goal(self, name: str, words: str) -> None:
        if self.phones[name].client is not None:
            self._make_goal(self.phones[name], words)

    def _make_goal(self, phone: Phone, words: str) -> None:
        owner = str(self.cast.tom.id)
        area, goal, step = (self._new_id() for _ in range(3))
        self._say(phone, "area", area, "*", {"kind": "own"})
        self._say(phone, "goal", goal, "*", {"area_id": area, "why": words})
        self._say(phone, "step", step, "*", {"goal_id": goal, "text": "x", "owner_id": owner})

    @rule(names=st.lists(NAMES, min_size=1, max_size=4), number=st.integers(0, 3), words=WORDS)
    def some_write_without_seeing_each_other(
        self, names: list[str], number: int, words: str
    ) -> None:
        for name in names:
            phone = self.phones[name]
            if phone.client is not None and phone.goals:
                goal = phone.goals[number % len(phone.goals)]
                said = f"{words} {name}"
                self._say(phone, "goal", goal, "why", said, base=phone.base_of(goal))

    @rule(name=NAMES, words=WORDS)
    def somebody_decides(self, name: str, words: str) -> None:
        phone = self.phones[name]
        for goal in phone.goals if phone.client is not None else ():
            known = phone.knows(goal)
            if known.is_open:
                saw = [side.id for side in known.sides]
                about = {"entity": "goal", "entity_id": goal, "field": "why"}
                self._say(
                    phone, "choice", self._new_id(), "*", about | {"value": words, "saw": saw}
                )
                return

    @rule(name=NAMES)
    @precondition(lambda self: self.texts)
    def somebody_agrees(self, name: str) -> None:
        self._agree(self.phones[name])

    def _agree(self, phone: Phone) -> None:
        if phone.client is not None and not phone.waiting and phone.revision:
            value = {"revision": phone.revision, "decision": "agree", "method": "tap"}
            said = self._say(phone, "agreement", self._new_id(), "*", value)
            self.signed[said["id"]] = (phone.revision, phone.text)

    @rule()
    @precondition(lambda self: self.texts)
    def child_and_caseworker_sit_together_and_sign(self) -> None:
        both = [self.phones["mia at home"], self.phones["tom"]]
        for work in (self._sync, self._sync):
            for phone in both:
                self.world.do(work(phone, "good"))
        for phone in both:
            self._agree(phone)
            self.world.do(self._sync(phone, "good"))

    # --- who comes and goes

    @rule(name=NAMES, how=st.sampled_from(["signs out", "is shut out", "loses the tie"]))
    def somebody_goes(self, name: str, how: str) -> None:
        phone = self.phones[name]
        if how == "signs out" and phone.client is not None:
            # The session may be over already.
            answer = self.world.do(phone.client.delete("/api/v1/sessions"))
            assert answer.status_code in (204, 401)
            phone.forget()
        elif how == "is shut out" and phone.role is Role.CHILD:
            path = f"{self.root}/devices/{phone.device}"
            answer = self.world.do(self.cast.client_as("tom").delete(path))
            assert answer.status_code in (204, 404), answer.text
        elif how == "loses the tie" and self.ada_is_tied:
            self.world.do(self._turn_tie())

    @rule()
    def those_who_had_gone_are_back(self) -> None:
        for phone in self.phones.values():
            if phone.client is None:
                self.world.do(self._come_in(phone))

    @rule()
    @precondition(lambda self: not self.ada_is_tied)
    def the_guardian_is_tied_again(self) -> None:
        self.world.do(self._turn_tie())

    @rule(words=WORDS)
    @precondition(lambda self: not self.ada_is_tied)
    def the_guardian_goes_on_over_the_ended_tie(self, words: str) -> None:
        self.some_write_without_seeing_each_other(["ada", "ada"], 0, words)
        self.world.do(self._sync(self.phones["ada"], "good"))

    async def _turn_tie(self) -> None:
        if self.ada_is_tied:
            path = f"{self.root}/ties/{self.cast.ties['ada', 'the child']}"
            answer = await self.cast.client_as("ines").delete(path)
            assert answer.status_code == 204, answer.text
            self.world.clock.advance(seconds=1)
        else:
            await self._tie("ada", Role.GUARDIAN)
        self.ada_is_tied = not self.ada_is_tied

    @rule(number=st.integers(0, 9), let_in=st.booleans())
    def the_caseworker_looks_at_what_came_over_an_ended_tie(
        self, number: int, let_in: bool
    ) -> None:
        self.world.do(self._look(number, let_in=let_in))

    async def _look(self, number: int, *, let_in: bool) -> bool:
        """Decide one of those that wait; False where it hangs on another one of them."""
        tom = self.cast.client_as("tom")
        self.world.clock.advance(seconds=1)
        kept = (await tom.get(f"{self.root}/quarantine")).json()["changes"]
        if not kept:
            return False
        path = f"{self.root}/quarantine/{kept[number % len(kept)]['id']}"
        answer = await tom.post(path, json={"let_in": let_in})
        if answer.status_code == 409:
            assert answer.json()["code"] == "not_there", answer.text
            return False
        assert answer.status_code == 200, answer.text
        return True

    # --- and what the network makes of it

    @rule(names=st.lists(NAMES, min_size=1, max_size=4), weather=st.sampled_from(WEATHER))
    def some_sync(self, names: list[str], weather: str) -> None:
        for name in names:
            self.world.do(self._sync(self.phones[name], weather))

    async def _sync(self, phone: Phone, weather: str) -> None:
        self.world.clock.advance(seconds=5)
        if phone.client is None or weather == "request lost":
            return
        batch = list(phone.waiting)
        if weather == "cut":
            batch = batch[: len(batch) // 2]
        if weather == "mixed":
            batch = [*batch[::-1], *batch]
        body = json.dumps({"cursor": phone.cursor, "changes": batch}).encode()
        if weather == "torn":
            body = body[: len(body) // 2]
        path = "/api/v1" if phone.role is Role.CHILD else self.root
        kind = {"content-type": "application/json"}
        answer = await phone.client.post(f"{path}/sync", content=body, headers=kind)
        if answer.status_code == 401:
            # Shut out: what waits stays on it until somebody pairs it anew.
            assert answer.json()["code"] == "revoked"
            phone.client = None
            return
        if weather == "torn":
            assert answer.status_code == 400, answer.text
            return
        assert answer.status_code == 200, answer.text
        if weather != "answer lost":
            await self._hear(phone, path, answer.json())

    async def _hear(self, phone: Phone, path: str, answer: Wire) -> None:
        """What the app does with an answer, and the look at the text that follows it."""
        settled: dict[str, str] = {}
        for one in answer["results"]:
            if one["status"] == "refused":
                assert one["problem"]["code"] == "not_there", one
            else:
                settled.setdefault(one["id"], one["status"])
        who = {"id": str(phone.person), "role": phone.role.value}
        received = {"who": who, "received_at": self.world.clock().isoformat()}
        known = {row["id"] for row in phone.rows}
        fresh = [row for row in answer["changes"] if row["id"] not in known]
        fresh += [
            said | received
            for said in phone.waiting
            if settled.get(said["id"], "quarantined") != "quarantined"
        ]
        phone.rows += fresh
        phone.waiting = [said for said in phone.waiting if said["id"] not in settled]
        phone.cursor = answer["cursor"]
        assert phone.client is not None
        shown = await phone.client.get(f"{path}/project")
        if phone.name == "ada" and not self.ada_is_tied:
            assert shown.status_code == 404
            return
        phone.revision, phone.text = shown.json()["revision"], shown.json()["areas"]

    # --- what must hold

    @invariant()
    def what_is_stored_is_what_the_rows_come_to(self) -> None:
        if self.child is not None:
            self.world.do(self._check())

    async def _check(self) -> None:
        assert self.child is not None
        stored = await LifeProject.get_or_none(child_id=self.child.id)
        if stored is None or stored.shown is None:
            return
        state = await state_of(self.child.id)
        assert view.document(state) == stored.shown
        # One number, one text, for ever.
        text = {key: one.value for key, one in state.fields.items() if one.value is not None}
        assert self.texts.setdefault(state.revision, text) == text
        assert state.revision == max(self.texts)
        if state.signed_revision is not None:
            await self._check_signed(state.signed_revision, state)

    async def _check_signed(self, revision: int, state: State) -> None:
        """What binds is what its parties were shown when they signed it."""
        assert self.child is not None
        then = await state_of(self.child.id, until_revision=revision)
        said = {(key, node.id): node.value for key in state.nodes for node in state.nodes[key]}
        held = {key: said[key, id_] for key, id_ in state.signed.items()}
        assert {key: one.value for key, one in then.fields.items() if one.stands} == held
        if revision == state.revision:
            assert state.unsigned() == []
        path = f"{self.root}/project?revision={revision}"
        bound = (await self.cast.client_as("tom").get(path)).json()
        signed = {id_: text for id_, (number, text) in self.signed.items() if number == revision}
        parties = {self.said[id_][0] for id_ in signed}
        assert {str(self.child.id), str(self.cast.tom.id)} <= parties
        for text in signed.values():
            assert text == bound["areas"]

    def teardown(self) -> None:
        if self.child is not None:
            self.world.do(self._all_is_heard())

    async def _all_is_heard(self) -> None:
        if not self.ada_is_tied:
            await self._turn_tie()
        # One that hangs on another one goes in after it.
        while any([await self._look(number, let_in=True) for number in range(10)]):
            pass
        for phone in self.phones.values():
            if phone.client is None:
                await self._come_in(phone)
        for _ in range(3):
            for phone in self.phones.values():
                await self._sync(phone, "good")
                if phone.client is None:
                    await self._come_in(phone)
        await self._check_nothing_is_lost()
        await self._check_history()

    async def _check_nothing_is_lost(self) -> None:
        assert self.child is not None
        rows = {row.id: (row.who, row.value) for row in await rows_of(self.child.id)}
        kept = await Quarantined.filter(child_id=self.child.id)
        out = {
            str(one.id): (str(one.who_id), one.said["value"]) for one in kept if not one.is_let_in
        }
        assert not rows.keys() & out.keys()
        waiting = [said for phone in self.phones.values() for said in phone.waiting]
        assert rows | out | {said["id"]: self.said[said["id"]] for said in waiting} == self.said
        # What hangs on something that was left out stays in sight on its phone; nothing else does.
        blocked = {*out, *(one.said["entity_id"] for one in kept if _is_missing(one))}
        while True:
            stuck = [said for said in waiting if _hangs_on(said) & blocked]
            grown = blocked | {id_ for said in stuck for id_ in _gives(said)}
            if grown == blocked:
                break
            blocked = grown
        assert [said["id"] for said in waiting if not _hangs_on(said) & blocked] == []
        assert await Change.filter(child_id=self.child.id).count() == len(rows)

    async def _check_history(self) -> None:
        """Every value ever written, with whoever said it; each phone has heard of all of them."""
        assert self.child is not None
        wanted = {row.id: (row.who, row.value) for row in await rows_of(self.child.id)}
        tom, found, after = self.cast.client_as("tom"), {}, ""
        while True:
            query = {"after": after, "limit": "7"}
            page = (await tom.get(f"{self.root}/project/history", params=query)).json()
            if not page["changes"]:
                break
            found |= {one["id"]: (one["who"]["id"], one["value"]) for one in page["changes"]}
            after = page["cursor"]
        assert found == wanted
        for phone in self.phones.values():
            assert wanted.keys() <= {row["id"] for row in phone.rows}, phone.name


def _is_missing(kept: Quarantined) -> bool:
    return not kept.is_let_in and kept.said["field"] == "*"


def _gives(said: Wire) -> set[str]:
    """The ids that are there once this change is."""
    return {said["id"], *([said["entity_id"]] if said["field"] == "*" else [])}


def _hangs_on(said: Wire) -> set[str]:
    """The ids without which a change cannot go in."""
    about = said["value"] if isinstance(said["value"], dict) else {}
    ids = {said["base"], *about.get("saw", ()), about.get("area_id"), about.get("goal_id")}
    if said["field"] != "*":
        ids.add(said["entity_id"])
    return {id_ for id_ in ids if id_}


@pytest.fixture
def world(migrated: Database, keyring: encryption.Keyring, tmp_path: Path) -> Iterator[World]:
    yield from opened(World(migrated, tmp_path))


@pytest.mark.slow
@pytest.mark.drawn
def test_no_word_is_lost_and_one_number_is_one_text_in_any_weather(world: World) -> None:
    run(Machine, world, steps=30)
