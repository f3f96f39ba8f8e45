"""The grab pack in its current version, with what is on record elsewhere and what is known at the
time. Reads rows, and writes none."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.alerts.models import Alert
from server.clock import known_zone
from server.i18n import N_, format_moment, gettext
from server.inbound.models import Texting
from server.missing.profile import rules
from server.missing.profile.actions import Version, current, version_of
from server.missing.profile.fields import AT_THE_TIME, CHILD_SAYS, HOME_SAYS, Part
from server.missing.profile.from_search import Search, search_of
from server.missing.profile.home.words import Home as HomeWords
from server.missing.profile.models import GrabPack, PackCheck, PackPhoto
from server.missing.profile.rules import Copy, Shows
from server.missing.profile.wire import (
    AtTheTimeOut,
    EventOut,
    HomeFieldOut,
    PackOut,
    PhotoOut,
    PointOut,
    RecordOut,
    SightingOut,
    TrustedOut,
    VersionOut,
    WhoOut,
)
from server.missing.search.models import Episode
from server.people.models import Agency, Child, Home, Person, Tie
from server.people.rules import Role
from server.roll_calls.said import last_words
from server.roll_calls.words import WORDS
from server.storage.db import as_moment
from server.tasks.models import Task
from server.tasks.rules import Kind as DueKind
from server.tasks.rules import State as DueState
from server.watch import evidence
from server.watch.models import Sighting
from server.watch.trusted.models import Trusted

MOST_VERSIONS = 200
MOST_SIGHTINGS = 5
MOST_WORDS = 3  # Of homes, at roll calls.


class Reader(msgspec.Struct, frozen=True):
    """The language and the clock of a reader."""

    language: str
    zone: ZoneInfo
    lasts: bool = False  # On paper, which people also read on another day.


async def open_since(child_id: UUID) -> datetime | None:
    """Since when adults are alerted about this child, or look for them; None: they are not."""
    alerts = Alert.filter(child_id=child_id, closed_at__isnull=True)
    episodes = Episode.filter(child_id=child_id, found_at__isnull=True)
    opened = [
        *await alerts.values_list("opened_at", flat=True),
        *await episodes.values_list("opened_at", flat=True),
    ]
    return min((as_moment(at) for at in opened), default=None)


async def whole(child: Child, copy: Copy, reader: Reader, now: datetime) -> PackOut:
    """All of it, or what this copy has of it."""
    if copy is Copy.HOME:
        return await part(child, HOME_SAYS)
    stands = await current(child.id)
    pack = await _frame(child, stands, names=None)
    pack.fields = rules.for_copy(stands.fields, copy)
    pack.lacking = [*rules.lacking(stands.fields)]
    pack.photos = await photos_of(child, now)
    pack.record = await record_of(child, copy, now)
    pack.now = await at_the_time(child, copy, reader, now)
    if copy is Copy.PARTNER:
        pack.versions, pack.lacking, pack.home = [], [], []
    return pack


async def part(child: Child, names: Collection[str]) -> PackOut:
    """The fields with these names, and the versions of the pack without the others. The child, and
    who reads their words, see of each version that it was made; a carer only those of the home."""
    stands = await current(child.id)
    pack = await _frame(child, stands, names=names)
    pack.fields = rules.only(stands.fields, names)
    if not set(CHILD_SAYS) & set(names):
        pack.versions = [version for version in pack.versions if version.changed]
        pack.made_at = max((each.at for each in pack.home), default=None)
        pack.verified_at = pack.verified_by = pack.due_at = None
    return pack


async def written(child: Child, stands: Version) -> PackOut:
    """The current version, for a writer who has opened it, without what is on record elsewhere."""
    pack = await _frame(child, stands, names=None)
    pack.fields = dict(stands.fields)
    return pack


async def _frame(child: Child, stands: Version, *, names: Collection[str] | None) -> PackOut:
    seen = await PackCheck.filter(child_id=child.id).order_by("-at", "-id").first()
    due = await Task.get_or_none(kind=DueKind.PACK, subject_id=child.id, state=DueState.OPEN)
    versions = await versions_of(child.id)
    home = {n: each for n, each in stands.home.items() if names is None or n in names}
    wanted = {version.made_by for version in versions if version.made_by}
    wanted |= {each.by for each in home.values()} | ({seen.by_id} if seen else set())
    people = await persons_of(wanted)
    return PackOut(
        version=stands.number,
        verified_at=seen.at if seen else None,
        verified_by=_who(people, seen.by_id, seen.by_role) if seen else None,
        due_at=due.due_at if due else None,
        made_at=stands.made_at,
        fields={},
        home=_home(home, people),
        versions=_versions(versions, people, names),
        lacking=[],
        photos=[],
        record=None,
        now=None,
    )


def _home(home: HomeWords, people: Mapping[UUID, Person]) -> list[HomeFieldOut]:
    return [
        HomeFieldOut(name, _who(people, each.by, each.role), each.at) for name, each in home.items()
    ]


async def home_of(stands: Version) -> list[HomeFieldOut]:
    """Who said each field of the home in this version, and when."""
    return _home(stands.home, await persons_of({each.by for each in stands.home.values()}))


async def versions_of(child_id: UUID) -> list[Version]:
    """The versions, the newest first."""
    rows = GrabPack.filter(child_id=child_id, part=Part.BEFORE.value).order_by("-version")
    homes = GrabPack.filter(child_id=child_id, part=Part.HOME.value).order_by("-version")
    # What the home had said before the oldest version that is shown counts as well.
    home_rows = await homes.limit(MOST_VERSIONS + 1)
    return [
        version_of(row, next((home for home in home_rows if home.version <= row.version), None))
        for row in await rows.limit(MOST_VERSIONS)
    ]


def with_changes(versions: Sequence[Version]) -> list[tuple[Version, Version, tuple[str, ...]]]:
    """Each version with the one before it, and the fields that it changed."""
    befores = [*versions, Version()][1:]
    return [
        (version, before, rules.differences(before.fields, version.fields))
        for version, before in zip(versions, befores, strict=True)
    ]


def _versions(
    versions: Sequence[Version], people: Mapping[UUID, Person], names: Collection[str] | None
) -> list[VersionOut]:
    return [
        VersionOut(
            version.number,
            version.made_at,
            _who(people, version.made_by, version.made_role),
            [name for name in changed if names is None or name in names],
        )
        for version, _, changed in with_changes(versions)
        if version.made_at is not None
    ]


async def persons_of(ids: Collection[UUID]) -> dict[UUID, Person]:
    """These people, by their ids."""
    return {person.id: person for person in await Person.filter(id__in=list(ids))} if ids else {}


def _who(people: Mapping[UUID, Person], id_: UUID | None, role: str) -> WhoOut | None:
    person = people.get(id_) if id_ is not None else None
    return WhoOut(person.id, person.name, role) if person is not None else None


# --- what is on record elsewhere


async def record_of(child: Child, copy: Copy, now: datetime) -> RecordOut:
    """As of now. A copy for partners leaves out where the child lives and when they were born."""
    person = await Person.get(id=child.id)
    agency = await Agency.get(id=child.agency_id)
    zone, born = known_zone(person.zone), child.birthday
    is_police = copy is Copy.POLICE
    home = await Home.get_or_none(id=child.home_id) if child.home_id and is_police else None
    texting = await Texting.get_or_none(child_id=child.id, ended_at__isnull=True)
    return RecordOut(
        name=person.name,
        born_on=born if is_police else None,
        age=rules.age_on(born, now.astimezone(zone).date()),
        language=person.language,
        home=home.name if home else None,
        placed_at=child.placed_at,
        agency=agency.name,
        help_phone=agency.help_phone,
        texts_from=texting.number if texting and is_police else None,
        trusted=await _trusted(child.id) if is_police else [],
        people=await _tied(child.id, copy, now),
    )


async def _trusted(child_id: UUID) -> list[TrustedOut]:
    rows = await Trusted.filter(child_id=child_id, state="yes").order_by("named_at")
    return [TrustedOut(row.name, row.reach) for row in rows]


_CALLED_BY_PARTNERS = frozenset({Role.CASEWORKER, Role.SUPERVISOR})
_ORDER = (Role.CASEWORKER, Role.SUPERVISOR, Role.GUARDIAN, Role.CARER)


async def _tied(child_id: UUID, copy: Copy, now: datetime) -> list[WhoOut]:
    ties = Tie.filter(Tie.standing_at(now), child_id=child_id).prefetch_related("person")
    people = [
        WhoOut(tie.person_id, tie.person.name, tie.role.value)
        for tie in await ties
        # Who speaks for the child is the child's to tell.
        if (copy is Copy.POLICE and tie.role is not Role.ADVOCATE)
        or tie.role in _CALLED_BY_PARTNERS
    ]
    return sorted(people, key=lambda person: (_ORDER.index(Role(person.role)), person.name))


async def photos_of(child: Child, now: datetime) -> list[PhotoOut]:
    """The photos that are there, the newest first."""
    rows = await (
        PackPhoto.filter(child_id=child.id, removed_at__isnull=True)
        .order_by("-added_at", "-id")
        .only("id", "shows", "taken_on", "added_at")
    )
    today = await _today_of(child, now)
    return [_photo(child, row, today) for row in rows]


async def photo_of(child: Child, row: PackPhoto, now: datetime) -> PhotoOut:
    """The details of one photo."""
    return _photo(child, row, await _today_of(child, now))


async def _today_of(child: Child, now: datetime) -> date:
    return now.astimezone(known_zone((await Person.get(id=child.id)).zone)).date()


def _photo(child: Child, row: PackPhoto, today: date) -> PhotoOut:
    return PhotoOut(
        id=row.id,
        shows=row.shows,
        taken_on=row.taken_on,
        days_old=max((today - row.taken_on).days, 0) if row.taken_on is not None else None,
        is_old=rules.is_old(row.taken_on, today),
        added_at=row.added_at,
        path=f"/api/v1/children/{child.id}/pack/photos/{row.id}",
    )


async def picture_for_paper(child_id: UUID) -> PackPhoto | None:
    """The photo for the page: the newest face, else any photo there is."""
    rows = await (
        PackPhoto.filter(child_id=child_id, removed_at__isnull=True)
        .order_by("-added_at", "-id")
        .only("id", "shows", "taken_on")
    )
    photos = [rules.Photo(Shows(row.shows), row.taken_on) for row in rows]
    place = rules.best(photos, Shows.FACE)
    if place is None:
        place = rules.best(photos, Shows.WHOLE)
    return None if place is None else await PackPhoto.get(id=rows[place].id)


# --- at the time


async def at_the_time(
    child: Child, copy: Copy, reader: Reader, now: datetime
) -> AtTheTimeOut | None:
    """What is known of the present events; None while no alert is open."""
    since = await open_since(child.id)
    if since is None:
        return None
    stands = await since_then(child.id, since)
    facts = (await evidence.of([child.id], now)).get(child.id)
    says, points = _evidence(facts if copy is Copy.POLICE else None, reader, now)
    fields = rules.for_copy(stands.fields, copy)
    search = await search_of(child.id, reader.language, reader.zone)
    clothes = fields.get("clothing", "") or (search.clothes if search else "")
    for_all = AtTheTimeOut(
        since=since,
        missing_since=(search.last_seen_at or search.since) if search else None,
        last=search.last if search else None,
        clothes=clothes,
        last_sign=None,
        says=says,
        points=points,
        sightings=[],
        last_seen="",
        tried=[],
        version=stands.number,
        fields=fields,
        unknown=[],
        events=[],
    )
    if copy is Copy.PARTNER:
        return for_all
    return await _for_police(for_all, child, search, stands, reader)


async def _for_police(
    for_all: AtTheTimeOut,
    child: Child,
    search: Search | None,
    stands: Version,
    reader: Reader,
) -> AtTheTimeOut:
    points = [*for_all.points, *await _said_at_home(child.id, for_all.since, reader)]
    lacks = rules.lacking(stands.fields, AT_THE_TIME)
    return msgspec.structs.replace(
        for_all,
        last_sign=_last_sign(search, for_all.points, reader.language),
        points=[*points, *(search.signs if search else [])],
        sightings=await _sightings(child.id),
        last_seen=search.last_seen if search else "",
        tried=search.tried if search else [],
        unknown=[name for name in lacks if search is None or name not in search.answers],
        events=[EventOut(event.at, event.title) for event in search.events] if search else [],
    )


def _evidence(
    facts: evidence.Facts | None, reader: Reader, now: datetime
) -> tuple[str, list[PointOut]]:
    """The silence in one sentence and point by point."""
    if facts is None:
        return "", []
    language, zone = reader.language, reader.zone
    says = evidence.sentence(facts, language, zone, now, lasts=reader.lasts)
    points = evidence.points(facts, language, zone, now, lasts=reader.lasts)
    return says, [PointOut(point.label, point.text) for point in points]


async def _said_at_home(child_id: UUID, since: datetime, reader: Reader) -> list[PointOut]:
    """The last words of the home, from a day before the events: who said them, and when."""
    language, label = reader.language, gettext(reader.language, N_("Said at the home"))
    words = await last_words(child_id, MOST_WORDS)
    return [
        PointOut(
            label,
            gettext(language, N_(", ")).join(
                [
                    gettext(language, WORDS[once.word]),
                    format_moment(language, once.said_at, reader.zone),
                    once.by,
                    once.home,
                ]
            ),
        )
        for once in reversed(words)
        if once.said_at >= since - timedelta(days=1)
    ]


def _last_sign(search: Search | None, points: Sequence[PointOut], language: str) -> PointOut | None:
    """What the missing child said last; else where they were last seen; else their last answer."""
    if search is not None and search.signs:
        return search.signs[-1]
    if search is not None and search.last_seen:
        return PointOut(gettext(language, N_("Last seen")), search.last_seen)
    labels = [gettext(language, N_("Last answer")), gettext(language, N_("Signs of life"))]
    return next((point for point in points if point.label in labels), None)


async def since_then(child_id: UUID, since: datetime) -> Version:
    """The answers to the questions at the time. Those from an earlier time no longer count, but the
    version numbers go on."""
    stands = await current(child_id, Part.NOW)
    if stands.made_at is None or stands.made_at >= since:
        return stands
    return Version(stands.number)


async def _sightings(child_id: UUID) -> list[SightingOut]:
    rows = await Sighting.filter(child_id=child_id).order_by("-at").limit(MOST_SIGHTINGS)
    people = await persons_of({row.by_id for row in rows})
    return [
        SightingOut(
            row.seen_at, row.answer, _who(people, row.by_id, row.by_role), row.place, row.words
        )
        for row in rows
    ]
