"""The adults that a person in a home calls about a child who is not there. Reads rows only.

A person in a home needs no right to the child for it, so it is the names and the work numbers of
colleagues, and never a number of the child or their family.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from server.alerts.ladder import Cause, Reachable, people_on
from server.alerts.models import Alert
from server.alerts.recipients import reach_of
from server.alerts.words import NOT_HERE
from server.i18n import N_, gettext
from server.people.models import Agency, Person
from server.phone_numbers import tel
from server.policy.model import Rung

# The first ones who can be called; more are no help at night.
MOST = 2
HAS_IT, ON_DUTY, CASEWORKER, SUPERVISOR = "has_it", "on_duty", "caseworker", "supervisor"
AS: Mapping[str, str] = {
    HAS_IT: N_("has the alert"),
    ON_DUTY: N_("on duty now"),
    CASEWORKER: N_("caseworker"),
    SUPERVISOR: N_("supervisor"),
}
_RUNGS = ((ON_DUTY, Rung.ON_DUTY), (CASEWORKER, Rung.CASEWORKER), (SUPERVISOR, Rung.MANAGER))


class Contact(msgspec.Struct, frozen=True):
    """A person, or the agency, to call. `what`: why them, in words; empty for the agency. `href`:
    the link that calls; None where we have no number for them."""

    name: str
    what: str
    number: str = ""
    href: str | None = None


class Calling(msgspec.Struct, frozen=True):
    """Who to call about one child, and the open alerts about them."""

    contacts: Sequence[Contact]
    alerts: Sequence[Alert]

    @property
    def is_searched(self) -> bool:
        """Whether they are reported missing, and nobody has ended the search."""
        return any(alert.cause == Cause.MISSING for alert in self.alerts)

    def is_open_after(self, *, was_away: bool) -> bool:
        """Whether a search is open, or an alert that may be about what the home said: it said "not
        here" at this roll call (`was_away`), or an earlier one opened it."""
        if self.is_searched:
            return True
        of_silence = [alert for alert in self.alerts if alert.cause == Cause.SILENCE]
        return any(was_away or alert.reason == NOT_HERE for alert in of_silence)


async def calling_of(
    children: Collection[UUID], agency_id: UUID, but: UUID | None, language: str, now: datetime
) -> dict[UUID, Calling]:
    """Of each of these children: the adult who has the alert, a person on duty, the caseworker; the
    first two of these, without the reader (`but`). Those with a number come first; where none has
    one, the agency's own number is added."""
    if not children:
        return {}
    reach = await reach_of(dict.fromkeys(children, agency_id), now)
    alerts: dict[UUID, list[Alert]] = {child_id: [] for child_id in children}
    held = Alert.filter(child_id__in=list(children), closed_at__isnull=True)
    for alert in await held.order_by("opened_at", "id"):
        alerts[alert.child_id].append(alert)
    chosen = {id_: _chosen(reach[id_], alerts[id_], but) for id_ in children}
    people = await _people({person for each in chosen.values() for person in each})
    agency = await Agency.get(id=agency_id)
    return {
        id_: Calling(_contacts(each, people, agency, language), alerts[id_])
        for id_, each in chosen.items()
    }


def _chosen(reach: Reachable, alerts: Sequence[Alert], but: UUID | None) -> dict[UUID, str]:
    """The people, with why, in the order in which to call them."""
    chosen = {
        alert.acknowledged_by: HAS_IT
        for alert in alerts
        if alert.acknowledged_by is not None and alert.held_until is not None
    }
    for what, rung in _RUNGS:
        if rung is Rung.MANAGER and chosen:
            break
        for person in people_on(rung, reach.on(rung)):
            chosen.setdefault(person, what)
    if but is not None:
        chosen.pop(but, None)
    return chosen


async def _people(ids: Collection[UUID]) -> dict[UUID, Person]:
    rows = await Person.filter(id__in=list(ids), disabled_at__isnull=True)
    return {person.id: person for person in rows}


def _contacts(
    chosen: Mapping[UUID, str], people: Mapping[UUID, Person], agency: Agency, language: str
) -> list[Contact]:
    first: dict[str, Contact] = {}
    for id_, what in chosen.items():
        if id_ in people:
            contact = _contact(people[id_].name, gettext(language, AS[what]), people[id_].phone)
            if what not in first or (first[what].href is None and contact.href):
                first[what] = contact
    # The sort keeps the order of those with a number.
    contacts = sorted(first.values(), key=lambda contact: contact.href is None)[:MOST]
    if not any(contact.href for contact in contacts) and agency.help_phone:
        contacts.append(_contact(agency.name, "", agency.help_phone))
    return contacts


def _contact(name: str, what: str, phone: str | None) -> Contact:
    href = tel(phone) if phone else None
    return Contact(name, what, phone or "", href) if href else Contact(name, what)
