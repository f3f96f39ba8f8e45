"""What schools, clubs and other witnesses were asked about a child, and what they said.

Each query is bounded by the child and the time.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from server.clock import known_zone
from server.people.models import Person
from server.policy.model import Tier
from server.policy.roll_call import Word
from server.watch.models import WitnessWord
from server.why.asked import MOST, Night, at_time
from server.why.events import Event, Period, Value
from server.witnesses.models import Witness, WitnessChild, WitnessList


async def of_witnesses(child_id: UUID, period: Period, night: Night) -> list[Event]:
    """When each was asked, whether that list stayed empty, and each word about the child, with what
    it weighed by the policy of that time."""
    rows = WitnessWord.filter(child_id=child_id, at__gte=period.begin, at__lt=period.end)
    words = await rows.order_by("at", "id").limit(MOST)
    zone = known_zone((await Person.get(id=child_id)).zone)
    return [
        *(event for sheet in await _lists(child_id, period) for event in _of_list(sheet, words)),
        *(_of_word(word, night, word.said_at.astimezone(zone)) for word in words),
    ]


async def _lists(child_id: UUID, period: Period) -> list[WitnessList]:
    """The lists of this time on which the child was."""
    held = WitnessChild.filter(Q(until_at__isnull=True) | Q(until_at__gt=period.begin))
    seats = await held.filter(child_id=child_id, from_at__lt=period.end).limit(MOST)
    asked = WitnessList.filter(
        witness_id__in=[seat.witness_id for seat in seats],
        due_at__gte=period.begin,
        due_at__lt=period.end,
        asked_at__isnull=False,
    )
    lists = await asked.order_by("due_at", "id").limit(MOST)
    return [sheet for sheet in lists if any(_was_on(seat, sheet) for seat in seats)]


def _was_on(seat: WitnessChild, sheet: WitnessList) -> bool:
    return (
        seat.witness_id == sheet.witness_id
        and seat.from_at <= sheet.due_at
        and (seat.until_at is None or seat.until_at > sheet.due_at)
    )


def _of_list(sheet: WitnessList, words: Sequence[WitnessWord]) -> list[Event]:
    assert sheet.asked_at is not None
    values: dict[str, Value] = {"who": sheet.witness_id, "due": sheet.due_at}
    events = [Event(sheet.asked_at, "witness.asked", values)]
    told_at = sheet.told_at
    has_word = any(word.list_id == sheet.id and told_at and word.at <= told_at for word in words)
    if told_at is not None and not has_word:
        events.append(Event(told_at, "witness.undone", values))
    return events


def _of_word(row: WitnessWord, night: Night, local: datetime) -> Event:
    values: dict[str, Value] = {"who": row.witness_id}
    because = ["word_no_answer"]
    if row.by_id is not None:
        values["by"], because = row.by_id, ["word_file", *because]
    waiting = night.open_at(row.at)
    if waiting is not None and waiting.tier is not None:
        policy = at_time(night.versions, row.at).rules
        weighs = policy.tiers[Tier(waiting.tier)].steps.doubt is not None
        times = policy.witness.ratio(Word(row.word), local, waiting.tier) if weighs else 1.0
        values["times"] = f"{max(times, 1 / times):.3g}"
        code = "word_raised" if times > 1 else "word_lowered"
        because.append(code if times != 1 else "word_weightless")
    return Event(row.at, f"witness.{row.word}", values, tuple(because))


async def names_of_witnesses(ids: Iterable[UUID], agency_id: UUID) -> dict[UUID, str]:
    """The names of those among these ids that are witnesses of this agency."""
    rows = await Witness.filter(id__in=list(ids), agency_id=agency_id)
    return {row.id: row.name for row in rows}
