"""Shared by the pages of this room: a person's strongest role, times in forms, what was done."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse

from server.errors import Ask, Incomplete, Refused
from server.i18n import N_, gettext
from server.people.access import Visitor
from server.people.agencies.actions import add_home
from server.people.models import Home
from server.people.rules import Action, Role, may
from server.people.words import entered
from server.web.rendering import language_of
from server.web.requests import form_id, form_moment, form_time

LONGEST_WORDS = 20_000
# Proposed check-in times where the agreed ones are too rare or missing: the form has room for four.
TIMES = ("09:00", "18:00", "", "")

# The number of free windows in a form.
WINDOWS = 2

# What a page says after a redirect back to it: "?done=seen".
DONE: Mapping[str, str] = {
    "absence-agreed": N_("You agreed to the absence. A paired phone shows it once it is online."),
    "absence-declined": N_(
        "Answer saved. The check-ins stay as they were. A paired phone shows your words once it is"
        " online."
    ),
    "alert-closed": N_("The alert is closed."),
    "check-in": N_("Check-in saved."),
    "birthday": N_("Birthday saved."),
    "child": N_("Child added. The watch has started."),
    "decided": N_("Decision saved."),
    "flag": N_("Flag added."),
    "flag-changed": N_("Flag changed."),
    "flag-done": N_("Flag done."),
    "found": N_("Thank you. We are telling everyone who was looking for the child."),
    "home": N_("Home saved."),
    "milestone": N_("Day added to the calendar."),
    "milestone-gone": N_("Day taken back. The watch level stays as it is."),
    "milestone-known": N_(
        "Saved. A paired phone shows this day, in simple words, once it is online."
    ),
    "milestone-not-known": N_("Saved. A paired phone stops showing this day once it is online."),
    "missing": N_("We are calling everyone."),
    "names": N_("Name and file reference saved."),
    "pause": N_("Absence saved."),
    "pause-ended": N_("The absence is over."),
    "pause-kept": N_("Saved: it is still so."),
    "placement-begun": N_("The placement and the watch have started again."),
    "placement-ended": N_("The placement has ended. We no longer ask for check-ins."),
    "proposal-declined": N_("Answer saved. The check-in times stay as they were."),
    "rhythm": N_("Check-in times saved."),
    "school": N_("School hours saved."),
    "season": N_("Other times saved. They end on their own."),
    "season-ended": N_("The earlier check-in times apply again."),
    "seen": N_("Noted: “Seen”. Thank you."),
    "not_seen": N_("Noted: “Could not find”. An alert is open."),
    "not_seen_noted": N_(
        "Noted: “Could not find”. If you are worried, do not wait. Call the caseworker, or tell us"
        " that the child is missing."
    ),
    "not_seen_yet": N_(
        "Noted: “Could not find”. This alone does not call anyone. If you are worried, do"
        " not wait. Call the caseworker, or tell us that the child is missing."
    ),
    "tier": N_("Watch level saved."),
}
# The tab of the child's page that shows what was done. Where none is named, it is the first.
_TABS: Mapping[str, str] = {
    "absence-agreed": "/plan",
    "birthday": "/people",
    "home": "/people",
    "names": "/people",
    "milestone": "/plan",
    "milestone-gone": "/plan",
    "milestone-known": "/plan",
    "milestone-not-known": "/plan",
    "pause": "/plan",
    "pause-ended": "/plan",
    "pause-kept": "/plan",
    "proposal-declined": "/plan",
    "rhythm": "/plan",
    "school": "/plan",
    "season": "/plan",
    "season-ended": "/plan",
    "tier": "/plan",
}
# A person may have several roles for a child: the one with the most authority first.
_STRONGEST = (Role.CASEWORKER, Role.SUPERVISOR, Role.GUARDIAN, Role.CARER, Role.ADVOCATE)


def done(request: Request) -> str | None:
    """What was just done, to be shown once on the page."""
    code = request.query_params.get("done", "")
    return gettext(language_of(request), DONE[code]) if code in DONE else None


def strongest(roles: Collection[Role], visitor: Visitor) -> Role:
    """The strongest of a person's roles; of a person without a tie, the role in the agency."""
    return next((role for role in _STRONGEST if role in roles), Role(visitor.role))


def back_to(child_id: object, roles: frozenset[Role], what: str) -> RedirectResponse:
    """To the tab of the child's page that shows it, or to the board for readers who may not see
    that page."""
    tab = f"/desk/children/{child_id}{_TABS.get(what, '')}"
    home = tab if may(roles, Action.HISTORY_SEE) else "/desk/"
    if Role.GLASS in roles:
        home = f"/desk/children/{child_id}/emergency"
    return RedirectResponse(f"{home}?done={what}", status_code=303)


def words_of(form: FormData, field: str = "words") -> str | None:
    """A person's words, or None. Raises Refused beyond the stored length."""
    words = entered(form, field)
    if len(words) > LONGEST_WORDS:
        raise Refused(N_("Write up to 20,000 characters."), field=field)
    return words or None


def moment_of(text: str, zone: ZoneInfo, field: str) -> datetime | None:
    """The moment of a local date and time from a form, on the clock of `zone`. Raises Refused."""
    return form_moment(text, field, zone) if text else None


def moment_said(form: FormData, zone: ZoneInfo, field: str, now: datetime) -> datetime | None:
    """The answer to "When?"; None where there is none. Raises Refused."""
    ago = entered(form, "ago")
    if ago in ("now", "30"):
        return now - timedelta(minutes=30 if ago == "30" else 0)
    return moment_of(entered(form, "at"), zone, field)


def when_of(
    form: FormData,
    zone: ZoneInfo,
    field: str,
    now: datetime,
    missing: Mapping[str, Ask] = MappingProxyType({}),
) -> datetime | None:
    """The same where an answer is needed: None for just now. Raises Refused; Incomplete for another
    time that is left empty, with what else is `missing` in the form."""
    ago, at = entered(form, "ago"), moment_said(form, zone, field, now)
    if ago == "other" and at is None:
        raise Incomplete({**missing, field: Ask(N_("Enter a date and a time."))})
    return None if ago == "now" else at


def day_of(text: str, field: str, *, earliest: int = 2000) -> date | None:
    """A day from a form, of that year or later. Raises Refused."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refused(N_("Enter a day such as 2026-03-31."), field=field) from None
    if not earliest <= day.year <= 2200:
        raise Refused(N_("Enter a day such as 2026-03-31."), field=field)
    return day


async def home_of(visitor: Visitor, form: FormData, zone: str, now: datetime) -> UUID | None:
    """The home that a form names: one of the list, or a new one, which this adds; None: neither.
    The same new name again, in the same session, is the same home, as for another tap or a sister.

    Raises Refused. In the caller's transaction.
    """
    assert visitor.agency_id is not None
    chosen, name = id_of(entered(form, "home_id"), "home_id"), entered(form, "home_name")
    if chosen is not None and name:
        raise Refused("Choose “Somewhere else” above, or leave this empty.", field="home_name")
    id_ = uuid5(visitor.session_id, f"home {name}") if name else chosen
    if not name or await Home.exists(id=id_):
        return id_
    try:
        home = await add_home(visitor, visitor.agency_id, name=name, zone=zone, now=now, id_=id_)
    except Refused as fault:
        raise Refused(fault.detail, field="home_name") from None
    return home.id


def id_of(value: str, field: str) -> UUID | None:
    """An id from a list in a form. Raises Refused."""
    return form_id(value, field) if value else None


def id_or_new(form: FormData) -> UUID:
    """The id in the form, so that sending it twice makes one thing; else a new one."""
    try:
        return UUID(entered(form, "id"))
    except ValueError:
        return uuid4()


def as_field(at: datetime, zone: ZoneInfo) -> str:
    """A moment as a form shows it: on the clock of `zone`, to the minute."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def times_of(form: FormData, field: str) -> tuple[time, ...]:
    """The times of day in a form, in order, without empty ones. Raises Refused."""
    values = [value.strip() for value in form.getlist(field) if isinstance(value, str)]
    return tuple(sorted({at for at in (wall(value, field) for value in values) if at is not None}))


def windows_of(form: FormData, suffix: str = "") -> tuple[tuple[time, time], ...]:
    """The free windows in a form, without empty ones. Raises Refused."""
    windows, field = [], f"window{suffix}"
    for begin, end in typed_windows(form, suffix):
        first, last = wall(begin, field), wall(end, field)
        if first is not None and last is not None:
            windows.append((first, last))
        elif first is not None or last is not None:
            raise Refused(N_("Enter a start and an end, or leave both empty."), field=field)
    return tuple(sorted(windows))


def typed_windows(form: FormData, suffix: str = "") -> list[tuple[str, str]]:
    """The same as it was typed."""
    begins, ends = (
        [str(v).strip() for v in form.getlist(f"{name}{suffix}")] for name in ("begin", "end")
    )
    return list(zip(begins, ends, strict=False))


def wall(text: str, field: str) -> time | None:
    """A time of day from a form. Raises Refused."""
    return form_time(text, field) if text else None
