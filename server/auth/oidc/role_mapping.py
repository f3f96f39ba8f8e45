"""What an agency makes of its sign-in provider's word. The actions that write."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from server.audit.actions import Actor, note
from server.auth.models import ProviderTerms
from server.auth.oidc.claims import MAPPED
from server.errors import Refused
from server.i18n import N_
from server.people.models import Agency
from server.settings import Provider
from server.storage.db import write

NOT_SET_UP = N_("This way to sign in is not set up yet. Use another one.")


async def terms_of(provider: Provider) -> ProviderTerms | None:
    """What the agency makes of it; None if it has not said."""
    return await ProviderTerms.get_or_none(agency_id=provider.agency_id, provider=provider.name)


async def set_up(provider: Provider) -> ProviderTerms:
    """The same. Raises Refused if it opens nothing yet."""
    terms = await terms_of(provider)
    if terms is None:
        raise Refused(NOT_SET_UP)
    return terms


async def listed(providers: Iterable[Provider]) -> list[tuple[str, str]]:
    """The name and the button words of each provider that the sign-in page shows.

    Strangers must not learn which agencies there are. So there is no button until an administrator
    writes its words; colleagues use the address of the provider's own page.
    """
    configured = list(providers)
    if not configured:
        return []
    rows = await ProviderTerms.filter(
        provider__in=[provider.name for provider in configured], label__isnull=False
    )
    labels = {(row.agency_id, row.provider): row.label for row in rows}
    buttons = [
        (provider.name, labels.get((provider.agency_id, provider.name))) for provider in configured
    ]
    return [(name, label) for name, label in buttons if label]


class Terms(msgspec.Struct, frozen=True):
    """What an agency makes of the provider's word."""

    label: str
    claim: str
    roles: Mapping[str, Sequence[str]]
    strong: Sequence[str]
    adds_people: bool


async def change_terms(actor: Actor, provider: Provider, terms: Terms, now: datetime) -> None:
    """These terms count from now on. The same again changes nothing.

    Raises Refused for a value that would give two roles.
    """
    roles = {role.value: list(terms.roles.get(role.value, ())) for role in MAPPED}
    _check_terms(terms.claim, roles)
    columns: dict[str, Any] = {
        "label": terms.label or None,
        "claim": terms.claim,
        "roles": roles,
        "strong": list(terms.strong),
        "adds_people": terms.adds_people,
    }
    agency_id = provider.agency_id
    async with write():
        await Agency.filter(id=agency_id).select_for_update().get()
        row = await terms_of(provider)
        changed = [name for name in columns if row is None or getattr(row, name) != columns[name]]
        if not changed:
            return
        columns["changed_at"] = now
        if row is None:
            await ProviderTerms.create(agency_id=agency_id, provider=provider.name, **columns)
        else:
            await ProviderTerms.filter(id=row.id).update(**columns)
        about = ("agency", agency_id)
        await note(
            actor, "provider:change", about=about, names=changed, agency_id=agency_id, now=now
        )


def _check_terms(claim: str, roles: Mapping[str, Sequence[str]]) -> None:
    if not claim:
        raise Refused(N_("Enter the claim with the roles, such as groups."), field="claim")
    seen: set[str] = set()
    for role, values in roles.items():
        if not seen.isdisjoint(values):
            raise Refused(
                N_("Each value can give only one role. This one is entered twice."),
                field=role,
            )
        seen.update(values)
    if not seen:
        raise Refused(N_("Enter a value for at least one role."), field="caseworker")
