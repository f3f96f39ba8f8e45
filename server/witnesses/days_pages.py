"""The page on which the agreed days, the time and the last day of a witness change."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused, WaymarkError
from server.i18n import N_
from server.people.access import now_of
from server.people.models import Person
from server.people.words import entered, form_fault
from server.web.rendering import language_of
from server.web.requests import form_body
from server.web.responses import page_again
from server.witnesses import reading, rules
from server.witnesses.changes import change
from server.witnesses.pages import Seat, back_of, read_until, seat_of
from server.witnesses.words import days_of, last_day, weekdays

_FIELDS = ("days", "at", "until", "wants")
_NOT_YOURS = N_(
    "Colleagues have children on this list. A supervisor of one of the children can change it."
)


async def show(request: Request) -> Response:
    """What is agreed now, to be changed."""
    return await _page(request, await seat_of(request))


async def save(request: Request) -> Response:
    """From now on. The children were asked before."""
    seat, form = await seat_of(request), await form_body(request)
    days = [text for text in form.getlist("days") if isinstance(text, str)]
    typed = {"days": days, **{key: entered(form, key) for key in ("at", "until", "wants")}}
    try:
        if not seat.is_for_all:
            raise Refused(_NOT_YOURS)
        to = rules.Agreed(
            tuple(rules.read_days(days)),
            rules.read_time(entered(form, "at")),
            read_until(entered(form, "until")),
        )
        if typed["wants"] != "yes":
            raise Refused(N_("Ask the child first. Then tick this."), field="wants")
        seen = entered(form, "seen")
        await change(seat.visitor, seat.witness, to, seen, now_of(request))
    except WaymarkError as fault:
        return await _page(request, await seat_of(request), typed, fault)
    return RedirectResponse(f"{rules.path_of(seat.witness.id)}?done=changed", status_code=303)


async def _page(
    request: Request,
    seat: Seat,
    typed: Mapping[str, Any] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, witness = language_of(request), seat.witness
    agreed = reading.agreed_with(witness)
    names = dict(await Person.filter(id__in=list(seat.mine)).values_list("id", "name"))
    usual = {
        "days": [str(day) for day in agreed.days],
        "at": agreed.at,
        "until": agreed.until.isoformat() if agreed.until is not None else "",
        "wants": "",
    }
    context = {
        "witness": witness,
        "path": rules.path_of(witness.id),
        "back": back_of(seat, names),
        "days": days_of(agreed.days, language),
        "agreed": agreed,
        "last_day": last_day(agreed.until, language),
        "only": next(iter(names.values())) if len(seat.seats) == 1 else "",
        "is_for_all": seat.is_for_all,
        "weekdays": weekdays(language),
        "given": {**usual, **(typed or {})},
        "fields": _FIELDS,
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    return page_again(request, "witnesses/days.html", context, fault)


_PATH = "/desk/witnesses/{witness_id:uuid}/days"

routes = [Route(_PATH, show, methods=["GET"]), Route(_PATH, save, methods=["POST"])]
