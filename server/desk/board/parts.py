"""The board as it is shown: exact counts on top, then the groups, each with its first rows."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec
from msgspec.structs import replace

from server.desk.board.order import Order, Placed
from server.desk.board.rows import Reader, Row
from server.desk.board.view import AT_ONCE, FEW_WELL, HOMES, MOST, NO_HOME, Group, View
from server.i18n import N_, format_day, format_time, gettext, ngettext

TITLES: Mapping[Group, str] = {
    Group.MISSING: N_("Missing"),
    Group.NOW: N_("Act now"),
    Group.HELD: N_("In hand"),
    Group.BACK: N_("Back, still to do"),
    Group.LATE: N_("Late"),
    Group.DUE: N_("Due"),
    Group.UNHEARD: N_("Not heard from yet"),
    Group.AWAY: N_("Away"),
    Group.WELL: N_("On time"),
}


class Count(msgspec.Struct, frozen=True):
    """One part of the sentence on top: "2 late"."""

    group: Group
    text: str


class Fold(msgspec.Struct, frozen=True):
    """A home, and its children who are on time: "Harbour · 14 on time"."""

    key: str
    name: str
    text: str
    is_open: bool
    path: str  # Opens it, or folds it again.


class More(msgspec.Struct, frozen=True):
    """The way to the next rows: here, or on a page of their own."""

    text: str
    path: str
    key: str = ""  # What is loaded here, as the address says it; else it is another page.


class Rows(msgspec.Struct, frozen=True):
    """Rows that stand together."""

    fold: Fold | None
    rows: list[Row]
    more: More | None


class Part(msgspec.Struct, frozen=True):
    """One group."""

    group: Group
    title: str
    lists: list[Rows]


class Board(msgspec.Struct, frozen=True):
    """Everything that the board shows of the children the reader may see."""

    counts: list[Count]
    parts: list[Part]
    is_calm: bool  # Whether nobody needs an adult now, and that is certain.
    calling: int  # How many need an adult now, whatever the filter: for the title of the page.
    beside: str  # How many of them the filter leaves out, in words.
    total: int
    counted: str  # When those who need no adult now were counted, where that was not just now.


class _Sheet(msgspec.Struct, frozen=True):
    """What all parts are made of."""

    order: Order
    rows: Mapping[UUID, Row]
    view: View
    reader: Reader
    homes: Mapping[UUID, str]  # The names of all homes in the order.
    placed: Mapping[str, list[Placed]]  # By group.


def _by_group(order: Order, rows: Mapping[UUID, Row]) -> dict[str, list[Placed]]:
    """The rows of each group. By what was read of the child last: nobody is shown as on time who
    is late by now."""
    by_group: dict[str, list[Placed]] = {}
    for placed in order.rows:
        if (row := rows.get(placed.child_id)) is not None:
            by_group.setdefault(row.group, []).append(placed)
    return by_group


def board_of(
    order: Order,
    rows: Iterable[Row],
    view: View,
    reader: Reader,
    *,
    homes: Mapping[UUID, str],
) -> Board:
    """The board over these rows. `homes`: the names of all homes in the order."""
    by_id = {row.id: row for row in rows}
    sheet = _Sheet(order, by_id, view, reader, homes, _by_group(order, by_id))
    language = reader.language
    beside = order.beside.get(Group.MISSING, 0) + order.beside.get(Group.NOW, 0)
    calling = [max(order.count(group), order.shown(group)) for group in (Group.MISSING, Group.NOW)]
    return Board(
        counts=[
            Count(group, _count(group, order, reader)) for group in Group if order.count(group) > 0
        ],
        parts=[
            Part(group, gettext(language, TITLES[group]), lists)
            for group in _groups(view)
            if (lists := _lists(group, sheet))
        ],
        calling=sum(calling) + beside,
        is_calm=order.is_calm(),
        beside=_left_out(beside, language),
        total=_total(order),
        counted=_counted(order, reader),
    )


def _total(order: Order) -> int:
    """How many children are on the board; where they are not counted, at least these."""
    counted = sum(order.counts.values()) + sum(order.beside.values())
    return max(counted + sum(order.totals.values()), len(order.rows))


def _counted(order: Order, reader: Reader) -> str:
    if order.is_crowded:
        return _counted_before(order, reader)
    if order.is_beside_old:
        return _beside_counted(order, reader)
    if not order.is_large:
        return ""
    if order.counted is None:
        return gettext(
            reader.language,
            N_("We are still counting those who are not late. Everyone else is here."),
        )
    return gettext(
        reader.language,
        N_("Children who are not late: counted at {time}. Everyone else: counted now."),
        time=format_time(reader.language, order.counted.at, reader.zone),
    )


def _counted_before(order: Order, reader: Reader) -> str:
    """On a board that counts nobody itself."""
    if order.counted is None or not order.knows(Group.NOW):
        return gettext(
            reader.language,
            N_("We are still counting. The children below are shown as they are now."),
        )
    return gettext(
        reader.language,
        N_("Counted at {time}. The children below are shown as they are now."),
        time=format_time(reader.language, order.counted.at, reader.zone),
    )


def _beside_counted(order: Order, reader: Reader) -> str:
    if order.beside_at is None:
        return gettext(reader.language, N_("We are still counting the children not shown here."))
    return gettext(
        reader.language,
        N_("Children not shown here: counted at {time}. Everyone else: counted now."),
        time=format_time(reader.language, order.beside_at, reader.zone),
    )


def _left_out(many: int, language: str) -> str:
    if many == 0:
        return ""
    return ngettext(
        language,
        "{n} child who is not shown here needs action now.",
        "{n} children who are not shown here need action now.",
        many,
    )


def _groups(view: View) -> list[Group]:
    return [
        group for group in Group if view.group in (None, group) and view.part in ("", group.value)
    ]


def _lists(group: Group, sheet: _Sheet) -> list[Rows]:
    order, placed = sheet.order, sheet.placed.get(group.value, [])
    total = order.count(group) if order.knows(group) else None
    if group in order.totals and total is not None and total <= len(placed):
        total = None  # Since that count, there may be more.
    is_many = order.is_large or (total or 0) > FEW_WELL
    if group is Group.WELL and sheet.view.folds and is_many:
        return _by_home(placed, sheet)
    return [_rows(sheet, placed, total, group.value)] if placed else []


def _rows(
    sheet: _Sheet, placed: list[Placed], total: int | None, key: str, fold: Fold | None = None
) -> Rows:
    """`total`: how many there are, where that is known."""
    shown = [sheet.rows[place.child_id] for place in placed]
    # Of a home they are read like a list of names; of many, the longest wait is first.
    if placed and placed[0].group is Group.WELL and (total or len(placed)) <= AT_ONCE:
        shown.sort(key=lambda row: row.name.casefold())
    return Rows(fold, shown, _more(sheet, placed, total, key))


def _more(sheet: _Sheet, placed: list[Placed], total: int | None, key: str) -> More | None:
    view, language = sheet.view, sheet.reader.language
    limit = view.limit(key)
    if not placed or len(placed) < limit:
        return None
    if view.after is None and total is not None and len(placed) >= total:
        return None
    if limit < MOST:
        further = view.with_more(key)
        n = further.limit(key) - limit
        if view.after is None and total is not None:
            n = min(n, total - len(placed))
        text = ngettext(language, "Show {n} more", "Show {n} more", n)
        return More(text, further.path(), f"{key}:{further.limit(key)}")
    last = placed[-1]
    further = replace(view, group=last.group, after=last.place, open=(), more={}, part="")
    if key not in set(Group):
        further = replace(further, home=key)
    return More(gettext(language, N_("The next ones")), further.path())


def _by_home(placed: list[Placed], sheet: _Sheet) -> list[Rows]:
    """Those who are on time, folded by home: by its name, and last those without a home."""
    language, view = sheet.reader.language, sheet.view
    counts = sheet.order.well_by_home()
    named = [
        (home is None, _home_name(home, sheet), home, counts[home])
        for home in named_homes(sheet.order, view)
    ]
    named.sort(key=lambda row: (row[0], row[1].casefold()))
    lists = []
    for _, name, home, n in named[: view.limit(HOMES)]:
        key = NO_HOME if home is None else str(home)
        text = ngettext(language, "{n} on time", "{n} on time", n)
        fold = Fold(key, name, text, key in view.open, view.toggled(key).path())
        own = [place for place in placed if place.home_id == home] if fold.is_open else []
        lists.append(_rows(sheet, own, n, key, fold))
    counted = sheet.order.counted
    many = len(named) if counted is None else counted.many_homes
    if (further := _more_homes(many, sheet)) is not None:
        lists.append(Rows(None, [], further))
    return lists


def named_homes(order: Order, view: View) -> list[UUID | None]:
    """The homes whose names the board sorts by or shows."""
    homes = [*order.well_by_home()]
    # Of many they are sorted already.
    return homes[: view.limit(HOMES)] if order.is_large else homes


def _more_homes(total: int, sheet: _Sheet) -> More | None:
    view, language = sheet.view, sheet.reader.language
    limit = view.limit(HOMES)
    if total <= limit:
        return None
    if limit >= MOST:  # Among hundreds a reader finds one by its name.
        query = view.path().partition("?")[2]
        return More(gettext(language, N_("Choose a home")), f"/desk/filter?{query}")
    further = view.with_more(HOMES)
    n = min(further.limit(HOMES), total) - limit
    text = ngettext(language, "Show {n} more home", "Show {n} more homes", n)
    return More(text, further.path(), f"{HOMES}:{further.limit(HOMES)}")


def _home_name(home: UUID | None, sheet: _Sheet) -> str:
    if home is None:
        return gettext(sheet.reader.language, N_("No home"))
    return sheet.homes.get(home, "")


def _count(group: Group, order: Order, reader: Reader) -> str:
    n, language = order.count(group), reader.language
    if group is Group.AWAY and n == 1 and not order.is_large:
        until = [placed.place.since for placed in order.rows if placed.group is group]
        if until and until[0] > reader.now:
            day = format_day(language, until[0], reader.zone, reader.now)
            return gettext(language, N_("1 away until {day}"), day=day)
    if group is Group.MISSING:
        return ngettext(language, "{n} missing", "{n} missing", n)
    if group is Group.NOW:
        return ngettext(language, "{n} needs action now", "{n} need action now", n)
    if group is Group.HELD:
        return ngettext(language, "{n} in hand", "{n} in hand", n)
    if group is Group.BACK:
        return ngettext(language, "{n} back, still to do", "{n} back, still to do", n)
    if group is Group.LATE:
        return ngettext(language, "{n} late", "{n} late", n)
    if group is Group.DUE:
        return ngettext(language, "{n} due", "{n} due", n)
    if group is Group.UNHEARD:
        return ngettext(language, "{n} not heard from yet", "{n} not heard from yet", n)
    if group is Group.AWAY:
        return ngettext(language, "{n} away", "{n} away", n)
    return ngettext(language, "{n} on time", "{n} on time", n)
