"""Reading questions and answers: the child their own, adults those that are for them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from server.people.models import Person, Tie
from server.people.rules import Role
from server.questions.models import RecordQuestion
from server.questions.rules import AskedOf, may_read

# Of one answer to a phone, and of one page of the desk.
OF_A_PHONE, OF_A_PAGE = 50, 20


async def own(child_id: UUID, before: UUID | None) -> tuple[list[RecordQuestion], UUID | None]:
    """The child's questions, the newest first, and where the next part begins; None: the last."""
    rows = RecordQuestion.filter(child_id=child_id)
    last = await rows.get_or_none(id=before) if before is not None else None
    if last is not None:
        rows = rows.filter(
            Q(asked_at__lt=last.asked_at) | Q(asked_at=last.asked_at, id__lt=last.id)
        )
    page = await rows.order_by("-asked_at", "-id").limit(OF_A_PHONE + 1)
    shown = page[:OF_A_PHONE]
    return shown, shown[-1].id if len(page) > OF_A_PHONE else None


def _for(child_id: UUID, roles: frozenset[Role]) -> QuerySet[RecordQuestion]:
    """The questions that an adult with these roles for the child may read."""
    readable = [to.value for to in AskedOf if may_read(to, roles)]
    return RecordQuestion.filter(child_id=child_id, to_role__in=readable)


async def waiting(child_id: UUID, roles: frozenset[Role]) -> int:
    """How many wait for an answer of this reader."""
    return await _for(child_id, roles).filter(answered_at__isnull=True).count()


async def unanswered(child_id: UUID, roles: frozenset[Role]) -> list[RecordQuestion]:
    """Those that wait, the oldest first. `rules.MOST_WAITING` bounds them."""
    return await _for(child_id, roles).filter(answered_at__isnull=True).order_by("asked_at", "id")


async def answered(
    child_id: UUID, roles: frozenset[Role], page: int
) -> tuple[list[RecordQuestion], int]:
    """One page of those with an answer, the latest first, and how many pages there are."""
    rows = _for(child_id, roles).filter(answered_at__isnull=False)
    pages = max(1, -(-await rows.count() // OF_A_PAGE))
    shown = rows.order_by("-answered_at", "-id").offset((page - 1) * OF_A_PAGE).limit(OF_A_PAGE)
    return await shown, pages


async def readable(
    child_id: UUID, question_id: UUID, roles: frozenset[Role]
) -> RecordQuestion | None:
    """This question, if the reader may read it."""
    return await _for(child_id, roles).get_or_none(id=question_id)


async def last_answered(child_id: UUID) -> datetime | None:
    """When the latest answer to the child came."""
    rows = RecordQuestion.filter(child_id=child_id, answered_at__isnull=False)
    last = await rows.order_by("-answered_at").first()
    return last.answered_at if last is not None else None


async def names(questions: Iterable[RecordQuestion]) -> Mapping[UUID, str]:
    """Who answered, by name."""
    ids = {question.answered_by for question in questions if question.answered_by is not None}
    people = await Person.filter(id__in=list(ids)).values_list("id", "name")
    return dict(people)


async def who_can_be_asked(child_id: UUID, now: datetime) -> Mapping[AskedOf, Sequence[str]]:
    """The people who would be asked, by name. A role may have nobody at the moment: then those who
    stand in are asked."""
    ties = Tie.filter(
        Tie.standing_at(now),
        child_id=child_id,
        role__in=[to.value for to in AskedOf],
        person__disabled_at__isnull=True,
    ).prefetch_related("person")
    by_role: dict[AskedOf, set[str]] = {to: set() for to in AskedOf}
    for tie in await ties:
        by_role[AskedOf(tie.role.value)].add(tie.person.name)
    return {to: sorted(people) for to, people in by_role.items()}
