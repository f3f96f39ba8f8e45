"""A child as their advocate sees them: until when, and whether adults have been called, where the
child lets them know."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from starlette.requests import Request

from server.advocates.reading import ends_of
from server.advocates.rules import last_moment
from server.alerts.models import Alert
from server.i18n import N_, gettext
from server.people.access import Roles, now_of, staff_of
from server.people.models import Person
from server.watch.wording import when
from server.web.rendering import language_of, zone_of


class Card(msgspec.Struct, frozen=True):
    """One child. `alert` is a sentence; empty where there is none, or the child keeps it back.
    `tells_alerts`: whether the child lets the advocate know."""

    id: UUID
    name: str
    last: datetime | None
    tells_alerts: bool
    alert: str


async def cards(request: Request, roles: Mapping[UUID, Roles]) -> list[Card]:
    """These children, by name."""
    if not roles:
        return []
    me, now = (await staff_of(request)).person_id, now_of(request)
    ends = await ends_of(me, roles, now)
    alerts = await _alerts(request, [id_ for id_, (_, tells) in ends.items() if tells])
    names = dict(await Person.filter(id__in=list(ends)).values_list("id", "name"))
    made = [
        Card(id_, names[id_], until_at and last_moment(until_at), tells, alerts.get(id_, ""))
        for id_, (until_at, tells) in ends.items()
    ]
    return sorted(made, key=lambda card: (not card.alert, card.name.casefold()))


async def _alerts(request: Request, children: list[UUID]) -> dict[UUID, str]:
    """That adults have been called, since when, and who has it. Never why: the reason may be a sign
    that only few people know."""
    agency_id = (await staff_of(request)).agency_id
    held = await Alert.filter(
        agency_id=agency_id, child_id__in=children, closed_at__isnull=True
    ).order_by("-opened_at")
    holders = {alert.acknowledged_by for alert in held if alert.acknowledged_by is not None}
    names = dict(await Person.filter(id__in=list(holders)).values_list("id", "name"))
    # The earliest of several is last.
    return {alert.child_id: _sentence(request, alert, names) for alert in held}


def _sentence(request: Request, alert: Alert, names: Mapping[UUID, str]) -> str:
    language, now = language_of(request), now_of(request)
    since = when(language, alert.opened_at, zone_of(request), now)
    name = names.get(alert.acknowledged_by) if alert.acknowledged_by and alert.held_until else None
    if name is None:
        return gettext(language, N_("An alert has been open since {time}."), time=since)
    return gettext(
        language, N_("An alert has been open since {time}. With {name}."), time=since, name=name
    )
