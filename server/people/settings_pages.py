"""The reader's own settings: the language, and where messages go."""

from collections.abc import Sequence
from uuid import UUID

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused, TooMany, WaymarkError
from server.i18n import N_
from server.notify.address_verification import codes_of, enter_address
from server.notify.addresses import drop_address
from server.notify.channels.configured import typed_channels
from server.notify.contact_routes import NOWHERE, ways_of, wishes_of
from server.notify.models import Address, Preference
from server.notify.refused_addresses import given_up
from server.notify.rules import EMAIL, PUSH
from server.notify.wording import channel_title
from server.people import actions
from server.people.access import Visitor, now_of, staff_of
from server.people.models import Agency, Person
from server.people.words import entered, form_fault
from server.phone_numbers import read_number
from server.web.proof import is_proved, require_proof, way_to_proof
from server.web.rendering import language_of, page
from server.web.requests import form_body

SMS = "sms"
_ADDRESSES = "/desk/settings#addresses"
# What the forms of the page show at first.
_EMPTY = {"address": "", "code_of": ""}


async def settings(request: Request) -> Response:
    """My language, and how I can be reached."""
    visitor = await staff_of(request)
    return await settings_page(request, visitor, typed=await _to_correct(request, visitor))


async def _to_correct(request: Request, visitor: Visitor) -> dict[str, str]:
    """An address of mine that refuses what is sent, in the form, so that I change one letter."""
    try:
        id_ = UUID(request.query_params.get("correct", ""))
    except ValueError:
        return {}
    mine = Address.filter(id=id_, person_id=visitor.person_id).exclude(channel=PUSH)
    address = await mine.first()
    return {"channel": address.channel, "address": address.value} if address is not None else {}


def _back(request: Request) -> str:
    try:
        return f"/desk/settings?correct={UUID(request.query_params['correct'])}#address"
    except (KeyError, ValueError):
        return _ADDRESSES


async def change_language(request: Request) -> Response:
    """Change the reader's language."""
    visitor = await staff_of(request)
    language = entered(await form_body(request), "language")
    try:
        await actions.set_language(visitor, visitor.person_id, language, now_of(request))
    except Refused as fault:
        return await settings_page(request, visitor, fault=fault)
    return _to("/desk/settings?saved=language")


async def change_phone(request: Request) -> Response:
    """Change the number at which colleagues call the reader."""
    visitor = await staff_of(request)
    phone = entered(await form_body(request), "phone")
    try:
        await actions.set_phone(visitor, visitor.person_id, phone, now_of(request))
    except Refused as fault:
        return await settings_page(request, visitor, typed={"phone": phone}, fault=fault)
    return _to("/desk/settings?saved=phone")


async def add_mail(request: Request) -> Response:
    """Add an address, for messages by e-mail or another channel of the installation. A person who
    finds an open session must not lead its messages elsewhere."""
    visitor = await staff_of(request)
    require_proof(request, _ADDRESSES)
    form = await form_body(request)
    channel, value = channel_of(request, form), entered(form, "address")
    try:
        check_address(request, channel, value)
        address = await enter_address(visitor, visitor.person_id, channel, value, now_of(request))
    except (Refused, TooMany) as fault:
        return await settings_page(
            request, visitor, typed={"channel": channel, "address": value}, fault=fault
        )
    saved = "known" if address.has_answered else "code"
    return _to(f"/desk/settings?saved={saved}#address-{address.id}")


async def drop_mail(request: Request) -> Response:
    """Remove an address."""
    visitor = await staff_of(request)
    require_proof(request, _ADDRESSES)
    address_id = request.path_params["address_id"]
    await drop_address(visitor, visitor.person_id, address_id, now_of(request))
    return _to("/desk/settings?saved=address")


async def settings_page(
    request: Request,
    visitor: Visitor,
    *,
    typed: dict[str, str] | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    """The reader's own settings; after a fault, with what they typed."""
    person, now = await Person.get(id=visitor.person_id), now_of(request)
    addresses = await Address.filter(person_id=person.id, dropped_at__isnull=True).order_by("id")
    channels = typed_channels(request.app.state.settings)
    ways = (await ways_of({person.id}, now)).get(person.id, NOWHERE)
    wish, language = (await wishes_of({person.id})).get(person.id), language_of(request)
    context = {
        "person": person,
        "ways": [
            {"word": channel_title(name, language), "earlier": _earlier(ways.proven, place)}
            for place, name in enumerate(ways.proven)
        ],
        "agency": await Agency.get(id=person.agency_id),
        "addresses": addresses,
        "codes": await codes_of(addresses),
        "given_up": await given_up(person.id, now),
        "channels": channels,
        "channel_choices": [(name, channel_title(name, language)) for name in channels],
        "given": {**_wished(wish), **_EMPTY, "channel": "".join(channels[:1]), **(typed or {})},
        "prove_at": None if is_proved(request) else way_to_proof(_back(request)),
        "saved": request.query_params.get("saved", ""),
        "error": form_fault(fault, language) if fault else None,
        "now": now,
    }
    status = fault.status if fault is not None else 200
    return page(request, "people/settings.html", context, status=status)


def _wished(wish: Preference | None) -> dict[str, str]:
    names = ("quiet_from", "quiet_until", "digest_at")
    return {name: (getattr(wish, name) if wish is not None else None) or "" for name in names}


def _earlier(channels: Sequence[str], place: int) -> str:
    """The whole order in which this channel has changed places with the one before it, so that a
    button pressed twice asks for the same."""
    order = list(channels)
    if place:
        order[place - 1 : place + 1] = [order[place], order[place - 1]]
    return " ".join(order)


def channel_of(request: Request, form: FormData) -> str:
    """The channel of a form, which does not ask where there is but one."""
    return entered(form, "channel") or next(iter(typed_channels(request.app.state.settings)), EMAIL)


def check_address(request: Request, channel: str, value: str) -> None:
    """Raises Refused for a value that cannot be an address of that channel."""
    if channel not in typed_channels(request.app.state.settings):
        if channel == EMAIL:
            raise Refused(N_("This server cannot send email. Ask IT support."))
        raise Refused(N_("Choose a channel from the list."), field="channel")
    if channel == "email" and not is_mail_address(value):
        raise Refused(N_("Enter an email address such as name@example.org."), field="address")
    if read_number(value) is not None:
        return
    if channel == SMS:
        raise Refused(N_("Enter a phone number such as +33 1 23 45 67 89."), field="address")
    if not _is_address(value):
        raise Refused(N_("Enter only the address or number."), field="address")


def _is_address(value: str) -> bool:
    return 0 < len(value) <= 254 and value.isprintable() and "://" not in value


def is_mail_address(value: str) -> bool:
    """Whether mail can be tried there; the test alarm shows whether it arrives."""
    local, _, host = value.rpartition("@")
    is_plain = value.isprintable() and not any(char in value for char in " <>,;:\"'()[]\\")
    return is_plain and bool(local) and "." in host.strip(".") and host == host.strip(".")


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


routes = [
    Route("/desk/settings", settings, methods=["GET"]),
    Route("/desk/settings/language", change_language, methods=["POST"]),
    Route("/desk/settings/phone", change_phone, methods=["POST"]),
    Route("/desk/settings/addresses", add_mail, methods=["POST"]),
    Route("/desk/settings/addresses/{address_id:uuid}/drop", drop_mail, methods=["POST"]),
]
