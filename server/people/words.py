"""The words for roles and faults that several pages share."""

from collections.abc import Mapping

import msgspec
from starlette.datastructures import FormData

from server.errors import Incomplete, See, WaymarkError
from server.i18n import N_, gettext
from server.people.models import Person
from server.people.rules import Role
from server.web.responses import ask_of, sentence_of, way_of

ROLES: Mapping[Role, str] = {
    Role.CHILD: N_("child"),
    Role.CASEWORKER: N_("caseworker"),
    Role.SUPERVISOR: N_("supervisor"),
    Role.GUARDIAN: N_("guardian"),
    Role.CARER: N_("carer"),
    Role.ADVOCATE: N_("advocate"),
    Role.ADMINISTRATOR: N_("administrator"),
    Role.OVERSIGHT: N_("oversight"),
}


class FormFault(msgspec.Struct, frozen=True):
    """What is wrong in a form, in the reader's language, and at which question. `see`: the page of
    what it names, and the words of the link. `also`: what is wrong at further questions."""

    field: str | None
    text: str
    see: See | None = None
    also: Mapping[str, str] = msgspec.field(default_factory=dict)

    def at(self, name: str) -> str | None:
        """What is wrong at this question; None where nothing is."""
        return self.text if name == self.field else self.also.get(name)


def form_fault(error: WaymarkError, language: str) -> FormFault:
    """A fault for a form that is shown again."""
    asks = error.asks if isinstance(error, Incomplete) else {}
    also = {name: ask_of(ask, language) for name, ask in asks.items()}
    text, see = sentence_of(error, language), way_of(error, language)
    return FormFault(error.field, text, see, also)


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
