"""One message to one person about several children who are late in one moment.

Each alert keeps its own row in the outbox, its own ladder and its own answer. The rows of one
person have one id (`together`), by which the worker puts them into one envelope.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace
from tortoise.functions import Count

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.notify.actions import Saying, lock
from server.notify.models import Message
from server.notify.rules import Kind
from server.notify.sending.waking import wake
from server.policy.versions import as_written
from server.storage.db import after_commit, as_id

# An alert due at a moment has climbed this long after it, also where a tick takes its time.
SLACK = timedelta(seconds=3)
# So long the first message to a caseworker waits for others of the same moment, and SLACK to
# everyone else. Those that are opened later go out as another one, under the same id.
HOLD = timedelta(seconds=1)
# Only calls about a silence: what a child asks for, or a child who is missing, is never in a list.
KINDS: tuple[Kind, ...] = (Kind.ALERT, Kind.ALERT_AGAIN, Kind.DECIDE)
# A page lists at most so many children of one message. The board has all of them.
LISTED = 1000
_BUNDLE = UUID("6d0b8f3a-5a0e-4f0c-9d55-0c1f6b1f8f21")


class Coming(msgspec.Struct, frozen=True):
    """About how many more children calls are due in this moment, in a later batch of the tick: by
    caseworker, and by agency for everyone else."""

    people: Mapping[UUID, int] = msgspec.field(default_factory=dict)
    agencies: Mapping[UUID, int] = msgspec.field(default_factory=dict)

    def to(self, saying: Saying) -> int:
        """How many of them this person may be called about."""
        if saying.person_id is not None and saying.person_id in self.people:
            return self.people[saying.person_id]
        return self.agencies.get(saying.agency_id, 0) if saying.agency_id is not None else 0


NONE_COMING = Coming()


def silences(alerts: Sequence[Alert]) -> dict[UUID, bool]:
    """Of these alerts those that may share a message, and whether they share a cause as well."""
    return {
        alert.id: "shared" in alert.facts for alert in alerts if alert.cause == Cause.SILENCE.value
    }


async def bundled(
    sayings: Sequence[Saying], may: Mapping[UUID, bool], coming: Coming, now: datetime
) -> list[Saying]:
    """The same messages; those to one person about enough of these alerts have one id.

    The first of them wait where this person's others are still to be opened, for a few seconds at
    most. The batch that opens the last of them lets them go. In the caller's transaction.
    """
    ours = [saying for saying in sayings if _is_in(saying, may)]
    if not ours:
        return list(sayings)
    here = Counter(_place(saying) for saying in ours)
    after = {_place(saying): coming.to(saying) for saying in ours}
    ids = {place: _id(place, now) for place in here}
    waiting = await _waiting(ids.values(), now)
    await _let_go(waiting & {ids[place] for place in here if not after[place]}, now)
    agencies = {saying.agency_id for saying in ours if saying.agency_id is not None}
    enough = await _enough(agencies, max(here[place] + after[place] for place in here))

    def joined(saying: Saying) -> Saying:
        place = _place(saying)
        is_enough = here[place] + after[place] >= enough.get(saying.agency_id, 2)
        if not (is_enough or may[saying.subject_id] or ids[place] in waiting):
            return saying
        # Only a caseworker's own are counted closely; of an agency there may be thousands.
        hold = HOLD if saying.person_id in coming.people else SLACK
        until = now + hold if after[place] else None
        return replace(saying, together=ids[place], not_before=until)

    return [joined(saying) if _is_in(saying, may) else saying for saying in sayings]


def _is_in(saying: Saying, may: Mapping[UUID, bool]) -> bool:
    return saying.kind in KINDS and saying.subject_id in may


Place = tuple[UUID | str, Kind]


def _place(saying: Saying) -> Place:
    """To which person or last resort it goes, and of which kind it is. The last resort of the
    installation is that of many agencies, and the page of a message lists children of one."""
    to = saying.person_id or saying.resort_id
    return to or f"{saying.agency_id}:{saying.last_resort}", saying.kind


def _id(place: Place, now: datetime) -> UUID:
    to, kind = place
    return uuid5(_BUNDLE, f"{to}:{kind.value}:{now.isoformat()}")


async def _enough(agencies: Collection[UUID], most: int) -> dict[UUID | None, int]:
    """From how many children on each agency wants one message. Nobody is called about two: then it
    is not asked for."""
    if most < 2:
        return dict.fromkeys(agencies, 2)
    return {agency: (await as_written(agency))[0].together.children for agency in agencies}


# --- what waits for the rest of its tick


async def _waiting(ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Under which of these ids a message of an earlier batch waits. There may be thousands under
    one, and each batch asks."""
    held = Message.filter(together__in=list(ids), **_held(now)).distinct()
    return {as_id(id_) for id_ in await held.values_list("together", flat=True)}


async def _let_go(ids: Collection[UUID], now: datetime) -> None:
    """An answer that is withdrawing some of them in this moment keeps them: we wait for nobody."""
    if not ids:
        return
    held = Message.filter(together__in=list(ids), **_held(now))
    waiting = {as_id(id_) for id_ in await held.values_list("id", flat=True)}
    free = await lock(waiting, waits=False)
    ours = Message.filter(id__in=list(free), state="waiting", attempts=0)
    await ours.update(next_action_at=now, ready_at=now)
    after_commit(wake)


def _held(now: datetime) -> dict[str, Any]:
    return {
        "next_action_at__gt": now,
        "next_action_at__lte": now + SLACK,
        "state": "waiting",
        "attempts": 0,
    }


async def still_due(agencies: Collection[UUID], now: datetime) -> Coming:
    """How many alerts of these agencies have still to climb in this moment."""
    due = Alert.filter(
        agency_id__in=list(agencies), next_action_at__lte=now, closed_at__isnull=True
    )
    counts = due.annotate(n=Count("id")).group_by("agency_id").values_list("agency_id", "n")
    return Coming(agencies={as_id(agency_id): n for agency_id, n in await counts})


# --- what one message was about


async def told_as_one(alert_id: UUID, agency_id: UUID, person_id: UUID) -> list[Alert]:
    """The alerts of this agency about which this person was told in one message with this one. A
    person who was not told, as one who reads the mail of the last resort, gets those of everyone
    who was."""
    kinds = [kind.value for kind in KINDS]
    rows = await Message.filter(
        subject_id=alert_id, together__isnull=False, person_id__isnull=False, kind__in=kinds
    ).values_list("person_id", "together")
    own = [row for row in rows if as_id(row[0]) == person_id] or rows
    if not own:
        return []
    beside = Message.filter(
        person_id__in=list({person for person, _ in own}),
        together__in=list({id_ for _, id_ in own}),
        kind__in=kinds,
        subject_kind="alert",
    )
    told = {as_id(id_) for id_ in await beside.values_list("subject_id", flat=True)}
    newest = sorted(told, reverse=True)[:LISTED]
    others = Alert.filter(id__in=newest, agency_id=agency_id)
    return await others.exclude(id=alert_id)
