"""What the picture and its table say about each person, and where a reader acts on it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.desk.circle.reading import Circle
from server.desk.circle.rules import Absence, Around, Doubt, Place
from server.desk.ladder import initials
from server.i18n import N_, format_list, gettext
from server.people.access import Roles
from server.people.rules import Action, AgencyAction, Role, may, may_agency
from server.people.words import ROLES
from server.rota.view import leave_path
from server.watch.wording import when

PLACES: Mapping[Place, str] = {
    Place.CASEWORKER: ROLES[Role.CASEWORKER],
    Place.HOME: N_("home"),
    Place.CARER: ROLES[Role.CARER],
    Place.TRUSTED: N_("named by the child"),
    Place.DEPUTY: N_("deputy"),
    Place.COVER: N_("covers for a colleague"),
    Place.ON_DUTY: N_("on duty"),
    Place.SUPERVISOR: ROLES[Role.SUPERVISOR],
    Place.GUARDIAN: ROLES[Role.GUARDIAN],
    Place.ADVOCATE: ROLES[Role.ADVOCATE],
    Place.SCHOOL: N_("school"),
    Place.CLUB: N_("club"),
    Place.MENTOR: N_("mentor"),
    Place.LAWYER: N_("lawyer"),
    Place.OTHER: N_("another person"),
    Place.CALLED: N_("called about the alert"),
}
# In the picture, where there is room for two words.
_SHORT: Mapping[Doubt, str] = {
    Doubt.NO_ADDRESS: N_("No address"),
    Doubt.UNSEEN: N_("Sees no messages"),
    Doubt.UNASKED: N_("Not decided"),
    Doubt.NO_NUMBER: N_("No number"),
}
_WHOLE: Mapping[Doubt, str] = {
    Doubt.NO_ADDRESS: N_("No address is confirmed, so we may not reach them."),
    Doubt.UNSEEN: N_("Their phone shows none of our messages."),
    Doubt.UNASKED: N_("Nobody has decided yet whether we ask them."),
    Doubt.NO_NUMBER: N_("No number yet. An administrator can add it under “Homes”."),
}
_DRAWN: Mapping[Place, str] = {Place.HOME: "home", Place.SCHOOL: "school"}
_TIED = frozenset({Place.CASEWORKER, Place.SUPERVISOR})


class Way(msgspec.Struct, frozen=True):
    """A link, and the words on it."""

    path: str
    words: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table. `face`: initials, or empty with an `icon`. `role` is what they are
    first, `roles` all of it. `short`, `whole`: what is wrong now, empty where nothing is; `mark` is
    its drawing. `go`: where the picture leads."""

    key: str
    name: str
    face: str
    icon: str
    role: str
    roles: str
    turn: int | None
    short: str
    whole: str
    mark: str
    way: Way | None
    mend: Way | None
    go: Way | None


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Who reads: their roles for the child and their role in the agency."""

    id: UUID
    roles: Roles
    role: Role
    language: str
    zone: ZoneInfo
    now: datetime


def entry_of(person: Around, circle: Circle, child_path: str, reader: Reader) -> Entry:
    """One person, home or school as the page shows it."""
    language = reader.language
    places = [gettext(language, PLACES[place]) for place in person.places]
    is_named = bool(person.name)
    way, mend = _way(person, circle, child_path, reader), _mend(person, child_path, reader)
    return Entry(
        key=f"{person.places[0]}-{person.id}",
        name=person.name if is_named else gettext(language, N_("School")),
        face="" if person.places[0] in _DRAWN else initials(person.name),
        icon=_DRAWN.get(person.places[0], ""),
        role=places[0] if is_named else "",
        roles=format_list(language, places) if is_named else "",
        turn=person.turn,
        short=_short(person, language),
        whole=_whole(person, circle, reader),
        mark=_mark(person),
        way=way if mend is None or way is None or way.path != mend.path else None,
        mend=mend,
        # In an alert one calls; what is wrong with an address is mended after it.
        go=way if circle.alert_id is not None else mend or way,
    )


def _short(person: Around, language: str) -> str:
    if person.absence is not None:
        return gettext(language, N_("Away"))
    if person.doubt is not None:
        return gettext(language, _SHORT[person.doubt])
    return gettext(language, N_("Called")) if person.is_called else ""


def _mark(person: Around) -> str:
    if person.absence is not None:
        return "away"
    if person.doubt is not None:
        return "warn"
    return "bell" if person.is_called else ""


def _whole(person: Around, circle: Circle, reader: Reader) -> str:
    language = reader.language
    sentences = []
    if person.absence is not None:
        sentences.append(_away(person.absence, circle, reader))
    if person.doubt is not None:
        sentences.append(gettext(language, _WHOLE[person.doubt]))
    if person.is_called and Place.CALLED not in person.places:
        sentences.append(gettext(language, N_("We have called them about the open alert.")))
    return " ".join(sentences)


def _away(absence: Absence, circle: Circle, reader: Reader) -> str:
    until = when(reader.language, absence.until, reader.zone, reader.now)
    cover = circle.names.get(absence.cover) if absence.cover is not None else None
    if cover is None:
        return gettext(reader.language, N_("Away until {time}. Nobody covers."), time=until)
    return gettext(reader.language, N_("Away until {time}. {name} covers."), time=until, name=cover)


def _way(person: Around, circle: Circle, path: str, reader: Reader) -> Way | None:
    """Where a reader acts: in an alert the numbers to call, else the page about this person."""
    place, roles, say = person.places[0], reader.roles, _saying(reader)
    if person.is_witness:
        return Way(f"/desk/witnesses/{person.id}", say(N_("Open")))
    callable_ = {Place.HOME, Place.CARER, Place.SCHOOL} & {*person.places}
    if callable_ and circle.alert_id is not None and may(roles, Action.ALERT_ACKNOWLEDGE):
        return Way(f"/desk/alerts/{circle.alert_id}/numbers#call", say(N_("Call")))
    if person.id == reader.id:
        return Way("/desk/settings", say(N_("Settings")))
    pages = {
        Place.HOME: (f"{path}/home", Action.PLACEMENT_CHANGE, N_("Change")),
        Place.SCHOOL: (f"{path}/school", Action.RHYTHM_AGREE, N_("School hours")),
        Place.TRUSTED: (f"{path}/trusted", Action.TRUSTED_DECIDE, N_("Change")),
        Place.ADVOCATE: (f"{path}/advocate", Action.ADVOCATE_INVITE, N_("Open")),
        Place.CALLED: (f"/desk/alerts/{circle.alert_id}", Action.ALERT_SEE, N_("Open the alert")),
        Place.GUARDIAN: (f"{path}/ties", Action.TIES_SEE, N_("Assignment")),
        Place.CARER: (f"{path}/ties", Action.TIES_SEE, N_("Assignment")),
    }
    if place in pages:
        where, right, words = pages[place]
        return Way(where, say(words)) if may(roles, right) else None
    if _TIED & {*person.places} and may(roles, Action.FLAG):
        return Way(f"{path}/flags?to={person.id}", say(N_("Add a flag")))
    if may_agency(reader.role, AgencyAction.ROTA_SEE):
        return Way("/desk/rota", say(N_("Rota")))
    return None


def _mend(person: Around, path: str, reader: Reader) -> Way | None:
    """Where a reader mends what is wrong with reaching this person."""
    say = _saying(reader)
    if person.doubt is Doubt.UNASKED:
        return Way(f"{path}/trusted", say(N_("Decide")))
    if person.doubt in (Doubt.NO_ADDRESS, Doubt.UNSEEN):
        if person.id == reader.id:
            return Way("/desk/settings", say(N_("Confirm an address")))
        if _TIED & {*person.places} and may(reader.roles, Action.FLAG):
            return Way(
                f"{path}/flags?to={person.id}&about=address", say(N_("Ask them to confirm one"))
            )
        is_assigned = person.places[0] in {Place.CARER, Place.GUARDIAN}
        if is_assigned and may(reader.roles, Action.TIES_CHANGE):
            return Way(f"{path}/ties", say(N_("Assign another person")))
        return None
    if person.absence is None or person.absence.cover is not None:
        return None
    if may_agency(reader.role, AgencyAction.ROTA_PLAN):
        return Way(leave_path(person.id, None, person.absence.until), say(N_("Choose a cover")))
    return None


def _saying(reader: Reader) -> Callable[[str], str]:
    return partial(gettext, reader.language)
