"""The shelf of the person on duty: which grab packs they have, and which they could take.

Reads rows, and writes none. Of a pack that is sealed to them it says only that there is one.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Literal
from uuid import UUID

import msgspec

from server.alerts.models import Alert
from server.clock import known_zone
from server.missing.profile.checkouts import held_by
from server.missing.profile.fields import Part
from server.missing.profile.models import GrabPack, PackCarry
from server.missing.profile.reading import Reader, whole
from server.missing.profile.rules import Copy
from server.missing.profile.wire import OnShelfOut, PackOut, PageOut, ShelfPhotoOut
from server.missing.search.models import Episode
from server.people.access import Visitor
from server.people.models import Agency, Child, Person
from server.storage.db import as_id, as_moment


class _Shelf(msgspec.Struct, frozen=True):
    """What is the same for all entries: who reads, until when, and the rows of all children."""

    visitor: Visitor
    agency: Agency
    until: datetime
    versions: Mapping[UUID, int]
    alerted: Mapping[UUID, datetime]
    held: Sequence[PackCarry]


async def shelf(
    visitor: Visitor, children: Collection[UUID], until: datetime, now: datetime
) -> list[OnShelfOut]:
    """The children of these who have a pack, or who an open alert is about. First those whose
    pack this session has, then those it may take, then those that need a reason."""
    facts = _Shelf(
        visitor,
        await Agency.get(id=visitor.agency_id),
        until,
        versions=await _versions(children),
        alerted=await _alerted(children),
        held=await held_by(visitor, now),
    )
    held = {checkout.child_id for checkout in facts.held}
    of_interest = {*facts.versions, *facts.alerted, *held}
    wanted = [id_ for id_ in children if id_ in of_interest]
    people = {person.id: person for person in await Person.filter(id__in=wanted)}
    rows = {child.id: child for child in await Child.filter(id__in=wanted)}
    entries = [await _entry(rows[id_], people[id_].name, facts, now) for id_ in wanted]
    return sorted(
        entries, key=lambda entry: (_ORDER.index(entry.state), entry.name, entry.child_id)
    )


State = Literal["carried", "open", "sealed"]
_ORDER: tuple[State, ...] = ("carried", "open", "sealed")


async def _entry(child: Child, name: str, facts: _Shelf, now: datetime) -> OnShelfOut:
    state = _state(child.id, facts)
    entry = OnShelfOut(
        child_id=child.id,
        name=name,
        state=state,
        version=facts.versions.get(child.id, 0),
        alerted_since=facts.alerted.get(child.id),
        until_at=facts.until if state == "carried" else None,
        sha=None,
        photo=None,
        pages=[],
        path=f"/api/v1/children/{child.id}/pack",
    )
    if state == "carried":
        reader = Reader(facts.agency.language, known_zone(facts.agency.zone))
        shown = await whole(child, Copy.POLICE, reader, now)
        entry.sha = digest(shown)
        entry.photo = _photo(shown)
        entry.pages = [
            PageOut(code, f"{entry.path}.pdf?language={code}", f"{entry.path}.txt?language={code}")
            # The local police read the language of the agency.
            for code in dict.fromkeys((facts.agency.language, facts.visitor.language))
        ]
    return entry


def _state(child_id: UUID, facts: _Shelf) -> State:
    mine = [checkout for checkout in facts.held if checkout.child_id == child_id]
    is_open = child_id in facts.alerted
    if any(
        checkout.why is not None or is_open
        for checkout in mine
        if checkout.session_id == facts.visitor.session_id
    ):
        return "carried"
    return "open" if is_open or any(checkout.why is not None for checkout in mine) else "sealed"


def digest(shown: PackOut) -> str:
    """Changes when anything changes except the time that has passed."""
    told = msgspec.to_builtins(shown)
    if told["now"] is not None:
        told["now"] |= {"says": "", "points": []}
    return sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def _photo(shown: PackOut) -> ShelfPhotoOut | None:
    if not shown.photos:
        return None
    newest = shown.photos[0]
    return ShelfPhotoOut(newest.taken_on, newest.is_old)


async def of_concern(visitor: Visitor, now: datetime) -> set[UUID]:
    """The children whose pack this person has taken, or who an open alert is about."""
    alerts = Alert.filter(agency_id=visitor.agency_id, closed_at__isnull=True)
    episodes = Episode.filter(agency_id=visitor.agency_id, found_at__isnull=True)
    child_ids = {checkout.child_id for checkout in await held_by(visitor, now)}
    for rows in (alerts, episodes):
        child_ids |= {as_id(id_) for id_ in await rows.values_list("child_id", flat=True)}
    return child_ids


async def _versions(children: Collection[UUID]) -> dict[UUID, int]:
    rows = GrabPack.filter(child_id__in=list(children), part=Part.BEFORE.value).order_by("version")
    return {as_id(id_): number for id_, number in await rows.values_list("child_id", "version")}


async def _alerted(children: Collection[UUID]) -> dict[UUID, datetime]:
    """Since when adults are alerted about each of these children, or look for them."""
    alerts = Alert.filter(child_id__in=list(children), closed_at__isnull=True)
    episodes = Episode.filter(child_id__in=list(children), found_at__isnull=True)
    since_by_child: dict[UUID, datetime] = {}
    for rows in (alerts, episodes):
        for id_, at in await rows.values_list("child_id", "opened_at"):
            since = as_moment(at)
            since_by_child[as_id(id_)] = min(since, since_by_child.get(as_id(id_), since))
    return since_by_child
