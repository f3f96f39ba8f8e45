"""What a reader has asked of the board: which children, what is opened, how many rows. All of it is
in the address, so that a refresh and a live update show the same."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec.structs import replace
from starlette.datastructures import QueryParams

from server.policy.model import Tier

# Rows of a group, or of a home, before "Show 50 more"; how many more; and the most on one page.
AT_ONCE = 25
MORE = 50
MOST = 200
# Homes opened at the same time: more of them are a page of thousands of rows.
MOST_OPEN = 20
# So few who are on time are shown at once, not folded by home.
FEW_WELL = 15
MINE, NO_HOME = "mine", "none"
# The key under which the address says how many homes are listed.
HOMES = "homes"


class Group(StrEnum):
    """The groups of rows, in the order of the board."""

    MISSING = "missing"
    NOW = "now"
    HELD = "held"  # A person has taken the alert.
    BACK = "back"  # Seen after a search, with tasks of the return.
    LATE = "late"
    DUE = "due"
    UNHEARD = "unheard"  # Nothing is late, and no answer ever came.
    AWAY = "away"
    WELL = "well"


class Place(msgspec.Struct, frozen=True):
    """Where a row is in its group: by cause, by time, then by child."""

    rank: int
    since: datetime
    child_id: UUID

    def __str__(self) -> str:
        return f"{self.rank}~{self.since.isoformat()}~{self.child_id}"


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the board that a reader sees."""

    home: str = ""  # The id of a home, or NO_HOME.
    level: str = ""
    whose: str = ""  # The id of a caseworker, or MINE.
    group: Group | None = None
    after: Place | None = None  # In this group, only the rows after this one.
    open: tuple[str, ...] = ()  # The homes whose children who are on time are shown.
    # How many rows, by group or home; HOMES.
    more: Mapping[str, int] = msgspec.field(default_factory=dict)
    part: str = ""  # For an update of this group alone.

    @property
    def is_filtered(self) -> bool:
        """Whether some children of the reader may not be shown."""
        return bool(self.home or self.level or self.whose or self.group)

    @property
    def folds(self) -> bool:
        """Whether those who are on time are folded by home, where there are many of them."""
        return not self.home

    def limit(self, key: str) -> int:
        """How many rows of this group or home, or how many homes."""
        return self.more.get(key, AT_ONCE)

    def path(self) -> str:
        """The address of this view."""
        pairs = [
            ("home", self.home),
            ("level", self.level),
            ("whose", self.whose),
            ("group", self.group or ""),
            ("after", str(self.after or "")),
            *(("open", home) for home in self.open),
            *(("more", f"{key}:{n}") for key, n in sorted(self.more.items())),
        ]
        query = urlencode([(name, value) for name, value in pairs if value], safe=":~")
        return f"/desk/?{query}" if query else "/desk/"

    def toggled(self, home: str) -> "View":
        """The same with this home opened, or folded again."""
        if home in self.open:
            rest = tuple(other for other in self.open if other != home)
            more = {key: n for key, n in self.more.items() if key != home}
            return replace(self, open=rest, more=more)
        return replace(self, open=(*self.open, home)[-MOST_OPEN:])

    def with_more(self, key: str) -> "View":
        """The same with the next rows of this group or home."""
        return replace(self, more={**self.more, key: min(self.limit(key) + MORE, MOST)})


def read(query: QueryParams) -> View:
    """The view that an address asks for; what makes no sense in it is left out."""
    group = query.get("group", "")
    return View(
        home=_home(query.get("home", "")),
        level=query["level"] if query.get("level") in set(Tier) else "",
        whose=MINE if query.get("whose") == MINE else _id(query.get("whose", "")),
        group=Group(group) if group in set(Group) else None,
        after=_place(query.get("after", "")) if group in set(Group) else None,
        open=tuple(dict.fromkeys(filter(None, map(_home, query.getlist("open")))))[-MOST_OPEN:],
        more=dict(_more(query.getlist("more"))),
        part=query["part"] if query.get("part") in set(Group) else "",
    )


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def _home(text: str) -> str:
    return NO_HOME if text == NO_HOME else _id(text)


def _place(text: str) -> Place | None:
    try:
        rank, since, child = text.split("~")
        at = datetime.fromisoformat(since)
        if at.tzinfo is None:
            return None
        return Place(int(rank) % 10, at.astimezone(UTC), UUID(child))
    except (ValueError, OverflowError):  # The first and the last day of time have no UTC.
        return None


def _more(values: Iterable[str]) -> Iterable[tuple[str, int]]:
    for value in list(values)[: MOST_OPEN + len(Group) + 1]:
        key, _, text = value.partition(":")
        is_number = text.isascii() and text.isdigit() and len(text) < 8
        is_list = key in set(Group) or key == HOMES
        if is_number and (is_list or _home(key)):
            yield (key if is_list else _home(key)), min(max(int(text), AT_ONCE), MOST)
