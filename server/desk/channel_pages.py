"""What was sent, to oneself and by each channel, and whether it arrived."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.alerts.sent import reason_word, sent_to
from server.errors import NotFound
from server.i18n import supported_language
from server.notify.actions import last_resorts
from server.notify.arrivals import arrived, read_arrived
from server.notify.channel_counts import (
    Counted,
    broken_channels,
    counted,
    silent_channels,
    unsent,
)
from server.notify.models import Message
from server.notify.wording import channel_title
from server.people.access import agency_for, now_of, staff_of
from server.people.rules import AgencyAction
from server.web.rendering import language_of, page

# As many as one reads to see what happened last night.
LATEST = 50
SPANS = (("day", timedelta(days=1)), ("week", timedelta(days=7)))


async def mine(request: Request) -> Response:
    """The latest messages to me, and what became of each."""
    visitor, language = await staff_of(request), language_of(request)
    context = {
        "sent": await sent_to(visitor.person_id, language, LATEST),
        "most": LATEST,
        "now": now_of(request),
    }
    return page(request, "desk/mine.html", context)


async def channels(request: Request) -> Response:
    """How each channel does: counts and codes. No content, and nothing of a child."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_SEE)
    now, names = now_of(request), list(request.app.state.channels)
    assert visitor.agency_id is not None
    broken, silent = await broken_channels(names, now), await silent_channels(now)
    sums = {word: await counted(visitor.agency_id, names, now - span) for word, span in SPANS}
    lines = [
        {
            "word": channel_title(name, language_of(request)),
            "is_broken": name in broken,
            "is_silent": name in silent,
            "day": _shown(sums["day"][name], request),
            "week": _shown(sums["week"][name], request),
        }
        for name in names
    ]
    context = {
        "lines": lines,
        "unsent": {
            word: _in_words(await unsent(visitor.agency_id, now - span), request)
            for word, span in SPANS
        },
        "now": now,
        "has_support": last_resorts() > 0,
    }
    return page(request, "desk/channels.html", context)


def _in_words(codes: Iterable[tuple[str, int]], request: Request) -> list[tuple[str, int]]:
    return [(reason_word(code, language_of(request)), n) for code, n in codes]


def _shown(counts: Counted, request: Request) -> dict[str, Any]:
    return {
        "attempts": counts.attempts,
        "accepted": counts.accepted,
        "shown": counts.shown,
        "codes": _in_words(counts.codes, request),
    }


async def show_arrived(request: Request) -> Response:
    """The link of a test message. Looking says nothing: machines look at links too."""
    try:
        message = await read_arrived(request.path_params["arrival"])
    except NotFound:
        return _arrival_page(request, None, "over")
    return _arrival_page(request, message, "ask" if message.seen_at is None else "done")


async def say_arrived(request: Request) -> Response:
    """It has arrived. A second tap changes nothing."""
    try:
        message = await arrived(request.path_params["arrival"], now_of(request))
    except NotFound:
        return _arrival_page(request, None, "over")
    return _arrival_page(request, message, "done")


def _arrival_page(request: Request, message: Message | None, state: str) -> Response:
    context = {"state": state, "display_name": request.app.state.settings.display_name}
    person: Any = message.person if message is not None else None
    if person is not None:
        context["language"] = supported_language(person.language)
        context["display_name"] = person.agency.display_name or context["display_name"]
    status = 404 if state == "over" else 200
    return page(request, "desk/arrived.html", context, status=status)


routes = [
    Route("/desk/settings/messages", mine, methods=["GET"]),
    Route("/desk/people/channels", channels, methods=["GET"]),
    Route("/arrived/{arrival}", show_arrived, methods=["GET"]),
    Route("/arrived/{arrival}", say_arrived, methods=["POST"]),
]
