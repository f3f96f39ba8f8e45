"""A child's phone: the code that pairs it, the phones that are let in, and its manifest."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.auth import pairing
from server.auth.api import link_to
from server.auth.models import Device
from server.auth.redirects import qr, to
from server.auth.rules import spaced
from server.people.access import desk_child, now_of, staff_of, visitor_or_none
from server.people.models import Agency, Person
from server.people.rules import Action, Role
from server.people.words import entered
from server.web.rendering import language_of, page
from server.web.requests import form_body
from server.web.responses import json_answer


async def manifest(request: Request) -> Response:
    """What the phone shows under the icon: the agency's choice, never the organisation behind
    it."""
    visitor = await visitor_or_none(request)
    name = request.app.state.settings.display_name
    language = language_of(request)
    if visitor is not None:
        agency = await Agency.get(id=visitor.agency_id)
        name = agency.display_name or name
    document = {
        "id": "/app/",
        "name": name,
        "short_name": name,
        "start_url": "/app/",
        "scope": "/app/",
        "display": "standalone",
        "lang": language,
        "dir": "auto",
        "background_color": "#FBF8F3",
        "theme_color": "#FBF8F3",
        "icons": [
            {"src": "/app/icons/planner-192.png", "sizes": "192x192", "type": "image/png"},
            {"src": "/app/icons/planner-512.png", "sizes": "512x512", "type": "image/png"},
            {
                "src": "/app/icons/maskable-192.png",
                "sizes": "192x192",
                "type": "image/png",
                "purpose": "maskable",
            },
            {
                "src": "/app/icons/maskable-512.png",
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "maskable",
            },
        ],
    }
    answer = json_answer(document, headers={"cache-control": "private, no-cache"})
    answer.headers["content-type"] = "application/manifest+json"
    return answer


async def invitation(request: Request) -> Response:
    """Before the code is made: what it does, and whether an old phone was lost."""
    child, _ = await desk_child(request, Action.INVITE)
    context = {
        "child": await Person.get(id=child.id),
        "devices": await pairing.devices_of(child.id),
        "made": None,
        "now": now_of(request),
    }
    return page(request, "auth/invite.html", context)


async def invite(request: Request) -> Response:
    """The code, to show or print. It is in no address, and shown this once."""
    child, _ = await desk_child(request, Action.INVITE)
    form = await form_body(request)
    person = await Person.get(id=child.id)
    now = now_of(request)
    made = await pairing.invite(
        await staff_of(request), person, replace=entered(form, "replace") == "true", now=now
    )
    link = link_to(request, made.code)
    context = {
        "child": person,
        "devices": await pairing.devices_of(child.id),
        "made": made,
        "code": spaced(made.code),
        "link": link,
        "qr": qr(link),
        "now": now,
    }
    return page(request, "auth/invite.html", context, status=201)


async def devices(request: Request) -> Response:
    """The phones of a child: those that are let in, and those that were."""
    child, roles = await desk_child(request, Action.DEVICES_SEE)
    blocked = Device.filter(person_id=child.id, shut_out_at__isnull=False)
    context = {
        "child": await Person.get(id=child.id),
        "live": await pairing.devices_of(child.id),
        "gone": await blocked.order_by("-shut_out_at", "id").limit(50),
        "may_invite": Role.CASEWORKER in roles,
        "now": now_of(request),
    }
    return page(request, "auth/devices.html", context)


async def shut_out(request: Request) -> Response:
    """Block one phone."""
    child, _ = await desk_child(request, Action.DEVICES_SHUT_OUT)
    device = await pairing.device_of(child.id, request.path_params["device_id"])
    await pairing.shut_out(await staff_of(request), device, now_of(request))
    return to(f"/desk/children/{child.id}/devices")


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route("/app/manifest.webmanifest", manifest, methods=["GET"]),
    Route(f"{_CHILD}/invite", invitation, methods=["GET"]),
    Route(f"{_CHILD}/invite", invite, methods=["POST"]),
    Route(f"{_CHILD}/devices", devices, methods=["GET"]),
    Route(f"{_CHILD}/devices/{{device_id:uuid}}/shut-out", shut_out, methods=["POST"]),
]
