"""Writing the grab pack: versions, reviews, the reasons for opening it, and its due dates."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from tortoise.queryset import QuerySet

from server.audit.actions import Actor, note
from server.audit.repeats import first_made
from server.clock import known_zone
from server.errors import Conflict, Denied
from server.i18n import N_
from server.missing.profile import mark_actions, rules
from server.missing.profile.fields import AT_THE_TIME, FIELDS, HOME_SAYS, Part
from server.missing.profile.home import words
from server.missing.profile.home.words import Home
from server.missing.profile.models import GrabPack, PackCheck, PackOpening
from server.missing.search.actions import EntryRequest, enter
from server.missing.search.entry_kinds import Act
from server.people.events import Happening
from server.people.models import Child, Person
from server.people.rules import Action, Role, may
from server.people.ties import lock_children
from server.security import encryption
from server.storage.db import write
from server.storage.ids import uuid7
from server.tasks.actions import settle_and_set
from server.tasks.models import Task
from server.tasks.rules import Ending, Setting, end_of
from server.tasks.rules import Kind as DueKind
from server.tasks.rules import State as DueState
from server.web.live import announce

# How the record names what a reader looked at. During an alert the child is told only of a look at
# their page: a stranger may have the child's phone, and must not learn of the alert.
LOOK_ALERTED, LOOK_WITH_REASON = "look:pack:open", "look:glass:pack"

_CHANGED = N_("Someone else changed the pack in the meantime. Compare both versions, then save.")
# After these events the pack may no longer be true.
_MATTERS = frozenset(
    {
        Happening.TRANSFER,
        Happening.RETURN,
        Happening.NEW_WORKER,
        Happening.BIRTHDAY,
        Happening.NEW_PHONE,
    }
)


class Version(msgspec.Struct, frozen=True):
    """One part of a pack in a version. Number 0: nothing has been written yet. `home`: where the
    fields of the home come from."""

    number: int = 0
    fields: Mapping[str, str] = msgspec.field(default_factory=dict)
    made_by: UUID | None = None
    made_role: str = ""
    made_at: datetime | None = None
    home: Home = msgspec.field(default_factory=dict)


async def current(child_id: UUID, part: Part = Part.BEFORE) -> Version:
    """The current version of this part."""
    return await _newest(GrabPack.filter(child_id=child_id, part=part.value))


async def at_version(child_id: UUID, number: int) -> Version:
    """The version with this number; one without anything where there is none."""
    return await _newest(GrabPack.filter(child_id=child_id, part=Part.BEFORE.value, version=number))


async def _newest(rows: QuerySet[GrabPack]) -> Version:
    row = await rows.order_by("-version").first()
    if row is None:
        return Version()
    homes = GrabPack.filter(child_id=row.child_id, part=Part.HOME.value)
    home = homes.filter(version__lte=row.version).order_by("-version").first()
    return version_of(row, await home if row.part == Part.BEFORE else None)


def version_of(row: GrabPack, home: GrabPack | None) -> Version:
    """The version of a row, with the last words of the home by then."""
    by_field = words.read(home.said if home is not None else {})
    texts = {**row.said, **{name: each.text for name, each in by_field.items()}}
    fields = {name: texts[name] for name in FIELDS if name in texts}
    return Version(row.version, fields, row.made_by, row.made_role, row.made_at, by_field)


async def put(
    actor: Actor,
    child: Child,
    roles: Collection[Role],
    *,
    base: int,
    given: Mapping[str, Any],
    now: datetime,
) -> Version:
    """Write the next version; the writer saw version `base`. A child writes only their own words, a
    carer only what the home knows.

    What is left out stays as it is, and no adult changes the child's words. The same content again
    is the same version. Raises Refused and NotAllowed, which name a field, and Conflict `changed`
    with both versions where another writer was faster.
    """
    is_staff = may(frozenset(roles), Action.PACK_CHANGE)
    writes = rules.written_by(frozenset(roles))
    fields = rules.read(given, writes)
    async with write():
        await lock_children([child.id])
        stands = await current(child.id)
        seen = await at_version(child.id, base)
        if is_staff:
            wanted = rules.by_adults(stands.fields, seen.fields, given, fields)
        else:
            wanted = rules.changed(stands.fields, given, fields)
        if wanted == stands.fields:
            if not given and base != stands.number:
                raise _conflict(base, fields, stands)
            return stands
        # The child and the carer could not see what others wrote into the rest since.
        is_seen = rules.only(seen.fields, writes) == rules.only(stands.fields, writes)
        if base != stands.number and (is_staff or not is_seen):
            raise _conflict(base, fields, stands)
        made = await _add(actor, child, Part.BEFORE, stands, wanted, now)
        await _follow(actor, child, frozenset(roles), made.number, now)
        return made


async def _follow(
    actor: Actor, child: Child, roles: frozenset[Role], number: int, now: datetime
) -> None:
    """What the next version means for the reviews."""
    if may(roles, Action.PACK_SAY):
        # The child changed who to call first: their caseworker looks through the rest with them.
        await _look_today(actor, child, now)
    elif number == 1 and may(roles, Action.PACK_CHANGE):
        # The writer of a first version has seen all of it. A later change is no review.
        await _checked(actor, child, 1, uuid7(), now)
    elif number == 1:
        # A pack that the home began: nobody has checked the rest.
        await _look_today(actor, child, now)


async def put_now(
    actor: Actor,
    child: Child,
    since: datetime,
    *,
    base: int,
    given: Mapping[str, Any],
    now: datetime,
) -> Version:
    """The same for the questions at the time, which began at `since`. Answers from an earlier time
    no longer count, but the version numbers go on."""
    fields = rules.read(given, AT_THE_TIME)
    async with write():
        await lock_children([child.id])
        stands = await current(child.id, Part.NOW)
        if stands.made_at is not None and stands.made_at < since:
            stands = Version(stands.number)
        if fields == stands.fields:
            return stands
        if base != stands.number:
            raise _conflict(base, fields, stands)
        return await _add(actor, child, Part.NOW, stands, fields, now)


def _conflict(base: int, given_fields: Mapping[str, str], stands: Version) -> Conflict:
    content = {
        "current": {"version": stands.number, "fields": dict(stands.fields)},
        "yours": {"base": base, "fields": dict(given_fields)},
    }
    return Conflict(_CHANGED, code="changed", version=stands.number, content=content)


def conflict_for(fault: Conflict, readable: Collection[str]) -> Conflict:
    """The same fault for a writer who may read these fields: with both versions, as far as that."""
    if not readable or not fault.content:
        return fault
    current, yours = fault.content["current"], fault.content["yours"]
    fields = rules.only(current["fields"], readable)
    return fault.shown({"current": {**current, "fields": fields}, "yours": yours})


async def _add(
    actor: Actor,
    child: Child,
    part: Part,
    before: Version,
    fields: Mapping[str, str],
    now: datetime,
) -> Version:
    assert actor.id is not None
    rest = {name: text for name, text in fields.items() if name not in HOME_SAYS}
    row = await _add_row(actor, child, part, before.number + 1, rest, now)
    home = words.next_words(before.home, fields, actor.id, actor.role, now)
    if part is Part.BEFORE:
        if home != before.home:
            await _add_row(actor, child, Part.HOME, row.version, words.as_row(home), now)
        await mark_actions.put(child, row.version, fields)
    await note(
        actor,
        "pack:write",
        child_id=child.id,
        about=("pack", row.id),
        names=rules.differences(before.fields, fields),
        agency_id=child.agency_id,
        now=now,
    )
    await announce(child.agency_id, "watch")
    return Version(row.version, fields, row.made_by, row.made_role, row.made_at, home)


async def _add_row(
    actor: Actor, child: Child, part: Part, version: int, texts: dict[str, Any], now: datetime
) -> GrabPack:
    assert actor.id is not None
    return await GrabPack.create(
        agency_id=child.agency_id,
        child_id=child.id,
        part=part.value,
        version=version,
        said=texts,
        made_by=actor.id,
        made_role=actor.role,
        made_at=now,
    )


# --- reviews


async def check(actor: Actor, child: Child, *, version: int, id: UUID, now: datetime) -> None:
    """Record that the caller has looked through this version with the child, and it is right.

    Recording it twice counts once. Raises Conflict where another version is current by now,
    IdReused.
    """
    async with write():
        await lock_children([child.id])
        existing = await first_made(PackCheck, id, version, child_id=child.id, by_id=actor.id)
        if existing is None:
            stands = await current(child.id)
            if version != stands.number or version == 0:
                raise _conflict(version, {}, stands)
            await _checked(actor, child, version, id, now)
    # The first request may have stopped before this step: a repeated one does it.
    await _follow_return(actor, child, id, existing.at if existing is not None else now, now)


async def _follow_return(
    actor: Actor, child: Child, check_id: UUID, checked_at: datetime, now: datetime
) -> None:
    """After a return, one of its clocks waits for this review, and the timeline shows it. In a
    transaction of its own, since an episode takes its locks in another order."""
    waits = Task.filter(child_id=child.id, kind=DueKind.PACK_UPDATE, state=DueState.OPEN)
    due = await waits.filter(set_at__lte=checked_at).first()
    if due is not None:
        await enter(
            actor,
            due.subject_id,
            EntryRequest(uuid5(check_id, "pack_update"), Act.PACK_UPDATE),
            now,
        )


async def _checked(actor: Actor, child: Child, version: int, id_: UUID, now: datetime) -> None:
    assert actor.id is not None
    await PackCheck.create(
        id=id_,
        agency_id=child.agency_id,
        child_id=child.id,
        version=version,
        by_id=actor.id,
        by_role=actor.role,
        at=now,
    )
    about = ("pack", id_)
    await note(
        actor, "pack:check", child_id=child.id, about=about, agency_id=child.agency_id, now=now
    )
    held = await Task.filter(kind=DueKind.PACK, subject_id=child.id, state=DueState.OPEN)
    endings = [(due, Ending(DueState.DONE, "done", actor.id)) for due in held]
    setting = await _setting(child, now + rules.REVIEW_EVERY)
    await settle_and_set(actor, child, endings, [setting], now)


async def _setting(child: Child, at: datetime) -> Setting:
    zone = known_zone((await Person.get(id=child.id)).zone)
    return Setting(
        kind=DueKind.PACK,
        subject_id=child.id,
        owner_id=None,
        owner_role=Role.CASEWORKER.value,
        due_at=end_of(at.astimezone(zone).date(), zone),
        zone=zone.key,
    )


async def heard(
    actor: Actor,
    child_id: UUID,
    what: Happening,
    now: datetime,
    *,
    about: UUID | None,
    at: datetime,
) -> None:
    """After such an event the pack is due for review today, in the transaction of the event. An
    earlier due date stays."""
    del about, at
    if what not in _MATTERS or not await GrabPack.filter(child_id=child_id).exists():
        return
    # After a search, a clock of the return already asks to update the pack.
    of_return = Task.filter(child_id=child_id, kind=DueKind.PACK_UPDATE, state=DueState.OPEN)
    if not await of_return.exists():
        await _look_today(actor, await Child.get(id=child_id), now)


async def _look_today(actor: Actor, child: Child, now: datetime) -> None:
    setting = await _setting(child, now)
    held = Task.filter(kind=DueKind.PACK, subject_id=child.id, state=DueState.OPEN)
    if not await held.filter(due_at__lte=setting.due_at).exists():
        await settle_and_set(actor, child, [], [setting], now)


# --- breaking the glass


async def say_why(
    actor: Actor, child: Child, *, session_id: UUID, why: str, id: UUID, now: datetime
) -> PackOpening:
    """Record why the caller opens the sealed pack; the child can read it. Twice counts once."""
    words = rules.reason(why)
    assert actor.id is not None
    async with write():
        whose = {"child_id": child.id, "session_id": session_id}
        existing = await first_made(PackOpening, id, words, **whose)
        if existing is not None:
            return existing
        row = await PackOpening.create(
            id=id,
            agency_id=child.agency_id,
            child_id=child.id,
            person_id=actor.id,
            session_id=session_id,
            why=words,
            at=now,
            until_at=now + rules.OPEN_FOR,
        )
        await look(actor, child, words, now)
    return row


async def look(actor: Actor, child: Child, why: str, now: datetime) -> None:
    """Record one look with a reason, in words that are sealed there."""
    async with write():
        await note(
            actor,
            LOOK_WITH_REASON,
            child_id=child.id,
            why=encryption.seal(why),
            agency_id=child.agency_id,
            now=now,
        )


def may_not_read() -> Denied:
    """What we tell a reader who has given no reason."""
    return Denied(
        N_("The pack is sealed. Give a reason in X-Waymark-Reason. The child can read it."),
        code="reason_needed",
    )
