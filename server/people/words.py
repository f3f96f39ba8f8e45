"""The words for roles and faults that several pages share."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import FormData

from server.errors import See, WaymarkError
from server.i18n import N_, gettext
from server.people.models import Person
from server.people.rules import Role
from server.web.responses import way_of

ROLES: Mapping[Role, str] = {
    Role.CHILD: N_("child"),
    Role.CASEWORKER: N_("caseworker"),
    Role.SUPERVISOR: N_("supervisor"),
    Role.GUARDIAN: N_("guardian"),
    Role.CARER: N_("carer"),
    Role.ADVOCATE: N_("advocate"),
    Role.ADMINISTRATOR: N_("administrator"),
}


@dataclass(frozen=True, slots=True)
class FormFault:
    """What is wrong in a form, in the reader's language, and at which question. `see`: the page of
    what it names, and the words of the link."""

    field: str | None
    text: str
    see: See | None = None


def form_fault(error: WaymarkError, language: str) -> FormFault:
    """A fault for a form that is shown again."""
    values = {**error.extra, "field": error.field or ""}
    return FormFault(
        error.field, gettext(language, error.detail, **values), way_of(error, language)
    )


def name_and_role(person: Person, language: str) -> str:
    """A person as an option to choose: two may have the same name."""
    role = gettext(language, ROLES[Role(person.role)])
    return gettext(language, N_("{name}, {role}"), name=person.name, role=role)


def words_for(roles: list[Role], language: str) -> list[tuple[str, str]]:
    """Roles as options to choose from."""
    return [(role.value, gettext(language, ROLES[role])) for role in roles]


def entered(form: FormData, name: str) -> str:
    """What was typed there; empty where the field is missing."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""
