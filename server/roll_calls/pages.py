"""The page of a home's roll call: the people who work there say who is there, and those who answer
for its children read it. And the list to print for the night."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Conflict, Refused
from server.i18n import N_, format_date, format_list, gettext, ngettext
from server.people.access import Roles, now_of
from server.people.models import HomeKind, Person
from server.people.words import entered, form_fault
from server.phone_numbers import tel
from server.policy.roll_call import Word
from server.roll_calls import actions, form, reading
from server.roll_calls.access import Entrance, as_worker, entrance, for_reading
from server.roll_calls.models import RollCall
from server.roll_calls.reading import Line, Sheet
from server.roll_calls.texts.numbers import give
from server.roll_calls.view import by_worry, rows_of, still_unknown, sum_of, with_what_follows
from server.roll_calls.words import SUMS
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body, form_count, page_number, parts

# Columns for the night where a home has no times.
_NO_TIMES = ("", "")
_MOST_NAMES = 10
# The boxes of the list on paper, with the words of the buttons.
_BOXES = (N_("Here"), N_("Not here"), N_("With permission"))
# More children than this are a list, whatever the home is.
MOST_IN_SHORT = 4


async def show(request: Request) -> Response:
    """The form, for a person who works there, while an answer is missing or to correct one; else
    what was said."""
    return await show_page(request, await entrance(request))


async def show_page(request: Request, seat: Entrance, fault: Refused | None = None) -> Response:
    """The same, where the entrance is known; `fault`: of what was sent from it."""
    earlier = await _earlier(request, seat)
    sheet = await _sheet(request, seat, earlier)
    if earlier is not None and seat.is_worker:
        return await _state(request, seat, sheet, None, is_earlier=True)
    if not seat.is_worker:
        seen = await for_reading(request, seat.home)
        return await _state(request, seat, sheet, seen, is_earlier=earlier is not None)
    is_open = sheet.roll_call is not None and sheet.roll_call.done_at is None
    if fault is None and _is_visit_without_them(request, seat, sheet):
        return await _state(request, seat, sheet, None)
    if fault is None and (short := short_form(request, seat, sheet)) is not None:
        return short
    if sheet.roll_call is not None and (is_open or "correct" in request.query_params):
        return _form(request, seat, sheet, sheet.roll_call, fault=fault)
    return await _state(request, seat, sheet, None, fault)


def _is_visit_without_them(request: Request, seat: Entrance, sheet: Sheet) -> bool:
    """Whether a visit that found a child gone was just written down: then it is said who to
    call."""
    is_flat = seat.home.kind == HomeKind.FLAT and "sent" in request.query_params
    return is_flat and any(line.said is Word.NOT_HERE for line in sheet.lines)


async def _earlier(request: Request, seat: Entrance) -> RollCall | None:
    """A roll call before the last one, where the address names it."""
    try:
        id_ = UUID(request.query_params.get("call", ""))
    except ValueError:
        return None
    named = await RollCall.get_or_none(id=id_, home_id=seat.home.id)
    if named is None:
        return None
    is_last = not await RollCall.exists(home_id=seat.home.id, due_at__gt=named.due_at)
    return None if is_last else named


async def send(request: Request) -> Response:
    """What a person who works there says. The same form twice is once."""
    return await take(request, await as_worker(request), await form_body(request))


async def take(request: Request, seat: Entrance, given: FormData) -> Response:
    """The same, of a worker who is known: leads on once it is kept, and else is the form again."""
    now = now_of(request)
    roll_call = await roll_call_of(seat, given)
    try:
        if roll_call is None:
            raise Refused(N_("Something went wrong with this page. Open it again."))
        answers = said_in(given, seat, now)
        recorded = await actions.record(seat.visitor, roll_call.id, answers, now)
    except (Conflict, Refused) as fault:
        sheet = await _sheet(request, seat, roll_call)
        if sheet.roll_call is None:
            raise
        return _form(request, seat, sheet, sheet.roll_call, given, fault)
    return RedirectResponse(f"{seat.path}?sent={len(recorded.left_out)}", status_code=303)


def said_in(
    given: FormData, seat: Entrance, now: datetime, said_at: datetime | None = None
) -> actions.RollCallSaid:
    """What a form says; `said_at`: where that is known better than by the form. Raises Refused."""
    filled = form.read(given, seat.zone, now, said_at)
    words = tuple(
        actions.Said(child_id, word, until) for child_id, (word, until) in filled.answers.items()
    )
    return actions.RollCallSaid(filled.id, filled.said_at, words)


def _title(seat: Entrance, language: str, due: str | None) -> str:
    if due is None:
        return gettext(language, N_("Roll call"))
    if seat.home.kind == HomeKind.FLAT:
        return gettext(language, N_("Visit, {time}"), time=due)
    return gettext(language, N_("Roll call, {time}"), time=due)


async def show_form(request: Request, seat: Entrance) -> Response | None:
    """The form, also of a roll call that is done; None if none was asked yet."""
    sheet = await _sheet(request, seat)
    return _form(request, seat, sheet, sheet.roll_call) if sheet.roll_call is not None else None


async def _sheet(request: Request, seat: Entrance, roll_call: RollCall | None = None) -> Sheet:
    id_ = roll_call.id if roll_call is not None else None
    sheet = await reading.sheet(seat.home.id, now_of(request), id_)
    assert sheet is not None, "the entrance has found the home"
    return sheet


async def roll_call_of(seat: Entrance, given: FormData) -> RollCall | None:
    """The roll call that a form is about; None if this home has no such one."""
    try:
        id_ = UUID(entered(given, "roll_call_id"))
    except ValueError:
        return None
    return await RollCall.get_or_none(id=id_, home_id=seat.home.id)


def _form(
    request: Request,
    seat: Entrance,
    sheet: Sheet,
    roll_call: RollCall,
    given: FormData | None = None,
    fault: Conflict | Refused | None = None,
) -> Response:
    language, now = language_of(request), now_of(request)
    part, pages, number = _part(request, sheet.lines, is_form=True)
    tapped = _tapped(given)
    rows = [
        replace(row, given=tapped.get(row.id, row.given))
        for row in rows_of(part, language, seat.zone, now)
    ]
    asked = sum(row.is_asked for row in rows)
    context = {
        **_frame(request, seat, roll_call),
        "rows": rows,
        "form_id": uuid4(),
        "roll_call_id": roll_call.id,
        "untils": form.untils(now, seat.zone),
        "untouched": _untouched(language, asked, len(rows), pages),
        "sums": {word.value: gettext(language, parts) for word, parts in SUMS.items()},
        "touched": gettext(language, N_("Send: everyone else is here") if asked else N_("Send")),
        "is_late": roll_call.state == "missed",
        "is_done": roll_call.done_at is not None,
        "pages": pages,
        "number": number,
        "query": "correct=yes&" if roll_call.done_at is not None else "",
        "error": form_fault(fault, language) if fault is not None else None,
    }
    status = fault.status if fault is not None else 200
    return page(request, seat.template, context, status=status)


def _tapped(given: FormData | None) -> dict[UUID, form.Given]:
    try:
        return form.tapped(given) if given is not None else {}
    except Refused:
        return {}


def _untouched(language: str, asked: int, shown: int, pages: int) -> str:
    """What the button says while no row is touched."""
    if not asked:
        return gettext(language, N_("Send"))
    if pages > 1:
        return gettext(language, N_("All on this page are here"))
    if asked == shown:
        return gettext(language, N_("All here"))
    return ngettext(language, "The other child is here", "The other {n} children are here", asked)


def _part(
    request: Request, lines: Sequence[Line], *, is_form: bool = False
) -> tuple[Sequence[Line], int, int]:
    """One page of the lines, how many pages there are, and which it is: of a form, if no other is
    asked for, the first on which an answer is missing."""
    pages = parts(len(lines), form.AT_ONCE)
    number = min(page_number(request), pages)
    if is_form and "page" not in request.query_params:
        missing = (at for at, line in enumerate(lines) if not line.is_said)
        number = next(missing, 0) // form.AT_ONCE + 1
    begin = (number - 1) * form.AT_ONCE
    return lines[begin : begin + form.AT_ONCE], pages, number


def _frame(request: Request, seat: Entrance, roll_call: RollCall | None) -> dict[str, Any]:
    language, now = language_of(request), now_of(request)
    shown = partial(when, language, zone=seat.zone, now=now)
    due = shown(roll_call.due_at) if roll_call is not None else None
    return {
        "home": seat.home,
        "seat": seat,
        "path": seat.path,
        "title": _title(seat, language, due),
        "zone": seat.zone,
        "shown": shown,
        "clock": _clock(request, seat),
        "now": now,
    }


def _clock(request: Request, seat: Entrance) -> str:
    """Whose clock the page shows, for a reader whose own shows another time."""
    language, now = language_of(request), now_of(request)
    if now.astimezone(seat.zone).utcoffset() == now.astimezone(zone_of(request)).utcoffset():
        return ""
    sentence = N_("Times here are those of {home}, where it is {time} now.")
    time = when(language, now, seat.zone, now)
    return gettext(language, sentence, home=seat.home.name, time=time)


def short_form(request: Request, seat: Entrance, sheet: Sheet) -> Response | None:
    """The form of a foster home while it is asked, and that of a flat at any time; None where the
    list is the form."""
    kind, few = seat.home.kind, 0 < len(sheet.lines) <= MOST_IN_SHORT
    if not few or "list" in request.query_params or "correct" in request.query_params:
        return None
    language, now, roll_call = language_of(request), now_of(request), sheet.roll_call
    rows = rows_of(sheet.lines, language, seat.zone, now)
    if kind == HomeKind.FOSTER:
        asked = [row for row in rows if row.is_asked]
        if roll_call is None or roll_call.done_at is not None or not asked:
            return None
        template, rows = "roll_calls/foster.html", asked
    elif kind == HomeKind.FLAT:
        template = "roll_calls/flat.html"
    else:
        return None
    context = {
        **_frame(request, seat, roll_call),
        "rows": rows,
        "form_ids": [uuid4() for _ in rows],
        "roll_call_id": roll_call.id if roll_call is not None else "",
        "is_open": roll_call is not None and roll_call.is_open,
        "next": _next(request, seat, sheet),
        **_sent(request),
        "error": None,
    }
    return page(request, template, context)


async def _state(
    request: Request,
    seat: Entrance,
    sheet: Sheet,
    may_read: Mapping[UUID, Roles] | None,
    fault: Refused | None = None,
    *,
    is_earlier: bool = False,
) -> Response:
    """What was said, and who said it. `may_read`: of these children alone, to a person who does
    not work there. `is_earlier`: not the last one, so that nothing follows from it."""
    language, roll_call = language_of(request), sheet.roll_call
    shown = sheet if may_read is None else _only(sheet, may_read)
    part, pages, number = _part(request, by_worry(shown.lines))
    rows = rows_of(part, language, seat.zone, now_of(request))
    if may_read is not None:
        rows = [replace(row, href=f"/desk/children/{row.id}") for row in rows]
    if not is_earlier:
        rows = await with_what_follows(request, seat, rows, part, roll_call)
    unknown = still_unknown(sheet) if seat.is_worker and not is_earlier else []
    context = {
        **_frame(request, seat, roll_call),
        "rows": rows,
        "lead": await _lead(request, seat, shown, is_part=len(shown.lines) < len(sheet.lines)),
        "next": "" if is_earlier else _next(request, seat, sheet),
        "is_earlier": is_earlier,
        "unknown": format_list(language, unknown) if unknown else "",
        "call": tel(seat.home.phone or "") if not seat.is_worker else None,
        "workers": None if seat.is_worker else await _workers(request, seat),
        "is_worker": seat.is_worker,
        "is_asked": roll_call is not None,
        "may_correct": seat.is_worker and roll_call is not None and not is_earlier,
        "is_worrying": any(row.contacts and row.stands == Word.NOT_HERE for row in rows),
        **_sent(request),
        "pages": pages,
        "number": number,
        "query": f"call={roll_call.id}&" if is_earlier and roll_call is not None else "",
        "error": form_fault(fault, language) if fault is not None else None,
    }
    return page(request, "roll_calls/state.html", context, status=fault.status if fault else 200)


def _only(sheet: Sheet, children: Collection[UUID]) -> Sheet:
    lines = tuple(line for line in sheet.lines if line.child_id in children)
    return replace(sheet, lines=lines)


def _sent(request: Request) -> dict[str, Any]:
    """Whether an answer has just come in, and how many children of it were left out."""
    sent = request.query_params.get("sent")
    return {"sent": sent is not None, "n_left": form_count(sent or "") or 0}


async def _lead(request: Request, seat: Entrance, sheet: Sheet, *, is_part: bool) -> str:
    """How far the roll call is, in a sentence or two. `is_part`: the sheet has only the children
    that the reader may see, and a number of all would tell of the others."""
    language, roll_call = language_of(request), sheet.roll_call
    if roll_call is None:
        return gettext(language, N_("There has been no roll call here yet."))
    sums = sum_of(sheet, language)
    if is_part:
        of_these = N_("Of the children assigned to you: {sums}")
        none = N_("You see none of the children here")
        sums = gettext(language, of_these if sheet.lines else none, sums=sums)
    if roll_call.done_at is not None:
        person = await Person.get_or_none(id=roll_call.done_by) if roll_call.done_by else None
        if person is None:
            return sums
        done = when(language, roll_call.done_at, seat.zone, now_of(request))
        sentence = N_("{sums}. {name} finished the roll call at {time}.")
        return gettext(language, sentence, sums=sums, name=person.name, time=done)
    if not sheet.said_by:
        return gettext(language, N_("Nobody has done it yet."))
    if is_part:
        return gettext(language, N_("Not finished. {sums}."), sums=sums)
    answered = sum(line.is_said for line in sheet.lines)
    sentence = N_("Not finished: {n} of {all} children. {sums} so far.")
    return gettext(language, sentence, n=answered, all=len(sheet.lines), sums=sums)


def _next(request: Request, seat: Entrance, sheet: Sheet) -> str:
    language, now = language_of(request), now_of(request)
    if sheet.next_at is None or sheet.next_at <= now:
        return ""
    time = when(language, sheet.next_at, seat.zone, now)
    return gettext(language, N_("Next roll call: {time}"), time=time)


async def _workers(request: Request, seat: Entrance) -> str:
    workers = await reading.workers_of(seat.home.id, now_of(request))
    return format_list(language_of(request), [worker.name for worker in workers[:_MOST_NAMES]])


async def night_list(request: Request) -> Response:
    """The names, with boxes, to print. It is not kept."""
    seat, language, now = await as_worker(request), language_of(request), now_of(request)
    await give(seat.home.id, now)
    sheet = await _sheet(request, seat)
    letters = await reading.letters_at(seat.home.id, [seat.worker_id], now)
    context = {
        **_frame(request, seat, None),
        "names": [(line.number, line.name) for line in sheet.lines],
        "letter": letters.get(seat.worker_id, ""),
        "times": await reading.times_of(seat.home) or _NO_TIMES,
        "day": format_date(language, now.astimezone(seat.zone).date()),
        "words": [gettext(language, word) for word in _BOXES],
    }
    return page(request, "roll_calls/list.html", context)


_PATH = "/desk/homes/{home_id:uuid}/roll-call"

routes = [
    Route(_PATH, show, methods=["GET"]),
    Route(_PATH, send, methods=["POST"]),
    Route(f"{_PATH}/list", night_list, methods=["GET"]),
]
