"""What became of a call for help, for the phone that sent it.

Each word follows from a stored row: nobody is "called" without a message that can still arrive or
went out, and nobody "has it" before they took it. It knows no alert but one for help, so that it
reads the same whatever else adults do about the child.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from tortoise.expressions import Q

from server.alerts.climbing import CALLING
from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.checkin.models import CheckIn
from server.checkin.rules import Want
from server.notify.models import Message
from server.notify.rules import NONE
from server.people.access import now_of, own_child, visitor_of
from server.people.models import Child, Person
from server.people.rules import Action
from server.plan.paper.wall_page import first_of
from server.web.openapi import api
from server.web.responses import json_answer

# After that, a person who finds the phone reads nothing of it.
FADES_AFTER = timedelta(hours=2)
_MOST = 100
# What is to arrive, or went out.
_IN_HAND = ("waiting", "sending", "done")


class HelpOut(msgspec.Struct):
    """A call for help. `calling`: `who` are the first names of the adults we call; empty where
    none of them is known by name. `taken`: that adult has it `since` then, which may be before
    this call. `unreached`: no message could go out to anyone. `over`: closed `since` then.
    `sent_at`: when a message about it last went out."""

    id: UUID
    received_at: datetime
    stage: Literal["calling", "taken", "unreached", "over"]
    who: list[str]
    since: datetime | None
    sent_at: datetime | None


class HelpAnswer(msgspec.Struct):
    """The last call for help that this phone sent within two hours; null: none."""

    call: HelpOut | None


async def help_called(request: Request) -> Response:
    """What became of my call for help."""
    child, _ = await own_child(request, Action.CHECK_IN)
    visitor, now = await visitor_of(request), now_of(request)
    call = None
    if visitor.device_id is not None:
        calls = CheckIn.filter(
            child_id=child.id,
            received_at__gt=now - FADES_AFTER,
            device_id=visitor.device_id,
            want=Want.HELP.value,
        )
        call = await calls.order_by("-received_at").first()
    return json_answer(HelpAnswer(await _out(call, child, now) if call is not None else None))


async def _out(call: CheckIn, child: Child, now: datetime) -> HelpOut:
    of_help = Alert.filter(
        Q(closed_at__isnull=True) | Q(closed_at__gte=call.received_at),
        child_id=child.id,
        cause=Cause.HELP.value,
    )
    # A later one is about a later call, by another way.
    alert = await of_help.order_by("opened_at").first()
    if alert is None:
        return HelpOut(call.id, call.received_at, "unreached", [], None, None)
    rows = Message.filter(subject_id=alert.id, kind__in=list(CALLING), state__in=list(_IN_HAND))
    messages = await rows.exclude(channel=NONE).order_by("-queued_at").limit(_MOST)
    sent_at = max((row.done_at for row in messages if row.done_at is not None), default=None)
    stage, people, since = _stage(alert, messages, now)
    who = await _first_names(people, child.agency_id)
    return HelpOut(call.id, call.received_at, stage, who, since, sent_at)


def _stage(
    alert: Alert, messages: Sequence[Message], now: datetime
) -> tuple[Literal["calling", "taken", "unreached", "over"], list[UUID], datetime | None]:
    """Where it is, which people that is about, and since when."""
    if alert.closed_at is not None:
        return "over", [], alert.closed_at
    if alert.acknowledged_by is not None and alert.has_until and alert.has_until > now:
        return "taken", [alert.acknowledged_by], alert.acknowledged_at
    if not messages:
        return "unreached", [], None
    oldest_first = [row.person_id for row in reversed(messages) if row.person_id is not None]
    return "calling", list(dict.fromkeys(oldest_first)), None


async def _first_names(people: Sequence[UUID], agency_id: UUID) -> list[str]:
    """In this order. A full name leads to an agency by one search."""
    rows = Person.filter(id__in=list(people), agency_id=agency_id)
    names = dict(await rows.values_list("id", "name"))
    return [first_of(names[id_]) for id_ in people if id_ in names]


routes = [
    api(
        "GET",
        "/api/v1/me/help",
        help_called,
        "What became of my call for help",
        gives={200: HelpAnswer},
    ),
]
