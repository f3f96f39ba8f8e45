"""What the tests of this room share: a time of a child, told, in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from server.clock import known_zone
from server.people.models import Child, Person
from server.why.events import Period, last_day, night_of
from server.why.finding import names_of
from server.why.night import Told, tell
from server.why.wording import Reader, people_in
from tests.cast import Cast


@dataclass(frozen=True)
class Reading:
    """A time of a child, as it is read."""

    told: Told
    reader: Reader

    @property
    def answer(self) -> str:
        return self.reader.answer(self.told.answer)

    @property
    def codes(self) -> list[str]:
        return [event.code for event in self.told.events]

    @property
    def lines(self) -> list[str]:
        zone = self.reader.zone
        return [
            " ".join(
                filter(
                    None,
                    [
                        f"{event.at.astimezone(zone):%H:%M}",
                        self.reader.sentence(event),
                        self.reader.because(event),
                    ],
                )
            )
            for event in self.told.events
        ]

    def of(self, code: str) -> list[str]:
        """The lines whose code begins so."""
        return [
            line for line, each in zip(self.lines, self.codes, strict=True) if each.startswith(code)
        ]


async def read(
    cast: Cast,
    name: str = "mia",
    *,
    period: Period | None = None,
    night: date | None = None,
    language: str = "en",
) -> Reading:
    """A time of a child, the last day where none is chosen."""
    child, now = await Child.get(id=cast.children[name].id), cast.clock()
    zone = known_zone((await Person.get(id=child.id)).zone)
    if night is not None:
        period = night_of(night, zone)
    told = await tell(child, period or last_day(now), now)
    people = people_in(told.events, told.answer.values) | {child.id}
    names = await names_of(people, language, child.agency_id)
    return Reading(told, Reader(language, zone, names, told.period.begin, child.id))
