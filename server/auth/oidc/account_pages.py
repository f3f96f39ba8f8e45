"""Accounts at a sign-in provider: one's own; for administrators, what the accounts open and which
person each belongs to."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.auth.models import Identity
from server.auth.oidc import account_linking, role_mapping
from server.auth.oidc.claims import MAPPED
from server.auth.oidc.pages import OWN, provider_of
from server.auth.redirects import to
from server.auth.rules import spaced
from server.auth.second_factor import factors
from server.auth.second_factor.reauthentication import fresh
from server.errors import Refused
from server.i18n import N_
from server.people.access import Visitor, agency_for, nothing_here, now_of, staff_of
from server.people.models import Person
from server.people.rules import AgencyAction, Role
from server.people.words import ROLES, entered, form_fault, words_for
from server.settings import Provider
from server.web.rendering import language_of, page
from server.web.requests import form_body

PAGE = "/desk/people/accounts"
LONGEST_LABEL, LONGEST_CLAIM, LONGEST_VALUE, MOST_VALUES = 60, 120, 200, 50


async def own(request: Request) -> Response:
    """By which account of your organisation you come in."""
    visitor = await staff_of(request)
    tied = await Identity.filter(person_id=visitor.person_id)
    by_name = {identity.provider: identity for identity in tied}
    context = {
        "accounts": [
            (provider.name, by_name.get(provider.name)) for provider in _providers(request, visitor)
        ],
        "saved": request.query_params.get("saved", ""),
        "now": now_of(request),
    }
    return page(request, "auth/own_accounts.html", context)


# --- for administrators


async def show(request: Request) -> Response:
    """What each provider's word opens, and which people have an account there."""
    return await _page(request, await agency_for(request, AgencyAction.PEOPLE_CHANGE))


async def change(request: Request) -> Response:
    """Another label, claim or mapping."""
    await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    visitor, provider = await fresh(request, back=PAGE), provider_of(request)
    _check(provider, visitor)
    form = await form_body(request)
    submitted = {name: entered(form, name) for name in _FIELDS}
    try:
        terms = role_mapping.Terms(
            label=_short(submitted["label"], "label", LONGEST_LABEL),
            claim=_short(submitted["claim"], "claim", LONGEST_CLAIM),
            roles={role.value: _values(submitted[role.value], role.value) for role in MAPPED},
            strong=_values(submitted["strong"], "strong"),
            adds_people=submitted["adds_people"] == "true",
        )
        await role_mapping.change_terms(visitor, provider, terms, now_of(request))
    except Refused as fault:
        return await _page(
            request, visitor, fault=fault, submitted={"of": provider.name, **submitted}
        )
    return to(f"{PAGE}?saved=yes")


async def welcome(request: Request) -> Response:
    """A code for a colleague, shown this once."""
    await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    visitor, provider = await fresh(request, back=PAGE), provider_of(request)
    person = await _person(request, provider, visitor)
    code = await account_linking.welcome(visitor, provider, person, now_of(request))
    address = f"{request.app.state.settings.public_url}/sign-in/with/{provider.name}"
    context = {"person": person, "code": spaced(code), "address": address}
    return page(request, "auth/welcome_code.html", context, status=201)


async def untie(request: Request) -> Response:
    """The account is theirs no longer."""
    await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    visitor, provider = await fresh(request, back=PAGE), provider_of(request)
    person = await _person(request, provider, visitor)
    await account_linking.untie(visitor, provider, person, now_of(request))
    is_told = await factors.can_tell(person.id, now_of(request))
    return to(f"{PAGE}?saved={'untied' if is_told else 'untied-untold'}")


_FIELDS = ("label", "claim", *(role.value for role in MAPPED), "strong", "adds_people")


def _providers(request: Request, visitor: Visitor) -> list[Provider]:
    providers = request.app.state.settings.oidc.values()
    return [provider for provider in providers if provider.agency_id == visitor.agency_id]


def _check(provider: Provider, visitor: Visitor) -> None:
    if provider.agency_id != visitor.agency_id:
        raise nothing_here()


async def _person(request: Request, provider: Provider, visitor: Visitor) -> Person:
    _check(provider, visitor)
    person = await Person.get_or_none(
        id=request.path_params["person_id"],
        agency_id=visitor.agency_id,
        disabled_at__isnull=True,
    )
    if person is None or person.role == Role.CHILD:
        raise nothing_here()
    return person


def _short(text: str, field: str, longest: int) -> str:
    if len(text) > longest or not text.isprintable():
        raise Refused(N_("Use a short name or a few plain words."), field=field)
    return text


def _values(text: str, field: str) -> list[str]:
    """One a line: a group of a directory has commas in its name."""
    values = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if len(values) > MOST_VALUES or any(len(value) > LONGEST_VALUE for value in values):
        raise Refused(
            N_("Enter one value a line, up to 50, as the provider sends them."), field=field
        )
    return values


async def _page(
    request: Request,
    visitor: Visitor,
    *,
    fault: Refused | None = None,
    submitted: dict[str, str] | None = None,
) -> Response:
    language = language_of(request)
    adults = await Person.filter(agency_id=visitor.agency_id, disabled_at__isnull=True).exclude(
        role=Role.CHILD
    )
    context: dict[str, Any] = {
        "providers": [
            await _one(request, provider, submitted) for provider in _providers(request, visitor)
        ],
        # Names are sealed: only we can sort them.
        "people": sorted(adults, key=lambda person: person.name.casefold()),
        "role_words": dict(words_for(list(ROLES), language)),
        "roles": words_for(list(MAPPED), language),
        "fields": _FIELDS,
        "saved": request.query_params.get("saved", ""),
        "error": form_fault(fault, language) if fault else None,
        "now": now_of(request),
    }
    return page(request, "auth/accounts.html", context, status=fault.status if fault else 200)


async def _one(
    request: Request, provider: Provider, submitted: dict[str, str] | None
) -> dict[str, Any]:
    row = await role_mapping.terms_of(provider)
    given = {
        "label": row.label or "" if row else "",
        "claim": row.claim if row else "groups",
        "strong": "\n".join(row.strong) if row else "",
        "adds_people": "true" if row and row.adds_people else "",
        **{role.value: "\n".join(row.roles.get(role.value, [])) if row else "" for role in MAPPED},
    }
    is_said = submitted is not None and submitted["of"] == provider.name
    public_url = request.app.state.settings.public_url
    tied = await Identity.filter(agency_id=provider.agency_id, provider=provider.name)
    return {
        "name": provider.name,
        "issuer": provider.issuer,
        "address": f"{public_url}/sign-in/with/{provider.name}",
        "back": f"{public_url}/sign-in/with/{provider.name}/back",
        "is_set_up": row is not None,
        "given": submitted if is_said else given,
        "has_fault": is_said,
        "tied": {identity.person_id: identity for identity in tied},
    }


_ONE = f"{PAGE}/{{provider}}"

routes = [
    Route(OWN, own, methods=["GET"]),
    Route(PAGE, show, methods=["GET"]),
    Route(_ONE, change, methods=["POST"]),
    Route(f"{_ONE}/people/{{person_id:uuid}}/code", welcome, methods=["POST"]),
    Route(f"{_ONE}/people/{{person_id:uuid}}/untie", untie, methods=["POST"]),
]
