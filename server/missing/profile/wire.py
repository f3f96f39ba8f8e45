"""The grab pack over the wire, built from the one list of its fields."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from server.missing.profile.fields import FIELDS, PREPARED, Field, Part, names_of

_NUMBER = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


def _schema(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "properties": {name: _of(FIELDS[name]) for name in names},
        "additionalProperties": False,
    }


def _of(field: Field) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string", "maxLength": field.longest, "title": field.label}
    if field.kind == "yes":
        text["enum"] = ["", "yes", "no"]
    return {"anyOf": [text, {"type": "null"}], "description": field.help or field.label}


FieldsIn = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=_schema(PREPARED))]
NowIn = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=_schema(names_of(Part.NOW)))]


class PackRequest(msgspec.Struct):
    """The new pack. `base` is the version that the writer saw; 0 or null: none. What is left out
    stays as it is; what is empty or null is not known any more. A child sends their own words alone
    (`own_…`), a carer what the home knows (`home_…`). From anyone else the child's words are
    refused (`not_allowed`) where they are changed."""

    fields: FieldsIn
    base: _NUMBER | None = None


class NowRequest(msgspec.Struct):
    """What happened, as far as it is known by now."""

    fields: NowIn
    base: _NUMBER | None = None


class CheckRequest(msgspec.Struct):
    """Nothing has changed: the writer looked through this version with the child."""

    id: UUID
    version: _NUMBER


class OpenRequest(msgspec.Struct):
    """Why the reader opens it. For 15 minutes this session may then read it."""

    id: UUID
    why: Annotated[str, msgspec.Meta(max_length=2_000)]


class OpenOut(msgspec.Struct):
    """Until when it is open to this session."""

    until_at: datetime


class CarryRequest(msgspec.Struct):
    """Take it along on duty. `why` is needed once a duty while no alert about the child is open;
    the child can read it."""

    id: UUID
    why: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None


class CarriedOut(msgspec.Struct):
    """Until when it may be on that phone. `is_carried` false: the person has returned it since."""

    id: UUID
    until_at: datetime
    is_carried: bool


class PageOut(msgspec.Struct):
    """Where to fetch the page in a language: as PDF, and as plain text."""

    language: str
    pdf: str
    text: str


class ShelfPhotoOut(msgspec.Struct):
    """The newest photo: when it was taken, and whether the child may look different by now."""

    taken_on: date | None
    is_old: bool


class OnShelfOut(msgspec.Struct):
    """A pack on the shelf. `carried`: with this session, until `until_at`; `open`: it may be taken
    without a reason; `sealed`: it may be taken only with a reason, and nothing of it is shown here.
    `sha` changes when the pack does."""

    child_id: UUID
    name: str
    state: Literal["carried", "open", "sealed"]
    version: int
    alerted_since: datetime | None
    until_at: datetime | None
    sha: str | None
    photo: ShelfPhotoOut | None
    pages: list[PageOut]
    path: str


class ShelfOut(msgspec.Struct):
    """`until_at` null: not on duty, and nothing may be on the phone."""

    until_at: datetime | None
    server_time: datetime
    packs: list[OnShelfOut]


class WhoOut(msgspec.Struct):
    """A person, by name."""

    id: UUID
    name: str
    role: str


class VersionOut(msgspec.Struct):
    """One version: when, who wrote it, and which fields it changed."""

    version: int
    made_at: datetime
    made_by: WhoOut | None
    changed: list[str]


class TrustedOut(msgspec.Struct):
    """An adult that the child trusts and their caseworker has met."""

    name: str
    reach: str


class RecordOut(msgspec.Struct):
    """What is on record elsewhere, as of now: the pack stores no second copy of it."""

    name: str
    born_on: date | None
    age: int | None
    language: str
    home: str | None
    placed_at: datetime
    agency: str
    help_phone: str | None
    texts_from: str | None
    trusted: list[TrustedOut]
    people: list[WhoOut]


class PhotoOut(msgspec.Struct):
    """A photo: a reader who may read the pack fetches it at `path`. `days_old`: since it was taken;
    null where that is unknown. `is_old`: it may no longer show how the child looks."""

    id: UUID
    shows: str
    taken_on: date | None
    days_old: int | None
    is_old: bool
    added_at: datetime
    path: str


class PhotosOut(msgspec.Struct):
    """The photos that are there, the newest first; `room`: how many more may be added."""

    photos: list[PhotoOut]
    room: int


class PointOut(msgspec.Struct):
    """One known fact about the silence."""

    label: str
    text: str


class SightingOut(msgspec.Struct):
    """A person saw the child, or looked and did not."""

    at: datetime
    answer: str
    by: WhoOut | None
    place: str | None
    words: str | None


class EventOut(msgspec.Struct):
    """Something that happened in the search, by its title."""

    at: datetime
    title: str


class LastOut(msgspec.Struct):
    """The last that we know of a missing child; null where we know none. `seen_by_home`: it was the
    home that saw them."""

    heard_at: datetime | None
    seen_at: datetime | None
    seen_by_home: bool
    reported_at: datetime


class AtTheTimeOut(msgspec.Struct):
    """What is known at the time, while an alert or an episode is open. `last_seen` and `tried` are
    those of the episode; `unknown`: names of fields that have no answer yet. `missing_since`: while
    an episode is open, when the child was last seen, else when it was opened. `last`: while one is
    open, when the child was last heard from and last seen, as far as we know, and when they were
    reported missing. `clothes`: what the child wears, as answered here or found out since.
    `last_sign`: the latest sign of life with its words; null in the copy for partners. `events`:
    the last of the search, in no order."""

    since: datetime
    missing_since: datetime | None
    last: LastOut | None
    clothes: str
    last_sign: PointOut | None
    says: str
    points: list[PointOut]
    sightings: list[SightingOut]
    last_seen: str
    tried: list[PointOut]
    version: int
    fields: dict[str, str]
    unknown: list[str]
    events: list[EventOut]


class WrittenOut(msgspec.Struct):
    """What a person has just written in a pack that is sealed to them."""

    version: int
    made_at: datetime | None
    fields: dict[str, str]


class HomeFieldOut(msgspec.Struct):
    """Who said a field of the home, and when."""

    name: str
    by: WhoOut | None
    at: datetime


class PackOut(msgspec.Struct):
    """The grab pack, as much as the reader may see. Version 0: nothing has been written yet.

    The child, and a guardian who may read them, get the child's own words alone, a carer what the
    home knows, and no `record`, `photos` or `now`. `home`: who said each field `home_…`, and when.
    `lacking`: fields that are needed first and have no answer.
    """

    version: int
    verified_at: datetime | None
    verified_by: WhoOut | None
    due_at: datetime | None
    made_at: datetime | None
    fields: dict[str, str]
    home: list[HomeFieldOut]
    versions: list[VersionOut]
    lacking: list[str]
    photos: list[PhotoOut]
    record: RecordOut | None
    now: AtTheTimeOut | None
