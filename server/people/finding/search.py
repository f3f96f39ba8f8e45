"""Children by their exact name."""

from uuid import UUID

from server.people.models import Child, Person


async def exact(agency_id: UUID, text: str) -> list[UUID]:
    """The placed children of the agency with exactly this full name."""
    wanted = " ".join(text.split()).casefold()
    ids = await Child.filter(agency_id=agency_id, left_at__isnull=True).values_list("id", flat=True)
    people = await Person.filter(id__in=list(ids))
    return [person.id for person in people if person.name.casefold() == wanted]
