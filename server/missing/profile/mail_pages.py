"""The grab pack by mail: one form, then a page with the passphrase to be read out."""

from typing import Any
from uuid import uuid4

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import NotFound, Refused, WaymarkError
from server.i18n import N_, NAMES, gettext
from server.missing.profile import actions, mail
from server.missing.profile.mail import Mailing, State
from server.missing.profile.reading import Reader
from server.missing.profile.rules import Copy
from server.missing.search.entry_kinds import TO
from server.missing.search.models import Episode, PaperSent
from server.missing.search.paths import desk_episode
from server.people.access import child_for, looked, nothing_here, now_of, staff_of
from server.people.desk_forms import id_or_new
from server.people.models import Person
from server.people.rules import Action
from server.people.settings_pages import check_address
from server.people.words import entered, form_fault
from server.watch.wording import when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body

COPIES = {
    Copy.POLICE: N_("For the police: everything"),
    Copy.PARTNER: N_("For partners: only what helps to find the child"),
}
STATES = {
    State.WAITING: N_("We are sending the email."),
    State.HANDED_OVER: N_("The mail server has accepted the email."),
    State.FAILED: N_("The email was not sent. Print the page and call."),
}
_NAMES = ("id", "to", "address", "copy", "language")


async def _episode(request: Request) -> Episode:
    """For those who may read the whole pack, which is open while the child is missing."""
    episode, _ = await desk_episode(request, Action.EPISODE_WORK, by_call=True)
    await child_for(request, episode.child_id, Action.PACK_READ, by_call=True)
    return episode


async def form(request: Request) -> Response:
    """The form: who receives the page, and where."""
    return await _form(request, await _episode(request))


async def send(request: Request) -> Response:
    """It is in the outbox."""
    episode, now = await _episode(request), now_of(request)
    visitor, form = await staff_of(request), await form_body(request)
    try:
        wanted = _wanted(request, form)
        await looked(visitor, [episode.child_id], actions.LOOK_ALERTED, now)
        reader = Reader(wanted.language, zone_of(request))
        paper = await mail.send(visitor, episode, id_or_new(form), wanted, reader, now)
    except NotFound:
        raise
    except WaymarkError as fault:
        return await _form(request, episode, form, fault)
    return RedirectResponse(f"/desk/episodes/{episode.id}/mail/{paper.id}", status_code=303)


def _wanted(request: Request, form: FormData) -> Mailing:
    address = entered(form, "address")
    check_address(request, "email", address)
    copy, language = entered(form, "copy"), entered(form, "language")
    if copy not in set(Copy):
        raise Refused(N_("Choose an answer."), field="copy")
    if language not in NAMES:
        raise Refused(N_("Choose an answer."), field="language")
    return Mailing(entered(form, "to"), address, Copy(copy), language)


async def _form(
    request: Request,
    episode: Episode,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    given = dict.fromkeys(_NAMES, "") | {
        "id": str(uuid4()),
        "to": "police",
        "copy": Copy.POLICE.value,
        "language": language,
    }
    if form is not None:
        given = {name: entered(form, name) for name in _NAMES}
    context: dict[str, Any] = {
        **await _shared(request, episode),
        "given": given,
        "fields": _NAMES,
        "tos": [(code, gettext(language, words)) for code, words in TO.items()],
        "copies": [(copy.value, gettext(language, words)) for copy, words in COPIES.items()],
        "languages": list(NAMES.items()),
        "sends": request.app.state.settings.smtp_url is not None,
        "error": form_fault(fault, language) if fault is not None else None,
    }
    return page(
        request, "missing/profile/mail.html", context, status=fault.status if fault else 200
    )


async def sent(request: Request) -> Response:
    """What became of it, and what is to be read out."""
    episode, language = await _episode(request), language_of(request)
    paper = await PaperSent.get_or_none(id=request.path_params["paper_id"], episode_id=episode.id)
    if paper is None:
        raise nothing_here()
    state, at = await mail.state_of(paper)
    now, zone = now_of(request), zone_of(request)
    context = {
        **await _shared(request, episode),
        "paper": paper,
        "to": gettext(language, TO[paper.to]),
        "state": gettext(language, STATES[state]),
        "has_failed": state is State.FAILED,
        "at": None if at is None else when(language, at, zone, now),
    }
    return page(request, "missing/profile/mailed.html", context)


async def _shared(request: Request, episode: Episode) -> dict[str, Any]:
    return {
        "child": await Person.get(id=episode.child_id),
        "path": f"/desk/episodes/{episode.id}",
        "error": None,
    }


_MAIL = "/desk/episodes/{episode_id:uuid}/mail"

routes = [
    Route(_MAIL, form, methods=["GET"]),
    Route(_MAIL, send, methods=["POST"]),
    Route(f"{_MAIL}/{{paper_id:uuid}}", sent, methods=["GET"]),
]
