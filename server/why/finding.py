"""Which child is meant on the command line, and what the people of a night are called."""

from collections.abc import Callable, Iterable
from uuid import UUID

from server.auth.rules import fold
from server.i18n import N_, gettext
from server.people.models import Child, Person
from server.people.rules import Role
from server.people.words import ROLES
from server.why.witnesses import names_of_witnesses
from server.witnesses.models import Witness


async def child_named(which: str) -> Child:
    """By id, or by the whole name where only one child has it; also a child who has left. Raises
    ValueError with a sentence that says what to do."""
    try:
        wanted = [UUID(which)]
    except ValueError:
        # Names are sealed: all are read.
        people = await Person.filter(role=Role.CHILD).values_list("id", "name")
        wanted = [id_ for id_, name in people if fold(name) == fold(which)]
    children = await Child.filter(id__in=wanted).order_by("id")
    if not children:
        raise ValueError(
            "There is no child with this name or id. A name is written whole, as on the desk."
        )
    if len(children) > 1:
        ids = ", ".join(str(child.id) for child in children)
        raise ValueError(f"{len(children)} children have this name. Give the id: {ids}.")
    return children[0]


async def names_of(people: Iterable[UUID], language: str, agency_id: UUID) -> Callable[[UUID], str]:
    """What a page calls them: by their names. People of another agency, where a child was before,
    have none here."""
    people = list(people)
    rows = await Person.filter(id__in=people, agency_id=agency_id).values_list("id", "name")
    names = {**dict(rows), **await names_of_witnesses(people, agency_id)}
    other = gettext(language, N_("a person of another agency"))
    return lambda id_: names.get(id_, other)


async def own_names(people: Iterable[UUID], agency_id: UUID) -> Callable[[UUID], str | None]:
    """The names of people and witnesses of this agency, as the child reads them; None for anyone
    else."""
    people = list(people)
    rows = Person.filter(id__in=people, agency_id=agency_id)
    names = dict(await rows.values_list("id", "name"))
    return {**names, **await names_of_witnesses(people, agency_id)}.get


async def codes_of(people: Iterable[UUID], child_id: UUID) -> Callable[[UUID], str]:
    """What the command calls them: by role and id. An operator needs no names."""
    people = list(people)
    rows = await Person.filter(id__in=people).values_list("id", "role")
    codes = {id_: f"{ROLES[Role(role)]} {id_}" for id_, role in rows}
    kinds = await Witness.filter(id__in=people).values_list("id", "kind")
    codes |= {id_: f"witness ({kind}) {id_}" for id_, kind in kinds}
    codes[child_id] = "the child"
    return lambda id_: codes.get(id_, f"person {id_}")
