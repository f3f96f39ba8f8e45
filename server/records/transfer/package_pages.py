"""What went along with a child to another agency, to read, to print and to save."""

from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.i18n import NAMES, gettext
from server.missing.profile.fields import FIELDS
from server.people.access import now_of
from server.people.rules import Role
from server.people.words import ROLES
from server.plan.words import AREAS
from server.policy.model import Tier
from server.policy.roll_call import Word
from server.records.transfer import package
from server.records.transfer.access import (
    look_at_package,
    named,
    transfer_for,
)
from server.records.transfer.words import clock, withheld_in_words
from server.roll_calls.words import WORDS
from server.storage.db import as_moment
from server.tasks.rules import Kind as DueKind
from server.watch.rhythm.rules import read
from server.watch.rhythm.wording import rhythm_in_words
from server.watch.wording import TIERS, when
from server.web.rendering import language_of, page, zone_of


async def the_package(request: Request) -> Response:
    """What went along, to read and to print. It is a look, which the child can read."""
    transfer, side = await transfer_for(request)
    await look_at_package(request, transfer, side)
    assert transfer.package is not None
    assert transfer.manifest is not None
    language, now, zone = language_of(request), now_of(request), zone_of(request)
    document = msgspec.json.decode(transfer.package)
    assert transfer.decided_at is not None
    context = {
        "transfer": transfer,
        "path": f"/desk/transfers/{transfer.id}",
        "names": await named(transfer),
        "document": document,
        "language_name": NAMES.get(document["child"]["language"], ""),
        "goals": _goals(document["project"], language),
        "home_words": _home_words(document, language),
        "pack": _pack(document["pack"], language),
        "plan": document["safety_plan"],
        "tier": _tier(document["safety_plan"], language),
        "times": _times(document["safety_plan"], language),
        "clocks": [
            clock(due["kind"], as_moment(due["due_at"]), language)
            for due in document["clocks"]["dues"]
            if due["kind"] != DueKind.TRANSFER
        ],
        "withheld": withheld_in_words(document["withheld"], language),
        "people": [
            (person["name"], gettext(language, ROLES[Role(person["role"])]))
            for person in document["people"]
        ],
        "is_whole": package.is_whole(transfer),
        "sha": transfer.manifest["sha256"],
        "shown": lambda at: when(language, at, zone, now),
        "now": now,
    }
    return page(request, "records/transfer/package.html", context)


async def as_file(request: Request) -> Response:
    """The document, byte for byte, to save elsewhere. It is a look as well."""
    transfer, side = await transfer_for(request)
    await look_at_package(request, transfer, side)
    assert transfer.package is not None
    # The file name identifies no person, and no cache on the way keeps a copy.
    headers = {
        "content-disposition": 'attachment; filename="package.json"',
        "cache-control": "no-store",
    }
    return Response(transfer.package, media_type="application/json", headers=headers)


def _tier(plan: dict[str, Any] | None, language: str) -> str:
    return gettext(language, TIERS[Tier(plan["tier"])][0]) if plan else ""


def _times(plan: dict[str, Any] | None, language: str) -> str:
    """When the child was asked; empty for a trainer's times in seconds."""
    rhythm = (plan or {}).get("rhythm") or {}
    return rhythm_in_words(read(rhythm), language) if "at" in rhythm else ""


def _goals(project: dict[str, Any] | None, language: str) -> list[tuple[str, str, list[str]]]:
    """Each goal: of which part of life, in which person's words, and its open steps."""
    goals = []
    for area in (project or {}).get("areas", []):
        kind = AREAS.get(area["kind"])
        name = area["name"] or (gettext(language, kind) if kind else "")
        for goal in area["goals"]:
            words = goal["child_words"] or goal["worker_words"] or ""
            steps = [step["text"] or "" for step in goal["steps"] if step["status"] != "done"]
            goals.append((name, words, [text for text in steps if text]))
    return goals


def _home_words(document: dict[str, Any], language: str) -> list[tuple[str, datetime, str, str]]:
    """What homes said; a document of an earlier release has none of it."""
    return [
        (
            gettext(language, WORDS[Word(once["word"])]),
            as_moment(once["said_at"]),
            once["by"],
            once["home"],
        )
        for once in document.get("home_words", [])
    ]


def _pack(pack: dict[str, Any] | None, language: str) -> list[tuple[str, str]]:
    fields: dict[str, str] = (pack or {}).get("fields", {})
    return [
        (gettext(language, FIELDS[name].label), text)
        for name, text in fields.items()
        if name in FIELDS and text
    ]


_PACKAGE = "/desk/transfers/{transfer_id:uuid}/package"

routes = [
    Route(_PACKAGE, the_package, methods=["GET"]),
    Route(f"{_PACKAGE}.json", as_file, methods=["GET"]),
]
