"""The rows of a child go to another agency. One part of one step: `acceptance.accept`.

Every table that has rows of an agency is named here, or found by its columns. So a new table is
moved as well, or its author must say why not (`tests/records/test_moving.py`).
"""

from collections.abc import Iterator
from uuid import UUID

from tortoise import Tortoise
from tortoise.models import Model

from server.approvals.models import Approval
from server.audit.models import Entry
from server.auth.models import Device, Invite, Session
from server.missing.search.models import Episode, PaperSent, ReturnInterview, SearchHandover
from server.notify.models import Address, Message
from server.people.models import Child, Person, Tie
from server.records.transfer.models import Transfer

# These rows stay: the record cannot be changed, past ties are those of the former agency, and so
# are the messages that it sent, what its workers asked each other, and the transfer itself.
STAYS: tuple[type[Model], ...] = (Approval, Entry, Message, Tie, Transfer)
BY_PERSON: tuple[type[Model], ...] = (Address, Device, Invite, Session)
BY_EPISODE: tuple[type[Model], ...] = (PaperSent, SearchHandover, ReturnInterview)


def by_child() -> Iterator[type[Model]]:
    """Every table with rows of both a child and an agency that goes along."""
    for model in Tortoise.apps["server"].values():
        columns = {"agency_id", "child_id"}
        if columns <= set(model._meta.fields_map) and model not in (*STAYS, Child):
            yield model


async def move(child_id: UUID, to_agency_id: UUID) -> None:
    """Move the rows. The caller's transaction has locked the child."""
    new = {"agency_id": to_agency_id}
    # The file reference is the former agency's. The package that goes along has it.
    file = {"reference": None, "reference_index": None}
    await Child.filter(id=child_id).update(**new, **file, home_id=None)
    await Person.filter(id=child_id).update(**new, deputy_id=None)
    for model in by_child():
        await model.filter(child_id=child_id).update(**new)
    for model in BY_PERSON:
        await model.filter(person_id=child_id).update(**new)
    episodes = await Episode.filter(child_id=child_id).values_list("id", flat=True)
    for model in BY_EPISODE:
        await model.filter(episode_id__in=list(episodes)).update(**new)
