"""A double of the server, in memory, for what the real one cannot be made to do at will.

It answers as contract.md says, serves the built app under the real content security policy, and
lets a test break things: revoke a phone, refuse, answer as a café's network does, publish a new
version of the app. What does not need that runs against the real server.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from server.web.static_files import StaticFile, app_files
from tests.pwa.book import INES, MIA, OTHERS, TOM, Book
from tests.pwa.days import days_from_now

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# Any point of the curve will do: no push service of ours looks at it.
VAPID = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
CODE = "ABCDEFGH"
COOKIE = "session"


def _z(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _problem(status: int, code: str) -> Response:
    return JSONResponse(
        {"title": code, "status": status, "code": code, "detail": "Said by the double."},
        status,
        media_type="application/problem+json",
    )


@cache
def _files() -> dict[str, StaticFile]:
    """The build, pressed once: each test has a double of its own."""
    return app_files()


@dataclass
class Double:
    """What it knows, and what a test may change while it runs."""

    files: dict[str, StaticFile] = field(default_factory=_files)
    url: str = ""
    language: str = "en"
    help_phone: str | None = "+33 1 23 45 67 89"
    help_text: dict[str, str] | None = None
    helpers: list[dict[str, str]] = field(
        default_factory=lambda: [
            {"id": INES, "name": "Ines Quintanar"},
            {"id": TOM, "name": "Tom Verhoeven"},
        ]
    )
    check_ins: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)
    """What phones said that they have shown, by its token."""
    reminders: str | None = "none"
    epoch: dict[str, str] | None = None
    """The server was put back from a backup, and lacks what came in from `from_at` on."""
    tried: list[str] = field(default_factory=list)
    """The addresses to which a push was sent to see whether it arrives."""
    is_reached: bool = True
    tells: bool = True  # A message would reach an adult.
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    is_revoked: bool = False
    person: str = MIA
    refuse_check_ins: tuple[int, str] | None = None
    is_cafe: bool = False
    knows_phones: int = 0
    """So many phones that pair next are known to it as somebody else's."""
    lose_answers: int = 0
    book: Book = field(default_factory=Book)
    """The life project of Mia."""
    templates: list[dict[str, Any]] = field(default_factory=list)
    """What her agency offers."""
    reasons: list[dict[str, Any]] = field(default_factory=list)
    """Why she went, as adults read it who may."""
    own_talks: list[dict[str, Any]] = field(default_factory=list)
    """What she herself reads of the talks about it."""
    may_read_reasons: bool = True
    is_over: bool = False
    rhythm: dict[str, Any] = field(default_factory=lambda: {"at": ["18:00"]})
    seasons: list[dict[str, Any]] = field(default_factory=list)
    """Other times that are agreed for some days."""
    proposals: list[dict[str, Any]] = field(default_factory=list)
    """Other rhythms, as they were proposed, the newest first."""
    is_too_seldom: bool = False
    ahead: list[dict[str, Any]] = field(default_factory=list)
    """The days of the calendar that the child knows of."""
    standing: str = "well"
    opens_before: timedelta | None = None
    """So long before it is due the next check-in opens; None: not said."""
    is_old: bool = False
    """What comes in now is too old to tell how the child is."""
    answered_late: dict[str, str] | None = None
    """A check-in that was answered after its time."""
    forgotten: list[str] = field(default_factory=list)
    heard: dict[str, Any] | None = None
    """What became of the last call for help."""
    question: dict[str, str] | None = None
    waits: dict[str, str] | None = None
    """Until when reminders wait, and why."""
    open_round: dict[str, Any] | None = None
    """The check-in whose reminder can be put off."""
    snoozes: list[dict[str, Any]] = field(default_factory=list)
    lock_text: str = ""
    school: dict[str, Any] = field(default_factory=lambda: {"days": [], "holidays": None})
    in_school: list[dict[str, Any]] = field(default_factory=list)
    """What the school hours come to."""
    door: bool = False
    lines: dict[str, str] | None = None
    """Whether the child is looked for."""
    trusted: list[dict[str, Any]] = field(default_factory=list)
    witnesses: list[dict[str, Any]] = field(default_factory=list)
    absences: list[dict[str, Any]] = field(default_factory=list)
    """What the child asked for, the newest first; the agreed ones with what was agreed."""
    advocates: list[dict[str, Any]] = field(default_factory=list)
    advocate_asked_at: str | None = None
    own: dict[str, Any] = field(default_factory=lambda: {"version": 0, "fields": {}})
    glass: str = ""  # Why somebody opened what is kept for when the child is missing.
    loses_own: bool = False  # It is taken, and each answer gets lost.
    shared: list[dict[str, str]] = field(default_factory=list)
    stories: list[dict[str, Any]] = field(default_factory=list)
    """What happened while the child was silent, the newest first."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Questions about the record, the newest first."""
    read: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """Who has read a message or a check-in, by its id."""
    more_books: dict[str, Book] = field(default_factory=dict)
    """The life projects of other children, by the child, for those who work with several."""
    wire: list[tuple[str, str, int]] = field(default_factory=list)
    """Kind of content, path and bytes (head and body) of every answer."""

    slow_walls: set[str] = field(default_factory=set)
    """Children whose page for the wall gets no answer before they leave this set, for 8 seconds."""

    def publish(self, folder: Path) -> None:
        """Serves another build from now on."""
        self.files = app_files(folder)

    @property
    def is_child(self) -> bool:
        """Whether a child is in, or somebody who works with one."""
        return self.book.role_of(self.person) == "child"

    def answers(self) -> list[str]:
        """When each question about the record was answered, the latest first."""
        return sorted(
            (one["answered_at"] for one in self.asked if one["answered_at"]), reverse=True
        )

    def posted(self, path: str) -> list[dict[str, Any]]:
        """The bodies that were posted there, oldest first."""
        found = [body for method, at, body in self.requests if (method, at) == ("POST", path)]
        return [json.loads(body) for body in found]


def _next_due() -> str:
    return _z(days_from_now(1).replace(hour=18, minute=0, second=0))


def application(double: Double) -> Starlette:
    """The double as an ASGI application."""

    def opens_at() -> str | None:
        if double.opens_before is None:
            return None
        return _z(datetime.fromisoformat(_next_due()) - double.opens_before)

    def is_in(request: Request) -> bool:
        return not double.is_revoked and COOKIE in request.cookies

    def book_of(request: Request) -> Book:
        return double.more_books.get(request.path_params.get("child", ""), double.book)

    def who() -> dict[str, str]:
        known = (double.book.people | OTHERS)[double.person]
        name = "Mia Castellane" if known["name"] == "Mia" else known["name"]
        return {
            "id": double.person,
            "name": name,
            "language": double.language,
            "role": known["role"],
        }

    async def pair(request: Request) -> Response:
        body = await request.json()
        if body["code"] != CODE:
            return _problem(404, "code_wrong")
        if double.knows_phones > 0:
            double.knows_phones -= 1
            return _problem(409, "id_reused")
        double.is_revoked = False
        person = who()
        answer = JSONResponse({"person": person, "child": {"id": person["id"]}}, 201)
        answer.set_cookie(COOKIE, str(uuid4()), httponly=True, samesite="strict")
        return answer

    async def me(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "revoked" if double.is_revoked else "unauthenticated")
        if request.method == "PATCH":
            wanted = await request.json()
            double.language = wanted.get("language", double.language)
            double.lock_text = wanted.get("lock_text", double.lock_text)
        return JSONResponse(
            {
                "person": who(),
                "child": {"id": MIA, "name": "Mia Castellane"} if double.is_child else None,
                "next_due_at": _next_due(),
                "opens_at": opens_at(),
                "standing": double.standing,
                "answered_late": double.answered_late,
                "language": double.language,
                "display_name": "Planner",
                "vapid_public_key": VAPID if double.reminders != "none" else None,
                "reminders": double.reminders,
                "epoch": double.epoch,
                "help_phone": double.help_phone,
                **({"help_text": double.help_text} if double.help_text else {}),
                "helpers": double.helpers,
                **({"question": double.question} if double.question else {}),
                **({"waits": double.waits} if double.waits else {}),
                **({"open_round": double.open_round} if double.open_round else {}),
                **({"lock_text": double.lock_text} if double.lock_text else {}),
                **({"answered_at": double.answers()[0]} if double.answers() else {}),
                **({"door": True} if double.door else {}),
                **({"lines": double.lines} if double.lines else {}),
                "server_time": _z(datetime.now(UTC)),
            }
        )

    async def check_ins(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "revoked" if double.is_revoked else "unauthenticated")
        if request.method == "GET":
            shown = [
                {k: v for k, v in c.items() if k != "mark"} | {"read": double.read.get(c["id"], [])}
                for c in double.check_ins
            ]
            return JSONResponse({"check_ins": shown[::-1]})
        body = await request.json()
        if double.refuse_check_ins:
            return _problem(*double.refuse_check_ins)
        known = next((c for c in double.check_ins if c["id"] == body["id"]), None)
        if known is None:
            known = body | {"received_at": _z(datetime.now(UTC)), "is_late": False}
            double.check_ins.append(known)
            status = 201
        else:
            status = 200
        if double.lose_answers > 0:
            double.lose_answers -= 1
            return Response(status_code=502)
        return JSONResponse(
            {
                "id": known["id"],
                "received_at": known["received_at"],
                "next_due_at": _next_due(),
                "standing": "late" if double.is_old else "well",
                **({"is_old": True} if double.is_old else {}),
            },
            status,
        )

    async def help_called(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "revoked" if double.is_revoked else "unauthenticated")
        calls = [one for one in double.check_ins if one["want"] == "help"]
        if not calls or double.heard is None:
            return JSONResponse({"call": None})
        call = {key: calls[-1][key] for key in ("id", "received_at")}
        return JSONResponse({"call": call | double.heard})

    async def sync(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "revoked" if double.is_revoked else "unauthenticated")
        body, book = await request.json(), book_of(request)
        answer = book.sync(request.cookies[COOKIE], double.person, body)
        if body["changes"] and book.lose_answers > 0:
            book.lose_answers -= 1
            return Response(status_code=502)
        return JSONResponse(answer | {"epoch": double.epoch})

    async def project(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "revoked" if double.is_revoked else "unauthenticated")
        revision = request.query_params.get("revision")
        return JSONResponse(book_of(request).project(int(revision) if revision else None))

    async def templates(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "revoked" if double.is_revoked else "unauthenticated")
        return JSONResponse({"templates": double.templates})

    async def history(request: Request) -> Response:
        after = int(request.query_params.get("after", 0))
        book = book_of(request)
        return JSONResponse(book.history(after, int(request.query_params["limit"])))

    async def wall(request: Request) -> Response:
        child = request.path_params["child"]
        for _ in range(400):
            if child not in double.slow_walls:
                break
            await asyncio.sleep(0.02)
        thing = {"id": "1", "text": f"A goal of {child}", "note": "", "on": True, "says": ""}
        group = {"title": "Goals", "things": [thing | {"may_change": True}], "more": ""}
        return JSONResponse({"groups": [group], "names": "first", "may_choose": True})

    async def dues(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "revoked" if double.is_revoked else "unauthenticated")
        return JSONResponse({"dues": book_of(request).dues})

    async def reasons(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "revoked" if double.is_revoked else "unauthenticated")
        if not double.may_read_reasons:
            return _problem(404, "not_found")
        return JSONResponse({"reasons": double.own_talks if double.is_child else double.reasons})

    async def project_live(request: Request) -> Response:
        # Plain polling: a test's server in a thread of its own has no other way to hear of it.
        book = book_of(request)

        async def events() -> AsyncIterator[str]:
            known = len(book.rows)
            yield ": here\n\n"
            while not double.is_over:
                await asyncio.sleep(0.05)
                if len(book.rows) != known:
                    known = len(book.rows)
                    yield "event: project\ndata: 1\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    async def children(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "unauthenticated")
        roles = [double.book.role_of(double.person)]
        names = [(MIA, "Mia Castellane"), *((id_, "Noor") for id_ in double.more_books)]
        known = [{"id": id_, "name": name, "roles": roles} for id_, name in names]
        return JSONResponse({"children": known})

    async def devices(request: Request) -> Response:
        now = _z(datetime.now(UTC))
        names = [("Android", True), ("iPhone", False)]
        return JSONResponse(
            {
                "devices": [
                    {
                        "id": f"0000000{n}-0000-4000-8000-000000000009",
                        "label": name,
                        "paired_at": now,
                        "last_seen_at": now,
                        "current": is_current,
                    }
                    for n, (name, is_current) in enumerate(names)
                ]
            }
        )

    async def codes(request: Request) -> Response:
        until = _z(datetime.now(UTC) + timedelta(minutes=15))
        link = f"{double.url}/app/#pair=KLMNPQRS"
        return JSONResponse({"code": "KLMNPQRS", "link": link, "expires_at": until}, 201)

    async def looks(request: Request) -> Response:
        now = _z(datetime.now(UTC) - timedelta(hours=3))
        who = {"id": double.person, "name": "Tom Verhoeven", "role": "caseworker"}
        look = {"id": "7", "at": now, "who": who, "what": "Your check-ins", "why": None}
        found = [{**look, "code": "look:history:see"}]
        if double.glass:
            found.append({**look, "id": "8", "code": "look:glass:pack", "why": double.glass})
        return JSONResponse({"looks": found})

    def sums(rhythm: dict[str, Any]) -> list[dict[str, str | None]]:
        day = datetime.now(UTC).replace(minute=0, second=0) + timedelta(days=1)
        late = timedelta(hours=1, minutes=45)
        found: list[dict[str, str | None]] = []
        for at in rhythm["at"]:
            due = day.replace(hour=int(at[:2]))
            begin = rhythm.get("from", {}).get(at)
            from_at = _z(day.replace(hour=int(begin[:2]))) if begin else None
            told = {"told_by": _z(due + late), "is_told": double.tells}
            found.append({"due_at": _z(due), **told, "from_at": from_at})
        return found

    async def rhythm(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "revoked" if double.is_revoked else "unauthenticated")
        if not double.is_child:
            return _problem(404, "not_found")
        if request.method == "GET":
            stands = {"rhythm": double.rhythm, "zone": "Europe/Paris", "version": "1"}
            known = {
                "sums": sums(double.rhythm),
                "seasons": double.seasons,
                "proposals": double.proposals,
            }
            return JSONResponse(stands | known)
        said = await request.json()
        made = {
            **said,
            "by": {"id": double.person, "name": "Mia Castellane"},
            "made_at": _z(datetime.now(UTC)),
            "state": "open",
            "decided_at": None,
            "decided_by": None,
            "answer": None,
            "sums": sums(said["rhythm"]),
        }
        if double.is_too_seldom:
            return _problem(422, "too_slow")
        if said["id"] not in [one["id"] for one in double.proposals]:
            double.proposals.insert(0, made)
        return JSONResponse(made, 201)

    async def take_back(request: Request) -> Response:
        known = {one["id"]: one for one in double.proposals}
        one = known.get(request.path_params["id"])
        if one is None:
            return _problem(404, "not_found")
        if one["state"] not in ("open", "recalled"):
            return _problem(409, "decided")
        one["state"] = "recalled"
        return JSONResponse(one)

    async def milestones(request: Request) -> Response:
        return JSONResponse({"milestones": double.ahead})

    async def advocates(_request: Request) -> Response:
        return JSONResponse({"advocates": double.advocates, "asked_at": double.advocate_asked_at})

    async def advocate_wish(request: Request) -> Response:
        double.advocate_asked_at = _z(datetime.now(UTC)) if request.method == "POST" else None
        return await advocates(request) if request.method == "POST" else Response(status_code=204)

    async def advocate(request: Request) -> Response:
        of_it = [one for one in double.advocates if one["id"] == request.path_params["id"]]
        if not of_it:
            return _problem(404, "not_found")
        if request.method == "PATCH":
            of_it[0].update(await request.json())
            return await advocates(request)
        double.advocates.remove(of_it[0])
        return Response(status_code=204)

    async def trusted(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "unauthenticated")
        if request.method == "GET":
            return JSONResponse({"trusted": double.trusted})
        said = await request.json()
        made = {**said, "named_at": _z(datetime.now(UTC)), "state": "named", "why": None}
        if said["id"] not in [one["id"] for one in double.trusted]:
            double.trusted.append(made)
        return JSONResponse(made, 201)

    async def absences(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "revoked" if double.is_revoked else "unauthenticated")
        if request.method == "GET":
            agreed = [one["agreed"] for one in double.absences if one["state"] == "agreed"]
            return JSONResponse({"requests": double.absences, "agreed": agreed})
        said = await request.json()
        none = dict.fromkeys(("decided_at", "decided_by", "answer", "agreed"))
        made = {**said, "made_at": _z(datetime.now(UTC)), "state": "waiting", **none}
        if said["id"] not in [one["id"] for one in double.absences]:
            double.absences.insert(0, made)
        return JSONResponse(made, 201)

    async def back(request: Request) -> Response:
        known = {one["id"]: one for one in double.absences}
        one = known.get(request.path_params["id"])
        if one is None:
            return _problem(404, "not_found")
        one["state"] = "recalled" if one["state"] == "waiting" else "back"
        return JSONResponse(one)

    async def witnesses(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "unauthenticated")
        return JSONResponse({"witnesses": double.witnesses})

    async def not_trusted(request: Request) -> Response:
        gone = request.path_params["id"]
        double.trusted = [one for one in double.trusted if one["id"] != gone]
        return Response(status_code=204)

    async def why(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "unauthenticated")
        return JSONResponse({"stories": double.stories, "next": None})

    async def talk_read(request: Request) -> Response:
        known = [{"message": id_, "read": by} for id_, by in double.read.items()]
        return JSONResponse({"messages": known})

    async def record_questions(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "unauthenticated")
        if request.method == "POST":
            said = await request.json()
            now = datetime.now(UTC)
            made = {
                **said,
                "asked_at": _z(now),
                "answer_by": _z(now + timedelta(days=3)),
                "answer": None,
                "answered_at": None,
                "answered_by": None,
            }
            if said["id"] not in [one["id"] for one in double.asked]:
                double.asked.insert(0, made)
            return JSONResponse(made, 201)
        to = [
            {"to": "caseworker", "names": ["Tom Verhoeven"]},
            {"to": "supervisor", "names": ["Ines Quintanar"]},
        ]
        return JSONResponse({"questions": double.asked, "to": to, "next": None})

    async def own_pack(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "unauthenticated")
        if request.method == "PUT":
            said = await request.json()
            # What is left out stays, as on the server.
            fields = {**double.own["fields"], **said["fields"]}
            fields = {name: text for name, text in fields.items() if text}
            if fields != double.own["fields"]:
                if said["base"] != double.own["version"]:
                    return _problem(409, "changed")
                version = double.own["version"] + 1
                double.own = {"version": version, "fields": fields}
            if double.loses_own:
                return _problem(503, "unavailable")
        return JSONResponse(double.own)

    async def shared(request: Request) -> Response:
        if not is_in(request):
            return _problem(401, "unauthenticated")
        said = await request.json()
        double.shared.append({**said, "question": request.path_params["id"]})
        double.question = None
        return Response(status_code=204)

    async def forgot(request: Request) -> Response:
        double.forgotten.append(request.path_params["id"])
        double.answered_late = None
        now = _z(datetime.now(UTC))
        return JSONResponse({"id": request.path_params["id"], "due_at": now, "forgot_at": now})

    async def snooze(request: Request) -> Response:
        said = await request.json()
        double.snoozes.append(said)
        until = _z(datetime.now(UTC) + timedelta(minutes=said["minutes"]))
        if double.open_round:
            double.open_round = {**double.open_round, "until": until}
        return JSONResponse({"id": said.get("id", MIA), "until": until}, 201)

    async def hours(request: Request) -> Response:
        wanted = await request.json() if request.method != "GET" else double.school
        if request.method == "PUT":
            double.school = wanted
        known = {
            "zone": "Europe/Paris",
            "quiet": {"from": "22:00:00", "until": "07:00:00"},
            **wanted,
            "waits": double.waits,
            "in_school": double.in_school if wanted["days"] else [],
        }
        return JSONResponse(known)

    async def look(request: Request) -> Response:
        said = await request.json()
        if double.is_too_seldom:
            return JSONResponse({"sums": [], "problem": "Said by the double."})
        return JSONResponse({"sums": sums(said["rhythm"]), "problem": None})

    async def subscriptions(request: Request) -> Response:
        if request.method == "POST":
            double.subscriptions.append(await request.json())
            return JSONResponse({"id": double.subscriptions[-1]["id"]}, 201)
        health = "healthy" if double.tried and double.is_reached else "stale"
        listed = [one | {"health": health} for one in double.subscriptions]
        return JSONResponse({"push_subscriptions": listed})

    async def try_out(request: Request) -> Response:
        double.tried.append(request.path_params["id"])
        if double.is_reached:
            double.reminders = "healthy"
        return Response(status_code=204)

    async def shown(request: Request) -> Response:
        if double.is_cafe:
            return Response("<h1>Welcome to our Wi-Fi</h1>", media_type="text/html")
        double.shown.append(await request.json())
        return Response(status_code=204)

    async def receipts(request: Request) -> Response:
        double.receipts.append((await request.json())["message"])
        return Response(status_code=204)

    async def nothing(request: Request) -> Response:
        return Response(status_code=204)

    async def manifest(request: Request) -> Response:
        icons = [
            {"src": f"/app/icons/{name}-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"}
            | ({"purpose": "maskable"} if name == "maskable" else {})
            for name in ("planner", "maskable")
            for size in (192, 512)
        ]
        return JSONResponse(
            {
                "id": "/app/",
                "name": "Planner",
                "short_name": "Planner",
                "start_url": "/app/",
                "scope": "/app/",
                "display": "standalone",
                "background_color": "#FBF8F3",
                "theme_color": "#FBF8F3",
                "icons": icons,
            },
            media_type="application/manifest+json",
        )

    async def app(request: Request) -> Response:
        found = double.files.get(request.url.path) or double.files["/app/"]
        return found.answer(request.headers)

    class Watch:
        """Writes down what was asked, sets the policy, and can be a café's network."""

        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await self.app(scope, receive, send)
                return
            request = Request(scope, receive)
            body = await request.body()
            double.requests.append((request.method, request.url.path, body))
            sent = False

            async def again() -> Any:
                nonlocal sent
                if sent:
                    return await receive()
                sent = True
                return {"type": "http.request", "body": body, "more_body": False}

            kind, size = "", 0

            async def with_policy(message: Any) -> None:
                nonlocal kind, size
                if message["type"] == "http.response.start":
                    headers = [
                        (b"content-security-policy", POLICY.encode()),
                        (b"x-content-type-options", b"nosniff"),
                        (b"referrer-policy", b"no-referrer"),
                    ]
                    message["headers"] = [*message["headers"], *headers]
                    kind = dict(message["headers"]).get(b"content-type", b"").decode()
                    size = sum(len(name) + len(value) + 4 for name, value in message["headers"])
                else:
                    size += len(message.get("body", b""))
                await send(message)

            if double.is_cafe and request.url.path.startswith("/api/"):
                page = Response("<h1>Welcome to our café</h1>", media_type="text/html")
                await page(scope, again, with_policy)
            else:
                await self.app(scope, again, with_policy)
            double.wire.append((kind, request.url.path, size))

    return Starlette(
        middleware=[Middleware(Watch)],
        routes=[
            Route("/api/v1/pair", pair, methods=["POST"]),
            Route("/api/v1/me", me, methods=["GET", "PATCH"]),
            Route("/api/v1/me/seen", nothing, methods=["POST"]),
            Route("/api/v1/me/help", help_called),
            Route("/api/v1/me/hours", hours, methods=["GET", "PUT"]),
            Route("/api/v1/me/hours/preview", hours, methods=["POST"]),
            Route("/api/v1/snoozes", snooze, methods=["POST"]),
            Route("/api/v1/push-snoozes", snooze, methods=["POST"]),
            Route("/api/v1/me/devices", devices),
            Route("/api/v1/me/devices/{id}", nothing, methods=["DELETE"]),
            Route("/api/v1/me/codes", codes, methods=["POST"]),
            Route("/api/v1/check-ins", check_ins, methods=["GET", "POST"]),
            Route("/api/v1/looks", looks),
            Route("/api/v1/rhythm/proposals", rhythm, methods=["GET", "POST"]),
            Route("/api/v1/me/rounds/{id}/forgot", forgot, methods=["POST"]),
            Route("/api/v1/me/questions/{id}", shared, methods=["POST"]),
            Route("/api/v1/absences", absences, methods=["GET", "POST"]),
            Route("/api/v1/absences/{id}", back, methods=["DELETE"]),
            Route("/api/v1/advocates", advocates, methods=["GET"]),
            Route("/api/v1/advocates/{id}", advocate, methods=["PATCH", "DELETE"]),
            Route("/api/v1/advocate-wish", advocate_wish, methods=["POST", "DELETE"]),
            Route("/api/v1/trusted", trusted, methods=["GET", "POST"]),
            Route("/api/v1/witnesses", witnesses, methods=["GET"]),
            Route("/api/v1/why", why),
            Route("/api/v1/talk/read", talk_read),
            Route("/api/v1/children/{child}/talk/read", nothing, methods=["POST"]),
            Route("/api/v1/record-questions", record_questions, methods=["GET", "POST"]),
            Route("/api/v1/children/{child}/pack", own_pack, methods=["GET", "PUT"]),
            Route("/api/v1/trusted/{id}", not_trusted, methods=["DELETE"]),
            Route("/api/v1/rhythm/preview", look, methods=["POST"]),
            Route("/api/v1/rhythm/proposals/{id}", take_back, methods=["DELETE"]),
            Route("/api/v1/milestones", milestones),
            Route("/api/v1/sync", sync, methods=["POST"]),
            Route("/api/v1/project", project),
            Route("/api/v1/project/live", project_live),
            Route("/api/v1/project/templates", templates),
            Route("/api/v1/children", children),
            Route("/api/v1/children/{child}/sync", sync, methods=["POST"]),
            Route("/api/v1/children/{child}/project", project),
            Route("/api/v1/children/{child}/project/live", project_live),
            Route("/api/v1/children/{child}/project/templates", templates),
            Route("/api/v1/project/history", history),
            Route("/api/v1/children/{child}/project/history", history),
            Route("/api/v1/children/{child}/dues", dues),
            Route("/api/v1/children/{child}/project/wall", wall),
            Route("/api/v1/children/{child}/return-reasons", reasons),
            Route("/api/v1/sessions", nothing, methods=["DELETE"]),
            Route("/api/v1/push-subscriptions", subscriptions, methods=["GET", "POST"]),
            Route("/api/v1/push-subscriptions/{id}/test", try_out, methods=["POST"]),
            Route("/api/v1/receipts", shown, methods=["POST"]),
            Route("/api/v1/push-receipts", receipts, methods=["POST"]),
            Route("/app/manifest.webmanifest", manifest),
            Route("/app/{rest:path}", app),
        ],
    )


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """Serves an application on a free port of this machine until the block ends; its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(500):
        if server.started:
            break
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(5)


@contextmanager
def serving(double: Double) -> Iterator[Double]:
    """Serves the double until the block ends."""
    with listening(application(double)) as url:
        double.url = url
        try:
            yield double
        finally:
            double.is_over = True
