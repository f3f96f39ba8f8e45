"""The rules of the grab pack: what a version may contain, what a copy shows, which fields are
lacking, and how long a review counts. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from server.errors import NotAllowed, Refused
from server.i18n import N_
from server.missing.profile.fields import CHILD_SAYS, FIELDS, HOME_SAYS, PREPARED, Kind
from server.people.rules import Action, Role, may

Fields = Mapping[str, str]

# This often the pack is reviewed with the child.
REVIEW_EVERY = timedelta(days=30)
# A reader who gave a reason may read this long without giving it again.
OPEN_FOR = timedelta(minutes=15)
# A child looks different after this long.
PHOTO_IS_OLD_AFTER = timedelta(days=183)
LONGEST_REASON = 500
SHORTEST_REASON = 3
MOST_PHOTOS = 6


class Copy(StrEnum):
    """The reader of a copy: police or partners; or what the home knows, and nothing else."""

    POLICE = "police"
    PARTNER = "partner"
    HOME = "home"


class Shows(StrEnum):
    """What a photo shows."""

    FACE = "face"
    WHOLE = "whole"


class Photo(msgspec.Struct, frozen=True):
    """What the rules need to know of a photo."""

    shows: Shows
    taken_on: date | None


def read(given: Mapping[str, Any], allowed: Collection[str]) -> dict[str, str]:
    """The fields as we store them: trimmed, and only those that say something.

    Raises Refused, naming a field that does not exist, or whose value does not fit.
    """
    fields = {name: _value(name, value, allowed) for name, value in given.items()}
    return {name: fields[name] for name in FIELDS if fields.get(name)}


def _value(name: str, value: Any, allowed: Collection[str]) -> str:
    field, place = FIELDS.get(name), f"fields.{name}"
    if field is None or name not in allowed:
        raise Refused(N_("“{field}” is not known here."), field=place)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(N_("Write “{field}” as text."), field=place)
    text = value.strip()
    if len(text) > field.longest:
        raise Refused(N_("Write up to {most} characters."), field=place, most=field.longest)
    if field.kind is Kind.YES and text not in ("", "yes", "no"):
        raise Refused(N_("Choose yes or no."), field=place)
    if _PASSWORD.search(text):
        raise Refused(
            N_("This looks like a password. Delete it: we do not keep passwords here."), field=place
        )
    return text


# "Password: 1234", as people note one: the word alone may be part of a sentence.
_PASSWORD = re.compile(
    r"(?:pass\s?(?:word|code|wort)|mot de passe|contraseña|كلمة\s?(?:السر|المرور)|\bmdp|\bpwd|\bpw)"
    r"\s*[:=]\s*\S",
    re.IGNORECASE,
)


def differences(before: Fields, after: Fields) -> tuple[str, ...]:
    """The names of the fields that are not the same, in their order."""
    return tuple(name for name in FIELDS if before.get(name, "") != after.get(name, ""))


def written_by(roles: frozenset[Role]) -> tuple[str, ...]:
    """The fields that a person with these roles writes."""
    if may(roles, Action.PACK_CHANGE):
        return PREPARED
    childs = CHILD_SAYS if may(roles, Action.PACK_SAY) else ()
    return (*childs, *HOME_SAYS) if may(roles, Action.PACK_HOME) else childs


def read_by(roles: frozenset[Role], fields: Fields) -> tuple[str, ...]:
    """The fields of this pack that a person with these roles reads without opening it."""
    is_let = Role.GUARDIAN in roles and guardian_may_read(fields)
    childs = CHILD_SAYS if is_let or Role.CHILD in roles else ()
    return (*childs, *HOME_SAYS) if may(roles, Action.PACK_HOME) else childs


def changed(current: Fields, given: Collection[str], wanted: Fields) -> dict[str, str]:
    """The pack with the fields that a writer gave as they want them. What they left out stays."""
    return {
        name: text for name in FIELDS if (text := (wanted if name in given else current).get(name))
    }


def by_adults(
    current: Fields, seen: Fields, given: Mapping[str, Any], wanted: Fields
) -> dict[str, str]:
    """The same for staff who saw the version with `seen`: the child's own words stay as they are
    now.

    Raises NotAllowed, naming the field, where they would change the child's words.
    """
    for name in CHILD_SAYS:
        allowed = (current.get(name, ""), seen.get(name, ""))
        if name in given and wanted.get(name, "") not in allowed:
            raise NotAllowed(
                N_("Only the child writes this. Write your own words beside it."),
                field=f"fields.{name}",
            )
    return changed(current, set(given) - set(CHILD_SAYS), wanted)


def only(fields: Fields, names: Collection[str]) -> dict[str, str]:
    """Those of the fields that have one of these names."""
    return {name: text for name, text in fields.items() if name in names}


def guardian_may_read(fields: Fields) -> bool:
    """Whether the caseworker has let the guardian read the child's own words."""
    return fields.get("own_for_guardian") == "yes"


def for_copy(fields: Fields, copy: Copy) -> dict[str, str]:
    """The fields that this copy has."""
    if copy is Copy.HOME:
        return only(fields, HOME_SAYS)
    if copy is Copy.POLICE:
        return {name: text for name, text in fields.items() if name != "own_for_guardian"}
    return {name: text for name, text in fields.items() if FIELDS[name].for_partners}


def lacking(fields: Fields, wanted: Collection[str] = PREPARED) -> tuple[str, ...]:
    """The fields without an answer that are needed first."""
    return tuple(name for name in wanted if FIELDS[name].need == 1 and not fields.get(name))


def is_old(taken_on: date | None, today: date) -> bool:
    """Whether a photo may no longer show how the child looks. So may one without a date."""
    return taken_on is None or today - taken_on > PHOTO_IS_OLD_AFTER


def best(photos: Sequence[Photo], shows: Shows) -> int | None:
    """The index of the newest photo that shows this; None where there is none."""
    those = [place for place, photo in enumerate(photos) if photo.shows is shows]
    return max(those, key=lambda place: photos[place].taken_on or date.min, default=None)


def age_on(born: date | None, today: date) -> int | None:
    """A person's age on a day, in years."""
    if born is None:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def reason(text: str) -> str:
    """The reason for opening a sealed pack. Raises Refused for a text that says nothing."""
    words = " ".join(text.split())
    if sum(char.isalpha() for char in words) < SHORTEST_REASON:
        raise Refused(
            N_("Say in a few words why you open it. The child can read this."), field="why"
        )
    if len(words) > LONGEST_REASON:
        raise Refused(N_("Write up to {most} characters."), field="why", most=LONGEST_REASON)
    return words
