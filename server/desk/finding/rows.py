"""A child in a list: name, standing, home and caseworker, as far as the visitor may know them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import structs
from starlette.requests import Request

from server.desk.board.rows import group_of, look_of, shown_as
from server.desk.board.still_to_do import returns_of
from server.desk.board.view import Group
from server.i18n import gettext
from server.people.access import Roles, called_about, is_only_called, now_of
from server.people.finding.scope import Scope
from server.people.finding.sight import Seen, leave_looks, roles_of
from server.people.models import Child, Home, Person, Tie
from server.people.rules import Action, Role, may
from server.watch import evidence
from server.watch.facts import Facts
from server.watch.models import Watch
from server.web.rendering import language_of, zone_of


class Row(msgspec.Struct, frozen=True):
    """One child, ready to be shown. `group` is empty for who may not know the standing."""

    id: UUID
    path: str
    name: str
    home: str
    workers: Sequence[str]
    group: str
    icon: str
    word: str
    left_at: datetime | None


async def rows_of(
    request: Request, scope: Scope, children: Sequence[tuple[Seen, str]]
) -> list[Row]:
    """The children with their names as rows. Leaves a look at each without a tie."""
    shown = [child for child, _ in children]
    roles = await roles_of(scope, shown)
    about = await called_about(request, roles)
    standings = await _standings(request, roles, about)
    places = await _places([child.id for child in shown if child.knows], scope.now)
    left = await _left([child.id for child in shown])
    called = {child: alert for alert, child in about.items()}
    await leave_looks(request, shown)
    return [
        Row(
            child.id,
            _path(child.id, roles[child.id], called),
            name,
            *places.get(child.id, ("", ())),
            *standings.get(child.id, ("", "", "")),
            left.get(child.id),
        )
        for child, name in children
    ]


def _path(child_id: UUID, roles: Roles, called: Mapping[UUID, UUID]) -> str:
    """The child's page; else the alert that called the visitor, or the carer's card."""
    if may(roles, Action.HISTORY_SEE):
        return f"/desk/children/{child_id}"
    return f"/desk/alerts/{called[child_id]}" if child_id in called else f"/desk/#c{child_id.hex}"


async def _standings(
    request: Request, roles: Mapping[UUID, Roles], called: Collection[UUID]
) -> dict[UUID, tuple[str, str, str]]:
    """Group, drawing and word of each child, as on the board; to a carer, only that they are
    missing. `called`: the alerts that called the visitor."""
    seeing = [id_ for id_, held in roles.items() if may(held, Action.ALERT_SEE)]
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    returns = await returns_of(roles, language, zone, now=now)
    standings = {}
    for id_, facts in (await evidence.of(seeing, now)).items():
        facts = _as_seen(facts, roles[id_], called)
        alert = facts.alerts[0] if facts.alerts else None
        group = group_of(facts, alert, is_back=id_ in returns)
        icon, word = shown_as(facts, group, alert)
        standings[id_] = group.value, icon, gettext(language, word)
    cared = [
        id_
        for id_, held in roles.items()
        if id_ not in standings and may(held, Action.QUESTION_ANSWER)
    ]
    for watch in await Watch.filter(child_id__in=cared, is_missing=True):
        icon, word = look_of(Group.MISSING, None)
        standings[watch.child_id] = Group.MISSING.value, icon, gettext(language, word)
    return standings


def _as_seen(facts: Facts, roles: Roles, called: Collection[UUID]) -> Facts:
    if not is_only_called(roles, Action.ALERT_SEE):
        return facts
    return structs.replace(
        facts,
        alerts=tuple(alert for alert in facts.alerts if alert.id in called or Role.GLASS in roles),
    )


async def _places(ids: list[UUID], now: datetime) -> dict[UUID, tuple[str, tuple[str, ...]]]:
    """The name of the home, and of the caseworkers, the longest assigned first."""
    homes = dict(await Child.filter(id__in=ids).values_list("id", "home_id"))
    wanted = list({id_ for id_ in homes.values() if id_ is not None})
    names = dict(await Home.filter(id__in=wanted).values_list("id", "name"))
    ties = Tie.filter(Tie.standing_at(now), child_id__in=ids, role=Role.CASEWORKER)
    held = await ties.order_by("from_at", "id").values_list("child_id", "person_id")
    people = {person_id for _, person_id in held}
    names |= dict(await Person.filter(id__in=list(people)).values_list("id", "name"))
    return {
        id_: (
            names.get(home_id, ""),
            tuple(names[person_id] for child_id, person_id in held if child_id == id_),
        )
        for id_, home_id in homes.items()
    }


async def _left(ids: list[UUID]) -> dict[UUID, datetime]:
    rows = Child.filter(id__in=ids, left_at__isnull=False)
    return dict(await rows.values_list("id", "left_at"))
