"""Pages of the desk: who says whether a child came, and one such witness with the list of today."""

from collections.abc import Mapping, Set
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused, WaymarkError
from server.i18n import N_, NAMES, gettext
from server.notify.channels.configured import typed_channels
from server.notify.rules import EMAIL
from server.notify.wording import channel_title
from server.people.access import Roles, Visitor, desk_child, nothing_here, now_of, staff_of
from server.people.children_access import children_for
from server.people.models import Child, Person
from server.people.rules import Action, Role
from server.people.settings_pages import check_address
from server.people.words import entered, form_fault
from server.policy.roll_call import Word
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body, form_day, form_id
from server.web.responses import page_again
from server.witnesses import actions, lists, reading, register, rules
from server.witnesses.models import Witness, WitnessChild
from server.witnesses.words import KINDS, WORDS, days_of, kinds, last_day, taken, weekdays

_TYPED = (
    *("witness", "kind", "name", "channel", "address", "language", "at", "until", "known_as"),
    "wants",
)
_FIELDS = (*_TYPED, "days")
DONE: Mapping[str, str] = {
    "added": N_("Saved. We ask them from the next agreed day on."),
    "ended": N_("We do not ask them any more."),
    "changed": N_("Saved. We ask them on the new days."),
}


async def of_child(request: Request) -> Response:
    """Who is asked about this child, when, and what they said last."""
    child, _ = await desk_child(request, Action.WITNESS_ARRANGE)
    return await _child_page(request, child)


async def add(request: Request) -> Response:
    """A new witness, or one we know already, is asked about this child too."""
    child, _ = await desk_child(request, Action.WITNESS_ARRANGE)
    visitor, now, form = await staff_of(request), now_of(request), await form_body(request)
    typed = {key: entered(form, key) for key in _TYPED}
    days = [text for text in form.getlist("days") if isinstance(text, str)]
    try:
        if typed["wants"] != "yes":
            raise Refused(N_("Ask the child first. Then tick this."), field="wants")
        if typed["witness"]:
            witness_id = form_id(typed["witness"], "witness")
            await _is_shared(child, witness_id)
            mine = (await _seat(request, witness_id)).answers_for
            name = typed["known_as"]
            joined = await actions.add_child(visitor, child, witness_id, name, now, mine=mine)
            return await _joined(request, child, joined)
        id_ = form_id(entered(form, "id"), "id")
        if await Witness.exists(id=id_, agency_id=child.agency_id):
            return RedirectResponse(rules.path_of(id_), status_code=303)
        zone = (await Person.get(id=child.id)).zone
        arranged = _arranged(request, id_, zone, typed, days)
        made = await actions.arrange(visitor, child, arranged, typed["known_as"], now)
    except Refused as fault:
        return await _child_page(request, child, {**typed, "days": days}, fault)
    return _shown_once(request, made.witness, _path(child.id), pin=made.pin)


async def _joined(request: Request, child: Child, joined: actions.Joined) -> Response:
    if not (joined.pin or joined.register):
        return _to(child.id, "added")
    witness, person = await Witness.get(id=joined.seat.witness_id), await Person.get(id=child.id)
    shown = {"pin": joined.pin, "token": joined.register, "joined": person.name}
    return _shown_once(request, witness, _path(child.id), **shown)


async def _is_shared(child: Child, witness_id: UUID) -> None:
    """A mentor or a lawyer of another child is not to be seen, or asked, about this one."""
    if witness_id not in {witness.id for witness in await reading.shared(child.agency_id)}:
        raise Refused(N_("Choose one from the list."), field="witness")


def _arranged(
    request: Request, id_: UUID, zone: str, typed: Mapping[str, str], days: list[str]
) -> actions.Arranged:
    if typed["kind"] not in set(rules.Kind):
        raise Refused(N_("Choose one from the list."), field="kind")
    if not typed["name"]:
        raise Refused(N_("Enter a name."), field="name")
    check_address(request, typed["channel"], typed["address"])
    return actions.Arranged(
        id=id_,
        zone=zone,
        kind=rules.Kind(typed["kind"]),
        name=typed["name"],
        channel=typed["channel"],
        address=typed["address"],
        language=typed["language"],
        days=rules.read_days(days),
        at=rules.read_time(typed["at"]),
        until=read_until(typed["until"]),
    )


def read_until(text: str) -> date | None:
    """The last day of a form; None where it is left empty. Raises Refused, field `until`."""
    return form_day(text, "until") if text else None


async def remove(request: Request) -> Response:
    """This witness is not asked about the child any more."""
    child, _ = await desk_child(request, Action.WITNESS_ARRANGE)
    visitor, witness_id = await staff_of(request), request.path_params["witness_id"]
    await actions.end_child(visitor, child, witness_id, now_of(request))
    return _to(child.id, "ended")


def _path(child_id: UUID) -> str:
    return f"/desk/children/{child_id}/witnesses"


def _to(child_id: UUID, done: str) -> Response:
    return RedirectResponse(f"{_path(child_id)}?done={done}", status_code=303)


class Asked(msgspec.Struct, frozen=True):
    """A witness of a child, as a row: who, when, and what they said last."""

    id: UUID
    name: str
    kind: str
    days: str
    at: str
    until: str
    known_as: str
    last: str
    new: list[reading.New]


async def _child_page(
    request: Request,
    child: Child,
    typed: Mapping[str, Any] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, now = language_of(request), now_of(request)
    seats = await reading.of_child(child.id, now)
    held = {seat.witness_id for seat in seats}
    channels = typed_channels(request.app.state.settings)
    usual = {"id": str(uuid4()), "days": ["0", "1", "2", "3", "4"], "at": "08:45"}
    context = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "rows": await _rows(request, child, seats),
        "known": [
            (witness.id, witness.name)
            for witness in await reading.shared(child.agency_id)
            if witness.id not in held
        ],
        "kinds": kinds(language),
        "channels": [(name, channel_title(name, language)) for name in channels],
        "languages": list(NAMES.items()),
        "weekdays": weekdays(language),
        "given": {**dict.fromkeys(_FIELDS, ""), "channel": EMAIL, **usual, **(typed or {})},
        "fields": _FIELDS,
        "error": form_fault(fault, language) if fault is not None else None,
        "done": _done(request),
        "now": now,
    }
    return page_again(request, "witnesses/child.html", context, fault)


async def _rows(request: Request, child: Child, seats: Any) -> list[Asked]:
    language, now, zone = language_of(request), now_of(request), zone_of(request)
    last = await reading.last_of_child(child.id, [seat.witness_id for seat in seats])
    new = await reading.new_of([seat.witness for seat in seats])
    rows = []
    for seat in seats:
        witness, word = seat.witness, last.get(seat.witness_id)
        says = gettext(language, WORDS[Word(word.word)]) if word is not None else ""
        rows.append(
            Asked(
                witness.id,
                witness.name,
                gettext(language, KINDS[rules.Kind(witness.kind)]),
                days_of(witness.days, language),
                witness.at,
                last_day(witness.until_on, language),
                seat.known_as,
                f"{says} · {when(language, word.said_at, zone, now)}" if word is not None else "",
                new.get(witness.id, []),
            )
        )
    return rows


def _done(request: Request) -> str | None:
    code = request.query_params.get("done", "")
    return gettext(language_of(request), DONE[code]) if code in DONE else None


# --- one witness


class Seat(msgspec.Struct, frozen=True):
    """A witness, and the children of its list whose pages the visitor may read."""

    visitor: Visitor
    witness: Witness
    seats: list[WitnessChild]
    mine: Mapping[UUID, Roles]

    @property
    def is_for_all(self) -> bool:
        """Whether this may end or change it for all: nobody does that to a colleague's child."""
        return (
            self.answers_for is None or {seat.child_id for seat in self.seats} <= self.answers_for
        )

    @property
    def answers_for(self) -> Set[UUID] | None:
        """Of a list the children of this visitor; None: a supervisor answers for every child."""
        return None if self.visitor.role == Role.SUPERVISOR else self.mine.keys()


async def seat_of(request: Request) -> Seat:
    seat = await _seat(request, request.path_params["witness_id"])
    if not seat.mine:
        raise nothing_here()
    return seat


async def _seat(request: Request, witness_id: UUID) -> Seat:
    visitor, now = await staff_of(request), now_of(request)
    held = Witness.filter(id=witness_id, agency_id=visitor.agency_id)
    witness = await held.filter(ended_at__isnull=True).first()
    if witness is None:
        raise nothing_here()
    seats = list(await reading.seats_of(witness.id, now))
    among = [seat.child_id for seat in seats]
    mine = await children_for(request, Action.WITNESS_ARRANGE, among=among) if among else {}
    return Seat(visitor, witness, seats, mine)


async def show(request: Request) -> Response:
    """When they are asked, what they said today, and what can be changed."""
    return await _page(request, await seat_of(request))


async def hand_in(request: Request) -> Response:
    """The register of today as a file. What was not matched is shown."""
    seat, now = await seat_of(request), now_of(request)
    form = await form_body(request, files=1)
    try:
        today = now.astimezone(reading.zone_of(seat.witness)).date()
        rules.check_day(form_day(entered(form, "day"), "day"), today)
        lines = register.read_file(await _file(form), today)
        id_ = form_id(entered(form, "id"), "id")
        named = {each.child_id for each in await reading.seats_of_day(seat.witness, now)}
        mine = await children_for(request, Action.WITNESS_ARRANGE, among=named)
        _, matched = await lists.hand_in(
            seat.visitor, seat.witness, lines, id_=id_, now=now, among=mine
        )
    except Refused as fault:
        return await _page(request, seat, {"day": entered(form, "day")}, fault)
    finally:
        await form.close()
    return await _page(request, seat, {"matched": matched})


async def _file(form: FormData) -> bytes:
    upload = form.get("register")
    if isinstance(upload, str) and upload.strip():
        return upload.encode()  # Typed as text: a script may send it so.
    if not isinstance(upload, UploadFile) or not upload.size:
        raise Refused(N_("Choose the file with the register."), field="register")
    return await upload.read()


async def new_pin(request: Request) -> Response:
    """Another PIN, shown once."""
    seat = await seat_of(request)
    try:
        now, mine = now_of(request), seat.answers_for
        pin = await actions.new_pin(seat.visitor, seat.witness, now, mine=mine)
    except Refused as fault:
        return await _page(request, seat, {}, fault)
    return _shown_once(request, seat.witness, rules.path_of(seat.witness.id), pin=pin)


async def new_address(request: Request) -> Response:
    """Another secret address for the register, shown once."""
    seat = await seat_of(request)
    try:
        now, mine = now_of(request), seat.answers_for
        token = await actions.new_register(seat.visitor, seat.witness, now, mine=mine)
    except Refused as fault:
        return await _page(request, seat, {}, fault)
    return _shown_once(request, seat.witness, rules.path_of(seat.witness.id), token=token)


def _shown_once(
    request: Request,
    witness: Witness,
    back: str,
    *,
    pin: str | None = None,
    token: str | None = None,
    joined: str | None = None,
) -> Response:
    """A PIN, an address, or both; and the name of the child who joined."""
    address = f"{request.app.state.settings.public_url}/inbound/register/{token}" if token else ""
    context = {"witness": witness, "back": back, "pin": pin, "address": address, "joined": joined}
    return page(request, "witnesses/once.html", context, status=201)


async def end(request: Request) -> Response:
    """They left, or the agreement is over: they are not asked about anyone any more."""
    seat = await seat_of(request)
    try:
        now, mine = now_of(request), seat.answers_for
        await actions.end(seat.visitor, seat.witness, now, mine=mine)
    except Refused as fault:
        return await _page(request, seat, {}, fault)
    return _to(min(seat.mine), "ended")


async def _page(
    request: Request,
    seat: Seat,
    given: Mapping[str, Any] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language, now, witness = language_of(request), now_of(request), seat.witness
    zone = reading.zone_of(witness)
    sheet = await reading.list_of_day(witness, now)
    lines = await reading.lines_of(sheet, now) if sheet is not None else []
    names = dict(await Person.filter(id__in=list(seat.mine)).values_list("id", "name"))
    context = {
        "witness": witness,
        "path": rules.path_of(witness.id),
        "kind": gettext(language, KINDS[rules.Kind(witness.kind)]),
        "days": days_of(witness.days, language),
        "until": last_day(witness.until_on, language),
        "sheet": sheet,
        "lines": [(names[line.child_id], line) for line in lines if line.child_id in names],
        "words": {word.value: gettext(language, text) for word, text in WORDS.items()},
        "has_register": rules.Kind(witness.kind) in rules.SHARED,
        "back": back_of(seat, names),
        "others": len(seat.seats) - len(seat.mine),
        "is_for_all": seat.is_for_all,
        "new": (await reading.new_of([witness])).get(witness.id, []),
        "done": _done(request),
        "given": {"id": str(uuid4()), "day": f"{now.astimezone(zone):%Y-%m-%d}", **(given or {})},
        "taken": taken((given or {}).get("matched"), language),
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now,
    }
    return page_again(request, "witnesses/witness.html", context, fault)


def back_of(seat: Seat, names: Mapping[UUID, str]) -> tuple[str, str]:
    """The page of the first child there, and their name."""
    first = min(seat.mine)
    return _path(first), names[first]


_CHILD = "/desk/children/{child_id:uuid}/witnesses"
_WITNESS = "/desk/witnesses/{witness_id:uuid}"

routes = [
    Route(_CHILD, of_child, methods=["GET"]),
    Route(_CHILD, add, methods=["POST"]),
    Route(f"{_CHILD}/{{witness_id:uuid}}/end", remove, methods=["POST"]),
    Route(_WITNESS, show, methods=["GET"]),
    Route(f"{_WITNESS}/register", hand_in, methods=["POST"]),
    Route(f"{_WITNESS}/pin", new_pin, methods=["POST"]),
    Route(f"{_WITNESS}/address", new_address, methods=["POST"]),
    Route(f"{_WITNESS}/end", end, methods=["POST"]),
]
