"""A synthetic cohort: children who answer, forget, lose their phones, and some who go.

Every number is in figures.py, with its source. What a policy does on this cohort is not a field
result. The same N, days and seed give the same bytes.

The high tier is as in production: it refuses a rhythm with gaps as long as its ceiling. So a newly
placed child has agreed on more than one time a day. Where a milestone or a return asks for the high
tier and the rhythm is slower, a person sets the middle one.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

from server.clock import stamp
from server.simulation import around, check_ins, figures, going, placing
from server.simulation.life import DAY, HOUR, MINUTE, Absence, Life, Row, whole
from server.watch.rhythm.rules import Rhythm

BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)


def cohort(
    children: int, days: int, seed: int, progress: Callable[[int], None] = lambda _: None
) -> tuple[list[Row], list[Absence]]:
    """The events of a cohort in their order, and the truth that no policy may look at."""
    rows, truth = _server(days, seed), []
    for number in range(children):
        life = _life(number, days, seed)
        _live(life)
        rows += life.rows
        truth += life.absences
        progress(number + 1)
    rows.sort(key=lambda row: (row[0], row[1], row[2] != "placed"))
    truth.sort(key=lambda absence: (absence.left_at, absence.child))
    return rows, truth


def _server(days: int, seed: int) -> list[Row]:
    """Our own server is down now and then, for everyone."""
    random = Random(f"waymark cohort {seed} server")  # noqa: S311 (a simulation, and repeatable)
    rows: list[Row] = []
    for day in range(1, days):
        if random.random() < figures.SERVER_DOWN_MONTH / figures.MONTH_DAYS:
            at = BEGIN + (day + random.random()) * DAY
            until = at + random.expovariate(1 / figures.SERVER_DOWN_H) * HOUR + MINUTE
            rows.append((whole(at), "", "blind", {"until": stamp(until)}))
    return rows


def _life(number: int, days: int, seed: int) -> Life:
    random = Random(f"waymark cohort {seed} {number}")  # noqa: S311 (a simulation, and repeatable)
    kind = random.choices(figures.KINDS, [kind.share for kind in figures.KINDS])[0]
    times = placing.times(random, kind)
    # New placements come over the whole time, so that there are first nights throughout.
    late = random.random() * max(days - 30, 0) * 0.8 if kind.is_new else 0.0
    begin = whole(BEGIN + late * DAY + random.random() * 9 * HOUR)
    return Life(
        name=f"c{number:05}",
        random=random,
        kind=kind,
        zone=ZoneInfo(random.choice(figures.ZONES)),
        rhythm=Rhythm(times),
        has_carer=random.random() < kind.carer,
        begin=begin,
        end=BEGIN + days * DAY,
        settled_days=0 if kind.is_new else random.randint(60, 700),
        answers=random.betavariate(*figures.ANSWERS),
    )


def _live(life: Life) -> None:
    placing.placed(life)
    placing.milestones(life)
    going.go(life, going.usual(life))
    around.outages(life)
    around.pauses(life)
    around.carer(life)
    around.sightings(life)
    around.signs(life)
    check_ins.rounds(life)
    check_ins.called(life)
    life.rows.sort(key=lambda row: (row[0], row[2] != "placed"))
