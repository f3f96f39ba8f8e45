"""A child goes to another agency, at the desk: the code, the offer, what went along."""

from typing import Any
from uuid import uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Conflict, NotFound, Refused, WaymarkError
from server.i18n import N_, NAMES, gettext
from server.people.access import agency_for, child_for, now_of, staff_of
from server.people.desk_forms import id_of, id_or_new
from server.people.models import Child, Home, Person
from server.people.rules import PROFESSIONAL, Action, AgencyAction, Role
from server.people.ties import unsupervised
from server.people.words import entered, form_fault
from server.policy.model import Tier
from server.records.transfer import acceptance, actions
from server.records.transfer import reception as receptions
from server.records.transfer.acceptance import HELLO, Acceptance
from server.records.transfer.access import (
    Side,
    cover_of,
    list_for,
    named,
    own_reception,
    to_answer,
    to_take_back,
    transfer_for,
)
from server.records.transfer.actions import Offer
from server.records.transfer.models import Reception, Transfer
from server.records.transfer.rules import LONGEST, Because, State, Withheld
from server.records.transfer.words import BECAUSE, STATES, clock, withheld_in_words
from server.watch.wording import TIERS, when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body
from server.web.responses import page_again

LINES = 3  # Empty lines for what must be withheld.


# --- all of them, and the code


async def list_(request: Request) -> Response:
    """The transfers in which the reader has a part, and the code to tell by telephone."""
    return await _list(request)


async def receive(request: Request) -> Response:
    """Make a code; the one before ends."""
    visitor = await agency_for(request, AgencyAction.CHILD_TAKE_OVER)
    await receptions.receive(visitor, id_or_new(await form_body(request)), now_of(request))
    return RedirectResponse("/desk/transfers", status_code=303)


async def _list(request: Request) -> Response:
    transfers = await list_for(request)
    language, now, zone = language_of(request), now_of(request), zone_of(request)
    rows = []
    for transfer, side in transfers:
        names = await named(transfer)
        rows.append(
            {
                "id": transfer.id,
                "child": names.child,
                "agency": names.agency if side.decides or side.has else names.to_agency,
                "is_ours": side.gives or side.gave,
                "state": gettext(language, STATES[State(transfer.state)]),
                "waits": side.decides and transfer.state == State.OFFERED,
                "at": transfer.decided_at or transfer.offered_at,
            }
        )
    reception = await own_reception(await staff_of(request), now)
    context = {
        "rows": rows,
        "reception": reception,
        "code": _spelt(reception) if reception is not None else "",
        "id": uuid4(),
        "shown": lambda at: when(language, at, zone, now),
        "now": now,
    }
    return page(request, "records/transfer/transfers.html", context)


def _spelt(reception: Reception) -> str:
    """In two halves, as people read it out."""
    half = len(reception.code) // 2
    return f"{reception.code[:half]} {reception.code[half:]}"


# --- the offer


async def offer_form(request: Request) -> Response:
    """The form: the code of the other agency; and, where the code is known, the rest."""
    child, _ = await _child(request)
    return await _offer_form(request, child)


async def offer(request: Request) -> Response:
    """They are asked now."""
    child, _ = await _child(request)
    visitor, form = await staff_of(request), await form_body(request)
    try:
        terms = Offer(entered(form, "why"), entered(form, "child_says") or None, _withheld(form))
        made = await actions.offer(
            visitor, child, entered(form, "code"), terms, id=id_or_new(form), now=now_of(request)
        )
    except WaymarkError as fault:
        return await _offer_form(request, child, form, fault)
    return RedirectResponse(f"/desk/transfers/{made.id}", status_code=303)


async def _child(request: Request) -> tuple[Child, frozenset[Role]]:
    await staff_of(request)
    child, roles = await child_for(
        request, request.path_params["child_id"], Action.PLACEMENT_CHANGE
    )
    return child, frozenset(roles)


def _withheld(form: FormData) -> list[Withheld]:
    """The lines with text. Raises Refused for a line without a reason."""
    withheld = []
    for what, whom, because in _lines(form):
        if not (what or whom):
            continue
        if because not in set(Because):
            raise Refused(N_("Choose why this must stay private."), field="withheld")
        withheld.append(Withheld(what, whom, Because(because)))
    return withheld


def _lines(form: FormData) -> list[tuple[str, str, str]]:
    columns = [
        [str(value).strip() for value in form.getlist(name)] for name in ("what", "whom", "because")
    ]
    return list(zip(*columns, strict=False))


async def _offer_form(
    request: Request,
    child: Child,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    lines = _lines(form) if form is not None else []
    context = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "id": entered(form, "id") if form is not None else str(uuid4()),
        "given": {
            name: entered(form, name) if form is not None else ""
            for name in ("code", "why", "child_says")
        },
        "lines": [*lines, *[("", "", "")] * (LINES - len(lines))],
        "because": [(reason.value, gettext(language, words)) for reason, words in BECAUSE.items()],
        "longest": LONGEST,
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    return page_again(request, "records/transfer/offer.html", context, fault)


# --- one of them


async def show(request: Request) -> Response:
    """The state of the transfer; for the person who is asked, the facts they need and the answer
    form."""
    return await _show(request, *await transfer_for(request))


async def accept(request: Request) -> Response:
    """The child is with us from now on."""
    transfer, side = await to_answer(request)
    visitor, form = await staff_of(request), await form_body(request)
    try:
        caseworker = id_of(entered(form, "caseworker_id"), "caseworker_id")
        if caseworker is None:
            raise Refused(N_("Choose a caseworker."), field="caseworker_id")
        given = Acceptance(
            caseworker,
            id_of(entered(form, "supervisor_id"), "supervisor_id"),
            id_of(entered(form, "home_id"), "home_id"),
            entered(form, "hello") or None,
        )
        await acceptance.accept(visitor, transfer.id, given, now_of(request))
    except Conflict as fault:
        return await _show(request, *await transfer_for(request), form, fault)
    except (Refused, NotFound) as fault:
        return await _show(request, transfer, side, form, fault)
    return RedirectResponse(f"/desk/transfers/{transfer.id}", status_code=303)


async def refuse(request: Request) -> Response:
    """We cannot."""
    transfer, side = await to_answer(request)
    form = await form_body(request)
    try:
        await actions.refuse(
            await staff_of(request), transfer.id, entered(form, "why"), now_of(request)
        )
    except (Refused, Conflict) as fault:
        return await _show(request, transfer, side, form, fault)
    return RedirectResponse(f"/desk/transfers/{transfer.id}", status_code=303)


async def take_back(request: Request) -> Response:
    """It is not offered any more."""
    transfer, side = await to_take_back(request)
    try:
        await actions.take_back(await staff_of(request), transfer.id, now_of(request))
    except Conflict as fault:
        return await _show(request, transfer, side, None, fault)
    return RedirectResponse(f"/desk/transfers/{transfer.id}", status_code=303)


async def _show(
    request: Request,
    transfer: Transfer,
    side: Side,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, now, zone = language_of(request), now_of(request), zone_of(request)
    is_open = transfer.state == State.OFFERED
    names = await named(transfer)
    context: dict[str, Any] = {
        "transfer": transfer,
        "path": f"/desk/transfers/{transfer.id}",
        "side": side,
        "is_open": is_open,
        "names": names,
        "state": gettext(language, STATES[State(transfer.state)]),
        "withheld": withheld_in_words(transfer.withheld, language),
        "shown": lambda at: when(language, at, zone, now),
        "is_unsupervised": side.has and bool(await unsupervised([transfer.child_id], now)),
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now,
    }
    if is_open and side.decides:
        context |= await _to_answer(request, transfer, form, fault)
    return page_again(request, "records/transfer/transfer.html", context, fault)


async def _to_answer(
    request: Request, transfer: Transfer, form: FormData | None, fault: WaymarkError | None
) -> dict[str, Any]:
    language, visitor = language_of(request), await staff_of(request)
    cover = await cover_of(transfer)
    staff = Person.filter(
        agency_id=transfer.to_agency_id, disabled_at__isnull=True, role__in=list(PROFESSIONAL)
    )
    people = sorted(await staff, key=lambda person: person.name)
    homes = sorted(await Home.filter(agency_id=transfer.to_agency_id), key=lambda home: home.name)
    is_supervisor = visitor.role == Role.SUPERVISOR
    given = {
        "caseworker_id": "" if is_supervisor else str(visitor.person_id),
        "supervisor_id": str(visitor.person_id) if is_supervisor else "",
        "home_id": "",
        "hello": gettext(cover.language, HELLO),
        "why": "",
    }
    if form is not None:
        given = {name: entered(form, name) for name in given}
    return {
        "cover": cover,
        "tier": gettext(language, TIERS[Tier(cover.tier)][0]) if cover.tier else "",
        "language_name": NAMES.get(cover.language, cover.language),
        "clocks": [clock(kind, at, language) for kind, at in cover.clocks],
        "workers": [(str(person.id), person.name) for person in people],
        "supervisors": [
            (str(person.id), person.name) for person in people if person.role == Role.SUPERVISOR
        ],
        "homes": [(str(home.id), home.name) for home in homes],
        "given": given,
        # Which of the two forms shows the fault.
        "is_refusing": fault is not None and fault.field == "why",
        "longest": LONGEST,
    }


_ONE = "/desk/transfers/{transfer_id:uuid}"

routes = [
    Route("/desk/transfers", list_, methods=["GET"]),
    Route("/desk/transfers", receive, methods=["POST"]),
    Route("/desk/children/{child_id:uuid}/transfer", offer_form, methods=["GET"]),
    Route("/desk/children/{child_id:uuid}/transfer", offer, methods=["POST"]),
    Route(_ONE, show, methods=["GET"]),
    Route(f"{_ONE}/accept", accept, methods=["POST"]),
    Route(f"{_ONE}/refuse", refuse, methods=["POST"]),
    Route(f"{_ONE}/back", take_back, methods=["POST"]),
]
