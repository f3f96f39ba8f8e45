"""What one agency gives another with a child: only what the receiving agency needs to begin, as one
JSON document with a signed manifest.

Everything else about the child (their check-ins, the return interview, notes) is in their rows,
which the other agency has from that moment. Both sides keep the document to read and to check: it
is what was to go along, as it was then.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from server.alerts.models import Alert
from server.clock import known_zone
from server.missing.profile.reading import Reader, whole
from server.missing.profile.rules import Copy
from server.missing.search.models import Episode
from server.people.models import Agency, Child, Person, Tie
from server.plan import view
from server.plan.changes.batch import people_of
from server.plan.models import LifeProject
from server.records.transfer.models import Transfer
from server.roll_calls.said import last_words
from server.security import encryption
from server.security.encryption import Unreadable
from server.tasks.actions import open_tasks
from server.tasks.rules import Kind, is_told
from server.watch.models import Pause, Watch
from server.watch.rhythm.models import Season
from server.watch.trusted.contacts import LIVE
from server.watch.trusted.models import Trusted

FORMAT, VERSION = "waymark-transfer", 1
# What the manifest is signed for.
TRANSFER = "transfer"
PARTS = (
    "child",
    "project",
    "safety_plan",
    "home_words",
    "pack",
    "clocks",
    "withheld",
    "people",
)
# What homes said at roll calls goes along for so many words.
MOST_WORDS = 100

Part = dict[str, Any] | list[Any] | None


async def build(transfer: Transfer, child: Child, now: datetime) -> str:
    """The document in the form in which we keep it."""
    parts: dict[str, Part] = {
        "child": await _about(child),
        "project": await _project(child, now),
        "safety_plan": await _safety_plan(child, now),
        "home_words": await _home_words(child),
        "pack": await _pack(child, now),
        "clocks": await _clocks(child),
        "withheld": list(transfer.withheld),
        "people": await _people(child, now),
    }
    head = {
        "format": FORMAT,
        "version": VERSION,
        "transfer_id": transfer.id,
        "made_at": now,
        "from": (await Agency.get(id=transfer.agency_id)).name,
        "to": (await Agency.get(id=transfer.to_agency_id)).name,
        "why": transfer.why,
        "child_says": transfer.child_says,
    }
    return msgspec.json.format(msgspec.json.encode({**head, **parts}), indent=1).decode()


def manifest_of(transfer: Transfer, document: str, now: datetime) -> dict[str, Any]:
    """What the document must match: SHA-256 of all of it, and of each part as compact JSON."""
    parts: Mapping[str, Any] = msgspec.json.decode(document)
    return {
        "format": FORMAT,
        "version": VERSION,
        "transfer_id": str(transfer.id),
        "from_agency_id": str(transfer.agency_id),
        "to_agency_id": str(transfer.to_agency_id),
        "child_id": str(transfer.child_id),
        "accepted_at": now.isoformat(),
        "bytes": len(document.encode()),
        "sha256": _sum(document.encode()),
        "parts": {name: _sum(msgspec.json.encode(parts[name])) for name in PARTS},
    }


def sign(manifest: Mapping[str, Any]) -> str:
    """A token that proves that we made this manifest."""
    return encryption.sign(_digest(manifest), TRANSFER)


def is_whole(transfer: Transfer) -> bool:
    """Whether this document matches the manifest, and the manifest is ours."""
    if transfer.package is None or transfer.manifest is None or transfer.signature is None:
        return False
    try:
        signed = encryption.unsign(transfer.signature, TRANSFER)
    except Unreadable:
        return False
    is_ours = signed == _digest(transfer.manifest)
    return is_ours and transfer.manifest["sha256"] == _sum(transfer.package.encode())


def _digest(manifest: Mapping[str, Any]) -> str:
    # Sorted by name: a database may return the fields of a document in another order.
    return _sum(msgspec.json.encode(manifest, order="deterministic"))


def _sum(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


# --- its parts


async def _about(child: Child) -> Part:
    person = await Person.get(id=child.id)
    return {
        "id": child.id,
        "name": person.name,
        "born_on": child.birthday,
        "reference": child.reference,
        "language": person.language,
        "zone": person.zone,
        "placed_at": child.placed_at,
        "left_at": child.left_at,
    }


async def _project(child: Child, now: datetime) -> Part:
    """The project as its caseworker reads it: what belongs to another person alone does not go
    along."""
    stored = await LifeProject.get_or_none(child_id=child.id)
    if stored is None or stored.shown is None:
        return None
    shown = view.for_reader(stored.shown, "", frozenset({"caseworker"}))
    agency = await Agency.get(id=child.agency_id)
    return view.named(shown, await people_of(child, agency, now))


async def _safety_plan(child: Child, now: datetime) -> Part:
    """What keeps the child safe by agreement: how often we ask them, when not, and the adults they
    trust. The sign that was agreed with them is a secret, and stays in its sealed row."""
    watch = await Watch.get_or_none(child_id=child.id)
    if watch is None:
        return None
    absences = Pause.filter(child_id=child.id, until_at__gt=now, ended_at__isnull=True)
    seasons = Season.filter(child_id=child.id, until_at__gt=now, ended_at__isnull=True)
    trusted = Trusted.filter(child_id=child.id, state__in=LIVE)
    return {
        "tier": watch.tier,
        "tier_until_at": watch.tier_until_at,
        "tier_then": watch.tier_then,
        "zone": watch.zone,
        "rhythm": watch.rhythm,
        "is_missing": watch.is_missing,
        "has_sign": watch.listens,
        "absences": [
            {
                "from_at": absence.from_at,
                "until_at": absence.until_at,
                "reason": absence.reason,
                "words": absence.words,
            }
            for absence in await absences.order_by("from_at", "id")
        ],
        "other_times": [
            {"from_at": season.from_at, "until_at": season.until_at, "rhythm": season.rhythm}
            for season in await seasons.order_by("from_at", "id")
        ],
        "trusted": [
            {"name": adult.name, "reach": adult.reach, "state": adult.state}
            for adult in await trusted.order_by("id")
        ],
    }


async def _home_words(child: Child) -> Part:
    """The last of what homes said of the child at roll calls, the latest first."""
    return [
        {
            "word": once.word.value,
            "said_at": once.said_at,
            "until_at": once.until_at,
            "by": once.by,
            "home": once.home,
        }
        for once in await last_words(child.id, MOST_WORDS)
    ]


async def _pack(child: Child, now: datetime) -> Part:
    person = await Person.get(id=child.id)
    reader = Reader(person.language, known_zone(person.zone))
    pack: Part = msgspec.to_builtins(await whole(child, Copy.POLICE, reader, now))
    return pack


async def _clocks(child: Child) -> Part:
    """The open clocks with their due times: none of them begins anew."""
    alerts = Alert.filter(child_id=child.id, closed_at__isnull=True)
    episodes = Episode.filter(child_id=child.id, followed_up_at__isnull=True)
    return {
        "dues": [
            {"kind": due.kind, "owner_role": due.owner_role, "due_at": due.due_at}
            for due in await open_tasks(child.id)
            if is_told(Kind(due.kind), due.owner_role)
        ],
        # Of a sealed concern, only that there is one.
        "alerts": [
            {"id": alert.id, "cause": alert.cause, "tier": alert.tier, "opened_at": alert.opened_at}
            for alert in await alerts.order_by("opened_at", "id")
        ],
        "episodes": [
            {
                "id": episode.id,
                "stage": episode.stage,
                "opened_at": episode.opened_at,
                "reported_at": episode.reported_at,
                "found_at": episode.found_at,
            }
            for episode in await episodes.order_by("opened_at", "id")
        ],
    }


async def _people(child: Child, now: datetime) -> Part:
    """The people around the child, who do not go along: the receiving agency invites them."""
    held = await Tie.filter(Tie.standing_at(now), child_id=child.id).order_by("from_at", "id")
    names = {person.id: person.name for person in await Person.filter(id__in=_ids(held))}
    return [{"name": names[tie.person_id], "role": tie.role.value} for tie in held]


def _ids(ties: list[Tie]) -> list[UUID]:
    return [tie.person_id for tie in ties]
