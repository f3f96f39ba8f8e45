"""What may belong together, where the reader may see all of it. Reads rows, and writes none."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from server.clock import known_zone
from server.missing.profile.marks import Same
from server.missing.search.models import Episode
from server.missing.search.rules import WITHIN
from server.missing.search.together.reading import homes_of
from server.people.access import Roles
from server.people.agencies.at import belonging
from server.people.models import Child, Home, Person
from server.people.rules import Action, Role, may
from server.reports import patterns
from server.reports.patterns import Asked, Cluster, Held, Hours, Often, OnShift, Shared, Time
from server.reports.quality import KEPT, MISSED
from server.rota.calendar import Shift, duty_shifts_between
from server.rota.duty import rotas_of
from server.storage.db import as_id, fetch
from server.watch.models import Round, Watch


@dataclass(frozen=True, slots=True)
class Patterns:
    """All links to look at, with the names that they need."""

    often: Sequence[Often]
    shared: Sequence[Shared]
    homes: Sequence[Cluster]
    hours: Sequence[Hours]
    shifts: Sequence[OnShift]
    names: Mapping[UUID, str]


async def patterns_of(
    agency_id: UUID, seen: Mapping[UUID, Roles], now: datetime, *, about: UUID | None = None
) -> Patterns:
    """The links for a reader with these roles for these children; `about`: of one of them alone.

    A reader sees a link if they work with every child in it. Homes, hours and shifts are counted
    for supervisors, among the children that they see, and from the time in which the agency had
    them.
    """
    works = {id_ for id_, roles in seen.items() if may(roles, Action.EPISODE_WORK)}
    often = patterns.often(await _times(works, now), now)
    shared = patterns.shared(await common(agency_id, works))
    if about is not None:
        often = [repeat for repeat in often if repeat.child_id == about]
        shared = [pair for pair in shared if about in (pair.one, pair.other)]
        homes: list[Cluster] = []
        hours: list[Hours] = []
        shifts: list[OnShift] = []
    else:
        theirs = {id_ for id_, roles in seen.items() if Role.SUPERVISOR in roles}
        was = await belonging(theirs)
        times = [
            time
            for time in await _times(theirs, now)
            if was.agency_at(time.child_id, time.at) == agency_id
        ]
        asked = [
            check_in
            for check_in in await _asked(theirs, now)
            if was.agency_at(check_in.child_id, check_in.at) == agency_id
        ]
        homes = patterns.by_home(times, await _living(theirs), now)
        hours = patterns.by_hours(times, now)
        shifts = patterns.by_shift(asked, await _shifts(agency_id, now))
    names = await _names(often, shared, homes, shifts)
    return Patterns(often, shared, homes, hours, shifts, names)


async def _times(children: Collection[UUID], now: datetime) -> list[Time]:
    since = now - max(patterns.COUNTED, WITHIN)
    held = Episode.filter(child_id__in=list(children), opened_at__gt=since)
    episodes = await held.order_by("opened_at", "id")
    homes = await homes_of(episodes)
    watches = Watch.filter(child_id__in=list({episode.child_id for episode in episodes}))
    zones = {child: zone for child, zone in await watches.values_list("child_id", "zone")}
    return [
        Time(
            episode.child_id,
            episode.opened_at,
            homes[episode.id],
            known_zone(zones.get(episode.child_id, "UTC")),
        )
        for episode in episodes
    ]


async def _asked(children: Collection[UUID], now: datetime) -> list[Asked]:
    """The check-ins of these children that were answered in time or missed."""
    watches = Watch.filter(child_id__in=list(children))
    zones = {id_: known_zone(zone) for id_, zone in await watches.values_list("child_id", "zone")}
    rows = await Round.filter(
        child_id__in=list(zones),
        due_at__gt=now - patterns.COUNTED,
        late_at__lte=now,
        state__in=(*MISSED, *KEPT),
    ).values_list("child_id", "due_at", "state")
    return [Asked(id_, at, zones[id_], state in MISSED) for id_, at, state in rows]


async def _shifts(agency_id: UUID, now: datetime) -> list[Shift]:
    since = now - patterns.COUNTED
    return duty_shifts_between((await rotas_of([agency_id], since, now))[agency_id], since, now)


async def _living(children: Collection[UUID]) -> dict[UUID, UUID | None]:
    held = Child.filter(id__in=list(children), left_at__isnull=True)
    return {id_: home_id for id_, home_id in await held.values_list("id", "home_id")}


async def _names(
    often: Sequence[Often],
    shared: Sequence[Shared],
    homes: Sequence[Cluster],
    shifts: Sequence[OnShift],
) -> dict[UUID, str]:
    named = {repeat.child_id for repeat in often} | {shift.person_id for shift in shifts}
    named |= {id_ for pair in shared for id_ in (pair.one, pair.other)}
    people = await Person.filter(id__in=list(named))
    places = await Home.filter(id__in=[cluster.home_id for cluster in homes])
    return {person.id: person.name for person in people} | {
        place.id: place.name for place in places
    }


_COMMON = """
SELECT child_id, field, what, mark FROM pack_mark
WHERE agency_id = $1 AND what <> 'version' AND mark IN (
    SELECT mark FROM pack_mark WHERE agency_id = $1 AND what <> 'version'
    GROUP BY mark HAVING COUNT(DISTINCT child_id) > 1
)
"""


async def common(agency_id: UUID, children: Collection[UUID]) -> list[Held]:
    """What several packs of an agency have in common, among these children."""
    rows = await fetch(_COMMON, [agency_id])
    held = (
        Held(as_id(row["child_id"]), Same(row["what"]), row["field"], row["mark"]) for row in rows
    )
    return [entry for entry in held if entry.child_id in children]
